"""The audit log on a disk that fails: nothing in it is lost, and it goes on in a new file."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from audited import stages, write
from disks import failing
from runreel.errors import StoreFailed


class TestADiskThatFails:
    @pytest.mark.parametrize(
        ("call", "number"),
        [
            ("write", errno.ENOSPC),
            ("write", errno.EIO),
            ("fdatasync", errno.EIO),
            ("fdatasync", errno.ENOSPC),
        ],
    )
    def test_the_log_goes_on_in_a_new_file_and_loses_nothing(
        self,
        opened: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        call: str,
        number: int,
    ) -> None:
        log = opened()
        write(log, "a")
        write(log, "b", durable=False)
        monkeypatch.setattr(os, call, failing(call, number))

        with pytest.raises(StoreFailed) as caught:
            write(log, "lost")
        write(log, "c")
        log.close()

        assert str(caught.value) == (
            f"{tmp_path}/audit/metadata.jsonl: the audit log cannot be written: "
            f"{os.strerror(number)}"
        )
        assert stages(tmp_path / "audit") == ["a", "b", "c"]
        first = (tmp_path / "audit" / "metadata.000001.jsonl").read_bytes()
        assert len(first.splitlines()) == 1

    @pytest.mark.parametrize("call", ["ftruncate", "open", "write", "fsync", "rename"])
    @pytest.mark.parametrize("times", [1, 2])
    def test_it_tries_again_however_the_new_file_fails(
        self,
        opened: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        call: str,
        times: int,
    ) -> None:
        log = opened()
        write(log, "a")
        write(log, "b", durable=False)
        monkeypatch.setattr(os, "fdatasync", failing("fdatasync", errno.EIO))
        with pytest.raises(StoreFailed):
            write(log, "lost")
        monkeypatch.setattr(os, call, failing(call, errno.EROFS, times))

        for _ in range(times):
            with pytest.raises(StoreFailed):
                write(log, "lost")
        write(log, "c")

        assert stages(tmp_path / "audit") == ["a", "b", "c"]

    def test_a_folder_that_cannot_be_written_at_the_start_is_told_and_tried_again(
        self, opened: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "audit").write_bytes(b"in the way")
        log = opened()
        with pytest.raises(StoreFailed):
            write(log, "lost")
        (tmp_path / "audit").unlink()

        write(log, "a")

        assert stages(tmp_path / "audit") == ["a"]
        told = (
            f"{tmp_path}/audit/metadata.jsonl: the audit log cannot be written: Not a directory; "
            "until it can, changes are refused"
        )
        assert log.notes == [told]

    def test_a_checkpoint_that_fails_is_no_reason_to_refuse(
        self, opened: Any, tmp_path: Path
    ) -> None:
        log = opened(checkpoint_entries=1)
        (tmp_path / "audit" / "checkpoints.log").mkdir()

        write(log, "a")
        (tmp_path / "audit" / "checkpoints.log").rmdir()
        write(log, "b")

        lines = (tmp_path / "audit" / "checkpoints.log").read_text().splitlines()
        assert [json.loads(line)["size"] for line in lines] == [2]
