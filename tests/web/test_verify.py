"""Verify mode through a real proxy: what the client gets, what the receipt says, what stays."""

import io
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from builders import FAKE_KEY, JSON_HEADERS, TARGET
from leaks import leaks
from servers import RUN, Proxy, RawUpstream, Received, http, like_openai
from wire import Wire, exchange, get, post

KEYED = (*JSON_HEADERS, ("Authorization", f"Bearer {FAKE_KEY}"))
JSON = [("Content-Type", "application/json")]
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
CREATED = b'event: thread.run.created\ndata: {"id":"run_1","status":"queued"}\n\n'
DELTA = b'event: thread.message.delta\ndata: {"delta":{"a":"Hi"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
ASKED = post("/v1/threads/thread_abc123/runs", b'{"assistant_id":"asst_abc123","stream":true}')

Answer = Callable[[Received], bytes]


def modify(stage: str) -> bytes:
    return post(TARGET, b'{"metadata":{"stage":"%s"}}' % stage.encode(), KEYED)


def run_with(**members: Any) -> Answer:
    return lambda _: http(200, JSON, json.dumps(RUN | members).encode())


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def in_pieces(*pieces: bytes) -> Callable[[Received], AsyncIterator[bytes]]:
    async def answer(_: Received) -> AsyncIterator[bytes]:
        yield HEAD
        for piece in pieces:
            yield chunk(piece)
        yield b"0\r\n\r\n"

    return answer


@pytest.fixture
async def recorded(proxy: Proxy, upstream: RawUpstream, tmp_path: Path) -> list[str]:
    """Ids of the recordings of two modifications, a and b, and of a read between them."""
    async with proxy(mode="record", upstream=upstream.url) as running:
        for call in (modify("a"), get(TARGET, KEYED), modify("b")):
            await exchange(running.url, call)
    document = json.loads((tmp_path / "default.json").read_text(encoding="utf-8"))
    return [item["id"] for item in document["interactions"]]


async def test_an_upstream_that_is_as_it_was_has_not_drifted(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str], log: io.StringIO
) -> None:
    def again(received: Received) -> bytes:
        fresh = like_openai(received).replace(b"req_0123456789", b"req_9876543210")
        return fresh.replace(b"31 Mar", b"30 Mar")

    upstream.answer = again
    async with proxy(mode="verify", upstream=upstream.url) as running:
        for call in (modify("a"), get(TARGET, KEYED), modify("b")):
            await exchange(running.url, call)
        found = running.receipt()

    assert len(recorded) == 3
    assert (found["compared"], found["drift"], found["new"], found["unplayed"]) == (3, [], [], [])
    assert log.getvalue().splitlines()[-1][9:] == (
        "verified 3 compared with cassette 'default', 0 drifted (0 differences), 0 not compared, "
        "0 new, 0 recordings not asked for"
    )


async def test_the_client_gets_what_the_upstream_said_and_the_receipt_what_has_changed(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str], tmp_path: Path, log: io.StringIO
) -> None:
    upstream.answer = run_with(status="failed", metadata={"stage": "a"}, safety=None)
    path = tmp_path / "drift.json"

    async with proxy(mode="verify", upstream=upstream.url, receipt=path) as running:
        reply = await exchange(running.url, modify("a"))
        await exchange(running.url, modify("c"))

    assert reply.body == upstream.answer(upstream.received[-1]).split(b"\r\n\r\n", 1)[1]
    assert reply.values("x-runreel-source") == ["upstream"]
    assert reply.values("x-runreel-recorded") == []
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["mode"], found["compared"], found["upstream_calls"]) == ("verify", 1, 2)
    assert found["drift"] == [
        {
            "method": "POST",
            "target": TARGET,
            "interaction": recorded[0],
            "differences": [
                {"kind": "new", "at": "/safety", "live": None},
                {"kind": "value", "at": "/status", "recorded": "completed", "live": "failed"},
            ],
        }
    ]
    assert found["new"] == [{"method": "POST", "target": TARGET}]
    assert found["unplayed"] == recorded[1:]
    assert " drifted in 2 places: new /safety, value /status\n" in log.getvalue()
    assert log.getvalue().splitlines()[-1][9:] == (
        "verified 1 compared with cassette 'default', 1 drifted (2 differences), 0 not compared, "
        "1 new, 2 recordings not asked for"
    )


async def test_no_secret_is_in_the_receipt_or_the_log(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str], tmp_path: Path, log: io.StringIO
) -> None:
    upstream.answer = run_with(status=FAKE_KEY, instructions=f"Bearer {FAKE_KEY}")
    path = tmp_path / "drift.json"

    async with proxy(mode="verify", upstream=upstream.url, receipt=path) as running:
        reply = await exchange(running.url, modify("a"))

    assert FAKE_KEY.encode() in reply.body
    assert len(recorded) == 3
    (drifted,) = json.loads(path.read_bytes())["drift"]
    assert {"kind": "value", "at": "/status", "recorded": "completed", "live": "REDACTED"} in (
        drifted["differences"]
    )
    assert not leaks(FAKE_KEY, path.read_bytes())
    assert not leaks(FAKE_KEY, log.getvalue().encode())


