"""What sessions begin with after a recorder crashed, and what they say of it."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from builders import SALT, a_cassette, a_pending, a_request
from held import capture, recording_to
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import dump, parse
from runreel.cassettes.journal import Stored
from runreel.errors import CassetteBusy, CassetteDamaged, StartRefused
from runreel.redaction.redactor import Redaction
from runreel.sessions.manager import SessionSpec, open_session
from runreel.sessions.modes import Mode


def crashed(folder: Path) -> FileStore:
    store = FileStore(folder)
    journal = store.open_journal("default", a_cassette())
    journal.append([a_pending(1, b"one"), a_pending(2, b"two")])
    journal.release()
    return store


HALF = "cassette 'default' is incomplete: its recording did not come to its end"


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        ("replay", (HALF,)),
        ("record", ()),  # which is the remedy
        ("new_episodes", (HALF,)),
        ("once", (f"{HALF}; mode once records it anew (--accept-incomplete replays it)",)),
    ],
)
def test_every_mode_begins_with_what_was_in_the_journal_and_says_so(
    tmp_path: Path, mode: str, more: tuple[str, ...]
) -> None:
    session = recording_to(crashed(tmp_path), mode)

    assert session.interactions == 2
    were = f"{tmp_path}/default.json: 2 interactions were still in the journal"
    assert session.notes == (were, *more)
    assert session.mode is Mode({"once": "record"}.get(mode, mode))


async def test_a_complete_recording_takes_the_mark_of_a_crash_away(tmp_path: Path) -> None:
    session = recording_to(crashed(tmp_path), "record")
    half = parse((tmp_path / "default.json").read_text())
    await session.persist(capture(session, b"new"))
    await session.close()

    whole = parse((tmp_path / "default.json").read_text())
    assert (half.incomplete, whole.incomplete) == ("its recording did not come to its end", None)
    assert recording_to(FileStore(tmp_path), "once").mode is Mode.REPLAY


@pytest.mark.parametrize(("plays", "half"), [(1, True), (2, False)])
async def test_new_episodes_take_it_away_if_they_have_gone_through_all_of_it(
    tmp_path: Path, plays: int, half: bool
) -> None:
    session = recording_to(crashed(tmp_path), "new_episodes")
    asked = Redaction().request(a_request())
    for _ in range(plays - 1):
        session.state.ask(session.state.arrive(), asked)
    await session.persist(capture(session, b"new"))  # which plays one more
    await session.close()

    found = parse((tmp_path / "default.json").read_text())
    assert (found.incomplete is not None) == half


def test_once_replays_what_is_in_a_journal_only_if_half_a_recording_is_accepted(
    tmp_path: Path,
) -> None:
    session = recording_to(crashed(tmp_path), "once", accept_incomplete=True)

    assert (session.mode, session.interactions) == (Mode.REPLAY, 2)
    were = f"{tmp_path}/default.json: 2 interactions were still in the journal"
    assert session.notes == (were, HALF)


def test_once_replays_it_where_nothing_can_be_written_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = crashed(tmp_path)

    def refuse(*_: object) -> None:
        raise StartRefused("read-only")

    monkeypatch.setattr(store, "open_journal", refuse)

    assert recording_to(store, "once", accept_incomplete=True).interactions == 2


def test_without_an_upstream_once_says_what_there_is_and_what_to_do(tmp_path: Path) -> None:
    spec = SessionSpec("default", "default", "once", None, "openai", Redaction())
    with pytest.raises(StartRefused) as caught:
        open_session(spec, crashed(tmp_path), lambda _: None)
    assert str(caught.value) == (
        "cassette 'default' is incomplete (its recording did not come to its end), so mode once "
        "records it anew and needs an upstream; give one with --upstream URL, or replay it as it "
        "is with --accept-incomplete"
    )


async def test_once_replays_no_half_of_what_is_being_recorded(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    recording = recording_to(store, "once")
    await recording.persist(capture(recording, b"first"))

    with pytest.raises(CassetteBusy):
        recording_to(store, "once")

    await recording.close()
    assert recording_to(store, "once").mode is Mode.REPLAY


def test_replay_leaves_the_journal_where_it_is(tmp_path: Path) -> None:
    store = crashed(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    recording_to(store, "replay")

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_unfinished_frame_is_among_the_notes(tmp_path: Path) -> None:
    store = crashed(tmp_path)
    (part,) = tmp_path.glob(".*.journal")
    with part.open("ab") as file:
        file.write(b"runreel1 17")
    at = part.stat().st_size - 11

    read = recording_to(store, "replay").notes[0]
    taken_in = recording_to(store, "record").notes[0]

    begin = f"{part}: the last 11 bytes, from byte {at}, are an unfinished frame (a crash cut it"
    assert read == f"{begin}, or a recorder is writing it) and were left out"
    assert taken_in == f"{begin}) and were left out; the file is kept as {part.name}.torn"


@pytest.mark.parametrize("mode", ["record", "new_episodes", "once"])
def test_a_recording_begins_beside_what_cannot_be_read_and_says_so(
    tmp_path: Path, mode: str
) -> None:
    store = crashed(tmp_path)
    (part,) = tmp_path.glob(".*.journal")
    part.write_bytes(b"nothing that anybody knows")

    session = recording_to(store, mode)

    assert session.interactions == 0
    (note,) = session.notes
    assert note == (
        f"{part}: the last 26 bytes, from byte 0, are damaged and were left out; the file is "
        f"kept as {part.name}.torn"
    )
    kept = part.with_name(f"{part.name}.torn")
    assert kept.read_bytes() == b"nothing that anybody knows"


def test_a_replay_of_what_cannot_be_read_says_what_it_is(tmp_path: Path) -> None:
    store = crashed(tmp_path)
    (part,) = tmp_path.glob(".*.journal")
    part.write_bytes(b"nothing that anybody knows")

    with pytest.raises(CassetteDamaged) as caught:
        recording_to(store, "replay")

    assert str(caught.value) == (
        f"{part}: the last 26 bytes, from byte 0, are damaged and were left out, and nothing "
        "else of the cassette is there; record it again, which keeps this file aside"
    )
    assert part.read_bytes() == b"nothing that anybody knows"


async def test_a_session_knows_the_sha256_of_the_file_that_took_the_journal_in(
    tmp_path: Path,
) -> None:
    session = recording_to(crashed(tmp_path), "record")

    content = (tmp_path / "default.json").read_bytes()
    await session.close()

    assert session.sha256 == hashlib.sha256(content).hexdigest()
    assert (tmp_path / "default.json").read_bytes() == content


async def test_a_journal_of_the_first_build_is_taken_in_and_recorded_upon(tmp_path: Path) -> None:
    left = Path(__file__).parent / "first_build" / "cut.journal"
    shutil.copyfile(left, tmp_path / ".default.17e6cffa6aaba026.0001.journal")
    session = recording_to(FileStore(tmp_path))

    await session.persist(capture(session, b"new"))
    await session.close()

    found = parse((tmp_path / "default.json").read_text())
    assert found.interactions[0].value.response.body == b"new"
    assert os.listdir(tmp_path) == ["default.json"]  # noqa: PTH208


async def test_a_recording_writes_what_the_first_build_wrote_as_today(tmp_path: Path) -> None:
    recorded = Path(__file__).parent / "first_build" / "recorded.json"
    shutil.copyfile(recorded, tmp_path / "default.json")
    session = recording_to(FileStore(tmp_path), "new_episodes", salt="ab" * 16)
    last = capture(session, b"new")

    await session.persist(last)
    await session.close()

    text = (tmp_path / "default.json").read_text()
    assert ('"redaction"' in text, parse(text).salt) == (False, "ab" * 16)
    again = recording_to(FileStore(tmp_path), "new_episodes", salt="cd" * 16)
    await again.persist(capture(again, b"newer"))
    await again.close()
    assert parse((tmp_path / "default.json").read_text()).salt == "ab" * 16


async def test_who_made_the_cassette_while_a_recording_began_decides_its_salt(
    tmp_path: Path,
) -> None:
    class Overtaken(FileStore):
        def load(self, name: str) -> Stored | None:
            stored = super().load(name)
            if stored is None:  # and just after this, somebody saves one
                (tmp_path / "default.json").write_text(dump(a_cassette()))
            return stored

    session = recording_to(Overtaken(tmp_path), salt="ab" * 16)
    await session.persist(capture(session, b"new"))

    (name,) = (name for name in os.listdir(tmp_path) if name.endswith(".journal"))  # noqa: PTH208
    journal = (tmp_path / name).read_text()
    assert (SALT in journal, "ab" * 16 in journal) == (True, False)
    await session.close()
    assert parse((tmp_path / "default.json").read_text()).salt == SALT
