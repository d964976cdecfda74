"""Answers that are torn, and clients that leave: nothing torn looks whole, nothing leaks."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from builders import a_request
from fakes import Script
from runreel.engine.call import Answer
from runreel.server.exchange import write
from runreel.sessions.events import Outcome
from servers import Cut, Proxy, RawUpstream, http
from stages import RECORDED, A, shown, stage
from wire import Wire, exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'
HALF = b"0123456789" * 500


_OUTCOMES = "|".join((*(outcome.word for outcome in Outcome), "left"))


class WatchedLog(io.StringIO):
    """A log that tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.written.set()
        return super().write(text)

    @property
    def outcomes(self) -> list[str]:
        found = (re.search(_OUTCOMES, line) for line in self.getvalue().splitlines())
        return [one[0] for one in found if one]


@pytest.fixture
def log() -> WatchedLog:
    return WatchedLog()


TORN = {
    "length": Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + HALF),
    "chunked": Cut(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + HALF + b"\r\n"
    ),
}


@pytest.mark.parametrize("framing", TORN)
@pytest.mark.parametrize("mode", ["record", "passthrough"])
async def test_a_long_body_that_is_torn_never_looks_complete(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog, framing: str, mode: str
) -> None:
    upstream.answer = lambda _: TORN[framing]

    async with proxy(
        mode=mode, upstream=upstream.url, limits__response_body_bytes_max=1_000
    ) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(post(PATH, BODY))
        head = await wire.reader.readuntil(b"\r\n\r\n")
        rest = await wire.read_to_the_end()
        await wire.close()

    assert head.startswith(b"HTTP/1.1 200 ")
    if framing == "length":
        assert b"Content-Length: 9000" in head
        assert rest == HALF
    else:
        assert b"Transfer-Encoding: chunked" in head
        assert rest.startswith(b"1388\r\n" + HALF)
        assert b"\r\n0\r\n" not in rest
    assert log.outcomes == ["not stored" if mode == "record" else "forwarded"]


async def test_a_torn_body_whose_end_is_the_end_of_the_connection_ends_with_a_reset(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: TORN["chunked"]

    async with proxy(
        mode="passthrough", upstream=upstream.url, limits__response_body_bytes_max=1_000
    ) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(b"GET /v1/x HTTP/1.0\r\nHost: localhost\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await wire.read_to_the_end()
        wire.writer.transport.abort()


@pytest.mark.parametrize(
    "begun",
    [
        post(PATH, BODY)[:-1],
        b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
async def test_a_request_that_is_never_finished_is_not_forwarded(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog, begun: bytes
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(begun)
        await exchange(running.url, get("/v1/before"))
        wire.writer.transport.abort()
        await exchange(running.url, get("/v1/after"))

    assert [received.target for received in upstream.received] == ["/v1/before", "/v1/after"]
    assert sorted(log.outcomes) == ["left", "recorded", "recorded"]


@asynccontextmanager
async def endless_upstream(ended: asyncio.Event) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            ended.set()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_the_upstream_is_let_go_when_the_client_leaves_within_a_long_body(
    proxy: Proxy, log: WatchedLog
) -> None:
    ended = asyncio.Event()

    async with (
        endless_upstream(ended) as url,
        proxy(mode="passthrough", upstream=url, limits__response_body_bytes_max=1_000) as running,
    ):
        wire = await Wire.open(running.url)
        wire.writer.write(get("/v1/x"))
        await wire.reader.readexactly(100_000)
        wire.writer.transport.abort()
        await ended.wait()

    assert log.outcomes == ["forwarded"]


async def test_a_body_that_head_or_204_cannot_have_is_not_waited_for(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        replies = [await wire.send(get("/v1/x")) for _ in range(2)]
        await wire.close()

    assert [(reply.status, reply.values("content-length")) for reply in replies] == [
        (204, []),
        (204, []),
    ]


async def _write_to_nobody(answer: Answer, after: Callable[[], None]) -> bytes:
    """Write an answer to a client that is gone; what the client saw all the same."""

    async def client_is_gone(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        response = await write(request, answer)
        after()
        return response

    app = web.Application()
    app.router.add_get("/", client_is_gone)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    wire = await Wire.open(f"http://127.0.0.1:{runner.addresses[0][1]}")
    wire.writer.write(get("/"))
    seen = await wire.read_to_the_end()
    await wire.close()
    await runner.cleanup()
    return seen


async def test_a_recording_whose_client_left_before_the_head_can_be_played_again() -> None:
    scene = stage("replay", recorded=(RECORDED,))
    unsent = await scene.ask(a_request(A), sent=False)

    seen = await _write_to_nobody(unsent, lambda: None)
    again = await scene.ask(a_request(A))

    assert seen == b""
    assert shown(again) == ("replay", 200, b"old", None)


async def test_a_long_body_whose_client_left_before_the_head_lets_the_upstream_go() -> None:
    scene = stage("passthrough", Script([b"aaaa", b"bbbb"]), response_bytes_max=3)
    closed: list[int] = []
    answer = await scene.ask(a_request(A))

    seen = await _write_to_nobody(answer, lambda: closed.append(scene.upstream.closed))

    assert (seen, closed) == (b"", [1])
