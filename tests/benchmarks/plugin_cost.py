"""What the pytest plugin costs, in milliseconds of CPU and of the clock, beside vcrpy's plugin.

    python tests/benchmarks/plugin_cost.py [TESTS=60] [ROUNDS=9]

Printed for each plugin, as the median of interleaved rounds and the least of them: "unused", what
it adds to a suite none of whose tests uses it; "start", what one test that uses it costs more than
none; "each test", what every further one adds, its two calls and their client included. The
processes that pytest starts and waits for are counted with it. The tests' calls are recorded before
from the simulator. pytest-recording is fetched from the package index for the time of the run.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from benchmarks.suite_with_vcrpy import live_simulator, pytest_recording

_PLAIN = """
import pytest

@pytest.mark.parametrize("number", range(NUMBER))
def test_plain(number):
    assert number >= 0
"""
_CALLS = """
import json, os, urllib.request
import pytest

def call(path, body):
    headers = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
    url = os.environ["OPENAI_BASE_URL"] + path
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return json.load(answer)

@pytest.mark.MARK
@pytest.mark.parametrize("number", range(NUMBER))
def test_calls(number):
    thread = call("/threads", {"metadata": {"number": str(number)}})
    assert call("/threads/" + thread["id"], {"metadata": {"a": "b"}})["id"] == thread["id"]
"""
_PLUGINS = {"runreel": "runreel.pytest_plugin.hooks", "vcr": "pytest_recording.plugin"}
_Cost = tuple[float, float]  # seconds of the CPU and of the clock


class _Pytest:
    """pytest with one plugin, or none, in a folder that has a suite for it."""

    def __init__(self, folder: Path, plugin: str | None, number: int, path: str) -> None:
        folder.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    vcr\n")
        (folder / "test_plain.py").write_text(_PLAIN.replace("NUMBER", str(number)))
        calls = _CALLS.replace("NUMBER", str(number)).replace("MARK", plugin or "none")
        (folder / "test_calls.py").write_text(calls)
        self._folder = folder
        self._options = ("-p", _PLUGINS[plugin]) if plugin else ()
        self._environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        self._environment["PYTHONPATH"] = os.pathsep.join((path, *filter(None, sys.path)))

    def run(self, *options: str, **variables: str) -> _Cost:
        """What it costs."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *self._options]
        environment = self._environment | variables
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            [*command, *options],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            check=False,
        )
        took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stdout.decode() + done.stderr.decode())
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, took


def _round(suites: dict[str, _Pytest], bare: _Pytest, number: int, url: str) -> dict[str, _Cost]:
    """One measurement of everything."""
    found: dict[str, _Cost] = {}
    none = bare.run("test_plain.py")
    for name, suite in suites.items():
        unused = suite.run("test_plain.py")
        one = suite.run("test_plain.py", "test_calls.py", "-k", "plain or 0]", OPENAI_BASE_URL=url)
        every = suite.run("test_plain.py", "test_calls.py", OPENAI_BASE_URL=url)
        found[f"{name}, unused"] = _less(unused, none, 1)
        found[f"{name}, start"] = _less(one, unused, 1)
        found[f"{name}, each test"] = _less(every, one, number - (number + 9) // 10)
    return found


def _less(more: _Cost, less: _Cost, by: int) -> _Cost:
    cpu, clock = ((a - b) / by for a, b in zip(more, less, strict=True))
    return cpu, clock


def main() -> None:
    """Measure and print."""
    number, rounds = (int(text) for text in (*sys.argv[1:], *("60", "9")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as made, live_simulator() as url:
        place = Path(made)
        path = str(pytest_recording(place / "packages"))
        bare = _Pytest(place / "none", None, number, path)
        suites = {name: _Pytest(place / name, name, number, path) for name in _PLUGINS}
        suites["runreel"].run("--runreel-mode=once", "--runreel-upstream=simulator")
        suites["vcr"].run("--record-mode=once", OPENAI_BASE_URL=url)
        measured = [_round(suites, bare, number, url) for _ in range(rounds)]
    print(f"{number} tests, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for what in measured[0]:
        cpu, clock = ([each[what][kind] * 1000 for each in measured] for kind in (0, 1))
        print(
            f"{what}: CPU {statistics.median(cpu):.1f} ms (least {min(cpu):.1f}), "
            f"clock {statistics.median(clock):.1f} ms (least {min(clock):.1f})"
        )


if __name__ == "__main__":
    main()
