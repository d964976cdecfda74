"""A client that leaves before its answer: the call is finished and kept, and never played.

A client that timed out asks again: that answer is the recording.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers import Proxy, RawUpstream, Received, http
from watched import WatchedLog
from wire import Wire, exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'


class Held:
    """An upstream whose n-th answer is `answer n`, and whose first one waits to be let go."""

    def __init__(self, upstream: RawUpstream) -> None:
        self.arrived, self.release = asyncio.Event(), asyncio.Event()
        self._count = 0
        upstream.answer = self._answer

    async def _answer(self, _: Received) -> bytes:
        self._count += 1
        number = self._count
        if number == 1:
            self.arrived.set()
            await self.release.wait()
        return http(200, [], b"answer %d" % number)


@pytest.fixture
def log() -> WatchedLog:
    return WatchedLog()


@pytest.fixture
def held(upstream: RawUpstream) -> Held:
    return Held(upstream)


def kept(folder: Path) -> list[tuple[str, str | None]]:
    """Of every interaction: the text of its answer, and what is said of its client."""
    document = json.loads((folder / "default.json").read_text(encoding="utf-8"))
    return [
        (item["response"]["body"]["text"], item.get("client")) for item in document["interactions"]
    ]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def abort(wire: Wire) -> None:
    wire.writer.transport.abort()


def close(wire: Wire) -> None:
    wire.writer.close()


async def ask_and_leave(url: str, held: Held, leave: Callable[[Wire], None] = abort) -> None:
    """Ask, leave when the upstream was asked, and return when the proxy has noticed."""
    wire = await Wire.open(url)
    wire.writer.write(post(PATH, BODY))
    await held.arrived.wait()
    leave(wire)
    await exchange(url, get("/_runreel/health"))


async def replayed(proxy: Proxy, times: int = 1) -> tuple[list[tuple[int, bytes]], dict[str, Any]]:
    async with proxy(mode="replay") as running:
        replies = [await exchange(running.url, post(PATH, BODY)) for _ in range(times)]
        return [(reply.status, reply.body) for reply in replies], running.receipt()


@pytest.mark.parametrize("leave", [abort, close])
async def test_an_answer_that_nobody_received_is_kept_once_and_never_played(
    proxy: Proxy,
    upstream: RawUpstream,
    held: Held,
    log: WatchedLog,
    tmp_path: Path,
    leave: Callable[[Wire], None],
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask_and_leave(running.url, held, leave)
        held.release.set()
        await log.has(1)
        receipt = running.receipt()
    [(status, _)], after = await replayed(proxy)

    assert len(upstream.received) == 1
    assert kept(tmp_path) == [("answer 1", "gone")]
    assert log.lines[0].endswith(" (its client had left)")
    assert receipt["recorded"] == 1
    assert (status, after["unplayed"], after["missed"][0]["nearest"]) == (424, [], None)


async def test_a_client_that_stays_is_not_said_to_have_left(
    proxy: Proxy, upstream: RawUpstream, held: Held, tmp_path: Path
) -> None:
    held.release.set()

    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))

    assert kept(tmp_path) == [("answer 1", None)]


@pytest.mark.parametrize("retry_first", [False, True])
async def test_the_answer_to_the_retry_is_the_recording(
    proxy: Proxy,
    upstream: RawUpstream,
    held: Held,
    log: WatchedLog,
    tmp_path: Path,
    retry_first: bool,
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask_and_leave(running.url, held)
        if not retry_first:
            held.release.set()
            await log.has(1)
        retried = await exchange(running.url, post(PATH, BODY))
        held.release.set()
        await log.has(2)
    played, after = await replayed(proxy)

    assert (retried.status, retried.body) == (200, b"answer 2")
    assert sorted(kept(tmp_path)) == [("answer 1", "gone"), ("answer 2", None)]
    assert (played, after["unplayed"]) == ([(200, b"answer 2")], [])


@pytest.mark.parametrize("retry_first", [False, True])
async def test_the_retry_and_not_the_lost_answer_replaces_an_old_recording(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog, tmp_path: Path, retry_first: bool
) -> None:
    upstream.answer = lambda _: http(200, [], b"old")
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))
    held = Held(upstream)

    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask_and_leave(running.url, held)
        if not retry_first:
            held.release.set()
            await log.has(2)
        await exchange(running.url, post(PATH, BODY))
        held.release.set()
        await log.has(3)
    played, after = await replayed(proxy, times=2)

    assert sorted(kept(tmp_path)) == [("answer 1", "gone"), ("answer 2", None)]
    assert played[0] == (200, b"answer 2")
    assert (played[1][0], after["unplayed"]) == (424, [])


@pytest.mark.parametrize("prune", [False, True])
async def test_an_old_recording_stays_if_the_client_never_asks_again(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog, tmp_path: Path, prune: bool
) -> None:
    upstream.answer = lambda _: http(200, [], b"old")
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))
    held = Held(upstream)

    async with proxy(mode="record", upstream=upstream.url, prune=prune) as running:
        await ask_and_leave(running.url, held)
        held.release.set()
        await log.has(2)
    played, _ = await replayed(proxy)

    assert kept(tmp_path) == [("old", None), ("answer 1", "gone")]
    assert played == [(200, b"old")]


async def test_a_lost_answer_goes_when_its_request_is_recorded_anew(
    proxy: Proxy, upstream: RawUpstream, held: Held, log: WatchedLog, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask_and_leave(running.url, held)
        held.release.set()
        await log.has(1)

    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))

    assert kept(tmp_path) == [("answer 2", None)]


async def test_a_stop_waits_for_the_call_of_a_client_that_left(
    proxy: Proxy, upstream: RawUpstream, held: Held, tmp_path: Path
) -> None:
    context = proxy(mode="record", upstream=upstream.url)
    running = await context.__aenter__()
    await ask_and_leave(running.url, held)

    stopping = asyncio.ensure_future(context.__aexit__(None, None, None))
    await _closed(running.url)
    held.release.set()
    await stopping

    assert kept(tmp_path) == [("answer 1", "gone")]


async def test_a_stop_does_not_wait_for_ever_for_the_call_of_a_client_that_left(
    proxy: Proxy,
    upstream: RawUpstream,
    held: Held,
    log: WatchedLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runreel.server.listener.DRAIN_S", 0.05)

    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask_and_leave(running.url, held)
    held.release.set()

    assert files(tmp_path) == []
    assert len(upstream.received) == 1
    assert [line.split(" ")[1] for line in log.lines] == ["failed"]


async def test_a_client_that_waits_is_told_that_the_proxy_stops(
    proxy: Proxy,
    upstream: RawUpstream,
    held: Held,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runreel.server.listener.DRAIN_S", 0.05)
    path = tmp_path / "receipt.json"

    async with proxy(mode="record", upstream=upstream.url, receipt=path) as running:
        waiting = asyncio.ensure_future(exchange(running.url, post(PATH, BODY)))
        await held.arrived.wait()
    reply = await waiting
    held.release.set()

    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (503, "stopping")
    assert reply.values("x-runreel-recorded") == ["no"]
    receipt = json.loads(path.read_text(encoding="utf-8"))
    assert (receipt["recorded"], receipt["upstream_calls"]) == (0, 1)


async def _closed(url: str) -> None:
    """Return once nothing listens there any more."""
    while True:
        try:
            wire = await Wire.open(url)
        except ConnectionError:
            return
        wire.writer.transport.abort()
