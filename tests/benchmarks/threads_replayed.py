"""Law L6 through a real proxy and the real SDKs: workers are recorded, replayed, and counted.

    python tests/benchmarks/threads_replayed.py [LANGUAGE=python] [REPLAYS=200] [RECORDINGS=10]

LANGUAGE is python, go or node; go and node need what `.ci/run` builds, in the folders that
OPENAI_GO and OPENAI_NODE name. Prints for each scene and spread of starts how many replays were
like the recording, in how many only equal calls had changed places, how many had a miss that
explained itself (or did not), and how many answers were wrong, which must be none. The last scene
calls one after the other: none of its requests may wait. Exits with 1 if a law is broken.
"""

import asyncio
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from clients.workers import Trial, counted, workers
from history_threads import ALONE, SCENES

COLUMNS = ("like", "swapped", "miss", "unexplained", "unlike", "wrong", "waited")


async def main(language: str, replays: int, recordings: int) -> int:
    failed = False
    print(
        f"{language:38} {'workers':14} {'spread':>8}  " + " ".join(f"{one:>11}" for one in COLUMNS)
    )
    async with workers(language) as program:
        for scene in SCENES:
            for named in (True, False):
                for spread_ms in (0.0, 10.0, 60.0):
                    trial = Trial(scene, spread_ms, named)
                    counts = await counted(trial, program, replays=replays, recordings=recordings)
                    how = "a header each" if named else "equal"
                    row = " ".join(f"{counts[one]:>11}" for one in COLUMNS)
                    print(f"{scene:38} {how:14} {spread_ms:5.0f} ms  {row}", flush=True)
                    failed |= bool(counts["wrong"] or counts["unexplained"] or counts["unlike"])
                    failed |= named and counts["like"] < replays
                    failed |= scene == ALONE and counts["waited"] > 0
    return int(failed)


if __name__ == "__main__":
    given = [*sys.argv[1:], *["python", "200", "10"][len(sys.argv) - 1 :]]
    sys.exit(asyncio.run(main(given[0], *map(int, given[1:]))))
