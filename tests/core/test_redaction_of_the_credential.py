"""The request's own credential, wherever it shows up again."""

import base64
import json
import re
from dataclasses import replace

import pytest

from builders import TARGET, a_request, a_response, an_interaction
from leaks import leaks
from redacting import BEARER, BODY, KEY, body_after, redact, written
from runreel.http.messages import Headers, Request, Violation
from runreel.redaction.redactor import Redaction
from runreel.redaction.rules import PatternRule


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        pytest.param(TARGET, (("Authorization", f"Bearer {KEY}"),), id="bearer"),
        pytest.param(TARGET, (("authorization", KEY),), id="no-scheme"),
        pytest.param(TARGET, (("api-key", KEY),), id="azure"),
        pytest.param(TARGET, (("X-Api-Key", KEY),), id="x-api-key"),
        pytest.param(TARGET, (("Astra-Api-Token", KEY),), id="astra"),
        pytest.param(TARGET, (("LLM-PARAM-aws-secret-access-key", KEY),), id="astra-bedrock"),
        pytest.param(TARGET, (("Ocp-Apim-Subscription-Key", KEY),), id="azure-gateway"),
        pytest.param(TARGET, (("Cookie", f"a=1; session={KEY}; b=2"),), id="cookie"),
        pytest.param(TARGET, (("Proxy-Authorization", f"Bearer {KEY}"),), id="proxy"),
        pytest.param(
            TARGET,
            (("Authorization", "Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()),),
            id="basic-password",
        ),
        pytest.param(
            TARGET,
            (("Authorization", "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()),),
            id="basic-user",
        ),
        pytest.param(
            f"{TARGET}?api_key=Zq%2F{KEY[3:].replace('+', '%2B').replace('=', '%3D')}",
            (),
            id="query",
        ),
    ],
)
def test_a_credential_is_found_in_what_comes_back_wherever_it_was_sent(
    target: str, headers: Headers
) -> None:
    body = json.dumps({"a": KEY, "b": base64.b64encode(b"x" + KEY.encode()).decode()}).encode()

    found = redact(a_request(target=target, headers=headers), a_response(body=body))

    assert b'"a": "REDACTED"' in found.response.body
    assert not leaks(KEY, written(found))


@pytest.mark.parametrize("known", [KEY, f"Bearer {KEY}", f"bearer  {KEY} "])
def test_a_credential_that_the_proxy_adds_itself_is_found_too(known: str) -> None:
    found = redact(
        a_request(headers=(), body=BODY), a_response(body=BODY), rules=Redaction(known=(known,))
    )

    assert found.request.body == found.response.body == b'{"key": "REDACTED"}'


def test_the_credential_is_that_of_the_request_as_it_came_not_as_it_is_recorded() -> None:
    live = a_request(headers=BEARER)
    recordable = a_request(headers=(), body=BODY)

    found = Redaction().request(recordable, live)

    assert found.value == Request("POST", TARGET, (), b'{"key": "REDACTED"}')


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        pytest.param(f"You sent {KEY}.", "You sent REDACTED.", id="text"),
        pytest.param(f'{{"{KEY}": 1}}', '{"REDACTED": 1}', id="member-name"),
        pytest.param(
            json.dumps({"a": {"b": [1, {"c": f"x {KEY}"}]}}),
            '{"a": {"b": [1, {"c": "x REDACTED"}]}}',
            id="deep",
        ),
        pytest.param(
            '{"a":"' + "".join(f"\\u{ord(char):04x}" for char in KEY) + '"}',
            '{"a":"REDACTED"}',
            id="json-escapes",
        ),
        pytest.param('{"a":"' + KEY.replace("/", "\\/") + '"}', '{"a":"REDACTED"}', id="slash"),
        pytest.param(
            json.dumps({"raw": json.dumps({"k": KEY.replace("/", "\\/")})}),
            json.dumps({"raw": '{"k": "REDACTED"}'}),
            id="json-in-json",
        ),
        pytest.param(
            "k=Zq%2F" + KEY[3:].replace("+", "%2B").replace("=", "%3D") + "&n=1",
            "k=REDACTED&n=1",
            id="form",
        ),
        pytest.param("j=%22" + KEY.replace("/", "%5Cu002f") + "%22", "j=%22REDACTED%22", id="5C"),
        pytest.param(
            f'--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n{KEY}\r\n--b--\r\n',
            '--b\r\nContent-Disposition: form-data; name="k"\r\n\r\nREDACTED\r\n--b--\r\n',
            id="multipart",
        ),
        pytest.param(f'{{"a": "{KEY}", broken', '{"a": "REDACTED", broken', id="broken-json"),
        pytest.param(f'{{"a": 1, "a": "{KEY}"}}', '{"a": 1, "a": "REDACTED"}', id="duplicates"),
        pytest.param(f'data: {{"a":"{KEY}"}}\n\n', 'data: {"a":"REDACTED"}\n\n', id="events"),
        pytest.param(f'"{KEY}"', '"REDACTED"', id="json-string"),
    ],
)
def test_the_credential_goes_from_any_kind_of_body(body: str, clean: str) -> None:
    request = a_request(headers=BEARER, body=body.encode())

    found = redact(request, a_response(body=body.encode()))

    assert found.request.body.decode() == clean
    assert found.response.body.decode() == clean


