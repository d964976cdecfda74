"""What a team says does not count: `-query.NAME` and `-body.POINTER` in `match_on`."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_request
from runreel.http import strict_json
from runreel.http.messages import Request
from runreel.matching.json_diff import ABSENT, Difference, differences
from runreel.matching.matchers import MATCH_ON, Fingerprint, fingerprint
from runreel.redaction.redactor import Redaction
from strategies import Json, json_objects, json_values, requests, spellings

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
MULTIPART = (("Content-Type", "multipart/form-data; boundary=x"),)


def print_of(request: Request, *rules: str) -> Fingerprint:
    return fingerprint(Redaction().request(request), (*MATCH_ON, *rules))


def same(one: Request, other: Request, *rules: str) -> bool:
    return print_of(one, *rules) == print_of(other, *rules)


def body_text(body: str, *pointers: str) -> str:
    rules = (f"-body.{at}" for at in pointers)
    return dict(print_of(a_request(body.encode()), *rules))["body"]


@pytest.mark.parametrize(
    ("body", "pointers", "text"),
    [
        ('{"metadata":{"trace_id":1,"a":2}}', ["/metadata/trace_id"], '{"metadata":{"a":2}}'),
        ('{"metadata":{"trace_id":{"x":1}}}', ["/metadata/trace_id"], '{"metadata":{}}'),
        ('{"a":1,"b":2,"c":3}', ["/a", "/c"], '{"b":2}'),
        ('{"a":1}', ["/b", "/a/b", "/a/0"], '{"a":1}'),
        ('{"a/b":1,"c":2}', ["/a~1b"], '{"c":2}'),
        ('{"a~b":1,"a~1b":2,"a/b":3}', ["/a~0b", "/a~01b"], '{"a/b":3}'),
        ('{"":1,"a":2}', ["/"], '{"a":2}'),
        ('{"a":{"":1}}', ["/a/"], '{"a":{}}'),
        ('{"m":[{"id":1,"t":2},{"id":3}]}', ["/m/*/id"], '{"m":[{"t":2},{}]}'),
        ('{"a":{"x":1,"y":2},"b":{"x":3}}', ["/*/x"], '{"a":{"y":2},"b":{}}'),
        ('{"*":1,"a":2}', ["/*"], "{}"),
        ('[{"a":1}]', ["/0/a"], "[{}]"),
        ('{"a":1.50,"b":1e2}', ["/b"], '{"a":1.5}'),
        ('{"é":1,"b":2}', ["/é"], '{"b":2}'),
    ],
)
def test_what_a_pointer_names_is_no_part_of_the_body(
    body: str, pointers: list[str], text: str
) -> None:
    assert body_text(body, *pointers) == f"json {text}"


@pytest.mark.parametrize(
    ("one", "other", "pointer", "equal"),
    [
        ('{"a":[1,2]}', '{"a":[9,2]}', "/a/0", True),
        ('{"a":[1,2]}', '{"a":[9,3]}', "/a/0", False),
        ('{"a":[1,2]}', '{"a":[2]}', "/a/0", False),
        ('{"a":[1]}', '{"a":[]}', "/a/0", True),
        ('{"a":[1,null]}', '{"a":[1]}', "/a/0", False),
        ('{"a":[null,2]}', '{"a":["[ignored]",2]}', "/a/0", True),
        ('{"a":[1,2]}', '{"a":[1,3]}', "/a/01", False),
        ('{"a":[1,2]}', '{"a":[1,3]}', "/a/-", False),
        ('{"a":[1,2]}', '{"a":[]}', "/a/*", True),
        ('{"a":[]}', '{"a":{}}', "/a/*", False),
        ('{"a":{"b":1}}', '{"a":{}}', "/a/b", True),
        ('{"a":{"b":1}}', "{}", "/a/b", False),
        ('{"a":{"b":1}}', '{"a":1}', "/a/b", False),
    ],
)
def test_items_keep_their_places_and_what_is_around_counts(
    one: str, other: str, pointer: str, equal: bool
) -> None:
    requests = (a_request(one.encode()), a_request(other.encode()))

    assert same(*requests, f"-body.{pointer}") == equal


@pytest.mark.parametrize("body", [b"", b"null", b"1", b'{"a":1,"a":2}', b"plain", b"\xff"])
def test_a_body_without_members_is_compared_as_ever(body: bytes) -> None:
    assert print_of(a_request(body), "-body./a") == print_of(a_request(body))


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("?trace=1&limit=2", "?limit=2", True),
        ("?trace=1&trace=2&limit=2", "?limit=2&trace=3", True),
        ("?tr%61ce=1", "", True),
        ("?trace", "?trace=", True),
        ("?Trace=1", "?Trace=2", False),
        ("?trace2=1", "?trace2=2", False),
        ("?trace=1&limit=2", "?trace=1&limit=3", False),
    ],
)
def test_an_ignored_parameter_counts_in_no_repetition(one: str, other: str, equal: bool) -> None:
    requests = (a_request(target=f"/x{one}"), a_request(target=f"/x{other}"))

    assert same(*requests, "-query.trace") == equal


def test_a_parameter_is_named_as_it_is_when_decoded() -> None:
    sent = a_request(target="/x?include%5B%5D=a&include[]=b")

    assert same(sent, a_request(target="/x"), "-query.include[]")


@pytest.mark.parametrize(
    ("one", "other", "pointer", "equal"),
    [
        (b"trace=1&a=2", b"a=2", "/trace", True),
        (b"trace=1&trace=2&a=2", b"a=2&trace=3", "/trace", True),
        (b"a%2Fb=1&c=2", b"c=2", "/a~1b", True),
        (b"a=1", b"b=2", "/*", True),
        (b"trace=1&a=2", b"trace=1&a=3", "/trace", False),
        (b"trace=1", b"trace=2", "/trace/0", False),
    ],
)
def test_fields_of_a_form_are_ignored_by_name(
    one: bytes, other: bytes, pointer: str, equal: bool
) -> None:
    requests = (a_request(one, headers=FORM), a_request(other, headers=FORM))

    assert same(*requests, f"-body.{pointer}") == equal


def _parts(**fields: str) -> Request:
    parts = (
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return a_request(("".join(parts) + "--x--\r\n").encode(), headers=MULTIPART)


def test_parts_of_an_upload_are_ignored_by_name() -> None:
    assert same(_parts(a="1", trace="2"), _parts(a="1", trace="3"), "-body./trace")
    assert same(_parts(a="1", trace="2"), _parts(a="1"), "-body./trace")
    assert not same(_parts(a="1", trace="2"), _parts(a="2", trace="2"), "-body./trace")
    assert same(_parts(a="1", trace="2"), _parts(a="1", trace="3"), "-body./trace/body")


def told(one: str, other: str, *rules: str) -> list[tuple[str, str, Any, Any]]:
    prints = (print_of(a_request(body.encode()), *rules) for body in (one, other))
    return [(item.facet, item.at, item.sent, item.recorded) for item in differences(*prints)]


def test_a_difference_shows_only_what_was_compared() -> None:
    one = '{"metadata":{"stage":"b","trace_id":1},"m":[{"id":1,"t":"x"}]}'
    other = '{"metadata":{"stage":"a","trace_id":2},"m":[{"id":2,"t":"y"}]}'

    assert told(one, other, "-body./metadata/trace_id", "-body./m/*/id") == [
        ("body", "/m/0/t", "x", "y"),
        ("body", "/metadata/stage", "b", "a"),
    ]


def test_a_difference_behind_an_ignored_item_is_at_its_own_place() -> None:
    assert told('{"a":[1,"x"]}', '{"a":[2,"y"]}', "-body./a/0") == [("body", "/a/1", "x", "y")]
    assert told('{"a":[1,"x"]}', '{"a":[]}', "-body./a/0") == [("body", "/a/1", "x", ABSENT)]
    assert told('{"a":[]}', '{"a":[1,"x"]}', "-body./a/0") == [("body", "/a/1", ABSENT, "x")]


def test_a_value_that_is_shown_whole_says_what_of_it_was_ignored() -> None:
    assert told('{"a":[1,2],"b":{"c":1}}', "[]", "-body./a/0", "-body./b/c") == [
        ("body", "", {"a": ["[ignored]", 2], "b": {}}, [])
    ]


def test_an_ignored_parameter_is_no_difference() -> None:
    prints = (
        print_of(a_request(target=f"/x?trace={at}&limit={at}"), "-query.trace") for at in (1, 2)
    )

    assert differences(*prints) == (Difference("query", "limit", "1", "2"),)


@given(st.data(), json_objects(), json_values(), json_values())
def test_whatever_stands_at_an_ignored_place_does_not_count(
    data: st.DataObject, body: dict[str, Json], one: Json, other: Json
) -> None:
    name = data.draw(st.text(max_size=4).filter("*".__ne__))  # which stands for any name
    rule = "-body." + strict_json.pointer(strict_json.pointer("", "outer"), name)

    def written(inner: dict[str, Json]) -> Request:
        return a_request(data.draw(spellings({"body": body, "outer": inner})).encode())

    assert same(written({name: one}), written({name: other}), rule)
    assert same(written({name: one}), written({}), rule)
    assert not same(written({name: one}), written({name + "x": other}), rule)


@given(requests(), requests())
def test_rules_that_name_nothing_change_nothing(one: Request, other: Request) -> None:
    rules = ("-body./no such member/x", "-query.no such parameter")

    assert print_of(one, *rules) == print_of(one)
    assert same(one, other, *rules) == same(one, other)


_DEEP = st.recursive(
    st.sampled_from([1, None, "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)


@given(_DEEP, _DEEP, st.lists(st.sampled_from(["a", "0", "*", "b"]), min_size=1, max_size=3))
def test_under_any_rule_there_is_a_difference_exactly_where_fingerprints_differ(
    one: Json, other: Json, steps: list[str]
) -> None:
    rule = "-body./" + "/".join(steps)
    prints = [print_of(a_request(json.dumps({"a": body}).encode()), rule) for body in (one, other)]

    assert bool(differences(*prints)) == (prints[0] != prints[1])
