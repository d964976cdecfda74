"""A miss must be understood from the exception it becomes in the client."""

import json
from dataclasses import replace

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
    told,
    with_stage,
)
from readme import blocks
from runreel.http.messages import Request
from runreel.matching.json_diff import DIFF_LINES_MAX
from runreel.matching.near_miss import (
    BEHIND,
    EXHAUSTED,
    NO_MATCH,
    UPSTREAM,
    Miss,
    Missed,
    Origin,
    Rerun,
    progress_of,
)
from strategies import requests


def test_an_exhausted_recording_is_its_own_nearest_without_a_difference() -> None:
    miss = a_miss(a_request(), a_candidate(a_request(), played=True), code=EXHAUSTED)

    assert (miss.code, nearest_name(miss), miss.differences) == (EXHAUSTED, "one", ())


def test_a_miss_says_what_was_sent_and_what_is_recorded() -> None:
    sent = with_stage("b")
    miss = a_miss(sent, a_candidate(with_stage("a"), "modifyRun-3f2a9c1e"))

    assert told(miss, sent).message() == (
        "No recording matches POST /v1/threads/thread_abc123/runs/run_abc123: "
        'body /metadata/stage: sent "b", recorded "a"; '
        "nearest in cassette 'default' is modifyRun-3f2a9c1e.\n"
        "--- recorded: modifyRun-3f2a9c1e\n"
        "+++ sent\n"
        " POST /v1/threads/thread_abc123/runs/run_abc123\n"
        " openai-beta: assistants=v2\n"
        " {\n"
        '   "metadata": {\n'
        '-    "stage": "a",\n'
        '+    "stage": "b",\n'
        "   },\n"
        " }\n"
        "cassette: cassettes/default.json\n" + HOW_TO
    )


def test_the_first_difference_stands_in_the_first_sentence_and_all_in_the_diff() -> None:
    sent = a_request(b'{"a":null,"c":[1]}', target="/v1/x")
    miss = a_miss(sent, a_candidate(a_request(b'{"b":"2","c":[]}', target="/v1/y")))

    assert told(miss, sent).message().split("\n") == [
        (
            'No recording matches POST /v1/x: path: sent "/v1/x", recorded "/v1/y", and 3 more; '
            "nearest in cassette 'default' is one."
        ),
        "--- recorded: one",
        "+++ sent",
        "-POST /v1/y",
        "+POST /v1/x",
        " openai-beta: assistants=v2",
        " {",
        '+  "a": null,',
        '-  "b": "2",',
        '   "c": [',
        "+    1,",
        "   ],",
        " }",
        "cassette: cassettes/default.json",
        HOW_TO,
    ]


def test_a_long_diff_ends_and_says_so() -> None:
    sent = a_request(json.dumps({f"k{at:02}": 1 for at in range(60)}).encode())
    miss = a_miss(sent, a_candidate(a_request(b"{}")))

    first, *diff = told(miss, sent).message().split("\n")[: DIFF_LINES_MAX + 1]

    assert len(miss.differences) == 60
    assert "body /k00: sent 1, recorded nothing, and 59 more;" in first
    assert diff[5] == '+  "k00": 1,'
    assert diff[38] == '+  "k33": 1,'
    assert diff[39] == "@@ more differences; the receipt has all of them @@"


def test_equal_lines_far_from_a_difference_are_left_out_and_counted() -> None:
    body = {f"k{at:02}": {"same": at} for at in range(20)}
    sent = a_request(json.dumps(body | {"k09": {"same": -1}}).encode())
    miss = a_miss(sent, a_candidate(a_request(json.dumps(body).encode())))

    assert miss.diff == (
        "--- recorded: one",
        "+++ sent",
        "@@ 10 equal lines left out @@ body /k09/same",
        '   "k07": {… 1 member},',
        '   "k08": {… 1 member},',
        '   "k09": {',
        '-    "same": 9,',
        '+    "same": -1,',
        "   },",
        '   "k10": {… 1 member},',
        '   "k11": {… 1 member},',
    )


def test_an_empty_cassette_is_said_to_be_empty() -> None:
    assert told(Miss(NO_MATCH), a_request()).message() == (
        "No recording matches POST /v1/threads/thread_abc123/runs/run_abc123: "
        "cassette 'default' is empty.\n" + HOW_TO
    )


def test_an_exhausted_recording_is_said_to_be_played_already() -> None:
    miss = a_miss(a_request(), a_candidate(a_request(), played=True), code=EXHAUSTED)

    assert told(miss, a_request()).message() == (
        "Every recording of POST /v1/threads/thread_abc123/runs/run_abc123 in cassette 'default' "
        "was played already, the last as one.\n"
        "Each recording answers once, in recorded order; --repeat last lets the last one answer "
        "again.\n"
        "cassette: cassettes/default.json\n" + HOW_TO
    )


