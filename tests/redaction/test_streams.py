"""A secret in pieces, in six dialects of streams: it goes, and what holds none stays byte-equal.

A key that nobody knows is cut into four pieces in 1,540 ways, in each dialect. One in so many is
tried here; with RUNREEL_SPLITS_EVERY=1 all are, which takes some minutes.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_request, an_interaction
from leaks import leaks
from runreel.http.messages import Interaction, Request, Response
from runreel.http.sse import split
from runreel.redaction.redactor import Redaction

KEY = "Zq9" + "fAkE7x" * 2 + "W"  # 16 characters: as short as one that is looked for may be
SHAPE = "sk-" + "FaKe0" * 4
EVERY = int(os.environ.get("RUNREEL_SPLITS_EVERY", "41"))

Piece = Callable[[int, str], Any]
DIALECTS: dict[str, Piece] = {
    "assistants": lambda _, text: {
        "id": "msg_1",
        "object": "thread.message.delta",
        "delta": {"content": [{"index": 0, "type": "text", "text": {"value": text}}]},
    },
    "chat": lambda at, text: {
        "id": "chatcmpl-1",
        "created": at,
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
    },
    "completions": lambda _, text: {"id": "cmpl-1", "choices": [{"text": text, "index": 0}]},
    "responses": lambda at, text: {
        "type": "response.output_text.delta",
        "item_id": "item_1",
        "sequence_number": at,
        "delta": text,
    },
    "gemini": lambda at, text: {
        "responseId": f"r{at}",
        "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}}],
    },
    "ollama": lambda at, text: {"id": f"evt_{at}", "model": "m", "response": text, "done": False},
}
FRAMES: dict[str, Callable[[int, str], str]] = {
    "plain": lambda _, data: f"data: {data}\n\n",
    "named and numbered": lambda at, data: f"id: {at}\nevent: delta\ndata: {data}\n\n",
}


def stream(dialect: str, frame: str, pieces: tuple[str, ...]) -> bytes:
    make, written = DIALECTS[dialect], FRAMES[frame]
    said = ("So it is: ", *pieces, " and no more.")
    return "".join(written(at, json.dumps(make(at, text))) for at, text in enumerate(said)).encode()


def after(body: bytes, media: str = "text/event-stream") -> bytes:
    at_ms = tuple(range(len(split(body)))) if media == "text/event-stream" else None
    live = a_request(headers=(("Authorization", f"Bearer {KEY}"),))
    return (
        Redaction()
        .interaction(
            live, _interaction(live, Response(200, (("Content-Type", media),), body, at_ms))
        )
        .value.response.body
    )


def _interaction(live: Request, response: Response) -> Interaction:
    return replace(an_interaction().value, request=live, response=response)


def splits(secret: str, cuts: int) -> Iterator[tuple[str, ...]]:
    for places in combinations(range(1, len(secret)), cuts):
        ends = (0, *places, len(secret))
        yield tuple(secret[a:b] for a, b in pairwise(ends))


@pytest.mark.parametrize("cuts", [0, 1, 2, 3])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_split_of_a_credential_is_gone(dialect: str, cuts: int) -> None:
    kept = []
    for number, pieces in enumerate(splits(KEY, cuts)):
        frame = "plain" if number % 2 else "named and numbered"
        clean = after(stream(dialect, frame, pieces))
        text = _text_of(dialect, clean)
        if text != "So it is: REDACTED and no more.":
            kept.append((pieces, text))

    assert kept == []


def _text_of(dialect: str, body: bytes) -> str:
    """The text that a client would put together."""
    texts = []
    for event in split(body):
        data = json.loads(event[event.index(b"{") :])
        texts.append(_PLACES[dialect](data))
    return "".join(texts)


_PLACES: dict[str, Callable[[Any], str]] = {
    "assistants": lambda data: data["delta"]["content"][0]["text"]["value"],
    "chat": lambda data: data["choices"][0]["delta"]["content"],
    "completions": lambda data: data["choices"][0]["text"],
    "responses": lambda data: data["delta"],
    "gemini": lambda data: data["candidates"][0]["content"]["parts"][0]["text"],
    "ollama": lambda data: data["response"],
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_split_of_a_key_that_nobody_knows_is_gone(dialect: str) -> None:
    for cuts, every in ((0, 1), (1, 1), (2, 1), (3, EVERY)):
        for pieces in islice(splits(SHAPE, cuts), None, None, every):
            text = _text_of(dialect, after(stream(dialect, "plain", pieces)))
            assert text == "So it is: REDACTED and no more.", pieces


@given(
    st.sampled_from(sorted(DIALECTS)),
    st.sampled_from(sorted(FRAMES)),
    st.lists(st.text(max_size=8), max_size=6).map(tuple),
)
def test_a_stream_without_a_secret_stays_byte_equal(
    dialect: str, frame: str, pieces: tuple[str, ...]
) -> None:
    body = stream(dialect, frame, pieces)

    assert after(body) == body


def test_whole_keys_in_several_events_each_go_by_themselves() -> None:
    events = "".join(f'data: {{"error": "{SHAPE}", "n": {at}}}\n\n' for at in range(3))

    assert after(events.encode()) == events.replace(SHAPE, "REDACTED").encode()


@pytest.mark.parametrize("cuts", [1, 2])
def test_lines_of_json_are_a_stream_too(cuts: int) -> None:
    for pieces in splits(KEY, cuts):
        lines = [json.dumps(DIALECTS["ollama"](at, text)) for at, text in enumerate(pieces)]
        clean = after("\n".join(lines).encode(), "application/x-ndjson")

        assert "".join(json.loads(line)["response"] for line in clean.splitlines()) == "REDACTED"


def test_pieces_that_are_no_json_are_put_together_too() -> None:
    clean = after(f"data: a {KEY[:5]}\n\ndata: {KEY[5:]} b\n\n".encode())

    assert clean == b"data: a REDACTED\n\ndata:  b\n\n"
    assert not leaks(KEY, clean)


def test_a_password_in_the_pieces_of_a_calls_arguments_goes() -> None:
    pieces = ('{"pass', 'word": "hun', "ter2", '", "city": "Rome"}')
    clean = after(stream("assistants", "plain", pieces))

    assert '{"password": "REDACTED", "city": "Rome"}' in _text_of("assistants", clean)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_data_of_an_event_on_several_lines_is_read_as_one(end: str) -> None:
    def event(*lines: str) -> str:
        return "".join(f"{line}{end}" for line in ("event: delta", *lines, "id: 7")) + end

    said = [
        event('data: {"password":', 'data: "hunter2-and-more"}'),
        event("data: {", 'data:  "text": "so ' + KEY[:7] + '"}'),
        event('data: {"text":', f'data:  "{KEY[7:]} it is"}}'),
        event("data: {", 'data: "innocent": 1}'),
    ]

    clean = after("".join(said).encode())

    assert clean.decode() == "".join(
        (
            event('data: {"password": "REDACTED"}'),
            event('data: {  "text": "so REDACTED"}'),
            event('data: {"text":  " it is"}'),
            said[3],
        )
    )
