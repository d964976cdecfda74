"""How long large hostile bodies hold up another client of a proxy, in milliseconds.

    python tests/benchmarks/held_up.py [--tries 5] [--modes record,replay,verify,new_episodes]
        [--kinds request,answer,stream]

In each mode, the first of which makes the cassette for the others, every body of about 4 MB is sent
`--tries` times, as a request, as the answer to a small one and as the events of a stream, while
another client asks for the proxy's health without a pause; printed are the longest answer of each
try and their median. Beside it stands what the same client waits on the same machine while nothing
else is asked. Proxy, upstream and clients are processes or threads of their own, so on two cores
they hold each other up as well.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from processes import runreel
from servers import RawUpstream, Received, http
from wire import exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
HEADERS = (
    ("Content-Type", "application/json"),
    ("Authorization", "Bearer " + "fAkE0" * 8),
)
IDLE_S = 1.0


def members(count: int, name: str, value: str) -> bytes:
    pairs = ",".join(f'"{name}{number}":"{value}{number:020}"' for number in range(count))
    return ('{"metadata":{' + pairs + "}}").encode()


HOSTILE = {
    "90,000 members": members(90_000, "k", "a plain value "),
    "75,000 that begin as keys": members(75_000, "k", "sk-value-of-a-thing-"),
    "90,000 passwords": members(90_000, "password", "hunter"),
    "1,300,000 lists": b"[" + b",".join([b"[]"] * 1_300_000) + b"]",
    "780,000 strings": b"[" + b",".join([b'"ab"'] * 780_000) + b"]",
    "one string of escapes": b'"' + b"%41" * 1_300_000 + b'"',
    "550,000 starts of keys": b'"' + b"sk-eyJ-" * 550_000 + b'"',
}


@contextmanager
def another_client(url: str) -> Iterator[list[float]]:
    """Asks again and again while the context lasts; milliseconds of each answer."""
    done = threading.Event()
    waited: list[float] = []

    async def ask() -> None:
        while not done.is_set():
            started = time.perf_counter()
            await exchange(url, get("/_runreel/health"))
            waited.append(1_000 * (time.perf_counter() - started))
            await asyncio.sleep(0.001)

    thread = threading.Thread(target=lambda: asyncio.run(ask()))
    thread.start()
    try:
        yield waited
    finally:
        done.set()
        thread.join()


SMALL = b'{"metadata":{"stage":"%d"}}'
EVENTS = [("Content-Type", "text/event-stream")]
JSON = [("Content-Type", "application/json")]


def answer(received: Received) -> bytes:
    """A short one, or the hostile body that the path names, whole or as events of 4 KB."""
    kind, _, number = received.target.rpartition("/")[2].partition("-")
    if kind not in ("answer", "stream"):
        return http(200, [], b"kept")
    body = list(HOSTILE.values())[int(number)]
    if kind == "answer":
        return http(200, JSON, body)
    pieces = (body[at : at + 4096].decode() for at in range(0, len(body), 4096))
    events = (json.dumps({"delta": {"text": piece}}) for piece in pieces)
    return http(200, EVENTS, "".join(f"data: {each}\n\n" for each in events).encode())


def asked(kind: str, number: int, attempt: int) -> bytes:
    """What is sent so that the hostile body of that number comes in this kind."""
    if kind == "request":
        return post(PATH, list(HOSTILE.values())[number], HEADERS)
    return post(f"{PATH}/{kind}-{number}", SMALL % attempt, HEADERS)


async def told(mode: str, kinds: list[str], tries: int, folder: Path, upstream: str) -> None:
    """Prints what another client waits in that mode."""
    live = [] if mode == "replay" else ["--upstream", upstream]
    arguments = [mode, *live, "--cassettes", f"{folder}/c", "--quiet"]
    async with runreel(*arguments, cwd=folder) as serving:
        await exchange(serving.url, post("/warm/up", HOSTILE["780,000 strings"], HEADERS))
        with another_client(serving.url) as idle:
            await asyncio.sleep(IDLE_S)
        print(f"\n{mode}\n  {'nothing':36} longest {max(idle):6.1f} ms", flush=True)
        for kind in kinds:
            for number, name in enumerate(HOSTILE):
                longest = []
                for attempt in range(tries):
                    with another_client(serving.url) as waited:
                        reply = await exchange(serving.url, asked(kind, number, attempt))
                    assert reply.status in (200, 424), reply
                    longest.append(max(waited))
                each = " ".join(f"{one:.1f}" for one in longest)
                median = statistics.median(longest)
                print(f"  {kind + ': ' + name:36} median {median:6.1f} ms  ({each})", flush=True)
        await serving.stop()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--modes", default="record,replay,verify,new_episodes")
    parser.add_argument("--kinds", default="request,answer,stream")
    given = parser.parse_args()
    kinds = given.kinds.split(",")
    with tempfile.TemporaryDirectory() as folder:
        async with RawUpstream(answer) as upstream:
            for mode in given.modes.split(","):
                await told(mode, kinds, given.tries, Path(folder), upstream.url)


if __name__ == "__main__":
    asyncio.run(main())
