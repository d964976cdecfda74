"""`check` says all that is wrong with a cassette, where, and without telling the secret."""

import base64
import gzip
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAKE_KEY, a_cassette, a_request, a_response, an_interaction
from disguises import DISGUISES, Disguise, chance
from leaks import leaks
from planting import a_document, places, planted, pointer
from runreel.cassettes.check import Finding, check, check_bytes
from runreel.cassettes.format import Cassette, dump
from runreel.redaction.redactor import Redacted, Redaction
from runreel.redaction.rules import PatternRule
from strategies import cassettes

DOCUMENT = a_document()
PLACES = places(DOCUMENT)
OTHER_KEY = "sess-" + "FaKe0" * 6


def _findings(document: Any, rules: Redaction | None = None) -> tuple[Finding, ...]:
    return check(json.dumps(document), rules or Redaction())


def _edited(**changes: Any) -> dict[str, Any]:
    return a_document() | changes


def test_the_planted_places_are_in_all_kinds_of_bodies() -> None:
    shown = {pointer(path) for path in PLACES}

    assert {
        "/interactions/0/request/body/json/metadata/stage",
        "/interactions/0/request/body/json/metadata/list/1/c",
        "/interactions/0/response/body/json/id",
        "/interactions/1/request/body/text",
        "/interactions/1/response/body/text",
        "/interactions/2/request/body/base64",
        "/interactions/2/response/body/base64",
        "/interactions/3/response/body/events/1/data/delta/content/0/text/value",
        "/interactions/3/response/body/events/2/text",
    } <= shown
    assert _findings(DOCUMENT) == ()


@pytest.mark.parametrize("disguise", DISGUISES)
@given(path=st.sampled_from(PLACES), seed=st.integers(0, 2**32))
def test_a_key_planted_by_hand_in_any_body_is_found_in_its_place(
    disguise: Disguise, path: tuple[str | int, ...], seed: int
) -> None:
    document = planted(DOCUMENT, path, disguise(FAKE_KEY, chance(seed)))

    found = _findings(document)

    names = ("json", "text", "binary", "stream")
    assert leaks(FAKE_KEY, json.dumps(document).encode())
    assert (pointer(path), names[int(path[1])], "openai-key") in [
        (item.at, item.id, item.rule) for item in found
    ]
    assert not leaks(FAKE_KEY, repr(found).encode())


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 30])
@pytest.mark.parametrize("encode", [str.encode, lambda text: base64.b64encode(text.encode())])
def test_a_key_in_pieces_is_found_across_the_deltas_of_a_stream(cut: int, encode: Any) -> None:
    secret = encode(FAKE_KEY).decode()
    document = a_document()
    for event, piece in zip((0, 1), (secret[:cut], secret[cut:]), strict=True):
        data = document["interactions"][3]["response"]["body"]["events"][event]["data"]
        data["delta"]["content"][0]["text"]["value"] = piece

    found = {(item.at, item.id, item.rule) for item in _findings(document)}

    assert found & {
        ("/interactions/3/response/body/events/0", "stream", "openai-key"),
        (
            "/interactions/3/response/body/events/0/data/delta/content/0/text/value",
            "stream",
            "openai-key",
        ),
        (
            "/interactions/3/response/body/events/1/data/delta/content/0/text/value",
            "stream",
            "openai-key",
        ),
    }


def test_a_key_in_one_piece_of_a_stream_is_found_once() -> None:
    document = a_document()
    event = document["interactions"][3]["response"]["body"]["events"][0]
    event["data"]["delta"]["content"][0]["text"]["value"] = FAKE_KEY

    found = _findings(document)

    at = "/interactions/3/response/body/events/0/data/delta/content/0/text/value"
    assert [(item.at, item.rule) for item in found] == [(at, "openai-key")]


def test_a_key_as_the_name_of_a_member_is_not_told_by_the_pointer() -> None:
    document = a_document()
    document["interactions"][0]["request"]["body"]["json"]["metadata"][FAKE_KEY] = OTHER_KEY

    found = _findings(document)

    place = "/interactions/0/request/body/json/metadata/sk-…"
    assert [(item.at, item.rule) for item in found] == [
        (place, "openai-key"),
        (place, "session-key"),
    ]
    assert not leaks(FAKE_KEY, repr(found).encode())


def test_a_key_outside_of_bodies_is_found_too() -> None:
    document = _edited(upstream=f"https://{FAKE_KEY}.example")
    item = document["interactions"][0]
    item["id"] = f"id {FAKE_KEY}"
    item["request"]["target"] += f"?k={FAKE_KEY}"

    found = _findings(document)

    assert [(item.at, item.id, item.message) for item in found] == [
        ("/upstream", None, "looks like a secret: sk-…"),
        ("/interactions/0/id", "id …", "looks like a secret: sk-…"),
        ("/interactions/0/request/target", "id …", "looks like a secret: sk-…"),
    ]


