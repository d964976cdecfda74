"""How the proxy speaks https: its certificate, and what is said of clients with whom it cannot.

The certificate is one of the user's, or made by the local authority. What asyncio keeps to itself
is told: a handshake that failed is one sentence, as plain http is that comes to a port of https.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from runreel.config.settings import Listen
from runreel.errors import StartRefused
from runreel.tls import local_authority

Files = tuple[Path, Path | None]  # of certificate and key; one has both where there is no other


@dataclass(frozen=True, slots=True)
class Certified:
    """What https is spoken with: `pem` is for clients to trust, `files` are those of a time."""

    listen: Listen
    pem: str
    files: Callable[[datetime], Files]

    def load(self, context: ssl.SSLContext, now: datetime) -> None:
        """Let connections that begin from now on be shown what there is now.

        Raises:
            StartRefused: it cannot be used; they are shown what they were before.
        """
        files = self.files(now)
        encrypted: list[bool] = []

        def passphrase() -> str:
            encrypted.append(True)  # else it would be asked for on the terminal
            return ""

        try:
            # On another first: half of a pair would be shown if the other half is not its own.
            for each in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), context):
                each.load_cert_chain(*files, password=passphrase)
        except (ssl.SSLError, OSError, ValueError) as error:
            raise StartRefused(_why_not(self.listen, error, encrypted=bool(encrypted))) from None


def certified(listen: Listen, environment: Mapping[str, str], now: datetime) -> Certified | None:
    """What https is spoken with; None where plain http is.

    The state of the user, in which the local authority is, is found by the environment.

    Raises:
        StartRefused: a file cannot be used, or there is no authority.
    """
    if not listen.is_tls:
        return None
    if listen.tls_cert is None or listen.tls_key is None:
        authority = local_authority(environment, listen.names, now)
        return Certified(listen, authority.pem, lambda at: (authority.leaf(listen.names, at), None))
    own = listen.tls_cert, listen.tls_key
    pem = _text("tls_cert", listen.tls_cert, "certificate")
    _text("tls_key", listen.tls_key, "private key")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise StartRefused(
            f"listen.tls_cert: {listen.tls_cert} holds no certificate that can be read; name a PEM "
            "file of the certificate, and behind it those that vouch for it"
        ) from None
    return Certified(listen, pem, lambda _: own)


def _text(name: str, path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise StartRefused(
            f"listen.{name}: {path} cannot be read ({error.strerror}); name a PEM file of the "
            f"{what}"
        ) from None


def server_side(found: Certified, now: datetime, tell: Callable[[str], None]) -> ssl.SSLContext:
    """TLS for a listener; `tell` gets a sentence for each client with whom it failed.

    Raises:
        StartRefused: certificate and key cannot be used.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslobject_class = _telling(tell)
    found.load(context, now)
    return context


def _why_not(listen: Listen, error: Exception, *, encrypted: bool) -> str:
    reason = getattr(error, "reason", None)
    if listen.tls_key is None:
        return (
            f"listen.tls: the certificate cannot be used ({reason or error}); make a new authority "
            "with runreel tls renew"
        )
    if encrypted:
        return (
            f"listen.tls_key: {listen.tls_key} asks for a passphrase; write it without one, as "
            "openssl pkey -in KEY -out PLAIN does"
        )
    if reason in _NO_PAIR:
        return (
            f"listen.tls_key: {listen.tls_key} is not the key of the certificate in "
            f"{listen.tls_cert}; name the two that were made together"
        )
    if reason is None or "PEM" in str(error):
        return (
            f"listen.tls_key: {listen.tls_key} holds no private key that can be read; name a PEM "
            "file of the private key"
        )
    return f"listen.tls_cert: {listen.tls_cert} cannot be used ({reason}); name another certificate"


_NO_PAIR = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})

# What OpenSSL says of a client that does not speak TLS at all, or not with us.
_PLAIN = frozenset({"HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER"})
_DISTRUST = re.compile(r"ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)$")
_NOTHING = (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLZeroReturnError, ssl.SSLEOFError)


def _telling(tell: Callable[[str], None]) -> type[ssl.SSLObject]:
    """TLS of one connection that says what asyncio does not: why there is none."""

    class Telling(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except _NOTHING:
                raise
            except ssl.SSLError as error:
                tell(_sentence(error))
                raise

        def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 - as ssl has it
            try:
                # A client that trusts nothing of ours says so when our side of it is through.
                return super().read(len, buffer)
            except _NOTHING:
                raise
            except ssl.SSLError as error:
                tell(_sentence(error))
                raise

    return Telling


def _sentence(error: ssl.SSLError) -> str:
    reason = error.reason or "no reason given"  # a name of OpenSSL's; nothing that was sent
    if reason in _PLAIN:
        return (
            "a client spoke plain http, or nothing that is known, to this port of https, and was "
            f"let go; its URL must begin with https:// ({reason})"
        )
    if _DISTRUST.search(reason):
        return (
            f"a client does not trust the certificate ({reason}); it must trust the file that "
            "runreel tls path prints, or the authority of listen.tls_cert"
        )
    return f"a client and this port of https did not agree on TLS ({reason}); it was let go"
