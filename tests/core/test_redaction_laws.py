"""What holds for any exchange, any key and any disguise."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import a_request, a_response, an_interaction
from disguises import DISGUISES, Disguise, chance
from leaks import leaks
from redacting import BEARER, KEY, OTHER_KEY, written
from runreel.cassettes.format import interaction_document
from runreel.errors import Unredactable
from runreel.http.messages import Headers, Interaction, Request, Violation
from runreel.redaction.redactor import Redaction
from runreel.redaction.rules import HEADER_PATTERNS, PATTERNS, PatternRule
from strategies import requests

PATTERNS_THAT_BITE = ["[a-z]+", "red", r"(?<!\d)\d{2}", r"\b\d{3}", "^.", "ed. ", r"(?i)K\w*"]


@given(
    request=requests(),
    pattern=st.none() | st.sampled_from(PATTERNS_THAT_BITE),
    note=st.text("abk0123456789 []/", max_size=40),
    disguise=st.sampled_from(DISGUISES),
    seed=st.integers(0, 2**32),
)
def test_redaction_is_idempotent(
    request: Request, pattern: str | None, note: str, disguise: Disguise, seed: int
) -> None:
    """A recording is redacted again when it is loaded, and must still match then."""
    rules = Redaction(
        patterns=(PatternRule("user-1", re.compile(pattern)),) if pattern else (),
        body=("/user",),
    )
    planted = json.dumps({"note": note, "key": disguise(KEY, chance(seed)), "user": [1]})
    live = replace(request, headers=(*BEARER, ("X-Note", note)), body=planted.encode())
    live = replace(live, target=f"{live.target}{note.replace(' ', '%20')}")

    try:
        once = rules.request(live).value
    except Unredactable:
        assert pattern is not None  # the defaults never go on for ever
        return

    assert rules.request(once).value == once
    assert rules.request(once, live).value == once


EXAMPLES = [text for rule in (*PATTERNS, *HEADER_PATTERNS) for text in rule.secret + rule.innocent]
EXAMPLES += ["password", "api_key", "%73k-", "<API_KEY>", "[redacted]", "Sanitized", "REDACTED"]
FIELDS = ["{}", '{{"note": {}}}', '{{"password": {}}}', '{{"a": {{{}: 1}}}}', "text={}", "[{},{}]"]


def test_a_header_that_names_a_secret_is_not_left() -> None:
    value = '{"password": "sk-' + 'short"}'

    assert not Redaction().leaves(Request("GET", "/v1/threads/t", (("X-Note", value),)))


@given(
    request=requests(),
    field=st.sampled_from(FIELDS),
    text=st.sampled_from(EXAMPLES),
    place=st.sampled_from(["body", "target", "query", "header", "name"]),
    disguise=st.sampled_from([json.dumps, str, repr, lambda text: json.dumps(json.dumps(text))]),
    known=st.sampled_from([(), (KEY,)]),
)
@settings(max_examples=400)
def test_a_request_that_is_left_would_come_out_as_it_is(
    request: Request, field: str, text: str, place: str, disguise: Any, known: tuple[str, ...]
) -> None:
    rules = Redaction(known=known)
    said = field.format(*[disguise(text)] * field.count("{}"))
    segment = said.replace(" ", "+").replace("\n", "").encode("ascii", "ignore").decode()
    planted = {
        "body": replace(request, body=said.encode()),
        "target": replace(request, target=f"/v1/{segment.replace('?', '')}"),
        "query": replace(request, target=f"/v1/x?q={segment.replace('?', '')}"),
        "name": replace(request, target=f"/v1/x?{segment.replace('?', '')}=q"),
        "header": replace(request, headers=(("X-Note", said.replace("\n", " ")),)),
    }[place]

    if rules.leaves(planted):
        assert rules.request(planted).value == planted


@given(request=requests())
def test_any_request_that_is_left_would_come_out_as_it_is(request: Request) -> None:
    rules = Redaction()

    if rules.leaves(request):
        assert rules.request(request).value == request


@pytest.mark.parametrize("rule", PATTERNS, ids=lambda rule: rule.name)
def test_no_request_with_a_secret_is_left(rule: PatternRule) -> None:
    for secret in rule.secret:
        for body in (secret, json.dumps({"note": secret}), json.dumps([json.dumps(secret)])):
            planted = a_request(body.encode())
            assert not Redaction().leaves(planted) or Redaction().request(planted).value == planted


def test_an_ordinary_request_is_left() -> None:
    spoken = a_request(
        json.dumps({"content": 'Say "hi".\nThen stop: 1.5 = 3/2, token by token now'}).encode()
    )

    assert Redaction().leaves(a_request())
    assert Redaction().leaves(spoken)
    assert not Redaction(patterns=(PatternRule("user-1", re.compile("a")),)).leaves(a_request())
    assert not Redaction(known=(KEY,)).leaves(a_request(KEY.encode()))


PLACES = (
    "request target",
    "request header",
    "request body",
    "response header",
    "response body",
    "finding",
)
WRAPPERS = {
    "text": "You sent {}.\n",
    "form": "a=1&key={}&b=2",
    "multipart": '--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n{}\r\n--b--\r\n',
    "events": "event: e\ndata: {}\n\n",
    "string": '"{}"',
    "binary": "\xff\x00{}\xfe",
}


def _body(wrapper: str, text: str) -> bytes:
    if wrapper == "json":
        return json.dumps({"a": [1.5, {"deep": text}], "n": 10**20}).encode()
    if wrapper == "name":
        return json.dumps({"a": {text: None}}, indent=2, ensure_ascii=False).encode()
    if wrapper == "binary":
        return b"\xff\x00" + text.encode() + b"\xfe"
    return WRAPPERS[wrapper].replace("{}", text).encode()


def _planted(key: str, place: str, wrapper: str, disguise: Disguise, seed: int) -> Interaction:
    """An exchange under `key` with the key, disguised, in one place; not yet redacted."""
    text = disguise(key, chance(seed))
    one_line = text.encode().decode("latin-1")
    visible = re.sub(r"[^\x21-\x7e]", lambda match: f"%{ord(match[0]):02X}", one_line)
    headers: Headers = (("Authorization", f"Bearer {key}"),)
    request, response = a_request(headers=headers), a_response()
    violations: tuple[Violation, ...] = ()
    match place:
        case "request target":
            request = replace(request, target=f"/v1/threads/{visible}?key={visible}&b=2")
        case "request header":
            request = replace(request, headers=(*headers, ("X-Echo", f"a {one_line} b")))
        case "request body":
            request = replace(request, body=_body(wrapper, text))
        case "response header":
            response = replace(response, headers=(("Location", f"/x/{one_line}?y"),))
        case "response body":
            response = replace(response, body=_body(wrapper, text))
        case _:
            at = "/metadata/" + text.replace("~", "~0").replace("/", "~1")
            violations = (Violation(at, "type", "error", text),)
    sample = an_interaction().value
    return replace(sample, request=request, response=response, violations=violations)


@given(
    place=st.sampled_from(PLACES),
    wrapper=st.sampled_from(["json", "name", *WRAPPERS]),
    disguise=st.sampled_from(DISGUISES),
    seed=st.integers(0, 2**32),
)
def test_a_credential_planted_anywhere_in_any_disguise_is_gone(
    place: str, wrapper: str, disguise: Disguise, seed: int
) -> None:
    planted = _planted(KEY, place, wrapper, disguise, seed)
    assert leaks(
        KEY,
        written(
            replace(planted, request=replace(planted.request, headers=planted.request.headers[1:]))
        ),
    )

    found = Redaction().interaction(planted.request, planted)

    assert not leaks(KEY, written(found.value))
    assert not leaks(KEY, json.dumps(interaction_document(found), indent=2).encode())
    assert b"REDACTED" in written(found.value)


@given(
    wrapper=st.sampled_from(["json", "name", *WRAPPERS]),
    place=st.sampled_from(PLACES),
    disguise=st.sampled_from(DISGUISES),
    seed=st.integers(0, 2**32),
)
def test_the_same_exchange_under_another_key_is_the_same_after_redaction(
    place: str, wrapper: str, disguise: Disguise, seed: int
) -> None:
    """What was recorded with one key is looked up with another."""
    mine = _planted(KEY, place, wrapper, disguise, seed)
    theirs = _planted(OTHER_KEY, place, wrapper, disguise, seed)

    found = Redaction().interaction(mine.request, mine).value

    assert found.request == Redaction().request(theirs.request).value
    assert found == Redaction().interaction(theirs.request, theirs).value
