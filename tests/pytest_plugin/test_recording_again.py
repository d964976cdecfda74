"""Tests that changed, or were killed, since they were recorded."""

import pytest

from suites import ONCE, RECORD, Suite

pytest_plugins = ("pytester",)
KEPT = ["*WARNING: 1 of 1 tests have recordings that they did not make again,*test_a"]
UNPLAYED = ["*1 recording in cassette 'test_it/test_a' was not played*", "*--runreel-prune*"]
TWO = """
@pytest.fixture
def cleaned():
    yield
    create("clean")

def test_a(cleaned):
    create("old")
    create("same")
"""
SHARED = """
pytestmark = pytest.mark.runreel(cassette="shared", allow_unplayed=True)
def test_a():
    create("a")
def test_b():
    create("b")
"""
KILLED = """
import os, signal

@pytest.fixture
def cleaned(runreel):
    yield
    create("clean")
    if os.environ.get("KILL"):
        os.kill(runreel.proxy._process.pid, signal.SIGKILL)
        os._exit(9)
    create("cleaner")

def test_a(cleaned):
    create("a")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


def test_old_recordings_of_a_changed_test_stay_and_are_told(suite: Suite) -> None:
    suite.write("def test_a():\n    create('old')")
    suite.run(*ONCE)
    suite.write("def test_a():\n    create('new')")

    recorded = suite.run(*RECORD)
    played = suite.run()

    recorded.assert_outcomes(passed=1)
    recorded.stdout.fnmatch_lines(KEPT)
    played.assert_outcomes(failed=1)
    played.stdout.fnmatch_lines(UNPLAYED)


def test_with_prune_they_go_those_of_the_teardown_too(suite: Suite) -> None:
    suite.write(TWO)
    suite.run(*ONCE)
    suite.write("def test_a():\n    create('same')")

    recorded = suite.run(*RECORD, "--runreel-prune")
    played = suite.run()

    recorded.assert_outcomes(passed=1)
    recorded.stdout.no_fnmatch_line("*WARNING*")
    played.assert_outcomes(passed=1)
    assert suite.stages("cassettes/test_it/test_a.json") == [b'{"metadata": {"stage": "same"}}']


def test_prune_leaves_a_cassette_of_which_a_test_need_not_play_all(suite: Suite) -> None:
    suite.write(SHARED)
    suite.run(*RECORD)

    suite.run(*RECORD, "--runreel-prune").assert_outcomes(passed=2)

    assert len(suite.stages("cassettes/shared.json")) == 2


def test_what_a_failing_test_did_not_make_again_is_not_pruned(suite: Suite) -> None:
    suite.write("def test_a():\n    create('old')")
    suite.run(*ONCE)
    suite.write("def test_a():\n    create('new')\n    assert 0")

    suite.run(*RECORD, "--runreel-prune").assert_outcomes(failed=1)

    assert suite.stages("cassettes/test_it/test_a.json") == [b'{"metadata": {"stage": "old"}}']


@pytest.mark.parametrize("mode", ["once", "new_episodes", "record"])
def test_nothing_is_kept_of_a_test_that_was_killed_while_it_was_recorded(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    suite.write(KILLED)
    with monkeypatch.context() as patch:
        patch.setenv("KILL", "1")
        assert suite.start(*ONCE).ret == 9
    assert suite.left() == ["journal", "journal", "lock", "lock"]

    recorded = suite.run(f"--runreel-mode={mode}", "--runreel-upstream=simulator")

    recorded.assert_outcomes(passed=1)
    recorded.stdout.fnmatch_lines(["runreel: 0 replayed, 3 recorded, 0 missed, 0 unplayed, 3 l*"])
    assert suite.left() == []
    suite.run().assert_outcomes(passed=1)
