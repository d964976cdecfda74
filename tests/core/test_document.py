"""Damaged documents: each is refused as a whole, with the JSON path of what is wrong."""

import json
from typing import Any

import pytest

from builders import a_cassette, an_interaction
from runreel.cassettes.format import dump, parse
from runreel.http.strict_json import BadDocument


def refusal(text: str) -> str:
    with pytest.raises(BadDocument) as caught:
        parse(text)
    return str(caught.value)


def edited(*path: str | int, to: Any) -> str:
    """A good document but for one member; `...` deletes it."""
    document = json.loads(dump(a_cassette(an_interaction())))
    place = document
    for step in path[:-1]:
        place = place[step]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(document)


ONE = ("interactions", 0)
REQUEST, RESPONSE = (*ONE, "request"), (*ONE, "response")
FORMS = (
    "a body is `json` with `layout` (compact, compact+ascii, spaced, spaced+ascii, indent-2, "
    "indent-2+ascii), `events`, `text` or `base64`"
)
EDITED = (
    "/interactions/0/digest: the request or the response of modifyRun-00000000 is not the one that "
    "was recorded; if you edited it on purpose, delete this member"
)
A_LINE = (
    "/interactions/0/response/headers/0: a header is one string, its name and its value, as in "
    "'Content-Type: text/plain'"
)
RESERVED = "a newer version of runreel wrote this body as `{}`; read the cassette with that"
UNKNOWN = "unknown member; this version reads format 1 only"
FINDING = {"at": "", "rule": "type", "severity": "error", "message": "m"}


def test_the_document_that_these_tests_edit_is_good() -> None:
    assert len(parse(edited("upstream", to="https://example.org")).interactions) == 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), 2, "/format: format 2 is not known here, only 1"),
        (("format",), "1", "/format: format '1' is not known here, only 1"),
        (("format",), True, "/format: format True is not known here, only 1"),
        (("format",), 1.0, "/format: format 1.0 is not known here, only 1"),
        (("format",), None, "/format: format None is not known here, only 1"),
        (("format",), ..., "/format: a member that must be here is missing"),
        (("interactions",), ..., "/interactions: a member that must be here is missing"),
        (("interactions",), {}, "/interactions: an array must be here"),
        (("upstream",), None, "/upstream: a string must be here"),
        (
            ("match_on",),
            ["method", "body.metadata"],
            (
                "/match_on: unknown matcher 'body.metadata'; known are method, path, query, body, "
                "header.NAME (lower case), -query.NAME, -body.POINTER (as in "
                "-body./metadata/trace_id)"
            ),
        ),
        ((*ONE, "id"), ..., "/interactions/0/id: a member that must be here is missing"),
        ((*ONE, "duration_ms"), 1.5, "/interactions/0/duration_ms: an integer must be here"),
        ((*ONE, "request"), [], "/interactions/0/request: an object must be here"),
        (
            (*ONE, "recorded_at"),
            "2026-03-31 10:15:02",
            "/interactions/0/recorded_at: a time is written as 2026-03-31T10:15:02Z",
        ),
        (
            (*REQUEST, "target"),
            "v1/threads",
            (
                "/interactions/0/request/target: a target begins with '/' and holds no space or "
                "control character"
            ),
        ),
        ((*RESPONSE, "status"), True, "/interactions/0/response/status: an integer must be here"),
        (
            (*RESPONSE, "headers", 0),
            "X: a\r\nSet-Cookie: b",
            (
                "/interactions/0/response/headers/0: the value of 'X' holds a character that no "
                "header may hold"
            ),
        ),
        (
            (*RESPONSE, "headers", 0),
            "X Y: a",
            "/interactions/0/response/headers/0: 'X Y' is not a header name",
        ),
        ((*RESPONSE, "headers", 0), ["X", "a"], A_LINE),
        ((*RESPONSE, "headers", 0), "X-A", A_LINE),
        ((*RESPONSE, "headers", 0), 1, A_LINE),
        (
            (*RESPONSE, "body", "sha256"),
            "0" * 64,
            (
                "/interactions/0/response/body/sha256: only the first build of runreel wrote this, "
                "and the rest is written as today; take it out"
            ),
        ),
        (
            (*RESPONSE, "body"),
            {"parts": []},
            f"/interactions/0/response/body: {RESERVED}".format("parts"),
        ),
        (
            (*REQUEST, "body"),
            {"blob": "ab"},
            f"/interactions/0/request/body: {RESERVED}".format("blob"),
        ),
        ((*ONE, "digest"), "0" * 64, EDITED),
        ((*ONE, "digest"), "", EDITED),
        ((*ONE, "after"), [""], "/interactions/0/after/0: this must not be empty"),
        ((*ONE, "during"), "one", "/interactions/0/during: an array must be here"),
        ((*ONE, "scope"), "", "/interactions/0/scope: this must not be empty"),
        (RESPONSE, ..., "/interactions/0/response: either this or `failed` must be here"),
        (
            (*ONE, "failed"),
            "upstream_timeout",
            "/interactions/0/response: either this or `failed` must be here",
        ),
        (
            (*ONE, "failed"),
            "It failed",
            "/interactions/0/failed: this must be a slug, as in upstream_timeout",
        ),
        (("salt",), "5f0c", "/salt: this must be 32 hex digits"),
        (("incomplete",), "", "/incomplete: this must not be empty"),
        (
            (*RESPONSE, "body", "json"),
            {"id": "run_other"},
            EDITED,
        ),
        ((*RESPONSE, "body", "text"), "two", f"/interactions/0/response/body: {FORMS}"),
        ((*RESPONSE, "body", "layout"), "indent-4", f"/interactions/0/response/body: {FORMS}"),
        ((*RESPONSE, "body", "layout"), ..., f"/interactions/0/response/body: {FORMS}"),
        ((*RESPONSE, "body"), {}, f"/interactions/0/response/body: {FORMS}"),
        ((*RESPONSE, "body"), "x", "/interactions/0/response/body: an object must be here"),
        (
            (*REQUEST, "body"),
            {"text": "a", "sha256": "b"},
            f"/interactions/0/request/body: {FORMS}",
        ),
        (
            (*REQUEST, "body"),
            {"base64": "AAA"},
            "/interactions/0/request/body: base64 that cannot be read: Incorrect padding",
        ),
    ],
)
def test_a_damaged_document_is_refused_with_the_place(
    path: tuple[str | int, ...], value: Any, message: str
) -> None:
    assert refusal(edited(*path, to=value)) == message


