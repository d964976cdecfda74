"""Secrets in a stream of events: in one event, over several, and never at the cost of an event."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAKE_KEY
from redacting import KEY, redact
from runreel.errors import Unredactable
from runreel.http.messages import Response
from runreel.http.sse import split
from runreel.redaction.redactor import Redaction
from runreel.redaction.rules import PatternRule

HEADERS = (("Content-Type", "text/event-stream; charset=utf-8"),)
DONE = b"event: done\ndata: [DONE]\n\n"


def after(body: bytes, rules: Redaction | None = None) -> bytes:
    """A stream in an answer to a request with KEY, redacted."""
    response = Response(200, HEADERS, body, tuple(range(len(split(body)))))
    found = redact(response=response, rules=rules).response
    assert found.at_ms == response.at_ms
    return found.body


def delta(text: str, name: str = "msg_1") -> bytes:
    data = {"id": name, "delta": {"content": [{"index": 0, "text": {"value": text}}]}}
    return f"event: thread.message.delta\ndata: {json.dumps(data)}\n\n".encode()


def said(stream: bytes, name: str = "msg_1") -> str:
    """What the deltas of one message say together."""
    data = [json.loads(line[6:]) for line in stream.splitlines() if line.startswith(b'data: {"id')]
    return "".join(
        item["delta"]["content"][0]["text"]["value"] for item in data if item["id"] == name
    )


def test_a_secret_within_an_event_is_blanked_and_the_rest_stays() -> None:
    body = b'event: a\ndata: {"b": 1.0, "key": "' + KEY.encode() + b'"}\n\n' + DONE

    assert after(body) == b'event: a\ndata: {"b": 1.0, "key": "REDACTED"}\n\n' + DONE


@pytest.mark.parametrize("secret", [KEY, FAKE_KEY])
@given(st.lists(st.integers(1, 40), max_size=6))
def test_a_secret_said_in_pieces_is_found(secret: str, cuts: list[int]) -> None:
    text = f"a {secret} b"
    at = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(at)]

    clean = after(b"".join(map(delta, pieces)) + DONE)

    assert said(clean) == "a REDACTED b"
    assert len(split(clean)) == len(pieces) + 1


def test_the_pieces_of_one_text_are_not_mixed_with_those_of_another() -> None:
    body = delta(KEY[:9], "msg_1") + delta("x", "msg_2") + delta(KEY[9:], "msg_1") + DONE

    clean = after(body)

    assert said(clean, "msg_1") == "REDACTED"
    assert said(clean, "msg_2") == "x"


def call(index: int, text: str, place: int = 0) -> dict[str, Any]:
    others = [{"index": index + 7, "type": "function"} for _ in range(place)]
    own = {"index": index, "type": "function", "function": {"arguments": text}}
    return {"id": "step_1", "delta": {"step_details": {"tool_calls": [*others, own]}}}


def calls(*said: dict[str, Any]) -> bytes:
    return b"".join(f"data: {json.dumps(data)}\n\n".encode() for data in said)


def arguments(stream: bytes) -> list[tuple[int, str]]:
    found = [json.loads(event[6:]) for event in split(stream)]
    last = [data["delta"]["step_details"]["tool_calls"][-1] for data in found]
    return [(item["index"], item["function"]["arguments"]) for item in last]


def test_the_arguments_of_parallel_calls_are_told_apart_by_their_index() -> None:
    body = calls(call(0, KEY[:9]), call(1, "Ro"), call(0, KEY[9:]), call(1, "me"))

    assert arguments(after(body)) == [(0, "REDACTED"), (1, "Ro"), (0, ""), (1, "me")]


def test_a_call_may_stand_at_another_place_in_each_event() -> None:
    body = calls(call(0, KEY[:9], place=1), call(0, KEY[9:]))

    assert arguments(after(body)) == [(0, "REDACTED"), (0, "")]


def test_one_call_after_another_keeps_its_own_arguments() -> None:
    body = calls(call(0, '{"key":"' + KEY[:5]), call(0, KEY[5:] + '"}'), call(1, '{"city":"Rome"}'))

    clean = arguments(after(body))

    assert clean == [(0, '{"key":"REDACTED'), (0, '"}'), (1, '{"city":"Rome"}')]


def test_pieces_that_hold_no_secret_stay_byte_for_byte() -> None:
    body = delta("Hel") + delta("lo é") + b": a comment\n\n" + DONE

    assert after(body) == body


def test_a_pointer_of_the_user_holds_for_the_data_of_every_event() -> None:
    rules = Redaction(body=("/metadata/email",))
    body = b'event: a\ndata: {"metadata":{"email":"x@example.com","b":"c"}}\n\n' + DONE

    clean = after(body, rules)

    assert clean == b'event: a\ndata: {"metadata":{"email":"REDACTED","b":"c"}}\n\n' + DONE


def test_a_pattern_that_would_join_two_events_is_refused() -> None:
    rules = Redaction(patterns=(PatternRule("user-1", re.compile(r"\n\n")),))

    with pytest.raises(Unredactable, match="other events"):
        after(b"data: 1\n\ndata: 2\n\n", rules)


def test_bytes_that_are_no_text_are_searched_too() -> None:
    body = b"data: \xff" + KEY.encode() + b"\n\n" + DONE

    assert after(body) == b"data: \xffREDACTED\n\n" + DONE
