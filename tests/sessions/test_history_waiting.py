"""Law L6 in virtual time: workers are answered as when they were recorded, or told why not."""

import os

import pytest

from history_scripts import T0
from history_sessions import Playing, record
from history_threads import SCENES, by_call, by_worker, tally
from history_world import Cassette, Step, World

TRIALS = int(os.environ.get("RUNREEL_LAW_TRIALS", "25"))


@pytest.mark.parametrize("spread", [0.0, 10.0, 60.0])
@pytest.mark.parametrize("scene", SCENES)
def test_workers_that_can_be_told_apart_are_answered_as_recorded(scene: str, spread: float) -> None:
    counts = tally(scene, (spread, spread), TRIALS, by_worker)
    assert counts["like"] == TRIALS
    assert counts["wrong"] == 0


@pytest.mark.parametrize("spread", [0.0, 10.0, 60.0])
def test_workers_that_cannot_be_told_apart_are_never_lied_to(spread: float) -> None:
    for scene in SCENES:
        counts = tally(scene, (spread, spread), TRIALS, by_call)
        assert counts["wrong"] == 0


def test_without_waiting_the_order_is_lost() -> None:
    counts = tally("four that update one run", (60.0, 60.0), TRIALS, by_worker, waits=False)
    assert counts["like"] < TRIALS
    assert counts["wrong"] == 0


def test_a_sequential_program_waits_for_nothing() -> None:
    script: list[Step] = [("POST", T0, {"a": 1}), ("GET", T0, {}), ("POST", T0, {"b": 1})]
    cassette = Cassette()
    record(cassette, World(), [script])
    session = Playing(cassette)
    session.play(script)
    assert session.history.waits == 0
