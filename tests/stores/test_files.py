import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import a_cassette, a_pending, a_request, a_response, an_interaction
from runreel.cassettes import file_store
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette, dump
from runreel.cassettes.journal import Stored
from runreel.errors import CassetteDamaged
from runreel.storage import files

HEADER = a_cassette()
OLD = a_cassette(an_interaction(name="old"))
NEW = a_cassette(an_interaction(name="new"))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def save(store: FileStore, name: str, cassette: Cassette) -> None:
    store.open_journal(name, HEADER).commit(cassette)


class Steps:
    """What happens to files and folders, in order."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        for name in ("write", "fsync", "fdatasync", "replace", "unlink"):
            patch.setattr(os, name, self._told(name, getattr(os, name)))

    def _told(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            folder = name == "fsync" and stat.S_ISDIR(os.fstat(args[0]).st_mode)
            self.seen.append("sync folder" if folder else name)
            return real(*args, **options)

        return call


class TestReplacing:
    def test_the_file_is_the_document_in_utf8_with_lf(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        cassette = a_cassette(an_interaction(a_request("é\r\n雪".encode())))

        save(store, "default", cassette)

        raw = (tmp_path / "default.json").read_bytes()
        assert raw.decode("utf-8") == dump(cassette)
        assert raw.endswith(b"}\n")
        assert b"\r" not in raw

    def test_file_then_name_then_folder_become_durable(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(store, "default", OLD)
        journal = store.open_journal("default", HEADER)

        with monkeypatch.context() as patch:
            steps = Steps(patch)
            journal.commit(NEW)

        assert steps.seen == ["write", "fsync", "replace", "sync folder", "unlink"]

    def test_the_journal_tells_of_the_file_before_and_goes_after(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = store.open_journal("default", HEADER)

        with monkeypatch.context() as patch:
            steps = Steps(patch)
            journal.append([a_pending(1)])
            journal.append([a_pending(2)])
            journal.commit(NEW)

        assert steps.seen == [
            *("write", "fsync", "sync folder"),  # the journal is begun
            *("write", "fdatasync"),
            *("write", "fdatasync"),
            "write",  # the new file
            *("write", "fdatasync"),  # the result
            *("fsync", "replace", "sync folder"),
            *("unlink", "sync folder"),
            "unlink",  # the lock
        ]

    def test_a_file_that_was_there_already_is_made_durable_before_the_journal_goes(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(store, "default", NEW)
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending(1, b"new", replaces="new")])

        with monkeypatch.context() as patch:
            steps = Steps(patch)
            journal.commit(NEW)

        assert steps.seen == [
            *("write", "unlink"),  # what turns out to be equal
            *("write", "fdatasync"),
            *("fsync", "sync folder"),
            *("unlink", "sync folder"),
            "unlink",
        ]

    def test_new_folders_become_durable_in_their_parents(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced: list[Path] = []
        monkeypatch.setattr(files, "sync", synced.append)

        store.open_journal("a/b/name", HEADER)

        assert synced == [tmp_path, tmp_path / "a"]

    def test_what_the_system_takes_in_small_pieces_is_written_whole(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = os.write
        journal = store.open_journal("default", HEADER)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:100]))
            journal.append([a_pending()])
            pending = store.load("default")
            journal.commit(NEW)

        stored = store.load("default")
        assert pending is not None
        assert stored is not None
        assert stored.cassette == NEW
        assert [item.value.id for item in pending.cassette.interactions] == ["new"]

    def test_equal_content_is_not_written_again(self, store: FileStore, tmp_path: Path) -> None:
        save(store, "default", OLD)
        before = (tmp_path / "default.json").stat()

        save(store, "default", OLD)

        after = (tmp_path / "default.json").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_a_reader_that_came_first_reads_the_old_file_to_its_end(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        save(store, "default", OLD)

        with (tmp_path / "default.json").open(encoding="utf-8") as reader:
            save(store, "default", NEW)

            assert reader.read() == dump(OLD)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(sent=st.binary(), answered=st.binary())
    def test_any_bytes_as_bodies_come_back_from_disk(
        self, store: FileStore, sent: bytes, answered: bytes
    ) -> None:
        save(store, "any", a_cassette(an_interaction(a_request(sent), a_response(answered))))

        stored = store.load("any")

        assert stored is not None
        (interaction,) = stored.cassette.interactions
        assert interaction.value.request.body == sent
        assert interaction.value.response.body == answered


class TestReading:
    def test_the_sha256_is_that_of_the_file_as_it_lies_there(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        raw = dump(OLD).replace("\n", "\r\n").encode()
        (tmp_path / "default.json").write_bytes(raw)

        stored = store.load("default")

        assert stored is not None
        assert stored.sha256 == hashlib.sha256(raw).hexdigest()

    def test_one_that_is_in_use_and_has_not_changed_is_not_read_again(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, reads = tmp_path / "default.json", list[Path]()
        save(store, "default", OLD)
        read_file = file_store.read_file

        def counted(path: Path) -> Stored | None:
            reads.append(path)
            return read_file(path)

        monkeypatch.setattr(file_store, "read_file", counted)
        fresh = store.load("default")  # it could be written again at this very moment
        again = store.load("default")
        assert fresh == again
        assert len(reads) == 2
        os.utime(path, (1, 1))

        first = store.load("default")
        store.open_journal("default", HEADER).commit(None)
        second = store.load("default")
        assert first == second
        assert len(reads) == 3
        path.write_text(dump(NEW), encoding="utf-8")
        changed = store.load("default")
        assert changed is not None
        assert changed.cassette == NEW
        os.utime(path, (1, 1))
        del changed

        third = store.load("default")
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending()])
        both = store.load("default")

        assert third is not None
        assert both is not None
        assert [len(stored.cassette.interactions) for stored in (third, both)] == [1, 2]

    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            (b"\xff{}", ": not UTF-8 at byte 0"),
            (b'{"format": "\xe9"}', ": not UTF-8 at byte 12"),
            (b"", ": not readable as JSON: Expecting value: line 1 column 1 (char 0)"),
            (
                b'{\n  "format": 1\n}',
                ", line 1, column 1: /upstream: a member that must be here is missing",
            ),
            (
                b'{\n  "format": 1,\n  "profil": "openai"\n}',
                ", line 3, column 3: /profil: unknown member; 'profile' may be meant",
            ),
            (b"[" * 100_000, ": nested too deeply"),
            (
                b'{\n<<<<<<< HEAD\n  "format": 1,\n=======\n  "format": 2\n>>>>>>> theirs\n}',
                (
                    ": line 2: git left a conflict here; keep one side with git checkout --ours or "
                    "--theirs, and record what the other one had again"
                ),
            ),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_damage_is_refused_with_file_and_place(
        self, store: FileStore, tmp_path: Path, raw: bytes, why: str
    ) -> None:
        (tmp_path / "default.json").write_bytes(raw)

        with pytest.raises(CassetteDamaged) as caught:
            store.load("default")

        assert str(caught.value) == f"{tmp_path}/default.json{why}"

    def test_a_byte_order_mark_is_passed_over(self, store: FileStore, tmp_path: Path) -> None:
        save(store, "default", a_cassette(an_interaction(name="one")))
        path = tmp_path / "default.json"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

        stored = store.load("default")

        assert stored is not None
        assert [item.value.id for item in stored.cassette.interactions] == ["one"]

    def test_a_file_of_half_a_gigabyte_is_no_cassette(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        with (tmp_path / "default.json").open("wb") as sparse:
            sparse.truncate(512 * 1024 * 1024 + 1)

        with pytest.raises(CassetteDamaged, match=r"default\.json: larger than 536,870,912 bytes"):
            store.load("default")

    def test_a_folder_in_its_place_is_refused(self, store: FileStore, tmp_path: Path) -> None:
        (tmp_path / "default.json").mkdir()

        with pytest.raises(CassetteDamaged, match=r"default\.json: cannot be read: Is a directory"):
            store.load("default")

    def test_only_what_can_be_named_is_listed(self, store: FileStore, tmp_path: Path) -> None:
        save(store, "default", OLD)
        for name in (".hidden.json", "with space.json", "notes.txt", ".x.json.0123.tmp", ".j.lock"):
            (tmp_path / name).write_text("{}", encoding="utf-8")
        (tmp_path / "folder.json").mkdir()

        assert store.names() == ["default"]

    def test_a_recorder_that_ends_meanwhile_neither_hides_nor_doubles_anything(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read_bytes = Path.read_bytes
        opened = [store.open_journal("default", HEADER)]
        opened[0].append([a_pending()])

        def ends_before(path: Path) -> bytes:
            """The journal was found, and is gone before it can be read."""
            if opened and path.suffix == ".journal":
                opened.pop().commit(NEW)
            return read_bytes(path)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", ends_before)
            stored = store.load("default")

        assert opened == []
        assert stored is not None
        assert [item.value.id for item in stored.cassette.interactions] == ["new"]

    def test_nor_does_one_that_ends_after_the_file_was_read(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save(store, "default", OLD)
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending()])
        both = a_cassette(an_interaction(name="old"), a_pending().interaction)
        read_file = file_store.read_file

        def ends_after(path: Path) -> Stored | None:
            found = read_file(path)
            patch.undo()
            journal.commit(both)
            return found

        with monkeypatch.context() as patch:
            patch.setattr(file_store, "read_file", ends_after)
            stored = store.load("default")

        assert stored is not None
        assert stored.cassette == both
