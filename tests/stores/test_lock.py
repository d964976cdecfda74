"""The lock of a cassette: one recorder at a time, and never a dead one."""

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builders import a_cassette
from disks import failing
from runreel.cassettes.file_store import FileStore
from runreel.errors import CassetteBusy

HEADER = a_cassette()
HOLDER = """
import os, signal, sys
from pathlib import Path
from builders import a_cassette
from runreel.cassettes.file_store import FileStore
journal = FileStore(Path(sys.argv[1])).open_journal("default", a_cassette())
"""


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Another process that records, and then does something."""
    return subprocess.run(
        [sys.executable, "-c", HOLDER + script, folder],
        env={"PYTHONPATH": str(Path(__file__).parents[1])},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("how", ["os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_process_that_dies_gives_up_the_right_to_record(
    store: FileStore, tmp_path: Path, how: str
) -> None:
    run(how, tmp_path)
    left = [path.name for path in tmp_path.iterdir()]

    store.open_journal("default", HEADER).commit(None)

    assert left == [".default.lock"]
    assert list(tmp_path.iterdir()) == []


def test_another_process_that_records_is_noticed(store: FileStore, tmp_path: Path) -> None:
    store.open_journal("default", HEADER)

    second = run("", tmp_path)

    assert second.stderr.splitlines()[-1] == (
        "runreel.errors.CassetteBusy: cassette 'default' is being recorded by another "
        "runreel or session; end that one, or record into another cassette with --cassette NAME"
    )


def test_a_lock_that_its_holder_removes_meanwhile_is_taken_anew(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / ".default.lock"
    flock = fcntl.flock
    removed: list[Path] = []

    def removed_meanwhile(descriptor: int, operation: int) -> None:
        if not removed:
            removed.append(lock)
            lock.unlink()
        flock(descriptor, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", removed_meanwhile)
        store.open_journal("default", HEADER)

    assert removed == [lock]
    with pytest.raises(CassetteBusy):
        store.open_journal("default", HEADER)


def test_a_lock_file_that_cannot_be_removed_is_released_all_the_same(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = store.open_journal("default", HEADER)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", failing("unlink", errno.EIO))
        journal.commit(None)
    left = [path.name for path in tmp_path.iterdir()]

    store.open_journal("default", HEADER).commit(None)

    assert left == [".default.lock"]
    assert list(tmp_path.iterdir()) == []
