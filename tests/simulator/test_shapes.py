"""What the simulator answers has the shape of what OpenAI answered: members, order, layout."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from runreel.assistants.openai import OPENAI
from runreel.assistants.validation import check_event, check_response
from simulating import FUNCTION, PAGE_ADVICE, RUN_MEMBERS, Said, Talk, talk

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "runs.jsonl"
STEP_MEMBERS = [
    *("id", "object", "created_at", "run_id", "assistant_id", "thread_id", "type", "status"),
    *("cancelled_at", "completed_at", "expires_at", "failed_at", "last_error", "step_details"),
    "usage",
]


def _lives() -> list[tuple[str, Said]]:
    """Answers of every operation on runs, in every status: (operation, answer)."""
    told: list[tuple[str, Said]] = []
    outcomes = ("completed", "failed", "expired", "incomplete", "requires_action", "cancelled")
    for outcome in outcomes:
        said = talk()
        tools = [FUNCTION] if outcome != "failed" else []
        metadata = {} if outcome == "cancelled" else {"runreel.outcome": outcome}
        thread = f"/threads/{said.thread()}"
        sent = {"assistant_id": said.assistant(), "tools": tools, "metadata": metadata}
        created = said.post(f"{thread}/runs", sent)
        path = f"{thread}/runs/{created.json['id']}"
        told += [("createRun", created), ("listRunSteps", said.get(f"{path}/steps"))]
        told += [("getRun", said.get(path)) for _ in range(2)]
        told += _ending(said, path, outcome)
        told += [("listRuns", said.get(f"{thread}/runs"))]
        steps = said.get(f"{path}/steps")
        told += [("listRunSteps", steps)]
        told += [("getRunStep", said.get(f"{path}/steps/{s['id']}")) for s in steps.json["data"]]
        told += [("modifyRun", said.post(path, {"metadata": {"a": "b"}}))]
        told += [("createThreadAndRun", said.post("/threads/runs", sent))]
    return told


def _ending(said: Talk, path: str, outcome: str) -> list[tuple[str, Said]]:
    if outcome == "cancelled":
        return [("cancelRun", said.post(f"{path}/cancel")), ("getRun", said.get(path))]
    required = said.get(path).json["required_action"]
    if required is None:
        return []
    calls = required["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": "22"} for call in calls]
    submitted = said.post(f"{path}/submit_tool_outputs", {"tool_outputs": outputs})
    polled = [("getRun", said.get(path)) for _ in range(2)]
    return [("submitToolOuputsToRun", submitted), *polled]


def test_every_answer_passes_the_profile_without_even_advice_but_for_empty_pages() -> None:
    told = _lives()

    found = {
        (operation, item.at.replace("/data/0", "").replace("/data/1", ""), item.rule)
        for operation, said in told
        for item in check_response(OPENAI, operation, said.status, said.body)
    }

    statuses = {said.json["status"] for operation, said in told if operation.endswith("Run")}
    assert {said.status for _, said in told} == {200}
    assert statuses == {
        *("queued", "in_progress", "requires_action", "cancelling", "cancelled"),
        *("failed", "completed", "incomplete", "expired"),
    }
    assert found == {("listRunSteps", at, rule) for at, rule in PAGE_ADVICE}


def _streams() -> dict[str, list[tuple[str, Any]]]:
    """The events of every operation that streams, with every end of a run."""
    told: dict[str, list[tuple[str, Any]]] = {
        "createRun": [],
        "createThreadAndRun": [],
        "submitToolOuputsToRun": [],
    }
    for outcome in ("completed", "failed", "expired", "incomplete"):
        said = talk()
        calls = {"runreel.tool_calls": '[{"name":"look_up"}]'}
        sent: dict[str, Any] = {"assistant_id": said.assistant(), "stream": True}
        for more in ({}, calls):
            sent |= {"tools": [FUNCTION], "metadata": {"runreel.outcome": outcome} | more}
            told["createThreadAndRun"] += said.post("/threads/runs", sent).events
            waiting = said.post(f"/threads/{said.thread()}/runs", sent).events
            told["createRun"] += waiting
        run = waiting[-1][1]
        required = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        outputs = [{"tool_call_id": call["id"], "output": "22"} for call in required]
        path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
        told["submitToolOuputsToRun"] += said.post(
            path, {"tool_outputs": outputs, "stream": True}
        ).events
    return told


@pytest.mark.parametrize("operation", ["createRun", "createThreadAndRun", "submitToolOuputsToRun"])
def test_every_event_passes_the_profile(operation: str) -> None:
    events = _streams()[operation]

    found = {
        (name, item.severity, item.at, item.rule)
        for name, data in events
        for item in check_event(OPENAI, 0, name, json.dumps(data).encode())
    }

    ends = {"thread.run.failed", "thread.run.expired", "thread.run.incomplete"}
    assert {name for name, _ in events} >= ends | {"thread.run.completed", "thread.message.delta"}
    assert found == set()


def test_runs_and_steps_have_the_real_members_in_the_real_order() -> None:
    said = talk()
    path = said.ended()

    assert list(said.get(path).json) == RUN_MEMBERS
    assert list(said.get(f"{path}/steps").json["data"][0]) == STEP_MEMBERS


def test_assistants_threads_and_messages_have_the_real_members_in_the_real_order() -> None:
    said = talk()
    thread = said.thread()

    members = {
        document["object"]: list(document)
        for document in (
            said.get(f"/assistants/{said.assistant()}").json,
            said.get(f"/threads/{thread}").json,
            said.get(f"/threads/{thread}/messages").json["data"][0],
        )
    }

    assert members == {
        "assistant": [
            *("id", "object", "created_at", "name", "description", "model", "instructions"),
            *("tools", "top_p", "temperature", "reasoning_effort", "tool_resources", "metadata"),
            "response_format",
        ],
        "thread": ["id", "object", "created_at", "metadata", "tool_resources"],
        "thread.message": [
            *("id", "object", "created_at", "assistant_id", "thread_id", "run_id", "role"),
            *("content", "attachments", "metadata"),
        ],
    }


def test_all_events_of_a_stream_have_the_real_members_in_the_real_order() -> None:
    said = talk()
    sent = {"assistant_id": said.assistant(), "stream": True}

    events = said.post(f"/threads/{said.thread()}/runs", sent).events

    assert {(data["object"], *data) for _, data in events} == {
        ("thread.run", *RUN_MEMBERS),
        ("thread.run.step", *STEP_MEMBERS),
        ("thread.message.delta", "id", "object", "delta"),
        (
            *("thread.message", "id", "object", "created_at", "assistant_id", "thread_id"),
            *("run_id", "status", "incomplete_details", "incomplete_at", "completed_at", "role"),
            *("content", "attachments", "metadata"),
        ),
    }


def test_that_order_is_the_one_of_recorded_runs() -> None:
    if not RECORDED.exists():
        if os.environ.get("CI"):
            pytest.fail("CI has to provide shared/data/runs.jsonl")
        pytest.skip("shared/data/runs.jsonl is not beside this checkout")
    lines = RECORDED.read_text(encoding="utf-8").splitlines()
    recorded = [item for item in map(json.loads, lines) if item["recorded"] == "2026-Mar"]

    orders = {tuple(item["run"]) for item in recorded}

    assert recorded
    assert orders == {tuple(RUN_MEMBERS)}


def test_documents_are_laid_out_with_two_spaces_and_so_are_errors() -> None:
    said = talk()
    path = said.run()

    found, refused = said.get(path), said.post(path, {"metadata": {}})

    assert found.body.startswith(b'{\n  "id": "run_')
    assert b'\n  "tools": [],\n  "tool_resources": {},\n' in found.body
    assert b'\n  "temperature": 1.0,\n' in found.body
    assert refused.body == (
        b'{\n  "error": {\n    "message": "Cannot update run with status \'in_progress\'.",\n'
        b'    "type": "invalid_request_error",\n    "param": null,\n    "code": null\n  }\n}'
    )


def test_ids_are_shaped_like_real_ones_and_answers_name_their_maker() -> None:
    said = talk()
    path = said.ended(metadata={"runreel.tool_calls": '[{"name":"f"}]'})

    run = said.get(path)
    (call,) = run.json["required_action"]["submit_tool_outputs"]["tool_calls"]
    (step,) = said.get(f"{path}/steps").json["data"]
    ids = [run.json["id"], run.json["thread_id"], run.json["assistant_id"], call["id"], step["id"]]

    assert [name.partition("_")[0] for name in ids] == ["run", "thread", "asst", "call", "step"]
    assert all(
        len(name.partition("_")[2]) == 24 and name.partition("_")[2].isalnum() for name in ids
    )
    assert len(run.header("x-request-id")) == len("req_") + 32
    assert run.header("server").startswith("runreel-simulator/")
