"""What questions to a large audit log cost: seconds and memory of each command, as a process.

    python tests/benchmarks/audit_questions.py [--entries 1000000] [--verify]

The log is written here, from the format alone: changes of 20,000 runs by three actors.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from audit_logs import ACTORS, a_change, a_document, chained, lines

RUNS = 20_000
QUESTIONS = (
    ("log", "--run", "run_00777"),
    ("log", "--key", "rare"),
    ("log", "--effect", "refused", "--csv"),
    ("log", "--actor", "bbbb", "--key", "stage", "--value", "v8", "--json"),
    ("log", "--since", "2026-11-22T05:00:00Z", "--until", "2026-11-22T05:00:10Z"),
    ("show", "run_00777", "--at", "2026-11-22"),
    ("blame", "run_00777"),
    ("stats",),
)


def entries(count: int) -> Iterator[dict[str, Any]]:
    seq = 1
    while seq < count:
        run = {"run_id": f"run_{seq % RUNS:05}", "actor": ACTORS[seq % 3]}
        before, after = {"stage": f"v{seq % 9}"}, {"stage": f"v{seq % 9 + 1}"}
        if seq % 100_000 == 1:
            after["rare"] = "yes"
        if seq % 5_000 == 3:
            after, effect, status = before, "refused", 400
        else:
            effect, status = "applied", 200
        change = {"key": "stage", "change": "changed", "old": before["stage"]}
        changes = [change | {"new": after["stage"]}]
        yield from a_change(
            seq, before, after, after, effect, status=status, changes=changes, **run
        )
        seq += 2
    if seq == count:
        yield a_document(seq)


def write(folder: Path, count: int) -> int:
    prev, batch, size = "0" * 64, [], 0
    with (folder / "metadata.jsonl").open("wb") as file:
        for document in entries(count):
            batch.append(document)
            if len(batch) == 1_000 or document["seq"] == count:
                linked = chained(batch, prev)
                prev, batch = linked[-1]["hash"], []
                size += file.write(b"".join(lines(linked)))
    return size


def ask(folder: Path, *question: str) -> None:
    command = [sys.executable, "-m", "runreel", "audit", *question, "--audit", str(folder)]
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        told = sum(1 for _ in out)
    peak = usage.ru_maxrss / 1024
    print(f"{took:6.1f} s  {peak:5.0f} MiB  {told:7,} lines  {' '.join(question)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--verify", action="store_true", help="ask verify too, which takes longer")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write(folder, given.entries)
        print(f"{given.entries:,} entries, {size / 1e6:,.0f} MB", flush=True)
        for question in QUESTIONS + (("verify",),) * given.verify:
            ask(folder, *question)


if __name__ == "__main__":
    main()
