"""Streams through the engine: what the client gets when, and what is kept."""

import asyncio
import gzip

import pytest

from builders import FAKE_KEY, a_request, an_interaction
from fakes import Script
from held import HeldStore, begun, turns
from runreel.engine import streaming
from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.messages import Headers, Response
from stages import KEY_HEADERS, Stage, rest, stage

HEADERS: Headers = (("Content-Type", "text/event-stream; charset=utf-8"),)
CREATED = b'event: thread.run.created\ndata: {"id":"run_1"}\n\n'
DELTA = b'event: thread.message.delta\ndata: {"delta":{"a":"Hi"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
STREAM = CREATED + DELTA + DONE
TORN = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream is gone.")


def streamed(*pieces: bytes | asyncio.Event | float, torn: UpstreamFailed | None = None) -> Script:
    return Script(list(pieces), headers=(*HEADERS, ("Transfer-Encoding", "chunked")), torn=torn)


def kept_bodies(scene: Stage) -> list[bytes]:
    return [body for _, _, body in scene.received]


async def test_each_event_is_passed_on_before_the_next_one_comes() -> None:
    more = asyncio.Event()
    scene = stage("record", streamed(CREATED, more, DELTA, DONE))

    answer = await scene.ask(a_request())
    assert answer.tail is not None
    first = await anext(answer.tail)
    more.set()
    others = await rest(answer.tail)

    assert (first, others) == (CREATED, [DELTA, DONE])
    assert (answer.source, answer.recorded, answer.response.body) == ("upstream", None, b"")
    assert kept_bodies(scene) == [STREAM]
    assert scene.told == [("recorded", 200, True)]


async def test_an_event_in_many_chunks_is_passed_on_whole() -> None:
    chunks = [STREAM[start : start + 7] for start in range(0, len(STREAM), 7)]
    scene = stage("record", streamed(*chunks))

    answer = await scene.ask(a_request())

    assert await rest(answer.tail) == [CREATED, DELTA, DONE]
    assert kept_bodies(scene) == [STREAM]


async def test_events_are_kept_with_the_time_since_the_request() -> None:
    scene = stage("record", streamed(CREATED, 0.5, DELTA, 1.25, DONE))

    answer = await scene.ask(a_request())
    await rest(answer.tail)

    assert scene.documents[0]["duration_ms"] == 2_000
    assert scene.documents[0]["response"]["body"]["events"] == [
        {"at_ms": 250, "event": "thread.run.created", "data": {"id": "run_1"}},
        {"at_ms": 750, "event": "thread.message.delta", "data": {"delta": {"a": "Hi"}}},
        {"at_ms": 2_000, "text": "event: done\ndata: [DONE]\n\n"},
    ]


@pytest.mark.parametrize(
    ("pieces", "before", "after"),
    [
        ((CREATED, DONE), [CREATED], [DONE]),
        ((CREATED, DONE + b": more\n\n", b": end"), [CREATED], [DONE + b": more\n\n: end"]),
        ((CREATED, DONE, b"data: late\n\n"), [CREATED], [DONE + b"data: late\n\n"]),
        ((CREATED, DELTA), [CREATED, DELTA], [b""]),
        ((CREATED, b"data: half"), [CREATED], [b"data: half"]),
    ],
)
async def test_the_end_of_a_stream_waits_until_it_is_durable(
    pieces: tuple[bytes, ...], before: list[bytes], after: list[bytes]
) -> None:
    store = HeldStore()
    scene = stage("record", streamed(*pieces), store=store)
    answer = await scene.ask(a_request())
    assert answer.tail is not None
    store.holds()

    came = [await anext(answer.tail) for _ in before]
    last = asyncio.ensure_future(anext(answer.tail))
    await begun(store)
    await turns()
    early = last.done()
    store.let.set()

    assert came == before
    assert not early
    assert [await last, *await rest(answer.tail)] == after
    assert kept_bodies(scene) == [b"".join(pieces)]


async def test_a_stream_that_is_torn_is_torn_for_the_client_and_nothing_is_kept() -> None:
    scene = stage("record", streamed(CREATED, torn=TORN), streamed(STREAM))

    answer = await scene.ask(a_request())
    assert answer.tail is not None
    came = await anext(answer.tail)
    with pytest.raises(UpstreamFailed):
        await anext(answer.tail)
    again = await scene.ask(a_request())
    await rest(again.tail)

    assert came == CREATED
    assert kept_bodies(scene) == [STREAM]
    assert scene.told == [("failed", 200, True), ("recorded", 200, True)]
    assert scene.events[0].reason == "The upstream is gone."


