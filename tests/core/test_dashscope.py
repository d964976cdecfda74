"""The profile `dashscope`: answers as its documents show them, and what is wrong with others."""

import json
from typing import Any

import pytest

from runreel.assistants.dashscope import DASHSCOPE
from runreel.assistants.validation import check_event, check_request, check_response

NAME = "0a1b2c3d-0000-4000-8000-000000000001"
# As an older answer to modify run has it: empty objects and zeros in place of nulls.
OLDER = {
    "id": f"run_{NAME}",
    "object": "thread.run",
    "created_at": 1711517598169,
    "thread_id": f"thread_{NAME}",
    "assistant_id": f"asst_{NAME}",
    "status": "completed",
    "required_action": {},
    "last_error": {},
    "expires_at": 0,
    "started_at": 0,
    "cancelled_at": 0,
    "failed_at": 0,
    "completed_at": 0,
    "model": "qwen-max",
    "instructions": "Be brief.",
    "tools": [{"type": "search"}],
    "metadata": {"user": "a"},
    "usage": {"input_tokens": 66, "output_tokens": 9, "total_tokens": 75},
    "request_id": NAME,
}
# As the events of a stream have it.
NEWER = OLDER | {
    **dict.fromkeys(("required_action", "last_error", "expires_at", "started_at", "usage")),
    **dict.fromkeys(("cancelled_at", "failed_at", "completed_at", "temperature", "top_p")),
    "file_ids": [],
    "tools": [{"type": "function", "function": {"name": "f"}}],
}
CALL = {"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}
WAITING = OLDER | {
    "status": "requires_action",
    "required_action": {
        "type": "submit_tool_outputs",
        "submit_tool_outputs": {"tool_calls": [CALL]},
    },
}
SHORT = {  # of a run that was just made
    name: value
    for name, value in OLDER.items()
    if not name.endswith("_at") and name not in ("required_action", "last_error", "usage")
} | {"created_at": 1711517598169}


@pytest.mark.parametrize(
    "run", [OLDER, NEWER, WAITING, SHORT], ids=["older", "newer", "waiting", "short"]
)
def test_an_answer_as_it_is_documented_has_no_finding(run: dict[str, Any]) -> None:
    body = json.dumps(run).encode()

    assert check_response(DASHSCOPE, "modifyRun", 200, body) == ()
    assert check_event(DASHSCOPE, 0, "thread.run.created", body) == ()


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"status": "incomplete"}, ("/status", "enum")),
        ({"created_at": "2024-03-27"}, ("/created_at", "type")),
        ({"usage": {"prompt_tokens": 1}}, ("/usage/input_tokens", "missing")),
        ({"tools": [{}]}, ("/tools/0/type", "missing")),
        ({"metadata": []}, ("/metadata", "type")),
    ],
)
def test_a_wrong_answer_has_its_finding(members: Any, wrong: tuple[str, str]) -> None:
    found = check_response(DASHSCOPE, "getRun", 200, json.dumps(OLDER | members).encode())

    assert (found[0].at, found[0].rule, found[0].severity) == (*wrong, "error")


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("modifyRun", b'{"metadata": null}'),
        ("modifyRun", b'{"metadata": {"number": 1}, "more": true}'),
        ("createThread", b'""'),
        (
            "createAssistant",
            b'{"model": "qwen-max", "instructions": "x", "file_ids": [], "metadata": null}',
        ),
    ],
)
def test_what_the_sdk_sends_has_no_finding(operation: str, body: bytes) -> None:
    assert check_request(DASHSCOPE, operation, body) == ()


def test_a_wrong_request_is_refused_without_an_envelope() -> None:
    found = check_request(DASHSCOPE, "modifyRun", b'{"metadata": "x"}')

    refusal = DASHSCOPE.refuse(*found)

    assert (refusal.status, refusal.body) == (
        400,
        {
            "code": "InvalidParameter",
            "message": "Invalid type for 'metadata': expected a metadata object, but got a string "
            "instead.",
        },
    )
