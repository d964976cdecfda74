"""Two cassettes differ by what they say, not by when and how it was written down."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.diff import Comparison, compare
from runreel.cassettes.format import Cassette
from runreel.http.messages import Headers, Interaction, Request, Response
from runreel.matching.json_diff import ABSENT
from runreel.redaction.redactor import Redacted, Redaction
from strategies import cassettes

JSON: Headers = (("Content-Type", "application/json"),)
SSE: Headers = (("Content-Type", "text/event-stream"),)


def _compared(
    mine: tuple[Request | None, Response | None], theirs: tuple[Request | None, Response | None]
) -> Comparison:
    return compare(*(a_cassette(an_interaction(*side)) for side in (mine, theirs)))


def _told(found: Comparison) -> list[tuple[str, str, str, Any, Any]]:
    return [
        (part, item.facet, item.at, item.sent, item.recorded)
        for pair in found.changed
        for part, items in (("request", pair.request), ("response", pair.response))
        for item in items
    ]


def _poll(status: str, name: str) -> Redacted[Interaction]:
    answer = a_response(b'{"status":"%b"}' % status.encode())
    return an_interaction(a_request(b"", method="GET"), answer, name)


@given(cassettes())
def test_a_cassette_does_not_differ_from_itself(cassette: Cassette) -> None:
    assert compare(cassette, cassette).equal


def test_what_belongs_to_the_moment_of_recording_is_no_difference() -> None:
    item = an_interaction(
        a_request(
            headers=(
                *JSON,
                ("User-Agent", "a/1"),
                ("traceparent", "00-1"),
                ("x-stainless-lang", "js"),
            )
        ),
        a_response(headers=(*JSON, ("x-request-id", "req_1"), ("X-RateLimit-Left", "1"))),
    ).value
    other = replace(
        item,
        id="another",
        recorded_at=datetime(2020, 1, 1, tzinfo=UTC),
        duration_ms=1,
        request=a_request(b'{"metadata": {"stage": "\\u0061"}}', headers=JSON),
        response=a_response(b'{ "id":"run_abc123" }', headers=(*JSON, ("CF-RAY", "1"))),
    )
    mine, theirs = (Redaction().interaction(one.request, one) for one in (item, other))
    cassette = a_cassette(theirs)

    assert compare(a_cassette(mine), replace(cassette, salt="ab" * 16)).equal


def test_each_difference_is_told_by_part_and_place() -> None:
    found = _compared(
        (
            a_request(b'{"metadata":{"stage":"a","n":1}}', target="/v1/x?limit=1"),
            a_response(b'{"id":"run_1","list":[1,2]}', headers=(*JSON, ("Retry-After", "1"))),
        ),
        (
            a_request(b'{"metadata":{"stage":"b","n":1.0}}', target="/v1/x?limit=2", headers=JSON),
            a_response(b'{"id":"run_1","list":[1]}', status=404, headers=JSON),
        ),
    )

    assert _told(found) == [
        ("request", "body", "/metadata/stage", "a", "b"),
        ("request", "query", "limit", "1", "2"),
        ("request", "header.openai-beta", "", "assistants=v2", ABSENT),
        ("response", "status", "", 200, 404),
        ("response", "body", "/list/1", 2, ABSENT),
        ("response", "header.retry-after", "", "1", ABSENT),
    ]
    assert (found.equal, found.removed, found.added) == (False, (), ())


def test_a_status_alone_is_a_difference() -> None:
    found = _compared((None, a_response(status=200)), (None, a_response(status=404)))

    assert _told(found) == [("response", "status", "", 200, 404)]


def test_another_upstream_profile_or_match_on_is_a_difference() -> None:
    cassette = a_cassette()

    found = compare(
        cassette,
        replace(cassette, upstream="simulator", profile="rubra", match_on=("path",)),
    )

    assert [(item.facet, item.recorded) for item in found.head] == [
        ("upstream", "simulator"),
        ("profile", "rubra"),
        ("match_on", ("path",)),
    ]
    assert not found.equal


def test_streams_are_compared_event_by_event_and_their_times_do_not_count() -> None:
    events = b'event: a\ndata: {"n":1}\n\n', b'event: b\ndata: {"n":2}\n\n'
    mine = Response(200, SSE, b"".join(events), (1, 2))
    later = Response(200, SSE, b"".join(events), (5, 900))
    other = Response(200, SSE, events[0] + b'event: b\ndata: {"n":3}\n\n', (1, 2))

    assert _compared((None, mine), (None, later)).equal
    assert _told(_compared((None, mine), (None, other))) == [
        ("response", "body", "/1/data/n", 2, 3)
    ]


def test_an_answer_that_reached_nobody_is_not_one_that_is_played() -> None:
    item = an_interaction().value
    gone = Redaction().interaction(item.request, replace(item, client_gone=True))

    found = compare(a_cassette(an_interaction()), a_cassette(gone))

    assert _told(found) == [("response", "client", "", ABSENT, "gone")]


def test_calls_that_only_one_has_are_removed_or_added() -> None:
    there = an_interaction(a_request(target="/v1/threads/t/runs/r/cancel"), name="cancel")
    here = an_interaction(a_request(b"", method="GET"), name="get")

    found = compare(a_cassette(an_interaction(), there), a_cassette(here, an_interaction()))

    assert ([item.id for item in found.removed], [item.id for item in found.added]) == (
        ["cancel"],
        ["get"],
    )
    assert found.changed == ()


@pytest.mark.parametrize(
    ("mine", "theirs", "removed", "added", "changed"),
    [
        ("q p c", "q p p c", [], ["2:p"], []),
        ("q p p c", "q c", ["1:p", "2:p"], [], []),
        ("q p c", "q x c", [], [], [("1:p", "1:x")]),
        ("p p", "p p", [], [], []),
        ("a b", "x y z", [], ["2:z"], [("0:a", "0:x"), ("1:b", "1:y")]),
    ],
)
def test_repeats_of_a_call_are_paired_in_order_with_their_equals_first(
    mine: str, theirs: str, removed: list[str], added: list[str], changed: list[tuple[str, str]]
) -> None:
    sides = (
        a_cassette(*(_poll(word, f"{at}:{word}") for at, word in enumerate(side.split())))
        for side in (mine, theirs)
    )

    found = compare(*sides)

    assert [item.id for item in found.removed] == removed
    assert [item.id for item in found.added] == added
    assert [(pair.first.id, pair.second.id) for pair in found.changed] == changed


def test_hundreds_of_equal_repeats_are_paired_with_each_other() -> None:
    many = [_poll("p", str(number)) for number in range(250)]

    found = compare(a_cassette(_poll("q", "old"), *many), a_cassette(*many))

    assert ([item.id for item in found.removed], found.changed) == (["old"], ())


def test_very_many_repeats_are_paired_in_order_alone() -> None:
    many = [_poll("p", str(number)) for number in range(1_001)]

    found = compare(a_cassette(*many), a_cassette(_poll("q", "new"), *many))

    assert [pair.second.id for pair in found.changed] == ["new"]
    assert [item.id for item in found.added] == ["1000"]


def test_a_read_that_moved_past_a_write_of_what_it_reads_is_a_difference() -> None:
    write, other = an_interaction(), an_interaction(a_request(target="/v1/threads/x/runs/y"))
    before, after = _poll("queued", "first"), _poll("cancelled", "second")

    found = compare(
        a_cassette(before, write, after, other), a_cassette(other, before, after, write)
    )

    assert [(pair.first.id, pair.second.id) for pair in found.changed] == [("second", "second")]
    assert _told(found) == [("request", "writes before it", "", 1, 0)]


def test_a_write_whose_answer_reached_nobody_changes_nothing_for_a_read() -> None:
    item = an_interaction().value
    gone = Redaction().interaction(item.request, replace(item, client_gone=True))
    read = _poll("queued", "read")

    assert compare(a_cassette(gone, read), a_cassette(read, gone)).equal


def test_a_write_that_is_gone_is_told_once_and_not_with_every_read_after_it() -> None:
    reads = [_poll(word, word) for word in ("queued", "completed")]

    found = compare(a_cassette(an_interaction(), *reads), a_cassette(*reads))

    assert [item.id for item in found.removed] == ["modifyRun-00000000"]
    assert (found.changed, found.added) == ((), ())
