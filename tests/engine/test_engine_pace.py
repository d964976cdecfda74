"""Recorded streams and answers, played at once or at a pace."""

import asyncio

import pytest

from builders import a_request, an_interaction
from fakes import Script
from runreel.http.messages import Headers, Response
from stages import rest, stage

HEADERS: Headers = (("Content-Type", "text/event-stream; charset=utf-8"),)
CREATED = b'event: thread.run.created\ndata: {"id":"run_1"}\n\n'
DELTA = b'event: thread.message.delta\ndata: {"delta":{"a":"Hi"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
STREAM = CREATED + DELTA + DONE
RECORDED = an_interaction(response=Response(200, HEADERS, STREAM, (100, 150, 900)))


async def test_a_stream_is_replayed_at_once() -> None:
    scene = stage("replay", recorded=(RECORDED,))

    answer = await scene.ask(a_request())

    assert (answer.response.body, answer.tail) == (STREAM, None)
    assert scene.clock.slept == []


async def test_at_its_recorded_pace_if_so_wished() -> None:
    scene = stage("replay", recorded=(RECORDED,), latency="recorded")

    answer = await scene.ask(a_request())

    assert await rest(answer.tail) == [CREATED, DELTA, DONE]
    assert scene.clock.slept == pytest.approx([0.1, 0.05, 0.75])


async def test_or_with_a_fixed_wait_before_each_event() -> None:
    scene = stage("replay", recorded=(RECORDED,), latency=20)

    answer = await scene.ask(a_request())

    assert await rest(answer.tail) == [CREATED, DELTA, DONE]
    assert scene.clock.slept == pytest.approx([0.02, 0.02, 0.02])


@pytest.mark.parametrize(("latency", "slept"), [("recorded", [0.212]), (30, [0.03])])
async def test_a_plain_answer_waits_too(latency: int, slept: list[float]) -> None:
    scene = stage("replay", recorded=(an_interaction(),), latency=latency)

    answer = await scene.ask(a_request())

    assert answer.tail is None
    assert answer.response.body == b'{"id": "run_abc123"}'
    assert scene.clock.slept == pytest.approx(slept)


async def test_nobody_waits_for_a_client_that_left() -> None:
    left = asyncio.Event()
    scene = stage("replay", recorded=(RECORDED,), latency="recorded")
    answer = await scene.ask(a_request(), client_disconnected=left.is_set)
    assert answer.tail is not None
    await anext(answer.tail)

    left.set()
    others = await rest(answer.tail)

    assert others == []
    assert scene.clock.slept == pytest.approx([0.1, 0.05])


async def test_a_client_that_gives_up_waiting_finds_the_recording_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left, waiting = asyncio.Event(), asyncio.Event()
    scene = stage("replay", recorded=(an_interaction(),), latency=30)

    async def sleep(_: float) -> None:
        if not waiting.is_set():
            waiting.set()
            await left.wait()

    monkeypatch.setattr(scene.clock, "sleep", sleep)  # holds the first one
    first = asyncio.ensure_future(
        scene.ask(a_request(), client_disconnected=waiting.is_set, sent=False)
    )
    await waiting.wait()
    second = await scene.ask(a_request())
    left.set()
    unsent = (await first).turn
    assert unsent is not None
    unsent.unsent()

    assert second.response.body == b'{"id": "run_abc123"}'
    assert scene.session.state.unplayed() == ()


async def test_a_stream_recorded_before_comes_back_byte_for_byte() -> None:
    live = stage("record", Script([STREAM], headers=HEADERS))
    await rest((await live.ask(a_request())).tail)
    await live.session.close()

    recorded = live.store.load("default")
    assert recorded is not None
    scene = stage("replay", recorded=recorded.cassette.interactions)
    answer = await scene.ask(a_request())

    assert answer.response == Response(200, HEADERS, STREAM, (250, 250, 250))
