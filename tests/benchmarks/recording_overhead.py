"""What recording costs: `record` against `passthrough`, interleaved in one run, as a ratio.

    python tests/benchmarks/recording_overhead.py [--rounds 5] [--requests 2000] [--clients 32]

Upstream and proxies are processes of their own on loopback; each request carries metadata of its
own, so that every one of them is a new interaction.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from processes import runreel
from servers import RUN, RawUpstream, Received, http
from wire import Wire, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = json.dumps(RUN).encode()


def answer(_: Received) -> bytes:
    return http(200, [("Content-Type", "application/json")], BODY)


async def one_client(url: str, numbers: range) -> None:
    wire = await Wire.open(url)
    for number in numbers:
        reply = await wire.send(post(PATH, b'{"metadata":{"n":"%d"}}' % number))
        assert reply.status == 200
    await wire.close()


async def seconds(mode: str, upstream: str, requests: int, clients: int, *options: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        arguments = (
            mode,
            "--upstream",
            upstream,
            "--cassettes",
            f"{folder}/c",
            "--quiet",
            *options,
        )
        async with runreel(*arguments, cwd=Path(folder)) as serving:
            started = time.perf_counter()
            shares = (range(start, requests, clients) for start in range(clients))
            await asyncio.gather(*(one_client(serving.url, share) for share in shares))
            elapsed = time.perf_counter() - started
            await serving.stop()
    return elapsed


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--clients", type=int, default=32)
    given = parser.parse_args()
    ratios = []
    async with RawUpstream(answer) as upstream:
        for number in range(1, given.rounds + 1):
            forwarded, recorded = [
                await seconds(mode, upstream.url, given.requests, given.clients, "--no-audit")
                for mode in ("passthrough", "record")
            ]
            ratios.append(recorded / forwarded)
            rates = f"{given.requests / forwarded:7.0f}/s forwarded, "
            rates += f"{given.requests / recorded:7.0f}/s recorded durably"
            print(f"round {number}: {rates}, ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio record : passthrough = {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    asyncio.run(main())
