"""Two sides that differ are never shown alike, and never at length."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAKE_KEY, a_request
from near_misses import fingerprint_of
from runreel.http.messages import Request
from runreel.matching.json_diff import (
    DIFF_LINES_MAX,
    apart,
    differences,
    first_difference,
    unified_diff,
)
from strategies import requests

BITS = st.sampled_from(["a" * 70, "b", "é", "e\u0301", "\x1b[2J", "\udcff", "\n", '"', "\u202e"])
TEXTS = st.lists(BITS, max_size=5).map("".join)
VALUES = TEXTS | st.lists(TEXTS, max_size=4) | st.dictionaries(TEXTS, TEXTS, max_size=3)
LINE_CHARS_MAX = 400


def diff_of(sent: Request, recorded: Request) -> tuple[str, ...]:
    mine, theirs = fingerprint_of(sent), fingerprint_of(recorded)
    return unified_diff(mine, theirs, differences(mine, theirs), "one")


@given(VALUES, VALUES)
def test_two_values_that_differ_are_shown_apart_in_short_clean_lines(one: Any, other: Any) -> None:
    shown = apart(one, other)

    assert (shown[0] == shown[1]) == (one == other)
    assert all(text.isprintable() and len(text) < LINE_CHARS_MAX for text in shown)


@given(st.text("ab", max_size=30), st.text("ab", max_size=30))
def test_the_first_difference_is_where_equal_beginnings_end(one: str, other: str) -> None:
    at = first_difference(one, other)

    assert one[:at] == other[:at]
    assert one[at : at + 1] != other[at : at + 1] or one == other


@given(requests(), requests())
def test_a_diff_is_short_and_clean_and_has_a_side_for_what_differs(
    sent: Request, recorded: Request
) -> None:
    lines = diff_of(sent, recorded)

    assert len(lines) <= DIFF_LINES_MAX
    assert all(line.isprintable() and len(line) < LINE_CHARS_MAX for line in lines)
    marked = [line for line in lines[2:] if line[0] in "+-"]
    assert bool(marked) == (fingerprint_of(sent) != fingerprint_of(recorded))
    assert not {line[1:] for line in marked if line[0] == "+"} & {
        line[1:] for line in marked if line[0] == "-"
    }


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("a", "b", ('"a"', '"b"')),
        (1, True, ("1", "true")),
        ("1", 1, ('"1"', "1")),
        ("e", "é", ('"e" (character 1: U+0065)', '"é" (character 1: U+00E9)')),
        ("é", "", ('"é" (character 1: U+00E9)', '"" (character 1: none)')),
        (
            "x" * 200 + "1",
            "x" * 200,
            (
                f'"…{"x" * 20}1" (characters 181 to 201 of 201)',
                f'"…{"x" * 20}" (characters 181 to 200 of 200)',
            ),
        ),
        (
            "\udcff\x00a",
            "\udcff\x00",
            ("3 bytes, from byte 1: ff 00 61", "2 bytes, from byte 1: ff 00"),
        ),
        (["x" * 200, 1], ["x" * 200, 2], None),
    ],
)
def test_values_are_shown_where_they_begin_to_differ(
    one: Any, other: Any, shown: tuple[str, str] | None
) -> None:
    assert shown is None or apart(one, other) == shown
    assert len(set(apart(one, other))) == 2


def test_what_is_too_large_to_be_looked_into_is_told_by_the_place_alone() -> None:
    text = "v" * 700_000
    sent, recorded = ({"a": text, "b": at} for at in "xy")

    lines = diff_of(*(a_request(json.dumps(body).encode()) for body in (sent, recorded)))

    assert lines[4:] == (
        f'-body: "…{"v" * 13}\\",\\"b\\":\\"y\\"}}" (characters 699,999 to 700,021 of 700,021)',
        f'+body: "…{"v" * 13}\\",\\"b\\":\\"x\\"}}" (characters 699,999 to 700,021 of 700,021)',
    )


def test_no_secret_comes_into_a_diff() -> None:
    bodies = ({"metadata": {"note": f"{FAKE_KEY} {at}", "password": FAKE_KEY}} for at in "ab")

    lines = "\n".join(diff_of(*(a_request(json.dumps(body).encode()) for body in bodies)))

    assert FAKE_KEY not in lines
    assert '-    "note": "REDACTED b",' in lines
