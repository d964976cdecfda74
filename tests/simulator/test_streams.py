"""Streams: the events of a run in the real order, with the real framing."""

import re
from typing import Any

from simulating import FUNCTION, talk

MESSAGE = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
    *["thread.message.delta"] * 3,
    "thread.message.completed",
    "thread.run.step.completed",
    "thread.run.completed",
]
BEGIN = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]
TEXT = {"runreel.text": "It is warm."}


def _names(events: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in events]


def test_a_streamed_run_tells_its_whole_life_in_the_real_order() -> None:
    said = talk()
    sent = {"assistant_id": said.assistant(), "stream": True, "metadata": TEXT}

    streamed = said.post(f"/threads/{said.thread()}/runs", sent)

    assert streamed.header("content-type") == "text/event-stream; charset=utf-8"
    assert _names(streamed.events) == BEGIN + MESSAGE
    assert [
        data["status"] for name, data in streamed.events if name.startswith("thread.run.c")
    ] == [
        *("queued", "completed"),
    ]


def test_the_data_are_compact_json_on_one_line_and_the_last_event_is_done() -> None:
    said = talk()
    sent = {"assistant_id": said.assistant(), "stream": True, "metadata": {"é": "雪"}}

    body = said.post(f"/threads/{said.thread()}/runs", sent).body

    *events, done, rest = body.decode().split("\n\n")
    assert (done, rest) == ("event: done\ndata: [DONE]", "")
    assert all(re.fullmatch(r"event: [a-z_.]+\ndata: \{.*\}", event) for event in events)
    assert '"metadata":{"é":"雪"},"temperature":1.0,' in events[0]
    assert b"\r" not in body


def test_the_pieces_of_a_message_make_its_text() -> None:
    said = talk()
    sent = {"assistant_id": said.assistant(), "stream": True, "metadata": TEXT}

    events = said.post(f"/threads/{said.thread()}/runs", sent).events

    deltas = [data["delta"] for name, data in events if name == "thread.message.delta"]
    begun, completed = events[5][1], events[-3][1]
    assert deltas[0] == {
        "content": [{"index": 0, "type": "text", "text": {"value": "It", "annotations": []}}]
    }
    assert deltas[1:] == [
        {"content": [{"index": 0, "type": "text", "text": {"value": text}}]}
        for text in (" is", " warm.")
    ]
    assert (begun["status"], begun["content"], completed["status"]) == (
        *("in_progress", [], "completed"),
    )
    assert completed["content"][0]["text"]["value"] == "It is warm."


def test_a_long_text_comes_in_no_more_than_a_hundred_pieces() -> None:
    said = talk()
    said.post("/_simulator/next_run", {"text": "word " * 5_000})
    sent = {"assistant_id": said.assistant(), "stream": True}

    events = said.post(f"/threads/{said.thread()}/runs", sent).events

    texts = [
        data["delta"]["content"][0]["text"]["value"]
        for name, data in events
        if name == "thread.message.delta"
    ]
    assert len(texts) <= 100
    assert "".join(texts) == "word " * 5_000


def test_a_streamed_run_stops_where_it_needs_outputs_and_goes_on_in_another_stream() -> None:
    said = talk()
    sent = {
        "assistant_id": said.assistant(),
        "tools": [FUNCTION],
        "stream": True,
        "metadata": TEXT,
        "thread": {"messages": [{"role": "user", "content": "How warm is it?"}]},
    }

    first = said.post("/threads/runs", sent).events
    run = first[-1][1]
    (call,) = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": "22"}]
    path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
    second = said.post(path, {"tool_outputs": outputs, "stream": True}).events

    assert _names(first) == [
        "thread.created",
        *BEGIN,
        "thread.run.step.created",
        "thread.run.step.in_progress",
        "thread.run.step.delta",
        "thread.run.requires_action",
    ]
    assert _names(second) == [
        "thread.run.step.completed",
        "thread.run.queued",
        "thread.run.in_progress",
        *MESSAGE,
    ]


def test_other_ends_have_their_events() -> None:
    ends = {}
    for outcome in ("failed", "expired", "incomplete"):
        said = talk()
        metadata = TEXT | {"runreel.outcome": outcome}
        sent = {"assistant_id": said.assistant(), "stream": True, "metadata": metadata}
        ends[outcome] = _names(said.post(f"/threads/{said.thread()}/runs", sent).events)[3:]

    assert ends["failed"] == ["thread.run.failed"]
    assert ends["expired"] == ["thread.run.expired"]
    assert ends["incomplete"] == [
        *MESSAGE[:7],
        *("thread.message.incomplete", "thread.run.step.completed", "thread.run.incomplete"),
    ]


def test_a_refused_stream_is_plain_json() -> None:
    said = talk()

    refused = said.post(
        f"/threads/{said.thread()}/runs", {"assistant_id": "asst_x", "stream": True}
    )

    assert refused.status == 404
    assert refused.header("content-type") == "application/json"
