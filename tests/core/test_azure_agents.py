"""The profile `azure_agents`: what real recordings are worth under it, and what it finds wrong."""

import json
from typing import Any

import pytest

from documents import needs, recorded_runs
from recordings import OLDER, OPENAI_S, entries
from runreel.assistants.azure_agents import AZURE_AGENTS
from runreel.assistants.openai import OPENAI
from runreel.assistants.profile import Profile
from runreel.assistants.validation import check_event, check_request, check_response
from runreel.http.sse import around_data, name_of, split

JSON = "application/json"


def findings(profile: Profile, name: str) -> dict[str, list[str]]:
    """What is found in the calls of a recording, by operation: pointer, rule, severity."""
    found: dict[str, list[str]] = {}
    for entry in entries(name):
        items = [*check_request(profile, entry.operation, entry.sent, JSON)]
        if "event-stream" in entry.headers["Content-Type"]:
            for index, event in enumerate(split(entry.body)):
                if parts := around_data(event):
                    items += check_event(profile, index, name_of(event), parts[1])
        else:
            items += check_response(profile, entry.operation, entry.status, entry.body)
        texts = [f"{item.at} {item.rule} {item.severity}" for item in items]
        found.setdefault(entry.operation or entry.method, []).extend(texts)
    return found


@needs("azure")
def test_the_only_recorded_update_of_a_run_has_no_finding() -> None:
    update = [entry for entry in entries(OLDER) if entry.operation == "modifyRun"]

    assert [json.loads(entry.sent) for entry in update] == [
        {"metadata": {"key1": "value1", "key2": "value2"}}
    ]
    assert findings(AZURE_AGENTS, OLDER) == {
        "createAssistant": [],
        "createThread": [],
        "createRun": [],
        "getRun": [],
        "modifyRun": [],
        "DELETE": [],
    }


@needs("azure")
@pytest.mark.parametrize("profile", [OPENAI, AZURE_AGENTS], ids=lambda item: item.name)
@pytest.mark.parametrize("name", OPENAI_S)
def test_recordings_of_openai_are_worth_advice_at_most(profile: Profile, name: str) -> None:
    found = findings(profile, name)

    assert {"createAssistant", "createThread", "createRun"} <= found.keys()
    texts = {text for texts in found.values() for text in texts}
    assert [text for text in texts if not text.endswith("advice")] == []
    assert {text.partition(" ")[0].rpartition("/")[2] for text in texts} <= {
        *("instructions", "first_id", "last_id"),
    }


@needs("runs.jsonl")
def test_every_run_recorded_since_2025_has_no_finding() -> None:
    runs = recorded_runs("2025", "2026")

    assert len(runs) == 164
    for run in runs:
        assert check_response(AZURE_AGENTS, "getRun", 200, json.dumps(run).encode()) == ()


def request(operation: str, body: Any) -> list[tuple[str, str, str]]:
    found = check_request(AZURE_AGENTS, operation, json.dumps(body).encode(), JSON)
    return [(item.at, item.rule, item.severity) for item in found]


@pytest.mark.parametrize(
    ("operation", "body", "wrong"),
    [
        ("modifyRun", {"metadata": {"a": 1}}, [("/metadata/a", "type", "error")]),
        ("modifyRun", {"agent_id": "asst_1"}, [("/agent_id", "unknown", "error")]),
        (
            "modifyRun",
            {"metadata": {str(number): "" for number in range(17)}},
            [("/metadata", "max_items", "error")],
        ),
        (
            "modifyThread",
            {"metadata": {"k" * 65: ""}},
            [(f"/metadata/{'k' * 65}", "max_name_length", "error")],
        ),
        (
            "modifyMessage",
            {"metadata": {"a": "v" * 513}},
            [("/metadata/a", "max_length", "error")],
        ),
        ("modifyAssistant", {"tools": [{"type": 5}]}, [("/tools/0/type", "type", "error")]),
        ("createRun", {"stream": False}, [("/assistant_id", "missing", "error")]),
        (
            "createRun",
            {"agent_id": "a"},
            [
                ("/agent_id", "unknown", "error"),
                ("/assistant_id", "missing", "error"),
            ],
        ),
        ("createAssistant", {"name": "n"}, [("/model", "missing", "error")]),
        ("createMessage", {"role": "agent", "content": "x"}, [("/role", "enum", "error")]),
    ],
)
def test_a_wrong_request_has_its_finding(
    operation: str, body: Any, wrong: list[tuple[str, str, str]]
) -> None:
    assert request(operation, body) == wrong


