"""The proxy's own errors, as OpenAI's SDKs read them."""

import json

import pytest

from runreel.errors import ERRORS, UpstreamFault, error_response, json_response
from runreel.matching.near_miss import EXHAUSTED, NO_MATCH

TABLE = [
    ("no_matching_interaction", 424, False),
    ("interaction_exhausted", 424, False),
    ("another_story", 424, False),
    ("upstream_unreachable", 502, True),
    ("upstream_disconnected", 502, True),
    ("upstream_malformed", 502, True),
    ("upstream_timeout", 504, True),
    ("too_many_calls", 503, True),
    ("stopping", 503, True),
    ("recording_failed", 503, False),
    ("session_unknown", 421, False),
    ("session_refused", 400, False),
    ("cassette_busy", 409, False),
    ("cassette_damaged", 500, False),
    ("too_many_sessions", 503, True),
    ("unauthorized", 401, False),
    ("origin_refused", 403, False),
    ("body_too_large", 413, False),
    ("headers_too_large", 431, False),
    ("request_timeout", 408, True),
    ("bad_request", 400, False),
    ("bad_request_target", 400, False),
    ("misdirected_host", 421, False),
    ("method_not_allowed", 405, False),
    ("admin_unknown", 404, False),
    ("internal_error", 500, False),
    ("bad_framing", 400, False),
    ("bad_header", 400, False),
    ("expectation_failed", 417, False),
    ("unknown_transfer_coding", 501, False),
    ("http_version_not_supported", 505, False),
    ("loop_detected", 508, False),
]
SOON = {"too_many_calls", "stopping", "too_many_sessions"}
CHALLENGE = {"unauthorized": (("WWW-Authenticate", 'Bearer realm="runreel"'),)}


@pytest.mark.parametrize(("slug", "status", "again"), TABLE)
def test_an_error_has_its_status_and_says_whether_to_try_again(
    slug: str, status: int, again: bool
) -> None:
    response = error_response(slug, "Nothing there.")

    soon = (("Retry-After", "1"),) if slug in SOON else ()
    retry = soon if again else (("x-should-retry", "false"),)
    assert response.status == status
    asked = CHALLENGE.get(slug, ())
    assert response.headers == (("Content-Type", "application/json"), *asked, *retry)
    assert json.loads(response.body) == {
        "error": {
            "message": "Nothing there.",
            "type": "runreel_error",
            "param": None,
            "code": slug,
        }
    }


def test_the_table_is_whole() -> None:
    assert sorted(ERRORS) == sorted(slug for slug, _, _ in TABLE)


def test_every_way_an_upstream_fails_and_every_miss_has_its_error() -> None:
    faults = {fault.value for fault in UpstreamFault}

    assert {(slug, ERRORS[slug][0]) for slug, _ in faults} == faults
    assert {NO_MATCH, EXHAUSTED} <= ERRORS.keys()


def test_an_unknown_slug_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        error_response("no_such_slug", "")


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("é", rb"\u00e9"),
        ("\ud800", rb"\ud800"),
        ('"\n\\', rb"\"\n\\"),
        ("\u2028", rb"\u2028"),
    ],
)
def test_a_message_is_written_in_ascii_whatever_it_holds(message: str, written: bytes) -> None:
    response = error_response("session_unknown", message)

    assert b'"message":"' + written + b'"' in response.body
    assert response.body.isascii()


def test_a_document_is_sent_compact_with_its_headers() -> None:
    response = json_response(201, {"a": [1, "é"]}, (("x-one", "1"),))

    assert response.status == 201
    assert response.headers == (("Content-Type", "application/json"), ("x-one", "1"))
    assert response.body == rb'{"a":[1,"\u00e9"]}'
