"""The command in a process of its own, for tests that look at what a user sees.

Waiting is for a line or for the end, never for a time.
"""

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-m", "runreel")


def environment(added: Mapping[str, str] | None) -> dict[str, str]:
    # With PYTHONUNBUFFERED nobody could tell whether the command flushes its ready line.
    inherited = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return inherited | dict(added or {})


@dataclass(frozen=True)
class Ended:
    """A process that has ended; `out` and `err` are what had not been read before."""

    code: int | None
    out: str
    err: str


@dataclass
class Serving:
    """A proxy that has said that it is ready."""

    ready_line: str
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return self.ready_line.rpartition(" at ")[2].rstrip("\n")

    async def log_line(self) -> str:
        """The next line on stderr."""
        assert self.process.stderr is not None
        return (await self.process.stderr.readline()).decode()

    def ask_to_stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def stop(self, number: int = signal.SIGTERM) -> Ended:
        self.ask_to_stop(number)
        return await self.end()

    async def end(self) -> Ended:
        out, err = await self.process.communicate()
        return Ended(self.process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def runreel(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    pass_fds: tuple[int, ...] = (),
    command: Sequence[str] = COMMAND,
) -> AsyncIterator[Serving]:
    """A proxy that listens on a free port; it is killed if the test did not stop it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        "--port",
        "0",
        cwd=cwd,
        env=environment(env),
        pass_fds=pass_fds,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        ready_line = (await process.stdout.readline()).decode()
        serving = Serving(ready_line, process)
        assert ready_line, (await serving.end()).err
        yield serving
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def run(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """A command that ends by itself."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def on_a_terminal(*arguments: str, cwd: Path, env: Mapping[str, str]) -> bytes:
    """What a command that ends by itself writes to a terminal."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=cwd, env=environment(env), stdout=its, stderr=its
    ):
        os.close(its)
        seen = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while more := os.read(ours, 65_536):
                seen += more
    os.close(ours)
    return seen
