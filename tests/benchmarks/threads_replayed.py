"""Law L6 through a real proxy: threads are recorded, replayed, and counted.

    python tests/benchmarks/threads_replayed.py [REPLAYS=200] [RECORDINGS=10]

Prints for each scene and spread of starts how many replays were like the recording, how many had a
miss that explained itself, how many were true but other than recorded, and how many answers were
wrong, which must be none: an answer that lacks a write that was answered before it was asked for,
or has one that was not sent yet. Exits with 1 if there is a wrong one, or if workers that can be
told apart were not answered as recorded.
"""

import asyncio
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path[:0] = [str(Path(__file__).parents[1])]

from history_threads import SCENES
from history_world import Call
from runreel.config.loading import load
from runreel.server.app import serving
from runreel.server.listener import RunOptions
from servers import RawUpstream, Received
from storing_upstream import StoringUpstream


@dataclass
class Answered:
    """One call: when it was sent and answered, the keys that its answer shows (None: a miss)."""

    call: Call
    sent: float
    received: float
    keys: frozenset[str] | None


class Worker(threading.Thread):
    """Makes the calls of a script on a connection of its own, from a moment on."""

    def __init__(self, url: str, script: list[Call], start_at: float, name: str) -> None:
        super().__init__()
        self.place = urlsplit(url)
        self.script, self.start_at, self.id = script, start_at, name
        self.answers: list[Answered] = []

    def run(self) -> None:
        time.sleep(max(0, self.start_at - time.monotonic()))
        connection = http.client.HTTPConnection(str(self.place.hostname), self.place.port or 80)
        for call in self.script:
            method, path, text = call
            body = json.dumps({"metadata": json.loads(text)}) if method == "POST" else None
            headers = {"Content-Type": "application/json", "X-Worker": self.id}
            sent = time.monotonic()
            connection.request(method, "/v1" + path, body, headers)
            reply = connection.getresponse()
            said = json.loads(reply.read())
            keys = frozenset(said["metadata"]) if reply.status == 200 else None
            self.answers.append(Answered(call, sent, time.monotonic(), keys))
        connection.close()


def run(url: str, scripts: list[list[Call]], spread_s: float) -> list[list[Answered]]:
    begin = time.monotonic() + 0.01
    workers = [
        Worker(url, script, begin + random.uniform(0, spread_s), f"w{n}")  # noqa: S311
        for n, script in enumerate(scripts)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [worker.answers for worker in workers]


def wrong(got: list[list[Answered]], told: list[list[Answered]]) -> int:
    """Answers that no order of the calls explains; what overlapped when recorded has none.

    An equal call of another worker may have got the answer that was recorded for this one.
    """
    now = [one for answers in got for one in answers]
    then = [one for answers in told for one in answers]
    return sum(
        _is_wrong(one, write) and not _overlapped(one.call, write.call, then)
        for one in now
        for write in now
        if write.call[0] == "POST" and write.keys is not None and write.call[1] == one.call[1]
    )


def _overlapped(one: Call, write: Call, then: list[Answered]) -> bool:
    ones = [was for was in then if was.call == one]
    writes = [was for was in then if was.call == write]
    return any(a.sent <= b.received and b.sent <= a.received for a in ones for b in writes)


def _is_wrong(one: Answered, write: Answered) -> bool:
    if one.keys is None or write is one:
        return False
    keys = frozenset(json.loads(write.call[2]))
    late = write.received < one.sent and not keys <= one.keys
    return late or (write.sent > one.received and bool(keys & one.keys))


async def scene(
    name: str, spread_ms: float, replays: int, recordings: int, *, told_apart: bool
) -> Counter[str]:
    counts: Counter[str] = Counter()
    headers = ["x-worker"] if told_apart else []
    for _ in range(recordings):
        with tempfile.TemporaryDirectory() as folder:
            told = await recorded(name, spread_ms, folder, headers)
            usual = settings(folder, headers)
            config = load(None, {}, usual | {"mode": "replay"})
            for _ in range(max(1, replays // recordings)):
                async with serving(config, RunOptions(log=open("/dev/null", "w"))) as running:  # noqa: ASYNC230, PTH123
                    got = await asyncio.to_thread(run, running.url, SCENES[name], spread_ms / 1000)
                    receipt: dict[str, Any] = running.receipt()
                counts["waited"] += receipt.get("waited", 0)
                counts["wrong"] += wrong(got, told)
                if shown(got) == shown(told):
                    counts["like"] += 1
                else:
                    counts["miss" if receipt["missed"] else "other"] += 1
    return counts


def settings(folder: str, headers: list[str]) -> dict[str, Any]:
    return {
        "cassettes": Path(folder),
        "listen.port": 0,
        "base_path": "",
        "audit.enabled": False,
        "match.headers": headers,
    }


async def recorded(
    name: str, spread_ms: float, folder: str, headers: list[str]
) -> list[list[Answered]]:
    upstream = StoringUpstream()

    async def answer(received: Received) -> bytes | None:
        await asyncio.sleep(random.uniform(0.002, 0.02))  # noqa: S311
        said = await upstream.answer(received)
        await asyncio.sleep(random.uniform(0.002, 0.02))  # noqa: S311
        return said

    async with RawUpstream(answer=answer) as server:
        usual = settings(folder, headers) | {"mode": "record", "upstream": server.url}
        config = load(None, {}, usual)
        async with serving(config, RunOptions(log=open("/dev/null", "w"))) as running:  # noqa: ASYNC230, PTH123
            return await asyncio.to_thread(run, running.url, SCENES[name], spread_ms / 1000)


def shown(told: list[list[Answered]]) -> list[list[tuple[Call, frozenset[str] | None]]]:
    return [[(one.call, one.keys) for one in answers] for answers in told]


async def main(replays: int, recordings: int) -> int:
    failed = 0
    for name in SCENES:
        for told_apart in (True, False):
            for spread_ms in (0.0, 10.0, 60.0):
                counts = await scene(name, spread_ms, replays, recordings, told_apart=told_apart)
                how = "a header each" if told_apart else "equal"
                print(f"{name:38} {how:14} {spread_ms:3.0f} ms  {dict(counts)}", flush=True)
                failed |= bool(counts["wrong"] or (told_apart and counts["miss"] + counts["other"]))
    return failed


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    sys.exit(asyncio.run(main(*([*given, 200, 10][:2] if len(given) < 2 else given))))
