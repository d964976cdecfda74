"""How streams end: torn, endless, left by their clients, stopped; and what is kept then."""

import asyncio
import threading
import zlib
from itertools import chain, repeat

import pytest

from builders import a_request, an_interaction
from fakes import Script
from held import HeldStore, begun
from runreel.engine import streaming
from runreel.engine.recorder import Exchange, Recorder
from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.messages import Headers, Interaction, Response
from runreel.redaction.redactor import Redacted
from stages import rest, stage

HEADERS: Headers = (("Content-Type", "text/event-stream; charset=utf-8"),)
CHUNKED: Headers = (*HEADERS, ("Transfer-Encoding", "chunked"))
CREATED = b'event: thread.run.created\ndata: {"id":"run_1"}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
PING = b": ping\n\n"


async def test_a_stream_without_framing_that_ends_within_an_event_is_torn() -> None:
    scene = stage("record", Script([CREATED, b"event: thread.ru"], headers=HEADERS))

    answer = await scene.ask(a_request())
    assert answer.tail is not None
    first = await anext(answer.tail)
    with pytest.raises(UpstreamFailed, match="in the middle of an event"):
        await anext(answer.tail)

    assert first == CREATED
    assert scene.received == []
    assert scene.told == [("failed", 200, True)]


async def test_a_stream_without_framing_beyond_the_limit_is_passed_on_whole() -> None:
    pieces = [CREATED, b"data: ha", b"lf\n\n"]
    scene = stage("record", Script(pieces, headers=HEADERS), response_bytes_max=len(CREATED) + 4)

    answer = await scene.ask(a_request())

    assert b"".join(await rest(answer.tail)) == b"".join(pieces)
    assert scene.told == [("not_stored", 200, True)]


async def test_an_event_that_ends_in_carriage_returns_is_whole_without_framing() -> None:
    scene = stage("record", Script([b"data: 1\r\r"], headers=HEADERS))

    answer = await scene.ask(a_request())

    assert await rest(answer.tail) == [b"data: 1\r\r"]
    assert scene.told == [("recorded", 200, True)]


async def test_what_came_after_done_is_passed_on_and_kept_though_it_is_torn() -> None:
    torn = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream is gone.")
    scene = stage("record", Script([CREATED + DONE, b": ha"], headers=CHUNKED, torn=torn))

    answer = await scene.ask(a_request())

    assert await rest(answer.tail) == [CREATED, DONE + b": ha"]
    assert [body for _, _, body in scene.kept] == [CREATED + DONE + b": ha"]


async def test_pings_after_done_keep_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "AFTER_DONE_S_MAX", 0.01)
    scene = stage("record", Script(chain([CREATED, DONE], repeat(PING)), headers=CHUNKED))

    answer = await scene.ask(a_request())
    came = await rest(answer.tail)

    assert came[0] == CREATED
    assert came[1].startswith(DONE + PING)
    assert scene.told == [("recorded", 200, True)]


async def test_a_stream_that_goes_on_after_its_client_left_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "AFTER_LEAVING_S_MAX", 0.01)
    left = asyncio.Event()
    scene = stage("record", Script(chain([CREATED], repeat(PING)), headers=CHUNKED))

    answer = await scene.ask(a_request(), client_disconnected=left.is_set)
    assert answer.tail is not None
    await anext(answer.tail)
    left.set()
    with pytest.raises(UpstreamFailed, match="client had left"):
        await rest(answer.tail)

    assert scene.received == []
    assert scene.upstream.closed == 1
    assert scene.told == [("failed", 200, True)]


async def test_a_stream_that_the_proxy_stops_is_told_and_frees_its_recording() -> None:
    old = an_interaction(response=Response(200, HEADERS, b"data: old\n\n", (1,)))
    never = asyncio.Event()
    scene = stage("record", Script([CREATED, never], headers=CHUNKED), recorded=(old,))

    answer = await scene.ask(a_request())
    assert answer.tail is not None
    await anext(answer.tail)
    await answer.tail.aclose()
    await scene.session.close()

    assert [body for _, _, body in scene.received] == [b"data: old\n\n"]
    assert scene.told == [("failed", 200, True)]
    assert scene.events[0].reason == "the proxy stopped before the stream was complete"
    assert scene.upstream.closed == 1


@pytest.mark.parametrize(
    ("coding", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15), ("x-gzip", 31)]
)
async def test_the_end_of_a_coded_stream_waits_until_it_is_durable(coding: str, wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    flush = zlib.Z_SYNC_FLUSH
    first = packer.compress(CREATED) + packer.flush(flush)
    second = packer.compress(DONE) + packer.flush(flush)
    third = packer.flush()
    headers = (*CHUNKED, ("Content-Encoding", coding))
    store = HeldStore()
    scene = stage("record", Script([first, 0.5, second, third], headers=headers), store=store)
    answer = await scene.ask(a_request())
    assert answer.tail is not None
    store.holds()

    came = await anext(answer.tail)
    last = asyncio.ensure_future(anext(answer.tail))
    await begun(store)
    early = last.done()
    store.let.set()

    assert (came, early, await last) == (first, False, second + third)
    await rest(answer.tail)
    events = scene.documents[0]["response"]["body"]["events"]
    assert [event["at_ms"] for event in events] == [250, 750]


async def test_a_large_stream_is_looked_at_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    look = Recorder.interaction

    def watched(self: Recorder, exchange: Exchange) -> Redacted[Interaction] | str:
        threads.append(threading.current_thread())
        return look(self, exchange)

    monkeypatch.setattr(Recorder, "interaction", watched)
    event = b'data: {"a":"' + b"x" * 70_000 + b'"}\n\n'
    scene = stage("record", Script([DONE]), Script([event + DONE], headers=CHUNKED))

    await scene.ask(a_request())
    await rest((await scene.ask(a_request())).tail)

    assert [thread is threading.main_thread() for thread in threads] == [True, False]
    assert [body for _, _, body in scene.kept] == [DONE, event + DONE]
