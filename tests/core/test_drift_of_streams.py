"""Streams are compared event by event; how a model cuts its text into pieces is its own affair."""

from dataclasses import replace

import pytest

from builders import a_response
from drifting import EVENTS, a_stream, between, of_streams
from runreel.http.messages import Response
from runreel.matching.drift import Rule
from runreel.matching.json_diff import ABSENT

CREATED = 'event: thread.run.created\ndata: {"id":"run_abc123","status":"queued"}'
QUEUED = 'event: thread.run.queued\ndata: {"id":"run_abc123","status":"queued"}'
COMPLETED = 'event: thread.run.completed\ndata: {"id":"run_abc123","status":"completed"}'
DONE = "event: done\ndata: [DONE]"


def piece(index: int, text: str, more: str = "") -> str:
    return (
        'event: thread.message.delta\ndata: {"id":"msg_abc123","delta":{"content":'
        f'[{{"index":{index},"type":"text","text":{{"value":"{text}"{more}}}}}]}}}}'
    )


RECORDED = a_stream(CREATED, piece(0, "Par", ',"annotations":[]'), piece(0, "is."), COMPLETED, DONE)


def test_an_equal_stream_has_not_drifted() -> None:
    assert of_streams(RECORDED, RECORDED) == []


def test_the_times_of_events_and_the_framing_of_lines_do_not_count() -> None:
    live = a_stream(CREATED.replace("event: ", "event:"), QUEUED, DONE.replace(": [", ":["))

    assert of_streams(a_stream(CREATED, QUEUED, DONE), replace(live, at_ms=(900, 901, 902))) == []


@pytest.mark.parametrize(
    "pieces",
    [
        (piece(0, "It is Paris.", ',"annotations":[]'),),
        (piece(0, "I"), piece(0, "t is", ',"annotations":[]'), piece(0, " Pa"), piece(0, "ris.")),
    ],
)
def test_how_many_pieces_a_text_came_in_and_what_it_says_do_not_count(
    pieces: tuple[str, ...],
) -> None:
    assert of_streams(RECORDED, a_stream(CREATED, *pieces, COMPLETED, DONE)) == []


def test_members_and_types_of_pieces_count_wherever_in_the_row_they_stand() -> None:
    live = a_stream(CREATED, piece(0, "Paris."), piece(0, "", ',"language":"en"'), COMPLETED, DONE)

    assert of_streams(RECORDED, live) == [
        ("gone", "/1/data/delta/content/0/text/annotations", [], ABSENT),
        ("new", "/1/data/delta/content/0/text/language", ABSENT, "en"),
    ]


def test_a_null_in_one_of_the_pieces_is_a_member_that_has_no_value_yet() -> None:
    chunk = 'data: {"object":"chat.completion.chunk","finish_reason":%s}'
    recorded = a_stream(chunk % "null", chunk % '"stop"')

    assert of_streams(recorded, a_stream(chunk % '"stop"', chunk % "null")) == []
    assert of_streams(recorded, a_stream('data: {"object":"chat.completion.chunk"}')) == [
        ("gone", "/0/data/finish_reason", "stop", ABSENT)
    ]


def test_a_null_that_only_a_later_piece_has_is_a_member_too() -> None:
    first, second = (
        f'data: {{"object":"chat.completion.chunk"{more}}}' for more in ("", ',"usage":null')
    )

    assert of_streams(a_stream(first), a_stream(first, second)) == [
        ("new", "/0/data/usage", ABSENT, None)
    ]


def test_no_piece_at_all_is_a_difference() -> None:
    (found,) = of_streams(RECORDED, a_stream(CREATED, COMPLETED, DONE))

    assert found[:2] == ("gone", "/1")
    assert found[2]["event"] == "thread.message.delta"
    assert found[3] is ABSENT


def test_chunks_without_a_name_go_by_the_object_they_hold() -> None:
    chunk = 'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"%s"}}]}'
    recorded = a_stream(chunk % "Paris.", "data: [DONE]")
    live = a_stream(chunk % "Par", chunk % "is", "data: [DONE]")

    assert of_streams(recorded, live) == []


