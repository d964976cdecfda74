"""What a gateway owes its client: checks that any proxy can be put to.

Each takes the URL of a proxy and the upstream behind it, and raises AssertionError.
"""

import gzip

from faults.rules_for_requests import HOP_BY_HOP
from servers import Cut, RawUpstream, http
from wire import Reply, Wire, exchange, get

GZIPPED = gzip.compress(b"an answer", mtime=0)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\n\r\n"


async def _all_of(url: str, target: str, method: str = "GET") -> tuple[Reply, bytes]:
    """The head of an answer, and every byte that came after it until the connection ended."""
    wire = await Wire.open(url)
    wire.writer.write(get(target, (("Connection", "close"),), method=method))
    head, _, rest = (await wire.read_to_the_end()).partition(b"\r\n\r\n")
    await wire.close()
    return Reply(head, b"", "none"), rest


async def hop_by_hop_fields_do_not_come_down(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [*HOP_BY_HOP, ("X-Kept", "1")], b"answer")

    reply = await exchange(url, get("/v1/x"))

    names = {name.lower() for name, _ in reply.headers}
    assert names & {name.lower() for name, _ in HOP_BY_HOP} == set()
    assert reply.values("x-kept") == ["1"]


async def what_connection_lists_does_not_come_down(url: str, upstream: RawUpstream) -> None:
    listing = [("Connection", ""), ("connection", "a, x-mine"), ("X-Mine", "1")]
    upstream.answer = lambda _: http(200, listing, b"answer")

    reply = await exchange(url, get("/v1/x"))

    assert (reply.status, reply.values("x-mine")) == (200, [])


