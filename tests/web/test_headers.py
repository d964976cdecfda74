"""Header fields on one hop: what is passed on, what is dropped, what is never added."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.server.exchange import can_be_written, raw_pairs, to_multidict
from servers import Proxy, RawUpstream, Received, http
from wire import exchange, get, post

OURS = {"date", "x-runreel-source", "x-runreel-recorded", "content-length", "via"}


def _sent_by_client(received: Received) -> list[tuple[str, str]]:
    """What went up of the client's own: all but the Host before and the Via behind."""
    (host, _), *between, (via, _) = received.headers
    assert (host, via) == ("Host", "Via")
    return between


def _names(pairs: list[tuple[str, str]]) -> list[str]:
    return [name.lower() for name, _ in pairs]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (get("/v1/x"), ["host", "via"]),
        (get("/v1/x", method="DELETE"), ["host", "via", "content-length"]),
        (get("/v1/x", method="HEAD"), ["host", "via"]),
        (post("/v1/x", b"", ()), ["host", "via", "content-length"]),
        (post("/v1/x", b"hello", ()), ["host", "via", "content-length"]),
        (get("/v1/x", (("Accept", "a/b"), ("X-A", "1"))), ["host", "accept", "x-a", "via"]),
    ],
)
async def test_the_upstream_gets_no_header_that_the_client_did_not_send(
    proxy: Proxy, upstream: RawUpstream, raw: bytes, expected: list[str]
) -> None:
    upstream.answer = lambda _: http(200, [])

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await exchange(running.url, raw)

    assert _names(upstream.received[0].headers) == expected
    assert upstream.received[0].values("host") == [f"127.0.0.1:{upstream.port}"]


@pytest.mark.parametrize("mode", ["record", "passthrough"])
@pytest.mark.parametrize("body", [b"", b"text"])
async def test_the_client_gets_no_header_that_the_upstream_did_not_send(
    proxy: Proxy, upstream: RawUpstream, mode: str, body: bytes
) -> None:
    upstream.answer = lambda _: http(200, [("X-A", "1")], body)

    async with proxy(mode=mode, upstream=upstream.url) as running:
        reply = await exchange(running.url, get("/v1/x"))

    capturing = {"x-runreel-recorded"} if mode == "record" else set()
    assert set(_names(reply.headers)) == (OURS - {"x-runreel-recorded"}) | capturing | {"x-a"}
    assert reply.values("x-runreel-source") == ["upstream"]


async def test_a_replayed_answer_has_no_header_that_was_not_recorded(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [("X-A", "1")], b"text")
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, get("/v1/x"))

    async with proxy(mode="replay") as running:
        reply = await exchange(running.url, get("/v1/x"))

    assert set(_names(reply.headers)) == {"x-a", "date", "x-runreel-source", "content-length"}


async def test_the_upstreams_own_values_of_common_headers_are_passed_on(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    sent = [("Date", "Tue, 31 Mar 2026 10:15:02 GMT"), ("SERVER", "x"), ("content-type", "a/b")]
    upstream.answer = lambda _: http(200, sent, b"text")

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get("/v1/x"))

    assert reply.headers[:3] == sent
    assert [_names(reply.headers).count(name) for name in ("date", "server", "content-type")] == [
        1,
        1,
        1,
    ]


HOP_BY_HOP = (
    ("Connection", ""),
    ("Connection", "close, X-Mine"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy-Authorization", "Basic eA=="),
    ("TE", "trailers"),
    ("Trailer", "X-T"),
    ("Upgrade", "x"),
    ("X-Mine", "1"),
)
DROPPED = {name.lower() for name, _ in HOP_BY_HOP}


async def test_what_belongs_to_one_connection_is_dropped_on_the_way_up(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [])

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await exchange(running.url, get("/v1/x", (*HOP_BY_HOP, ("X-Kept", "1"))))

    assert _sent_by_client(upstream.received[0]) == [("X-Kept", "1")]


async def test_what_belongs_to_one_connection_is_dropped_on_the_way_down(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [*HOP_BY_HOP, ("X-Kept", "1")], b"text")

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, get("/v1/x"))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, get("/v1/x"))

    assert set(_names(live.headers)) & DROPPED == set()
    assert set(_names(replayed.headers)) & DROPPED == set()
    assert live.values("x-kept") == replayed.values("x-kept") == ["1"]


