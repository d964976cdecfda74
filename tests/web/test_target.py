"""The target of a request: path and query reach the upstream as the bytes that were sent."""

import json
from pathlib import Path

import pytest

from servers import Proxy, RawUpstream, http
from wire import exchange, get

TARGETS = [
    "/",
    "//",
    "//a",
    "/a//b",
    "/a/./b",
    "/a/../b",
    "/../../x",
    "/a/",
    "/a%2Fb",
    "/a%2fb",
    "/a%3Fb",
    "/a%20b",
    "/%C3%BC",
    "/%41",
    "/%",
    "/%zz",
    "/~user",
    "/it's",
    "/a:b",
    "/@host/x",
    "/a;b=c,d@e!$()*+",
    '/"<>\\^`{|}',
    "/a?",
    "/a??",
    "/a?b?c",
    "/a?a=b&&c",
    "/a?x[]=1&y={}",
    "/a?q=%2B+%26%zz",
    "/a?next=/../x",
    "/a?url=http://example.com/",
    "/_runreel",
    "/x/_runreel/health",
]


@pytest.mark.parametrize("target", TARGETS)
async def test_the_upstream_gets_the_bytes_of_the_target_as_sent(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, target: str
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, get(target))

    assert [received.target for received in upstream.received] == [target]
    recorded = json.loads((tmp_path / "default.json").read_text(encoding="utf-8"))
    assert recorded["interactions"][0]["request"]["target"] == target


@pytest.mark.parametrize("target", ["/a%2Fb", "//a", "/a/../b", "/a?x[]=1&y={}", "/%C3%BC"])
async def test_a_target_is_replayed_as_it_was_sent(
    proxy: Proxy, upstream: RawUpstream, target: str
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, get(target))

    async with proxy(mode="replay") as running:
        reply = await exchange(running.url, get(target))

    assert (reply.status, reply.body) == (200, b"answer")


@pytest.mark.parametrize("target", ["/v1/x", "//a", "/?", "/a/../b?c"])
async def test_the_upstreams_prefix_is_put_before_the_target(
    proxy: Proxy, upstream: RawUpstream, target: str
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")

    async with proxy(mode="passthrough", upstream=upstream.url + "/pre/f%2Fx/") as running:
        await exchange(running.url, get(target))

    assert upstream.received[0].target == "/pre/f%2Fx" + target


@pytest.mark.parametrize(
    "raw",
    [
        get("/a#b"),
        get("*", method="OPTIONS"),
        get("http://localhost/v1/x#b"),
    ],
)
async def test_a_target_that_is_no_path_is_refused(
    proxy: Proxy, upstream: RawUpstream, raw: bytes
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, raw)

    assert reply.status == 400
    assert json.loads(reply.body)["error"]["code"] == "bad_request_target"
    assert reply.values("x-should-retry") == ["false"]
    assert upstream.received == []
