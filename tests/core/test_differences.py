"""What a miss says of two requests: exactly what matching compared."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_request
from runreel.http.messages import Request
from runreel.matching.json_diff import ABSENT, Difference, differences
from runreel.matching.matchers import MATCH_ON, Fingerprint, fingerprint
from runreel.redaction.redactor import Redaction
from strategies import Json, json_objects, json_values, requests, spellings


def fingerprint_of(request: Request) -> Fingerprint:
    return fingerprint(Redaction().request(request), MATCH_ON)


def between(sent: Request, recorded: Request) -> tuple[Difference, ...]:
    return differences(fingerprint_of(sent), fingerprint_of(recorded))


def of_bodies(sent: bytes, recorded: bytes) -> list[tuple[str, Any, Any]]:
    found = between(a_request(sent), a_request(recorded))
    assert {item.facet for item in found} <= {"body"}
    return [(item.at, item.sent, item.recorded) for item in found]


def test_equal_requests_differ_in_nothing() -> None:
    assert between(a_request(), a_request()) == ()


def test_a_changed_metadata_value_is_named_with_both_sides() -> None:
    sent, recorded = a_request(b'{"metadata":{"stage":"b"}}'), a_request()

    assert between(sent, recorded) == (Difference("body", "/metadata/stage", "b", "a"),)


def test_every_facet_that_differs_is_named_in_order() -> None:
    sent = Request("GET", "/b?x=1", (), b"")
    recorded = Request("POST", "/a?x=2", (("OpenAI-Beta", "assistants=v2"),), b"{}")

    assert between(sent, recorded) == (
        Difference("method", "", "GET", "POST"),
        Difference("path", "", "/b", "/a"),
        Difference("query", "x", "1", "2"),
        Difference("body", "", ABSENT, {}),
        Difference("header.openai-beta", "", ABSENT, "assistants=v2"),
    )


@pytest.mark.parametrize(
    ("sent", "recorded", "expected"),
    [
        (b"", b"null", [("", ABSENT, None)]),
        (b"{}", b"", [("", {}, ABSENT)]),
        (b"{}", b'{"metadata":null}', [("/metadata", ABSENT, None)]),
        (b'{"metadata":null}', b'{"metadata":{}}', [("/metadata", None, {})]),
        (b'{"a":1}', b'{"a":true}', [("/a", 1, True)]),
        (b'{"a":false}', b'{"a":0}', [("/a", False, 0)]),
        (b'{"a":1}', b'{"a":"1"}', [("/a", 1, "1")]),
        (b'{"a":1.5}', b'{"a":1}', [("/a", 1.5, 1)]),
        (b"[]", b"{}", [("", [], {})]),
        (b"[1,2]", b"[1,3,4]", [("/1", 2, 3), ("/2", ABSENT, 4)]),
        (b'[[{"a":1}]]', b'[[{"a":2}]]', [("/0/0/a", 1, 2)]),
        (b'{"a/b":{"c~d":1}}', b'{"a/b":{"c~d":2}}', [("/a~1b/c~0d", 1, 2)]),
        (b'{"":1}', b'{"":2}', [("/", 1, 2)]),
        (b'{"b":1,"a":1}', b'{"c":1}', [("/a", 1, ABSENT), ("/b", 1, ABSENT), ("/c", ABSENT, 1)]),
        (b'{"a":{"b":1.25}}', b'{"a":[1.25]}', [("/a", {"b": 1.25}, [1.25])]),
        (b'{"a":"\\ud800"}', b'{"a":"\\udfff"}', [("/a", "\ud800", "\udfff")]),
        (b"{bad", b'{"a":1.5}', [("", "{bad", {"a": 1.5})]),
        (b'{"a":1,"a":1}', b'{"a":1}', [("", '{"a":1,"a":1}', {"a": 1})]),
        (b"\xff\n", b"\xfe", [("", "\udcff\n", "\udcfe")]),
    ],
)
def test_bodies_are_told_apart_by_json_pointer(
    sent: bytes, recorded: bytes, expected: list[tuple[str, Any, Any]]
) -> None:
    found = of_bodies(sent, recorded)

    assert found == expected
    assert [(type(mine), type(theirs)) for _, mine, theirs in found] == [
        (type(mine), type(theirs)) for _, mine, theirs in expected
    ]


@pytest.mark.parametrize(
    ("sent", "recorded", "expected"),
    [
        (b"[1e400]", b"[1e401]", ("/0", "1E+400", "1E+401")),
        (b"[0.1]", b"[0.10000000000000000001]", ("/0", 0.1, "0.10000000000000000001")),
        (b"[1e-400]", b"[0]", ("/0", "1E-400", 0)),
        (b"[1e300]", b"[1e301]", ("/0", 1e300, 1e301)),
    ],
)
def test_numbers_beyond_a_float_are_shown_as_the_text_that_tells_them_apart(
    sent: bytes, recorded: bytes, expected: tuple[str, Any, Any]
) -> None:
    assert of_bodies(sent, recorded) == [expected]


@pytest.mark.parametrize(
    ("sent", "recorded", "expected"),
    [
        ("a=1", "a=2", [("a", "1", "2")]),
        ("a=1", "", [("a", "1", ABSENT)]),
        ("", "a", [("a", ABSENT, "")]),
        ("a=1&a=2", "a=1", [("a", ["1", "2"], "1")]),
        ("a=1&a=1", "a=1", [("a", ["1", "1"], "1")]),
        ("b=1&a=1", "a=2&b=2", [("a", "1", "2"), ("b", "1", "2")]),
        ("include%5B%5D=x", "include[]=y", [("include[]", "x", "y")]),
        ("=x", "=y", [("", "x", "y")]),
        ("a=%FF", "a=%FE", [("a", "\udcff", "\udcfe")]),
        ("a=%FF", "a=%5Cxff", [("a", "\udcff", "\\xff")]),
        ("%FF=1", "%5Cxff=1", [("\\xff", ABSENT, "1"), ("\\xff", "1", ABSENT)]),
    ],
)
def test_queries_are_told_apart_by_parameter(
    sent: str, recorded: str, expected: list[tuple[str, Any, Any]]
) -> None:
    found = between(a_request(target=f"/x?{sent}"), a_request(target=f"/x?{recorded}"))

    assert [(item.facet, item.at, item.sent, item.recorded) for item in found] == [
        ("query", *item) for item in expected
    ]


@given(requests(), requests())
def test_differences_are_empty_exactly_when_fingerprints_are_equal(
    sent: Request, recorded: Request
) -> None:
    found = between(sent, recorded)

    assert bool(found) == (fingerprint_of(sent) != fingerprint_of(recorded))
    assert between(sent, sent) == ()


@given(requests(), requests())
def test_sides_are_never_mixed_up(sent: Request, recorded: Request) -> None:
    there, back = between(sent, recorded), between(recorded, sent)

    assert {(item.facet, item.at, repr(item.sent), repr(item.recorded)) for item in there} == {
        (item.facet, item.at, repr(item.recorded), repr(item.sent)) for item in back
    }


@given(requests(), requests())
def test_values_are_json_unless_absent(sent: Request, recorded: Request) -> None:
    for item in between(sent, recorded):
        for side in (item.sent, item.recorded):
            if side is not ABSENT:
                json.dumps(side, allow_nan=False)


@given(st.data(), json_objects(), json_values())
def test_one_changed_member_is_the_only_difference(
    data: st.DataObject, body: dict[str, Json], deep: Json
) -> None:
    one, other = ({**body, "a/~": [{"deep": deep, "x": side}]} for side in ("sent", "recorded"))

    found = of_bodies(data.draw(spellings(one)).encode(), data.draw(spellings(other)).encode())

    assert found == [("/a~1~0/0/x", "sent", "recorded")]


def test_absent_reads_as_what_it_is() -> None:
    assert repr(ABSENT) == "absent"
