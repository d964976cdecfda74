"""The `openai` package's own tests of runs and run steps, which nobody here wrote.

OPENAI_SUITES names a folder with the suites of 3.3.1 and of the newest release. The script that CI
runs makes it: `.ci/run tests/clients/test_sdk_suite.py` does that and runs nothing else.
"""

import asyncio
import json
import os
import re
from asyncio.subprocess import PIPE
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from clients.steady import steady
from processes import runreel

RUNS = "tests/api_resources/beta/threads/test_runs.py"
STEPS = "tests/api_resources/beta/threads/runs/test_steps.py"
OUTCOME = re.compile(r"^(tests/\S+::\S+) ([A-Z]+) +\[", re.MULTILINE)
# Their addopts ask for one process a core: then no two recordings have the same order.
OPTIONS = ("-o", "addopts=", "-p", "no:cacheprovider", "-v", "--color=no")

pytestmark = pytest.mark.timeout(300)


def _suite(release: str) -> Path:
    folder = os.environ.get("OPENAI_SUITES")
    if folder is not None:
        return Path(folder) / release
    if os.environ.get("CI"):
        pytest.fail("CI has to provide OPENAI_SUITES")
    pytest.skip("OPENAI_SUITES names no folder with the openai package's own tests")


async def _outcomes(suite: Path, url: str) -> dict[str, str]:
    """What became of each test against a server, by its name."""
    process = await asyncio.create_subprocess_exec(
        *(str(suite / "venv" / "bin" / "python"), "-m", "pytest", *OPTIONS, RUNS, STEPS),
        cwd=suite,
        env={"PATH": os.environ["PATH"], "TEST_API_BASE_URL": url},
        stdout=PIPE,
    )
    out, _ = await process.communicate()
    outcomes = dict(OUTCOME.findall(out.decode()))
    assert set(outcomes.values()) == {"PASSED"}, out.decode()[-10_000:]
    return outcomes


both = pytest.mark.parametrize("release", ["3.3.1", "newest"])


@both
async def test_the_sdks_own_suite_passes_straight_recorded_and_replayed_without_the_server(
    release: str, tmp_path: Path
) -> None:
    suite = _suite(release)
    async with steady() as url:
        straight = await _outcomes(suite, url)
        async with runreel("record", "--quiet", "--upstream", url, cwd=tmp_path) as proxy:
            recorded = await _outcomes(suite, proxy.url)
            await proxy.stop()

    replayed, receipt = await _replayed(suite, tmp_path)

    assert straight == recorded == replayed
    _check_whole(release, replayed)
    assert receipt["served"] >= 185


@both
async def test_the_sdks_own_suite_passes_on_the_lenient_simulator_recorded_and_replayed(
    release: str, tmp_path: Path
) -> None:
    suite = _suite(release)
    async with runreel("simulate", "--lenient", "--quiet", cwd=tmp_path) as simulator:
        straight = await _outcomes(suite, simulator.url)
        record = ("record", "--quiet", "--upstream", simulator.url)
        async with runreel(*record, cwd=tmp_path) as proxy:
            recorded = await _outcomes(suite, proxy.url)
            await proxy.stop()

    replayed, receipt = await _replayed(suite, tmp_path)

    assert straight == recorded == replayed
    _check_whole(release, replayed)
    assert receipt["served"] >= 185


async def _replayed(suite: Path, folder: Path) -> tuple[dict[str, str], Any]:
    """The outcomes on a replay of the folder's cassette, and the receipt."""
    async with runreel("replay", "--quiet", "--receipt", "r.json", cwd=folder) as proxy:
        replayed = await _outcomes(suite, proxy.url)
        await proxy.stop()
    receipt = json.loads((folder / "r.json").read_bytes())
    assert (receipt["missed"], receipt["unplayed"], receipt["upstream_calls"]) == ([], [], 0)
    return replayed, receipt


def _check_whole(release: str, outcomes: dict[str, str]) -> None:
    # A later release may bring more tests; of these 235, 50 make no request.
    of_file = Counter(name.partition("::")[0] for name in outcomes)
    assert release == "newest" or of_file == {RUNS: 185, STEPS: 50}
    assert of_file[RUNS] >= 185
    assert of_file[STEPS] >= 50
