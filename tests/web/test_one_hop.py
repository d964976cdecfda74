"""One hop of traffic on raw sockets: framing, connections, cookies."""

import pytest

from servers import Cut, Proxy, RawUpstream, http
from wire import Wire, exchange, get, post

REQUESTS = {
    "length": post("/v1/x", b"hello", ()),
    "chunked": b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "none": get("/v1/x"),
    "empty": post("/v1/x", b"", ()),
    "old": b"POST /v1/x HTTP/1.0\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
    "old-none": b"GET /v1/x HTTP/1.0\r\nHost: localhost\r\n\r\n",
}
# What the upstream must see: Content-Length and body. Transfer-Encoding it must never see.
SENT = {
    "length": (["5"], b"hello"),
    "chunked": (["5"], b"hello"),
    "none": ([], b""),
    "empty": (["0"], b""),
    "old": (["5"], b"hello"),
    "old-none": ([], b""),
}
ANSWERS = {
    "length": http(200, [], b"answer"),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nans\r\n3;x=y\r\nwer\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "close": Cut(b"HTTP/1.1 200 OK\r\n\r\nanswer"),
    "old": Cut(b"HTTP/1.0 200 OK\r\n\r\nanswer"),
}
# How a body over the limit is framed for a client of HTTP/1.1; one of 1.0 knows no chunks.
LONG = {"length": "length", "chunked": "chunked", "close": "chunked", "old": "chunked"}


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_one_framing_goes_out_in_either_direction(
    proxy: Proxy, upstream: RawUpstream, request_: str, answer: str
) -> None:
    upstream.answer = lambda _: ANSWERS[answer]

    async with proxy(mode="record", upstream=upstream.url) as running:
        reply = await exchange(running.url, REQUESTS[request_])

    received = upstream.received[0]
    assert (received.values("content-length"), received.body) == SENT[request_]
    assert received.values("transfer-encoding") == []
    assert reply.body == b"answer"
    assert reply.values("content-length") == ["6"]
    assert reply.values("transfer-encoding") == []
    assert received.values("x-trailer") == reply.values("x-trailer") == []


@pytest.mark.parametrize("answer", ANSWERS)
async def test_one_framing_goes_out_for_a_body_over_the_limit(
    proxy: Proxy, upstream: RawUpstream, answer: str
) -> None:
    upstream.answer = lambda _: ANSWERS[answer]

    async with proxy(
        mode="passthrough", upstream=upstream.url, limits__response_body_bytes_max=2
    ) as running:
        reply = await exchange(running.url, get("/v1/x"))
        old = await exchange(running.url, REQUESTS["old"])

    assert (reply.framing, reply.body) == (LONG[answer], b"answer")
    assert len(reply.values("content-length") + reply.values("transfer-encoding")) == 1
    assert (old.framing, old.body) == ("length" if answer == "length" else "close", b"answer")
    assert old.values("transfer-encoding") == []


async def test_a_replayed_answer_has_one_framing_too(proxy: Proxy, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: ANSWERS["chunked"]
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, REQUESTS["chunked"])

    async with proxy(mode="replay") as running:
        reply = await exchange(running.url, REQUESTS["length"])

    assert (reply.status, reply.body) == (200, b"answer")
    assert reply.values("content-length") == ["6"]
    assert reply.values("transfer-encoding") == []


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: chunked, gzip\r\n",
    ],
)
async def test_a_request_of_two_lengths_never_reaches_the_upstream(
    proxy: Proxy, upstream: RawUpstream, framing: bytes
) -> None:
    raw = b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\n" + framing + b"\r\n5\r\nhello\r\n0\r\n\r\n"

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, raw)

    assert reply.status == 400
    assert upstream.received == []


async def test_a_connection_carries_many_requests(proxy: Proxy, upstream: RawUpstream) -> None:
    upstream.answer = lambda received: http(200, [], received.target.encode())

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        replies = [
            await wire.send(raw)
            for raw in (get("/a"), post("/b", b"x"), REQUESTS["chunked"], get("/c"))
        ]
        await wire.close()

    assert [reply.body for reply in replies] == [b"/a", b"/b", b"/v1/x", b"/c"]
    assert [reply.values("connection") for reply in replies] == [[], [], [], []]
    assert upstream.connections == 1


async def test_pipelined_requests_are_answered_in_order(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda received: http(200, [], received.target.encode())

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        first = await wire.send(get("/a") + post("/b", b"xyz") + get("/c"))
        others = [await wire.read(), await wire.read()]
        await wire.close()

    assert [reply.body for reply in (first, *others)] == [b"/a", b"/b", b"/c"]
    assert [received.body for received in upstream.received] == [b"", b"xyz", b""]


async def test_a_client_of_the_old_version_gets_its_connection_closed(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(REQUESTS["old"])
        after = await wire.read_to_the_end()
        await wire.close()

    assert (reply.head[:9], reply.body, after) == (b"HTTP/1.0 ", b"answer", b"")


async def test_a_promised_body_is_called_for_by_the_proxy_not_by_the_upstream(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    head, _, body = post("/v1/x", b"hello", (("Expect", "100-continue"),)).partition(b"\r\n\r\n")

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        upstream.answer = lambda _: http(200, [], b"answer")
        wire = await Wire.open(running.url)
        called = await wire.send(head + b"\r\n\r\n")
        reply = await wire.send(body, method="POST")
        await wire.close()

    assert (called.status, reply.body) == (100, b"answer")
    assert upstream.received[0].values("expect") == []
    assert upstream.received[0].body == b"hello"


async def test_an_upgrade_is_declined_and_the_body_passed_on(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")
    raw = post(
        "/v1/x",
        b"hello",
        (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AA")),
    )

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, raw)

    assert (reply.status, reply.body, upstream.received[0].body) == (200, b"answer", b"hello")
    assert upstream.received[0].values("upgrade") == []
    assert upstream.received[0].values("http2-settings") == []


async def test_no_cookie_of_one_client_reaches_another(proxy: Proxy, upstream: RawUpstream) -> None:
    cookies = [("Set-Cookie", "who=client-a; Path=/"), ("Set-Cookie", "b=2")]
    upstream.answer = lambda _: http(200, cookies)
    # A name and not an address: cookie jars ignore cookies of addresses, and would look safe.
    url = f"http://localhost:{upstream.port}"

    async with proxy(mode="passthrough", upstream=url) as running:
        first = await exchange(running.url, get("/v1/x", (("Cookie", "mine=1"),)))
        await exchange(running.url, get("/v1/x"))

    assert first.values("set-cookie") == ["who=client-a; Path=/", "b=2"]
    assert [received.values("cookie") for received in upstream.received] == [["mine=1"], []]
    assert upstream.received[0].values("host") == [f"localhost:{upstream.port}"]