def test_how_far_a_cassette_was_played_names_the_last_writes() -> None:
    writes = [(a_candidate(a_request(), f"w{at}", played=True), True) for at in range(8)]
    read = a_candidate(a_request(b"", method="GET"), "r", played=True), False
    left = a_candidate(a_request(), "left"), True
    miss = replace(a_miss(with_stage("b"), left[0]), progress=progress_of([*writes, read, left]))

    call = "POST /v1/threads/thread_abc123/runs/run_abc123"
    assert told(miss, with_stage("b")).details()[-2] == (
        "9 of 10 played, the writes among them: 2 more and "
        + ", ".join(f"{call} (w{at})" for at in range(2, 8))
    )
    assert told(replace(miss, progress=progress_of([read])), a_request()).details()[-2] == (
        "1 of 1 played, none of them a write"
    )
    assert told(replace(miss, progress=progress_of([left])), a_request()).details()[-2] == (
        "0 of 1 played"
    )


def test_an_endless_loop_is_said_to_be_one() -> None:
    nearest = a_candidate(a_request(), played=True)
    miss = Miss(EXHAUSTED, nearest, repeated=1_000)

    assert told(miss, a_request()).message() == (
        "The last recording of POST /v1/threads/thread_abc123/runs/run_abc123 in cassette "
        "'default', one, has answered again 1,000 times in a row; the client seems to be in a "
        "loop.\ncassette: cassettes/default.json"
    )


def test_long_values_names_and_targets_are_cut() -> None:
    sent = a_request(json.dumps({"n" * 5_000: "v" * 5_000}).encode(), target="/" + "t" * 5_000)
    miss = a_miss(sent, a_candidate(a_request(b"{}", target="/" + "u" * 5_000)))

    message = told(miss, sent).message()

    assert f'No recording matches POST /{"t" * 98}…: path: sent "/{"t" * 59}…" (char' in message
    assert f'+  "{"n" * 58}…: "{"v" * 98}…,' in message
    assert f'-"POST /{"u" * 54}…" (characters 1 to 60 of 5,006)\n' in message


@pytest.mark.parametrize(
    ("length", "shown"),
    [(98, '"' + "v" * 98 + '"'), (99, '"' + "v" * 60 + '…" (characters 1 to 60 of 99)')],
)
def test_a_value_of_a_hundred_characters_is_shown_whole(length: int, shown: str) -> None:
    sent = with_stage("v" * length)
    miss = a_miss(sent, a_candidate(with_stage("a")))

    assert f"sent {shown}, recorded" in told(miss, sent).message()


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

    message = told(miss, sent).message()

    assert f"body /x: sent {shown}, recorded nothing" in message
    assert f'+  "y{shown[1:-1]}": 1,' in message


def test_the_name_of_a_recording_cannot_begin_a_line_of_its_own() -> None:
    sent = with_stage("b")
    miss = a_miss(sent, a_candidate(with_stage("a"), "one\nTo record it: rm -rf"))

    assert "is one\\nTo record it: rm" in told(miss, sent).message()


@given(requests(), st.lists(requests(), min_size=1, max_size=4))
def test_any_miss_has_a_clean_and_short_message(sent: Request, recorded: list[Request]) -> None:
    candidates = [a_candidate(request, f"r{at}") for at, request in enumerate(recorded)]
    known = {candidate.fingerprint for candidate in candidates}
    code = EXHAUSTED if fingerprint_of(sent) in known else NO_MATCH

    message = told(a_miss(sent, *candidates, code=code), sent).message()

    assert all(char.isprintable() or char == "\n" for char in message)
    assert max(map(len, message.split("\n"))) < 800
    assert len(message.split("\n")) < DIFF_LINES_MAX + 10
    assert any(f"s r{at}" in message for at in range(4))
    message.encode("utf-8")


def test_a_receipt_lists_a_miss_with_an_absent_side_left_out() -> None:
    sent = a_request(b'{"a":null}')
    miss = a_miss(sent, a_candidate(a_request(b'{"b":[1]}'), "modifyRun-3f2a9c1e"))

    assert told(miss, sent).document() == {
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
        "details": [
            "--- recorded: modifyRun-3f2a9c1e",
            "+++ sent",
            f" POST {TARGET}",
            " openai-beta: assistants=v2",
            " {",
            '+  "a": null,',
            '-  "b": [1],',
            " }",
            "cassette: cassettes/default.json",
        ],
        "remedy": HOW_TO,
    }


def test_the_block_in_readme_is_what_is_told() -> None:
    sent = with_stage("b")
    write = a_candidate(with_stage("a"), "modifyRun-3be2f8ab", played=True)
    read = a_candidate(a_request(b"", method="GET"), "getRun-1")
    words = ("runreel", "record", "--cassette", "mine", "--upstream", UPSTREAM)
    origin = Origin("cassettes/mine.json", "http://127.0.0.1:8000", rerun=Rerun(words, BEHIND))
    miss = replace(a_miss(sent, write), progress=progress_of([(write, True), (read, False)]))

    message = Missed(miss, redacted(sent), "mine", origin=origin).message()

    assert message + "\n" in blocks("text")


def test_a_receipt_of_an_empty_cassette_names_nothing() -> None:
    document = told(Miss(NO_MATCH), a_request()).document()

    assert (document["nearest"], document["differences"]) == (None, [])
