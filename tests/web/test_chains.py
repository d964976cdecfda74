"""Proxies behind proxies: two runreels in a row, and one that leads back to itself."""

import json
import socket
from pathlib import Path

import pytest

from servers import Proxy, RawUpstream, http
from wire import exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_one_runreel_may_stand_before_another(proxy: Proxy, upstream: RawUpstream) -> None:
    async with (
        proxy(mode="passthrough", upstream=upstream.url) as inner,
        proxy(mode="passthrough", upstream=inner.url) as outer,
    ):
        reply = await exchange(outer.url, post(PATH, BODY))

    [received] = upstream.received
    inwards, outwards = received.values("via"), reply.values("via")
    assert reply.status == 200
    assert [len(inwards), len(set(inwards))] == [2, 2]
    assert outwards == inwards[::-1]
    assert reply.values("x-runreel-source") == ["upstream"]


async def test_what_the_inner_runreel_says_of_itself_is_not_said_by_the_outer(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with (
        proxy(mode="record", upstream=upstream.url, cassette="inner") as inner,
        proxy(mode="record", upstream=inner.url, cassette="outer") as outer,
        proxy(mode="passthrough", upstream=inner.url) as passing,
    ):
        recorded = await exchange(outer.url, post(PATH, BODY))
        passed = await exchange(passing.url, post(PATH, BODY))
    async with proxy(mode="replay", cassette="outer") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    assert recorded.values("x-runreel-recorded") == ["yes"]
    assert passed.values("x-runreel-recorded") == []
    assert replayed.values("x-runreel-recorded") == replayed.values("via") == []
    assert replayed.values("x-runreel-source") == ["replay"]
    assert "runreel" not in (tmp_path / "outer.json").read_text(encoding="utf-8")


async def test_what_an_inner_runreel_refuses_never_replaces_a_recording(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    port = _free_port()
    inner_url = f"http://127.0.0.1:{port}"
    async with (
        proxy(mode="record", upstream=upstream.url, cassette="inner", listen__port=port),
        proxy(mode="record", upstream=inner_url, cassette="outer") as outer,
    ):
        await exchange(outer.url, post(PATH, BODY))
    before = (tmp_path / "outer.json").read_bytes()

    async with (
        proxy(mode="replay", cassette="inner", listen__port=port) as inner,
        proxy(mode="record", upstream=inner_url, cassette="outer") as outer,
    ):
        await exchange(inner.url, post(PATH, BODY))  # plays the only recording
        refused = await exchange(outer.url, post(PATH, BODY))

    assert refused.status == 424
    assert refused.values("x-runreel-recorded") == ["no"]
    assert (tmp_path / "outer.json").read_bytes() == before


async def test_an_upstream_that_is_the_proxy_itself_is_noticed(
    proxy: Proxy,
) -> None:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"

    async with proxy(mode="passthrough", upstream=url, listen__port=port) as running:
        reply = await exchange(running.url, post(PATH, BODY))

    assert reply.status == 508
    assert json.loads(reply.body)["error"]["code"] == "loop_detected"
    assert reply.values("x-should-retry") == ["false"]


async def test_a_connection_header_cannot_hide_a_loop(proxy: Proxy) -> None:
    port = _free_port()
    url = f"http://127.0.0.1:{port}"

    async with proxy(mode="passthrough", upstream=url, listen__port=port) as running:
        reply = await exchange(running.url, get("/v1/x", (("Connection", "Via"),)))

    [ours] = reply.values("via")
    assert (reply.status, ours.startswith("1.1 runreel-")) == (508, True)


@pytest.mark.parametrize("field", [("Via", "1.1 before"), ("Max-Forwards", "3")])
async def test_what_tells_of_the_way_is_neither_recorded_nor_compared(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, field: tuple[str, str]
) -> None:
    upstream.answer = lambda _: http(200, [("Via", "1.1 behind"), ("X-A", "1")], b"answer")

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, post(PATH, BODY, (field,)))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    cassette = json.loads((tmp_path / "default.json").read_text(encoding="utf-8"))
    [recorded] = cassette["interactions"]
    assert live.values("via")[0] == "1.1 behind"
    assert recorded["request"]["headers"] == []
    assert recorded["response"]["headers"] == ["X-A: 1"]
    assert (replayed.status, replayed.values("via")) == (200, [])
