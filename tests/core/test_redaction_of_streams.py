"""Secrets in a stream of events: in one event, over several, and never at the cost of an event."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAKE_KEY
from redacting import KEY, redact
from runreel.core.errors import Unredactable
from runreel.core.messages import Response
from runreel.core.redaction import Redaction
from runreel.core.rules import PatternRule
from runreel.core.sse import split

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

    assert after(body) == b'event: a\ndata: {"b": 1.0, "key": "[redacted]"}\n\n' + DONE


@pytest.mark.parametrize("secret", [KEY, FAKE_KEY])
@given(st.lists(st.integers(1, 40), max_size=6))
def test_a_secret_said_in_pieces_is_found(secret: str, cuts: list[int]) -> None:
    text = f"a {secret} b"
    at = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(at)]

    clean = after(b"".join(map(delta, pieces)) + DONE)

    assert said(clean) == "a [redacted] b"
    assert len(split(clean)) == len(pieces) + 1


def test_the_pieces_of_one_text_are_not_mixed_with_those_of_another() -> None:
    body = delta(KEY[:9], "msg_1") + delta("x", "msg_2") + delta(KEY[9:], "msg_1") + DONE

    clean = after(body)

    assert said(clean, "msg_1") == "[redacted]"
    assert said(clean, "msg_2") == "x"


def test_pieces_that_hold_no_secret_stay_byte_for_byte() -> None:
    body = delta("Hel") + delta("lo é") + b": a comment\n\n" + DONE

    assert after(body) == body


def test_a_pointer_of_the_user_holds_for_the_data_of_every_event() -> None:
    rules = Redaction(body=("/metadata/email",))
    body = b'event: a\ndata: {"metadata":{"email":"x@example.com","b":"c"}}\n\n' + DONE

    clean = after(body, rules)

    assert clean == b'event: a\ndata: {"metadata":{"email":"[redacted]","b":"c"}}\n\n' + DONE


def test_a_pattern_that_would_join_two_events_is_refused() -> None:
    rules = Redaction(patterns=(PatternRule("user-1", re.compile(r"\n\n")),))

    with pytest.raises(Unredactable, match="other events"):
        after(b"data: 1\n\ndata: 2\n\n", rules)


def test_bytes_that_are_no_text_are_searched_too() -> None:
    body = b"data: \xff" + KEY.encode() + b"\n\n" + DONE

    assert after(body) == b"data: \xff[redacted]\n\n" + DONE
