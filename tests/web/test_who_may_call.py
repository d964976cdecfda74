"""Who may call: no page of another origin but those that are named, and with a client token nobody
without it. What is refused is never forwarded or recorded.
"""

import io
import json
from pathlib import Path

import pytest

from builders import TARGET
from leaks import leaking_files, leaks
from runreel.config.loading import load
from runreel.errors import StartRefused
from servers import Proxy, RawUpstream
from wire import Wire, exchange, get, post

PAGE = "http://page.example:3000"
OWN_KEY = "own-" + "fAkE0" * 6
TOKEN = "client-" + "fAkE0" * 4
ADDED = {"upstream_options__headers": {"Authorization": f"Bearer {OWN_KEY}"}}
PREFLIGHT = (
    f"OPTIONS {TARGET} HTTP/1.1\r\nHost: localhost\r\nOrigin: {PAGE}\r\n"
    "Access-Control-Request-Method: POST\r\n"
    "Access-Control-Request-Headers: authorization,content-type\r\n\r\n"
).encode()


@pytest.mark.parametrize("path", [TARGET, "/_runreel/s/default/x", "/_runreel/health", "/"])
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(
            (("Origin", "http://evil.example"), ("Content-Type", "text/plain")), id="text"
        ),
        pytest.param((("Origin", "null"),), id="sandboxed"),
        pytest.param((("Origin", "http://localhost:1"),), id="other-port"),
        pytest.param((("Sec-Fetch-Site", "cross-site"),), id="no-origin"),
        pytest.param(
            (
                ("Origin", "http://evil.example"),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ),
            id="form",
        ),
    ],
)
async def test_a_page_of_another_origin_spends_nobodys_key(
    proxy: Proxy, upstream: RawUpstream, path: str, headers: tuple[tuple[str, str], ...]
) -> None:
    async with proxy(mode="record", upstream=upstream.url, **ADDED) as running:
        reply = await exchange(running.url, post(path, b"a=1", headers))

    assert reply.status == 403
    assert json.loads(reply.body)["error"]["code"] == "origin_refused"
    assert "listen.cors_origins" in json.loads(reply.body)["error"]["message"]
    assert upstream.received == []


@pytest.mark.parametrize("site", ["same-origin", "same-site", "none"])
async def test_a_request_that_comes_from_no_other_site_is_answered(
    proxy: Proxy, upstream: RawUpstream, site: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get(TARGET, (("Sec-Fetch-Site", site),)))
        own = await exchange(running.url, get(TARGET, (("Origin", "http://localhost"),)))

    assert [reply.status, own.status] == [200, 200]


async def test_a_page_that_is_named_may_call_and_read_the_answer(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    page = (("Origin", PAGE), ("Sec-Fetch-Site", "cross-site"))
    async with proxy(mode="record", upstream=upstream.url, listen__cors_origins=[PAGE]) as running:
        reply = await exchange(running.url, post(TARGET, b"{}", page))
        missing = await exchange(running.url, get("/_runreel/nowhere", page))

    assert reply.status == 200
    assert reply.values("Access-Control-Allow-Origin") == [PAGE]
    assert reply.values("Vary") == ["Origin"]
    assert missing.values("Access-Control-Allow-Origin") == [PAGE]
    assert len(upstream.received) == 1


async def test_a_preflight_is_answered_here_and_never_forwarded_or_recorded(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with proxy(
        mode="record",
        upstream=upstream.url,
        listen__cors_origins=[PAGE],
        listen__client_token=TOKEN,
    ) as running:
        reply = await exchange(running.url, PREFLIGHT)
    async with proxy(mode="record", upstream=upstream.url) as running:
        refused = await exchange(running.url, PREFLIGHT)

    assert (reply.status, refused.status) == (204, 403)
    assert reply.values("Access-Control-Allow-Origin") == [PAGE]
    assert reply.values("Access-Control-Allow-Methods") == ["POST"]
    assert reply.values("Access-Control-Allow-Headers") == ["authorization,content-type"]
    assert upstream.received == []
    assert not (tmp_path / "default.json").exists()


@pytest.mark.parametrize(
    "header",
    [("Authorization", f"Bearer {TOKEN}"), ("Api-Key", TOKEN), ("X-Api-Key", TOKEN)],
)
async def test_the_client_token_opens_the_api_and_goes_no_further(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    tmp_path: Path,
    header: tuple[str, str],
) -> None:
    settings = {**ADDED, "listen__client_token": TOKEN}
    async with proxy(mode="record", upstream=upstream.url, **settings) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(post(TARGET, b"{}", (header,)))
        await wire.close()

    assert reply.status == 200
    assert upstream.received[0].values("Authorization") == [f"Bearer {OWN_KEY}"]
    assert TOKEN not in repr(upstream.received[0])
    assert leaking_files(TOKEN, tmp_path) == []
    assert not leaks(TOKEN, log.getvalue().encode())


@pytest.mark.parametrize(
    "headers", [(), (("Authorization", "Bearer wrong"),), (("Authorization", TOKEN[:-1]),)]
)
async def test_without_the_client_token_nothing_of_the_api_is_answered(
    proxy: Proxy, upstream: RawUpstream, headers: tuple[tuple[str, str], ...]
) -> None:
    async with proxy(
        mode="passthrough", upstream=upstream.url, listen__client_token=TOKEN
    ) as running:
        reply = await exchange(running.url, get(TARGET, headers))
        inside = await exchange(running.url, get("/_runreel/s/default/v1/x", headers))
        health = await exchange(running.url, get("/_runreel/health", headers))

    assert [reply.status, inside.status, health.status] == [401, 401, 200]
    assert json.loads(reply.body)["error"]["code"] == "unauthorized"
    assert upstream.received == []


def test_a_network_host_with_a_credential_of_ours_needs_the_client_token() -> None:
    options = {
        "listen.host": "0.0.0.0",  # noqa: S104 - that is what is refused
        "listen.admin_token": "admin-" + "fAkE0" * 4,
        "upstream": "https://api.example.com",
        "upstream_options.headers": {"Authorization": f"Bearer {OWN_KEY}"},
    }

    with pytest.raises(StartRefused, match=r"listen\.client_token") as refused:
        load(None, {}, options)

    assert OWN_KEY not in str(refused.value)
    assert load(None, {}, options | {"listen.client_token": TOKEN}).listen.client_token == TOKEN
    assert load(None, {}, options | {"upstream_options.headers": {"OpenAI-Beta": "x"}})


@pytest.mark.parametrize(
    "origin", ["*", "null", "http://a.example/", "HTTP://a.example", "a.example"]
)
def test_an_origin_that_no_browser_writes_is_refused(origin: str) -> None:
    with pytest.raises(StartRefused, match="must be an origin as browsers write it"):
        load(None, {}, {"listen.cors_origins": [origin]})
