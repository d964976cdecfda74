"""Law L6 with the real SDKs: a small sample of tests/benchmarks/threads_replayed.py."""

from typing import Any

import pytest

from clients.workers import LANGUAGES, Answered, Trial, counted, workers, wrong
from history_threads import ALONE, R0, SCENES

# A machine that is busy may be late: only what the law says counts here.
PATIENT = ("replay.order_wait_ms", 10_000)
TRIALS = (
    Trial("two that retrieve and update one run", 10.0, named=True, rules=(PATIENT,)),
    Trial("four that update one run", 10.0, named=False, rules=(PATIENT,)),
    Trial("a poller beside a writer", 10.0, named=False, rules=(PATIENT,)),
    Trial(ALONE, 0.0, named=False),
)
BLIND = Trial(ALONE, 0.0, named=False, rules=(("replay.barriers", False),), backwards=True)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_workers_are_answered_as_recorded_and_without_barriers_are_seen_not_to_be(
    language: str,
) -> None:
    async with workers(language) as program:
        counts = {
            trial: await counted(trial, program, replays=2, recordings=1)
            for trial in (*TRIALS, BLIND)
        }
    for trial in TRIALS:
        assert (counts[trial]["like"], counts[trial]["wrong"]) == (2, 0), trial
    assert [trial.scene for trial in TRIALS if not counts[trial]["waited"]] == [ALONE]
    assert counts[BLIND]["wrong"] > 0


def said(*keys: str) -> dict[str, Any]:
    return {"metadata": dict.fromkeys(keys, "1")}


def read(sent: float, received: float, *keys: str) -> Answered:
    return Answered(("GET", R0, "{}"), sent, received, said(*keys))


def update(key: str, sent: float, received: float, *keys: str) -> Answered:
    return Answered(("POST", R0, f'{{"{key}": 1}}'), sent, received, said(*keys))


A, B = update("a", 1, 2, "a"), update("b", 3, 4, "a", "b")
TOLD = [[A, B], [read(5, 6, "a", "b")]]  # one after the other
LATER = [[A, B], [read(2.5, 3.5, "a"), read(5, 6, "a", "b")]]  # the first one overlapped b


@pytest.mark.parametrize(
    ("told", "got", "is_wrong"),
    [
        (TOLD, TOLD, None),
        (TOLD, [[A], [read(3, 4, "a", "b")]], read(3, 4, "a", "b")),  # shows what nobody sent
        (TOLD, [[A, B], [read(2.2, 2.8, "a", "b")]], read(2.2, 2.8, "a", "b")),  # or sent later
        (TOLD, [[A, B], [read(3.5, 3.8, "a", "b")]], None),  # b is under way
        (TOLD, [[A, B], [read(5, 6, "a")]], read(5, 6, "a")),  # was never answered
        (LATER, [[A, B], [read(5, 6, "a")]], None),  # overlapped b when it was recorded
        (LATER, [[A, B], [read(0.1, 0.2, "a")]], read(0.1, 0.2, "a")),  # but not a
        (TOLD, [[update("b", 1, 2, "a", "b")], []], update("b", 1, 2, "a", "b")),
        (TOLD, [[update("a", 3, 4, "a")], [update("b", 1, 3.5, "a", "b")]], None),
    ],
)
def test_an_answer_is_wrong_if_no_order_of_the_calls_explains_it(
    told: list[list[Answered]], got: list[list[Answered]], is_wrong: Answered | None
) -> None:
    assert wrong(got, told) == ([] if is_wrong is None else [is_wrong])


def test_a_write_that_was_refused_was_not_made() -> None:
    refused = Answered(B.call, 3, 4, None)
    assert wrong([[A, refused], [read(5, 6, "a", "b")]], TOLD) == [read(5, 6, "a", "b")]


def test_every_scene_updates_with_bodies_that_differ() -> None:
    for scripts in SCENES.values():
        writes = [call for script in scripts for call in script if call[0] == "POST"]
        assert len(set(writes)) == len(writes)
