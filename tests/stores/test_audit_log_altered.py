"""An audit log whose whole lines somebody has altered: a start hides nothing of that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audited import an_entry, write
from runreel.audit import verification
from runreel.audit.entries import Link, chained
from runreel.audit.entries import entry_line as line_of
from runreel.audit.log_reader import opened as read
from runreel.errors import StartRefused


def _altered(log: Any, folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> Path:
    """A log of three entries, left without a checkpoint, whose lines were changed since."""
    write(log, "a", "b", "c")
    log._let_go()
    path = folder / "metadata.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    return path


def _finding(folder: Path) -> tuple[int | None, int | None]:
    """Line and entry of the first that verify finds."""
    with read(folder) as log:
        first = verification.verify(log.entries, log.checkpoints).findings[0]
    return first.line, first.seq


def _last_edited(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-1].replace(b'"stage":"c"', b'"stage":"x"')]


@pytest.mark.parametrize(
    ("change", "bad", "which"),
    [
        (_last_edited, 1, "last line is no entry"),
        (lambda lines: [*lines[:2], b"{}\n"], 1, "last line is no entry"),
        (lambda lines: [*lines[:1], b"{}\n", b"\n"], 2, "last 2 lines are no entries"),
    ],
)
def test_a_whole_line_that_is_no_entry_stays_is_told_and_stays_the_first_bad_one(
    opened: Any,
    tmp_path: Path,
    change: Callable[[list[bytes]], list[bytes]],
    bad: int,
    which: str,
) -> None:
    folder = tmp_path / "audit"
    path = _altered(opened(), folder, change)
    before = path.read_bytes()

    second = opened()
    write(second, "d")
    second.close()

    assert path.read_bytes().startswith(before)
    assert list(folder.glob("*.torn")) == []
    assert _finding(folder) == (4 - bad, 4 - bad)
    told = (
        f"{path}: the {which} of an audit log: altered since, or put there by somebody else; "
        "nothing was removed, and runreel audit verify names the place"
    )
    assert second.notes == [told]


@pytest.mark.parametrize("kept", [3, 2])
def test_the_chain_after_such_a_line_fits_neither_to_the_old_line_nor_to_none(
    opened: Any, tmp_path: Path, kept: int
) -> None:
    folder = tmp_path / "audit"
    whole: list[bytes] = []

    def change(lines: list[bytes]) -> list[bytes]:
        whole.extend(lines)
        return _last_edited(lines)

    path = _altered(opened(), folder, change)
    write(opened(), "d")
    after = path.read_bytes().splitlines(keepends=True)[3:]

    path.write_bytes(b"".join([*whole[:kept], *after]))

    assert _finding(folder) == (kept + 1, kept + 1)


def test_a_file_of_something_else_is_not_continued(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "metadata.jsonl").write_bytes(b"notes of mine\n")

    with pytest.raises(StartRefused, match="holds no entry of an audit log; restore it, or set"):
        opened()


@pytest.mark.parametrize(
    "alien",
    [b'{"intent":[1],"kind":"outcome"}\n', b'{"kind":"intent","seq":3}\n', b'{"kind":[]}\n'],
)
def test_a_line_that_is_no_entry_does_not_keep_open_changes_from_being_concluded(
    opened: Any, tmp_path: Path, alien: bytes
) -> None:
    folder = tmp_path / "audit"
    first = opened()
    first.append([an_entry()], durable=True)
    _altered(first, folder, lambda lines: [lines[0], alien, *lines[1:]])

    second = opened()

    assert second.notes[0].endswith("what became of it is logged as unknown (entry 1)")


def test_open_changes_are_found_in_a_file_larger_than_what_is_searched(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runreel.audit.store.SEARCHED_BYTES_MAX", 100)
    first = opened()
    first.append([an_entry()], durable=True)
    first._let_go()

    second = opened()

    assert second.notes[0].endswith("what became of it is logged as unknown (entry 1)")


def _to_two_entries(folder: Path) -> None:
    path = folder / "metadata.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))


def _to_an_empty_log(folder: Path) -> None:
    (folder / "metadata.jsonl").unlink()


def _rewritten_at(where: int) -> Callable[[Path], None]:
    """The log with another value from that entry on, each with a hash that fits."""

    def rewrite(folder: Path) -> None:
        link, lines = Link(), []
        for number in range(1, 6):
            after = {"stage": "x" if number >= where else "abcde"[number - 1]}
            entry = chained(link, an_entry(kind="observation", after=after))
            link = Link(entry.seq, entry.hash)
            lines.append(line_of(entry))
        (folder / "metadata.jsonl").write_bytes(b"".join(lines))

    return rewrite


def _checkpoint_spoilt(folder: Path) -> None:
    (folder / "checkpoints.log").write_bytes(b"[4]\n")


def _left(opened: Any) -> None:
    """A log of five entries with a checkpoint after the fourth."""
    log = opened(checkpoint_entries=4)
    write(log, *"abcde")
    log._let_go()


@pytest.mark.parametrize(
    "deed",
    [_to_two_entries, _to_an_empty_log, _rewritten_at(4), _rewritten_at(1), _checkpoint_spoilt],
)
def test_a_start_tells_once_that_the_last_checkpoint_does_not_fit_and_goes_on(
    opened: Any, tmp_path: Path, deed: Callable[[Path], None]
) -> None:
    folder = tmp_path / "audit"
    _left(opened)
    deed(folder)

    second = opened()
    write(second, "f")
    second.close()

    told = (
        f"{folder}/checkpoints.log: the last checkpoint does not fit the log, which was cut off, "
        "rolled back or rewritten since, or it was altered itself; runreel audit verify names the "
        "place"
    )
    assert second.notes.count(told) == 1
    assert _finding(folder) is not None


@pytest.mark.parametrize("rotate_bytes", [1_000_000, 1_500])
def test_a_start_says_nothing_of_a_checkpoint_that_fits(opened: Any, rotate_bytes: int) -> None:
    first = opened(rotate_bytes, checkpoint_entries=4)
    write(first, *"abcdefg")
    first._let_go()

    second = opened()
    second.close()

    assert second.notes == opened().notes == []
