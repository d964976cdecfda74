"""A worker process of pytest-xdist that ends in the middle of a test."""

import pytest

from suites import ONCE, Suite

pytest_plugins = ("pytester",)

CRASHES = """
import os

@pytest.mark.parametrize("number", range(3))
@pytest.mark.runreel(cassette="all")
def test_shares(number):
    assert create(str(number)) == str(number)

@pytest.mark.parametrize("number", range(3))
def test_has_its_own(number):
    assert create(str(number)) == str(number)

def test_crashes():
    try:
        create("crash")
    finally:
        if os.path.exists("crash"):
            os._exit(7)
"""
ALL = ["cassettes/all.json", *(f"cassettes/test_it/test_has_its_own[{n}].json" for n in range(3))]


def test_a_crash_costs_no_recording_but_its_own_and_the_run_says_so(
    pytester: pytest.Pytester,
) -> None:
    suite, workers = Suite(pytester), ("-p", "xdist", "-n", "2")
    suite.write(CRASHES)
    (suite.folder / "crash").touch()

    crashed = suite.start(*workers, *ONCE)
    recorded = suite.recorded()
    replayed = suite.start(*workers, "--runreel-orphans=delete")
    (suite.folder / "crash").unlink()
    again = suite.run(*ONCE)

    crashed.assert_outcomes(passed=6, failed=1)
    crashed.stdout.fnmatch_lines(
        ["runreel: WARNING: 1 worker process crashed (gw?): what its tests did is not in *"]
    )
    assert recorded == ALL
    replayed.assert_outcomes(passed=6, failed=1)
    replayed.stdout.fnmatch_lines(["runreel: WARNING: 1 worker process crashed (gw?): *"])
    again.assert_outcomes(passed=7)
    again.stdout.fnmatch_lines(["runreel: 6 replayed, 1 recorded, 0 missed, 0 unplayed, 1 live*"])
    assert suite.recorded() == [*ALL[:1], "cassettes/test_it/test_crashes.json", *ALL[1:]]
