"""What users add to the rules; nothing that they set takes a default away."""

import json
import re

import pytest

from builders import FAKE_KEY, a_request, a_response
from redacting import BEARER, KEY, body_after, redact
from runreel.errors import Unredactable
from runreel.http.messages import Request
from runreel.redaction.redactor import Redaction
from runreel.redaction.rules import PatternRule

RULES = Redaction(
    headers=frozenset({"X-Tenant"}),
    query=frozenset({"Sig"}),
    body=("/metadata/email", "/user", "/odd~1name/0"),
    patterns=(PatternRule("user-1", re.compile(r"PIN \d+")),),
)


def test_a_star_in_a_place_stands_for_every_item_of_a_list() -> None:
    rules = Redaction(body=("/data/*/metadata/email",))
    body = b'{"data": [{"metadata": {"email": "a@b"}}, {"metadata": {"email": 1, "n": "c@d"}}]}'
    clean = (
        b'{"data": [{"metadata": {"email": "REDACTED"}}, '
        b'{"metadata": {"email": "REDACTED", "n": "c@d"}}]}'
    )

    found = redact(a_request(body=body), a_response(body=body), rules)

    assert (found.request.body, found.response.body) == (clean, clean)


def test_user_rules_leave_out_headers_and_look_for_their_values_elsewhere() -> None:
    request = a_request(headers=(("x-tenant", "tenant-fAkE0fAkE0"), ("x-tier", "1")))
    response = a_response(body=b'{"t":"tenant-fAkE0fAkE0"}')

    found = redact(request, response, RULES)

    assert found.request.headers == (("x-tier", "1"),)
    assert found.response.body == b'{"t":"REDACTED"}'


def test_user_rules_blank_parameters() -> None:
    request = a_request(target="/v1/x?SIG=abc&sig2=REDACTED&api_key=def")

    assert redact(request, rules=RULES).request.target == (
        "/v1/x?SIG=REDACTED&sig2=REDACTED&api_key=REDACTED"
    )


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        ('{"metadata": {"email": "a@b", "x": 1}}', '{"metadata": {"email": "REDACTED", "x": 1}}'),
        ('{"metadata": {"email": 17}}', '{"metadata": {"email": "REDACTED"}}'),
        ('{"user": {"a": [1, {"b": 2}]}, "n": 1.50}', '{"user": "REDACTED", "n": 1.50}'),
        ('{"user": [1, "%s"]}', '{"user": "REDACTED"}'),
        ('{"odd/name": [null, 2]}', '{"odd/name": ["REDACTED", 2]}'),
        ('{"a": {"user": 1}, "users": 2}', '{"a": {"user": 1}, "users": 2}'),
        ('{"email": "my PIN 1234"}', '{"email": "my REDACTED"}'),
        ("plain PIN 1234", "plain REDACTED"),
        ('{"k": "%s"}', '{"k": "REDACTED"}'),
    ],
)
def test_user_rules_blank_places_and_patterns_in_both_bodies(body: str, clean: str) -> None:
    body = body.replace("%s", KEY)
    request = a_request(headers=BEARER, body=body.encode())

    found = redact(request, a_response(body=body.encode()), RULES)

    assert found.request.body.decode() == clean
    assert found.response.body.decode() == clean


def test_a_user_rule_alone_is_enough_to_look_into_a_body() -> None:
    by_place = Redaction(body=("/user",))
    by_pattern = Redaction(patterns=(PatternRule("user-1", re.compile("ann")),))

    assert body_after(b'{"user":"ann"}', by_place) == b'{"user":"REDACTED"}'
    assert body_after(b'{"user":"ann"}', by_pattern) == b'{"user":"REDACTED"}'


def test_a_user_pattern_is_applied_until_it_finds_nothing_more() -> None:
    rules = Redaction(patterns=(PatternRule("user-1", re.compile(r"(?<!\d)\d{3}")),))

    assert body_after(b"n 12345678901", rules) == b"n REDACTEDREDACTEDREDACTED01"


def test_a_user_pattern_that_never_has_enough_is_refused() -> None:
    rules = Redaction(patterns=(PatternRule("user-1", re.compile(r"(?<!\d)\d{3}")),))

    with pytest.raises(Unredactable):
        body_after(b"n " + b"1" * 300, rules)


@pytest.mark.parametrize("rules", [Redaction(), RULES])
def test_user_rules_never_remove_a_default(rules: Redaction) -> None:
    request = a_request(
        target=f"/v1/x?api_key=t0ken&n={FAKE_KEY}",
        headers=(*BEARER, ("Cookie", "a=b")),
        body=json.dumps([FAKE_KEY, KEY]).encode(),
    )
    response = a_response(headers=(("Set-Cookie", "a=b"), ("Date", "today")))

    found = redact(request, response, rules)

    assert found.request == Request(
        "POST", "/v1/x?api_key=REDACTED&n=REDACTED", (), b'["REDACTED", "REDACTED"]'
    )
    assert found.response.headers == ()
    assert set(Redaction().names) <= set(rules.names)


def test_the_rules_in_force_are_listed_by_name() -> None:
    listed = [name for name in RULES.names if name not in Redaction().names]

    assert listed == [
        "header.x-tenant",
        "query.sig",
        "body./metadata/email",
        "body./user",
        "body./odd~1name/0",
        "pattern.user-1",
    ]
    assert Redaction().names[0] == "credential"


@pytest.mark.parametrize(
    "body", [b'{"user": 1, "user": 2}', b'{"user": 1', b'[{"user":1}] x', b'\xef\xbb\xbf{"a":1}']
)
def test_a_place_in_json_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Unredactable):
        body_after(body, RULES)

    assert body_after(body) == body


def test_a_user_pattern_reads_text_as_characters_and_not_as_bytes() -> None:
    rules = Redaction(patterns=(PatternRule("user-1", re.compile(r"Straße \d+")),))

    assert body_after("Lange Straße 12, München".encode(), rules).decode() == (
        "Lange REDACTED, München"
    )


def test_a_target_stays_a_target_whatever_a_user_pattern_eats() -> None:
    rules = Redaction(patterns=(PatternRule("user-1", re.compile("/v1/threads")),))

    assert redact(rules=rules).request.target == "/REDACTED/thread_abc123/runs/run_abc123"
