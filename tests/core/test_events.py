"""What is found in the events of a stream, and where."""

import json
from typing import Any

import pytest

from runreel.assistants.openai import OPENAI
from runreel.assistants.openai_v1 import OPENAI_V1
from runreel.assistants.rubra import RUBRA
from runreel.assistants.validation import check_event, check_response
from runreel.http.messages import Violation
from servers import RUN
from steps import STEP


def found_in(event: str, data: Any, index: int = 12) -> list[tuple[str, str, str]]:
    found = check_event(OPENAI, index, event, json.dumps(data).encode())
    return [(item.at, item.rule, item.severity) for item in found]


def test_a_finding_is_located_by_the_number_of_its_event() -> None:
    data = json.dumps(RUN | {"status": "done"}).encode()

    (found,) = check_event(OPENAI, 12, "thread.run.completed", data)

    assert found == Violation(
        "/12/data/status",
        "enum",
        "error",
        "input should be 'queued', 'in_progress', 'requires_action', 'cancelling', 'cancelled', "
        "'failed', 'completed', 'incomplete' or 'expired'",
    )


@pytest.mark.parametrize(
    "state",
    [
        "created",
        "queued",
        "in_progress",
        "requires_action",
        "completed",
        "incomplete",
        "failed",
        "cancelling",
        "cancelled",
        "expired",
    ],
)
def test_the_states_of_a_run_bring_a_run(state: str) -> None:
    assert found_in(f"thread.run.{state}", RUN) == []
    assert found_in(f"thread.run.{state}", RUN | {"id": 5}) == [("/12/data/id", "type", "error")]


@pytest.mark.parametrize(
    "state", ["created", "in_progress", "completed", "failed", "cancelled", "expired"]
)
def test_the_states_of_a_step_bring_a_step(state: str) -> None:
    assert found_in(f"thread.run.step.{state}", STEP) == []
    assert found_in(f"thread.run.step.{state}", STEP | {"run_id": 5}) == [
        ("/12/data/run_id", "type", "error")
    ]


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("done", b"[DONE]"),
        ("error", b'{"message":"The server had an error"}'),
        ("thread.created", b"{}"),
        ("thread.message.created", b"{}"),
        ("thread.message.delta", b"{}"),
        ("thread.run.step.delta", b"{}"),
        ("thread.runaway", b"{}"),
        ("", b""),
    ],
)
def test_other_events_have_no_model(event: str, data: bytes) -> None:
    assert check_event(OPENAI, 0, event, data) == ()


@pytest.mark.parametrize(
    ("data", "rule"), [(b"", "json"), (b"{", "json"), (b"[DONE]", "json"), (b"[]", "type")]
)
def test_data_that_is_no_run_at_all_is_one_finding(data: bytes, rule: str) -> None:
    (found,) = check_event(OPENAI, 0, "thread.run.queued", data)

    assert (found.at, found.rule, found.severity) == ("/0/data", rule, "error")


def test_known_deviations_are_advice_in_events_too() -> None:
    assert found_in("thread.run.queued", RUN | {"instructions": None}, index=0) == [
        ("/0/data/instructions", "type", "advice")
    ]


def test_each_profile_has_its_own_models_of_events() -> None:
    run = json.dumps(RUN).encode()

    assert [item.at for item in check_event(OPENAI_V1, 3, "thread.run.queued", run)] == [
        "/3/data/file_ids"
    ]
    assert check_event(RUBRA, 3, "thread.run.queued", b"rubra never streams runs") == ()


def test_nobody_reads_more_than_a_hundred_findings() -> None:
    body = json.dumps(RUN | {"metadata": {f"k{number}": 5 for number in range(500)}}).encode()

    assert len(check_event(OPENAI, 0, "thread.run.queued", body)) == 100
    assert len(check_response(OPENAI, "getRun", 200, body)) == 100
