"""Every mode, with and without a recording: what the client got, what was kept and told."""

import asyncio
from datetime import UTC, datetime

import pytest

from builders import FAKE_KEY, TARGET, a_request
from fakes import Script
from runreel.http.messages import Headers, Interaction, Request
from runreel.redaction.redactor import Redacted
from stages import LIVE, RECORDED, A, B, error_of, shown, stage


async def test_replay_serves_a_recording() -> None:
    scene = stage("replay", recorded=(RECORDED,))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("replay", 200, b"old", None)
    assert scene.kept == [(A, 200, b"old")]
    assert scene.told == [("served", 200, False)]
    assert scene.events[0].interaction == "modifyRun-00000000"


async def test_replay_refuses_what_no_recording_matches() -> None:
    scene = stage("replay", recorded=(RECORDED,))

    answer = await scene.ask(a_request(B))

    assert (answer.source, answer.response.status, answer.recorded) == ("proxy", 424, None)
    assert error_of(answer)["code"] == "no_matching_interaction"
    assert '/metadata/stage: sent "b", recorded "a"' in error_of(answer)["message"]
    assert ("x-should-retry", "false") in answer.response.headers
    assert scene.kept == [(A, 200, b"old")]
    assert scene.told == [("missed", 424, False)]
    assert scene.events[0].missed is not None


async def test_replay_refuses_a_recording_that_was_played() -> None:
    scene = stage("replay", recorded=(RECORDED,))
    await scene.ask(a_request(A))

    answer = await scene.ask(a_request(A))

    assert answer.response.status == 424
    assert error_of(answer)["code"] == "interaction_exhausted"
    assert scene.told == [("served", 200, False), ("missed", 424, False)]


async def test_record_replaces_a_recording_that_matches() -> None:
    scene = stage("record", Script([b"new"]), recorded=(RECORDED,))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, b"new", True)
    assert scene.kept == [(A, 200, b"new")]
    assert scene.told == [("recorded", 200, True)]


async def test_record_keeps_what_no_recording_matches_beside_the_others() -> None:
    scene = stage("record", Script([b"ne", b"w"]), recorded=(RECORDED,))

    answer = await scene.ask(a_request(B))

    assert shown(answer) == ("upstream", 200, b"new", True)
    assert sorted(scene.kept) == [(A, 200, b"old"), (B, 200, b"new")]
    assert scene.told == [("recorded", 200, True)]


async def test_new_episodes_serves_a_recording() -> None:
    scene = stage("new_episodes", recorded=(RECORDED,))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("replay", 200, b"old", None)
    assert scene.upstream.sent == []
    assert scene.kept == [(A, 200, b"old")]
    assert scene.told == [("served", 200, False)]


async def test_new_episodes_records_what_no_recording_matches() -> None:
    scene = stage("new_episodes", Script([b"new"]), recorded=(RECORDED,))

    await scene.ask(a_request(A))
    answer = await scene.ask(a_request(B))

    assert shown(answer) == ("upstream", 200, b"new", True)
    assert sorted(scene.kept) == [(A, 200, b"old"), (B, 200, b"new")]
    assert scene.told == [("served", 200, False), ("recorded", 200, True)]


async def test_new_episodes_does_not_send_a_write_of_another_story() -> None:
    scene = stage("new_episodes", recorded=(RECORDED,))

    answer = await scene.ask(a_request(B))

    assert error_of(answer)["code"] == "another_story"
    assert answer.response.status == 424
    assert "Record this scenario anew" in error_of(answer)["message"]
    assert scene.upstream.sent == []
    assert scene.kept == [(A, 200, b"old")]


@pytest.mark.parametrize("recorded", [(), (RECORDED,)])
async def test_passthrough_forwards_and_keeps_nothing(
    recorded: tuple[Redacted[Interaction], ...],
) -> None:
    scene = stage("passthrough", Script([b"new"]), recorded=recorded)
    before = dict(scene.store.documents)

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, b"new", None)
    assert scene.store.documents == before
    assert scene.told == [("forwarded", 200, True)]


