"""How a connection to the upstream is made: direct, or through a proxy of the user's network.

Connections are aiohttp's, with its parser; what its session does for each call beside is left out.
For https the proxy is asked for a tunnel (CONNECT), and sees the name of the upstream and no more;
for http it gets each request whole. What cannot be connected to becomes `UpstreamFailed` here.
"""

import asyncio
import re
import ssl
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from aiohttp.client_proto import ResponseHandler
from yarl import URL

from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.forward_proxy import HttpProxy, bracketed

_NEXT_ADDRESS_S = 0.25  # as long as browsers give an address of a name before they try its next one
_CONNECT_HEAD_BYTES_MAX = 16_384  # of a proxy's answer to CONNECT

_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)


class Connector:
    """Makes connections to the server of `base`.

    `called` is its URL as errors tell it, `trust` None where it speaks no TLS.
    """

    def __init__(
        self,
        base: URL,
        called: str,
        trust: ssl.SSLContext | None,
        connect_timeout_s: float,
        proxy: HttpProxy | None = None,
    ) -> None:
        self._base = base
        self._called = called
        self._trust = trust
        self._connect_timeout_s = connect_timeout_s
        self._proxy = proxy

    async def connect(self) -> ResponseHandler:
        """A new one.

        Raises:
            UpstreamFailed: there is no connection, or the proxy makes none; nobody saw a call.
        """
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                if self._proxy is None:
                    return await self._direct()
                return await self._through(self._proxy)
        except (OSError, UnicodeError) as error:
            way = "" if self._proxy is None else f" through the proxy {self._proxy.url}"
            raise _unreachable(error, self._called + way) from None

    async def _direct(self) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        host, port = self._base.raw_host or "", self._base.port or 0
        return await _dialled(partial(ResponseHandler, loop), host, port, self._trust)

    async def _through(self, proxy: HttpProxy) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        handler = ResponseHandler(loop)
        if self._trust is None:
            return await self._at_proxy(proxy, lambda: handler)
        tunnel = await self._at_proxy(proxy, _Tunnel)
        try:
            place = f"{bracketed(self._base.raw_host or '')}:{self._base.port}"
            self._check_tunnel(proxy, await tunnel.asked(place, proxy.authorization))
            secured = await loop.start_tls(
                tunnel.transport, handler, self._trust, server_hostname=self._base.raw_host
            )
        except BaseException:
            tunnel.transport.abort()
            raise
        if secured is None:
            raise ConnectionResetError  # it closed meanwhile
        handler.connection_made(secured)
        return handler

    async def _at_proxy(self, proxy: HttpProxy, protocol: Callable[[], _Protocol]) -> _Protocol:
        try:
            return await _dialled(protocol, proxy.host, proxy.port, None)
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            raise _failed(_NO_PROXY, proxy.url) from None

    def _check_tunnel(self, proxy: HttpProxy, answer: bytes) -> None:
        """Return if the answer to CONNECT is a tunnel: nothing comes behind its head, for a server
        of TLS does not speak first.

        Raises:
            UpstreamFailed: it is none.
        """
        head, end, behind = answer.partition(_END)
        status = _STATUS_LINE.match(head) if end else None
        if status is None or (status[1].startswith(b"2") and behind):
            raise _failed(_NOT_A_PROXY, proxy.url, self._called)
        if status[1] == b"407":
            raise unauthorized(proxy)
        if not status[1].startswith(b"2"):
            raise _failed(_NO_TUNNEL, proxy.url, self._called, status[1].decode())


async def _dialled(
    protocol: Callable[[], _Protocol], host: str, port: int, tls: ssl.SSLContext | None
) -> _Protocol:
    loop = asyncio.get_running_loop()
    connect = partial(loop.create_connection, protocol, host, port, ssl=tls)
    made: _Protocol
    if type(loop).__module__ == "uvloop":  # which tries one address after the other
        _, made = await connect()
    else:
        _, made = await connect(happy_eyeballs_delay=_NEXT_ADDRESS_S)
    return made


