"""An upstream behind a proxy of the user's network: how calls go there, and how they fail."""

import asyncio
import io
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from builders import FAKE_KEY
from certificates import make_certificate, showing
from forward_proxy import ForwardProxy
from leaks import leaks
from runreel.config.loading import load
from runreel.config.settings import shown
from runreel.errors import StartRefused
from runreel.http.forward_proxy import proxy_hint
from runreel.server.connector import _Tunnel
from runreel.server.upstream import check_reachable
from servers import Proxy, RawUpstream, http
from wire import Reply, exchange, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'
KEY = (("Authorization", f"Bearer {FAKE_KEY}"),)
OK = http(200, [], b"answer")
PASSWORD = "not-a-real-password-of-anybody"  # noqa: S105
BASIC = "Basic " + b64encode(f"somebody:{PASSWORD}".encode()).decode()


def error_of(reply: Reply) -> tuple[int, str, str]:
    error = json.loads(reply.body)["error"]
    return reply.status, error["code"], error["message"]


def with_credentials(proxy: ForwardProxy, password: str = PASSWORD) -> str:
    return proxy.url.replace("//", f"//somebody:{password}@")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificate(folder, "ours", "IP:127.0.0.1")
    return folder


@pytest.fixture
async def secure(certificates: Path) -> AsyncIterator[RawUpstream]:
    async with RawUpstream(lambda _: OK, tls=showing(certificates, "ours")) as server:
        yield server


def through(network: ForwardProxy, certificates: Path, url: str | None = None) -> dict[str, object]:
    """The settings of a way through a proxy to the upstream that speaks https."""
    return {
        "upstream_options__proxy": url or network.url,
        "upstream_options__ca_file": certificates / "ours.pem",
    }


async def test_a_call_to_an_http_upstream_goes_whole_through_the_proxy(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, log: io.StringIO
) -> None:
    upstream.answer = lambda _: OK
    async with ForwardProxy(BASIC) as network:
        url = with_credentials(network)
        async with proxy(
            mode="record", upstream=f"{upstream.url}/api", upstream_options__proxy=url
        ) as running:
            live = await exchange(running.url, post(PATH + "?a=%2F", BODY, KEY))

    assert (live.status, live.body) == (200, b"answer")
    (asked,) = network.asked
    assert (asked.method, asked.target) == ("POST", f"{upstream.url}/api{PATH}?a=%2F")
    assert asked.values("host") == [f"127.0.0.1:{upstream.port}"]
    assert asked.values("proxy-authorization") == [BASIC]
    (received,) = upstream.received
    assert (received.target, received.body) == (f"/api{PATH}?a=%2F", BODY)
    assert received.values("authorization") == [f"Bearer {FAKE_KEY}"]
    written = (tmp_path / "default.json").read_bytes() + log.getvalue().encode()
    assert not leaks(PASSWORD, written)
    assert BASIC.encode() not in written


async def test_a_call_to_an_https_upstream_goes_through_a_tunnel_that_hides_its_key(
    proxy: Proxy, secure: RawUpstream, certificates: Path
) -> None:
    async with ForwardProxy(BASIC) as network:
        settings = through(network, certificates, with_credentials(network))
        async with proxy(mode="record", upstream=secure.url, **settings) as running:
            live = [await exchange(running.url, post(PATH, BODY, KEY)) for _ in range(2)]
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY, KEY))

    assert [reply.body for reply in (*live, replayed)] == [b"answer"] * 3
    (asked,) = network.asked  # the tunnel is kept for the second call
    assert asked.head.decode() == (
        f"CONNECT 127.0.0.1:{secure.port} HTTP/1.1\r\nHost: 127.0.0.1:{secure.port}\r\n"
        f"Proxy-Authorization: {BASIC}\r\n"
    )
    assert [received.values("authorization") for received in secure.received] == [
        [f"Bearer {FAKE_KEY}"]
    ] * 2
    assert secure.received[0].values("proxy-authorization") == []
    assert len(network.passed) > 500
    assert not leaks(FAKE_KEY, bytes(network.passed))
    assert BODY not in network.passed


WRONG = (
    "The proxy {0} does not take the credentials of upstream_options.proxy (407); are user and "
    "password right, and percent-encoded where they hold special characters?"
)
NONE = (
    "The proxy {0} asks for credentials (407); write them into upstream_options.proxy, as in "
    "http://USER:PASSWORD@HOST:PORT."
)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("wrong", [True, False])
async def test_a_proxy_that_wants_other_credentials_is_named_and_nothing_is_recorded(
    proxy: Proxy,
    secure: RawUpstream,
    upstream: RawUpstream,
    certificates: Path,
    tmp_path: Path,
    log: io.StringIO,
    scheme: str,
    wrong: bool,
) -> None:
    server = upstream if scheme == "http" else secure
    other = PASSWORD[::-1]
    async with ForwardProxy(BASIC) as network:
        url = with_credentials(network, other) if wrong else network.url
        settings = through(network, certificates, url)
        async with proxy(mode="record", upstream=server.url, **settings) as running:
            reply = await exchange(running.url, post(PATH, BODY, KEY))

    said = (WRONG if wrong else NONE).format(network.url)
    assert error_of(reply) == (502, "upstream_unreachable", said)
    assert reply.values("proxy-authenticate") == []
    assert server.received == []
    assert not (tmp_path / "default.json").exists()
    assert not leaks(other, log.getvalue().encode() + reply.body)


