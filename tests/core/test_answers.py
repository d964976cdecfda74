"""The models of answers other than a run: steps, and pages of runs and of steps."""

import json
from typing import Any

import pytest

from runreel.assistants.openai import OPENAI
from runreel.assistants.validation import check_response
from servers import RUN
from steps import CODE_CALL, SEARCH_CALL, STEP

GONE: Any = ...
EMPTY: dict[str, Any] = {
    "object": "list",
    "data": [],
    "first_id": None,
    "last_id": None,
    "has_more": False,
}


def found_in(operation: str, answer: object) -> list[tuple[str, str, str]]:
    found = check_response(OPENAI, operation, 200, json.dumps(answer).encode())
    return [(item.at, item.rule, item.severity) for item in found]


def changed(value: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in (value | change).items() if item is not GONE}


def calling(*calls: object) -> dict[str, Any]:
    return {"step_details": {"type": "tool_calls", "tool_calls": calls}}


@pytest.mark.parametrize(
    "operation",
    [
        "createRun",
        "getRun",
        "modifyRun",
        "cancelRun",
        "submitToolOuputsToRun",
        "createThreadAndRun",
    ],
)
def test_six_operations_answer_with_a_run(operation: str) -> None:
    assert found_in(operation, RUN) == []
    assert found_in(operation, RUN | {"status": "done"}) == [("/status", "enum", "error")]


class TestAStep:
    def test_a_documented_one_has_no_finding(self) -> None:
        assert found_in("getRunStep", STEP) == []

    def test_a_real_one_has_none_either(self) -> None:
        real = changed(STEP, {"expired_at": GONE, "metadata": GONE, "expires_at": 1699075672})

        assert found_in("getRunStep", real) == []

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"run_id": GONE}, ("/run_id", "missing", "error")),
            ({"usage": GONE}, ("/usage", "missing", "error")),
            ({"object": "thread.run"}, ("/object", "enum", "error")),
            ({"status": "incomplete"}, ("/status", "enum", "error")),
            ({"type": "thinking"}, ("/type", "enum", "error")),
            ({"expired_at": "never"}, ("/expired_at", "type", "error")),
            (
                {"last_error": {"code": "invalid_prompt", "message": ""}},
                ("/last_error/code", "enum", "error"),
            ),
            ({"step_details": {"type": "thinking"}}, ("/step_details/type", "enum", "error")),
            ({"step_details": {}}, ("/step_details/type", "missing", "error")),
            ({"step_details": None}, ("/step_details", "type", "error")),
            (
                {"step_details": {"type": "message_creation", "message_creation": {}}},
                ("/step_details/message_creation/message_id", "missing", "error"),
            ),
            (
                calling({"id": "a", "type": "retrieval"}),
                ("/step_details/tool_calls/0/type", "enum", "error"),
            ),
            (
                calling(CODE_CALL, CODE_CALL | {"code_interpreter": {"input": ""}}),
                ("/step_details/tool_calls/1/code_interpreter/outputs", "missing", "error"),
            ),
            (
                calling(CODE_CALL | {"code_interpreter": {"input": "", "outputs": [{}]}}),
                ("/step_details/tool_calls/0/code_interpreter/outputs/0/type", "missing", "error"),
            ),
            (
                calling(SEARCH_CALL | {"file_search": {"results": [{"file_id": "f", "score": 2}]}}),
                ("/step_details/tool_calls/0/file_search/results/0/file_name", "missing", "error"),
            ),
            (
                calling({"id": "a", "type": "function", "function": {"name": "", "arguments": ""}}),
                ("/step_details/tool_calls/0/function/output", "missing", "error"),
            ),
        ],
        ids=lambda value: str(value)[:50],
    )
    def test_a_step_with_something_wrong(
        self, change: dict[str, Any], found: tuple[str, str, str]
    ) -> None:
        assert found_in("getRunStep", changed(STEP, change))[0] == found


class TestAPage:
    @pytest.mark.parametrize("operation", ["listRuns", "listRunSteps"])
    def test_an_empty_one_has_no_ids(self, operation: str) -> None:
        assert found_in(operation, EMPTY) == [
            ("/first_id", "type", "advice"),
            ("/last_id", "type", "advice"),
        ]

    @pytest.mark.parametrize(("operation", "item"), [("listRuns", RUN), ("listRunSteps", STEP)])
    def test_its_items_are_looked_at(self, operation: str, item: dict[str, Any]) -> None:
        page = EMPTY | {"data": [item, item | {"id": 5}], "first_id": "a", "last_id": "b"}

        assert found_in(operation, page) == [("/data/1/id", "type", "error")]

    def test_known_deviations_of_its_items_are_advice(self) -> None:
        runs = [RUN, RUN | {"instructions": None}, RUN | {"max_completion_tokens": 16}]
        ids = {"first_id": "a", "last_id": "b"}

        assert found_in("listRuns", EMPTY | ids | {"data": runs}) == [
            ("/data/1/instructions", "type", "advice"),
            ("/data/2/max_completion_tokens", "minimum", "advice"),
        ]

    def test_what_is_missing_of_one_kind_is_not_excused_by_the_other(self) -> None:
        assert found_in("getRun", changed(RUN, {"metadata": GONE})) == [
            ("/metadata", "missing", "error")
        ]

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"object": "page"}, ("/object", "enum", "error")),
            ({"has_more": GONE}, ("/has_more", "missing", "error")),
            ({"data": GONE}, ("/data", "missing", "error")),
            ({"data": {}}, ("/data", "type", "error")),
            ({"first_id": 5}, ("/first_id", "type", "error")),
        ],
        ids=str,
    )
    def test_a_page_with_one_thing_wrong(
        self, change: dict[str, Any], found: tuple[str, str, str]
    ) -> None:
        page = EMPTY | {"first_id": "a", "last_id": "b"}

        assert found_in("listRuns", changed(page, change)) == [found]
