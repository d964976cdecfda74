"""The profile `openai_v1`: the first Assistants API, as it took, answered and refused.

That its texts are pydantic 1's is known from clients of the time that quote them; so is that
numbers and booleans were taken for texts.
"""

import json
from typing import Any

import pytest

from runreel.assistants.openai_v1 import OPENAI_V1
from runreel.assistants.validation import check_request, check_response
from steps import STEP

GONE: Any = ...
RUN: dict[str, Any] = {
    "id": "run_abc123",
    "object": "thread.run",
    "created_at": 1699700000,
    "assistant_id": "asst_abc123",
    "thread_id": "thread_abc123",
    "status": "queued",
    "started_at": None,
    "expires_at": 1699700600,
    "cancelled_at": None,
    "failed_at": None,
    "completed_at": None,
    "last_error": None,
    "model": "gpt-4",
    "instructions": None,
    "tools": [{"type": "retrieval"}, {"type": "code_interpreter"}],
    "file_ids": ["file-abc123"],
    "metadata": {},
}


def answered(change: dict[str, Any], operation: str = "getRun") -> list[tuple[str, str, str]]:
    run = {name: value for name, value in (RUN | change).items() if value is not GONE}
    found = check_response(OPENAI_V1, operation, 200, json.dumps(run).encode())
    return [(item.at, item.rule, item.severity) for item in found]


class TestItsRun:
    def test_one_of_2023_has_no_finding(self) -> None:
        assert answered({}) == []

    def test_nor_has_one_with_what_came_until_april_2024(self) -> None:
        assert (
            answered(
                {
                    "required_action": None,
                    "usage": None,
                    "incomplete_details": {"reason": "max_prompt_tokens"},
                    "max_completion_tokens": 16,
                    "status": "completed",
                }
            )
            == []
        )

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"file_ids": GONE}, ("/file_ids", "missing", "advice")),
            ({"status": "incomplete"}, ("/status", "enum", "advice")),
            ({"status": "done"}, ("/status", "enum", "error")),
            ({"tools": [{"type": "file_search"}]}, ("/tools/0/type", "enum", "error")),
            ({"file_ids": None}, ("/file_ids", "type", "error")),
            ({"metadata": {"n": 5}}, ("/metadata/n", "type", "error")),
            ({"id": GONE}, ("/id", "missing", "error")),
        ],
        ids=str,
    )
    def test_a_run_with_one_thing_wrong(
        self, change: dict[str, Any], found: tuple[str, str, str]
    ) -> None:
        assert answered(change) == [found]

    def test_a_page_of_runs_is_looked_at(self) -> None:
        page = {"object": "list", "data": [RUN | {"id": 5}], "first_id": None, "last_id": "a"}

        assert answered(page | {"has_more": False}, "listRuns") == [
            ("/data/0/id", "type", "error"),
            ("/first_id", "type", "advice"),
        ]

    def test_its_steps_know_retrieval(self) -> None:
        call = {"id": "call_a", "type": "retrieval", "retrieval": {}}
        step = STEP | {"step_details": {"type": "tool_calls", "tool_calls": [call]}}

        assert check_response(OPENAI_V1, "getRunStep", 200, json.dumps(step).encode()) == ()


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("modifyRun", {}),
        ("modifyRun", {"metadata": None}),
        ("modifyRun", {"metadata": []}),
        ("modifyRun", {"metadata": {"modified": True, "n": 5}}),
        ("createRun", {"assistant_id": "a", "tools": [{"type": "retrieval"}]}),
        ("createRun", {"assistant_id": "a", "max_prompt_tokens": 256, "max_completion_tokens": 16}),
        (
            "createThreadAndRun",
            {
                "assistant_id": "a",
                "thread": {"messages": [{"role": "user", "content": "", "file_ids": ["file-a"]}]},
            },
        ),
        ("submitToolOuputsToRun", {"tool_outputs": [{"tool_call_id": "a", "output": 57}]}),
        ("cancelRun", {}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_good_request_has_no_finding(operation: str, body: object) -> None:
    assert check_request(OPENAI_V1, operation, json.dumps(body).encode()) == ()


def test_cancelling_needs_no_body() -> None:
    assert check_request(OPENAI_V1, "cancelRun", b"") == ()


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        (
            "createRun",
            b'{"assistant_id":"asst_abc123","Metadata":{}}',
            (
                "1 validation error for Request\n"
                "body -> Metadata\n"
                "  extra fields not permitted (type=value_error.extra)"
            ),
        ),
        (
            "createRun",
            b'{"tools":[{"type":"retrieval"}],"tool_resources":{},"metadata":5}',
            (
                "3 validation errors for Request\n"
                "body -> assistant_id\n"
                "  field required (type=value_error.missing)\n"
                "body -> metadata\n"
                "  value is not a valid dict (type=type_error.dict)\n"
                "body -> tool_resources\n"
                "  extra fields not permitted (type=value_error.extra)"
            ),
        ),
        (
            "modifyRun",
            b'{"metadata":{"a":{}}}',
            (
                "1 validation error for Request\n"
                "body -> metadata -> a\n"
                "  str type expected (type=type_error.str)"
            ),
        ),
        (
            "modifyRun",
            json.dumps({"metadata": {"a": "v" * 513}}).encode(),
            (
                "1 validation error for Request\n"
                "body -> metadata -> a\n"
                "  ensure this value has at most 512 characters "
                "(type=value_error.any_str.max_length; limit_value=512)"
            ),
        ),
        (
            "submitToolOuputsToRun",
            b'{"tool_outputs":[{"output":[]}]}',
            (
                "1 validation error for Request\n"
                "body -> tool_outputs -> 0 -> output\n"
                "  str type expected (type=type_error.str)"
            ),
        ),
        (
            "modifyRun",
            b"{bad",
            (
                "We could not parse the JSON body of your request: it is not one plain JSON "
                "document: "
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."
            ),
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_refusal_is_one_text_with_everything_in_it(
    operation: str, body: bytes, message: str
) -> None:
    refused = OPENAI_V1.refuse(*check_request(OPENAI_V1, operation, body))

    assert refused.status == 400
    assert refused.body == {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        }
    }
