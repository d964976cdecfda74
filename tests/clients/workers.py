"""Law L6 through a real proxy and the real SDKs: workers are recorded, replayed, and judged.

The workers of a round run in a process of their own, in Python, Go or Node (`python/workers.py`
tells what it reads and prints).
"""

import asyncio
import io
import json
import os
import random
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from builders import FAKE_KEY
from clients.calls import CLIENTS
from clients.go_calls import go_program
from clients.node_calls import NEWEST, node_packages
from history_threads import SCENES
from history_world import Call
from runreel.config.loading import load
from runreel.server.app import Running, serving
from runreel.server.listener import RunOptions
from servers import RawUpstream, Received
from storing_upstream import StoringUpstream

LANGUAGES = ("python", "go", "node")
_LINE_BYTES_MAX = 1 << 20  # of what a program prints for a round


@dataclass(frozen=True)
class Answered:
    """One call: when it was sent and answered, and what it was answered (None: a miss)."""

    call: Call
    sent: float
    received: float
    said: dict[str, Any] | None


Round = list[list[Answered]]  # by worker


def _command(language: str) -> list[str]:
    if language == "go":
        return [str(go_program("workers"))]
    if language == "node":
        node_packages()
        return ["node", str(CLIENTS / "node" / "workers.mjs"), NEWEST]
    return [sys.executable, str(CLIENTS / "python" / "workers.py")]


@dataclass
class Workers:
    """The program of a language, which plays one round after the other."""

    process: Process

    async def play(self, url: str, trial: "Trial", *, backwards: bool = False) -> Round:
        """Run the workers of a trial against a proxy."""
        scripts = [script[:: -1 if backwards else 1] for script in SCENES[trial.scene]]
        workers = [
            {
                "start_ms": random.uniform(0, trial.spread_ms),  # noqa: S311 - no secret
                "name": f"w{number}" if trial.named else "",
                "calls": [_asked(call) for call in script],
            }
            for number, script in enumerate(scripts)
        ]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = json.dumps({"base_url": f"{url}/v1", "workers": workers})
        self.process.stdin.write(line.encode() + b"\n")
        told = json.loads(await self.process.stdout.readline())
        return [
            [
                Answered(call, one["sent_ms"], one["received_ms"], one["said"])
                for call, one in zip(script, answers, strict=True)
            ]
            for script, answers in zip(scripts, told, strict=True)
        ]


def _asked(call: Call) -> dict[str, Any]:
    keys = list(json.loads(call[2]))
    return {"run": call[1].rpartition("/")[2], "key": keys[0] if keys else None}