@pytest.mark.parametrize(
    ("path", "at"),
    [
        (("speed",), "/speed"),
        ((*ONE, "note"), "/interactions/0/note"),
        ((*REQUEST, "url"), "/interactions/0/request/url"),
        ((*RESPONSE, "reason"), "/interactions/0/response/reason"),
        ((*RESPONSE, "a/b~c"), "/interactions/0/response/a~1b~0c"),
    ],
)
def test_an_unknown_member_is_refused_at_every_level(path: tuple[str | int, ...], at: str) -> None:
    assert refusal(edited(*path, to="x")) == f"{at}: {UNKNOWN}"


def test_an_unknown_member_of_a_finding_is_refused_too() -> None:
    text = edited(*ONE, "violations", to=[FINDING, FINDING | {"why": "x"}])

    assert refusal(text) == f"/interactions/0/violations/1/why: {UNKNOWN}"


@pytest.mark.parametrize("status", [-1, 0, 99, 100, 199, 600, 999])
def test_a_status_that_is_no_final_answer_is_refused(status: int) -> None:
    assert refusal(edited(*RESPONSE, "status", to=status)).startswith(
        "/interactions/0/response/status: "
    )


@pytest.mark.parametrize("method", ["", "post", "POST\n", "GET /", "MÉTHODE"])
def test_a_method_that_is_none_is_refused(method: str) -> None:
    assert refusal(edited(*REQUEST, "method", to=method)).startswith(
        "/interactions/0/request/method: "
    )


@pytest.mark.parametrize("value", ["\x00", "a\nb", "\x7f", "é\u0100", "\ud800"])
def test_a_header_value_that_is_none_is_refused(value: str) -> None:
    assert refusal(edited(*REQUEST, "headers", 0, to=f"X: {value}")) == (
        "/interactions/0/request/headers/0: the value of 'X' holds a character that no header "
        "may hold"
    )


@pytest.mark.parametrize("path", [(*ONE, "id"), (*ONE, "operation"), ("upstream",), ("profile",)])
def test_text_that_no_file_can_hold_is_refused(path: tuple[str | int, ...]) -> None:
    at = "".join(f"/{step}" for step in path)

    assert refusal(edited(*path, to="\ud800")).startswith(f"{at}: 'utf-8' codec can't encode")


def test_two_interactions_of_one_id_are_refused() -> None:
    text = dump(a_cassette(an_interaction(), an_interaction(name="two"), an_interaction()))

    assert refusal(text) == "/interactions/2/id: the id 'modifyRun-00000000' stands twice"


def test_a_member_that_stands_twice_is_refused_with_its_place() -> None:
    text = edited("upstream", to="x").replace('"status": 200', '"status": 200, "st\\u0061tus": 200')

    assert (
        refusal(text) == "/interactions/0/response/status: this member stands twice in its object"
    )


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_only_pythons_json_knows_is_refused_with_its_place(constant: str) -> None:
    text = edited(*RESPONSE, "body", "json", "id", to=float(constant))

    assert refusal(text) == f"/interactions/0/response/body/json/id: {constant} is not JSON"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not readable as JSON: Expecting value: line 1 column 1 (char 0)"),
        (
            "{\n  'format': 1}",
            (
                "not readable as JSON: Expecting property name enclosed in double "
                "quotes: line 2 column 3 (char 4)"
            ),
        ),
        ("{} {}", "not readable as JSON: Extra data: line 1 column 4 (char 3)"),
        ("---\nformat: 1\n", "not readable as JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "an object must be here"),
        ("null", "an object must be here"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_no_document_at_all_is_refused(text: str, message: str) -> None:
    assert refusal(text) == message


def test_an_integer_beyond_reason_is_refused() -> None:
    text = edited(*ONE, "duration_ms", to=0).replace(
        '"duration_ms": 0', f'"duration_ms": {"9" * 5_000}'
    )

    assert refusal(text).startswith("not readable as JSON: Exceeds the limit")