def test_what_todays_rules_would_take_out_is_found_place_by_place() -> None:
    document = a_document()
    request = document["interactions"][0]["request"]
    request["headers"] += ["Cookie: a=b", "X-Note: Bearer " + "aBcD" * 5]
    request["target"] += "?api_key=short"
    rules = Redaction(
        body=("/metadata/stage",), patterns=(PatternRule("user-1", re.compile("plain words")),)
    )

    found = _findings(document, rules)

    at = "/interactions/0/request"
    message = "today's redaction would change this; see runreel cassette scrub"
    assert found == (
        Finding(f"{at}/target", "json", "name", "looks like a secret: …"),
        Finding(f"{at}/headers/2", "json", "name", "looks like a secret: …"),
        Finding(f"{at}/headers/3", "json", "redaction", message),
        Finding(f"{at}/body/json/metadata/stage", "json", "redaction", message),
        Finding("/interactions/1/response/body/text", "text", "redaction", message),
    )


def test_a_key_hides_nothing_that_stands_beside_it() -> None:
    document = a_document()
    headers = ["x-a: b" for _ in range(11)]
    headers[1], headers[10] = "x-b: Basic " + "ZmFr" * 5, f"x-c: {FAKE_KEY}"
    document["interactions"][0]["request"]["headers"] = headers

    assert [(item.at, item.rule) for item in _findings(document)] == [
        ("/interactions/0/request/headers/10", "openai-key"),
        ("/interactions/0/request/headers/1", "redaction"),
    ]


def test_a_secret_that_cannot_be_taken_out_is_a_finding() -> None:
    value = "no-shape-at-all-0001"
    headers = (("Content-Encoding", "gzip"),)
    item = an_interaction(response=a_response(gzip.compress(value.encode()), headers=headers))

    assert check(dump(a_cassette(item)), Redaction(known=(value,))) == (
        Finding(
            "/interactions/0",
            "modifyRun-00000000",
            "redaction",
            "a credential stands where it cannot be replaced",
        ),
    )


def test_what_is_no_json_is_searched_line_by_line() -> None:
    text = f'{{"format": 1,\n "half": "{FAKE_KEY}\n'

    found = check(text, Redaction())

    assert [(item.at, item.rule) for item in found] == [("", "format"), ("line 2", "openai-key")]
    assert [
        (item.at, item.rule) for item in check_bytes(b"\xff\n" + text.encode(), Redaction())
    ] == [
        ("", "format"),
        ("line 3", "openai-key"),
    ]


def test_a_body_whose_coding_was_left_on_is_searched_decoded() -> None:
    coded = a_response(
        gzip.compress(FAKE_KEY.encode()),
        headers=(("Content-Type", "text/plain"), ("Content-Encoding", "gzip")),
    )

    found = check(dump(a_cassette(an_interaction(response=coded))), Redaction())

    assert [(item.at, item.rule) for item in found] == [
        ("/interactions/0/response/body/base64", "openai-key")
    ]


@given(cassettes())
def test_nothing_is_found_in_what_the_redaction_has_made(cassette: Cassette) -> None:
    rules = Redaction()
    clean = tuple(
        rules.interaction(item.value.request, replace(item.value, violations=()))
        for item in cassette.interactions
    )

    found = check(dump(replace(cassette, interactions=clean)), rules)

    assert [item for item in found if item.rule != "history"] == []


def test_a_request_of_a_key_that_redaction_knows_by_value_is_a_finding() -> None:
    # No shape of a key: only the configuration says that it is one.
    rules = Redaction(known=("Bearer no-shape-at-all-0001",))
    item = an_interaction(a_request(b'{"metadata":{"a":"no-shape-at-all-0001"}}'))

    assert [(found.at, found.rule) for found in check(dump(a_cassette(item)), rules)] == [
        ("/interactions/0/request/body/json/metadata/a", "redaction")
    ]


def test_a_write_that_a_recording_names_and_that_is_not_there_is_found() -> None:
    item = an_interaction(name="one")
    placed = Redacted(replace(item.value, after=("gone",), during=("one", "away")))

    found = check(dump(a_cassette(placed)), Redaction())

    assert [(one.at, one.id, one.rule) for one in found] == [
        ("/interactions/0/after/0", "one", "history"),
        ("/interactions/0/during/1", "one", "history"),
    ]
