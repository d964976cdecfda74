"""Faults that strace injects into the calls that touch the files of a cassette.

Owns one recording under strace (`traced`), how many calls there are to fail (`Traced.calls`) and
the sweeps over them. A sweep is told what each of its faults broke.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builders import a_cassette
from faults import known_names
from faults.recording_under_load import Traffic, judge
from processes import Serving
from runreel.cassettes.file_store import FileStore

STRACE = shutil.which("strace")
CALLS = {
    "write": "write",
    "fdatasync": "fdatasync",
    "fsync": "fsync",
    "rename": "/^rename",
    "unlink": "/^unlink",
    "ftruncate": "ftruncate",
}
KILL, EIO, ENOSPC = "signal=SIGKILL", "error=EIO", "error=ENOSPC"
INTERACTIONS = 20
AT_ONCE = 2
_CALL = re.compile(r"^(\d+) +([a-z]+)\w*\(", re.MULTILINE)
_HIT = re.compile(r"\(INJECTED\)|\+\+\+ killed by SIGKILL")


@dataclass(frozen=True)
class Fault:
    """What happens at the n-th call, from 1, of this kind."""

    call: str
    nth: int
    effect: str

    @property
    def option(self) -> str:
        return f"inject={CALLS[self.call]}:{self.effect}:when={self.nth}"


@dataclass(frozen=True)
class Traced:
    """A run that ended: how often each call came (in the busiest thread), and if a fault struck."""

    code: int | None
    err: str
    calls: Counter[str]
    struck: bool


@dataclass(frozen=True)
class Start:
    """One start of a recorder; `number` decides how its files are called."""

    number: int
    mode: str = "record"
    requests: int = 0
    faults: tuple[Fault, ...] = ()


async def traced(cwd: Path, traffic: Traffic, start: Start) -> Traced:
    """Start a recorder, send it requests one after the other, and stop it."""
    log = cwd.with_name(f"{cwd.name}-{start.number}.log")
    process = await asyncio.create_subprocess_exec(
        *_strace(cwd / "cassettes", log, start.faults),
        *(sys.executable, known_names.__file__, str(start.number), start.mode, "--quiet"),
        *("--no-audit", "--upstream", traffic.upstream.url, "--cassettes", str(cwd / "cassettes")),
        *("--port", "0"),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    proxy = Serving((await process.stdout.readline()).decode(), process)
    if proxy.ready_line:
        async with traffic.wire(proxy.url) as wire:
            for _ in range(start.requests):
                await traffic.ask(wire)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
    ended = await proxy.end()  # strace holds the pipes, so it has ended too
    text = log.read_text()
    calls: Counter[str] = Counter()
    for (_, call), count in Counter(_CALL.findall(text)).items():
        calls[call] = max(calls[call], count)
    return Traced(ended.code, ended.err, calls, bool(_HIT.search(text)))


def _strace(folder: Path, log: Path, faults: Sequence[Fault]) -> list[str]:
    assert STRACE is not None
    paths = [word for path in known_names.paths(folder) for word in ("-P", str(path))]
    injected = [word for fault in faults for word in ("-e", fault.option)]
    calls = ["-e", f"trace={','.join(CALLS.values())}"]
    # strace 6.1 delivers no signal with --seccomp-bpf, which makes everything else quicker.
    kills = any(fault.effect == KILL for fault in faults)
    quick = [] if kills else ["--seccomp-bpf"]
    return [STRACE, "-D", "-f", *quick, "-o", str(log), *paths, *calls, *injected]


@dataclass(frozen=True)
class Case:
    """Starts of a recorder on one cassette, one after the other, each fault of which must strike.

    `unacknowledged` is how many requests must come out so, None if that is not known.
    """

    starts: tuple[Start, ...]
    unacknowledged: int | None = None

    async def wrong(self, cwd: Path) -> list[str]:
        """What the faults broke."""
        _make(cwd)
        async with Traffic(1) as traffic:
            for start in self.starts:
                run = await traced(cwd, traffic, start)
                wrong = [*_unexpected(start, run), *judge(cwd / "cassettes", traffic)]
                if wrong:
                    return [f"{self}", *wrong]
            missing = INTERACTIONS - len(traffic.acknowledged)
            if self.unacknowledged not in (None, missing):
                wrong.append(f"{missing} were not acknowledged")
            wrong += _not_taken_in(cwd / "cassettes", traffic)
        return [f"{self}", *wrong] if wrong else []


def _make(cwd: Path) -> None:
    (cwd / "cassettes").mkdir(parents=True)


def _unexpected(start: Start, run: Traced) -> list[str]:
    """A fault that did not strike, or an end that no fault explains."""
    if start.faults and not run.struck:
        return ["the fault did not strike"]
    killed = any(fault.effect == KILL for fault in start.faults)
    expected = {-9} if killed else {0, 1, 2} if start.faults else {0}
    wrong = [] if run.code in expected else [f"ended with {run.code}"]
    return [*wrong, run.err] if "Traceback" in run.err or wrong else []


def _not_taken_in(folder: Path, traffic: Traffic) -> list[str]:
    """What is wrong after the next start, which leaves no journal."""
    FileStore(folder).open_journal("default", a_cassette()).commit(None)
    journals = [str(path) for path in folder.rglob("*.journal")]
    return [*judge(folder, traffic), *journals]


def recording(*faults: Fault, unacknowledged: int | None = None) -> Case:
    """The recording of twenty interactions in which something fails."""
    return Case((Start(1, requests=INTERACTIONS, faults=faults),), unacknowledged)


async def sweep(folder: Path, cases: Sequence[Case]) -> list[str]:
    """What all the cases broke, one line for each thing; two cases run at a time."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, case: Case) -> list[str]:
        async with free:
            return await case.wrong(folder / f"{number:04}")

    found = await asyncio.gather(*(one(*pair) for pair in enumerate(cases)))
    return [line for lines in found for line in lines]


async def calls_of(cwd: Path, *starts: Start) -> Counter[str]:
    """How often the last of some starts makes each call when nothing fails in it."""
    _make(cwd)
    async with Traffic(1) as traffic:
        for start in starts:
            run = await traced(cwd, traffic, start)
    return run.calls


def faults_of(calls: Counter[str], *effects: str) -> list[Fault]:
    """One fault for each time of each call."""
    return [
        Fault(call, nth, effect)
        for effect in effects
        for call, count in sorted(calls.items())
        for nth in range(1, count + 1)
    ]