async def test_the_cassette_stays_byte_for_byte_and_nothing_comes_beside_it(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str], tmp_path: Path
) -> None:
    def folder() -> list[tuple[str, bytes, int]]:
        return [
            (path.name, path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()
        ]

    before = folder()
    upstream.answer = run_with(status="failed")

    async with proxy(mode="verify", upstream=upstream.url) as running:
        await exchange(running.url, modify("a"))
        while_running = folder()

    assert len(recorded) == 3
    assert while_running == before
    assert folder() == before


async def test_a_cassette_that_is_being_recorded_can_be_verified_meanwhile(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str]
) -> None:
    async with (
        proxy(mode="record", upstream=upstream.url),
        proxy(mode="verify", upstream=upstream.url) as running,
    ):
        await exchange(running.url, modify("a"))

        assert (running.receipt()["compared"], len(recorded)) == (1, 3)


async def test_an_upstream_that_is_gone_has_drifted_and_the_log_says_why(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str], log: io.StringIO
) -> None:
    upstream.answer = lambda _: http(404, JSON, b'{"error":{"message":"gone"}}')

    async with proxy(mode="verify", upstream=upstream.url) as running:
        for call in (modify("a"), get(TARGET, KEYED), modify("b")):
            await exchange(running.url, call)
        found = running.receipt()

    assert [item["interaction"] for item in found["drift"]] == recorded
    assert [
        [(difference["kind"], difference.get("live")) for difference in item["differences"]]
        for item in found["drift"]
    ] == [[("status", 404), ("value", {"error": {"message": "gone"}})]] * 3
    assert f"problem All 3 calls to {upstream.url} came back as 404 or 410: " in log.getvalue()


async def test_an_upstream_that_does_not_answer_is_no_drift(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str]
) -> None:
    upstream.answer = lambda _: None

    async with proxy(mode="verify", upstream=upstream.url) as running:
        reply = await exchange(running.url, modify("a"))
        found = running.receipt()

    assert (reply.status, reply.values("x-runreel-source")) == (502, ["proxy"])
    assert (found["compared"], found["not_compared"], found["drift"]) == (0, 1, [])
    assert found["unplayed"] == recorded


async def test_a_miss_of_another_runreel_is_no_drift(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str]
) -> None:
    upstream.answer = lambda _: http(424, [*JSON, ("X-Runreel-Source", "proxy")], b"{}")

    async with proxy(mode="verify", upstream=upstream.url) as running:
        await exchange(running.url, modify("a"))
        found = running.receipt()

    assert (found["compared"], found["not_compared"], found["drift"]) == (0, 1, [])
    assert found["unplayed"] == recorded


async def test_what_does_not_count_comes_from_the_configuration(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str]
) -> None:
    upstream.answer = lambda _: http(
        200,
        [*JSON, ("X-Tier", "b")],
        json.dumps(RUN | {"metadata": {"stage": "a"}, "status": "x", "model": "y"}).encode(),
    )
    rule: dict[str, Any] = {
        "verify__ignore": ["/status"],
        "verify__volatile": ["model"],
        "verify__headers": ["X-Tier"],
    }

    async with proxy(mode="verify", upstream=upstream.url, **rule) as running:
        await exchange(running.url, modify("a"))
        (drifted,) = running.receipt()["drift"]

    assert len(recorded) == 3
    assert drifted["differences"] == [{"kind": "header", "at": "x-tier", "live": "b"}]


async def test_a_stream_reaches_the_client_as_it_came_and_is_compared(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = in_pieces(CREATED, DELTA, DELTA, DONE)
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, ASKED)
    changed = CREATED.replace(b"queued", b"failed")
    upstream.answer = in_pieces(changed, DELTA, DONE)

    async with proxy(mode="verify", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(ASKED)
        await wire.close()
        (drifted,) = running.receipt()["drift"]

    assert reply.body == changed + DELTA + DONE
    assert reply.values("x-runreel-source") == ["upstream"]
    assert drifted["differences"] == [
        {"kind": "value", "at": "/0/data/status", "recorded": "queued", "live": "failed"}
    ]


async def test_other_modes_have_none_of_this_in_their_receipt(
    proxy: Proxy, upstream: RawUpstream, recorded: list[str]
) -> None:
    async with proxy(mode="replay", upstream=upstream.url) as running:
        found = running.receipt()

    assert len(recorded) == 3
    assert not {"compared", "not_compared", "drift", "new"} & found.keys()
