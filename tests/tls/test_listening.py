"""A proxy that speaks https: who is answered, who is let go, and what is said of it."""

import asyncio
import json
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from runreel.config.loading import load
from runreel.errors import StartRefused
from runreel.server import listener
from servers import Proxy, RawUpstream, http
from tls.owning import Own, own, trusting
from watched import WatchedLog
from wire import Wire, exchange, get, post

TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
UPSTREAM_BASE = "/base"


@pytest.fixture
def log() -> WatchedLog:
    return WatchedLog()


@pytest.fixture
def mine(tmp_path: Path) -> Own:
    """A certificate of the user's own."""
    return own(tmp_path)


async def shown(url: str, client: ssl.SSLContext, name: str = "127.0.0.1") -> bytes | str:
    """The certificate that a client is shown, or why it does not take it."""
    port = urlsplit(url).port
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=name
        )
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return bytes(found)


async def came_back(url: str, raw: bytes) -> bytes:
    """All that comes back on a plain connection until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write(raw)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def refusal(url: str, client: ssl.SSLContext) -> str | None:
    """Why a client ends TLS, and tells us; asyncio's never does."""
    with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as plain:
        try:
            client.wrap_socket(plain, server_hostname="127.0.0.1")
        except ssl.SSLError as error:
            return error.reason
    return None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "box.local"])
async def test_a_client_that_trusts_the_authority_takes_all_our_names(
    proxy: Proxy, name: str, tmp_path: Path
) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    settings = {"mode": "passthrough", "listen__allowed_hosts": ["box.local"]}
    upstream = {"upstream": "simulator", "environment": environment}
    async with proxy(**settings, **upstream, listen__tls=True) as running:
        assert running.pem is not None
        found = await shown(running.url, trusting(running.pem), name)
        other = await shown(running.url, trusting(running.pem), "example.com")
        stranger = await shown(running.url, ssl.create_default_context(), name)
        ready = running.ready_line

    assert isinstance(found, bytes)
    assert other == "Hostname mismatch, certificate is not valid for 'example.com'."
    assert stranger == "unable to get local issuer certificate"
    assert ready.startswith("runreel: simulator at https://127.0.0.1:")


