"""What is wrong with aiohttp's defaults for a proxy: checks that any proxy can be put to.

Each takes the URL of a proxy and the upstream behind it, and raises AssertionError.
"""

import asyncio
import gzip

from builders import FAKE_KEY
from faults.judging import connection, is_ours, soon
from servers import Cut, RawUpstream, Received, http
from wire import exchange, get, post

KEY = ("Authorization", "Bearer " + FAKE_KEY)


async def _refused(url: str, raw: bytes, status: int, code: str, rest: bytes = b"") -> None:
    """The request is answered in our envelope, nothing of it is quoted, the connection ends.

    The `rest` of it is sent when the proxy waits for it.
    """
    async with connection(url) as wire:
        wire.writer.write(raw)
        if rest:
            await exchange(url, get("/_runreel/health"))
            wire.writer.write(rest)
        reply = await soon(wire.read())
        is_ours(reply, status, code)
        assert FAKE_KEY.encode() not in reply.head + reply.body
        assert await soon(wire.read_to_the_end()) == b""


async def cookies_of_one_client_never_reach_another(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [("Set-Cookie", "session=of-a; path=/")])

    await exchange(url, get("/v1/a"))
    await exchange(url, get("/v1/b"))

    assert [received.values("cookie") for received in upstream.received] == [[], []]


