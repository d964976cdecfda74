"""SIGKILL between intent, forwarding and outcome: the upstream sees no change without its intent,
and the next start closes the books.

AUDIT_KILLS says how many kills; 200 take two minutes.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from audited import log_in
from builders import JSON_HEADERS, TARGET
from faults.killing import _writes
from faults.recording_under_load import Fuse, Unit
from processes import runreel
from servers import RUN, RawUpstream, Received, http
from wire import Wire, post

KILLS = int(os.environ.get("AUDIT_KILLS", "8"))
CLIENTS = 4
ASKED_MAX = 200  # changes of one client, should the fuse never burn down
LENGTHS: dict[Unit, int] = {"requests": 30, "answers": 30, "writes": 40}
SMALL_FILES = {"RUNREEL_AUDIT__ROTATE_BYTES": "40000", "RUNREEL_AUDIT__CHECKPOINT_ENTRIES": "20"}


class Changes:
    """Clients that change metadata, each change by a number of its own, until the proxy is gone."""

    def __init__(self) -> None:
        self.upstream = RawUpstream(self._answer)
        self.fuse: Fuse | None = None
        self.seen: list[str] = []  # by the upstream
        self._number = 0

    def _answer(self, received: Received) -> bytes:
        metadata = json.loads(received.body)["metadata"]
        self.seen.append(metadata["n"])
        self.burn("requests")
        body = json.dumps(RUN | {"metadata": metadata}).encode()
        return http(200, [("Content-Type", "application/json")], body)

    def burn(self, unit: Unit, amount: int = 1) -> None:
        if self.fuse is not None:
            self.fuse.burn(unit, amount)

    async def client(self, url: str) -> None:
        with contextlib.suppress(OSError, EOFError):
            wire = await Wire.open(url)
            try:
                for _ in range(ASKED_MAX):
                    self._number += 1
                    body = json.dumps({"metadata": {"n": str(self._number)}}).encode()
                    reply = await wire.send(post(TARGET, body, JSON_HEADERS))
                    assert reply.status == 200
                    self.burn("answers")
            finally:
                await wire.close()


async def killed(cwd: Path, changes: Changes, rng: random.Random) -> str:
    """Kill one proxy under way; what it said on stderr."""
    unit = rng.choice(list(LENGTHS))
    arguments = ("passthrough", "--quiet", "--upstream", changes.upstream.url)
    async with runreel(*arguments, cwd=cwd, env=SMALL_FILES) as proxy:
        pid = proxy.process.pid
        changes.fuse = Fuse(
            unit, rng.randint(1, LENGTHS[unit]), lambda: os.kill(pid, signal.SIGKILL)
        )
        with _writes(cwd / "audit", lambda count: changes.burn("writes", count)):
            await asyncio.gather(*(changes.client(proxy.url) for _ in range(CLIENTS)))
        changes.fuse = None
        ended = await proxy.end()
    assert ended.code == -9
    return ended.err


def written(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of all files, as they were left."""
    lines = [
        line
        for path in folder.glob("metadata*.jsonl")
        for line in path.read_bytes().splitlines(keepends=True)
    ]
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def unconcluded(entries: list[dict[str, Any]]) -> set[int]:
    intents = {entry["seq"] for entry in entries if entry["kind"] == "intent"}
    return intents - {entry["intent"] for entry in entries}


@pytest.mark.timeout(KILLS * 10)
async def test_no_change_is_without_its_intent_and_the_next_start_closes_the_books(
    tmp_path: Path,
) -> None:
    rng = random.Random(1)  # noqa: S311 - the same moments each time
    changes = Changes()
    left: set[int] = set()
    async with changes.upstream:
        for _ in range(KILLS):
            said = await killed(tmp_path, changes, rng)
            assert ("under way when runreel was stopped" in said) == bool(left)
            entries = written(tmp_path / "audit")
            intended = {entry["requested"]["n"] for entry in entries if entry["kind"] == "intent"}
            assert set(changes.seen) <= intended
            left = unconcluded(entries)
        arguments = ("passthrough", "--quiet", "--upstream", changes.upstream.url)
        async with runreel(*arguments, cwd=tmp_path, env=SMALL_FILES) as last:
            ended = await last.stop()

    log = log_in(tmp_path / "audit")
    outcomes = [entry["intent"] for entry in log if entry["kind"] == "outcome"]
    intents = [entry["seq"] for entry in log if entry["kind"] == "intent"]
    unknown = [entry for entry in log if entry["effect"] == "unknown"]
    assert ended.code == 0
    assert len(changes.seen) > KILLS
    assert sorted(outcomes) == intents
    assert {entry["reason"] for entry in unknown} == {"runreel stopped before the answer was known"}
