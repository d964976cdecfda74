"""Streams in verify mode: they pass event by event, and are compared when they have ended."""

import asyncio

import pytest

from builders import a_request, an_interaction
from fakes import Script
from held import turns
from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.messages import Headers, Response
from runreel.matching.drift import Drift
from stages import A, B, rest, stage

TORN = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream is gone.")
EVENTS: Headers = (("Content-Type", "text/event-stream"),)
CREATED = b'event: thread.run.created\ndata: {"id":"run_1","status":"queued"}\n\n'
DELTA = b'event: thread.message.delta\ndata: {"delta":{"a":"Hi"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
STREAM = CREATED + DELTA + DONE
OLD_STREAM = an_interaction(a_request(A), Response(200, EVENTS, STREAM, (1, 2, 3)))


async def test_each_event_is_passed_on_before_the_next_one_comes_and_compared_at_the_end() -> None:
    more = asyncio.Event()
    changed = CREATED.replace(b"queued", b"failed")
    script = Script([changed, more, DELTA, DELTA, DONE], headers=EVENTS)
    scene = stage("verify", script, recorded=(OLD_STREAM,))

    answer = await scene.ask(a_request(A))
    assert answer.tail is not None
    first = await anext(answer.tail)
    told_by_then = list(scene.told)
    more.set()
    others = await rest(answer.tail)

    assert (first, others) == (changed, [DELTA, DELTA, DONE])
    assert (answer.source, answer.recorded, told_by_then) == ("upstream", None, [])
    assert scene.told == [("compared", 200, True)]
    assert [event.drift for event in scene.events] == [
        (Drift("value", "/0/data/status", "queued", "failed"),)
    ]


async def test_a_stream_that_is_torn_is_a_failure_and_its_recording_is_there_for_the_next() -> None:
    scripts = (Script([CREATED], headers=EVENTS, torn=TORN), Script([STREAM], headers=EVENTS))
    scene = stage("verify", *scripts, recorded=(OLD_STREAM,))

    with pytest.raises(UpstreamFailed):
        await rest((await scene.ask(a_request(A))).tail)
    await rest((await scene.ask(a_request(A))).tail)

    assert [told[0] for told in scene.told] == ["failed", "compared"]
    assert [event.drift for event in scene.events] == [(), ()]


async def test_a_stream_that_no_recording_matches_passes_through_and_is_new() -> None:
    scene = stage("verify", Script([CREATED, DONE], headers=EVENTS), recorded=(OLD_STREAM,))

    answer = await scene.ask(a_request(B))

    assert await rest(answer.tail) == [CREATED, DONE]
    assert scene.told == [("new", 200, True)]


@pytest.mark.parametrize(("stays", "outcome"), [(False, "not_compared"), (True, "compared")])
async def test_a_client_that_left_is_one_to_compare_for_once_it_had_the_head(
    stays: bool, outcome: str
) -> None:
    left, more = asyncio.Event(), asyncio.Event()
    scene = stage("verify", Script([more, STREAM], headers=EVENTS), recorded=(OLD_STREAM,))

    answer = await scene.ask(a_request(A), client_disconnected=left.is_set)
    if not stays:
        left.set()
    reading = asyncio.ensure_future(rest(answer.tail))
    await turns()
    left.set()
    more.set()
    await reading

    assert [told[0] for told in scene.told] == [outcome]
