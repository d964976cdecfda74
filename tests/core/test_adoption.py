"""What another tool recorded goes through the same rules as live traffic."""

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from builders import FAKE_KEY, SALT, TARGET
from foreign import adoption
from runreel.assistants.openai_v1 import OPENAI_V1
from runreel.assistants.rubra import RUBRA
from runreel.http.messages import Headers
from runreel.http.strict_json import BadDocument
from runreel.importers.importer import Adopted, Adoption, assemble
from runreel.importers.records import Foreign, split_url

LATER = datetime(2026, 4, 1, tzinfo=UTC)
V1: Headers = (("OpenAI-Beta", "assistants=v1"),)
V2: Headers = (("OpenAI-Beta", "assistants=v2"),)


def a_foreign(**changes: Any) -> Foreign:
    found = Foreign(
        place="interaction 1",
        method="POST",
        upstream="https://api.example.com",
        target=TARGET,
        request_headers=(("Content-Type", "application/json"),),
        request_body=b'{"metadata":{"stage":"a"}}',
        status=200,
        response_headers=(("Content-Type", "application/json"),),
        response_body=b'{"id": "run_abc123"}',
    )
    return replace(found, **changes)


def adopted(foreign: Foreign, rules: Adoption | None = None) -> Adopted:
    found = (rules or adoption()).adopt(foreign, LATER)
    assert isinstance(found, Adopted)
    return found


def test_credential_headers_are_left_out_and_counted_and_what_repeats_them_is_blanked() -> None:
    found = adopted(
        a_foreign(
            request_headers=(("Authorization", f"Bearer {FAKE_KEY}"), ("Cookie", "a=b")),
            response_headers=(("Set-Cookie", "a=b"), ("X-Echo", FAKE_KEY)),
            response_body=f'{{"a": "{FAKE_KEY}", "b": "{FAKE_KEY}", "c": "REDACTED"}}'.encode(),
        )
    )

    kept = found.interaction.value
    assert (found.left_out, found.blanked) == (3, 3)
    assert kept.request.headers == ()
    assert kept.response.headers == (("X-Echo", "REDACTED"),)
    assert kept.response.body == b'{"a": "REDACTED", "b": "REDACTED", "c": "REDACTED"}'


@pytest.mark.parametrize(
    "value",
    ["Bearer <OPENAI_ACCESS_TOKEN>", "<OPENAI_ACCESS_TOKEN>", "Basic <OPENAI_ACCESS_TOKEN>"],
)
def test_a_placeholder_is_no_secret(value: str) -> None:
    body = b'{"token": "<OPENAI_ACCESS_TOKEN>"}'
    found = adopted(
        a_foreign(
            request_headers=(("Authorization", value),),
            request_body=body,
            response_headers=(("OpenAI-Organization", value),),
            response_body=body,
        )
    )

    kept = found.interaction.value
    assert (kept.request.body, kept.response.body) == (body, body)
    assert (found.left_out, found.blanked) == (2, 0)


def test_a_blank_in_the_target_counts_too() -> None:
    found = adopted(a_foreign(target=f"/x?api-key={FAKE_KEY}"))

    assert found.interaction.value.request.target == "/x?api-key=REDACTED"
    assert found.blanked == 1


@pytest.mark.parametrize("value", ["<AZURE_OPENAI_API_KEY>", "%3CAZURE_OPENAI_API_KEY%3E"])
def test_a_placeholder_in_the_query_is_no_secret_elsewhere(value: str) -> None:
    body = b'{"token": "<AZURE_OPENAI_API_KEY>"}'

    found = adopted(a_foreign(target=f"/x?api-key={value}", response_body=body))

    assert found.interaction.value.response.body == body
    assert found.interaction.value.request.target == "/x?api-key=REDACTED"


def test_what_merely_holds_a_placeholder_is_a_secret_still() -> None:
    value = "<USER>" + "FaKe0" * 4
    body = f'{{"token": "{value}"}}'.encode()

    found = adopted(a_foreign(request_headers=(("Api-Key", value),), response_body=body))

    assert found.interaction.value.response.body == b'{"token": "REDACTED"}'


def test_what_cannot_be_redacted_is_not_taken_over() -> None:
    headers = (("Api-Key", "X" * 20),)

    said = adoption().adopt(a_foreign(request_headers=headers, method="X" * 20), LATER)

    assert said == "it cannot be redacted: a credential stands where it cannot be replaced"


