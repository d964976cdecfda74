"""`scrub` takes out of old recordings what today's rules and `check` find, and nothing else."""

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAKE_KEY, a_cassette, a_request, a_response, an_interaction
from disguises import Disguise, chance, in_base64, in_words, json_escaped, percent_encoded, plain
from leaks import leaks
from planting import a_document, places, planted, pointer
from runreel.cassettes.check import Place, check, scrub
from runreel.cassettes.format import Cassette, dump, parse
from runreel.errors import Unredactable
from runreel.redaction.redactor import Redaction
from strategies import cassettes

DOCUMENT = a_document()
PLACES = places(DOCUMENT)


def _cassette(document: dict[str, Any]) -> Cassette:
    return parse(json.dumps(document))


@pytest.mark.parametrize("disguise", [plain, in_words, in_base64, json_escaped, percent_encoded])
@given(path=st.sampled_from(PLACES), seed=st.integers(0, 2**32))
def test_a_planted_key_is_taken_out_and_its_place_is_told(
    disguise: Disguise, path: tuple[str | int, ...], seed: int
) -> None:
    cassette = _cassette(planted(DOCUMENT, path, disguise(FAKE_KEY, chance(seed))))

    scrubbed = scrub(cassette, Redaction())

    text = dump(scrubbed.cassette)
    names = ("json", "text", "binary", "stream")
    assert scrubbed.changed == (Place(names[int(path[1])], pointer(path)),)
    assert scrubbed.left == ()
    assert "REDACTED" in text or "base64" in path
    assert not leaks(FAKE_KEY, text.encode())
    assert check(text, Redaction()) == ()


def test_the_digest_is_that_of_the_scrubbed_interaction() -> None:
    document = planted(DOCUMENT, PLACES[-3], FAKE_KEY)

    scrubbed = scrub(_cassette(document), Redaction(headers=frozenset({"X-Team"}))).cassette

    assert scrubbed.interactions != _cassette(document).interactions
    assert parse(dump(scrubbed)) == scrubbed  # a digest that is wrong would be refused


def test_what_needs_nothing_is_the_same_cassette() -> None:
    cassette = _cassette(DOCUMENT)

    scrubbed = scrub(cassette, Redaction())

    assert scrubbed.cassette is cassette
    assert (scrubbed.changed, scrubbed.left) == ((), ())


def test_headers_that_go_are_told_by_where_they_stood() -> None:
    document = a_document()
    headers = document["interactions"][0]["request"]["headers"]
    headers.insert(0, "Cookie: a=b")
    headers.append(f"x-note: k {FAKE_KEY}")
    headers.append("cookie: c=d")

    scrubbed = scrub(_cassette(document), Redaction())

    at = "/interactions/0/request/headers"
    assert [place.at for place in scrubbed.changed] == [f"{at}/0", f"{at}/3", f"{at}/4"]
    assert scrubbed.cassette.interactions[0].value.request.headers == (
        ("Content-Type", "application/json"),
        ("OpenAI-Beta", "assistants=v2"),
        ("x-note", "k REDACTED"),
    )


def test_a_key_in_base64_goes_wherever_else_it_shows_up() -> None:
    document = a_document()
    encoded = base64.b64encode(FAKE_KEY.encode()).decode()
    document["interactions"][0]["request"]["body"]["json"]["metadata"]["stage"] = encoded
    document["interactions"][1]["response"]["body"]["text"] = FAKE_KEY.replace("-", "%2D")

    scrubbed = scrub(_cassette(document), Redaction())

    assert [place.at for place in scrubbed.changed] == [
        "/interactions/0/request/body/json/metadata/stage",
        "/interactions/1/response/body/text",
    ]
    assert not leaks(FAKE_KEY, dump(scrubbed.cassette).encode())


def test_what_the_configuration_knows_by_value_goes_too() -> None:
    item = an_interaction(a_request(b'{"metadata":{"a":"no-shape-at-all-0001"}}'))

    scrubbed = scrub(a_cassette(item), Redaction(known=("Bearer no-shape-at-all-0001",)))

    assert [place.at for place in scrubbed.changed] == [
        "/interactions/0/request/body/json/metadata/a"
    ]


def test_an_id_that_holds_a_key_is_left_and_told() -> None:
    document = a_document()
    document["interactions"][0]["id"] = FAKE_KEY

    scrubbed = scrub(_cassette(document), Redaction())

    assert (scrubbed.changed, scrubbed.left) == ((), (Place(FAKE_KEY, "/interactions/0/id"),))


def test_a_secret_that_cannot_be_replaced_stops_it_and_names_the_interaction() -> None:
    headers = (("Content-Encoding", "gzip"),)
    body = gzip.compress(base64.b64encode(FAKE_KEY.encode()))
    item = an_interaction(response=a_response(body, headers=headers), name=f"coded {FAKE_KEY}")

    with pytest.raises(Unredactable) as refused:
        scrub(a_cassette(item), Redaction())

    assert str(refused.value) == (
        "cod…: a credential stands where it cannot be replaced; delete this interaction by hand"
    )


@given(cassettes())
def test_scrubbing_what_was_recorded_today_changes_nothing(cassette: Cassette) -> None:
    rules = Redaction()
    clean = tuple(
        rules.interaction(item.value.request, item.value) for item in cassette.interactions
    )

    assert scrub(replace(cassette, interactions=clean), rules).changed == ()