ANSWERS = {
    "502": (
        http(502, [], b"no such host"),
        (
            "The proxy {0} answered 502 and made no tunnel to the upstream {1}; does it reach that "
            "host and port, and may you go there?"
        ),
    ),
    "403": (
        b"HTTP/1.0 403 Forbidden\r\n\r\n",
        (
            "The proxy {0} answered 403 and made no tunnel to the upstream {1}; does it reach that "
            "host and port, and may you go there?"
        ),
    ),
}
NOT_UNDERSTOOD = (
    "The proxy {0} made no tunnel to the upstream {1} and said nothing that can be understood; is "
    "upstream_options.proxy the URL of an HTTP proxy?"
)
ANSWERS |= {
    name: (said, NOT_UNDERSTOOD)
    for name, said in {
        "nothing": b"",
        "half a head": b"HTTP/1.1 200 OK\r\n",
        "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "an endless head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000,
        "more than a tunnel": b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "no status": b"HTTP/1.1 2000 OK\r\n\r\n",
    }.items()
}


@pytest.mark.parametrize("how", ANSWERS)
async def test_a_proxy_that_makes_no_tunnel_is_named_and_the_call_was_not_seen(
    proxy: Proxy, secure: RawUpstream, certificates: Path, tmp_path: Path, how: str
) -> None:
    answer, said = ANSWERS[how]
    async with (
        ForwardProxy(says=answer) as network,
        proxy(mode="record", upstream=secure.url, **through(network, certificates)) as running,
    ):
        reply = await exchange(running.url, post(PATH, BODY, KEY))

    assert error_of(reply) == (502, "upstream_unreachable", said.format(network.url, secure.url))
    assert secure.received == []
    assert not (tmp_path / "default.json").exists()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_down_is_named(
    proxy: Proxy, secure: RawUpstream, upstream: RawUpstream, certificates: Path, scheme: str
) -> None:
    server = upstream if scheme == "http" else secure
    async with ForwardProxy() as network:
        pass

    async with proxy(
        mode="record", upstream=server.url, **through(network, certificates)
    ) as running:
        reply = await exchange(running.url, post(PATH, BODY, KEY))

    assert error_of(reply) == (
        502,
        "upstream_unreachable",
        (
            f"The proxy {network.url} cannot be reached; is it running, and is "
            "upstream_options.proxy right?"
        ),
    )


async def test_a_proxy_that_never_answers_is_waited_for_no_longer_than_for_a_connection(
    proxy: Proxy, certificates: Path
) -> None:
    async with RawUpstream(silent) as network:  # it takes CONNECT for a request and says nothing
        settings = {
            "upstream_options__proxy": network.url,
            "upstream_options__connect_timeout_s": 0.05,
            "upstream_options__ca_file": certificates / "ours.pem",
        }
        async with proxy(mode="record", upstream="https://127.0.0.1:1", **settings) as running:
            reply = await exchange(running.url, post(PATH, BODY, KEY))

    assert error_of(reply) == (
        504,
        "upstream_timeout",
        (
            f"The upstream https://127.0.0.1:1 through the proxy {network.url} accepted no "
            "connection in time; see upstream_options.connect_timeout_s."
        ),
    )


async def silent(_: object) -> bytes:
    await asyncio.Event().wait()
    return b""


async def test_a_certificate_that_is_not_trusted_is_told_with_the_proxy_it_came_through(
    proxy: Proxy, secure: RawUpstream
) -> None:
    async with (
        ForwardProxy() as network,
        proxy(mode="record", upstream=secure.url, upstream_options__proxy=network.url) as running,
    ):
        reply = await exchange(running.url, post(PATH, BODY, KEY))

    assert error_of(reply) == (
        502,
        "upstream_unreachable",
        (
            f"The certificate of the upstream {secure.url} through the proxy {network.url} is not "
            "trusted (self-signed certificate); see upstream_options.ca_file."
        ),
    )


async def test_a_start_that_asks_for_the_upstream_goes_through_the_proxy_too(
    secure: RawUpstream, certificates: Path
) -> None:
    async with ForwardProxy() as network:
        asked = {
            "upstream": secure.url,
            "upstream_options.proxy": network.url,
            "upstream_options.ca_file": str(certificates / "ours.pem"),
        }
        await check_reachable(load(None, {}, asked))
        network.says = http(502, [])
        with pytest.raises(StartRefused, match="answered 502 and made no tunnel"):
            await check_reachable(load(None, {}, asked))

    assert [asked.method for asked in network.asked] == ["CONNECT", "CONNECT"]