async def test_a_stream_that_is_torn_leaves_the_old_recording_as_it_was() -> None:
    old = an_interaction(response=Response(200, HEADERS, STREAM, (1, 2, 3)))
    scene = stage("record", streamed(CREATED, torn=TORN), recorded=(old,))

    answer = await scene.ask(a_request())
    with pytest.raises(UpstreamFailed):
        await rest(answer.tail)
    await scene.session.close()

    assert kept_bodies(scene) == [STREAM]


async def test_a_stream_asked_for_again_after_it_was_torn_replaces_the_old_recording() -> None:
    old = an_interaction(response=Response(200, HEADERS, b"data: old\n\n", (1,)))
    scene = stage("record", streamed(CREATED, torn=TORN), streamed(STREAM), recorded=(old,))

    with pytest.raises(UpstreamFailed):
        await rest((await scene.ask(a_request())).tail)
    await rest((await scene.ask(a_request())).tail)

    # The torn one may have changed something: it is kept, and never served.
    assert [(item["id"], item.get("failed")) for item in scene.documents] == [
        ("modifyRun-00000000", None),
        ("modifyRun-3be2f8ab", "upstream_disconnected"),
    ]
    assert kept_bodies(scene) == [STREAM]


async def test_what_is_torn_after_it_said_done_is_complete() -> None:
    scene = stage("record", streamed(STREAM, torn=TORN))

    answer = await scene.ask(a_request())

    assert await rest(answer.tail) == [CREATED, DELTA, DONE]
    assert kept_bodies(scene) == [STREAM]
    assert scene.told == [("recorded", 200, True)]


async def test_an_upstream_that_goes_on_after_done_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "AFTER_DONE_S_MAX", 0.01)
    scene = stage("record", streamed(STREAM, asyncio.Event()))

    answer = await scene.ask(a_request())

    assert await rest(answer.tail) == [CREATED, DELTA, DONE]
    assert kept_bodies(scene) == [STREAM]
    assert scene.upstream.closed == 1


async def test_a_stream_beyond_the_limit_is_passed_on_and_not_kept() -> None:
    scene = stage("record", streamed(CREATED, DELTA, b"data: half", b" done\n\n"))
    tight = stage(
        "record", *scene.upstream.scripts, response_bytes_max=len(CREATED) + len(DELTA) + 4
    )

    answer = await tight.ask(a_request())

    assert await rest(answer.tail) == [CREATED, DELTA, b"data: half", b" done\n\n"]
    assert tight.kept == []
    assert tight.told == [("not_stored", 200, True)]


async def test_a_secret_that_comes_in_two_chunks_is_found() -> None:
    stream = f'data: {{"a":"{FAKE_KEY}"}}\n\n'.encode()
    scene = stage("record", streamed(stream[:20], stream[20:], DONE))

    answer = await scene.ask(a_request(headers=KEY_HEADERS))

    assert await rest(answer.tail) == [stream, DONE]
    assert kept_bodies(scene) == [b'data: {"a":"REDACTED"}\n\n' + DONE]


async def test_a_compressed_stream_goes_out_as_it_came_and_is_kept_decoded() -> None:
    packed = gzip.compress(STREAM, mtime=0)
    headers = (*HEADERS, ("Content-Encoding", "gzip"))
    more = asyncio.Event()
    scene = stage("record", Script([packed[:20], more, 0.5, packed[20:]], headers=headers))

    answer = await scene.ask(a_request())
    assert answer.tail is not None
    first = await anext(answer.tail)
    more.set()
    others = await rest(answer.tail)

    assert first == packed[:20]
    assert first + b"".join(others) == packed
    assert kept_bodies(scene) == [STREAM]
    assert [event["at_ms"] for event in scene.documents[0]["response"]["body"]["events"]] == [
        750
    ] * 3


async def test_passing_through_passes_chunks_on_until_the_client_leaves() -> None:
    left, never = asyncio.Event(), asyncio.Event()
    scene = stage("passthrough", streamed(CREATED[:9], CREATED[9:], DELTA, never))

    answer = await scene.ask(a_request(), client_disconnected=left.is_set)
    assert answer.tail is not None
    came = [await anext(answer.tail) for _ in range(2)]
    left.set()
    others = await rest(answer.tail)

    assert (came, others) == ([CREATED[:9], CREATED[9:]], [])
    assert scene.upstream.closed == 1
    assert scene.told == [("forwarded", 200, True)]
