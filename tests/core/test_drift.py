"""How two answers differ: status, headers and bodies. Streams have a file of their own."""

import json
from typing import Any

import pytest

from builders import a_response
from drifting import JSON, between, of_bodies
from runreel.http.messages import Headers
from runreel.matching.drift import Drift, Rule, drift_document, unrecordable
from runreel.matching.json_diff import ABSENT

RUN = {
    "id": "run_abc123",
    "object": "thread.run",
    "created_at": 1699075072,
    "status": "completed",
    "started_at": 1699075072,
    "model": "gpt-4o",
    "temperature": 1.0,
    "tools": [{"type": "code_interpreter"}],
    "tool_resources": {"code_interpreter": {"file_ids": ["file-abc123"]}},
    "metadata": {"user_id": "user_abc123"},
    "usage": {"prompt_tokens": 123, "completion_tokens": 456},
}


def changed(**members: Any) -> bytes:
    return json.dumps(RUN | members).encode()


RECORDED = changed()


def test_an_equal_answer_has_not_drifted() -> None:
    assert of_bodies(RECORDED, RECORDED) == []


def test_the_spelling_of_json_does_not_matter() -> None:
    assert of_bodies(b'{"a": 1.0, "b": "\\u00e9"}', '{"b":"é","a":1}'.encode()) == []


@pytest.mark.parametrize(
    "members",
    [
        {"id": "run_0f9e8d"},
        {"created_at": 1774963893, "started_at": 1774963894},
        {"tool_resources": {"code_interpreter": {"file_ids": ["file-0f9e8d"]}}},
        {"usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    ],
)
def test_ids_times_and_costs_may_differ(members: dict[str, Any]) -> None:
    assert of_bodies(RECORDED, changed(**members)) == []


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"status": "failed"}, [("value", "/status", "completed", "failed")]),
        ({"model": "gpt-4.1"}, [("value", "/model", "gpt-4o", "gpt-4.1")]),
        ({"temperature": 0.5}, [("value", "/temperature", 1.0, 0.5)]),
        (
            {"metadata": {"user_id": "user_0f9e8d"}},
            [("value", "/metadata/user_id", "user_abc123", "user_0f9e8d")],
        ),
        ({"id": 7}, [("type", "/id", "run_abc123", 7)]),
        ({"started_at": None}, [("type", "/started_at", 1699075072, None)]),
        ({"temperature": True}, [("type", "/temperature", 1.0, True)]),
        (
            {"usage": None},
            [("type", "/usage", {"prompt_tokens": 123, "completion_tokens": 456}, None)],
        ),
        ({"object": {}}, [("type", "/object", "thread.run", {})]),
        ({"a/b": 1}, [("new", "/a~1b", ABSENT, 1)]),
        (
            {"tools": [{"type": "code_interpreter"}, {"type": "file_search"}]},
            [("new", "/tools/1", ABSENT, {"type": "file_search"})],
        ),
        ({"tools": []}, [("gone", "/tools/0", {"type": "code_interpreter"}, ABSENT)]),
        (
            {"tool_resources": {"code_interpreter": {"file_ids": []}}},
            [("gone", "/tool_resources/code_interpreter/file_ids/0", "file-abc123", ABSENT)],
        ),
        (
            {"usage": {"prompt_tokens": "9", "total_tokens": 579}},
            [
                ("gone", "/usage/completion_tokens", 456, ABSENT),
                ("type", "/usage/prompt_tokens", 123, "9"),
                ("new", "/usage/total_tokens", ABSENT, 579),
            ],
        ),
    ],
)
def test_everything_else_is_told_with_its_place_and_both_sides(
    members: dict[str, Any], expected: list[tuple[str, str, Any, Any]]
) -> None:
    assert of_bodies(RECORDED, changed(**members)) == expected


def test_a_member_that_is_null_is_not_one_that_is_gone() -> None:
    assert of_bodies(b'{"a":null}', b"{}") == [("gone", "/a", None, ABSENT)]


def test_of_what_a_model_wrote_the_length_of_a_list_does_not_count() -> None:
    recorded = {"text": {"value": "Paris.", "annotations": []}}
    live = {"text": {"value": "It is Paris.", "annotations": [{"type": "file_citation"}]}}

    assert of_bodies(json.dumps(recorded).encode(), json.dumps(live).encode()) == []
    assert of_bodies(b'{"text":{"value":"Paris."}}', b'{"text":{"value":null}}') == [
        ("type", "/text/value", "Paris.", None)
    ]


@pytest.mark.parametrize(
    ("recorded", "live", "expected"),
    [
        (b"Paris", b"Paris", []),
        (b"Paris", b"London", [("value", "", "Paris", "London")]),
        (b"\xff", b"\\xff", [("value", "", "\\xff", "\\xff")]),
        (b"{}", b"<html>", [("type", "", {}, "<html>")]),
        (b'"Paris"', b"Paris", [("type", "", "Paris", "Paris")]),
        (b"{}", b"[]", [("type", "", {}, [])]),
        (b"1", b"1.0", []),
        (b'{"a":1,"a":1}', b'{"a":1}', [("type", "", '{"a":1,"a":1}', {"a": 1})]),
        (b"", b"", []),
        (b"", b"null", [("new", "", ABSENT, None)]),
        (b"{}", b"", [("gone", "", {}, ABSENT)]),
    ],
)
def test_a_body_that_is_no_json_is_compared_byte_by_byte(
    recorded: bytes, live: bytes, expected: list[tuple[str, str, Any, Any]]
) -> None:
    assert of_bodies(recorded, live) == expected


