"""What strict validation answers to a request under the profile `openai`, word by word."""

import json
from typing import Any

import pytest

from runreel.assistants.openai import OPENAI
from runreel.assistants.validation import check_request

MESSAGE: dict[str, Any] = {"role": "user", "content": "Hi"}
FUNCTION = {"type": "function", "function": {"name": "weather"}}


def run(**members: Any) -> dict[str, Any]:
    return {"assistant_id": "asst_a", **members}


def message(**members: Any) -> dict[str, Any]:
    return run(additional_messages=[MESSAGE, MESSAGE | members])


CREATED_RUNS: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {},
        "assistant_id",
        "missing_required_parameter",
        "Missing required parameter: 'assistant_id'.",
    ),
    (
        run(file_ids=[]),
        "file_ids",
        "unknown_parameter",
        "Unknown parameter: 'file_ids'.",
    ),
    (
        run(assistant_id=None),
        "assistant_id",
        "invalid_type",
        "Invalid type for 'assistant_id': expected a string, but got null instead.",
    ),
    (
        run(stream="yes"),
        "stream",
        "invalid_type",
        "Invalid type for 'stream': expected a boolean, but got a string instead.",
    ),
    (
        run(temperature="hot"),
        "temperature",
        "invalid_type",
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
    ),
    (
        run(temperature=2.5),
        "temperature",
        "decimal_above_max_value",
        (
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but "
            "got 2.5 "
            "instead."
        ),
    ),
    (
        run(top_p=-1),
        "top_p",
        "decimal_below_min_value",
        "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
    ),
    (
        run(max_prompt_tokens=256.5),
        "max_prompt_tokens",
        "invalid_type",
        (
            "Invalid type for 'max_prompt_tokens': expected an integer, but got a decimal number "
            "instead."
        ),
    ),
    (
        run(truncation_strategy={"type": "last_messages", "last_messages": 0}),
        "truncation_strategy.last_messages",
        "integer_below_min_value",
        (
            "Invalid 'truncation_strategy.last_messages': integer below minimum value. Expected a "
            "value >= 1, but got 0 instead."
        ),
    ),
    (
        run(parallel_tool_calls=None),
        "parallel_tool_calls",
        "invalid_type",
        "Invalid type for 'parallel_tool_calls': expected a boolean, but got null instead.",
    ),
    (
        run(tools={}),
        "tools",
        "invalid_type",
        "Invalid type for 'tools': expected an array of objects, but got an object instead.",
    ),
    (
        run(tools=["code_interpreter"]),
        "tools[0]",
        "invalid_type",
        "Invalid type for 'tools[0]': expected an object, but got a string instead.",
    ),
    (
        run(tools=[FUNCTION] * 21),
        "tools",
        "array_above_max_length",
        (
            "Invalid 'tools': array too long. Expected an array with maximum length 20, but got an "
            "array with length 21 instead."
        ),
    ),
    (
        run(tools=[{"type": "retrieval"}]),
        "tools[0].type",
        "invalid_value",
        (
            "Invalid value: 'retrieval'. Supported values are: 'code_interpreter', "
            "'file_search', and "
            "'function'."
        ),
    ),
    (
        run(tools=[FUNCTION, {"type": "function", "function": {}}]),
        "tools[1].function.name",
        "missing_required_parameter",
        "Missing required parameter: 'tools[1].function.name'.",
    ),
    (
        run(reasoning_effort=5),
        "reasoning_effort",
        "invalid_type",
        (
            "Invalid type for 'reasoning_effort': expected one of 'none', 'minimal', 'low', "
            "'medium', "
            "'high', 'xhigh', or 'max', but got an integer instead."
        ),
    ),
    (
        message(role="system"),
        "additional_messages[1].role",
        "invalid_value",
        "Invalid value: 'system'. Supported values are: 'user' and 'assistant'.",
    ),
    (
        message(content=[]),
        "additional_messages[1].content",
        "empty_array",
        (
            "Invalid 'additional_messages[1].content': empty array. Expected an array with minimum "
            "length 1, but got an empty array instead."
        ),
    ),
    (
        message(file_ids=[]),
        "additional_messages[1].file_ids",
        "unknown_parameter",
        "Unknown parameter: 'additional_messages[1].file_ids'.",
    ),
    (
        message(metadata={"5": True}),
        "additional_messages[1].metadata.5",
        "invalid_type",
        (
            "Invalid type for 'additional_messages[1].metadata.5': expected a string, but got a "
            "boolean instead."
        ),
    ),
    (
        message(metadata={"k" * 65: ""}),
        "additional_messages[1].metadata." + "k" * 65,
        "property_name_above_max_length",
        (
            "Invalid property name in 'additional_messages[1].metadata': 'kkk...kkk' is too long. "
            "Expected a string with maximum length 64, but got a string with length 65 instead."
        ),
    ),
    (
        run(metadata={f"k{number}": "" for number in range(17)}),
        "metadata",
        "object_above_max_properties",
        (
            "Invalid 'metadata': too many properties. Expected an object with at most 16 "
            "properties, "
            "but got an object with 17 properties instead."
        ),
    ),
]
OTHERS: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "submitToolOuputsToRun",
        {},
        "tool_outputs",
        "missing_required_parameter",
        "Missing required parameter: 'tool_outputs'.",
    ),
    (
        "submitToolOuputsToRun",
        {"tool_outputs": [{"tool_call_id": "a", "output": 57}]},
        "tool_outputs[0].output",
        "invalid_type",
        "Invalid type for 'tool_outputs[0].output': expected a string, but got an integer instead.",
    ),
    (
        "createThreadAndRun",
        run(additional_instructions=""),
        "additional_instructions",
        "unknown_parameter",
        "Unknown parameter: 'additional_instructions'.",
    ),
    (
        "createThreadAndRun",
        run(thread={"messages": [{"content": ""}]}),
        "thread.messages[0].role",
        "missing_required_parameter",
        "Missing required parameter: 'thread.messages[0].role'.",
    ),
    (
        "createThreadAndRun",
        run(tool_resources={"code_interpreter": {"file_ids": "file-a"}}),
        "tool_resources.code_interpreter.file_ids",
        "invalid_type",
        (
            "Invalid type for 'tool_resources.code_interpreter.file_ids': expected an array of "
            "strings, but got a string instead."
        ),
    ),
    (
        "cancelRun",
        {"reason": ""},
        "reason",
        "unknown_parameter",
        "Unknown parameter: 'reason'.",
    ),
]


@pytest.mark.parametrize(
    ("operation", "body", "param", "code", "message"),
    [*(("createRun", *row) for row in CREATED_RUNS), *OTHERS],
    ids=lambda value: str(value)[:40],
)
def test_a_refusal_is_worded_like_openais_own(
    operation: str, body: dict[str, Any], param: str, code: str, message: str
) -> None:
    found = check_request(OPENAI, operation, json.dumps(body).encode())

    assert OPENAI.refuse(*found).status == 400
    assert OPENAI.refuse(*found).body == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }
