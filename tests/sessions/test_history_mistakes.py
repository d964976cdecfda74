"""The laws of history are seen to fail: on the model that counts writes, and on planted faults."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import history_laws as laws
import history_scripts as scripts
from counting_model import Counting, CountingHistory
from history_sessions import record
from history_threads import SCENES, by_call, tally
from history_world import Cassette, World
from runreel.cassettes import merge as storing
from runreel.cassettes.history import Recording

search = settings(
    max_examples=1500,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def fails(law: Callable[[], None]) -> None:
    """Return if hypothesis finds a counterexample."""
    with pytest.raises(AssertionError):
        law()


def test_law_1_fails_where_writes_are_counted() -> None:
    @search
    @given(scripts.operations)
    def law(todo: list[Any]) -> None:
        laws.law_1(Counting(), todo)

    fails(law)


def test_law_2_fails_where_writes_are_counted() -> None:
    @search
    @given(scripts.script, scripts.picks)
    def law(script: list[Any], probes: list[list[int]]) -> None:
        laws.law_2(Counting(), [("record", script)], probes)

    fails(law)


def test_law_3_fails_where_writes_are_counted() -> None:
    @search
    @given(scripts.several)
    def law(several: list[list[Any]]) -> None:
        laws.law_3_added(Counting(), several[0], several[1:])

    fails(law)


def test_law_5_fails_where_writes_are_counted() -> None:
    @search
    @given(scripts.script, st.lists(st.integers(0, 8), max_size=3))
    def law(script: list[Any], cuts: list[int]) -> None:
        laws.law_5(Counting(), script, cuts)

    fails(law)


@pytest.mark.parametrize("scene", list(SCENES)[:2])
def test_law_6_fails_where_writes_are_counted(scene: str) -> None:
    """Each worker may be answered as recorded, but in a situation that has never been."""
    counts = tally(scene, (60.0, 60.0), 5, by_call, model=CountingHistory)
    assert counts["wrong"] > 0


def test_law_4_fails_where_an_equal_answer_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(storing.Storing[Any]):
        def _replaced(self, arrival: int, recording: Recording[Any], past: int) -> int | None:
            at = super()._replaced(arrival, recording, past)
            return None if at is not None and self._pasts.recordings[at].during else at

    monkeypatch.setattr("runreel.sessions.session.Storing", Forgetful)

    @search
    @given(scripts.workers, scripts.schedule)
    def law(workers: list[Any], schedule: list[int]) -> None:
        fixed = [
            [step for step in one if "$" not in step[1] and not laws.is_new(step)]
            for one in workers
        ]
        cassette = Cassette()
        record(cassette, World(), fixed, schedule)
        first = cassette.recordings
        record(cassette, World(), fixed, schedule)
        assert cassette.recordings == first

    fails(law)