async def test_a_connection_header_strips_neither_credential_nor_framing(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    listed = "Authorization, Content-Length, Host"
    upstream.answer = lambda _: http(200, [("Connection", "Content-Length, Date")], b"text")
    raw = post("/v1/x", b"hello", (("Connection", listed), ("Authorization", "Bearer x")))

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, raw)

    received = upstream.received[0]
    assert received.values("authorization") == ["Bearer x"]
    assert received.values("content-length") == ["5"]
    assert received.values("host") == [f"127.0.0.1:{upstream.port}"]
    assert received.body == b"hello"
    assert (reply.values("content-length"), reply.body) == (["4"], b"text")


async def test_repeated_headers_keep_number_order_and_spelling(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    pairs = (("x-A", "1"), ("X-B", "2"), ("x-A", "3"), ("x-A", "1"), ("ETag", '"x"'), ("X-E", ""))
    upstream.answer = lambda _: http(200, list(pairs))

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, get("/v1/x", pairs))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, get("/v1/x"))

    assert _sent_by_client(upstream.received[0]) == list(pairs)
    assert live.headers[:6] == list(pairs)
    assert replayed.headers[:6] == list(pairs)


async def test_a_repeated_header_of_two_spellings_keeps_them_and_all_its_values(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    pairs = (("x-a", "1"), ("X-A", "2"), ("X-a", "3"))
    upstream.answer = lambda _: http(200, list(pairs))

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get("/v1/x", pairs))

    assert _sent_by_client(upstream.received[0]) == list(pairs)
    assert reply.headers[:3] == list(pairs)


async def test_header_values_in_utf8_pass_byte_for_byte(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    value = "Zürich 東京".encode().decode("latin-1")
    upstream.answer = lambda _: http(200, [("X-City", value)])

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, get("/v1/x", (("X-City", value),)))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, get("/v1/x"))

    assert upstream.received[0].values("x-city") == [value]
    assert live.values("x-city") == replayed.values("x-city") == [value]


@given(st.lists(st.tuples(st.text("Xx-A", min_size=1), st.text())))
def test_what_aiohttp_writes_is_what_was_read(pairs: list[tuple[str, str]]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in pairs]

    written = to_multidict(raw_pairs(raw))

    assert [(name.encode(), value.encode()) for name, value in written.items()] == raw


@pytest.mark.parametrize(
    ("value", "exactly"),
    [(b"", True), (b"plain", True), ("Zürich 東京".encode(), True), (b"caf\xe9", False)],
)
def test_bytes_that_are_not_utf8_cannot_be_written_exactly(value: bytes, exactly: bool) -> None:
    assert can_be_written(raw_pairs([(b"X-A", b"1"), (b"X-B", value)])) == exactly


def test_a_byte_that_is_not_utf8_leaves_as_its_latin1_character() -> None:
    written = to_multidict(raw_pairs([(b"X-A", b"caf\xe9")]))

    assert list(written.items()) == [("X-A", "café")]


async def test_a_byte_of_an_answer_that_is_not_utf8_is_stored_exactly(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda _: http(200, [("X-City", "Z\xfcrich")])

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, get("/v1/x"))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, get("/v1/x"))

    recorded = json.loads((tmp_path / "default.json").read_text(encoding="utf-8"))
    assert recorded["interactions"][0]["response"]["headers"] == ["X-City: Z\xfcrich"]
    assert live.values("x-city") == replayed.values("x-city") == ["Z\xc3\xbcrich"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_passed_through_and_never_followed(
    proxy: Proxy, upstream: RawUpstream, status: int
) -> None:
    location = "http://elsewhere.example/next?x=1"
    upstream.answer = lambda _: http(status, [("Location", location)], b"moved")

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, post("/v1/x", b"hello"))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post("/v1/x", b"hello"))

    assert len(upstream.received) == 1
    assert (live.status, live.values("location"), live.body) == (status, [location], b"moved")
    assert (replayed.status, replayed.values("location")) == (status, [location])


async def test_headers_of_the_configuration_replace_the_clients(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [])
    settings = {"Authorization": "Bearer ours", "openai-beta": "assistants=v2"}
    theirs = (("authorization", "Bearer theirs"), ("Authorization", "x"), ("openai-beta", "v1"))

    async with proxy(
        mode="passthrough", upstream=upstream.url, upstream_options__headers=settings
    ) as running:
        await exchange(running.url, get("/v1/x", theirs))

    assert [pair for pair in upstream.received[0].headers if pair[0] not in ("Host", "Via")] == [
        ("Authorization", "Bearer ours"),
        ("openai-beta", "assistants=v2"),
    ]
