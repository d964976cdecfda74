"""The way to the upstream: its failures by name, sent once, and nothing from the environment."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.messages import Request
from runreel.server.upstream import HttpUpstream, UpstreamOptions, http_upstream
from servers import Cut, Proxy, RawUpstream, http
from wire import Reply, exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'
OK = http(200, [], b"answer")


def error_of(reply: Reply) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reply.body)["error"]
    return document


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def to(
    url: str,
    connect_timeout_s: float = 5,
    read_timeout_s: float = 5,
    total_timeout_s: float | None = None,
    calls_max: int = 10,
) -> AsyncIterator[HttpUpstream]:
    options = UpstreamOptions(
        url, (), connect_timeout_s, read_timeout_s, total_timeout_s, calls_max
    )
    async with http_upstream(options) as client:
        yield client


def open_connections(client: HttpUpstream) -> int:
    return len(client.connections.in_use)


FAILURES = {
    "closes before the head": (None, "upstream_disconnected"),
    "closes in the head": (Cut(b"HTTP/1.1 200 OK\r\nConte"), "upstream_disconnected"),
    "ends short of its length": (
        Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        "upstream_disconnected",
    ),
    "ends before its last chunk": (
        Cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        "upstream_disconnected",
    ),
    "ends within a chunk": (
        Cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"),
        "upstream_disconnected",
    ),
    "is no HTTP": (Cut(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "upstream_malformed"),
    "has two lengths": (
        Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        "upstream_malformed",
    ),
    "has two framings": (
        Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        "upstream_malformed",
    ),
    "is compressed on the way": (
        Cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        "upstream_malformed",
    ),
    "changes the protocol": (
        Cut(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "upstream_malformed",
    ),
    "has no real status": (
        Cut(b"HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n"),
        "upstream_malformed",
    ),
    "has control characters": (
        Cut(b"HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 0\r\n\r\n"),
        "upstream_malformed",
    ),
}


@pytest.mark.parametrize("how", FAILURES)
async def test_an_answer_that_fails_is_a_named_error_and_nothing_is_recorded(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, how: str
) -> None:
    answer, slug = FAILURES[how]
    upstream.answer = lambda _: answer

    async with proxy(mode="record", upstream=upstream.url) as running:
        reply = await exchange(running.url, post(PATH, BODY))
        receipt = running.receipt()

    assert (reply.status, error_of(reply)["code"]) == (502, slug)
    assert reply.values("x-runreel-source") == ["proxy"]
    assert reply.values("x-runreel-recorded") == ["no"]
    assert reply.values("x-should-retry") == []
    assert [received.body for received in upstream.received] == [BODY]
    assert not (tmp_path / "default.json").exists()
    assert (receipt["recorded"], receipt["upstream_calls"]) == (0, 1)


async def test_an_upstream_that_refuses_connections_is_named(proxy: Proxy, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}"

    async with proxy(mode="record", upstream=url) as running:
        reply = await exchange(running.url, post(PATH, BODY))

    assert (reply.status, error_of(reply)["code"]) == (502, "upstream_unreachable")
    assert url in error_of(reply)["message"]
    assert not (tmp_path / "default.json").exists()


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"], ids=["head", "body"]
)
async def test_an_upstream_that_falls_silent_times_out(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, answer: bytes
) -> None:
    upstream.answer = lambda _: answer

    async with proxy(
        mode="record", upstream=upstream.url, upstream_options__read_timeout_s=0.05
    ) as running:
        reply = await exchange(running.url, post(PATH, BODY))

    assert (reply.status, error_of(reply)["code"]) == (504, "upstream_timeout")
    assert "upstream_options.read_timeout_s" in error_of(reply)["message"]
    assert len(upstream.received) == 1
    assert not (tmp_path / "default.json").exists()


async def test_an_upstream_that_accepts_no_connection_times_out() -> None:
    with socket.socket() as listening, socket.socket() as queued:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        queued.connect(listening.getsockname())  # the queue of connections is full now
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        async with to(url, connect_timeout_s=0.05) as client:
            with pytest.raises(UpstreamFailed) as caught:
                await client.send(Request("POST", "/v1/x", (), b"x"))

    assert caught.value.fault is UpstreamFault.TIMEOUT
    assert "upstream_options.connect_timeout_s" in str(caught.value)


async def test_an_upstream_that_stops_reading_times_out() -> None:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        async with to(url, connect_timeout_s=0.1, read_timeout_s=0.1) as client:
            with pytest.raises(UpstreamFailed) as caught:
                await client.send(Request("POST", "/v1/x", (), b"x" * 16_000_000))
            left = open_connections(client)

    assert caught.value.fault is UpstreamFault.TIMEOUT
    assert left == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_is_sent_once_even_if_a_used_connection_breaks(
    proxy: Proxy, upstream: RawUpstream, method: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        upstream.answer = lambda _: OK
        await exchange(running.url, get("/v1/x"))
        upstream.answer = lambda _: None
        reply = await exchange(running.url, get("/v1/x", method=method))

    assert (reply.status, error_of(reply)["code"]) == (502, "upstream_disconnected")
    assert [received.method for received in upstream.received] == ["GET", method]
    assert upstream.connections == 1


async def test_the_next_request_after_a_failure_gets_a_connection_of_its_own(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: b"HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 9\r\n\r\nhalf"
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        failed = await exchange(running.url, get("/v1/x"))
        upstream.answer = lambda _: OK

        reply = await exchange(running.url, get("/v1/x"))

    assert (failed.status, reply.status, reply.body) == (502, 200, b"answer")
    assert upstream.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
    ],
)
async def test_a_failed_answer_leaves_no_connection_open(
    upstream: RawUpstream, answer: bytes
) -> None:
    upstream.answer = lambda _: answer

    async with to(upstream.url, read_timeout_s=0.05) as client:
        came = await client.send(Request("GET", "/v1/x"))
        with pytest.raises(UpstreamFailed):
            [chunk async for chunk in came.chunks]
        left = open_connections(client)

    assert left == 0


async def test_an_answer_that_cannot_be_passed_on_leaves_no_connection_open(
    upstream: RawUpstream,
) -> None:
    upstream.answer = lambda _: b"HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 9\r\n\r\nhalf"

    async with to(upstream.url) as client:
        with pytest.raises(UpstreamFailed) as caught:
            await client.send(Request("GET", "/v1/x"))
        left = open_connections(client)

    assert (caught.value.fault, left) == (UpstreamFault.MALFORMED, 0)


async def test_a_body_that_nobody_reads_to_its_end_leaves_no_connection_open(
    upstream: RawUpstream,
) -> None:
    upstream.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"

    async with to(upstream.url) as client:
        came = await client.send(Request("GET", "/v1/x"))
        first = await anext(came.chunks)
        during = open_connections(client)
        await came.chunks.aclose()
        left = open_connections(client)

    assert (first, during, left) == (b"half", 1, 0)