def test_tools_that_azure_has_are_known_and_newer_ones_are_worth_advice() -> None:
    tools = [{"type": "bing_grounding", "bing_grounding": {}}, {"type": "mcp"}, {"type": "newer"}]

    assert request("createAssistant", {"model": "m", "tools": tools}) == [
        ("/tools/2/type", "enum", "advice")
    ]


def test_files_may_be_elsewhere_in_azure_and_approvals_are_sent_in_place_of_outputs() -> None:
    asset = {"data_source": {"type": "uri_asset", "uri": "azureml://x"}, "tools": []}
    message = {"role": "user", "content": "x", "attachments": [asset]}

    assert request("createMessage", message) == []
    assert request("createThread", {"messages": [message]}) == []
    approval = {"tool_call_id": "call_1", "approve": True}
    assert request("submitToolOuputsToRun", {"tool_approvals": [approval]}) == []


def answered(**members: Any) -> list[tuple[str, str, str]]:
    run = {
        "id": "run_1",
        "object": "thread.run",
        "created_at": 1,
        "assistant_id": "asst_1",
        "thread_id": "thread_1",
        "status": "queued",
        "started_at": None,
        "expires_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "required_action": None,
        "last_error": None,
        "model": "m",
        "instructions": "i",
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "max_completion_tokens": None,
        "max_prompt_tokens": None,
        "incomplete_details": None,
        "truncation_strategy": None,
        "usage": None,
        "response_format": "auto",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    } | members
    found = check_response(AZURE_AGENTS, "getRun", 200, json.dumps(run).encode())
    return [(item.at, item.rule, item.severity) for item in found]


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({}, []),
        ({"metadata": {"a": 1}}, [("/metadata/a", "type", "error")]),
        ({"status": "done"}, [("/status", "enum", "error")]),
        ({"created_at": "now"}, [("/created_at", "type", "error")]),
        ({"tools": [{"type": "newer"}]}, [("/tools/0/type", "enum", "advice")]),
        (
            {"last_error": {"code": "content_filter", "message": "no"}},
            [("/last_error/code", "enum", "advice")],
        ),
    ],
)
def test_a_wrong_answer_has_its_finding(
    members: dict[str, Any], wrong: list[tuple[str, str, str]]
) -> None:
    assert answered(**members) == wrong


def test_a_refusal_is_in_the_envelope_of_the_api_behind_the_gateway() -> None:
    violations = check_request(AZURE_AGENTS, "modifyRun", b'{"metadata":{"a":true}}', JSON)

    refusal = AZURE_AGENTS.refuse(*violations)

    assert (refusal.status, refusal.body) == (
        400,
        {
            "error": {
                "message": "Invalid type for 'metadata.a': expected a string, but got a boolean "
                "instead.",
                "type": "invalid_request_error",
                "param": "metadata.a",
                "code": "invalid_type",
            }
        },
    )


STEP = {
    "id": "step_1",
    "object": "thread.run.step",
    "created_at": 1,
    "assistant_id": "asst_1",
    "thread_id": "thread_1",
    "run_id": "run_1",
    "type": "tool_calls",
    "status": "completed",
    "last_error": None,
    "cancelled_at": None,
    "failed_at": None,
    "completed_at": 2,
    "usage": None,
}


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        ({"id": "call_1", "type": "bing_grounding", "bing_grounding": {"requesturl": "x"}}, []),
        (
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            [("/step_details/tool_calls/0/function/output", "missing", "advice")],
        ),
        (
            {"id": "call_1", "type": "newer"},
            [("/step_details/tool_calls/0/type", "enum", "advice")],
        ),
        ({"type": "mcp"}, [("/step_details/tool_calls/0/id", "missing", "error")]),
    ],
)
def test_steps_call_the_tools_of_azure(call: Any, wrong: list[tuple[str, str, str]]) -> None:
    step = STEP | {"step_details": {"type": "tool_calls", "tool_calls": [call]}}

    found = check_response(AZURE_AGENTS, "getRunStep", 200, json.dumps(step).encode())

    assert [(item.at, item.rule, item.severity) for item in found] == wrong
