"""Killing recorders, at moments that are counted in what clients, upstream and disk see.

Owns the choice of a moment and the loop of kill, judgement and restart. Clients that wait for the
disk wait together, so moments of theirs fall between writes; those of the disk fall into them.
"""

import asyncio
import contextlib
import ctypes
import os
import random
import signal
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from faults.recording_under_load import Fuse, Traffic, Unit, judge, replayed
from processes import COMMAND, runreel

_EVENT = struct.Struct("iIII")
_MODIFY, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x80, 0x100, 0x200
_LENGTHS: dict[Unit, int] = {"answers": 60, "requests": 60, "bytes": 90_000, "writes": 60}
_WRITES_OF_A_STOP = 12


@dataclass(frozen=True)
class Kill:
    """How one recording ends: killed at a moment, or told to stop there and killed while it does,
    after so many more writes.
    """

    mode: str
    unit: Unit
    length: int
    writes_of_stop: int | None

    @classmethod
    def some(cls, rng: random.Random, *, first: bool) -> Self:
        """A random one; what is recorded `first` cannot be continued."""
        mode = "record" if first else rng.choice(["record", "new_episodes"])
        unit = rng.choice(list(_LENGTHS))
        stops = rng.random() < 0.3
        writes = rng.randint(1, _WRITES_OF_A_STOP) if stops else None
        return cls(mode, unit, rng.randint(1, _LENGTHS[unit]), writes)


async def record_and_kill(
    cwd: Path, traffic: Traffic, kill: Kill, command: Sequence[str] = COMMAND
) -> int | None:
    """Record under load until the kill; the exit code."""
    arguments = (kill.mode, "--no-audit", "--quiet", "--upstream", traffic.upstream.url)
    async with runreel(*arguments, cwd=cwd, command=command) as proxy:
        pid = proxy.process.pid

        def end_it() -> None:
            # Not by the process object, which may reap what asyncio waits for.
            os.kill(pid, signal.SIGKILL)

        def stop_it() -> None:
            os.kill(pid, signal.SIGTERM)
            traffic.fuse = Fuse("writes", kill.writes_of_stop or 0, end_it)

        traffic.fuse = Fuse(kill.unit, kill.length, stop_it if kill.writes_of_stop else end_it)
        with contextlib.suppress(ProcessLookupError):
            with _writes(cwd / "cassettes", lambda count: traffic.burn("writes", count)):
                await traffic.load(proxy.url)
                ended = await proxy.end() if kill.writes_of_stop else None
            end_it()
        traffic.fuse = None
        ended = ended or await proxy.end()
    return ended.code


async def kill_again_and_again(
    cwd: Path, traffic: Traffic, times: int, command: Sequence[str] = COMMAND
) -> list[str]:
    """Kill the recorders of one cassette, one after the other; what was wrong first."""
    (cwd / "cassettes").mkdir()
    for number in range(1, times + 1):
        kill = Kill.some(traffic.rng, first=number == 1)
        code = await record_and_kill(cwd, traffic, kill, command)
        wrong = judge(cwd / "cassettes", traffic)
        if code not in ((0, -9) if kill.writes_of_stop else (-9,)):
            wrong.append(f"ended with {code}")
        if wrong:
            return [f"kill {number} of {times}: {kill}", *wrong]
    return await replayed(cwd, traffic)


@contextmanager
def _writes(folder: Path, tell: Callable[[int], None]) -> Iterator[None]:
    """Tell how many more times something in a folder was written, created, renamed or removed."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    mask = _MODIFY | _MOVED_TO | _CREATE | _DELETE
    if libc.inotify_add_watch(descriptor, os.fsencode(folder), mask) < 0:
        raise OSError(ctypes.get_errno(), "inotify_add_watch")
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, lambda: tell(_count(os.read(descriptor, 65_536))))
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _count(events: bytes) -> int:
    at = count = 0
    while at < len(events):
        at += _EVENT.size + _EVENT.unpack_from(events, at)[3]
        count += 1
    return count
