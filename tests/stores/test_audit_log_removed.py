"""An audit log that somebody removes or replaces while it is written: nobody writes unseen."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audited import an_entry, log_in, stages, write
from runreel.audit import verification
from runreel.audit.log_reader import opened as read
from runreel.errors import StartRefused, StoreFailed


def _folder_emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _file_removed(folder: Path) -> None:
    (folder / "metadata.jsonl").unlink()


def _file_replaced(folder: Path) -> None:
    (folder / "metadata.jsonl").rename(folder / "mine")
    (folder / "metadata.jsonl").write_bytes(b"")


def _lock_removed(folder: Path) -> None:
    (folder / ".metadata.lock").unlink()


def _first_bad(folder: Path) -> tuple[str, int | None] | None:
    with read(folder) as log:
        findings = verification.verify(log.entries, log.checkpoints).findings
    return (findings[0].kind, findings[0].seq) if findings else None


@pytest.mark.parametrize(
    ("deed", "which"),
    [
        (_folder_emptied, ".metadata.lock"),
        (shutil.rmtree, ".metadata.lock"),
        (_lock_removed, ".metadata.lock"),
        (_file_removed, "metadata.jsonl"),
        (_file_replaced, "metadata.jsonl"),
    ],
)
@pytest.mark.parametrize("durable", [True, False])
def test_a_log_that_is_not_at_its_path_any_more_refuses_the_next_entry_and_says_why(
    opened: Any, tmp_path: Path, deed: Callable[[Path], None], which: str, durable: bool
) -> None:
    log = opened()
    write(log, "a")
    deed(tmp_path / "audit")

    with pytest.raises(StoreFailed) as caught:
        write(log, "lost", durable=durable)

    assert str(caught.value) == (
        f"{tmp_path}/audit/metadata.jsonl: the audit log cannot be written: {which} was removed or "
        "replaced while runreel ran"
    )


@pytest.mark.parametrize("deed", [_folder_emptied, shutil.rmtree, _file_removed, _file_replaced])
def test_it_goes_on_there_under_its_own_lock_and_verify_names_the_gap(
    opened: Any, tmp_path: Path, deed: Callable[[Path], None]
) -> None:
    folder = tmp_path / "audit"
    log = opened()
    key = log.key()
    write(log, "a", "b")
    deed(folder)
    with pytest.raises(StoreFailed):
        write(log, "lost")

    write(log, "c")
    with pytest.raises(StartRefused, match="is being written by another runreel"):
        opened()
    log.close()

    told = (
        f"{folder}/metadata.jsonl: goes on after entry 2, which is not there any more; put back "
        "what was removed, or runreel audit verify names the gap"
    )
    assert log.notes == [told]
    assert b'"seq":3,' in (folder / "metadata.jsonl").read_bytes()
    assert _first_bad(folder) == ("entry", 1)
    assert (folder / "actor.key").read_bytes() == key
    assert not (folder / ".metadata.lock").exists()


def test_who_only_lost_the_lock_takes_it_again_and_loses_nothing(
    opened: Any, tmp_path: Path
) -> None:
    log = opened()
    write(log, "a", durable=False)
    _lock_removed(tmp_path / "audit")
    with pytest.raises(StoreFailed):
        write(log, "lost")

    write(log, "b")
    log.close()

    assert stages(tmp_path / "audit") == ["a", "b"]
    assert log.notes == []


def test_a_second_writer_in_a_new_folder_keeps_the_first_out_until_it_ends(
    opened: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "audit"
    first = opened()
    write(first, "a")
    _folder_emptied(folder)
    second = opened()
    write(second, "x", "y")

    for why in ("was removed or replaced", "is being written by another runreel"):
        with pytest.raises(StoreFailed, match=why):
            write(first, "lost")
    write(second, "z")
    second.close()
    write(first, "b")

    assert first.key() == (folder / "actor.key").read_bytes()
    first.close()
    assert _first_bad(folder) == ("entry", 4)


def test_who_lost_the_lock_does_not_remove_the_lock_of_another(opened: Any, tmp_path: Path) -> None:
    first = opened()
    write(first, "a")
    _folder_emptied(tmp_path / "audit")
    opened()

    with pytest.raises(StoreFailed, match="was removed or replaced"):
        first.close()
    with pytest.raises(StartRefused, match="is being written by another runreel"):
        opened()


def test_changes_under_way_when_the_log_was_gone_are_not_concluded_twice(
    opened: Any, tmp_path: Path
) -> None:
    log = opened()
    log.append([an_entry()], durable=True)
    _lock_removed(tmp_path / "audit")
    with pytest.raises(StoreFailed):
        write(log, "lost")

    log.append([an_entry(kind="outcome", intent=1, effect="applied")], durable=True)

    assert [entry["effect"] for entry in log_in(tmp_path / "audit")] == [None, "applied"]