async def redirects_are_passed_on(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda received: (
        http(307, [("Location", "/v1/elsewhere")])
        if received.target == "/v1/x"
        else http(200, [], b"there")
    )

    reply = await exchange(url, get("/v1/x", (KEY,)))

    assert reply.status == 307
    assert [received.target for received in upstream.received] == ["/v1/x"]


async def a_compressed_answer_arrives_as_it_left(url: str, upstream: RawUpstream) -> None:
    body = gzip.compress(b"answer" * 20, mtime=0)
    upstream.answer = lambda _: http(200, [("Content-Encoding", "gzip")], body)

    reply = await soon(exchange(url, get("/v1/x")))

    assert reply.values("content-encoding") == ["gzip"]
    assert reply.body == body


async def a_compressed_request_arrives_as_it_left(url: str, upstream: RawUpstream) -> None:
    body = gzip.compress(b"request" * 20, mtime=0)

    await soon(exchange(url, post("/v1/x", body, (("Content-Encoding", "gzip"),))))

    [received] = upstream.received
    assert received.values("content-encoding") == ["gzip"]
    assert received.body == body


async def no_header_is_made_up_for_the_upstream(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/x"))

    names = {name.lower() for name, _ in upstream.received[0].headers}
    assert names & {"user-agent", "accept", "accept-encoding", "content-type"} == set()
    assert "content-length" not in names


async def a_target_goes_up_byte_for_byte(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/a%3Ab/../c%7E//%2e?q=%27&q"))

    assert [received.target for received in upstream.received] == ["/v1/a%3Ab/../c%7E//%2e?q=%27&q"]


async def a_hundred_and_one_calls_are_under_way_at_once(url: str, upstream: RawUpstream) -> None:
    all_here = asyncio.Event()

    async def when_all_are_here(_: Received) -> bytes:
        if len(upstream.received) == 101:
            all_here.set()
        await all_here.wait()
        return http(200, [], b"answer")

    upstream.answer = when_all_are_here
    calls = [asyncio.ensure_future(exchange(url, get("/v1/x"))) for _ in range(101)]
    try:
        replies = await soon(asyncio.gather(*calls))
    finally:
        all_here.set()
        await asyncio.gather(*calls, return_exceptions=True)

    assert [reply.status for reply in replies] == [200] * 101


async def one_call_too_many_is_refused_rather_than_left_to_wait(
    url: str, upstream: RawUpstream
) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def held(received: Received) -> bytes:
        if received.target == "/v1/first":
            arrived.set()
            await release.wait()
        return http(200, [], b"answer")

    upstream.answer = held
    async with connection(url) as wire:
        wire.writer.write(get("/v1/first"))
        await arrived.wait()
        try:
            second = await soon(exchange(url, get("/v1/second")))
        finally:
            release.set()
        first = await soon(wire.read())

    assert first.status == 200
    is_ours(second, 503, "too_many_calls")
    assert second.values("retry-after") == ["1"]


async def a_post_on_a_connection_that_breaks_is_an_error_and_sent_once(
    url: str, upstream: RawUpstream
) -> None:
    await exchange(url, get("/v1/before"))
    upstream.answer = lambda _: None  # the upstream closes as the request comes in

    reply = await exchange(url, post("/v1/x", b"{}"))

    assert [received.method for received in upstream.received] == ["GET", "POST"]
    assert upstream.connections == 1
    is_ours(reply, 502, "upstream_disconnected")


async def no_method_is_sent_again_when_a_connection_breaks(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/before"))
    upstream.answer = lambda _: None

    await exchange(url, get("/v1/x", method="DELETE"))

    assert [received.method for received in upstream.received] == ["GET", "DELETE"]


async def an_answer_with_two_framings_is_an_error(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: Cut(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )

    is_ours(await exchange(url, get("/v1/x")), 502, "upstream_malformed")


async def an_answer_with_bare_line_feeds_is_framed_anew(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 6\n\nanswer"

    async with connection(url) as wire:
        wire.writer.write(get("/v1/x", (("Connection", "close"),)))
        head, _, body = (await wire.read_to_the_end()).partition(b"\r\n\r\n")

    assert b"\n" not in head.replace(b"\r\n", b"")
    assert b"\r\nX-A: 1\r\n" in head
    assert body == b"answer"


async def an_answer_may_have_a_long_header(url: str, upstream: RawUpstream) -> None:
    policy = "default-src 'none'; " * 1_000
    upstream.answer = lambda _: http(200, [("Content-Security-Policy", policy.strip())])

    reply = await exchange(url, get("/v1/x"))

    assert reply.status == 200
    assert reply.values("content-security-policy") == [policy.strip()]


async def an_answer_that_is_an_error_is_passed_on(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(500, [], b"their own words")

    reply = await exchange(url, get("/v1/x"))
    assert (reply.status, reply.body) == (500, b"their own words")


async def a_request_that_is_too_large_is_refused(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    reply = await exchange(url, post("/v1/x", b"x" * 1_001))

    is_ours(reply, 413, "body_too_large")
    assert upstream.received == []


async def a_chunked_request_that_is_too_large_is_refused(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")
    head = b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    # It begins like chunks of its own, so that no upstream waits for the end of what is made of it.
    content = b"0\r\n\r\n" + b"x" * 996

    reply = await exchange(url, head + b"3e9\r\n" + content + b"\r\n0\r\n\r\n")

    is_ours(reply, 413, "body_too_large")
    assert upstream.received == []


async def a_header_that_is_too_long_is_refused(url: str, upstream: RawUpstream) -> None:
    await _refused(url, get("/v1/x", (KEY, ("X-A", FAKE_KEY * 200))), 431, "headers_too_large")

    assert upstream.received == []


async def a_request_line_that_is_too_long_is_refused(url: str, upstream: RawUpstream) -> None:
    await _refused(url, get("/v1/" + FAKE_KEY * 200), 431, "headers_too_large")

    assert upstream.received == []


async def too_many_headers_are_refused(url: str, upstream: RawUpstream) -> None:
    await _refused(
        url, get("/v1/x", (KEY, *(("X-A", str(n)) for n in range(200)))), 431, "headers_too_large"
    )

    assert upstream.received == []


async def what_is_no_http_is_refused_without_a_quotation(url: str, upstream: RawUpstream) -> None:
    for raw in (
        b"GET /v1/" + FAKE_KEY.encode() + b" HTTP/1.1 x\r\n\r\n",
        b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nno colon " + FAKE_KEY.encode() + b"\r\n\r\n",
        FAKE_KEY.encode() + b" /v1/x HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01" + FAKE_KEY.encode() + b"\r\n\r\n",
    ):
        await _refused(url, raw, 400, "bad_request")

    assert upstream.received == []


async def a_chunked_request_that_turns_invalid_is_refused_at_once(
    url: str, upstream: RawUpstream
) -> None:
    head = b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

    for rest in (b"zz\r\n", FAKE_KEY.encode() + b"\r\n", b"3\r\nabcd\r\n"):
        await _refused(url, head + b"2\r\n{}\r\n", 400, "bad_request", rest)

    assert [received.target for received in upstream.received if received.method == "POST"] == []


async def a_request_under_way_is_answered_before_the_nonsense_behind_it(
    url: str, upstream: RawUpstream
) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def held(received: Received) -> bytes:
        if received.method == "POST":
            arrived.set()
            await release.wait()
        return http(200, [], b"answer")

    upstream.answer = held
    async with connection(url) as wire:
        wire.writer.write(post("/v1/x", b"{}"))
        await arrived.wait()
        wire.writer.write(b"nonsense\r\n\r\n")
        try:
            await soon(exchange(url, get("/_runreel/health")))
        finally:
            release.set()
        first, second = await soon(wire.read()), await soon(wire.read())

    assert (first.status, first.body) == (200, b"answer")
    is_ours(second, 400, "bad_request")
