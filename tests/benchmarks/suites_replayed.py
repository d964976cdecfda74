"""A suite as people write them, recorded from the simulator and replayed in many orders.

    python tests/benchmarks/suites_replayed.py [REPLAYS=20]

The suite is tests/sample_suites: shared cassettes, wide fixtures, tests that skip, frozen clocks,
sync and async code. Prints for each order how many replays were green: all tests content, nothing
missed, nothing unplayed, no call live. Then all is recorded anew, backwards, one test alone and by
two workers, and no byte may change but of the one test that sends another value each time. Exits
with 1 if anything else came out.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from suites import ONCE, PLUGIN, RECORD

SUITE = Path(__file__).parents[1] / "sample_suites"
MODULES = ("test_shared.py", "test_wide.py", "test_ends.py", "test_clocks.py")
TESTS = 26
VARIES = "test_a_time_does_not_count.json"  # of that test: its recording is a new one each time
GREEN = "0 missed, 0 unplayed, 0 live calls"
CHOOSING = """
def pytest_addoption(parser):
    parser.addoption("--backwards", action="store_true")
    parser.addoption("--only", type=int)

def pytest_collection_modifyitems(config, items):
    if config.getoption("backwards"):
        items.reverse()
    if (only := config.getoption("only")) is not None:
        config.hook.pytest_deselected(items=items[:only] + items[only + 1:])
        items[:] = items[only : only + 1]
"""
STILL = ("-p", "no:randomly")
ORDERS: dict[str, Callable[[int], tuple[str, ...]]] = {  # of replay number N
    "as written": lambda _: STILL,
    "backwards": lambda _: (*STILL, "--backwards"),
    "random": lambda number: ("-p", "randomly", f"--randomly-seed={number}"),
    "two workers": lambda _: (*STILL, "-n", "2"),
    "one test alone": lambda number: (*STILL, "--only", str(number * 7 % TESTS)),
    "one module": lambda number: (*STILL, MODULES[number % len(MODULES)]),
}


def copied(place: Path) -> Path:
    """The suite, with what chooses among its tests, in a folder of its own."""
    folder = place / "suite"
    shutil.copytree(SUITE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    (folder / "choosing.py").write_text(CHOOSING, encoding="utf-8")
    return folder


def run(folder: Path, *options: str) -> tuple[int, str]:
    """The exit code of a run of the suite, and what it printed."""
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("OPENAI")}
    environment["PYTHONPATH"] = os.pathsep.join((str(folder), *sys.path))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *PLUGIN, "-p", "choosing", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def green(folder: Path, order: str, number: int) -> bool:
    """Whether a replay is; prints what it said if it is not."""
    code, said = run(folder, *ORDERS[order](number))
    if code == 0 and GREEN in said:
        return True
    print(said)
    return False


def bytes_of(folder: Path) -> dict[str, bytes]:
    """All cassettes whose bytes may not change."""
    files = sorted(path for path in folder.rglob("*.json") if path.name != VARIES)
    return {str(path): path.read_bytes() for path in files}


def main(replays: int) -> int:
    """Record, replay in each order, record again."""
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        folder = copied(Path(place))
        code, said = run(folder, *ONCE, *STILL)
        if code:
            print(said)
            return 1
        before = bytes_of(folder)
        print(f"recorded {len(before)} cassettes, {sum(map(len, before.values())):,} bytes")
        for order in ORDERS:
            count = sum(green(folder, order, number) for number in range(replays))
            print(f"{order}: {count} of {replays} green", flush=True)
            wrong += replays - count
        for again in ("backwards", "one test alone", "two workers"):
            code, said = run(folder, *RECORD, *ORDERS[again](3))
            same = bytes_of(folder) == before
            print(f"recorded again, {again}: {'no byte' if same else 'something'} changed")
            wrong += not same or code != 0
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
