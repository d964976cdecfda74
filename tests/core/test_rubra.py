"""The profile `rubra`: what rubra v0.0 takes, answers and refuses.

The expected bodies are literal: they were taken down from rubra's own models behind FastAPI 0.105
and pydantic 1.10.9.
"""

import json
from typing import Any

import pytest

from runreel.assistants.rubra import RUBRA
from runreel.assistants.validation import check_request, check_response

JSON = "application/json"
GONE: Any = ...
NO_DICT = {"msg": "value is not a valid dict", "type": "type_error.dict"}
EXTRA = {"msg": "extra fields not permitted", "type": "value_error.extra"}
REQUIRED = {"msg": "field required", "type": "value_error.missing"}


def no_json(place: int, error: str) -> dict[str, Any]:
    return {
        "type": "json_invalid",
        "loc": ["body", place],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": error},
    }


def no_member(word: str) -> dict[str, Any]:
    return {
        "loc": ["body", "tools", 0, "type"],
        "msg": f"value is not a valid enumeration member; permitted: '{word}'",
        "type": "type_error.enum",
        "ctx": {"enum_values": [word]},
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata":{"b":"2","n":5,"o":{"x":[1,2.5,null]}}}',
        b"{}",
        b'{"metadata":null}',
        b"[]",
        b'""',
        b'{"metadata":[]}',
        b'{"metadata":[["a",1]]}',
        b'[["metadata",{"a":1}]]',
        json.dumps({"metadata": {f"k{number}" * 40: "v" * 600 for number in range(20)}}).encode(),
    ],
    ids=lambda body: body.decode()[:40],
)
def test_modify_run_takes_anything_that_can_be_a_dict(body: bytes) -> None:
    assert check_request(RUBRA, "modifyRun", body, JSON) == ()


