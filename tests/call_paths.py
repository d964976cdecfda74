"""Which files of the package a call runs through, from its first byte to its last.

As a command it prints them:

    .venv/bin/python tests/call_paths.py
"""

import asyncio
import io
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from runreel.config.loading import load
from runreel.server.app import serving
from runreel.server.listener import RunOptions
from servers import RawUpstream
from wire import exchange, post

PACKAGE = Path(__file__).parents[1] / "proxy" / "runreel"
TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
HEADERS = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))
# The most files that each may run through.
MOST = {"hit": 24, "miss": 28, "recorded": 39, "recorded with audit": 46}


@contextmanager
def seen() -> Iterator[set[str]]:
    """The files of the package in which any function is entered, in any thread."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            found.add(path.relative_to(PACKAGE).as_posix())

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def asking(stage: str) -> bytes:
    """A modify run call."""
    return post(TARGET, b'{"metadata":{"stage":"%s"}}' % stage.encode(), HEADERS)


async def through(folder: Path, *requests: bytes, **settings: object) -> set[str]:
    """The files that the last of some requests to a new proxy runs through."""
    dotted = {"cassettes": folder, "listen.port": 0, "base_path": "", "audit.enabled": False}
    given = {name.replace("__", "."): value for name, value in settings.items()}
    config = load(None, {}, dotted | given)
    async with serving(config, RunOptions(log=io.StringIO())) as running:
        for request in requests[:-1]:
            await exchange(running.url, request)
        await asyncio.sleep(0)  # what begins with the proxy has begun
        # New threads, which note what runs in them.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        with seen() as found:
            reply = await exchange(running.url, requests[-1])
            await asyncio.sleep(0)  # the last byte is out before the call is over
        assert reply.status in (200, 424)
        return set(found)  # its threads may go on noting


async def paths(folder: Path) -> dict[str, set[str]]:
    """The files of each call in `MOST`."""
    async with RawUpstream() as upstream:
        record = {"mode": "record", "upstream": upstream.url}
        recorded = await through(folder, asking("first"), asking("a"), **record)
        audit = {"audit__enabled": True, "audit__path": folder / "audit", "cassette": "audited"}
        audited = await through(
            folder / "cassettes", asking("first"), asking("a"), **record, **audit
        )
    return {
        "hit": await through(folder, asking("first"), asking("a")),
        "miss": await through(folder, asking("b")),
        "recorded": recorded,
        "recorded with audit": audited,
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for name, files in asyncio.run(paths(Path(place))).items():
            print(f"{name}: {len(files)} files, at most {MOST[name]}")  # noqa: T201 - its output
            for file in sorted(files):
                print(f"  {file}")  # noqa: T201 - as above
