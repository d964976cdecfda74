"""How a stream of events is shown in a cassette, and that its bytes come back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.cassettes.bodies import render, restore, times
from runreel.http.sse import split

CREATED = b'event: thread.run.created\ndata: {"id":"run_1","metadata":{"a":"\xc3\xa9"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"

EVENTS = st.sampled_from(
    [
        CREATED,
        DONE,
        b"data: {}\n\n",
        b'event: a\ndata: {"a": [1.0, 2]}\n\n',
        b'event: a\ndata: {"a":"\\u00e9"}\n\n',
        b"event: a\ndata: 1\n\n",
        b'event: a\r\ndata: {"b":1}\r\n\r\n',
        b"event:a\ndata:{}\n\n",
        b'data: {"a":1}\nevent: a\n\n',
        b": nothing\n\n",
        b"\n\n",
        b"data: {\ndata: }\n\n",
    ]
)


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (
            CREATED,
            {"event": "thread.run.created", "data": {"id": "run_1", "metadata": {"a": "é"}}},
        ),
        (DONE, {"text": "event: done\ndata: [DONE]\n\n"}),
        (b'data: {"a":1}\n\n', {"data": {"a": 1}}),
        (b"event: \ndata: []\n\n", {"event": "", "data": []}),
        (b'data: {"a": 1}\n\n', {"data": {"a": 1}, "layout": "spaced"}),
        (b'data: {"a":"\\u00e9"}\n\n', {"data": {"a": "é"}, "layout": "compact+ascii"}),
        (b"data: 1\n\n", {"text": "data: 1\n\n"}),
        (b'data: {"a":1.00}\n\n', {"text": 'data: {"a":1.00}\n\n'}),
        (b'data: {"a":1}\r\n\r\n', {"text": 'data: {"a":1}\r\n\r\n'}),
        (b'id: 7\ndata: {"a":1}\n\n', {"text": 'id: 7\ndata: {"a":1}\n\n'}),
        (b'data: {"a":1}', {"text": 'data: {"a":1}'}),
    ],
)
def test_an_event_is_shown_as_json_where_that_is_exact(event: bytes, shown: dict[str, Any]) -> None:
    form = render(event, (212,))

    assert form == {"events": [{"at_ms": 212} | shown]}
    assert restore(form) == event


@given(st.lists(EVENTS, min_size=1, max_size=8).map(b"".join), st.data())
def test_every_stream_comes_back_with_its_times(body: bytes, data: st.DataObject) -> None:
    count = len(split(body))
    at_ms = tuple(data.draw(st.lists(st.integers(0, 99), min_size=count, max_size=count)))

    form = render(body, at_ms)

    assert restore(form) == body
    assert times(form) == at_ms


def test_a_stream_that_is_no_readable_text_is_shown_as_base64_without_times() -> None:
    form = render(b"data: \xff\n\n", (1,))

    assert form == {"base64": "ZGF0YTog/woK"}
    assert times(form) is None


def test_a_body_without_times_is_not_shown_as_events() -> None:
    form = render(b"data: 1\n\n")

    assert form == {"text": "data: 1\n\n"}
    assert times(form) is None
    assert times(None) is None


def test_a_wrong_event_is_named_by_its_place() -> None:
    form = {"events": [{"at_ms": 1, "text": "data: 1\n\n"}, {"at_ms": 2, "text": "a\n\nb\n\n"}]}

    with pytest.raises(ValueError, match="event") as caught:
        restore(form)

    assert str(caught.value) == (
        "event 1 is not one whole event: `at_ms` (0 or more) with `data`, where need be `event` "
        "and `layout`, or with `text`"
    )
