"""Replay opens no socket out, and neither it nor verify writes; seen from inside, by Python's audit
events.

A hook is planted in the process (as `sitecustomize`) that tells a pipe of everything that could
change a file or reach another machine. Recording runs under the same hook, which shows that it
does see such things.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from processes import runreel
from servers import RawUpstream
from wire import exchange, post

SHIPPED = Path(__file__).parents[1] / "cassettes"
PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BETA = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))
HIT = post(PATH, b'{"metadata":{"user_id":"user_abc123"}}', BETA)
MISS = post(PATH, b'{"metadata":{"user_id":"user_other"}}', BETA)

HOOK = """\
import os
import sys

TOLD = int(os.environ["TEST_AUDIT_FD"])
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGING = {
    "os.chmod", "os.chown", "os.link", "os.mkdir", "os.putenv", "os.remove", "os.rename",
    "os.rmdir", "os.symlink", "os.system", "os.truncate", "os.utime", "shutil.rmtree",
    "subprocess.Popen", "os.fork", "os.exec", "os.posix_spawn",
}
REACHING = {
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
    "socket.getnameinfo", "socket.sendto", "socket.sendmsg",
}


def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if not flags & WRITING:
            return
    elif event not in CHANGING and event not in REACHING:
        return
    os.write(TOLD, f"{event} {arguments!r}\\n".encode("ascii", "backslashreplace"))


sys.addaudithook(hook)
os.write(TOLD, b"watching\\n")
"""


@dataclass
class Watched:
    """The environment that plants the hook, and the pipe it tells."""

    environment: dict[str, str]
    reader: int
    writer: int

    def events(self) -> list[str]:
        """All that was told; ends the watch, so ask when the process has ended."""
        os.close(self.writer)
        self.writer = -1
        with os.fdopen(os.dup(self.reader), encoding="ascii") as told:
            return told.read().splitlines()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    folder = tmp_path / "hook"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOOK)
    reader, writer = os.pipe()
    environment = {
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TEST_AUDIT_FD": str(writer),
    }
    watch = Watched(environment, reader, writer)
    yield watch
    os.close(reader)
    if watch.writer >= 0:
        os.close(watch.writer)


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A copy of the shipped cassettes that nobody but root may change."""
    copy = tmp_path / "read-only"
    shutil.copytree(SHIPPED, copy)
    paths = [copy, *copy.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield copy
    for path in paths:
        path.chmod(0o755)


def everything_in(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def modified_in(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*")}


async def test_replay_writes_nothing_and_reaches_nobody(
    tmp_path: Path, watched: Watched, read_only: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    before = everything_in(tmp_path)
    arguments = ("replay", "--cassettes", str(read_only), "--cassette", "examples/modify-run")

    async with runreel(
        *arguments,
        *("--upstream", "http://api.example.com"),
        cwd=work,
        env=watched.environment,
        pass_fds=(watched.writer,),
    ) as proxy:
        hit = await exchange(proxy.url, HIT)
        miss = await exchange(proxy.url, MISS)
        ended = await proxy.stop()

    assert (hit.status, hit.values("x-runreel-source")) == (200, ["replay"])
    assert (miss.status, miss.values("x-runreel-source")) == (424, ["proxy"])
    assert ended.code == 0
    assert watched.events() == ["watching"]
    assert everything_in(tmp_path) == before


async def test_verifying_writes_nothing_and_reaches_only_the_upstream(
    tmp_path: Path, watched: Watched, read_only: Path, upstream: RawUpstream
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    before = everything_in(tmp_path)
    stamps = modified_in(read_only)
    arguments = ("verify", "--cassettes", str(read_only), "--cassette", "examples/modify-run")

    async with runreel(
        *arguments,
        *("--no-audit", "--upstream", upstream.url),
        cwd=work,
        env=watched.environment,
        pass_fds=(watched.writer,),
    ) as proxy:
        compared = await exchange(proxy.url, HIT)
        new = await exchange(proxy.url, MISS)
        ended = await proxy.stop()

    assert [reply.values("x-runreel-source") for reply in (compared, new)] == [["upstream"]] * 2
    assert ended.code == 5  # the upstream of these tests is not the one that was recorded
    watching, *events = watched.events()
    assert watching == "watching"
    assert {event.split(" ", 1)[0] for event in events} <= {"socket.connect", "socket.getaddrinfo"}
    assert everything_in(tmp_path) == before
    assert modified_in(read_only) == stamps


async def test_the_same_watch_sees_a_recording_write_and_connect(
    tmp_path: Path, watched: Watched, upstream: RawUpstream
) -> None:
    async with runreel(
        *("record", "--upstream", upstream.url, "--receipt", "receipt.json"),
        cwd=tmp_path,
        env=watched.environment,
        pass_fds=(watched.writer,),
    ) as proxy:
        await exchange(proxy.url, HIT)
        ended = await proxy.stop()

    events = watched.events()
    kinds = {event.split(" ", 1)[0] for event in events}
    assert ended.code == 0
    assert {"open", "os.mkdir", "os.rename", "os.remove", "socket.connect"} <= kinds
    assert any("'receipt.json'" in event for event in events)
    assert any(f"('127.0.0.1', {upstream.port})" in event for event in events)
