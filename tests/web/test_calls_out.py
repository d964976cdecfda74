"""Calls to the upstream: none in replay, none through the environment, kept in order of arrival."""

import asyncio
import json
import socket
from pathlib import Path

import aiohttp
import pytest

from servers import Proxy, RawUpstream, http
from wire import Wire, exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'
OK = http(200, [], b"answer")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_the_environment_changes_nothing(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.answer = lambda _: OK
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password something\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    async with proxy(mode="passthrough", upstream=f"http://localhost:{upstream.port}") as running:
        reply = await exchange(running.url, get("/v1/x"))

    assert (reply.status, reply.body) == (200, b"answer")
    assert upstream.received[0].values("authorization") == []


async def test_replay_creates_no_client_session(
    proxy: Proxy, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a client session in replay")

    monkeypatch.setattr(aiohttp, "ClientSession", refuse)
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
