"""A key is noticed whatever was done to the text around it, and innocent text never is."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAKE_KEY
from disguises import DISGUISES, Disguise, chance, in_base64
from runreel.cassettes.secret_scan import Sighting, discreet, sightings
from runreel.redaction.rules import PATTERNS

RULES = [(rule.name, text) for rule in PATTERNS for text in rule.secret]
INNOCENT = [text for rule in PATTERNS for text in rule.innocent]


@pytest.mark.parametrize("disguise", DISGUISES)
@given(seed=st.integers(0, 2**32), around=st.sampled_from(["", " ", '"', "\n", "&k=", "(", "ł "]))
def test_a_key_is_found_in_every_disguise(disguise: Disguise, seed: int, around: str) -> None:
    found = sightings(around + disguise(FAKE_KEY, chance(seed)) + around)

    assert [item.rule for item in found if item.secret.startswith(FAKE_KEY[:24])]


@given(seed=st.integers(0, 2**32), layers=st.integers(2, 3))
def test_a_key_is_found_in_base64_in_base64(seed: int, layers: int) -> None:
    text = FAKE_KEY
    for layer in range(layers):
        text = in_base64(text, chance(seed + layer))

    assert "openai-key" in [item.rule for item in sightings(text)]


@pytest.mark.parametrize(("name", "text"), RULES)
def test_every_shape_is_found_plain_escaped_and_in_base64(name: str, text: str) -> None:
    encoded = base64.b64encode(text.encode()).decode()
    percent = "".join(f"%{byte:02x}" for byte in text.encode())
    escaped = "".join(f"\\u{ord(char):04X}" for char in text)

    assert [name in [item.rule for item in sightings(said)] for said in (text, encoded)] == [
        True,
        True,
    ]
    assert [name in [item.rule for item in sightings(said)] for said in (percent, escaped)] == [
        True,
        True,
    ]


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_text_stays_innocent_in_every_disguise(text: str) -> None:
    said = (text, json.dumps(text), quote(text), base64.b64encode(text.encode()).decode())

    assert [sightings(one) for one in said] == [(), (), (), ()]


def test_a_key_that_base64_puts_beside_a_length_is_found() -> None:
    # As in a protocol buffer: the length of this key, 0x33, reads as the digit 3.
    key = "sk-" + "FaKe0" * 9 + "Zz9"
    message = base64.b64encode(b"\x0a" + bytes([len(key)]) + key.encode() + b"\x12\x00").decode()

    assert (len(key), [item.secret for item in sightings(message)]) == (51, [key])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r\n "])
@pytest.mark.parametrize("width", [64, 76])
def test_base64_that_was_wrapped_into_lines_is_read_as_one(line_end: str, width: int) -> None:
    encoded = base64.b64encode(b"x" * 40 + b" " + FAKE_KEY.encode()).decode()
    wrapped = line_end.join(encoded[at : at + width] for at in range(0, len(encoded), width))

    assert [item.secret for item in sightings(wrapped)] == [FAKE_KEY]


def test_the_plainest_way_in_which_a_key_shows_is_told() -> None:
    in_base64_too = base64.b64encode(FAKE_KEY.encode()).decode()
    percent = FAKE_KEY.replace("-", "%2D")

    assert sightings(f"{percent} {FAKE_KEY} {in_base64_too}") == (
        Sighting("openai-key", "", FAKE_KEY),
    )
    assert sightings(percent) == (Sighting("openai-key", "escaped", FAKE_KEY),)
    assert sightings(in_base64_too) == (Sighting("openai-key", "base64", FAKE_KEY),)


def test_no_more_than_three_characters_of_a_secret_are_told() -> None:
    (found,) = sightings(FAKE_KEY)

    assert found.begins == "sk-…"
    assert "FaKe" not in repr(found)
    assert discreet(f"sent {FAKE_KEY}") == "sen…"
    assert discreet("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize("text", ["\\" * 300_000, "%25" * 100_000, "U" * 300_000, "sk-" * 100_000])
def test_a_text_made_to_be_slow_to_read_is_read_all_the_same(text: str) -> None:
    assert [item.rule for item in sightings(text)] in ([], ["openai-key"])