PLAIN = (
    "problem a client spoke plain http, or nothing that is known, to this port of https, and was "
    "let go; its URL must begin with https:// ({0})"
)
DISTRUST = (
    "problem a client does not trust the certificate ({0}); it must trust the file that runreel "
    "tls path prints, or the authority of listen.tls_cert"
)
NO_TLS = "problem a client and this port of https did not agree on TLS ({0}); it was let go"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (get("/v1/x"), "HTTP_REQUEST"),
        (post("/v1/x", b"{}"), "HTTP_REQUEST"),
        (get("/v1/x", method="DELETE"), "WRONG_VERSION_NUMBER"),
        (b"CONNECT example.com:443 HTTP/1.1\r\n\r\n", "HTTPS_PROXY_REQUEST"),
    ],
)
async def test_plain_http_is_let_go_and_told(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog, raw: bytes, reason: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        answer = await came_back(running.url, raw)
        after = await exchange(running.url, get("/v1/after"))

    assert b"HTTP/" not in answer
    assert after.status == 200
    assert log.lines[0][9:] == PLAIN.format(reason)
    assert [line for line in log.lines if " problem " in line] == log.lines[:1]


async def test_what_is_no_tls_is_let_go_and_told(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        await came_back(running.url, b"\x00" * 100)

    assert [line[9:] for line in log.lines] == [PLAIN.format("WRONG_VERSION_NUMBER")]
    assert upstream.received == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_that_trusts_somebody_else_is_told_of_in_one_line(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog, version: ssl.TLSVersion
) -> None:
    client = ssl.create_default_context()
    client.minimum_version = client.maximum_version = version
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        found = await asyncio.to_thread(refusal, running.url, client)
        await log.has(1)

    assert found == "CERTIFICATE_VERIFY_FAILED"
    assert [line[9:] for line in log.lines] == [DISTRUST.format("TLSV1_ALERT_UNKNOWN_CA")]


async def test_a_client_with_nothing_in_common_is_told_of_in_one_line(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog
) -> None:
    client = ssl.create_default_context()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("AES128-SHA256")  # of keys that are not ours
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        found = await asyncio.to_thread(refusal, running.url, client)

    assert found is not None
    assert [line[9:] for line in log.lines] == [NO_TLS.format("NO_SHARED_CIPHER")]


@pytest.mark.parametrize("half", [b"", b"\x16\x03\x01\x02\x00"])
async def test_a_client_that_never_shakes_hands_is_let_go(
    proxy: Proxy, upstream: RawUpstream, half: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "KEEPALIVE_S", 0.05)
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        assert await came_back(running.url, half) == b""


async def test_a_client_that_leaves_at_once_is_nothing_to_tell(
    proxy: Proxy, upstream: RawUpstream, log: WatchedLog
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        with socket.create_connection(("127.0.0.1", urlsplit(running.url).port or 0)):
            pass
        wire = await Wire.open(running.url)
        wire.writer.transport.abort()
        await exchange(running.url, get("/v1/x"))

    assert [line for line in log.lines if " problem " in line] == []


@pytest.mark.parametrize("fast_lane", [True, False], ids=["lane", "aiohttp"])
async def test_a_location_leads_to_our_url_of_https(proxy: Proxy, upstream: RawUpstream) -> None:
    base = upstream.url + UPSTREAM_BASE
    upstream.answer = lambda _: http(302, [("Location", f"{base}/v1/files/1")])
    async with proxy(mode="record", upstream=base, listen__tls=True) as running:
        live = await exchange(running.url, get("/v1/x", host="localhost:8443"))
    async with proxy(mode="replay", listen__tls=True) as running:
        replayed = await exchange(running.url, get("/v1/x", host="localhost:8443"))

    assert live.values("location") == ["https://localhost:8443/v1/files/1"]
    assert replayed.values("location") == ["https://localhost:8443/v1/files/1"]


async def test_a_sessions_url_is_of_https(proxy: Proxy, upstream: RawUpstream) -> None:
    async with proxy(
        mode="record", upstream=upstream.url, listen__tls=True, base_path="/v1"
    ) as running:
        body = b'{"cassette":"other","id":"a"}'
        opened = await exchange(running.url, post("/_runreel/sessions", body, host="box:1"))
        named = await exchange(running.url, post("/_runreel/sessions", body, host="localhost:1"))

    assert opened.status == 421
    assert json.loads(named.body)["base_url"] == "https://localhost:1/_runreel/s/a/v1"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://localhost", 200), ("https://localhost:443", 200), ("http://localhost", 403)],
)
async def test_a_page_of_plain_http_is_of_another_origin(
    proxy: Proxy, upstream: RawUpstream, origin: str, status: int
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        reply = await exchange(running.url, get(TARGET, (("Origin", origin),)))

    assert reply.status == status


@pytest.mark.parametrize(("scheme", "status"), [("https", 200), ("HTTPS", 200), ("http", 421)])
async def test_a_whole_url_as_target_must_be_of_https(
    proxy: Proxy, upstream: RawUpstream, scheme: str, status: int
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url, listen__tls=True) as running:
        reply = await exchange(running.url, get(f"{scheme}://localhost/v1/x"))

    assert reply.status == status


async def test_one_runreel_stands_before_another_that_speaks_https(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    inner = proxy(mode="passthrough", upstream=upstream.url, listen__tls=True)
    async with inner as behind:
        ca_file = tmp_path / "ca.pem"
        ca_file.write_text(behind.pem or "")
        settings = {"mode": "record", "upstream_options__ca_file": ca_file}
        async with proxy(upstream=behind.url, **settings) as before:
            reply = await exchange(before.url, post(TARGET, b'{"metadata":{}}'))

    assert (reply.status, len(upstream.received)) == (200, 1)


async def test_a_loop_is_noticed_over_https_too(proxy: Proxy, tmp_path: Path, mine: Own) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{bound.getsockname()[1]}"
        ca_file = tmp_path / "ca.pem"
        ca_file.write_bytes(mine.authority.public_pem)
        own_upstream = {"upstream": url, "upstream_options__ca_file": ca_file}
        settings = {"mode": "passthrough", **own_upstream, **mine.settings}
        async with proxy(listener=bound, **settings):
            reply = await exchange(url, get("/v1/x"))

    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (508, "loop_detected")


async def test_a_certificate_of_ones_own_is_shown_and_no_authority_is_made(
    proxy: Proxy, upstream: RawUpstream, mine: Own, tmp_path: Path
) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path / "state")}
    settings = {"mode": "passthrough", "upstream": upstream.url, "environment": environment}
    async with proxy(**settings, **mine.settings, listen__tls=True) as running:
        found = await shown(running.url, mine.trust)

    assert found == mine.leaf.certificate.public_bytes(Encoding.DER)
    assert not (tmp_path / "state").exists()


def test_a_certificate_of_ones_own_means_https_unless_that_is_turned_off(mine: Own) -> None:
    named = {"listen.tls_cert": mine.cert, "listen.tls_key": mine.key}

    assert load(None, {}, named).listen.is_tls
    assert not load(None, {}, named | {"listen.tls": False}).listen.is_tls
    assert not load(None, {}, {}).listen.is_tls


@pytest.mark.parametrize(("name", "other"), [("tls_cert", "tls_key"), ("tls_key", "tls_cert")])
def test_a_certificate_without_its_key_is_refused(name: str, other: str) -> None:
    with pytest.raises(StartRefused) as refused:
        load(None, {}, {f"listen.{name}": "own.pem"})

    assert str(refused.value) == (
        f"listen.{name}: a certificate and its key belong together; set listen.{other} too, or "
        "neither for one of the local authority (--tls)"
    )


def _without_cert(mine: Own) -> None:
    mine.cert.unlink()


def _cert_is_folder(mine: Own) -> None:
    mine.cert.unlink()
    mine.cert.mkdir()


def _no_cert(mine: Own) -> None:
    mine.cert.write_text("notes\n")


def _torn_cert(mine: Own) -> None:
    mine.cert.write_bytes(mine.cert.read_bytes()[:100])


def _without_key(mine: Own) -> None:
    mine.key.unlink()


def _no_key(mine: Own) -> None:
    mine.key.write_text("notes\n")


def _torn_key(mine: Own) -> None:
    mine.key.write_bytes(mine.key.read_bytes()[:100])


def _other_key(mine: Own) -> None:
    own(mine.key.parent, "other").key.rename(mine.key)


def _key_of_another_kind(mine: Own) -> None:
    key = rsa.generate_private_key(65537, 2048)
    mine.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _encrypted(mine: Own) -> None:
    mine.encrypt()


_CERT = "name a PEM file of the certificate, and behind it those that vouch for it"
_KEY = "holds no private key that can be read; name a PEM file of the private key"
_PAIR = "is not the key of the certificate in {cert}; name the two that were made together"
WRONG = {
    _without_cert: (
        "listen.tls_cert: {cert} cannot be read (No such file or directory); name a PEM file of "
        "the certificate"
    ),
    _cert_is_folder: (
        "listen.tls_cert: {cert} cannot be read (Is a directory); name a PEM file of the "
        "certificate"
    ),
    _no_cert: f"listen.tls_cert: {{cert}} holds no certificate that can be read; {_CERT}",
    _torn_cert: f"listen.tls_cert: {{cert}} holds no certificate that can be read; {_CERT}",
    _without_key: (
        "listen.tls_key: {key} cannot be read (No such file or directory); name a PEM file of the "
        "private key"
    ),
    _no_key: f"listen.tls_key: {{key}} {_KEY}",
    _torn_key: f"listen.tls_key: {{key}} {_KEY}",
    _other_key: f"listen.tls_key: {{key}} {_PAIR}",
    _key_of_another_kind: f"listen.tls_key: {{key}} {_PAIR}",
    _encrypted: (
        "listen.tls_key: {key} asks for a passphrase; write it without one, as openssl pkey -in "
        "KEY -out PLAIN does"
    ),
}


@pytest.mark.parametrize("make_wrong", WRONG, ids=lambda make: make.__name__.strip("_"))
async def test_what_cannot_be_shown_is_refused_at_start_in_one_sentence(
    proxy: Proxy, mine: Own, make_wrong: object
) -> None:
    assert callable(make_wrong)
    make_wrong(mine)

    with pytest.raises(StartRefused) as refused:
        async with proxy(mode="passthrough", upstream="simulator", **mine.settings):
            raise AssertionError

    assert str(refused.value) == WRONG[make_wrong].format(cert=mine.cert, key=mine.key)


async def test_a_certificate_that_is_replaced_is_shown_without_a_new_start(
    proxy: Proxy, mine: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SHOWN_ANEW_S", 0.01)
    async with proxy(mode="passthrough", upstream="simulator", **mine.settings) as running:
        first = await shown(running.url, mine.trust)
        next_ = own(tmp_path, "next")
        next_.key.rename(mine.key)
        next_.cert.rename(mine.cert)
        expected = next_.leaf.certificate.public_bytes(Encoding.DER)
        while await shown(running.url, next_.trust) != expected:
            pass

    assert first == mine.leaf.certificate.public_bytes(Encoding.DER)


async def test_one_that_goes_bad_is_told_and_the_last_good_one_is_shown(
    proxy: Proxy, mine: Own, log: WatchedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SHOWN_ANEW_S", 0.01)
    async with proxy(mode="passthrough", upstream="simulator", **mine.settings) as running:
        _other_key(mine)
        await log.has(1)
        found = await shown(running.url, mine.trust)

    sentence = WRONG[_other_key].format(cert=mine.cert, key=mine.key)
    assert log.lines[0][9:] == f"problem {sentence}"
    assert found == mine.leaf.certificate.public_bytes(Encoding.DER)
