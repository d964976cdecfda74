"""A command as a child process: signals, its end, and what it leaves behind."""

import asyncio
import os
import shlex
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from processes import Ended
from wire import exchange, post
from wrapping import CASSETTES, EXAMPLE, program

# As `runreel replay --receipt r.json -- …`, with a grace that a test can wait for. Whoever runs the
# tests in the background of a shell ignores SIGINT and SIGHUP; the first line undoes that.
_DRIVER = """
import asyncio, os, signal, sys
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT): signal.signal(number, {before})
from pathlib import Path
from runreel.config.loading import load
from runreel.server.listener import RunOptions
from runreel.wrap.command import Wrapping, wrapped

cassettes, cassette, *command = sys.argv[1:]
config = load(None, {{}}, {{"cassettes": cassettes, "cassette": cassette, "listen.port": 0}})
options = RunOptions(sys.stderr, receipt=Path("r.json"))
wrapping = Wrapping(tuple(command), os.environ, grace_s={grace_s})
sys.exit(asyncio.run(wrapped(config, options, wrapping, lambda line: print(line, file=sys.stderr))))
"""


@asynccontextmanager
async def wrapping(
    text: str, cwd: Path, *, grace_s: float = 60, before: str = "signal.SIG_DFL"
) -> AsyncIterator[Process]:
    """runreel around a program that has printed its first line; killed with it at the end."""
    driver = _DRIVER.format(grace_s=grace_s, before=before)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", driver, str(CASSETTES), EXAMPLE, *program(text)),
        cwd=cwd,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,  # what stops its process group must not stop the tests
    )
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(process: Process) -> Ended:
    """How it ended, and what was said after the first line."""
    out, err = await process.communicate()
    return Ended(process.returncode, out.decode(), err.decode())


def told_receipt(done: Ended, cwd: Path) -> bool:
    """Whether the receipt is on stderr and in its file."""
    return "runreel: replay 'examples/modify-run': " in done.err and (cwd / "r.json").exists()


def is_there(process: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


READY = "print('ready', flush=True)\n"


async def test_signals_are_passed_on_and_only_sigterm_sets_a_deadline(tmp_path: Path) -> None:
    """Ctrl-C in a debugger ends nothing, and at SIGHUP some programs just read their files."""
    text = """
known = {signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
signal.pthread_sigmask(signal.SIG_BLOCK, known)
print("ready", flush=True)
for _ in known:
    print(signal.Signals(signal.sigwait(known)).name, flush=True)
sys.exit(5)
"""
    async with wrapping(text, tmp_path, grace_s=0) as process:
        assert process.stdout is not None
        heard = []
        for name in ("SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"):
            process.send_signal(signal.Signals[name])
            heard.append((await process.stdout.readline()).decode().strip())
        done = await ended(process)

    assert heard == ["SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"]
    assert done.code == 5
    assert told_receipt(done, tmp_path)


async def test_a_command_that_a_signal_ended_has_its_code(tmp_path: Path) -> None:
    text = "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n" + READY + "signal.pause()"
    async with wrapping(text, tmp_path) as process:
        process.terminate()
        done = await ended(process)

    assert done.code == 128 + 15
    assert told_receipt(done, tmp_path)
    assert "left running" not in done.err


async def test_a_command_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    text = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "signal.pause()"
    async with wrapping(text, tmp_path, grace_s=0.1) as process:
        process.terminate()
        done = await ended(process)

    assert done.code == 128 + 9
    assert told_receipt(done, tmp_path)


async def test_what_was_ignored_before_stays_ignored_as_under_nohup(tmp_path: Path) -> None:
    text = """
signal.signal(signal.SIGUSR1, lambda number, _: sys.exit(6))
print("ready", flush=True)
print(signal.getsignal(signal.SIGHUP).name, flush=True)
signal.pause()
"""
    async with wrapping(text, tmp_path, before="signal.SIG_IGN") as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGHUP)
        found = await process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        done = await ended(process)

    assert (done.code, found) == (6, b"SIG_IGN\n")


async def test_the_command_does_not_inherit_what_is_ignored_here(tmp_path: Path) -> None:
    # Python ignores two of the signals again when it starts, so another program has to look.
    mine = "trap 'exit 6' TTOU; kill -s TTOU $$; exit 7"
    theirs = f"sh -c {shlex.quote(mine)}; echo $?; sh -c 'kill -s PIPE $$'; echo $?"
    text = READY + f"os.execvp('sh', ['sh', '-c', {theirs!r}])"

    async with wrapping("signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n" + text, tmp_path) as one:
        done = await ended(one)

    assert done.out == "6\n141\n"


async def test_without_a_terminal_a_command_that_is_stopped_stops_nobody_else(
    tmp_path: Path,
) -> None:
    says = "print(os.getpid(), os.environ['OPENAI_BASE_URL'], flush=True)\n"
    text = READY + says + "os.kill(os.getpid(), signal.SIGSTOP); modify('recorded')"
    async with wrapping(text, tmp_path) as process:
        assert process.stdout is not None
        command, url = (await process.stdout.readline()).split()
        while await _state(int(command)) != "T":
            pass
        reply = await exchange(url.decode().removesuffix("/v1"), post("/v1/threads", b"{}"))
        os.kill(int(command), signal.SIGCONT)
        done = await ended(process)

    assert reply.status == 424
    assert done.code == 3


async def _state(process: int) -> str:
    """T is stopped."""
    asked = await asyncio.create_subprocess_exec(
        "ps", "-o", "stat=", "-p", str(process), stdout=PIPE
    )
    out, _ = await asked.communicate()
    return out.decode()[:1]


async def test_nothing_that_the_command_forked_is_left(tmp_path: Path) -> None:
    text = """
polite = "import signal; print('started', flush=True); signal.pause()"
stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + polite
left = [
    subprocess.Popen([sys.executable, "-c", text], start_new_session=away, stdout=subprocess.PIPE)
    for text in (polite, stubborn)
    for away in (False, sys.platform == "linux")  # elsewhere who goes away cannot be found
]
assert all(process.stdout.readline() for process in left)
print("ready", flush=True)
print(*(process.pid for process in left), flush=True)
os._exit(0)
"""
    async with wrapping(text, tmp_path) as process:
        done = await ended(process)

    assert done.code == 0
    assert [number for number in done.out.split() if is_there(int(number))] == []
    assert len(done.out.split()) == 4
    assert "runreel: what the command had left running was ended\n" in done.err
    assert told_receipt(done, tmp_path)
