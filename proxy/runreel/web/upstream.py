"""The upstream over HTTP.

Owns the client side of the proxy: what is sent is what came in, byte for byte, but for the fields
that belong to one connection; nothing is added but what the configuration says. Translates
aiohttp's errors into `UpstreamFailed`, here and nowhere else.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from runreel.core.errors import UpstreamFailed, UpstreamFault
from runreel.core.messages import Headers, Request, end_to_end, without
from runreel.ports import UpstreamAnswer

_SESSION_HEADER = frozenset({"x-runreel-session"})
_HEADER_BYTES_MAX = 65_536  # of one response field: long security policies and cookies are real
_IDLE_S_MAX = 4  # below common servers' own limit, so that they do not close under a POST


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How to reach the upstream: `base` is its URL without trailing slash, times in seconds."""

    base: str
    headers: Headers
    connect_timeout_s: float
    read_timeout_s: float


class HttpUpstream:
    """Forwards requests with one pool of connections and no memory of cookies."""

    def __init__(self, session: aiohttp.ClientSession, options: UpstreamOptions) -> None:
        self._session = session
        self._options = options
        self._replaced = _SESSION_HEADER | {name.lower() for name, _ in options.headers}

    async def send(self, request: Request) -> UpstreamAnswer:
        """Send once; never follow, never repeat."""
        passed = without(end_to_end(request.headers), frozenset(self._replaced))
        try:
            response = await self._session.request(
                request.method,
                URL(self._options.base + request.target, encoded=True),
                headers=CIMultiDict(passed + self._options.headers),
                data=request.body or None,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _translated(error, self._options.base) from None
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in response.raw_headers
        )
        return UpstreamAnswer(response.status, headers, self._chunks(response))

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _translated(error, self._options.base) from None
        finally:
            # Closes the connection if the body was not read to its end, else returns it.
            response.release() if response.content.at_eof() else response.close()


@asynccontextmanager
async def http_upstream(options: UpstreamOptions) -> AsyncIterator[HttpUpstream]:
    """An upstream for as long as the context lasts."""
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=options.connect_timeout_s, sock_read=options.read_timeout_s
    )
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S_MAX, ttl_dns_cache=30),
        cookie_jar=aiohttp.DummyCookieJar(),  # one client's cookie must never reach another
        auto_decompress=False,
        trust_env=False,  # no proxy and no ~/.netrc credential slips in
        raise_for_status=False,
        requote_redirect_url=False,
        max_field_size=_HEADER_BYTES_MAX,
        timeout=timeout,
    ) as session:
        yield HttpUpstream(session, options)


# The first that fits; messages name the upstream, never the request.
_FAULTS: tuple[tuple[type[BaseException], UpstreamFault, str], ...] = (
    (
        aiohttp.ConnectionTimeoutError,
        UpstreamFault.TIMEOUT,
        "The upstream {0} accepted no connection in time; see upstream_options.connect_timeout_s.",
    ),
    (
        asyncio.TimeoutError,
        UpstreamFault.TIMEOUT,
        "The upstream {0} went silent; see upstream_options.read_timeout_s.",
    ),
    (
        aiohttp.ClientConnectorError,
        UpstreamFault.UNREACHABLE,
        "The upstream {0} cannot be reached; is it running, and is the URL right?",
    ),
    (
        aiohttp.ClientResponseError,
        UpstreamFault.MALFORMED,
        "The upstream {0} answered something that is not HTTP.",
    ),
    (
        aiohttp.InvalidURL,
        UpstreamFault.MALFORMED,
        "The request's target cannot be sent to the upstream {0}.",
    ),
    (
        BaseException,
        UpstreamFault.DISCONNECTED,
        "The upstream {0} closed the connection before its answer was complete.",
    ),
)


def _translated(error: BaseException, base: str) -> UpstreamFailed:
    fault, text = next((fault, text) for kind, fault, text in _FAULTS if isinstance(error, kind))
    return UpstreamFailed(fault, text.format(base))
