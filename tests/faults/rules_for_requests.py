"""What a gateway owes its upstream, and what it refuses: checks that any proxy can be put to.

Each takes the URL of a proxy and the upstream behind it, and raises AssertionError.
"""

from servers import Answered, RawUpstream, Received, http
from wire import Wire, exchange, get, post

HOP_BY_HOP = (
    ("Connection", "close"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy-Authorization", "Basic eA=="),
    ("Proxy-Connection", "keep-alive"),
    ("TE", "trailers"),
    ("Trailer", "X-T"),
    ("Upgrade", "x"),
)
# Its content reads as a chunked body too, so that an upstream is not left waiting for the end of
# what another proxy makes of it.
CONTENT = b"0\r\n\r\n"
CHUNKED = b"5\r\n" + CONTENT + b"\r\n0\r\n\r\n"


def _post_with(fields: bytes, body: bytes = CHUNKED, version: bytes = b"HTTP/1.1") -> bytes:
    return b"POST /v1/x " + version + b"\r\nHost: localhost\r\n" + fields + b"\r\n" + body


async def _refused(url: str, upstream: RawUpstream, status: int, *requests: bytes) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")  # also to what makes no sense
    for raw in requests:
        reply = await exchange(url, raw, method="POST")
        assert reply.status == status, raw
    assert upstream.received == []


async def hop_by_hop_fields_do_not_go_up(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/x", (*HOP_BY_HOP, ("X-Kept", "1"))))

    [received] = upstream.received
    names = {name.lower() for name, _ in received.headers}
    assert names & {name.lower() for name, _ in HOP_BY_HOP} == set()
    assert received.values("x-kept") == ["1"]


async def what_connection_lists_does_not_go_up(url: str, upstream: RawUpstream) -> None:
    for listing in ((("Connection", "X-Mine"),), (("Connection", ""), ("connection", "a, x-mine"))):
        await exchange(url, get("/v1/x", (*listing, ("X-Mine", "1"))))

    assert [received.values("x-mine") for received in upstream.received] == [[], []]


async def connection_takes_away_neither_credential_nor_body(
    url: str, upstream: RawUpstream
) -> None:
    listed = ("Connection", "Authorization, Content-Length, Host")

    await exchange(url, post("/v1/x", b"{}", (listed, ("Authorization", "Bearer x"))))

    assert [received.body for received in upstream.received] == [b"{}"]
    assert upstream.received[0].values("authorization") == ["Bearer x"]
    assert upstream.received[0].values("content-length") == ["2"]


async def a_chunked_body_goes_up_with_one_framing(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    reply = await exchange(url, _post_with(b"Transfer-Encoding: chunked\r\n"))

    framings = [
        received.values("content-length") + received.values("transfer-encoding")
        for received in upstream.received
    ]
    assert (reply.status, framings) == (200, [["5"]])
    assert upstream.received[0].body == CONTENT


async def two_lengths_are_refused(url: str, upstream: RawUpstream) -> None:
    fields = (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
    )

    await _refused(url, upstream, 400, *map(_post_with, fields))


async def a_last_coding_that_is_not_chunked_is_refused(url: str, upstream: RawUpstream) -> None:
    codings = (b"gzip", b"identity", b"chunked, gzip", b"chunked, chunked", b"chunked;a=b")

    raw = (_post_with(b"Transfer-Encoding: " + coding + b"\r\n") for coding in codings)
    await _refused(url, upstream, 400, *raw)


async def an_empty_transfer_encoding_is_refused(url: str, upstream: RawUpstream) -> None:
    fields = b"Transfer-Encoding:\r\nContent-Length: 5\r\n"

    await _refused(url, upstream, 400, _post_with(fields, CONTENT))


async def a_transfer_encoding_in_http_1_0_is_refused(url: str, upstream: RawUpstream) -> None:
    raw = _post_with(b"Transfer-Encoding: chunked\r\n", version=b"HTTP/1.0")

    await _refused(url, upstream, 400, raw)


async def an_unknown_coding_under_chunked_is_refused(url: str, upstream: RawUpstream) -> None:
    codings = (b"gzip, chunked", b"identity, chunked", b"x , gzip,\tChunked")

    raw = (_post_with(b"Transfer-Encoding: " + coding + b"\r\n") for coding in codings)
    await _refused(url, upstream, 501, *raw)


async def a_host_that_is_not_ours_is_refused(url: str, upstream: RawUpstream) -> None:
    hosts = ("evil.example", "a b", "localhost,b", "a@localhost", "localhost@a", "")

    await _refused(url, upstream, 421, *(get("/v1/x", host=host) for host in hosts))


async def other_than_one_host_is_refused(url: str, upstream: RawUpstream) -> None:
    none = b"GET /v1/x HTTP/1.1\r\n\r\n"
    two = get("/v1/x", (("Host", "localhost"),))

    await _refused(url, upstream, 400, none, two)


async def http_1_0_needs_no_host(url: str, upstream: RawUpstream) -> None:
    reply = await exchange(url, b"GET /v1/x HTTP/1.0\r\n\r\n")

    assert (reply.status, len(upstream.received)) == (200, 1)


async def the_upstream_is_called_by_its_own_name(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/x"))

    assert upstream.received[0].values("host") == [f"127.0.0.1:{upstream.port}"]


async def an_absolute_target_of_ours_is_its_path(url: str, upstream: RawUpstream) -> None:
    for target in (f"{url}/v1/x?y=1", "HTTP://localhost/v1/x?y=1"):
        reply = await exchange(url, get(target, host="other.example"))
        assert reply.status == 200, target

    assert [received.target for received in upstream.received] == ["/v1/x?y=1", "/v1/x?y=1"]


async def an_absolute_target_of_others_is_never_dialled(url: str, upstream: RawUpstream) -> None:
    async with RawUpstream() as canary:
        targets = (
            f"http://127.0.0.2:{canary.port}/v1/x",
            f"http://user@localhost:{canary.port}/v1/x",
            f"https://localhost:{canary.port}/v1/x",
            f"http://localhost.example:{canary.port}/v1/x",
        )
        await _refused(url, upstream, 421, *(get(target) for target in targets))

    assert canary.connections == 0


async def other_versions_are_refused_in_ours(url: str, upstream: RawUpstream) -> None:
    hosted = b"\r\nHost: localhost\r\n\r\n"

    for raw in (b"GET /v1/x HTTP/2.0" + hosted, b"GET /v1/x HTTP/0.9" + hosted, b"GET /\r\n\r\n"):
        reply = await exchange(url, raw)
        assert reply.head.startswith(b"HTTP/1.1 505 "), raw
    assert upstream.received == []


async def a_request_is_signed(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/x", (("Via", "1.0 before"),)))

    [received] = upstream.received
    before, *ours = received.values("via")
    assert before == "1.0 before"
    assert len(ours) == 1
    assert ours[0].startswith("1.1 ")


async def a_loop_ends_in_its_second_round(url: str, upstream: RawUpstream) -> None:
    async def back(received: Received) -> Answered:
        if len(upstream.received) > 2:
            return http(200, [], b"round and round")
        host = f"Host: 127.0.0.1:{upstream.port}".encode()
        ours = received.head.replace(host, b"Host: localhost") + b"\r\n"
        reply = await exchange(url, ours)
        return http(reply.status, [], reply.body)

    upstream.answer = back

    reply = await exchange(url, get("/v1/x"))

    assert (reply.status, len(upstream.received)) == (508, 1)


async def options_is_answered_here_when_it_may_go_no_further(
    url: str, upstream: RawUpstream
) -> None:
    for target in ("/v1/x", "*"):
        reply = await exchange(url, get(target, (("Max-Forwards", "0"),), method="OPTIONS"))
        assert (reply.status, reply.body) == (204, b""), target

    assert upstream.received == []


async def options_goes_up_with_one_forward_less(url: str, upstream: RawUpstream) -> None:
    for sent in ("1", "10"):
        await exchange(url, get("/v1/x", (("Max-Forwards", sent),), method="OPTIONS"))

    assert [received.values("max-forwards") for received in upstream.received] == [["0"], ["9"]]


async def trace_and_connect_are_refused(url: str, upstream: RawUpstream) -> None:
    trace = get("/v1/x", method="TRACE")
    connect = get(f"127.0.0.1:{upstream.port}", method="CONNECT")

    await _refused(url, upstream, 405, trace, connect)
    assert upstream.connections == 0


async def an_expectation_stays_here(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/x", (("Expect", "100-continue"),)))

    assert [received.values("expect") for received in upstream.received] == [[]]


async def a_body_is_called_for_only_if_it_is_wanted(url: str, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")
    expects = b"Expect: 100-continue\r\n"
    large = _post_with(expects + b"Content-Length: 999999999999\r\n", b"")
    foreign = large.replace(b"Host: localhost", b"Host: evil.example")
    wanted = _post_with(expects + b"Content-Length: 5\r\n", b"")

    assert [(await exchange(url, raw)).status for raw in (large, foreign)] == [413, 421]
    wire = await Wire.open(url)
    assert (await wire.send(wanted)).status == 100
    wire.writer.write(b"hello")
    assert (await wire.read()).status == 200
    await wire.close()
    assert [received.body for received in upstream.received] == [b"hello"]


async def an_unknown_expectation_is_refused_and_not_repeated(
    url: str, upstream: RawUpstream
) -> None:
    reply = await exchange(url, get("/v1/x", (("Expect", "miracles"),)))

    assert reply.status == 417
    assert b"miracles" not in reply.head + reply.body
    assert upstream.received == []


async def repeated_fields_go_up_in_number_and_order(url: str, upstream: RawUpstream) -> None:
    pairs = (("X-A", "1"), ("X-B", "2"), ("X-A", "3"), ("X-A", "1"))

    await exchange(url, get("/v1/x", pairs))

    assert upstream.received[0].values("x-a") == ["1", "3", "1"]


async def repeated_fields_go_up_however_they_are_spelled(url: str, upstream: RawUpstream) -> None:
    await exchange(url, get("/v1/x", (("x-a", "1"), ("X-A", "2"), ("X-a", "3"))))

    assert upstream.received[0].values("x-a") == ["1", "2", "3"]


async def utf8_in_a_field_goes_up_byte_for_byte(url: str, upstream: RawUpstream) -> None:
    value = "Zürich 東京".encode().decode("latin-1")

    await exchange(url, get("/v1/x", (("X-City", value),)))

    assert upstream.received[0].values("x-city") == [value]


async def other_bytes_in_a_field_are_refused_rather_than_changed(
    url: str, upstream: RawUpstream
) -> None:
    await _refused(url, upstream, 400, get("/v1/x", (("X-City", "Z\xfcrich"),)))


async def what_a_client_sends_after_a_refusal_is_not_taken_for_a_request(
    url: str, upstream: RawUpstream
) -> None:
    refused = _post_with(b"Transfer-Encoding: gzip, chunked\r\n", CHUNKED)
    wire = await Wire.open(url)

    wire.writer.write(refused + get("/v1/smuggled"))
    seen = await wire.read_to_the_end()
    await wire.close()

    assert seen.count(b"HTTP/1.") == 1
    assert upstream.received == []
