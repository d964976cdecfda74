"""Bodies on one hop: passed on as they came, recorded so that people can read them."""

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from coded import CODED, brotlied, gzipped, zstd_frame
from servers import Proxy, RawUpstream, http
from wire import Wire, exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'
PRETTY = b'{\n  "id": "run_abc123",\n  "metadata": {\n    "stage": "a"\n  }\n}'


def recorded(folder: Path) -> list[Any]:
    found: list[Any] = json.loads((folder / "default.json").read_text(encoding="utf-8"))[
        "interactions"
    ]
    return found


CODINGS = pytest.mark.parametrize(("coding", "encode"), CODED)


@CODINGS
async def test_an_encoded_request_is_passed_on_as_it_came_and_recorded_decoded(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, coding: str, encode: Any
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")
    encoded = encode(BODY)
    headers = (("Content-Type", "application/json"), ("Content-Encoding", coding))

    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, encoded, headers))
    async with proxy(mode="replay") as running:
        plain = await exchange(running.url, post(PATH, BODY))

    assert upstream.received[0].body == encoded
    assert upstream.received[0].values("content-encoding") == [coding]
    request = recorded(tmp_path)[0]["request"]
    assert request["headers"] == ["Content-Type: application/json"]
    assert request["body"] == {"json": {"metadata": {"stage": "a"}}, "layout": "compact"}
    assert (plain.status, plain.body) == (200, b"answer")


@CODINGS
async def test_an_encoded_answer_is_passed_on_as_it_came_and_replayed_decoded(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, coding: str, encode: Any
) -> None:
    encoded = encode(PRETTY)
    upstream.answer = lambda _: http(200, [("Content-Encoding", coding)], encoded)

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, post(PATH, BODY))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    assert (live.body, live.values("content-encoding")) == (encoded, [coding])
    assert live.values("content-length") == [str(len(encoded))]
    assert (replayed.body, replayed.values("content-encoding")) == (PRETTY, [])
    assert replayed.values("content-length") == [str(len(PRETTY))]
    form = recorded(tmp_path)[0]["response"]["body"]
    assert form["json"] == {"id": "run_abc123", "metadata": {"stage": "a"}}
    assert form["layout"] == "indent-2"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("compress", b"\x1f\x9d\x90abc\xff"),
        ("gzip", gzipped(PRETTY)[:-1]),
        ("br", brotlied(PRETTY)[:-1]),
        ("zstd", zstd_frame(PRETTY) + b"rest"),
    ],
)
async def test_an_answer_that_cannot_be_decoded_is_kept_and_replayed_as_it_came(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, coding: str, body: bytes
) -> None:
    upstream.answer = lambda _: http(200, [("Content-Encoding", coding)], body)

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, post(PATH, BODY))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    assert (live.body, live.values("content-encoding")) == (body, [coding])
    assert (replayed.body, replayed.values("content-encoding")) == (body, [coding])
    assert replayed.values("content-length") == [str(len(body))]
    assert recorded(tmp_path)[0]["response"]["body"]["base64"] == base64.b64encode(body).decode()


async def test_any_bytes_pass_both_ways(proxy: Proxy, upstream: RawUpstream) -> None:
    every = bytes(range(256)) * 300
    upstream.answer = lambda received: http(200, [], received.body[::-1])

    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await exchange(running.url, post("/v1/files", every, ()))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post("/v1/files", every, ()))

    assert upstream.received[0].body == every
    assert live.body == replayed.body == every[::-1]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nContent-Type: text/plain\r\n\r\n"


async def test_an_answer_to_head_keeps_the_length_and_has_no_body(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: HEAD
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        live = [await wire.send(get("/v1/x", method="HEAD")) for _ in range(2)]
        await wire.close()

    async with proxy(mode="replay") as running:
        wire = await Wire.open(running.url)
        replayed = [await wire.send(get("/v1/x", method="HEAD")) for _ in range(2)]
        await wire.close()

    for reply in (*live, *replayed):
        assert reply.status == 200
        assert reply.values("content-length") == ["1234"]
        assert reply.values("content-type") == ["text/plain"]
        assert reply.values("transfer-encoding") == []


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_ends_with_its_head(
    proxy: Proxy, upstream: RawUpstream, status: int
) -> None:
    head = f"HTTP/1.1 {status} Status\r\nETag: x\r\n\r\n".encode()
    upstream.answer = lambda _: head
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        live = [await wire.send(get("/v1/x")) for _ in range(2)]
        await wire.close()

    async with proxy(mode="replay") as running:
        wire = await Wire.open(running.url)
        replayed = [await wire.send(get("/v1/x")) for _ in range(2)]
        await wire.close()

    for reply in (*live, *replayed):
        assert (reply.status, reply.values("etag")) == (status, ["x"])
        assert reply.values("content-length") + reply.values("transfer-encoding") == []
        assert reply.values("content-type") == []


CHUNKED = b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (post("/v1/x", b"1234567"), 200),
        (CHUNKED + b"4\r\n1234\r\n3\r\n567\r\n0\r\n\r\n", 200),
        (post("/v1/x", b"12345678"), 413),
        (CHUNKED + b"4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n", 413),
        (post("/v1/x", b"", ()).replace(b"Content-Length: 0", b"Content-Length: 8"), 413),
    ],
)
async def test_a_request_over_the_limit_is_refused_however_it_announces_itself(
    proxy: Proxy, upstream: RawUpstream, raw: bytes, status: int
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    async with proxy(
        mode="record", upstream=upstream.url, limits__request_body_bytes_max=7
    ) as running:
        reply = await exchange(running.url, raw)

    assert reply.status == status
    assert len(upstream.received) == (1 if status == 200 else 0)
    if status == 413:
        assert json.loads(reply.body)["error"] == {
            "message": "The request body is larger than 7 bytes; see "
            "limits.request_body_bytes_max.",
            "type": "runreel_error",
            "param": None,
            "code": "body_too_large",
        }
        assert reply.values("x-should-retry") == ["false"]


async def test_a_request_of_many_megabytes_is_passed_on_whole(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda received: http(200, [], str(len(received.body)).encode())

    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, post("/v1/files", b"x" * 4_000_000))

    assert (reply.status, reply.body) == (200, b"4000000")


async def test_an_answer_over_the_limit_is_passed_on_whole_and_not_stored(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    long = b"0123456789" * 20_000
    upstream.answer = lambda _: http(200, [], long)

    async with proxy(
        mode="record", upstream=upstream.url, limits__response_body_bytes_max=1_000
    ) as running:
        wire = await Wire.open(running.url)
        replies = [await wire.send(post(PATH, BODY)) for _ in range(2)]
        receipt = running.receipt()
        await wire.close()

    assert [reply.body == long for reply in replies] == [True, True]
    assert [reply.values("x-runreel-recorded") for reply in replies] == [["no"], ["no"]]
    assert not (tmp_path / "default.json").exists()
    assert (receipt["recorded"], receipt["not_stored"]) == (0, 2)
    assert upstream.connections == 1


async def test_passthrough_writes_no_file(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, post(PATH, BODY))

    assert reply.status == 200
    assert reply.values("x-runreel-recorded") == []
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - its Path twin is banned in async tests
