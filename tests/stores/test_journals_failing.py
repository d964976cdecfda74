"""Journal files on a disk that fails: a failed write is cut, a failed sync ends the part."""

import errno
import os
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, an_interaction
from disks import failing
from runreel.cassettes.file_store import FileJournal, FileStore
from runreel.errors import StoreFailed

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


class TestADiskThatFails:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
    def test_a_write_that_failed_half_way_is_cut(
        self,
        store: FileStore,
        journal: FileJournal,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        number: int,
    ) -> None:
        journal.append([a_pending(1, b"one")])
        (part,) = parts(tmp_path)
        whole = part.read_bytes()
        write = os.write
        pieces = iter([100])

        def half(descriptor: int, data: bytes) -> int:
            for length in pieces:
                return write(descriptor, data[:length])
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(StoreFailed) as caught:
                journal.append([a_pending(2, b"two"), a_pending(3, b"three")])
        cut = part.read_bytes()
        journal.append([a_pending(4, b"four")])

        assert str(caught.value) == (
            f"{tmp_path}: the journal cannot be written: {os.strerror(number)}"
        )
        assert cut == whole
        assert parts(tmp_path) == [part]
        assert answers(store) == [b"one", b"four"]

    def test_a_part_that_cannot_be_cut_is_left_behind(
        self,
        store: FileStore,
        journal: FileJournal,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        journal.append([a_pending(1, b"one")])
        write = os.write
        pieces = iter([100])

        def half(descriptor: int, data: bytes) -> int:
            for length in pieces:
                return write(descriptor, data[:length])
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            patch.setattr(os, "ftruncate", failing("ftruncate", errno.EIO))
            with pytest.raises(StoreFailed):
                journal.append([a_pending(2, b"two")])
        journal.append([a_pending(3, b"three")])

        assert len(parts(tmp_path)) == 2
        assert answers(store) == [b"one", b"three"]

    def test_a_part_that_could_not_be_synced_is_never_written_or_synced_again(
        self,
        store: FileStore,
        journal: FileJournal,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        journal.append([a_pending(1, b"one")])
        (poisoned,) = parts(tmp_path)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", failing("fdatasync", errno.EIO))
            with pytest.raises(StoreFailed, match=r"the journal cannot be written: Input/output"):
                journal.append([a_pending(2, b"two")])
        before = poisoned.stat()
        journal.append([a_pending(3, b"three")])
        journal.append([a_pending(4, b"four")])

        assert poisoned.stat() == before
        assert len(parts(tmp_path)) == 2
        assert [answer for answer in answers(store) if answer != b"two"] == [
            b"one",
            b"three",
            b"four",
        ]

    def test_a_capture_that_was_lost_with_its_pages_stops_nobody(
        self,
        store: FileStore,
        journal: FileJournal,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        journal.append([a_pending(1, b"one")])
        (part,) = parts(tmp_path)
        good = part.stat().st_size
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", failing("fdatasync", errno.EIO))
            with pytest.raises(StoreFailed):
                journal.append([a_pending(2, b"two"), a_pending(3, b"three")])

        content = part.read_bytes()
        part.write_bytes(content[:good] + bytes(500) + content[good + 500 :])
        stored = store.load("default")

        assert answers(store) == [b"one"]
        assert stored is not None
        assert stored.notes[0] == (
            f"{part}: the last {len(content) - good} bytes, from byte {good}, are damaged and were "
            "left out"
        )

    @pytest.mark.parametrize("step", ["write", "fsync", "open"])
    def test_a_part_that_could_not_be_begun_leaves_nothing(
        self, journal: FileJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, step, failing(step, errno.ENOSPC))
            with pytest.raises(StoreFailed):
                journal.append([a_pending()])

        assert parts(tmp_path) == []

    def test_parts_are_found_however_often_one_could_not_be_begun(
        self, store: FileStore, journal: FileJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "open", failing("open", errno.ENOSPC, times=10_000))
            for _ in range(10_000):
                with pytest.raises(StoreFailed):
                    journal.append([a_pending()])

        journal.append([a_pending()])

        assert answers(store) == [b"new"]

    def test_a_check_asks_for_the_room_that_was_missing(
        self,
        store: FileStore,
        journal: FileJournal,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        journal.append([a_pending(1, b"one")])
        (part,) = parts(tmp_path)
        whole = part.read_bytes()
        write = os.write
        room = [0]

        def limited(descriptor: int, data: bytes) -> int:
            if not room[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken = write(descriptor, data[: room[0]])
            room[0] -= taken
            return taken

        big = a_pending(2, b"x" * 5_000)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", limited)
            with pytest.raises(StoreFailed):
                journal.append([big])
            for some in (0, 1, 4_000):
                room[0] = some
                with pytest.raises(StoreFailed, match="No space left on device"):
                    journal.check()
                assert part.read_bytes() == whole
            room[0] = 20_000
            journal.check()
        assert part.read_bytes() == whole

        journal.append([big])

        assert answers(store) == [b"one", b"x" * 5_000]
        assert parts(tmp_path) == [part]

    def test_a_check_whose_sync_fails_leaves_the_part_behind(
        self,
        store: FileStore,
        journal: FileJournal,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        journal.append([a_pending(1, b"one")])
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", failing("write", errno.ENOSPC))
            with pytest.raises(StoreFailed):
                journal.append([a_pending(2, b"two")])

        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", failing("fdatasync", errno.EIO))
            with pytest.raises(StoreFailed):
                journal.check()
        journal.check()
        journal.append([a_pending(3, b"three")])

        stored = store.load("default")
        assert len(parts(tmp_path)) == 2
        assert answers(store) == [b"one", b"three"]
        assert stored is not None
        assert stored.notes == (
            f"{tmp_path}/default.json: 2 interactions were still in the journal",
        )

    def test_the_first_check_begins_the_journal_and_the_end_removes_it(
        self, journal: FileJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", failing("write", errno.ENOSPC))
            with pytest.raises(StoreFailed, match="No space left on device"):
                journal.check()
        failed = parts(tmp_path)
        journal.check()
        journal.check()
        begun = parts(tmp_path)
        journal.commit(None)

        assert failed == []
        assert len(begun) == 1
        assert list(tmp_path.iterdir()) == []

    def test_a_check_after_an_append_that_worked_touches_nothing(
        self, journal: FileJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal.append([a_pending()])

        with monkeypatch.context() as patch:
            for step in ("open", "write", "fsync", "fdatasync", "ftruncate"):
                patch.setattr(os, step, failing(step, errno.EIO, times=9))
            journal.check()