@pytest.mark.parametrize(
    "url",
    [
        "https://proxy.example:3128",
        "proxy.example:3128",
        "http://",
        "http://proxy.example:0",
        "http://proxy.example:port",
        "http://proxy.example/path",
        "http://proxy.example?a=b",
        "socks5://proxy.example",
        "http://some body@proxy.example",
    ],
)
def test_what_is_no_http_proxy_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(StartRefused) as refused:
        load(None, {"RUNREEL_UPSTREAM_OPTIONS__PROXY": url}, {})

    assert str(refused.value) == (
        "the environment: RUNREEL_UPSTREAM_OPTIONS__PROXY: must be the URL of an HTTP proxy such "
        "as http://proxy.example:3128, or http://USER:PASSWORD@proxy.example:3128, "
        "percent-encoded where those hold special characters"
    )


def test_its_credentials_are_hidden_where_the_configuration_is_shown() -> None:
    url = f"http://somebody:{PASSWORD}@proxy.example:3128"

    config = load(None, {}, {"upstream_options.proxy": url})

    assert shown(config)["upstream_options.proxy"] == "http://[hidden]@proxy.example:3128"


async def test_a_proxy_of_the_environment_is_told_once_and_not_taken(
    proxy: Proxy, log: io.StringIO
) -> None:
    environment = {"HTTPS_PROXY": f"http://somebody:{PASSWORD}@proxy.example:3128"}
    settings = {"mode": "passthrough", "upstream": "https://api.example.com"}

    async with proxy(**settings, environment=environment) as running:
        wanted = b'{"cassette": "another", "mode": "passthrough"}'
        opened = await exchange(running.url, post("/_runreel/sessions", wanted))

    assert opened.status == 201
    assert [line[9:] for line in log.getvalue().splitlines()] == [
        (
            "problem HTTPS_PROXY is set and not looked at: calls go to api.example.com directly; "
            "set upstream_options.proxy if they have to go through a proxy"
        )
    ]


async def test_who_has_configured_a_proxy_or_only_replays_is_told_nothing(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO
) -> None:
    environment = {"HTTPS_PROXY": "http://proxy.example:3128"}
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))
    log.truncate(0)
    away = {"upstream": "https://api.example.com", "environment": environment}

    async with proxy(mode="replay", **away):
        pass
    async with proxy(
        mode="passthrough", upstream_options__proxy="http://proxy.example:3128", **away
    ):
        pass

    assert "HTTPS_PROXY" not in log.getvalue()


@pytest.mark.parametrize(
    ("upstream", "environment", "named"),
    [
        ("https://api.example.com", {"https_proxy": "http://p"}, "https_proxy"),
        ("http://api.example.com", {"HTTP_PROXY": "http://p"}, "HTTP_PROXY"),
        ("http://api.example.com", {"HTTPS_PROXY": "http://p"}, None),
        ("https://api.example.com", {"HTTPS_PROXY": ""}, None),
        ("https://api.example.com", {}, None),
        ("https://api.example.com", {"HTTPS_PROXY": "p", "NO_PROXY": "a, example.com"}, None),
        ("https://api.example.com", {"HTTPS_PROXY": "p", "no_proxy": ".example.com:443"}, None),
        ("https://api.example.com", {"HTTPS_PROXY": "p", "NO_PROXY": "*"}, None),
        ("https://api.example.com", {"HTTPS_PROXY": "p", "NO_PROXY": "ample.com,"}, "HTTPS_PROXY"),
        ("https://127.0.0.1:8000", {"HTTPS_PROXY": "p"}, None),
        ("http://localhost:8000", {"HTTP_PROXY": "p"}, None),
        ("http://[::1]:8000", {"HTTP_PROXY": "p"}, None),
        ("simulator", {"HTTP_PROXY": "p", "HTTPS_PROXY": "p"}, None),
        ("", {"HTTP_PROXY": "p", "HTTPS_PROXY": "p"}, None),
    ],
)
def test_a_hint_is_for_whom_the_environment_names_a_proxy(
    upstream: str, environment: dict[str, str], named: str | None
) -> None:
    hint = proxy_hint(upstream, environment)

    assert (hint and hint.partition(" ")[0]) == named


class Bare(asyncio.BaseTransport):
    """A transport of a loop that is not asyncio's: of none of its classes but this one."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


async def test_the_transport_of_any_loop_will_do_for_a_tunnel() -> None:
    tunnel, transport = _Tunnel(), Bare()
    tunnel.connection_made(transport)
    asking = asyncio.ensure_future(tunnel.asked("[::1]:8443", None))
    await asyncio.sleep(0)
    tunnel.data_received(b"HTTP/1.1 200 OK\r\n")
    tunnel.data_received(b"\r\n")

    assert await asking == b"HTTP/1.1 200 OK\r\n\r\n"
    assert transport.written == b"CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"