@asynccontextmanager
async def workers(language: str) -> AsyncIterator[Workers]:
    """The program of a language; its process has ended at the end."""
    process = await asyncio.create_subprocess_exec(
        *_command(language),
        stdin=PIPE,
        stdout=PIPE,
        env=dict(os.environ) | {"OPENAI_API_KEY": FAKE_KEY},
        limit=_LINE_BYTES_MAX,
    )
    try:
        yield Workers(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


# ---------------------------------------------------------------- the judge


def wrong(got: Round, told: Round) -> list[Answered]:
    """The answers that no order explains in which the calls can have been made, now and when they
    were recorded; all that anybody outside can see of that is when they were sent and answered.
    """
    now, then = [one for each in got for one in each], [one for each in told for one in each]
    return [one for one in now if one.said is not None and not _is_right(one, now, then)]


def _is_right(one: Answered, now: list[Answered], then: list[Answered]) -> bool:
    """Whether an equal call was answered so in just this situation: after the same writes to its
    run, in the same order, give or take what overlapped it then or overlaps it now.
    """
    equal = (was for was in then if (was.call, was.said) == (one.call, one.said))
    return any(_same_situation(one, now, was, then) for was in equal)


def _same_situation(
    one: Answered, now: list[Answered], was: Answered, then: list[Answered]
) -> bool:
    made, either_now = _writes(one, now)
    had, either_then = _writes(was, then)
    either = either_now.keys() | either_then.keys()
    if (made.keys() ^ had.keys()) - either:
        return False
    both = [call for call in made if call in had]
    return not any(
        _before(made[a], made[b]) and _before(had[b], had[a])
        for first, second in combinations(both, 2)
        for a, b in ((first, second), (second, first))
    )


def _writes(
    one: Answered, all_: list[Answered]
) -> tuple[dict[Call, Answered], dict[Call, Answered]]:
    """The writes to the run of a call that were made before it, and those that overlapped it. Each
    write of a scene has a body of its own.
    """
    writes = {
        write.call: write
        for write in all_
        if write is not one and write.said is not None and write.call[:2] == ("POST", one.call[1])
    }
    before = {call: write for call, write in writes.items() if _before(write, one)}
    either = {
        call: write
        for call, write in writes.items()
        if not _before(write, one) and not _before(one, write)
    }
    return before, either


def _before(one: Answered, other: Answered) -> bool:
    return one.received < other.sent


# ---------------------------------------------------------------- recording and replaying


@dataclass(frozen=True)
class Trial:
    """How a scene is played: starts are spread over `spread_ms`, recording and replaying; workers
    that are not `named` make equal calls. The replay has `rules` as its settings, and may make each
    worker's calls `backwards`.
    """

    scene: str
    spread_ms: float
    named: bool
    rules: tuple[tuple[str, Any], ...] = ()
    backwards: bool = False


async def counted(trial: Trial, program: Workers, *, replays: int, recordings: int) -> Counter[str]:
    """What came of all replays: `like` the recording, `swapped` (like it, but that equal calls
    have changed places), or a `miss` that explains itself or is `unexplained`; `unlike` is none of
    these. Beside them, how many answers were `wrong`, and how many requests `waited`.
    """
    counts: Counter[str] = Counter()
    for share in _shares(replays, recordings):
        with tempfile.TemporaryDirectory() as folder:
            told = await _recorded(trial, program, Path(folder))
            for _ in range(share):
                got, receipt = await _replayed(trial, program, Path(folder))
                counts[_kind(trial, got, told, receipt)] += 1
                counts["wrong"] += len(wrong(got, told))
                counts["waited"] += receipt.get("waited", 0)
    return counts


def _shares(replays: int, recordings: int) -> Iterator[int]:
    for number in range(recordings):
        yield replays // recordings + (number < replays % recordings)


def _kind(trial: Trial, got: Round, told: Round, receipt: dict[str, Any]) -> str:
    if not receipt["missed"]:
        if _shown(got) == _shown(told):
            return "like"
        return "swapped" if _at_all(got) == _at_all(told) else "unlike"
    texts = [" ".join((miss["message"], *miss["details"])) for miss in receipt["missed"]]
    explained = all(" was " in text or " stands " in text for text in texts)
    if not trial.named and _twins(trial.scene):
        explained = explained and any("match.headers" in text for text in texts)
    return "miss" if explained else "unexplained"


def _twins(scene: str) -> bool:
    """Whether several workers make equal calls, so that only a header tells them apart."""
    return any(set(one) & set(other) for one, other in combinations(SCENES[scene], 2))


def _shown(told: Round) -> list[list[tuple[Call, dict[str, Any] | None]]]:
    return [[(one.call, one.said) for one in answers] for answers in told]


def _at_all(told: Round) -> Counter[str]:
    return Counter(json.dumps((one.call, one.said)) for answers in told for one in answers)


async def _recorded(trial: Trial, program: Workers, folder: Path) -> Round:
    upstream = StoringUpstream()

    async def answer(received: Received) -> bytes | None:
        await asyncio.sleep(random.uniform(0.002, 0.02))  # noqa: S311
        said = await upstream.answer(received)
        await asyncio.sleep(random.uniform(0.002, 0.02))  # noqa: S311
        return said

    async with RawUpstream(answer=answer) as server:
        live = {"mode": "record", "upstream": server.url}
        async with _proxy(trial, folder, live) as running:
            return await program.play(running.url, trial)


async def _replayed(trial: Trial, program: Workers, folder: Path) -> tuple[Round, dict[str, Any]]:
    async with _proxy(trial, folder, {"mode": "replay"} | dict(trial.rules)) as running:
        got = await program.play(running.url, trial, backwards=trial.backwards)
        return got, running.receipt()


@asynccontextmanager
async def _proxy(trial: Trial, folder: Path, rules: dict[str, Any]) -> AsyncIterator[Running]:
    usual = {
        "cassettes": folder,
        "listen.port": 0,
        "base_path": "",
        "audit.enabled": False,
        "match.headers": ["x-worker"] if trial.named else [],
    }
    config = load(None, {}, usual | rules)
    async with serving(config, RunOptions(log=io.StringIO())) as running:
        yield running