async def test_once_records_where_there_is_no_cassette_and_replays_where_there_is() -> None:
    fresh = stage("once", Script([b"new"]))
    found = stage("once", recorded=(RECORDED,))

    recorded = await fresh.ask(a_request(A))
    replayed = await found.ask(a_request(A))

    assert shown(recorded) == ("upstream", 200, b"new", True)
    assert shown(replayed) == ("replay", 200, b"old", None)


# What is sent, what is kept, and in which order


@pytest.mark.parametrize("mode", LIVE)
async def test_the_upstream_gets_the_request_as_it_came(mode: str) -> None:
    headers: Headers = (
        ("Authorization", "Bearer " + FAKE_KEY),
        ("x-stainless-lang", "python"),
        ("Content-Type", "application/json"),
    )
    scene = stage(mode, Script([b"new"]))

    await scene.ask(a_request(A, headers=headers))

    assert scene.upstream.sent == [Request("POST", TARGET, headers, A)]


async def test_the_client_gets_a_secret_that_the_recording_does_not_have() -> None:
    scene = stage("record", Script([b'{"key":"' + FAKE_KEY.encode() + b'"}']))

    answer = await scene.ask(a_request(A))

    assert answer.response.body == b'{"key":"' + FAKE_KEY.encode() + b'"}'
    assert scene.kept == [(A, 200, b'{"key":"REDACTED"}')]


async def test_a_recording_has_its_time_in_whole_seconds_and_its_duration() -> None:
    scene = stage("record", Script([b"new"]))

    await scene.ask(a_request(A))

    kept = scene.session.state.merged()[0].value
    (document,) = scene.documents
    assert kept.recorded_at == datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
    assert document["recorded_at"] == "2026-03-31T10:15:02Z"
    assert document["duration_ms"] == 250
    assert document["operation"] == "modifyRun"
    assert document["id"].startswith("modifyRun-")


async def test_an_unknown_operation_is_named_by_its_method() -> None:
    scene = stage("record", Script([b"new"]))

    await scene.ask(a_request(b"", "/v1/models", "GET", ()))

    (document,) = scene.documents
    assert document["operation"] is None
    assert document["id"].startswith("GET-")


async def test_answers_that_come_in_reverse_are_kept_in_the_order_of_arrival() -> None:
    gates = [asyncio.Event(), asyncio.Event()]
    scene = stage("record", Script([b"one"], gate=gates[0]), Script([b"two"], gate=gates[1]))
    first = asyncio.ensure_future(scene.ask(a_request(A)))
    second = asyncio.ensure_future(scene.ask(a_request(B)))
    await scene.upstream.was_sent(2)

    gates[1].set()
    late = await second
    gates[0].set()
    early = await first

    assert (early.response.body, late.response.body) == (b"one", b"two")
    assert scene.kept == [(A, 200, b"one"), (B, 200, b"two")]
    assert [event.request.value.body for event in scene.events if event.request] == [B, A]


async def test_the_place_in_the_order_is_the_one_taken_at_arrival() -> None:
    scene = stage("record", Script([b"one"]), Script([b"two"]))
    early, late = scene.session.state.arrive(), scene.session.state.arrive()

    await scene.ask(a_request(B), arrival=late)
    await scene.ask(a_request(A), arrival=early)

    assert scene.kept == [(A, 200, b"two"), (B, 200, b"one")]


# A client that leaves


async def test_a_recording_that_was_not_even_begun_to_be_sent_can_be_played_again() -> None:
    scene = stage("replay", recorded=(RECORDED,))
    unsent = await scene.ask(a_request(A), sent=False)

    assert unsent.turn is not None
    unsent.turn.unsent()
    again = await scene.ask(a_request(A))

    assert shown(again) == ("replay", 200, b"old", None)


async def test_a_live_answer_that_was_not_sent_stays_recorded() -> None:
    scene = stage("record", Script([b"new"]))

    answer = await scene.ask(a_request(A), sent=False)
    assert answer.turn is not None
    answer.turn.unsent()

    assert scene.kept == [(A, 200, b"new")]