_END = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?(?:\r\n|$)")


class _Tunnel(asyncio.Protocol):
    """A connection to a proxy until that has answered CONNECT."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._read = bytearray()
        self._answered = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self.transport = cast("asyncio.Transport", transport)  # as all of TCP are; uvloop's too

    def data_received(self, data: bytes) -> None:
        """Some of the answer came."""
        self._read += data
        if _END in self._read or len(self._read) > _CONNECT_HEAD_BYTES_MAX:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as `Protocol` has it
        """The proxy closed it."""
        self._end()

    def _end(self) -> None:
        if not self._answered.done():
            self._answered.set_result(None)

    async def asked(self, place: str, authorization: str | None) -> bytes:
        """What the proxy answers to CONNECT for a place (HOST:PORT), as far as it came at once, or
        more of it than is read.
        """
        field = f"Proxy-Authorization: {authorization}\r\n" if authorization else ""
        head = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{field}\r\n"
        self.transport.write(head.encode("ascii"))
        await self._answered
        return bytes(self._read)


_NO_CONNECTION = (
    "The upstream {0} accepted no connection in time; see upstream_options.connect_timeout_s."
)
_UNTRUSTED = (
    "The certificate of the upstream {0} is not trusted ({1}); see upstream_options.ca_file."
)
_NO_TLS = (
    "The upstream {0} did not agree on TLS; does it speak https? See upstream_options.ca_file."
)
_NOT_THERE = "The upstream {0} cannot be reached; is it running, and is the URL right?"
_NO_PROXY = "The proxy {0} cannot be reached; is it running, and is upstream_options.proxy right?"
_NOT_A_PROXY = (
    "The proxy {0} made no tunnel to the upstream {1} and said nothing that can be understood; is "
    "upstream_options.proxy the URL of an HTTP proxy?"
)
_NO_TUNNEL = (
    "The proxy {0} answered {2} and made no tunnel to the upstream {1}; does it reach that host "
    "and port, and may you go there?"
)
_NO_CREDENTIALS = (
    "The proxy {0} asks for credentials (407); write them into upstream_options.proxy, as in "
    "http://USER:PASSWORD@HOST:PORT."
)
_WRONG_CREDENTIALS = (
    "The proxy {0} does not take the credentials of upstream_options.proxy (407); are user and "
    "password right, and percent-encoded where they hold special characters?"
)

# The first that fits, of what can go wrong before anything is sent.
_UNREACHABLE: tuple[tuple[type[OSError | UnicodeError], UpstreamFault, str], ...] = (
    (TimeoutError, UpstreamFault.TIMEOUT, _NO_CONNECTION),
    (ssl.SSLCertVerificationError, UpstreamFault.UNREACHABLE, _UNTRUSTED),
    (ssl.SSLError, UpstreamFault.UNREACHABLE, _NO_TLS),
    (OSError, UpstreamFault.UNREACHABLE, _NOT_THERE),
    (UnicodeError, UpstreamFault.UNREACHABLE, _NOT_THERE),  # a name that no host can have
)


def _unreachable(error: OSError | UnicodeError, called: str) -> UpstreamFailed:
    fault, text = next(
        (fault, text) for kind, fault, text in _UNREACHABLE if isinstance(error, kind)
    )
    reason = getattr(error, "verify_message", "").rstrip(".")
    return UpstreamFailed(fault, text.format(called, reason))


def unauthorized(proxy: HttpProxy) -> UpstreamFailed:
    """The error where a proxy wants credentials, or others."""
    return _failed(_WRONG_CREDENTIALS if proxy.authorization else _NO_CREDENTIALS, proxy.url)


def _failed(text: str, *named: str) -> UpstreamFailed:
    return UpstreamFailed(UpstreamFault.UNREACHABLE, text.format(*named))
