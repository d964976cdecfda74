"""A stream through the recording proxy, seen by the real npm `openai` package as it happens.

The newest only: 4.x keeps an event to itself until the first byte of the next one, with or without
a proxy.
"""

import asyncio
import json
from collections.abc import AsyncIterator

from clients.calls import CREATION, Call, on_thread
from clients.node_calls import NEWEST, node, node_prints
from servers import Proxy, RawUpstream, Received

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
CREATED = b'event: thread.run.created\ndata: {"id":"run_abc123"}\n\n'
COMPLETED = b'event: thread.run.completed\ndata: {"id":"run_abc123"}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
STREAMED: Call = on_thread("create", params=CREATION | {"stream": True})


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_the_first_event_reaches_the_package_before_the_upstream_sends_the_second(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    seen = asyncio.Event()

    async def held(_: Received) -> AsyncIterator[bytes]:
        yield HEAD + _chunk(CREATED)
        await seen.wait()
        yield _chunk(COMPLETED) + _chunk(DONE) + _chunk(b"")

    upstream.answer = held

    async with (
        proxy(mode="record", upstream=upstream.url) as running,
        node(NEWEST, running.url, STREAMED) as process,
    ):
        assert process.stdout is not None
        first = await process.stdout.readline()
        seen.set()
        rest = await process.stdout.read()
    await upstream.stop()
    async with proxy(mode="replay") as running:
        replayed = await node_prints(NEWEST, running.url, STREAMED)

    recorded = [json.loads(line) for line in (first, *rest.splitlines())]
    assert recorded == [
        {"event": {"event": "thread.run.created", "data": {"id": "run_abc123"}}},
        {"event": {"event": "thread.run.completed", "data": {"id": "run_abc123"}}},
    ]
    assert replayed == recorded
