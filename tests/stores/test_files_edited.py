"""A cassette file that somebody edits while it is recorded: neither side's work is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, a_request, a_response, an_interaction
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import dump
from runreel.errors import StoreFailed
from runreel.http.messages import Interaction
from runreel.redaction.redactor import Redacted

HEADER = a_cassette()
OLD = an_interaction(a_request(b"old"), a_response(b"old"), name="old")
OTHER = an_interaction(a_request(b"other"), a_response(b"other"), name="other")
EDITED = an_interaction(a_request(b"old"), a_response(b"edited"), name="old")
BOTH = a_cassette(OLD, a_pending(1, b"new").interaction)


def put(*interactions: Redacted[Interaction]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        path.write_text(dump(a_cassette(*interactions)), encoding="utf-8")

    return edit


@pytest.mark.parametrize(
    ("begins_with", "edit", "comes_out"),
    [
        ([OLD], put(EDITED), [b"edited", b"new"]),
        ([OLD], put(OLD, OTHER), [b"old", b"other", b"new"]),
        ([OLD], put(OTHER), [b"other", b"new"]),
        ([OLD], Path.unlink, [b"new"]),
        ([], put(OTHER), [b"other", b"new"]),
    ],
    ids=["changed", "added", "exchanged", "deleted", "created"],
)
def test_an_edit_is_not_overwritten_and_the_next_recording_puts_both_together(
    tmp_path: Path,
    begins_with: list[Redacted[Interaction]],
    edit: Callable[[Path], None],
    comes_out: list[bytes],
) -> None:
    store, path = FileStore(tmp_path), tmp_path / "default.json"
    if begins_with:
        store.open_journal("default", HEADER).commit(a_cassette(*begins_with))
    journal = store.open_journal("default", HEADER)
    journal.append([a_pending(1, b"new")])
    edit(path)
    edited = path.read_bytes() if path.exists() else None

    with pytest.raises(StoreFailed) as caught:
        journal.commit(BOTH)
    after = path.read_bytes() if path.exists() else None
    store.open_journal("default", HEADER).commit(None)

    assert str(caught.value) == (
        f"{path}: was changed by somebody else during the recording, so it is not overwritten; the "
        "recording is in the journal beside it, and the next recording into this cassette puts "
        "both together when it starts"
    )
    assert after == edited
    stored = store.load("default")
    assert stored is not None
    assert [item.value.response.body for item in stored.cassette.interactions] == comes_out
    assert [entry.name for entry in tmp_path.iterdir()] == ["default.json"]


def test_what_is_there_already_needs_no_overwriting(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    journal = store.open_journal("default", HEADER)
    journal.append([a_pending(1, b"new")])
    (tmp_path / "default.json").write_text(dump(BOTH), encoding="utf-8")

    journal.commit(BOTH)

    assert [entry.name for entry in tmp_path.iterdir()] == ["default.json"]


def test_what_an_earlier_recorder_left_and_this_one_took_in_is_no_edit(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for number in range(3):
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending(1, b"left-%d" % number)])
        journal.release()
    journal = store.open_journal("default", HEADER)
    journal.append([a_pending(1, b"new")])

    told = journal.commit(BOTH)

    stored = store.load("default")
    assert stored is not None
    assert stored.sha256 == told
