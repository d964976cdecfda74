"""A command behind a proxy at a terminal: reading from it, Ctrl-C and Ctrl-Z."""

import asyncio
import os
import pty
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from processes import COMMAND
from wrapping import CASSETTES, EXAMPLE, program

CTRL_C, CTRL_Z = b"\x03", b"\x1a"

# What a shell does with a job: it has the terminal while it runs, and again after it was stopped.
_SHELL = """
import os, signal, sys
os.login_tty(int(sys.argv[1]))
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, setpgroup=0,
                     setsigdef=[signal.SIGINT, signal.SIGTTOU])
while True:
    os.tcsetpgrp(0, job)
    os.killpg(job, signal.SIGCONT)
    _, status = os.waitpid(job, os.WUNTRACED)
    has_it = os.tcgetpgrp(0) == job
    os.tcsetpgrp(0, os.getpgrp())
    if not os.WIFSTOPPED(status):
        break
    print("the job stopped", flush=True)
print("the job ended:", os.waitstatus_to_exitcode(status), has_it, flush=True)
"""


@dataclass
class Terminal:
    """The side of a terminal where people sit."""

    file: int
    seen: bytes = b""
    passed: bytes = b""  # what was waited for, and all before it

    async def until(self, text: bytes) -> None:
        """Return once this was shown, after all that was waited for before."""
        while text not in self.seen:
            self.seen += await asyncio.to_thread(os.read, self.file, 1000)
        before, found, self.seen = self.seen.partition(text)
        self.passed += before + found

    def types(self, keys: bytes) -> None:
        os.write(self.file, keys)


@asynccontextmanager
async def a_terminal(text: str, cwd: Path) -> AsyncIterator[Terminal]:
    """A terminal where a shell runs `runreel replay -- python -c TEXT`."""
    person, machine = pty.openpty()
    wrapping = ("replay", "--cassettes", str(CASSETTES), "--cassette", EXAMPLE, "--")
    shell = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _SHELL, str(machine), *COMMAND, *wrapping, *program(text)),
        cwd=cwd,
        pass_fds=(machine,),
    )
    os.close(machine)
    try:
        yield Terminal(person)
    finally:
        if shell.returncode is None:
            shell.kill()
        await shell.wait()
        os.close(person)


async def test_ctrl_c_reaches_a_command_once_whether_or_not_it_has_read_from_the_terminal(
    tmp_path: Path,
) -> None:
    text = """
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append("SIGINT"))
print("ready", flush=True)
while not heard:
    pass
print("first:", heard, flush=True)
print("read:", sys.stdin.readline(), flush=True)
while len(heard) < 2:
    pass
print("again:", heard, sys.stdin.readline(), flush=True)
sys.exit(7)
"""
    async with a_terminal(text, tmp_path) as terminal:
        await terminal.until(b"ready")
        terminal.types(CTRL_C)
        await terminal.until(b"first: ['SIGINT']")
        terminal.types(b"hello\n")
        await terminal.until(b"read: hello")
        terminal.types(CTRL_C)
        terminal.types(b"bye\n")
        await terminal.until(b"again: ['SIGINT', 'SIGINT'] bye")
        await terminal.until(b"the job ended: 7 True")
    assert b"LIVE" not in terminal.passed


async def test_ctrl_z_stops_the_job_and_the_shell_lets_it_go_on(tmp_path: Path) -> None:
    # It reads only when it was continued: who types Ctrl-Z just when a process is let go on may
    # have to type it again, in any shell.
    text = """
continued = []
signal.signal(signal.SIGCONT, lambda *_: continued.append(True))
print("ready", flush=True)
while not continued:
    pass
print("read:", sys.stdin.readline(), flush=True)
print("read:", sys.stdin.readline(), modify("recorded"), flush=True)
"""
    async with a_terminal(text, tmp_path) as terminal:
        await terminal.until(b"ready")
        terminal.types(CTRL_Z)
        await terminal.until(b"the job stopped")
        terminal.types(b"hello\n")
        await terminal.until(b"read: hello")
        terminal.types(CTRL_Z)
        await terminal.until(b"the job stopped")
        terminal.types(b"again\n")
        await terminal.until(b"read: again\r\n 200")
        await terminal.until(b"1 served")
        await terminal.until(b"the job ended: 0 True")
