"""What always leaves a recording, what never does, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from builders import FAKE_KEY, a_request, a_response
from coded import CODED
from redacting import BEARER, KEY, body_after, redact
from runreel.errors import Unredactable
from runreel.http.messages import Request, Response
from runreel.redaction.redactor import Redaction
from strategies import requests, responses


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "api-key",
        "X-API-KEY",
        "Cookie",
        "OpenAI-Organization",
        "OpenAI-Project",
        "Proxy-Authorization",
        "Date",
    ],
)
def test_a_header_that_tells_who_asks_or_when_is_left_out(name: str) -> None:
    request = a_request(headers=((name, "x"), ("OpenAI-Beta", "assistants=v2"), (name, "y")))

    assert redact(request).request.headers == (("OpenAI-Beta", "assistants=v2"),)


@pytest.mark.parametrize(
    "name", ["Set-Cookie", "Date", "openai-organization", "openai-project", "CF-RAY"]
)
def test_a_header_that_tells_who_was_answered_or_when_is_left_out(name: str) -> None:
    response = a_response(headers=((name, "x"), ("x-request-id", "req_1"), (name, "y")))

    assert redact(response=response).response.headers == (("x-request-id", "req_1"),)


def test_what_left_a_response_in_a_header_does_not_stay_in_its_body() -> None:
    headers = (
        ("openai-organization", "user-fake0fake0fake0"),
        ("Set-Cookie", "__cf_bm=fAkE.0fAkE.0fAkE.0; path=/"),
        ("CF-RAY", "fa4e0fa4e0fa4e0f-LHR"),
    )
    body = b'{"a": "user-fake0fake0fake0", "b": ["fAkE.0fAkE.0fAkE.0", "fa4e0fa4e0fa4e0f-LHR"]}'

    found = redact(response=a_response(headers=headers, body=body))

    assert found.response == Response(
        200, (), b'{"a": "REDACTED-0a8d487fc7", "b": ["REDACTED", "REDACTED-ebf183d9b7"]}'
    )


@pytest.mark.parametrize("name", ["api_key", "API-Key", "apikey", "access_token", "api%5Fkey"])
def test_a_credential_in_the_query_is_blanked(name: str) -> None:
    request = a_request(target=f"/v1/x?a=1&{name}=t0ken&{name}&b=%41", headers=())

    target = redact(request).request.target

    assert target == f"/v1/x?a=1&{name}=REDACTED&{name}=REDACTED&b=%41"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("key " + FAKE_KEY, "key REDACTED"),
        (
            "Incorrect key provided: sk-" + "BQ" + "*****" + "Cf6e.",
            "Incorrect key provided: REDACTED.",
        ),
        ("org-" + "FaKe0" * 4, "REDACTED-c696ecc310"),
        ("proj_" + "FaKe0" * 4, "REDACTED-59f8cff34a"),
        ("sess-" + "FaKe0" * 8, "REDACTED"),
    ],
)
def test_the_shape_of_a_secret_is_enough(text: str, clean: str) -> None:
    request = a_request(
        target=f"/v1/{text.replace(' ', '%20')}",
        headers=(("X-Note", text),),
        body=json.dumps({"note": text, text: 1}).encode(),
    )

    found = redact(request, a_response(body=text.encode(), headers=(("X-Note", text),)))

    assert found.request.target == f"/v1/{clean.replace(' ', '%20')}"
    assert found.request.headers == (("X-Note", clean),)
    assert json.loads(found.request.body) == {"note": clean, clean: 1}
    assert found.response == Response(200, (("X-Note", clean),), clean.encode())


def test_the_shape_of_a_secret_is_seen_through_the_escapes_of_json() -> None:
    assert body_after(rb'{"a":"\u0073\u006b\u002d' + b"FaKe0" * 4 + b'"}') == b'{"a":"REDACTED"}'


def test_a_token_of_somebody_else_leaves_a_header_but_not_its_scheme() -> None:
    headers = (("X-Forwarded-Info", "Bearer " + "FaKe0" * 4), ("X-Old", "basic ZmFrZTpmYWtl"))

    found = redact(a_request(headers=headers), a_response(headers=headers))

    clean = (("X-Forwarded-Info", "Bearer REDACTED"), ("X-Old", "basic REDACTED"))
    assert found.request.headers == found.response.headers == clean


INNOCENT = (
    "task-0123456789abcdef0",
    "Basic arithmetic",
    "Basic ZmFrZWZha2VmYWtl",
    "the Bearer of this letter",
    "Bearer 0123456789abcdef0123",
    "risk-0123456789abcdef0123",
    "sk-learn",
    "sk-" + "a" * 15,
    "org-internationalization",
    "proj_internationalization",
    "sess-ion",
    "Gdańsk-Warszawa-Wschodnia",
    "thread_abc123 run_abc123 asst_abc123",
    "authorization: see section 3; cookie: chocolate",
    "100 % \\ \\\\ \\u0041 %41 \u2028 🦉",
)


@pytest.mark.parametrize("text", INNOCENT)
def test_an_innocent_text_stays_as_it_is_anywhere_in_a_body(text: str) -> None:
    as_json = json.dumps({"a": text, text: [text]})
    bodies = [
        as_json,
        json.dumps({"a": text, "é": text}, ensure_ascii=False),
        json.dumps({"raw": as_json, "deeper": json.dumps([as_json])}),
        f"{text}\n",
        f"data: {as_json}\n\n",
        f"note={text}&again={text}",
    ]

    assert [body_after(body.encode()).decode() for body in bodies] == bodies


NUMBER = "1234567890123456"


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(a_response(body=b'{"n": 1234567890123456}'), id="json-number"),
        pytest.param(a_response(body=b'{"n": 0.11234567890123456e7}'), id="json-decimal"),
        pytest.param(a_response(headers=((f"x-{NUMBER}", "1"),)), id="header-name"),
    ],
)
def test_a_credential_in_a_response_where_it_cannot_be_replaced_is_refused(
    response: Response,
) -> None:
    request = a_request(headers=(("api-key", NUMBER),))

    with pytest.raises(Unredactable) as caught:
        redact(request, response)

    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(a_request(body=b'{"n": [1234567890123456]}'), id="json-number"),
        pytest.param(a_request(headers=((f"x-{NUMBER}", "1"),)), id="header-name"),
        pytest.param(a_request(method=f"M{NUMBER}"), id="method"),
    ],
)
def test_a_credential_in_a_request_where_it_cannot_be_replaced_is_refused(
    request_: Request,
) -> None:
    live = replace(request_, headers=(("api-key", NUMBER), *request_.headers))

    with pytest.raises(Unredactable):
        Redaction().request(live)
    with pytest.raises(Unredactable):
        redact(live)


def test_two_members_that_would_become_one_are_refused() -> None:
    body = json.dumps({"sk-" + "FaKe1" * 4: 1, "sk-" + "FaKe2" * 4: 2}).encode()

    with pytest.raises(Unredactable):
        body_after(body)


def test_a_number_that_is_no_credential_is_no_reason_to_refuse() -> None:
    request = a_request(headers=(("api-key", "6543210987654321"),))

    assert redact(request, a_response(body=b"[1234567890123456]")).response.body == (
        b"[1234567890123456]"
    )


@pytest.mark.parametrize(
    ("body", "clean"),
    [
        (
            '{ "z":1.50,\t"a" :[ 1e2 ,"\\u00e9\\/é" ],\r\n"k":"%s" , "b":-0.0}\n',
            '{ "z":1.50,\t"a" :[ 1e2 ,"\\u00e9\\/é" ],\r\n"k":"REDACTED" , "b":-0.0}\n',
        ),
        ('{"\\u0061":"\\u0041","%s":  {}}', '{"\\u0061":"\\u0041","REDACTED":  {}}'),
        ('["é %s", "\\u00e9 %s"]', '["é REDACTED", "\\u00e9 REDACTED"]'),
        ('["é \\ud800 %s"]', '["\\u00e9 \\ud800 REDACTED"]'),
        ("[]", "[]"),
    ],
)
def test_every_other_byte_of_a_json_body_stays_as_it_was(body: str, clean: str) -> None:
    assert body_after(body.replace("%s", KEY).encode()).decode() == clean


@given(response=responses(), request=requests())
def test_what_holds_no_secret_is_not_changed(request: Request, response: Response) -> None:
    live = replace(request, headers=(*request.headers, *BEARER))

    found = redact(live, response)

    assert found.request == request
    assert found.response == response


@pytest.mark.parametrize("broken", [lambda body: body + b"junk", lambda body: body[:-1]])
@pytest.mark.parametrize(("coding", "code"), CODED)
def test_a_credential_in_a_body_whose_coding_is_broken_makes_it_unredactable(
    broken: Callable[[bytes], bytes], coding: str, code: Callable[[bytes], bytes]
) -> None:
    echo = b'{"echo": "%b", "and": "%b"}' % (KEY.encode(), b"so on, " * 50)
    response = a_response(broken(code(echo)), headers=(("Content-Encoding", coding),))

    with pytest.raises(Unredactable):
        redact(a_request(headers=BEARER), response)