def test_create_run_takes_its_four_tools_and_makes_texts_of_numbers() -> None:
    tools = [
        {"type": "code_interpreter"},
        {"type": "retrieval"},
        {"type": "browser", "more": 1},
        {"type": "function", "function": {"name": 5, "parameters": []}},
    ]
    body = {"assistant_id": 5, "model": True, "tools": tools, "metadata": {"a": {"b": 1}}}

    assert check_request(RUBRA, "createRun", json.dumps(body).encode(), JSON) == ()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"metadata":"str"}', [{"loc": ["body", "metadata"], **NO_DICT}]),
        (b'{"extra":1}', [{"loc": ["body", "extra"], **EXTRA}]),
        (b"", [{"loc": ["body"], **REQUIRED}]),
        (b"null", [{"loc": ["body"], **REQUIRED}]),
        (b'"x"', [{"loc": ["body"], **NO_DICT}]),
        (b"5", [{"loc": ["body"], **NO_DICT}]),
        (b"{bad", [no_json(1, "Expecting property name enclosed in double quotes")]),
        (b'[["extra",1]]', [{"loc": ["body", "extra"], **EXTRA}]),
        (b"{} {}", [no_json(3, "Extra data")]),
        (
            b'{"z":1,"b":2,"metadata":5}',
            [
                {"loc": ["body", "metadata"], **NO_DICT},
                {"loc": ["body", "b"], **EXTRA},
                {"loc": ["body", "z"], **EXTRA},
            ],
        ),
        (
            b'{"a~b":1,"a/b":1,"0":1}',
            [
                {"loc": ["body", "0"], **EXTRA},
                {"loc": ["body", "a/b"], **EXTRA},
                {"loc": ["body", "a~b"], **EXTRA},
            ],
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_modify_run_is_refused_with_everything_that_is_wrong(
    body: bytes, detail: list[dict[str, Any]]
) -> None:
    refused = RUBRA.refuse(*check_request(RUBRA, "modifyRun", body, JSON))

    assert (refused.status, refused.body) == (422, {"detail": detail})


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, [{"loc": ["body", "assistant_id"], **REQUIRED}]),
        (
            {"assistant_id": None},
            [
                {
                    "loc": ["body", "assistant_id"],
                    "msg": "none is not an allowed value",
                    "type": "type_error.none.not_allowed",
                }
            ],
        ),
        (
            {"assistant_id": ["a"]},
            [
                {
                    "loc": ["body", "assistant_id"],
                    "msg": "str type expected",
                    "type": "type_error.str",
                }
            ],
        ),
        ({"assistant_id": "a", "stream": True}, [{"loc": ["body", "stream"], **EXTRA}]),
        (
            {"assistant_id": "a", "tools": 5},
            [
                {
                    "loc": ["body", "tools"],
                    "msg": "value is not a valid list",
                    "type": "type_error.list",
                }
            ],
        ),
        (
            {"assistant_id": "a", "tools": [{"type": "retrieval"}] * 21},
            [
                {
                    "loc": ["body", "tools"],
                    "msg": "ensure this value has at most 20 items",
                    "type": "value_error.list.max_items",
                    "ctx": {"limit_value": 20},
                }
            ],
        ),
        (
            {"assistant_id": "a", "tools": [{"type": "file_search"}]},
            [
                no_member("code_interpreter"),
                no_member("retrieval"),
                no_member("function"),
                {"loc": ["body", "tools", 0, "function"], **REQUIRED},
                no_member("browser"),
            ],
        ),
        ({"assistant_id": "a", "tools": [5]}, [{"loc": ["body", "tools", 0], **NO_DICT}] * 4),
        (
            {"assistant_id": "a", "tools": [None]},
            [
                {
                    "loc": ["body", "tools", 0],
                    "msg": "none is not an allowed value",
                    "type": "type_error.none.not_allowed",
                }
            ],
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_create_run_is_refused_with_everything_that_is_wrong(
    body: dict[str, Any], detail: list[dict[str, Any]]
) -> None:
    found = check_request(RUBRA, "createRun", json.dumps(body).encode(), JSON)

    assert RUBRA.refuse(*found).body == {"detail": detail}


@pytest.mark.parametrize(
    ("content_type", "read"),
    [
        (None, True),
        ("", True),
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/vnd.acme+json; a=b", True),
        ("text/plain", False),
        ("text/json", False),
        ("application/x-www-form-urlencoded", False),
    ],
)
def test_a_body_that_is_not_called_json_is_a_mere_text(
    content_type: str | None, *, read: bool
) -> None:
    found = check_request(RUBRA, "modifyRun", b'{"metadata":{}}', content_type)

    assert [(item.at, item.rule) for item in found] == ([] if read else [("", "type")])


def test_a_mere_text_is_refused_as_no_dict() -> None:
    found = check_request(RUBRA, "modifyRun", b'{"metadata":{}}', "text/plain")

    assert RUBRA.refuse(*found).body == {"detail": [{"loc": ["body"], **NO_DICT}]}


def test_an_empty_body_is_missing_whatever_it_is_called() -> None:
    (found,) = check_request(RUBRA, "modifyRun", b"", "text/plain")

    assert RUBRA.refuse(found).body == {"detail": [{"loc": ["body"], **REQUIRED}]}


@pytest.mark.parametrize("operation", ["cancelRun", "submitToolOuputsToRun", "listRuns"])
def test_what_rubra_never_had_has_no_model(operation: str) -> None:
    assert check_request(RUBRA, operation, b'{"anything":1}') == ()
    assert check_response(RUBRA, operation, 200, b"anything") == ()


RUN: dict[str, Any] = {
    "_id": "65d7c1a2b3c4d5e6f7a8b9c0",
    "id": "run_1a2b3c",
    "object": "thread.run",
    "created_at": 1708646400,
    "thread_id": "thread_1a2b3c",
    "assistant_id": "asst_1a2b3c",
    "status": "queued",
    "required_action": None,
    "last_error": None,
    "expires_at": None,
    "started_at": None,
    "cancelled_at": None,
    "failed_at": None,
    "completed_at": None,
    "model": "gpt-4-1106-preview",
    "instructions": "Be brief.",
    "tools": [{"type": "retrieval"}, {"type": "browser"}],
    "file_ids": [],
    "metadata": {"b": "2", "n": 5, "o": {"x": [1, 2.5, None]}},
}


def found_in(run: dict[str, Any], operation: str = "modifyRun") -> list[tuple[str, str, str]]:
    found = check_response(RUBRA, operation, 200, json.dumps(run).encode())
    return [(item.at, item.rule, item.severity) for item in found]


class TestItsRun:
    def test_nulls_and_any_metadata_are_fine(self) -> None:
        assert found_in(RUN) == []

    def test_what_may_be_absent(self) -> None:
        optional = ["_id", "required_action", "last_error", "expires_at", "failed_at"]

        assert found_in({name: value for name, value in RUN.items() if name not in optional}) == []

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"status": "incomplete"}, ("/status", "enum", "error")),
            ({"file_ids": GONE}, ("/file_ids", "missing", "error")),
            ({"metadata": None}, ("/metadata", "type", "error")),
            ({"instructions": None}, ("/instructions", "type", "error")),
            ({"_id": 5}, ("/_id", "type", "error")),
            ({"tools": [{"type": "file_search"}]}, ("/tools/0/type", "enum", "error")),
            (
                {"last_error": {"code": "invalid_prompt", "message": ""}},
                ("/last_error/code", "enum", "error"),
            ),
        ],
        ids=str,
    )
    def test_a_run_with_one_thing_wrong(
        self, change: dict[str, Any], found: tuple[str, str, str]
    ) -> None:
        run = {name: value for name, value in (RUN | change).items() if value is not GONE}

        assert found_in(run) == [found]

    def test_a_404_has_no_model(self) -> None:
        body = b"{\"detail\":\"Run with ID 'nope' in thread 'thread_1a2b3c' not found\"}"

        assert check_response(RUBRA, "modifyRun", 404, body) == ()


def test_an_empty_page_of_steps_has_empty_ids() -> None:
    page = {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}

    assert found_in(page, "listRunSteps") == []
    assert found_in(page | {"first_id": None}, "listRunSteps") == [("/first_id", "type", "error")]