class TestStatus:
    def test_another_status_is_told_with_the_body_as_one(self) -> None:
        gone = a_response(b'{"error":{"code":null}}', 404)

        assert between(a_response(b'{"id":"run_abc123"}'), gone) == (
            Drift("status", "", 200, 404),
            Drift("value", "", {"id": "run_abc123"}, {"error": {"code": None}}),
        )

    def test_an_equal_body_is_not_told(self) -> None:
        assert between(a_response(b"{}", 200), a_response(b"{}", 202)) == (
            Drift("status", "", 200, 202),
        )


class TestHeaders:
    @pytest.mark.parametrize(
        ("recorded", "live", "expected"),
        [
            ((("X-Request-Id", "req_1"),), (("X-Request-Id", "req_2"),), []),
            ((("Server", "cloudflare"),), (), []),
            ((("OPENAI-VERSION", "2020-10-01"),), (("openai-version", "2020-10-01"),), []),
            (
                (("openai-version", "2020-10-01"),),
                (("openai-version", "2026-01-01"),),
                [("openai-version", "2020-10-01", "2026-01-01")],
            ),
            (
                (("openai-version", "2020-10-01"),),
                (),
                [("openai-version", "2020-10-01", ABSENT)],
            ),
            (
                (),
                (("Sunset", "Wed, 26 Aug 2026 00:00:00 GMT"),),
                [("sunset", ABSENT, "Wed, 26 Aug 2026 00:00:00 GMT")],
            ),
            (
                (("Allow", "GET"),),
                (("Allow", "GET"), ("Allow", "POST")),
                [("allow", "GET", "GET, POST")],
            ),
            ((("Retry-After", "1"),), (("Retry-After", "20"),), []),
            ((("Retry-After", "1"),), (), [("retry-after", "1", ABSENT)]),
            (
                (("Location", "http://a.test:8000/threads?x=1"),),
                (("Location", "https://b.test/threads?x=1"),),
                [],
            ),
            (
                (("Location", "http://a.test/threads"),),
                (("Location", "/runs"),),
                [("location", "http://a.test/threads", "/runs")],
            ),
        ],
    )
    def test_those_that_matter_are_compared(
        self, recorded: Headers, live: Headers, expected: list[tuple[str, Any, Any]]
    ) -> None:
        found = between(a_response(headers=(*JSON, *recorded)), a_response(headers=(*JSON, *live)))

        assert [(item.at, item.recorded, item.live) for item in found] == expected
        assert {item.kind for item in found} <= {"header"}

    def test_a_content_type_is_compared_without_its_parameters(self) -> None:
        plain = a_response(headers=(("Content-Type", "application/json"),))
        spelt = a_response(headers=(("content-type", "Application/JSON; charset=utf-8"),))
        other = a_response(headers=(("Content-Type", "text/html"),))

        assert between(plain, spelt) == ()
        assert between(plain, other) == (
            Drift("header", "content-type", "application/json", "text/html"),
        )

    def test_more_are_compared_by_name(self) -> None:
        mine, theirs = (a_response(headers=(*JSON, ("X-Tier", tier))) for tier in "ab")
        rule = Rule(headers=("X-Tier",))

        assert between(mine, theirs) == ()
        assert between(mine, theirs, rule) == (Drift("header", "x-tier", "a", "b"),)


class TestConfigured:
    def test_what_is_ignored_is_not_compared_at_all(self) -> None:
        rule = Rule(ignore=("/status", "/tools/*/type", "/usage"))

        assert of_bodies(RECORDED, changed(status=1, tools=[{"type": "x"}], usage=None), rule) == []
        assert of_bodies(b"{}", b'{"usage":{}}', rule) == []

    def test_of_what_is_volatile_types_and_names_still_count(self) -> None:
        rule = Rule(volatile=("tools", "model"))

        assert of_bodies(RECORDED, changed(tools=[{"type": "x"}], model="y"), rule) == []
        assert of_bodies(RECORDED, changed(tools=[{"kind": "x"}]), rule) == [
            ("new", "/tools/0/kind", ABSENT, "x"),
            ("gone", "/tools/0/type", "code_interpreter", ABSENT),
        ]
        assert of_bodies(RECORDED, changed(model=None), rule) == [
            ("type", "/model", "gpt-4o", None)
        ]


class TestLimits:
    def test_a_hundred_differences_are_told_of_one_answer(self) -> None:
        live = json.dumps({f"m{number:03}": 1 for number in range(101)}).encode()

        found = of_bodies(b"{}", live)

        assert [at for _, at, _, _ in found] == [f"/m{number:03}" for number in range(100)]

    def test_a_long_value_is_told_by_its_beginning(self) -> None:
        found = of_bodies(b'{"a":"%b","b":0}' % (b"x" * 1000), b'{"a":"%b"}' % (b"x" * 1001))
        nested = of_bodies(b'{"b":["%b"]}' % (b"y" * 997), b'{"b":"z"}')

        assert found[0] == ("value", "/a", "x" * 1000, "x" * 999 + "…")
        assert nested == [("type", "/b", '["' + "y" * 997 + "…", "z")]

    def test_a_number_beyond_a_float_is_told_as_its_text(self) -> None:
        assert of_bodies(b'{"a":1}', b'{"a":1e999}') == [("value", "/a", 1, "1E+999")]


def test_a_document_leaves_an_absent_side_out() -> None:
    assert drift_document(Drift("new", "/a", ABSENT, None)) == {
        "kind": "new",
        "at": "/a",
        "live": None,
    }
    assert drift_document(Drift("gone", "/a", 1, ABSENT)) == {
        "kind": "gone",
        "at": "/a",
        "recorded": 1,
    }


def test_an_answer_that_cannot_be_kept_has_drifted_from_one_that_was() -> None:
    assert unrecordable("it is too large") == (
        Drift("unrecordable", "", ABSENT, "it is too large"),
    )
