"""The model of a run: real ones pass, and what is wrong is found where it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from runreel.assistants.openai import OPENAI
from runreel.assistants.validation import check_response, forbids
from runreel.http.messages import Violation
from servers import RUN

GONE: Any = ...


def run_findings(run: object) -> list[tuple[str, str, str]]:
    """Pointer, rule and severity of each finding."""
    found = check_response(OPENAI, "modifyRun", 200, json.dumps(run).encode())
    return [(item.at, item.rule, item.severity) for item in found]


class TestARun:
    def test_a_run_as_openai_answered_it_has_no_finding(self) -> None:
        assert run_findings(RUN) == []

    def test_members_that_nobody_documents_are_welcome(self) -> None:
        assert run_findings(RUN | {"file_ids": [], "new_in_2027": {"a": 1}}) == []

    def test_the_documented_example_is_worth_advice_only(self) -> None:
        path = Path(__file__).parents[2] / "cassettes" / "examples" / "modify-run.json"
        (interaction,) = json.loads(path.read_text(encoding="utf-8"))["interactions"]
        body = json.dumps(interaction["response"]["body"]["json"]).encode()

        found = check_response(OPENAI, "modifyRun", 200, body)

        assert found == (
            Violation("/required_action", "missing", "advice", "field required"),
            Violation(
                "/instructions", "type", "advice", "input should be a valid string, got null"
            ),
        )
        assert not forbids(found)

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"id": GONE}, ("/id", "missing", "error")),
            ({"status": GONE}, ("/status", "missing", "error")),
            ({"usage": GONE}, ("/usage", "missing", "advice")),
            ({"parallel_tool_calls": GONE}, ("/parallel_tool_calls", "missing", "advice")),
            ({"status": "done"}, ("/status", "enum", "error")),
            ({"object": "thread"}, ("/object", "enum", "error")),
            ({"created_at": "1699075072"}, ("/created_at", "type", "error")),
            ({"created_at": True}, ("/created_at", "type", "error")),
            ({"instructions": None}, ("/instructions", "type", "advice")),
            ({"instructions": 5}, ("/instructions", "type", "error")),
            ({"metadata": {"a/b": 1}}, ("/metadata/a~1b", "type", "error")),
            ({"max_prompt_tokens": 16}, ("/max_prompt_tokens", "minimum", "advice")),
            ({"max_completion_tokens": 255}, ("/max_completion_tokens", "minimum", "advice")),
            ({"max_prompt_tokens": "16"}, ("/max_prompt_tokens", "type", "error")),
            (
                {"usage": {"prompt_tokens": 1, "total_tokens": 1}},
                ("/usage/completion_tokens", "missing", "error"),
            ),
            ({"tools": [{"type": "browser"}]}, ("/tools/0/type", "enum", "error")),
            ({"tools": [{}]}, ("/tools/0/type", "missing", "error")),
            ({"tools": [{"type": 5}]}, ("/tools/0/type", "type", "error")),
            ({"tools": ["browser"]}, ("/tools/0", "type", "error")),
            ({"tools": [{"type": "code_interpreter"}] * 21}, ("/tools", "max_items", "error")),
            (
                {"tools": [{"type": "code_interpreter"}, {"type": "function", "function": {}}]},
                ("/tools/1/function/name", "missing", "error"),
            ),
            (
                {"tools": [{"type": "function"}]},
                ("/tools/0/function", "missing", "error"),
            ),
            (
                {"tools": [{"type": "file_search", "file_search": {"max_num_results": 51}}]},
                ("/tools/0/file_search/max_num_results", "maximum", "error"),
            ),
            ({"last_error": {"code": "x", "message": ""}}, ("/last_error/code", "enum", "error")),
            (
                {"tools": [{"type": "function", "function": {"function": {}}}]},
                ("/tools/0/function/name", "missing", "error"),
            ),
            ({"status": 5}, ("/status", "type", "error")),
            ({"tool_choice": "maybe"}, ("/tool_choice", "enum", "error")),
            ({"tool_choice": {"type": "browser"}}, ("/tool_choice/type", "enum", "error")),
            (
                {"response_format": {"type": "json_schema"}},
                ("/response_format/json_schema", "missing", "error"),
            ),
            ({"response_format": "text"}, ("/response_format", "enum", "error")),
            ({"response_format": {"type": "xml"}}, ("/response_format/type", "enum", "error")),
            (
                {"truncation_strategy": {"type": "auto", "last_messages": 0}},
                ("/truncation_strategy/last_messages", "minimum", "error"),
            ),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_a_run_with_one_thing_wrong(
        self, change: dict[str, Any], found: tuple[str, str, str]
    ) -> None:
        run = {name: value for name, value in (RUN | change).items() if value is not GONE}

        assert run_findings(run) == [found]

    def test_only_a_success_has_a_model(self) -> None:
        error = b'{"error":{"message":"No run found","type":"","param":null,"code":null}}'

        assert check_response(OPENAI, "modifyRun", 404, error) == ()
        assert check_response(OPENAI, None, 200, error) == ()
        assert check_response(OPENAI, "modifyRun", 200, error) != ()

    @pytest.mark.parametrize(("body", "rule"), [(b"", "json"), (b"[1]", "type"), (b"ok", "json")])
    def test_what_is_no_run_at_all_is_one_finding(self, body: bytes, rule: str) -> None:
        (found,) = check_response(OPENAI, "getRun", 200, body)

        assert (found.at, found.rule, found.severity) == ("", rule, "error")
