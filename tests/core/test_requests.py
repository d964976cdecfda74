"""Requests under the profile `openai`: what passes, and what the refusals say."""

import json
from typing import Any

import pytest

from runreel.assistants.openai import OPENAI
from runreel.assistants.validation import check_request

MESSAGE: dict[str, Any] = {"role": "user", "content": "Hi"}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
RUN_SETTINGS: dict[str, Any] = {
    "assistant_id": "asst_abc123",
    "model": "gpt-4o",
    "instructions": None,
    "tools": [
        {"type": "code_interpreter"},
        {"type": "file_search", "file_search": {"max_num_results": 5}},
        FUNCTION,
    ],
    "metadata": {"a": "b"},
    "temperature": 2,
    "top_p": 0.5,
    "stream": True,
    "max_prompt_tokens": 256,
    "max_completion_tokens": None,
    "truncation_strategy": {"type": "last_messages", "last_messages": 1},
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
}
NEW_RUN = RUN_SETTINGS | {
    "reasoning_effort": "xhigh",
    "additional_instructions": "Be brief.",
    "additional_messages": [
        MESSAGE,
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "image_file", "image_file": {"file_id": "file-a", "detail": "low"}},
            ],
            "attachments": [{"file_id": "file-a", "tools": [{"type": "file_search"}]}],
            "metadata": {},
        },
    ],
}
STORE = {
    "file_ids": ["file-a"],
    "chunking_strategy": {
        "type": "static",
        "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0},
    },
}
NEW_THREAD_AND_RUN = RUN_SETTINGS | {
    "thread": {
        "messages": [MESSAGE],
        "tool_resources": {"file_search": {"vector_stores": [STORE]}},
        "metadata": None,
    },
    "tool_resources": {"code_interpreter": {"file_ids": ["file-a"]}},
}
OUTPUTS = {"tool_outputs": [{"tool_call_id": "call_a", "output": "57"}, {}], "stream": None}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("createRun", {"assistant_id": "asst_abc123"}),
        ("createRun", NEW_RUN),
        ("createRun", {"assistant_id": "", "tool_choice": "required", "response_format": "auto"}),
        ("createThreadAndRun", {"assistant_id": "asst_abc123"}),
        ("createThreadAndRun", NEW_THREAD_AND_RUN),
        ("createThreadAndRun", {"assistant_id": "", "thread": {}, "tool_resources": None}),
        ("submitToolOuputsToRun", OUTPUTS),
        ("submitToolOuputsToRun", {"tool_outputs": [], "stream": True}),
        ("cancelRun", {}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_good_request_has_no_finding(operation: str, body: object) -> None:
    assert check_request(OPENAI, operation, json.dumps(body).encode()) == ()


def test_cancelling_needs_no_body_and_the_others_do() -> None:
    writes = ["createRun", "modifyRun", "submitToolOuputsToRun", "createThreadAndRun"]

    assert check_request(OPENAI, "cancelRun", b"") == ()
    assert [check_request(OPENAI, name, b"")[0].rule for name in writes] == ["json"] * 4


def test_no_content_type_stops_a_body_from_being_json() -> None:
    assert check_request(OPENAI, "modifyRun", b"{}", "text/plain") == ()
