"""Requests that no session sees: what the client is told, and what becomes of its connection."""

import io
import json

import pytest

from servers import Proxy, RawUpstream
from wire import Wire, exchange, get, post

HOST = b"\r\nHost: localhost\r\n"
CHUNKED = b"\r\n2\r\n{}\r\n0\r\n\r\n"
REFUSALS = {
    "bad_request_target": post("/v1/x#y", b"{}"),
    "misdirected_host": post("/v1/x", b"{}", host="evil.example"),
    "session_unknown": post("/_runreel/s/other/v1/x", b"{}"),
    "admin_unknown": post("/_runreel/other", b"{}"),
    "method_not_allowed": post("/v1/x", b"{}").replace(b"POST", b"TRACE"),
    "body_too_large": post("/v1/x", b"x" * 1_001),
    "bad_framing": b"POST /v1/x HTTP/1.1" + HOST + b"Transfer-Encoding:\r\n\r\n",
    "bad_header": post("/v1/x", b"{}", (("X-City", "Z\xfcrich"),)),
    "unknown_transfer_coding": b"POST /v1/x HTTP/1.1"
    + HOST
    + b"Transfer-Encoding: gzip, chunked\r\n"
    + CHUNKED,
    "loop_detected": post("/v1/x", b"{}", (("Via", "1.1 {us}"),)),
    "expectation_failed": post("/v1/x", b"{}", (("Expect", "miracles"),)),
}
STATUS = {
    "bad_request_target": 400,
    "misdirected_host": 421,
    "session_unknown": 421,
    "admin_unknown": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "bad_framing": 400,
    "bad_header": 400,
    "unknown_transfer_coding": 501,
    "loop_detected": 508,
    "expectation_failed": 417,
}


@pytest.mark.parametrize("slug", REFUSALS)
async def test_a_refusal_is_the_last_answer_of_its_connection_and_is_read_whole(
    proxy: Proxy, upstream: RawUpstream, slug: str
) -> None:
    async with proxy(
        mode="passthrough", upstream=upstream.url, limits__request_body_bytes_max=1_000
    ) as running:
        signed = await exchange(running.url, get("/v1/x"))
        us = signed.values("via")[0].removeprefix("1.1 ")
        raw = REFUSALS[slug].replace(b"{us}", us.encode())
        wire = await Wire.open(running.url)
        reply = await wire.send(raw + get("/v1/after"), method="POST")
        after = await wire.read_to_the_end()
        await wire.close()

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"], error["code"]) == (STATUS[slug], "runreel_error", slug)
    assert reply.head.startswith(b"HTTP/1.1 ")
    assert reply.values("connection") == ["close"]
    assert reply.values("x-runreel-source") == ["proxy"]
    assert reply.values("x-should-retry") == ["false"]
    assert after == b""
    assert [received.target for received in upstream.received] == ["/v1/x"]


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9"])
async def test_another_version_is_refused_in_ours_and_the_connection_ended(
    proxy: Proxy, upstream: RawUpstream, version: bytes
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(post("/v1/x", b"{}").replace(b"HTTP/1.1", version))
        after = await wire.read_to_the_end()
        await wire.close()

    assert reply.head.startswith(b"HTTP/1.1 505 ")
    assert json.loads(reply.body)["error"]["code"] == "http_version_not_supported"
    assert (reply.values("connection"), after) == (["close"], b"")
    assert upstream.received == []


async def test_a_body_that_is_too_large_does_not_keep_the_client_from_its_answer(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(
        mode="passthrough", upstream=upstream.url, limits__request_body_bytes_max=1_000
    ) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(post("/v1/x", b"x" * 8_000_000))
        after = await wire.read_to_the_end()
        await wire.close()

    assert (reply.status, reply.values("connection"), after) == (413, ["close"], b"")
    assert json.loads(reply.body)["error"]["code"] == "body_too_large"
    assert upstream.received == []


async def test_a_body_beyond_the_limit_is_noticed_without_a_length_too(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    chunk = b"100\r\n" + b"x" * 256 + b"\r\n"
    head = b"POST /v1/x HTTP/1.1" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"

    async with proxy(
        mode="passthrough", upstream=upstream.url, limits__request_body_bytes_max=1_000
    ) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(head + chunk * 4)
        await wire.close()

    assert (reply.status, upstream.received) == (413, [])


async def test_a_client_that_leaves_in_its_body_leaves_a_line_in_the_log(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO
) -> None:
    head = b"POST /v1/x HTTP/1.1" + HOST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n"

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        asked_for = await wire.send(head)
        wire.writer.write(b"{")
        await wire.close()

    assert asked_for.status == 100
    assert upstream.received == []
    assert [line[9:] for line in log.getvalue().splitlines()] == ["left POST (client_gone)"]


async def test_options_that_go_no_further_leave_the_connection_usable_and_a_line_in_the_log(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO
) -> None:
    options = get("/v1/x", (("Max-Forwards", "0"),), method="OPTIONS")

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        local = await wire.send(options)
        passed = await wire.send(get("/v1/x"))
        await wire.close()

    assert (local.status, local.values("x-runreel-source"), local.body) == (204, ["proxy"], b"")
    assert (passed.status, passed.values("x-runreel-source")) == (200, ["upstream"])
    assert log.getvalue().splitlines()[0][9:] == "answered OPTIONS /v1/x (max_forwards)"


async def test_an_answer_that_did_not_wait_for_the_body_is_the_last_of_its_connection(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    promise = (("Max-Forwards", "0"), ("Content-Length", "5"), ("Expect", "100-continue"))

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(get("/v1/x", promise, method="OPTIONS"))
        wire.writer.write(b"hello" + get("/v1/after"))
        after = await wire.read_to_the_end()
        await wire.close()

    assert (reply.status, reply.values("connection"), after) == (204, ["close"], b"")
    assert upstream.received == []


@pytest.mark.parametrize("mode", ["passthrough", "record"])
async def test_a_body_is_called_for_when_the_session_is_known(
    proxy: Proxy, upstream: RawUpstream, mode: str
) -> None:
    expects = (("Expect", "100-continue"),)
    head = post("/v1/x", b"{}", expects).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    async with proxy(mode=mode, upstream=upstream.url) as running:
        lost = await Wire.open(running.url)
        refused = await lost.send(head.replace(b"/v1", b"/_runreel/s/other/v1"))
        await lost.close()
        wire = await Wire.open(running.url)
        called = await wire.send(head)
        answered = await wire.send(b"{}", method="POST")
        again = await wire.send(post("/v1/y", b"{}"))
        await wire.close()

    assert [refused.status, called.status, answered.status, again.status] == [421, 100, 200, 200]
    assert [received.body for received in upstream.received] == [b"{}", b"{}"]
    assert [received.values("expect") for received in upstream.received] == [[], []]


async def test_the_old_version_is_never_called_for_its_body(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    raw = post("/v1/x", b"{}", (("Expect", "100-continue"),)).replace(b"HTTP/1.1", b"HTTP/1.0")

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(raw)
        await wire.close()

    assert (reply.status, upstream.received[0].body) == (200, b"{}")
