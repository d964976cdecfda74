"""A miss must be understood from the exception it becomes in the client."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import TARGET, a_request
from near_misses import (
    HOW_TO,
    a_candidate,
    a_miss,
    fingerprint_of,
    nearest_name,
    redacted,
    with_stage,
)
from runreel.http.messages import Request
from runreel.matching.near_miss import EXHAUSTED, NO_MATCH, Miss, Missed
from strategies import requests


def test_an_exhausted_recording_is_its_own_nearest_without_a_difference() -> None:
    miss = a_miss(a_request(), a_candidate(a_request(), played=True), code=EXHAUSTED)

    assert (miss.code, nearest_name(miss), miss.differences) == (EXHAUSTED, "one", ())


def test_a_miss_says_what_was_sent_and_what_is_recorded() -> None:
    sent = with_stage("b")
    miss = a_miss(sent, a_candidate(with_stage("a"), "modifyRun-3f2a9c1e"))

    assert Missed(miss, redacted(sent), "default").message() == (
        "No recording matches POST /v1/threads/thread_abc123/runs/run_abc123: "
        'body /metadata/stage: sent "b", recorded "a"; '
        "nearest in cassette 'default' is modifyRun-3f2a9c1e.\n"
        "  nearest: POST /v1/threads/thread_abc123/runs/run_abc123\n" + HOW_TO
    )


def test_the_first_difference_stands_in_the_first_sentence_and_the_others_below() -> None:
    sent = a_request(b'{"a":null,"c":[1]}', target="/v1/x")
    miss = a_miss(sent, a_candidate(a_request(b'{"b":"2","c":[]}', target="/v1/y")))

    assert Missed(miss, redacted(sent), "default").message().split("\n") == [
        (
            'No recording matches POST /v1/x: path: sent "/v1/x", recorded "/v1/y", and 3 more; '
            "nearest in cassette 'default' is one."
        ),
        "  body /a: sent null, recorded nothing",
        '  body /b: sent nothing, recorded "2"',
        "  body /c/0: sent 1, recorded nothing",
        "  nearest: POST /v1/y",
        HOW_TO,
    ]


def test_a_message_lists_a_dozen_differences_and_counts_the_rest() -> None:
    sent = a_request(json.dumps({f"k{at:02}": 1 for at in range(20)}).encode())
    miss = a_miss(sent, a_candidate(a_request(b"{}")))

    lines = Missed(miss, redacted(sent), "default").message().split("\n")

    assert len(miss.differences) == 20
    assert "body /k00: sent 1, recorded nothing, and 19 more;" in lines[0]
    assert lines[1] == "  body /k01: sent 1, recorded nothing"
    assert lines[11] == "  body /k11: sent 1, recorded nothing"
    assert lines[12] == "  and 8 more, all in the receipt"
    assert len(lines) == 15


def test_twelve_differences_are_all_listed() -> None:
    sent = a_request(json.dumps({f"k{at:02}": 1 for at in range(12)}).encode())
    miss = a_miss(sent, a_candidate(a_request(b"{}")))

    message = Missed(miss, redacted(sent), "default").message()

    assert "  body /k11: sent 1, recorded nothing\n  nearest: " in message
    assert "in the receipt" not in message


def test_an_empty_cassette_is_said_to_be_empty() -> None:
    assert Missed(Miss(NO_MATCH), redacted(a_request()), "default").message() == (
        "No recording matches POST /v1/threads/thread_abc123/runs/run_abc123: "
        "cassette 'default' is empty.\n" + HOW_TO
    )


def test_an_exhausted_recording_is_said_to_be_played_already() -> None:
    miss = a_miss(a_request(), a_candidate(a_request(), played=True), code=EXHAUSTED)

    assert Missed(miss, redacted(a_request()), "default").message() == (
        "Every recording of POST /v1/threads/thread_abc123/runs/run_abc123 in cassette 'default' "
        "was played already, the last as one.\n"
        "Each recording answers once, in recorded order; --repeat last lets the last one answer "
        "again.\n" + HOW_TO
    )


def test_an_endless_loop_is_said_to_be_one() -> None:
    nearest = a_candidate(a_request(), played=True)
    miss = Miss(EXHAUSTED, nearest, repeated=1_000)

    assert Missed(miss, redacted(a_request()), "default").message() == (
        "The last recording of POST /v1/threads/thread_abc123/runs/run_abc123 in cassette "
        "'default', one, has answered again 1,000 times in a row; the client seems to be in a loop."
    )


def test_long_values_names_and_targets_are_cut() -> None:
    sent = a_request(json.dumps({"n" * 5_000: "v" * 5_000}).encode(), target="/" + "t" * 5_000)
    miss = a_miss(sent, a_candidate(a_request(b"{}", target="/" + "u" * 5_000)))

    message = Missed(miss, redacted(sent), "default").message()

    assert f"No recording matches POST /{'t' * 98}…: " in message
    assert f'body /{"n" * 98}…: sent "{"v" * 98}…, recorded nothing' in message
    assert f"  nearest: POST /{'u' * 98}…\n" in message


@pytest.mark.parametrize(
    ("length", "shown"), [(98, '"' + "v" * 98 + '"'), (99, '"' + "v" * 98 + "…")]
)
def test_a_value_of_a_hundred_characters_is_shown_whole(length: int, shown: str) -> None:
    sent = with_stage("v" * length)
    miss = a_miss(sent, a_candidate(with_stage("a")))

    assert f"sent {shown}, recorded" in Missed(miss, redacted(sent), "default").message()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31m", '"\\u001b[31m"'),
        ("a\nb\r", '"a\\nb\\r"'),
        ("\x7f", '"\\u007f"'),
        ("\x9b31m", '"\\u009b31m"'),
        ("\u2028", '"\\u2028"'),
        ("\u202egnp", '"\\u202egnp"'),
        ("\ud800", '"\\ud800"'),
        ("é\N{GRINNING FACE}", '"é\N{GRINNING FACE}"'),
    ],
)
def test_what_could_steer_a_terminal_is_escaped_in_values_and_names(raw: str, shown: str) -> None:
    sent = a_request(json.dumps({"x": raw, f"y{raw}": 1}).encode())
    miss = a_miss(sent, a_candidate(a_request(b"{}")))

    message = Missed(miss, redacted(sent), "default").message()

    assert f"body /x: sent {shown}, recorded nothing" in message
    assert f"body /y{shown[1:-1]}: sent 1, recorded nothing" in message


def test_the_name_of_a_recording_cannot_begin_a_line_of_its_own() -> None:
    sent = with_stage("b")
    miss = a_miss(sent, a_candidate(with_stage("a"), "one\nTo record it: rm -rf"))

    assert "is one\\nTo record it: rm" in Missed(miss, redacted(sent), "default").message()


@given(requests(), st.lists(requests(), min_size=1, max_size=4))
def test_any_miss_has_a_clean_and_short_message(sent: Request, recorded: list[Request]) -> None:
    candidates = [a_candidate(request, f"r{at}") for at, request in enumerate(recorded)]
    known = {candidate.fingerprint for candidate in candidates}
    code = EXHAUSTED if fingerprint_of(sent) in known else NO_MATCH

    message = Missed(a_miss(sent, *candidates, code=code), redacted(sent), "default").message()

    assert all(char.isprintable() or char == "\n" for char in message)
    assert max(map(len, message.split("\n"))) < 700
    assert any(f"s r{at}" in message for at in range(4))
    message.encode("utf-8")


def test_a_receipt_lists_a_miss_with_an_absent_side_left_out() -> None:
    sent = a_request(b'{"a":null}')
    miss = a_miss(sent, a_candidate(a_request(b'{"b":[1]}'), "modifyRun-3f2a9c1e"))

    assert Missed(miss, redacted(sent), "default").document() == {
        "code": "no_matching_interaction",
        "nearest": "modifyRun-3f2a9c1e",
        "differences": [
            {"facet": "body", "at": "/a", "sent": None},
            {"facet": "body", "at": "/b", "recorded": [1]},
        ],
        "message": (
            f"No recording matches POST {TARGET}: body /a: sent null, recorded nothing, and 1 "
            "more; nearest in cassette 'default' is modifyRun-3f2a9c1e."
        ),
        "details": ["  body /b: sent nothing, recorded [1]", f"  nearest: POST {TARGET}"],
    }


def test_a_receipt_of_an_empty_cassette_names_nothing() -> None:
    document = Missed(Miss(NO_MATCH), redacted(a_request()), "default").document()

    assert (document["nearest"], document["differences"]) == (None, [])
