"""An upstream that speaks https with a certificate of one's own.

The certificates are made for each test run.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from certificates import make_certificate
from runreel.config.loading import load
from runreel.errors import StartRefused
from runreel.server.upstream import check_reachable
from servers import Proxy, RawUpstream, http
from wire import exchange, get, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'
OK = http(200, [], b"answer")

Speaking = Callable[[str], AbstractAsyncContextManager[RawUpstream]]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with NAME.pem and NAME.key, each its own authority: for us, and for another."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, host in (("ours", "IP:127.0.0.1"), ("elsewhere", "DNS:elsewhere.example")):
        make_certificate(folder, name, host)
    return folder


@pytest.fixture
def speaking(certificates: Path) -> Speaking:
    """Start an upstream that shows the certificate of that name."""

    @asynccontextmanager
    async def start(name: str) -> AsyncIterator[RawUpstream]:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
        async with RawUpstream(lambda _: OK, tls=tls) as server:
            yield server

    return start


async def test_an_upstream_whose_authority_is_named_is_trusted(
    proxy: Proxy, speaking: Speaking, certificates: Path
) -> None:
    trusting = {"upstream_options__ca_file": certificates / "ours.pem"}

    async with (
        speaking("ours") as upstream,
        proxy(mode="record", upstream=upstream.url, **trusting) as running,
    ):
        live = await exchange(running.url, post(PATH, BODY))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    assert upstream.url.startswith("https://")
    assert (live.status, live.body, len(upstream.received)) == (200, b"answer", 1)
    assert (replayed.status, replayed.body) == (200, b"answer")


@pytest.mark.parametrize(
    ("shows", "trusts", "reason"),
    [
        ("ours", None, "self-signed certificate"),
        ("ours", "elsewhere", "self-signed certificate"),
        (
            "elsewhere",
            "elsewhere",
            "IP address mismatch, certificate is not valid for '127.0.0.1'",
        ),
    ],
    ids=["unknown to the system", "unknown to the file", "another name"],
)
async def test_an_upstream_that_is_not_trusted_gets_nothing_and_is_named(
    proxy: Proxy,
    speaking: Speaking,
    certificates: Path,
    tmp_path: Path,
    shows: str,
    trusts: str | None,
    reason: str,
) -> None:
    ca_file = certificates / f"{trusts}.pem" if trusts else None
    settings = {"mode": "record", "upstream_options__ca_file": ca_file}

    async with speaking(shows) as upstream, proxy(upstream=upstream.url, **settings) as running:
        reply = await exchange(running.url, post(PATH, BODY))

    assert reply.status == 502
    assert json.loads(reply.body)["error"] == {
        "message": f"The certificate of the upstream {upstream.url} is not trusted ({reason}); "
        "see upstream_options.ca_file.",
        "type": "runreel_error",
        "param": None,
        "code": "upstream_unreachable",
    }
    assert upstream.received == []
    assert not (tmp_path / "default.json").exists()


async def test_an_upstream_that_speaks_plain_http_on_an_https_url_is_named(proxy: Proxy) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http(400, []))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with proxy(mode="passthrough", upstream=url) as running:
            reply = await exchange(running.url, get("/v1/x"))

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"]) == (502, "upstream_unreachable")
    assert error["message"] == (
        f"The upstream {url} did not agree on TLS; does it speak https? "
        "See upstream_options.ca_file."
    )


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("absent.pem", "cannot be read (No such file or directory)"),
        ("folder", "cannot be read (Is a directory)"),
        ("notes.txt", "holds no certificate that can be read"),
        ("empty.pem", "holds no certificate that can be read"),
        ("torn.pem", "holds no certificate that can be read"),
    ],
)
async def test_a_file_without_authorities_is_refused_at_start(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, name: str, problem: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("no certificate\n")
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "torn.pem").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")
    path = tmp_path / name

    with pytest.raises(StartRefused) as refused:
        async with proxy(mode="record", upstream=upstream.url, upstream_options__ca_file=path):
            raise AssertionError

    assert str(refused.value) == (
        f"upstream_options.ca_file: {path} {problem}; name a PEM file of the authorities to trust"
    )


async def test_replay_needs_no_authorities(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda _: OK
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))

    absent = {"upstream_options__ca_file": tmp_path / "absent.pem"}
    async with proxy(mode="replay", upstream=upstream.url, **absent) as running:
        reply = await exchange(running.url, post(PATH, BODY))

    assert (reply.status, reply.body) == (200, b"answer")


async def test_whether_it_is_trusted_is_known_before_anything_is_sent(
    speaking: Speaking, certificates: Path
) -> None:
    async with speaking("ours") as upstream:
        asked = {"upstream": upstream.url}
        with pytest.raises(StartRefused) as refused:
            await check_reachable(load(None, {}, asked))
        ca_file = str(certificates / "ours.pem")
        await check_reachable(load(None, {}, asked | {"upstream_options.ca_file": ca_file}))

    assert str(refused.value) == (
        f"The certificate of the upstream {upstream.url} is not trusted (self-signed certificate); "
        "see upstream_options.ca_file."
    )
    assert upstream.received == []
