"""What runreel is measured against, each a process of its own on one core.

    python tests/benchmarks/bare.py application|protocol|upstream|streams ANSWERS.json [--uvloop]
    python tests/benchmarks/bare.py proxy http://HOST:PORT [--uvloop]

`application` is aiohttp with a dictionary of answers by method, target and body, `protocol` the
same on an asyncio.Protocol with httptools, the most that Python can do here; `proxy` is an aiohttp
server that sends each request on with aiohttp's client and records nothing; `upstream` answers all
by one body, `streams` too, but for paths that end in /stream, which get 20 events in a second. Each
prints its port.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import cast

import aiohttp
import httptools
from aiohttp import web


def answers(path: str) -> dict[tuple[str, str, bytes], bytes]:
    return {
        (method, target, body.encode("latin-1")): answer.encode("latin-1")
        for method, target, body, answer in json.loads(Path(path).read_text("utf-8"))
    }


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def on_aiohttp(handler: Handler) -> int:
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


async def application(path: str) -> int:
    known = answers(path)

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        return web.Response(
            body=known[request.method, request.raw_path, body], content_type="application/json"
        )

    return await on_aiohttp(handler)


async def proxy(upstream: str) -> int:
    session = aiohttp.ClientSession(auto_decompress=False)

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        headers = request.headers.copy()
        headers.popall("Host", None)
        async with session.request(
            request.method, upstream + request.raw_path, data=body, headers=headers
        ) as answer:
            read = await answer.read()
            headers = answer.headers.copy()
            for name in ("Content-Length", "Date", "Server", "Transfer-Encoding"):
                headers.popall(name, None)
            return web.Response(status=answer.status, body=read, headers=headers)

    return await on_aiohttp(handler)


class _Protocol(asyncio.Protocol):
    def __init__(self, reply: Callable[[str, str, bytes], bytes]) -> None:
        self._reply = reply
        self._parser = httptools.HttpRequestParser(self)
        self._target = self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of no such class

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._target, self._body = url, b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        self._transport.write(self._reply(method, self._target.decode(), self._body))


def _whole(body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"x-request-id: req_0123456789abcdef\r\nopenai-version: 2020-10-01\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )


async def protocol(path: str) -> int:
    known = {key: _whole(body) for key, body in answers(path).items()}
    return await _listen(lambda method, target, body: known[method, target, body])


async def upstream(path: str) -> int:
    reply = _whole(next(iter(answers(path).values())))
    return await _listen(lambda _method, _target, _body: reply)


EVENTS = 20
EVENT_EVERY_S = 0.05
EVENT = b'event: thread.message.delta\ndata: {"delta":{"text":"%d"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"


class _Streams(_Protocol):
    def on_message_complete(self) -> None:
        if not self._target.endswith(b"/stream"):
            super().on_message_complete()
            return
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        self._send(0)

    def _send(self, number: int) -> None:
        last = number == EVENTS
        event = DONE if last else EVENT % number
        end = b"0\r\n\r\n" if last else b""
        self._transport.write(b"%x\r\n%b\r\n%b" % (len(event), event, end))
        if not last:
            asyncio.get_running_loop().call_later(EVENT_EVERY_S, self._send, number + 1)


async def streams(path: str) -> int:
    reply = _whole(next(iter(answers(path).values())))
    loop = asyncio.get_running_loop()
    made = partial(_Streams, lambda _method, _target, _body: reply)
    server = await loop.create_server(made, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def _listen(reply: Callable[[str, str, bytes], bytes]) -> int:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Protocol(reply), "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


async def main(kind: str, argument: str) -> None:
    starts = {
        "application": application,
        "proxy": proxy,
        "protocol": protocol,
        "upstream": upstream,
        "streams": streams,
    }
    print(await starts[kind](argument), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.run(main(*sys.argv[1:3]))
    else:
        asyncio.run(main(*sys.argv[1:3]))
