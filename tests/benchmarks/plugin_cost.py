"""What the pytest plugin costs: its start, and each test, in seconds of the clock and of the CPU.

    python tests/benchmarks/plugin_cost.py [TESTS=60] [RUNS=5]

A suite whose tests make two calls each is recorded from the simulator and replayed. The least of
all runs counts, for what else the machine does only adds. "start" is what one test costs more than
none that uses runreel, "each test" what every further one adds; the processes that pytest starts
and waits for are counted with it.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_SUITE = """
import json, os, urllib.request
import pytest

def call(path, body):
    headers = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
    url = os.environ["OPENAI_BASE_URL"] + path
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return json.load(answer)

@pytest.mark.parametrize("number", range(NUMBER))
def test_plain(number):
    assert number >= 0

@pytest.mark.runreel
@pytest.mark.parametrize("number", range(NUMBER))
def test_calls(number):
    thread = call("/threads", {"metadata": {"number": str(number)}})
    assert call("/threads/" + thread["id"], {"metadata": {"a": "b"}})["id"] == thread["id"]
"""


def _pytest(folder: Path, *options: str) -> tuple[float, float]:
    """Seconds of the clock and of the CPU."""
    plugin = ("-p", "runreel.pytest_plugin.hooks", "-p", "no:cacheprovider", "-q")
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "pytest", *plugin, *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stdout.decode() + done.stderr.decode())
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, cpu


def main() -> None:
    """Measure and print."""
    number, runs = (int(text) for text in (*sys.argv[1:], "60", "5")[:2])
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_it.py").write_text(_SUITE.replace("NUMBER", str(number)))
        _pytest(folder, "--runreel-mode=once", "--runreel-upstream=simulator")
        chosen = (("-k", "test_plain and 0]"), ("-k", "[0]"), ("-k", "test_calls or [0]"))
        took = [[_pytest(folder, *options) for options in chosen] for _ in range(runs)]
    for what, index in (("wall", 0), ("CPU", 1)):
        none, one, every = (min(run[place][index] for run in took) for place in range(3))
        each = (every - one) / (number - 1) * 1000
        print(f"{what}: without {none:.2f} s, start {one - none:.2f} s, each test {each:.1f} ms")


if __name__ == "__main__":
    main()