def test_data_of_other_events_is_compared_like_any_answer() -> None:
    changed = COMPLETED.replace("run_abc123", "run_0f9e8d").replace('"completed"', '"failed"')
    live = a_stream(CREATED, piece(0, "Paris", ',"annotations":[]'), changed, DONE)

    assert of_streams(RECORDED, live) == [("value", "/3/data/status", "completed", "failed")]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (
            a_stream(CREATED, QUEUED, COMPLETED, DONE),
            [
                (
                    "new",
                    "/1",
                    ABSENT,
                    {
                        "event": "thread.run.queued",
                        "data": {"id": "run_abc123", "status": "queued"},
                    },
                )
            ],
        ),
        (
            a_stream(CREATED, DONE),
            [
                (
                    "gone",
                    "/1",
                    {
                        "event": "thread.run.completed",
                        "data": {"id": "run_abc123", "status": "completed"},
                    },
                    ABSENT,
                )
            ],
        ),
        (
            a_stream(CREATED, COMPLETED),
            [("gone", "/2", {"event": "done", "data": "[DONE]"}, ABSENT)],
        ),
        (
            a_stream(CREATED, COMPLETED, "event: done\ndata:"),
            [("gone", "/2/data", "[DONE]", ABSENT)],
        ),
        (
            a_stream(CREATED, "event: error\ndata:", DONE),
            [
                (
                    "gone",
                    "/1",
                    {
                        "event": "thread.run.completed",
                        "data": {"id": "run_abc123", "status": "completed"},
                    },
                    ABSENT,
                ),
                ("new", "/1", ABSENT, {"event": "error"}),
            ],
        ),
    ],
    ids=["new", "gone", "last", "data", "other"],
)
def test_an_event_too_many_or_too_few_is_told_once_and_shifts_no_other(
    live: Response, expected: list[object]
) -> None:
    assert of_streams(a_stream(CREATED, COMPLETED, DONE), live) == expected


def test_events_of_one_name_that_are_no_pieces_count_one_by_one() -> None:
    assert of_streams(a_stream(QUEUED, DONE), a_stream(QUEUED, QUEUED, DONE)) == [
        (
            "new",
            "/1",
            ABSENT,
            {"event": "thread.run.queued", "data": {"id": "run_abc123", "status": "queued"}},
        )
    ]


def test_signs_of_life_are_no_events() -> None:
    recorded = a_stream(CREATED, ": ping", COMPLETED)
    live = a_stream(": ping", CREATED, COMPLETED, ": ping\n: pong")

    assert of_streams(recorded, live) == []
    assert of_streams(a_stream(CREATED), a_stream(f": note\n{COMPLETED}")) != []


def test_data_on_several_lines_is_compared_as_the_text_it_is() -> None:
    recorded, live = (a_stream(f"data: a\ndata: {last}") for last in "bc")

    assert of_streams(recorded, live) == [
        ("value", "/0/data", "data: a\ndata: b\n\n", "data: a\ndata: c\n\n")
    ]


def test_what_is_ignored_is_named_from_the_event_on() -> None:
    live = a_stream(CREATED.replace("queued", "new"), QUEUED, DONE)
    rule = Rule(ignore=("/*/data/status", "/1"))

    assert of_streams(a_stream(CREATED, DONE), live, rule) == []
    assert of_streams(live, a_stream(CREATED, DONE), rule) == []


def test_a_stream_and_an_answer_in_one_piece_differ_as_a_whole() -> None:
    found = between(RECORDED, a_response(b'{"id":"run_abc123"}'))

    assert [(item.kind, item.at) for item in found] == [("header", "content-type"), ("type", "")]


def test_a_stream_without_an_event_has_lost_all_of_it() -> None:
    found = between(a_stream(DONE), Response(200, EVENTS, b""))

    assert [(item.kind, item.recorded) for item in found] == [
        ("gone", "event: done\ndata: [DONE]\n\n")
    ]