async def a_chunked_answer_comes_down_with_one_framing(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: CHUNKED

    reply, rest = await _all_of(url, "/v1/x")

    assert (reply.values("content-length"), reply.values("transfer-encoding")) == (["6"], [])
    assert rest == b"answer"


async def an_answer_of_two_lengths_is_refused(url: str, upstream: RawUpstream) -> None:
    with_length = CHUNKED.replace(b"\r\n\r\n6", b"\r\nContent-Length: 6\r\n\r\n6")
    upstream.answer = lambda _: Cut(with_length)

    reply = await exchange(url, get("/v1/x"))

    assert reply.status == 502


async def an_answer_is_signed(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [("Via", "1.0 behind")], b"answer")

    reply = await exchange(url, get("/v1/x"))

    behind, *ours = reply.values("via")
    assert behind == "1.0 behind"
    assert len(ours) == 1
    assert ours[0].startswith("1.1 ")


async def interim_answers_are_consumed(url: str, upstream: RawUpstream) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n"
    upstream.answer = lambda _: (
        b"HTTP/1.1 100 Continue\r\n\r\n" + hints + hints + http(200, [], b"answer")
    )

    reply = await exchange(url, get("/v1/x"))

    assert (reply.status, reply.body, reply.values("x-hint")) == (200, b"answer", [])


async def a_switch_of_protocols_is_refused(url: str, upstream: RawUpstream) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    upstream.answer = lambda _: Cut(switch)

    reply = await exchange(url, get("/v1/x"))

    assert reply.status == 502


async def head_has_the_length_of_the_body_it_does_not_have(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n"

    reply, rest = await _all_of(url, "/v1/x", method="HEAD")

    assert (reply.values("content-length"), rest) == (["36"], b"")
    assert reply.values("transfer-encoding") == []


async def answers_204_and_304_have_no_body(url: str, upstream: RawUpstream) -> None:
    for status in (204, 304):
        upstream.answer = lambda _, status=status: (  # type: ignore[misc]
            b"HTTP/1.1 %d Status\r\n\r\n" % status
        )
        reply, rest = await _all_of(url, "/v1/x")
        assert (reply.status, rest) == (status, b"")
        assert reply.values("transfer-encoding") + reply.values("content-length") == []


async def nothing_of_the_content_is_touched(url: str, upstream: RawUpstream) -> None:
    pairs = [("Content-Encoding", "gzip"), ("Cache-Control", "no-transform")]
    upstream.answer = lambda _: http(200, pairs, GZIPPED)

    reply, rest = await _all_of(url, "/v1/x")

    assert (rest, reply.values("content-encoding")) == (GZIPPED, ["gzip"])
    assert reply.values("content-length") == ["29"]


async def no_type_and_no_server_are_added(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    reply = await exchange(url, get("/v1/x"))

    assert reply.values("content-type") + reply.values("server") == []


async def a_body_shorter_than_announced_is_an_error(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: Cut(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nanswer")

    reply = await exchange(url, get("/v1/x"))

    assert reply.status == 502


async def a_chunked_body_without_its_end_is_an_error(url: str, upstream: RawUpstream) -> None:
    for torn in (CHUNKED[:-5], CHUNKED[:-9]):
        upstream.answer = lambda _, torn=torn: Cut(torn)  # type: ignore[misc]
        reply = await exchange(url, get("/v1/x"))
        assert reply.status == 502, torn


async def a_body_that_is_torn_after_its_beginning_never_looks_complete(
    url: str, upstream: RawUpstream
) -> None:
    half = b"x" * 5_000
    length = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + half
    chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n" + half + b"\r\n"

    for torn in (length, chunk, chunk + b"9\r\nhalf"):
        upstream.answer = lambda _, torn=torn: Cut(torn)  # type: ignore[misc]
        try:
            reply = await exchange(url, get("/v1/x"))
        except (EOFError, ConnectionError):
            continue  # it breaks off, and says so
        assert reply.status >= 500, torn


async def trailers_are_dropped(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: CHUNKED[:-2] + b"X-Trailer: 1\r\n\r\n"

    reply, rest = await _all_of(url, "/v1/x")

    assert b"answer" in rest
    assert b"x-trailer" not in (reply.head + rest).lower()


async def repeated_fields_come_down_in_number_and_order(url: str, upstream: RawUpstream) -> None:
    pairs = [("X-A", "1"), ("Set-Cookie", "a=1"), ("X-A", "3"), ("Set-Cookie", "b=2")]
    upstream.answer = lambda _: http(200, pairs, b"answer")

    reply = await exchange(url, get("/v1/x"))

    assert [pair for pair in reply.headers if pair in pairs] == pairs


async def names_come_down_as_they_are_spelled(url: str, upstream: RawUpstream) -> None:
    pairs = [("ETag", '"1"'), ("CONTENT-TYPE", "a/b"), ("x-a", "1"), ("X-A", "2")]
    upstream.answer = lambda _: http(200, pairs, b"answer")

    reply = await exchange(url, get("/v1/x"))

    assert [pair for pair in reply.headers if pair in pairs] == pairs


async def utf8_in_a_field_comes_down_byte_for_byte(url: str, upstream: RawUpstream) -> None:
    value = "Zürich 東京".encode().decode("latin-1")
    upstream.answer = lambda _: http(200, [("X-City", value)], b"answer")

    reply = await exchange(url, get("/v1/x"))

    assert reply.values("x-city") == [value]


async def no_character_of_a_field_is_lost_on_the_way_down(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [("X-City", "Z\xfcrich")], b"answer")

    [city] = (await exchange(url, get("/v1/x"))).values("x-city")

    assert city == "Zürich".encode().decode("latin-1")


async def a_redirect_on_the_upstream_leads_through_the_proxy(
    url: str, upstream: RawUpstream
) -> None:
    upstream.answer = lambda received: (
        http(307, [("Location", f"{upstream.url}/v1/y?z")])
        if received.target == "/v1/x"
        else http(200, [], b"there")
    )

    reply = await exchange(url, get("/v1/x", host="localhost:8080"))

    assert (reply.status, reply.values("location")) == (307, ["http://localhost:8080/v1/y?z"])