@pytest.mark.parametrize(
    ("headers", "configured", "profile"),
    [
        (V1, "openai", "openai_v1"),
        (V2, "openai", "openai"),
        (V2, "openai_v1", "openai"),
        ((), "openai_v1", "openai_v1"),
        ((("openai-beta", "other=v3, assistants=v1"),), "openai", "openai_v1"),
        ((("OpenAI-Beta", "assistants=v3"),), "openai", "openai"),
        (V2, "rubra", "rubra"),
    ],
)
def test_the_profile_is_that_of_the_version_asked_for(
    headers: Headers, configured: str, profile: str
) -> None:
    profiles = {"openai": adoption().profile, "openai_v1": OPENAI_V1, "rubra": RUBRA}

    found = adopted(a_foreign(request_headers=headers), adoption(profile=profiles[configured]))

    assert found.profile == profile


def test_a_cassette_has_the_profile_of_all_its_interactions_else_openai() -> None:
    def profile(*several: Headers) -> str:
        every = [adopted(a_foreign(request_headers=headers)) for headers in several]
        return assemble("https://api.example.com", SALT, every).profile

    assert profile(V1, V1) == "openai_v1"
    assert profile(V1, V2) == "openai"
    one = adopted(a_foreign())
    several = [replace(one, profile=name) for name in ("rubra", "openai_v1")]
    assert assemble("https://api.example.com", SALT, several).profile == "openai"


def test_findings_are_noted_unless_that_is_off() -> None:
    foreign = a_foreign(request_headers=V2, request_body=b'{"metadata":{"a":true}}')

    noted = adopted(foreign)
    off = adopted(foreign, adoption(check_request="off", check_response="off"))

    assert noted.interaction.value.violations[0].at == "/metadata/a"
    assert {item.at for item in noted.interaction.value.violations} >= {"/metadata/a", "/status"}
    assert off.interaction.value.violations == ()


def test_strict_validation_keeps_a_malformed_answer_out() -> None:
    said = adoption(check_response="strict").adopt(a_foreign(response_body=b"[]"), LATER)

    assert said == "strict response validation: the body: type"


def test_repeats_get_numbers_in_the_order_they_come_in() -> None:
    every = [adopted(a_foreign(response_body=body)) for body in (b"a", b"b", b"c")]

    found = assemble("https://api.example.com", SALT, every)

    name = every[0].interaction.value.id
    values = [one.value for one in found.interactions]
    assert [one.id for one in values] == [name, f"{name}-2", f"{name}-3"]
    assert [one.response.body for one in values] == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Tue, 31 Mar 2026 13:30:42 GMT", datetime(2026, 3, 31, 13, 30, 42, tzinfo=UTC)),
        ("Tue, 31 Mar 2026 13:30:42 +0200", datetime(2026, 3, 31, 11, 30, 42, tzinfo=UTC)),
        ("yesterday", LATER),
        ("Fri, 31 Dec 9999 23:59:59 -0100", LATER),
    ],
)
def test_the_time_is_that_of_the_answer_or_else_the_one_that_is_handed_in(
    date: str, expected: datetime
) -> None:
    found = adopted(a_foreign(response_headers=(("Date", date),)))

    assert found.interaction.value.recorded_at == expected
    assert found.interaction.value.response.headers == ()


def test_a_body_beyond_the_limit_is_refused_and_one_at_it_is_not() -> None:
    def at(size: int) -> Foreign:
        return a_foreign(
            response_headers=(("Content-Encoding", "gzip"),),
            response_body=gzip.compress(b" " * size),
        )

    rules = adoption(decoded_bytes_max=1_000)
    assert len(adopted(at(1_000), rules).interaction.value.response.body) == 1_000
    with pytest.raises(BadDocument, match="/response/body: its coding gzip cannot be undone"):
        rules.adopt(at(1_001), LATER)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://api.openai.com/v1/x?a=b#c", ("https://api.openai.com", "/v1/x?a=b")),
        ("HTTPS://API.openai.com:443", ("https://api.openai.com", "/")),
        ("http://127.0.0.1:8000?a=/", ("http://127.0.0.1:8000", "/?a=/")),
        ("http://user:pass@h:80//a/../b", ("http://h", "//a/../b")),
        ("http://[::1]:8000/a", ("http://[::1]:8000", "/a")),
        ("https://h/ä%C3%A4", ("https://h", "/%C3%A4%C3%A4")),
        ("ftp://h/a", None),
        ("/v1/x", None),
        ("https:///x", None),
        ("", None),
    ],
)
def test_a_url_is_an_upstream_and_a_target(url: str, parts: tuple[str, str] | None) -> None:
    assert split_url(url) == parts
