"""Many streams at once, and what a plain request waits meanwhile.

    python tests/benchmarks/streams.py [--streams 200] [--rounds 3]

Through runreel in passthrough and while recording: all streams are asked for at the same moment,
each has 20 events in a second, and another client sends plain calls all the time. Printed:
milliseconds to the first event, median of all streams, and of the plain calls median and 99th
percentile; medians of the rounds. Every event is checked.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.bare import DONE, EVENT, EVENTS
from benchmarks.speed import CORE_OF_LOAD, CORE_OF_SERVER, Call, bare, calls, live, started

WANTED = b"".join(EVENT % number for number in range(EVENTS)) + DONE


async def streamed(port: int, number: int) -> float:
    """Milliseconds to the first event of one stream."""
    call = Call(f"/v1/threads/thread_{number}/runs/stream", '{"stream":true}', "")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = time.perf_counter()
    writer.write(call.on_the_wire(port)[0].encode())
    await reader.readuntil(b"\r\n\r\n")
    body, first = b"", 0.0
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        first = first or time.perf_counter() - asked
        await reader.readline()
    if body != WANTED:
        raise SystemExit(f"a stream came otherwise: {body!r}")
    writer.close()
    return 1_000 * first


async def plain(port: int, asked: list[Call], stop: asyncio.Event) -> list[float]:
    """Milliseconds of each plain call, one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took = []
    for call in asked:
        if stop.is_set():
            break
        ask, answer = call.on_the_wire(port)
        before = time.perf_counter()
        writer.write(ask.encode())
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(answer))
        took.append(1_000 * (time.perf_counter() - before))
        await asyncio.sleep(0.001)
    writer.close()
    return took


async def one_round(port: int, count: int, asked: list[Call]) -> tuple[float, float, float]:
    stop = asyncio.Event()
    calling = asyncio.create_task(plain(port, asked, stop))
    firsts = await asyncio.gather(*(streamed(port, number) for number in range(count)))
    stop.set()
    took = sorted(await calling)
    return statistics.median(firsts), statistics.median(took), took[len(took) * 99 // 100]


@contextmanager
def upstream(place: Path) -> Iterator[str]:
    answers = place / "answers.json"
    answers.write_text(json.dumps([("POST", "/", "", calls(1, same=True)[0].answer)]))
    with started(bare("streams", str(answers)).command, place, CORE_OF_LOAD) as (_, port):
        yield f"http://127.0.0.1:{port}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.sched_setaffinity(0, {CORE_OF_LOAD})
    asked = calls(5_000, same=True)
    print("| | first event p50 ms | plain call p50 ms | plain call p99 ms |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place, upstream(Path(place)) as url:
        for server in live(url, uvloop=False)[1:]:
            rounds = []
            for _ in range(given.rounds):
                with (
                    tempfile.TemporaryDirectory() as folder,
                    started(server.command, Path(folder), CORE_OF_SERVER) as (_, port),
                ):
                    rounds.append(asyncio.run(one_round(port, given.streams, asked)))
            first, middle, late = map(statistics.median, zip(*rounds, strict=True))
            print(f"| {server.name} | {first:.1f} | {middle:.1f} | {late:.1f} |", flush=True)


if __name__ == "__main__":
    main()