def test_the_credential_goes_from_a_body_that_is_not_utf8() -> None:
    assert body_after(b"\xff\x00" + KEY.encode() + b"\xfe\r\n") == b"\xff\x00REDACTED\xfe\r\n"


def test_the_credential_goes_from_headers_and_target() -> None:
    request = a_request(
        target=f"/v1/{KEY}/x?next={KEY.replace('+', '%2B')}&n=1",
        headers=(*BEARER, ("X-Debug", f"key={KEY};")),
    )
    response = a_response(headers=(("Location", f"https://api.example.com/{KEY}?a"),))

    found = redact(request, response)

    assert found.request.target == "/v1/REDACTED/x?next=REDACTED&n=1"
    assert found.request.headers == (("X-Debug", "key=REDACTED;"),)
    assert found.response.headers == (("Location", "https://api.example.com/REDACTED?a"),)


def test_the_credential_goes_from_findings() -> None:
    finding = Violation("/metadata/" + KEY.replace("/", "~1"), "type", "error", f"no {KEY} here")
    interaction = replace(an_interaction().value, violations=(finding,))

    found = Redaction().interaction(a_request(headers=BEARER), interaction).value

    assert found.violations == (
        Violation("/metadata/REDACTED", "type", "error", "no REDACTED here"),
    )


def test_a_pointer_in_a_finding_stays_as_it_is() -> None:
    finding = Violation("/metadata/a~1b~0c/0", "type", "error", "m")
    interaction = replace(an_interaction().value, violations=(finding, replace(finding, at="")))

    found = Redaction().interaction(a_request(headers=BEARER), interaction).value

    assert [item.at for item in found.violations] == ["/metadata/a~1b~0c/0", ""]


def test_a_credential_of_fifteen_characters_only_leaves_its_header() -> None:
    short = "fAkE0" * 3
    request = a_request(headers=(("Authorization", f"Bearer {short}"),), body=short.encode())

    found = redact(request, a_response(body=short.encode()))

    assert found.request.headers == ()
    assert found.request.body == found.response.body == short.encode()


def test_a_finding_can_be_told_without_the_credential_it_quotes() -> None:
    at = "/" + KEY.replace("~", "~0").replace("/", "~1")
    finding = Violation(at, "unknown", "error", f"Unknown parameter: '{KEY}'.")

    told = Redaction().finding(a_request(headers=BEARER), finding)

    assert told == Violation("/REDACTED", "unknown", "error", "Unknown parameter: 'REDACTED'.")


def test_a_finding_that_cannot_be_redacted_says_only_which_rule_it_is() -> None:
    finding = Violation("/a", "type", "error", "a number such as " + "1" * 300)
    endless = Redaction(patterns=(PatternRule("user-1", re.compile(r"(?<!\d)\d{3}")),))

    told = endless.finding(a_request(headers=BEARER), finding)

    assert (told.at, told.rule) == ("", "type")
    assert "111" not in told.message
