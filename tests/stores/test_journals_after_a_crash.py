"""Journal files after a crash: what is read, what stops, and what is kept aside."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, an_interaction
from disks import failing
from runreel.cassettes.file_store import FileJournal, FileStore
from runreel.cassettes.format import dump
from runreel.errors import CassetteDamaged, NothingReadable, StartRefused

HEADER = a_cassette()
OLD = a_cassette(an_interaction(name="old"))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


@pytest.fixture
def journal(store: FileStore) -> FileJournal:
    return store.open_journal("default", HEADER)


def parts(folder: Path) -> list[Path]:
    """The journals in a folder, in order; found without the package."""
    return sorted(folder.glob(".*.journal"))


def answers(store: FileStore, name: str = "default") -> list[bytes]:
    stored = store.load(name)
    found = stored.cassette.interactions if stored else ()
    return [item.value.response.body for item in found]


class TestWhatACrashLeaves:
    @pytest.mark.parametrize(
        ("spoil", "what_to_a_reader", "what_to_a_recorder"),
        [
            (
                lambda frame: frame[:-7],
                "an unfinished frame (a crash cut it, or a recorder is writing it)",
                "an unfinished frame (a crash cut it)",
            ),
            (lambda frame: frame[:100] + b"~" + frame[101:], "damaged", "damaged"),
            (lambda frame: bytes(len(frame)), "damaged", "damaged"),
        ],
        ids=["cut", "flipped", "zeros"],
    )
    def test_a_last_frame_that_cannot_be_read_is_left_out_and_reported_and_kept(
        self,
        store: FileStore,
        journal: FileJournal,
        tmp_path: Path,
        spoil: Callable[[bytes], bytes],
        what_to_a_reader: str,
        what_to_a_recorder: str,
    ) -> None:
        journal.append([a_pending(1, b"one")])
        (part,) = parts(tmp_path)
        at = part.stat().st_size
        journal.append([a_pending(2, b"two")])
        journal.release()
        content = part.read_bytes()
        spoiled = content[:at] + spoil(content[at:])
        part.write_bytes(spoiled)

        stored = store.load("default")
        untouched = part.read_bytes()
        journal = store.open_journal("default", HEADER)
        journal.commit(None)
        after = store.load("default")

        assert untouched == spoiled
        assert stored is not None
        assert after is not None
        (interaction,) = stored.cassette.interactions
        assert interaction.value.response.body == b"one"
        begin = f"{part}: the last {len(spoiled) - at} bytes, from byte {at}, are "
        were = f"{tmp_path}/default.json: 1 interaction was still in the journal"
        assert stored.notes == (begin + what_to_a_reader + " and were left out", were)
        assert journal.notes == (
            f"{begin}{what_to_a_recorder} and were left out; the file is kept as {part.name}.torn",
            were,
        )
        assert (after.cassette, after.notes) == (stored.cassette, ())
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
            "default.json": dump(stored.cassette).encode(),
            f"{part.name}.torn": spoiled,
        }

    def test_a_capture_that_is_all_there_is_and_damaged_is_never_deleted(
        self, store: FileStore, journal: FileJournal, tmp_path: Path
    ) -> None:
        journal.append([a_pending(1, b"one")])
        journal.release()
        (part,) = parts(tmp_path)
        content = bytearray(part.read_bytes())
        content[-2] ^= 1
        part.write_bytes(content)

        again = store.open_journal("default", HEADER)
        again.append([a_pending(1, b"two")])
        again.commit(a_cassette(an_interaction(name="final")))

        (note,) = again.notes
        assert note.endswith(f"damaged and were left out; the file is kept as {part.name}.torn")
        assert part.with_name(f"{part.name}.torn").read_bytes() == content
        assert answers(store) == [b'{"id": "run_abc123"}']

    def test_a_journal_without_captures_is_no_cassette(
        self, store: FileStore, journal: FileJournal, tmp_path: Path
    ) -> None:
        journal.append([])
        (tmp_path / ".cut.0123456789abcdef.0001.journal").write_bytes(b"runreel1 ")
        (tmp_path / ".empty.0123456789abcdef.0001.journal").touch()
        (tmp_path / ".unreadable.0123456789abcdef.0001.journal").mkdir()

        assert store.names() == ["unreadable"]
        assert store.load("default") is None
        assert store.load("empty") is None
        with pytest.raises(NothingReadable):
            store.load("cut")

    def test_damage_before_good_frames_stops_with_file_and_offset(
        self, store: FileStore, journal: FileJournal, tmp_path: Path
    ) -> None:
        journal.append([a_pending(1, b"one")])
        (part,) = parts(tmp_path)
        at = part.stat().st_size
        journal.append([a_pending(2, b"two")])
        journal.append([a_pending(3, b"three")])
        journal.release()
        content = bytearray(part.read_bytes())
        content[at + 100] ^= 1
        part.write_bytes(content)

        for look in (store.load, lambda name: store.open_journal(name, HEADER)):
            with pytest.raises(CassetteDamaged) as caught:
                look("default")
            assert str(caught.value) == (
                f"{part}: damaged at byte {at}, before frames that are whole; restore the file, or "
                "move it away to go on without what it holds"
            )

        assert part.read_bytes() == content
        assert parts(tmp_path) == [part]

    @pytest.mark.parametrize("gone", [0, 1, 2])
    def test_a_frame_that_is_missing_before_others_stops_with_file_and_offset(
        self, store: FileStore, journal: FileJournal, tmp_path: Path, gone: int
    ) -> None:
        for arrival, answer in enumerate((b"one", b"two", b"three"), start=1):
            journal.append([a_pending(arrival, answer)])
        journal.release()
        (part,) = parts(tmp_path)
        lines = part.read_bytes().splitlines(keepends=True)  # two of each frame
        del lines[2 * gone : 2 * gone + 2]
        part.write_bytes(b"".join(lines))

        for look in (store.load, lambda name: store.open_journal(name, HEADER)):
            with pytest.raises(CassetteDamaged) as caught:
                look("default")
            assert str(caught.value) == (
                f"{part}: damaged at byte {len(b''.join(lines[: 2 * gone]))}, where at least one "
                "frame is missing; restore the file, or move it away to go on without what it holds"
            )

        assert part.read_bytes() == b"".join(lines)

    def test_a_journal_that_cannot_be_read_is_not_skipped(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        part = tmp_path / ".default.0123456789abcdef.0001.journal"
        part.mkdir()

        with pytest.raises(CassetteDamaged) as caught:
            store.load("default")

        assert str(caught.value) == f"{part}: cannot be read: Is a directory"

    def test_a_link_that_leads_nowhere_is_not_skipped(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        part = tmp_path / ".default.0123456789abcdef.0001.journal"
        part.symlink_to(tmp_path / "nowhere")

        with pytest.raises(CassetteDamaged, match="No such file or directory"):
            store.load("default")

    def test_a_whole_frame_that_says_nothing_known_is_not_skipped(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        part = tmp_path / ".default.0123456789abcdef.0001.journal"
        part.write_bytes(b"runreel1 2 fcc7e7b1 0123456789abcdef 0\n{}\n")

        with pytest.raises(CassetteDamaged) as caught:
            store.load("default")

        assert str(caught.value) == f"{part}: not a record of a journal"

    def test_a_journal_without_captures_leaves_the_file_as_it_was_written_by_hand(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        raw = dump(OLD).replace("\n", "\r\n").encode()
        (tmp_path / "default.json").write_bytes(raw)
        (tmp_path / ".default.0123456789abcdef.0001.journal").touch()

        store.open_journal("default", HEADER).commit(None)

        assert (tmp_path / "default.json").read_bytes() == raw
        assert [path.name for path in tmp_path.iterdir()] == ["default.json"]

    def test_journals_of_two_recorders_are_never_mixed(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        kept: list[Path] = []
        for answer in (b"one", b"two"):
            journal = store.open_journal("default", HEADER)
            journal.append([a_pending(1, answer)])
            journal.release()
            (part,) = parts(tmp_path)
            kept.append(part.rename(tmp_path / f"moved-{len(kept)}{part.name}"))
        for path in kept:
            path.rename(tmp_path / path.name[len("moved-0") :])

        with pytest.raises(CassetteDamaged) as caught:
            store.load("default")

        assert str(caught.value) == (
            f"{tmp_path}/default.json: the journal beside it holds captures of two sessions; move "
            "one of its files away"
        )


class TestWhatNobodyWants:
    def test_what_a_killed_recorder_left_goes_and_what_was_saved_stays(
        self, store: FileStore, journal: FileJournal, tmp_path: Path
    ) -> None:
        journal.commit(OLD)
        killed = store.open_journal("default", HEADER)
        killed.append([a_pending()])
        killed.release()

        store.drop_unfinished("default")

        assert [path.name for path in tmp_path.iterdir()] == ["default.json"]
        assert len(answers(store)) == 1

    def test_what_a_live_recorder_is_writing_stays(
        self, store: FileStore, journal: FileJournal, tmp_path: Path
    ) -> None:
        journal.append([a_pending()])

        store.drop_unfinished("default")

        assert len(parts(tmp_path)) == 1

    def test_what_cannot_be_removed_is_told(
        self, store: FileStore, journal: FileJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal.append([a_pending()])
        journal.release()
        monkeypatch.setattr(os, "unlink", failing("unlink", errno.EROFS))

        with pytest.raises(StartRefused, match=r"default\.json cannot be removed \(Read-only"):
            store.drop_unfinished("default")
