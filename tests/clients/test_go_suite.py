"""The Go SDK's own tests of runs and run steps, which nobody here wrote."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE
from pathlib import Path

from clients.go_calls import go_program
from clients.steady import steady
from processes import runreel

OUTCOME = re.compile(r"^--- ([A-Z]+): (\w+)", re.MULTILINE)
TESTS = [
    "TestBetaThreadRunNewWithOptionalParams",
    "TestBetaThreadRunGet",
    "TestBetaThreadRunUpdateWithOptionalParams",
    "TestBetaThreadRunListWithOptionalParams",
    "TestBetaThreadRunCancel",
    "TestBetaThreadRunSubmitToolOutputsWithOptionalParams",
    "TestBetaThreadRunStepGetWithOptionalParams",
    "TestBetaThreadRunStepListWithOptionalParams",
]
ALL_PASS = [("PASS", test) for test in TESTS]


async def _outcomes(url: str) -> list[tuple[str, str]]:
    """What became of each test against a server, in order."""
    process = await asyncio.create_subprocess_exec(
        go_program("v3.test"), "-test.v", env={"TEST_API_BASE_URL": url}, stdout=PIPE
    )
    out, _ = await process.communicate()
    return OUTCOME.findall(out.decode())


async def _pass_straight_recorded_and_replayed(url: str, folder: Path) -> None:
    straight = await _outcomes(url)
    async with runreel("record", "--quiet", "--upstream", url, cwd=folder) as proxy:
        recorded = await _outcomes(proxy.url)
        await proxy.stop()
    async with runreel("replay", "--quiet", "--receipt", "r.json", cwd=folder) as proxy:
        replayed = await _outcomes(proxy.url)
        await proxy.stop()

    receipt = json.loads((folder / "r.json").read_bytes())
    assert straight == recorded == replayed == ALL_PASS
    # Each test looks first whether the server answers at all.
    assert receipt["served"] == 2 * len(TESTS)
    assert (receipt["missed"], receipt["unplayed"], receipt["upstream_calls"]) == ([], [], 0)


async def test_the_go_sdks_own_tests_pass_straight_recorded_and_replayed(tmp_path: Path) -> None:
    async with steady() as url:
        await _pass_straight_recorded_and_replayed(url, tmp_path)


async def test_the_go_sdks_own_tests_pass_on_the_lenient_simulator_and_its_recording(
    tmp_path: Path,
) -> None:
    async with runreel("simulate", "--lenient", "--quiet", cwd=tmp_path) as simulator:
        await _pass_straight_recorded_and_replayed(simulator.url, tmp_path)
