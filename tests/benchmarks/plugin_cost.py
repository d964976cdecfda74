"""What the pytest plugin costs, in milliseconds of CPU and of the clock, beside vcrpy's plugin.

    python tests/benchmarks/plugin_cost.py [TESTS=60] [ROUNDS=9] [CLIENT=urllib|openai]

Printed for each plugin, as the median of interleaved rounds and the least of them: "unused", what
it adds to a suite none of whose tests uses it; "start", what one test that uses it costs more than
none; "each test", what every further one adds, its two calls and their client included. The
processes that pytest starts and waits for are counted with it. "Without a plugin" the tests call a
live simulator, whose own time does not count: what is left is the client's and pytest's. The
client is urllib, with a connection for each call, or the SDK with one client for all. The tests'
calls are recorded before. pytest-recording is fetched from the package index for the time of the
run.
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
import pytest
from calling import call

@pytest.mark.MARK
@pytest.mark.parametrize("number", range(NUMBER))
def test_calls(number):
    thread = call("/threads", {"metadata": {"number": str(number)}})
    assert call("/threads/" + thread["id"], {"metadata": {"a": "b"}})["id"] == thread["id"]
"""
_CALLING = {
    "urllib": """
import json, os, urllib.request

def call(path, body):
    headers = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
    url = os.environ["OPENAI_BASE_URL"] + path
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return json.load(answer)
""",
    "openai": """
import openai

CLIENT = None

def call(path, body):
    global CLIENT
    CLIENT = CLIENT or openai.OpenAI(max_retries=0)
    headers = {"OpenAI-Beta": "assistants=v2"}
    return CLIENT.post(path, body=body, cast_to=object, options={"headers": headers})
""",
}
_PLUGINS = {"runreel": "runreel.pytest_plugin.hooks", "vcr": "pytest_recording.plugin"}
_NONE = "without a plugin"
_SHOWN_MAX = 2_000  # bytes of what pytest said, if it failed
_Cost = tuple[float, float]  # seconds of the CPU and of the clock


class _Pytest:
    """pytest with one plugin, or none, in a folder that has a suite for it."""

    def __init__(
        self, folder: Path, plugin: str | None, number: int, client: str, path: str
    ) -> None:
        folder.mkdir()
        (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    vcr\n    none\n")
        (folder / "test_plain.py").write_text(_PLAIN.replace("NUMBER", str(number)))
        calls = _CALLS.replace("NUMBER", str(number)).replace("MARK", plugin or "none")
        (folder / "test_calls.py").write_text(calls)
        (folder / "calling.py").write_text(_CALLING[client])
        self._folder = folder
        self._options = ("-p", _PLUGINS[plugin]) if plugin else ()
        self._environment = os.environ | {
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "OPENAI_API_KEY": "none-needed",
        }
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
            raise SystemExit((done.stdout + done.stderr)[-_SHOWN_MAX:].decode())
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, took


def _round(suites: dict[str, _Pytest], number: int, url: str) -> dict[str, _Cost]:
    """One measurement of everything."""
    found: dict[str, _Cost] = {}
    none: _Cost | None = None
    for name, suite in suites.items():
        unused = suite.run("test_plain.py")
        one = suite.run("test_plain.py", "test_calls.py", "-k", "plain or 0]", OPENAI_BASE_URL=url)
        every = suite.run("test_plain.py", "test_calls.py", OPENAI_BASE_URL=url)
        if none is not None:
            found[f"{name}, unused"] = _less(unused, none, 1)
            found[f"{name}, start"] = _less(one, unused, 1)
        found[f"{name}, each test"] = _less(every, one, number - (number + 9) // 10)
        none = none or unused
    return found


def _less(more: _Cost, less: _Cost, by: int) -> _Cost:
    cpu, clock = ((a - b) / by for a, b in zip(more, less, strict=True))
    return cpu, clock


def main() -> None:
    """Measure and print."""
    defaults = ("60", "9", "urllib")
    asked = (*sys.argv[1:], *defaults[len(sys.argv) - 1 :])
    number, rounds, client = int(asked[0]), int(asked[1]), asked[2]
    with tempfile.TemporaryDirectory() as made, live_simulator() as address:
        place, url = Path(made), f"{address}/v1"
        path = str(pytest_recording(place / "packages"))
        suites = {
            name or _NONE: _Pytest(place / (name or "none"), name, number, client, path)
            for name in (None, *_PLUGINS)
        }
        suites["runreel"].run("--runreel-mode=once", "--runreel-upstream=simulator")
        suites["vcr"].run("--record-mode=once", OPENAI_BASE_URL=url)
        measured = [_round(suites, number, url) for _ in range(rounds)]
    print(f"{number} tests, {rounds} rounds, {client}, load {os.getloadavg()[0]:.1f}")
    for what in measured[0]:
        cpu, clock = ([each[what][kind] * 1000 for each in measured] for kind in (0, 1))
        print(
            f"{what}: CPU {statistics.median(cpu):.1f} ms (least {min(cpu):.1f}), "
            f"clock {statistics.median(clock):.1f} ms (least {min(clock):.1f})"
        )


if __name__ == "__main__":
    main()
