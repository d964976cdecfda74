"""What the audit log costs: recording with it against without, interleaved, as a ratio.

    python tests/benchmarks/audit_overhead.py [--rounds 5] [--requests 2000] [--clients 32]

As `recording_overhead`, whose requests these are: each is a change of metadata.
"""

import argparse
import asyncio
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.recording_overhead import answer, seconds
from servers import RawUpstream


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--clients", type=int, default=32)
    given = parser.parse_args()
    ratios = []
    async with RawUpstream(answer) as upstream:
        for number in range(1, given.rounds + 1):
            plain, audited = [
                await seconds("record", upstream.url, given.requests, given.clients, *options)
                for options in (("--no-audit",), ())
            ]
            ratios.append(audited / plain)
            rates = f"{given.requests / plain:7.0f}/s without, {given.requests / audited:7.0f}/s"
            print(f"round {number}: {rates} with the audit log, ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio with : without = {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    asyncio.run(main())
