"""Streams on raw sockets: events as they come, framing, clients and upstreams that leave."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runreel.server import exchange as exchange_module
from servers import Cut, Proxy, RawUpstream, Received, http
from wire import Wire, exchange, get, post

RUNS = "/v1/threads/thread_abc123/runs"
ASKED = post(RUNS, b'{"assistant_id":"asst_abc123","stream":true}')
CREATED = b'event: thread.run.created\ndata: {"id":"run_1"}\n\n'
DELTA = b'event: thread.message.delta\ndata: {"delta":{"a":"Hi"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
STREAM = CREATED + DELTA + DONE
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Hand:
    """Sends the events of a stream when it is told to: one for each `next`."""

    def __init__(self, upstream: RawUpstream, *pieces: bytes) -> None:
        self.pieces = pieces
        self.finished = asyncio.Event()
        self._turns = asyncio.Semaphore(0)
        upstream.answer = self._answer

    def next(self, count: int = 1) -> None:
        for _ in range(count):
            self._turns.release()

    def _answer(self, _: Received) -> AsyncIterator[bytes]:
        return self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            await self._turns.acquire()
            yield piece
        self.finished.set()


async def read_event(wire: Wire) -> bytes:
    """One chunk of a chunked body."""
    size = int(await wire.reader.readuntil(b"\r\n"), 16)
    return (await wire.reader.readexactly(size + 2))[:-2]


def interactions(folder: Path) -> list[dict[str, Any]]:
    document = json.loads((folder / "default.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = document["interactions"]
    return found


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("mode", ["record", "new_episodes", "passthrough"])
async def test_each_event_arrives_before_the_upstream_sends_the_next(
    mode: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    hand = Hand(upstream, HEAD + chunk(CREATED), chunk(DELTA), chunk(DONE) + END)
    async with proxy(mode=mode, upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        came = []
        for count in range(3):
            hand.next()
            if count == 0:
                head = await wire.reader.readuntil(b"\r\n\r\n")
            came.append(await read_event(wire))
        end = await wire.reader.readexactly(len(END))
        await wire.close()

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Transfer-Encoding: chunked\r\n" in head
    assert b"X-Runreel-Source: upstream\r\n" in head
    assert b"X-Runreel-Recorded" not in head
    assert (came, end) == ([CREATED, DELTA, DONE], END)


async def test_a_recorded_stream_is_replayed_byte_for_byte(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda _: HEAD + chunk(STREAM) + END
    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, ASKED)
    async with proxy() as running:
        replayed = await exchange(running.url, ASKED)

    assert (live.body, replayed.body) == (STREAM, STREAM)
    assert replayed.values("content-type") == ["text/event-stream; charset=utf-8"]
    assert replayed.values("x-runreel-source") == ["replay"]
    (kept,) = interactions(tmp_path)
    assert kept["operation"] == "createRun"
    first, second, third = kept["response"]["body"]["events"]
    assert first["data"] == {"id": "run_1"}
    assert second["event"] == "thread.message.delta"
    assert third["text"] == "event: done\ndata: [DONE]\n\n"


async def test_events_replayed_at_a_pace_arrive_one_by_one(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: HEAD + chunk(STREAM) + END
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, ASKED)
    async with proxy(replay__latency=1) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        head = await wire.reader.readuntil(b"\r\n\r\n")
        came = [await read_event(wire) for _ in range(3)]
        await wire.close()

    assert b"Transfer-Encoding: chunked\r\n" in head
    assert came == [CREATED, DELTA, DONE]


async def test_a_stream_with_a_length_does_not_look_complete_before_it_is_kept(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [("Content-Type", "text/event-stream")], STREAM)
    async with proxy(mode="record", upstream=upstream.url) as running:
        reply = await exchange(running.url, ASKED)

    assert (reply.framing, reply.body) == ("chunked", STREAM)


async def test_a_client_of_http_1_0_gets_a_stream_up_to_the_end_of_the_connection(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: HEAD + chunk(STREAM) + END
    async with proxy(mode="record", upstream=upstream.url) as running:
        reply = await exchange(running.url, ASKED.replace(b"HTTP/1.1", b"HTTP/1.0", 1))

    assert (reply.framing, reply.body) == ("close", STREAM)


async def test_a_client_that_leaves_at_done_has_its_stream_recorded(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    hand = Hand(upstream, HEAD + chunk(STREAM) + END)
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        hand.next()
        await wire.reader.readuntil(DONE)
        await wire.close()
    async with proxy() as running:
        replayed = await exchange(running.url, ASKED)

    assert "client" not in interactions(tmp_path)[0]
    assert replayed.body == STREAM


async def test_a_client_that_leaves_in_the_middle_has_its_stream_recorded_and_played(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    hand = Hand(upstream, HEAD + chunk(CREATED), chunk(DELTA), chunk(DONE) + END)
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        hand.next()
        await wire.reader.readuntil(CREATED)
        await wire.close()
        hand.next(2)
        await hand.finished.wait()
    async with proxy() as running:
        replayed = await exchange(running.url, ASKED)

    (kept,) = interactions(tmp_path)
    assert ("client" in kept, len(kept["response"]["body"]["events"])) == (False, 3)
    assert replayed.body == STREAM
    assert len(upstream.received) == 1


async def test_a_client_that_leaves_at_the_head_has_its_stream_recorded(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    hand = Hand(upstream, HEAD, chunk(CREATED), chunk(DONE) + END)
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        hand.next()
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.close()
        await exchange(running.url, get("/_runreel/health"))  # it has noticed
        hand.next(2)
        await hand.finished.wait()

    assert ["client" in item for item in interactions(tmp_path)] == [False]


async def test_a_client_that_leaves_before_the_head_has_its_stream_kept_and_never_played(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    arrived, more = asyncio.Event(), asyncio.Event()

    async def stream(_: Received) -> bytes:
        arrived.set()
        await more.wait()
        return HEAD + chunk(STREAM) + END

    upstream.answer = stream
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        await arrived.wait()
        await wire.close()
        await exchange(running.url, get("/_runreel/health"))  # it has noticed
        more.set()

    assert [item["client"] for item in interactions(tmp_path)] == ["gone"]


@pytest.mark.parametrize("tear", [b"", b"ff\r\nda"])
async def test_a_stream_that_the_upstream_tears_is_torn_and_nothing_is_kept(
    tear: bytes, proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda _: Cut(HEAD + chunk(CREATED) + chunk(DELTA) + tear)
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        raw = await wire.read_to_the_end()
        await wire.close()

    assert not raw.endswith(END)
    assert files(tmp_path) == []
    assert len(upstream.received) == 1


BIG = b": " + b"x" * 60_000 + b"\n\n"


class Flood:
    """A stream that fills every buffer on its way."""

    def __init__(self, upstream: RawUpstream) -> None:
        self.sent = 0
        self.finished = asyncio.Event()
        upstream.answer = lambda _: self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        yield HEAD
        for self.sent in range(200):
            yield chunk(BIG)
        self.finished.set()
        yield chunk(DONE) + END

    async def stands(self) -> None:
        """Return when nothing moves any more."""
        before = -1
        while before != self.sent:
            before = self.sent
            for _ in range(1_000):
                await asyncio.sleep(0)


async def test_a_client_that_leaves_without_reading_has_its_stream_kept(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    flood = Flood(upstream)
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        await wire.reader.readuntil(b"\r\n\r\n")
        await flood.stands()
        wire.writer.transport.abort()
        await flood.finished.wait()

    (kept,) = interactions(tmp_path)
    assert ("client" in kept, len(kept["response"]["body"]["events"])) == (False, 201)


async def test_a_client_that_takes_nothing_is_let_go_and_its_stream_kept(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_module, "STALL_S_MAX", 0.05)
    flood = Flood(upstream)
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(ASKED)
        await flood.finished.wait()
        await wire.close()

    (kept,) = interactions(tmp_path)
    assert ("client" in kept, len(kept["response"]["body"]["events"])) == (False, 201)
