"""Calls to the upstream: none in replay, kept in order of arrival.

And no more of them at once, nor any of them for longer, than the configuration says.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.messages import Request
from runreel.server.upstream import Connections, HttpUpstream, UpstreamOptions, http_upstream
from servers import Answered, Cut, Proxy, RawUpstream, Received, http
from wire import Wire, exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'
OK = http(200, [], b"answer")


async def test_replay_creates_no_client(
    proxy: Proxy, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a client in replay")

    monkeypatch.setattr(Connections, "__init__", refuse)
    async with proxy(mode="replay", upstream=upstream.url) as running:
        hit = await exchange(running.url, post(PATH, BODY))
        miss = await exchange(running.url, post(PATH, b"{}"))

    assert (hit.status, miss.status) == (200, 424)
    assert len(upstream.received) == 1


async def test_answers_that_come_in_reverse_are_stored_in_the_order_of_arrival(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def first_waits_for_the_second(target: str) -> bytes:
        if target == "/v1/first":
            arrived.set()
            await go.wait()
        return OK

    upstream.answer = lambda received: first_waits_for_the_second(received.target)

    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(get("/v1/first"))
        await arrived.wait()
        late = await exchange(running.url, get("/v1/second"))
        go.set()
        early = await wire.read()
        await wire.close()

    assert (early.status, late.status) == (200, 200)
    document = json.loads((tmp_path / "default.json").read_text(encoding="utf-8"))
    targets = [item["request"]["target"] for item in document["interactions"]]
    assert targets == ["/v1/first", "/v1/second"]


class TestAtOnce:
    """`limits.upstream_calls_max`."""

    async def test_one_call_too_many_is_refused_and_may_be_tried_again(
        self, proxy: Proxy, upstream: RawUpstream
    ) -> None:
        arrived, release = asyncio.Event(), asyncio.Event()

        async def held(_: Received) -> bytes:
            arrived.set()
            await release.wait()
            return OK

        upstream.answer = held
        settings = {"mode": "record", "upstream": upstream.url, "limits__upstream_calls_max": 1}
        async with proxy(**settings) as running:
            first = asyncio.ensure_future(exchange(running.url, get("/v1/first")))
            await arrived.wait()
            refused = await exchange(running.url, get("/v1/second"))
            release.set()
            answered = await first
            again = await exchange(running.url, get("/v1/second"))
            receipt = running.receipt()

        error = json.loads(refused.body)["error"]
        assert (refused.status, error["code"]) == (503, "too_many_calls")
        assert "limits.upstream_calls_max" in error["message"]
        assert refused.values("retry-after") == ["1"]
        assert refused.values("x-should-retry") == []
        assert refused.values("x-runreel-recorded") == ["no"]
        assert (answered.status, again.status) == (200, 200)
        assert [received.target for received in upstream.received] == ["/v1/first", "/v1/second"]
        assert (receipt["recorded"], receipt["upstream_calls"]) == (2, 2)

    async def test_what_is_replayed_is_no_call(self, proxy: Proxy, upstream: RawUpstream) -> None:
        settings = {"upstream": upstream.url, "limits__upstream_calls_max": 1}
        async with proxy(mode="record", **settings) as running:
            await exchange(running.url, post(PATH, BODY))
        arrived, release = asyncio.Event(), asyncio.Event()

        async def held(_: Received) -> bytes:
            arrived.set()
            await release.wait()
            return OK

        upstream.answer = held
        async with proxy(mode="new_episodes", **settings) as running:
            live = asyncio.ensure_future(exchange(running.url, get("/v1/new")))
            await arrived.wait()
            replayed = await exchange(running.url, post(PATH, BODY))
            release.set()
            await live

        assert (replayed.status, replayed.values("x-runreel-source")) == (200, ["replay"])

    @pytest.mark.parametrize(
        "answer",
        [
            OK,
            None,
            Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            b"HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 9\r\n\r\nhalf",
            http(200, [], b"too long to be kept"),
            b"",
        ],
        ids=["whole", "none", "torn", "malformed", "long", "silent"],
    )
    async def test_a_call_that_ended_in_any_way_makes_room(
        self, proxy: Proxy, upstream: RawUpstream, answer: Answered
    ) -> None:
        upstream.answer = lambda _: answer
        settings = {
            "mode": "passthrough",
            "upstream": upstream.url,
            "upstream_options__read_timeout_s": 0.1,
            "limits__upstream_calls_max": 1,
            "limits__response_body_bytes_max": 10,
        }

        async with proxy(**settings) as running:
            await exchange(running.url, get("/v1/first"))
            upstream.answer = lambda _: OK
            reply = await exchange(running.url, get("/v1/second"))

        assert (reply.status, reply.body) == (200, b"answer")

    async def test_a_call_whose_client_leaves_in_its_middle_makes_room(
        self, proxy: Proxy, upstream: RawUpstream
    ) -> None:
        endless = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 100_000
        upstream.answer = lambda _: endless
        settings = {
            "mode": "passthrough",
            "upstream": upstream.url,
            "upstream_options__read_timeout_s": 0.1,
            "limits__upstream_calls_max": 1,
            "limits__response_body_bytes_max": 10,
        }

        async with proxy(**settings) as running:
            wire = await Wire.open(running.url)
            wire.writer.write(get("/v1/first"))
            await wire.reader.readexactly(1_000)
            wire.writer.transport.abort()
            upstream.answer = lambda _: OK
            statuses = []
            while 200 not in statuses:
                statuses.append((await exchange(running.url, get("/v1/second"))).status)

        assert set(statuses) <= {503, 200}


@asynccontextmanager
async def client(url: str, total_timeout_s: float | None = None) -> AsyncIterator[HttpUpstream]:
    options = UpstreamOptions(url, (), 5, 1_000, total_timeout_s, calls_max=10)
    async with http_upstream(options) as found:
        yield found


class TestForHowLong:
    """`upstream_options.total_timeout_s`, and a stop."""

    async def test_a_head_may_not_take_longer_than_the_whole_call(
        self, upstream: RawUpstream
    ) -> None:
        upstream.answer = lambda _: b""

        async with client(upstream.url, total_timeout_s=0.1) as found:
            with pytest.raises(UpstreamFailed) as failed:
                await found.send(Request("GET", "/v1/x"))

        assert failed.value.fault is UpstreamFault.TIMEOUT
        assert "upstream_options.total_timeout_s" in str(failed.value)

    async def test_a_body_may_not_take_longer_than_the_whole_call(
        self, upstream: RawUpstream
    ) -> None:
        upstream.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"

        async with client(upstream.url, total_timeout_s=0.1) as found:
            came = await found.send(Request("GET", "/v1/x"))
            first = await anext(came.chunks)
            with pytest.raises(UpstreamFailed) as failed:
                await anext(came.chunks)

        assert (first, failed.value.fault) == (b"half", UpstreamFault.TIMEOUT)
        assert "upstream_options.total_timeout_s" in str(failed.value)

    async def test_the_time_of_a_call_runs_while_nobody_reads(self, upstream: RawUpstream) -> None:
        upstream.answer = lambda _: OK

        async with client(upstream.url, total_timeout_s=0.1) as found:
            came = await found.send(Request("GET", "/v1/x"))
            await found.stop(patience_s=0.2)  # longer than the call may take
            with pytest.raises(UpstreamFailed):
                await anext(came.chunks)

    async def test_a_stop_waits_for_calls_that_end(self, upstream: RawUpstream) -> None:
        upstream.answer = lambda _: OK

        async with client(upstream.url) as found:
            came = await found.send(Request("GET", "/v1/x"))
            stopping = asyncio.ensure_future(found.stop(patience_s=5))
            body = b"".join([chunk async for chunk in came.chunks])
            await stopping

        assert body == b"answer"

    async def test_a_stop_ends_calls_that_do_not(self, upstream: RawUpstream) -> None:
        upstream.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"

        async with client(upstream.url) as found:
            came = await found.send(Request("GET", "/v1/x"))
            await anext(came.chunks)
            reading = asyncio.ensure_future(anext(came.chunks))
            await found.stop(patience_s=0.05)
            with pytest.raises(UpstreamFailed) as failed:
                await reading

        assert (failed.value.fault, failed.value.sent) == (UpstreamFault.STOPPED, True)

    async def test_after_a_stop_nothing_is_sent(self, upstream: RawUpstream) -> None:
        async with client(upstream.url) as found:
            await found.stop(patience_s=0.05)
            with pytest.raises(UpstreamFailed) as failed:
                await found.send(Request("GET", "/v1/x"))

        assert (failed.value.fault, failed.value.sent) == (UpstreamFault.STOPPED, False)
        assert upstream.received == []
