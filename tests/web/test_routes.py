"""What a URL means: our own places, sessions, hosts, methods; everything else is the API's."""

import json
from pathlib import Path
from typing import Any

import pytest

from runreel import __version__
from servers import Proxy, RawUpstream
from wire import Reply, exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'


def error_of(reply: Reply) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reply.body)["error"]
    return document


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/_runreel/s/default" + PATH, ()),
        (PATH, (("X-Runreel-Session", "default"),)),
        ("/_runreel/s/default" + PATH, (("x-runreel-session", "unknown"),)),
    ],
)
async def test_a_session_is_chosen_by_url_or_header_and_neither_goes_further(
    proxy: Proxy,
    upstream: RawUpstream,
    tmp_path: Path,
    target: str,
    headers: tuple[tuple[str, str], ...],
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await exchange(running.url, post(target, BODY, headers))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    assert (recorded.status, replayed.status) == (200, 200)
    assert upstream.received[0].target == PATH
    assert upstream.received[0].values("x-runreel-session") == []
    cassette = (tmp_path / "default.json").read_text(encoding="utf-8").lower()
    assert "_runreel" not in cassette
    assert "x-runreel" not in cassette


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/_runreel/s/default", "/"),
        ("/_runreel/s/default/", "/"),
        ("/_runreel/s/default?a=b", "/?a=b"),
        ("/_runreel/s/default//x", "//x"),
        ("/_runreel/s/default/a%2Fb?c=/d", "/a%2Fb?c=/d"),
    ],
)
async def test_what_follows_the_session_is_the_target(
    proxy: Proxy, upstream: RawUpstream, target: str, expected: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await exchange(running.url, get(target))

    assert [received.target for received in upstream.received] == [expected]


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/_runreel/s/other" + PATH, ()),
        ("/_runreel/s/", ()),
        ("/_runreel/s/other" + PATH, (("X-Runreel-Session", "default"),)),
        (PATH, (("X-Runreel-Session", "other"),)),
        (PATH, (("X-Runreel-Session", ""),)),
    ],
)
async def test_an_unknown_session_is_refused(
    proxy: Proxy, upstream: RawUpstream, target: str, headers: tuple[tuple[str, str], ...]
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, post(target, BODY, headers))

    assert (reply.status, error_of(reply)["code"]) == (421, "session_unknown")
    assert reply.values("x-should-retry") == ["false"]
    assert upstream.received == []


async def test_health_says_what_is_being_served(proxy: Proxy, upstream: RawUpstream) -> None:
    async with proxy(mode="record", upstream=upstream.url, cassette="team/a") as running:
        await exchange(running.url, post(PATH, BODY))

        reply = await exchange(running.url, get("/_runreel/health"))

    assert reply.status == 200
    assert reply.values("content-type") == ["application/json"]
    assert reply.values("x-runreel-source") == ["proxy"]
    assert json.loads(reply.body) == {
        "status": "ok",
        "mode": "record",
        "cassette": "team/a",
        "interactions": 1,
        "version": __version__,
    }


@pytest.mark.parametrize(
    "raw",
    [
        get("/_runreel/"),
        get("/_runreel/healthy"),
        get("/_runreel/sessions", method="PUT"),
        get("/_runreel/sessions/default", method="PATCH"),
        post("/_runreel/health", BODY),
        get("/_runreel/../v1/x"),
        get("/_runreel/s"),
        get("/_runreel/s/default/_runreel/health"),
        get("/_runreel/s/default/_runreel/s/default/v1/x"),
    ],
)
async def test_nothing_else_of_ours_is_there_and_none_of_it_is_proxied(
    proxy: Proxy, upstream: RawUpstream, raw: bytes
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, raw)

    assert (reply.status, error_of(reply)["code"]) == (404, "admin_unknown")
    assert upstream.received == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
async def test_any_other_method_is_passed_on(
    proxy: Proxy, upstream: RawUpstream, method: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get("/v1/x", method=method))

    assert reply.status == 200
    assert [received.method for received in upstream.received] == [method]


@pytest.mark.parametrize(
    "raw", [get("/v1/x", method="TRACE"), get("localhost:80", method="CONNECT")]
)
@pytest.mark.parametrize("mode", ["passthrough", "replay"])
async def test_trace_and_connect_are_refused_always(
    proxy: Proxy, upstream: RawUpstream, raw: bytes, mode: str
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, get("/v1/x"))

    async with proxy(mode=mode, upstream=upstream.url) as running:
        reply = await exchange(running.url, raw, method="POST")

    assert (reply.status, error_of(reply)["code"]) == (405, "method_not_allowed")
    assert reply.values("x-should-retry") == ["false"]
    assert len(upstream.received) == 1


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "127.0.0.1:80", "[::1]:80", "api.test"]
)
async def test_requests_for_our_own_names_are_answered(
    proxy: Proxy, upstream: RawUpstream, host: str
) -> None:
    async with proxy(
        mode="passthrough", upstream=upstream.url, listen__allowed_hosts=["API.test"]
    ) as running:
        reply = await exchange(running.url, get("/v1/x", host=host))

    assert reply.status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "evil.example:80",
        "localhost@evil.example",
        "localhost, evil.example",
        "127.0.0.2",
        "localhost:80:80",
        "",
    ],
)
@pytest.mark.parametrize("target", ["/v1/x", "/_runreel/health", "/_runreel/s/default/v1/x"])
async def test_requests_for_another_host_are_refused_everywhere(
    proxy: Proxy, upstream: RawUpstream, host: str, target: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get(target, host=host))

    assert (reply.status, error_of(reply)["code"]) == (421, "misdirected_host")
    assert reply.values("x-should-retry") == ["false"]
    assert upstream.received == []


async def test_an_old_request_without_a_host_is_answered(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, b"GET /v1/x HTTP/1.0\r\n\r\n")

    assert (reply.status, reply.values("x-runreel-source")) == (200, ["upstream"])
    assert [received.target for received in upstream.received] == ["/v1/x"]


@pytest.mark.parametrize("place", ["/v1/x", "/_runreel/s/default/v1/x"])
async def test_a_session_can_be_in_an_absolute_target_too(
    proxy: Proxy, upstream: RawUpstream, place: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get(running.url + place))

    assert reply.status == 200
    assert [received.target for received in upstream.received] == ["/v1/x"]
