"""How long a proxy waits, and for whom: checks that any proxy can be put to, in no time.

Each takes the URL of a proxy and the upstream behind it, and raises AssertionError. The times are
those that a proxy has by itself: the clock of the event loop jumps over them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import monotonic

import pytest

from faults.judging import connection, is_ours, later, soon
from servers import RawUpstream, Received, http
from wire import exchange, get, post


async def a_head_that_never_ends_is_not_waited_for(url: str, upstream: RawUpstream) -> None:
    async with connection(url) as wire:
        wire.writer.write(b"GET /v1/x HTTP/1.1\r\nHost: local")
        healthy = await exchange(url, get("/v1/healthy"))
        later(seconds=20)
        rest = await soon(wire.read_to_the_end())

    assert rest == b""
    assert healthy.status == 200
    assert len(upstream.received) == 1


async def a_body_that_never_ends_is_not_waited_for(url: str, upstream: RawUpstream) -> None:
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(connection(url)) for _ in range(20)]
        for wire in slow:
            wire.writer.write(post("/v1/slow", b"{}")[:-1])
        healthy = await exchange(url, post("/v1/healthy", b"{}"))
        later(seconds=40)
        replies = [await soon(wire.read()) for wire in slow]

    assert healthy.status == 200
    for reply in replies:
        is_ours(reply, 408, "request_timeout")
        assert reply.values("connection") == ["close"]
    assert [received.target for received in upstream.received] == ["/v1/healthy"]


async def a_call_may_take_almost_ten_minutes(url: str, upstream: RawUpstream) -> None:
    async def takes_its_time(_: Received) -> bytes:
        later(seconds=590)
        await exchange(url, get("/_runreel/health"))
        return http(200, [], b"answer")

    upstream.answer = lambda received: (
        http(200, [], b"well") if "health" in received.target else takes_its_time(received)
    )

    reply = await exchange(url, get("/v1/x"))

    assert (reply.status, reply.body) == (200, b"answer")


async def an_upstream_that_stays_silent_is_given_up(url: str, upstream: RawUpstream) -> None:
    arrived = asyncio.Event()

    def stays_silent(_: Received) -> bytes:
        arrived.set()
        return b""

    upstream.answer = stays_silent
    async with connection(url) as wire:
        wire.writer.write(get("/v1/x"))
        await arrived.wait()
        later(seconds=660)
        reply = await soon(wire.read())

    is_ours(reply, 504, "upstream_timeout")


async def a_connection_that_was_idle_for_long_is_not_used_again(
    url: str, upstream: RawUpstream
) -> None:
    with pytest.MonkeyPatch.context() as clock:
        await exchange(url, get("/v1/before"))
        later(seconds=5)
        clock.setattr("aiohttp.connector.monotonic", lambda: monotonic() + 5)
        await exchange(url, post("/v1/x", b"{}"))

    assert [received.method for received in upstream.received] == ["GET", "POST"]
    assert upstream.connections == 2


async def a_client_that_leaves_does_not_end_its_call(url: str, upstream: RawUpstream) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def held(received: Received) -> bytes:
        if received.target == "/v1/left":
            arrived.set()
            await release.wait()
        return http(200, [], b"answer")

    upstream.answer = held
    async with connection(url) as wire:
        wire.writer.write(get("/v1/left"))
        await arrived.wait()
    await exchange(url, get("/v1/while"))
    release.set()
    await exchange(url, get("/v1/after"))

    assert [received.target for received in upstream.deserted] == []


async def an_event_is_passed_on_before_the_next_one_comes(url: str, upstream: RawUpstream) -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    first, last = b"event: thread.run.created\ndata: {}\n\n", b"event: done\ndata: [DONE]\n\n"
    release = asyncio.Event()

    async def events(_: Received) -> AsyncIterator[bytes]:
        yield head + b"%x\r\n%b\r\n" % (len(first), first)
        await release.wait()
        yield b"%x\r\n%b\r\n0\r\n\r\n" % (len(last), last)

    upstream.answer = events
    async with connection(url) as wire:
        wire.writer.write(get("/v1/x"))
        try:
            await soon(wire.reader.readuntil(first))
        finally:
            release.set()
        await soon(wire.reader.readuntil(last))
