"""The audit log as files: the chain, rotation, checkpoints, one writer, what a crash leaves."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from audited import AT, an_entry, log_in, stages, write
from runreel.errors import StartRefused


class TestWriting:
    def test_entries_are_chained_over_starts(self, opened: Any, tmp_path: Path) -> None:
        for each in ("a", "b"):
            log = opened()
            write(log, each, each * 2)
            log.close()

        assert stages(tmp_path / "audit") == ["a", "aa", "b", "bb"]

    def test_files_are_for_their_owner_only(self, opened: Any, tmp_path: Path) -> None:
        log = opened(checkpoint_entries=1)
        write(log, "a")
        log.close()

        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "audit").iterdir()
        }
        assert modes == {"metadata.jsonl": 0o600, "checkpoints.log": 0o600, "actor.key": 0o600}

    def test_the_key_stays_the_same(self, opened: Any, tmp_path: Path) -> None:
        first = opened()
        key = first.key()
        first.close()

        assert len(key) == 32
        assert opened().key() == key == (tmp_path / "audit" / "actor.key").read_bytes()

    def test_a_key_of_another_length_is_refused(self, opened: Any, tmp_path: Path) -> None:
        (tmp_path / "audit").mkdir()
        (tmp_path / "audit" / "actor.key").write_bytes(b"short")

        with pytest.raises(StartRefused, match=r"actor\.key: is not 32 bytes long; restore it"):
            opened()

    def test_a_key_that_is_gone_is_made_anew_and_that_is_told(
        self, opened: Any, tmp_path: Path
    ) -> None:
        first = opened()
        write(first, "a")
        first.close()
        (tmp_path / "audit" / "actor.key").unlink()

        told = (
            f"{tmp_path}/audit/actor.key: was gone and is made anew; from here on an actor has "
            "another name than in the entries before"
        )
        assert opened().notes == [told]

    def test_a_key_that_others_may_read_is_told(self, opened: Any, tmp_path: Path) -> None:
        opened().close()
        (tmp_path / "audit" / "actor.key").chmod(0o640)

        told = (
            f"{tmp_path}/audit/actor.key: others than its owner may use it (mode 640), and find "
            "out which actor has a key that they know; chmod 600 it"
        )
        assert opened().notes == [told]

    def test_what_need_not_be_durable_is_not_synced_until_something_must(
        self, opened: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log = opened()
        write(log, "a")
        synced: list[int] = []
        monkeypatch.setattr("runreel.storage.files.sync_data", synced.append)

        write(log, "b", "c", durable=False)
        before = len(synced)
        write(log, "d")

        assert (before, len(synced)) == (0, 1)

    def test_a_file_that_is_full_is_followed_by_the_next(self, opened: Any, tmp_path: Path) -> None:
        log = opened(rotate_bytes=1_500)

        write(log, *"abcdef")
        log.close()

        names = sorted(path.name for path in (tmp_path / "audit").glob("metadata*"))
        assert names == ["metadata.000001.jsonl", "metadata.000002.jsonl", "metadata.jsonl"]
        assert stages(tmp_path / "audit") == list("abcdef")

    def test_checkpoints_are_written_at_intervals_and_at_the_end(
        self, opened: Any, tmp_path: Path
    ) -> None:
        log = opened(checkpoint_entries=2)
        write(log, *"abcde")
        log.close()
        opened().close()

        hashes = [entry["hash"] for entry in log_in(tmp_path / "audit")]
        lines = (tmp_path / "audit" / "checkpoints.log").read_text().splitlines()
        assert [json.loads(line) for line in lines] == [
            {"at": AT, "hash": hashes[size - 1], "size": size} for size in (2, 4, 5, 5)
        ]

    def test_a_log_without_entries_has_no_checkpoint(self, opened: Any, tmp_path: Path) -> None:
        opened().close()

        assert [path.name for path in (tmp_path / "audit").iterdir()] == ["actor.key"]

    def test_there_is_one_writer_until_it_is_gone(self, opened: Any, tmp_path: Path) -> None:
        first = opened()

        with pytest.raises(StartRefused) as caught:
            opened()
        first.close()
        opened()

        assert str(caught.value) == (
            f"{tmp_path}/audit/metadata.jsonl is being written by another runreel; stop that one, "
            "set audit.path to another folder, or go without with --no-audit"
        )


class TestAfterACrash:
    @pytest.mark.parametrize("torn", [b'{"actor":nu', b"\0\0\0\0", b"{}"])
    def test_a_torn_tail_is_kept_aside_and_told(
        self, opened: Any, tmp_path: Path, torn: bytes
    ) -> None:
        folder = tmp_path / "audit"
        first = opened()
        write(first, "a")
        first._let_go()
        size = (folder / "metadata.jsonl").stat().st_size
        with (folder / "metadata.jsonl").open("ab") as file:
            file.write(torn)

        second = opened()
        write(second, "b")

        assert stages(folder) == ["a", "b"]
        assert (folder / "metadata.jsonl.1.torn").read_bytes() == torn
        told = (
            f"{folder}/metadata.jsonl: the last {len(torn)} bytes, from byte {size}, are no whole "
            "entry (a crash while it was written) and were moved to metadata.jsonl.1.torn"
        )
        assert second.notes == [told]

    def test_a_torn_checkpoint_is_kept_aside_too(self, opened: Any, tmp_path: Path) -> None:
        checkpoints = tmp_path / "audit" / "checkpoints.log"
        first = opened(checkpoint_entries=1)
        write(first, "a")
        first._let_go()
        whole = checkpoints.read_bytes()
        checkpoints.write_bytes(whole + b'{"at":')

        opened()

        assert checkpoints.read_bytes() == whole

    @pytest.mark.parametrize("rotate_bytes", [1_000_000, 1_500])
    def test_intents_without_outcomes_get_one(
        self, opened: Any, tmp_path: Path, rotate_bytes: int
    ) -> None:
        first = opened(rotate_bytes)
        first.append([an_entry(), an_entry(run_id="run_2")], durable=True)
        first.append([an_entry(kind="outcome", intent=1)], durable=False)
        write(first, "a", "b")
        first._let_go()

        second = opened(rotate_bytes)
        second.close()
        opened(rotate_bytes)

        found = log_in(tmp_path / "audit")
        assert len(found) == 6
        names = ("kind", "run_id", "intent", "effect", "after", "status", "reason")
        assert [found[5][name] for name in names] == [
            "outcome",
            "run_2",
            2,
            "unknown",
            "unknown",
            None,
            "runreel stopped before the answer was known",
        ]
        told = (
            f"{tmp_path}/audit/metadata.jsonl: 1 change was under way when runreel was stopped; "
            "what became of it is logged as unknown (entry 2)"
        )
        assert second.notes == [told]

    def test_a_crash_between_two_files_goes_on_with_the_chain(
        self, opened: Any, tmp_path: Path
    ) -> None:
        folder = tmp_path / "audit"
        first = opened()
        write(first, "a")
        first._let_go()
        (folder / "metadata.jsonl").rename(folder / "metadata.000001.jsonl")

        write(opened(), "b")

        assert stages(folder) == ["a", "b"]
