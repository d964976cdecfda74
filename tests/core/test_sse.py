"""Cutting a stream into events."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.http.headers import is_event_stream
from runreel.http.sse import Splitter, around_data, is_done, name_of, split

# Chosen so that ends of lines meet often, and half ends at the ends of chunks.
STREAMS = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b"data: a", b"event: b", b":", b"\xc3\xa9", b"x"]),
    max_size=30,
).map(b"".join)


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b"", ()),
        (b"event: a\ndata: 1\n\ndata: 2\n\n", (b"event: a\ndata: 1\n\n", b"data: 2\n\n")),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", (b"data: 1\r\n\r\n", b"data: 2\r\n\r\n")),
        (b"data: 1\r\rdata: 2\r\r", (b"data: 1\r\r", b"data: 2\r\r")),
        (b"data: 1\n\r\ndata: 2", (b"data: 1\n\r\n", b"data: 2")),
        (b"data: 1\n\n\ndata: 2\n\n", (b"data: 1\n\n", b"\ndata: 2\n\n")),
        (b": a comment\n\nretry: 5\ndata\n\n", (b": a comment\n\n", b"retry: 5\ndata\n\n")),
        (b"data: one\ndata: two\n\n", (b"data: one\ndata: two\n\n",)),
    ],
)
def test_a_blank_line_ends_an_event(body: bytes, events: tuple[bytes, ...]) -> None:
    assert split(body) == events


@given(STREAMS, st.lists(st.integers(0, 200)))
def test_chunks_do_not_matter_and_no_byte_is_lost(body: bytes, cuts: list[int]) -> None:
    splitter = Splitter()
    at = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    chunks = [body[start:end] for start, end in pairwise(at)]

    events = [event for chunk in chunks for event in splitter.feed(chunk)]
    rest = splitter.rest()

    assert b"".join(events) + rest == body
    assert (*events, *([rest] if rest else [])) == split(body)


def test_an_event_is_given_back_with_the_byte_that_ends_it() -> None:
    splitter = Splitter()

    came = [list(splitter.feed(bytes([byte]))) for byte in b"data: 1\n\nd"]

    assert came == [[], [], [], [], [], [], [], [], [b"data: 1\n\n"], []]


def test_a_carriage_return_waits_for_the_byte_that_tells_whether_a_line_feed_follows() -> None:
    splitter = Splitter()

    first = list(splitter.feed(b"data: 1\r\n\r"))
    second = list(splitter.feed(b"\ndata: 2\r\r"))
    third = list(splitter.feed(b"data: 3"))

    assert (first, second, third) == ([], [b"data: 1\r\n\r\n"], [b"data: 2\r\r"])
    assert splitter.rest() == b"data: 3"


@pytest.mark.parametrize(
    ("event", "done"),
    [
        (b"event: done\ndata: [DONE]\n\n", True),
        (b"data: [DONE]\n\n", True),
        (b"data:[DONE]\r\n\r\n", True),
        (b"\ndata: [DONE]\n\n", True),
        (b"event: done\ndata: [DONE] \n\n", False),
        (b"data: [DONE]\ndata: more\n\n", False),
        (b'data: {"text":"data: [DONE]"}\n\n', False),
        (b": data: [DONE]\n\n", False),
        (b"event: done\n\n", False),
    ],
)
def test_the_stream_is_done_when_an_event_says_nothing_else(event: bytes, done: bool) -> None:
    assert is_done(event) is done


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (b"event: thread.run.created\ndata: {}\n\n", "thread.run.created"),
        (b"data: {}\r\nevent:a\r\n\r\n", "a"),
        (b"event: a\nevent: b\ndata: {}\n\n", "b"),
        (b"data: event: a\n\n", ""),
        (b"data: {}\n\n", ""),
        (b"event: \xff\n\n", "\ufffd"),
    ],
)
def test_the_last_name_of_an_event_counts(event: bytes, name: str) -> None:
    assert name_of(event) == name


@pytest.mark.parametrize(
    ("event", "parts"),
    [
        (b"event: a\ndata: {}\n\n", (b"event: a\ndata: ", b"{}", b"\n\n")),
        (b"data:{}\r\n\r\n", (b"data:", b"{}", b"\r\n\r\n")),
        (b"data: 1\ndata: 2\n\n", None),
        (b"event: a\n\n", None),
    ],
)
def test_data_on_one_line_is_told_from_what_is_around_it(
    event: bytes, parts: tuple[bytes, bytes, bytes] | None
) -> None:
    assert around_data(event) == parts


@pytest.mark.parametrize(
    ("content_type", "streams"),
    [
        ("text/event-stream", True),
        ("text/event-stream; charset=utf-8", True),
        ("Text/Event-Stream;charset=utf-8", True),
        ("application/json", False),
        ("text/event-stream-ish", False),
    ],
)
def test_a_stream_is_known_by_its_media_type(content_type: str, streams: bool) -> None:
    assert is_event_stream((("content-TYPE", content_type),)) is streams
    assert not is_event_stream(())
