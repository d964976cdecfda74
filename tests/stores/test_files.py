import hashlib
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.core.cassette import dump
from runreel.core.errors import CassetteDamaged
from runreel.stores import files
from runreel.stores.files import FileStore

OLD = a_cassette(an_interaction(name="old"))
NEW = a_cassette(an_interaction(name="new"))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


class TestReplacing:
    def test_the_file_is_the_document_in_utf8_with_lf(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        cassette = a_cassette(an_interaction(a_request("é\r\n雪".encode())))

        store.save("default", cassette)

        raw = (tmp_path / "default.json").read_bytes()
        assert raw.decode("utf-8") == dump(cassette)
        assert raw.endswith(b"}\n")
        assert b"\r" not in raw

    def test_file_then_name_then_folder_become_durable(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.save("default", OLD)
        steps: list[str] = []
        write, sync, replace = os.write, os.fsync, os.replace

        def told_write(descriptor: int, data: bytes) -> int:
            steps.append("write")
            return write(descriptor, data)

        def told_sync(descriptor: int) -> None:
            folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            steps.append("sync folder" if folder else "sync file")
            sync(descriptor)

        def told_replace(*paths: Any) -> None:
            steps.append("replace")
            replace(*paths)

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", told_write)
            patch.setattr(os, "fsync", told_sync)
            patch.setattr(os, "replace", told_replace)
            store.save("default", NEW)

        assert steps == ["write", "sync file", "replace", "sync folder"]

    def test_new_folders_become_durable_in_their_parents(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced: list[Path] = []
        monkeypatch.setattr(files, "_sync_folder", synced.append)

        store.save("a/b/name", NEW)

        assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]

    def test_what_the_system_takes_in_small_pieces_is_written_whole(
        self, store: FileStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = os.write

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:100]))
            store.save("default", NEW)

        stored = store.load("default")
        assert stored is not None
        assert stored.cassette == NEW

    def test_equal_content_is_not_written_again(self, store: FileStore, tmp_path: Path) -> None:
        store.save("default", OLD)
        before = (tmp_path / "default.json").stat()

        store.save("default", OLD)

        after = (tmp_path / "default.json").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_a_reader_that_came_first_reads_the_old_file_to_its_end(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        store.save("default", OLD)

        with (tmp_path / "default.json").open(encoding="utf-8") as reader:
            store.save("default", NEW)

            assert reader.read() == dump(OLD)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(sent=st.binary(), answered=st.binary())
    def test_any_bytes_as_bodies_come_back_from_disk(
        self, store: FileStore, sent: bytes, answered: bytes
    ) -> None:
        store.save("any", a_cassette(an_interaction(a_request(sent), a_response(answered))))

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

    @pytest.mark.parametrize(
        ("raw", "why"),
        [
            (b"\xff{}", "not UTF-8 at byte 0"),
            (b'{"format": "\xe9"}', "not UTF-8 at byte 12"),
            (b"", "not readable as JSON: Expecting value: line 1 column 1 (char 0)"),
            (b'{"format": 1}', "/upstream: a member that must be here is missing"),
            (b"[" * 100_000, "nested too deeply"),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_damage_is_refused_with_file_and_place(
        self, store: FileStore, tmp_path: Path, raw: bytes, why: str
    ) -> None:
        (tmp_path / "default.json").write_bytes(raw)

        with pytest.raises(CassetteDamaged) as caught:
            store.load("default")

        assert str(caught.value) == f"{tmp_path}/default.json: {why}"

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
        store.save("default", OLD)
        for name in (".hidden.json", "with space.json", "notes.txt", ".x.json.0123.tmp"):
            (tmp_path / name).write_text("{}", encoding="utf-8")
        (tmp_path / "folder.json").mkdir()

        assert store.names() == ["default"]
