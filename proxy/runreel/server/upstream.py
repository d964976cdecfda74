"""The upstream: which one a configuration names, and the way there over HTTP.

What is sent is what came in, byte for byte, but for the fields that belong to one connection;
nothing is added but what the configuration says, and nothing is ever sent twice. `UpstreamLimiter`
says how many calls may be under way and how long each may take. aiohttp's errors become
`UpstreamFailed` here and nowhere else.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import ServerDisconnectedError, StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from runreel.cassettes.format import SIMULATOR
from runreel.config.settings import Config, shown_upstream
from runreel.errors import StartRefused, UpstreamFailed, UpstreamFault
from runreel.http.forward_proxy import HttpProxy, bracketed
from runreel.http.headers import Trait, end_to_end, named
from runreel.http.messages import Headers, Request, without
from runreel.ports import Clock, Upstream, UpstreamAnswer
from runreel.server.connector import Connector, unauthorized
from runreel.server.exchange import field_bytes, raw_pairs


class TooMany(Exception):
    """As many calls as allowed are under way."""


class Call:
    """One call: whoever waits for something in it does so `within` its time."""

    def __init__(self, ends_at: float | None) -> None:
        self._ends_at = ends_at
        self._waits: asyncio.Timeout | None = None

    @property
    def over(self) -> bool:
        """Whether its time has run out."""
        return self._ends_at is not None and self._ends_at <= asyncio.get_running_loop().time()

    def within(self, seconds: float | None = None) -> asyncio.Timeout:
        """What waits at most so long, and never beyond the end of the call.

        Raises:
            TimeoutError: it took longer.
        """
        if self.over:
            raise TimeoutError
        ends = self._ends_at
        if seconds is not None:
            latest = asyncio.get_running_loop().time() + seconds
            ends = latest if ends is None else min(ends, latest)
        self._waits = asyncio.timeout_at(ends)
        return self._waits

    def end(self) -> None:
        """Its time has run out now."""
        self._ends_at = asyncio.get_running_loop().time()
        with suppress(RuntimeError):  # nobody waits just now
            if self._waits is not None:
                self._waits.reschedule(self._ends_at)


class UpstreamLimiter:
    """The calls under way: `most` at once, each for `call_s_max` seconds unless that is None."""

    def __init__(self, most: int, call_s_max: float | None) -> None:
        self.stopped = False
        self._most = most
        self._call_s_max = call_s_max
        self._calls: set[Call] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> Call:
        """One more; see to it that it is given to `end`.

        Raises:
            TooMany: not now.
        """
        if len(self._calls) >= self._most:
            raise TooMany
        now = asyncio.get_running_loop().time()
        call = Call(None if self._call_s_max is None else now + self._call_s_max)
        self._calls.add(call)
        self._idle.clear()
        return call

    def end(self, call: Call) -> None:
        """One less."""
        self._calls.discard(call)
        if not self._calls:
            self._idle.set()

    async def stop(self, patience_s: float) -> None:
        """Return when no call is under way any more, or when those that are have been ended."""
        try:
            async with asyncio.timeout(patience_s):
                await self._idle.wait()
        except TimeoutError:
            pass
        finally:
            self.stopped = True
            for call in self._calls:
                call.end()


_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_IDLE_MAX = 256  # connections that nobody uses
_IDLE_S_MAX = 4  # below common servers' own limit, so that they do not close under a POST
_HEADER_BYTES_MAX = 65_536  # of one response field: long security policies and cookies are real
_BLOCKS_MAX = 1_024  # of headers that are remembered


@dataclass(frozen=True, slots=True)
class UpstreamOptions:
    """How to reach the upstream: `base` is its URL without trailing slash, times in seconds.

    `total_timeout_s` is for a whole call, None if that may take for ever; `calls_max` is how many
    may be under way. `ca_file` is a PEM file of the authorities to trust, None for the system's,
    `proxy` what all calls go through.
    """

    base: str
    headers: Headers
    connect_timeout_s: float
    read_timeout_s: float
    total_timeout_s: float | None
    calls_max: int
    ca_file: Path | None = None
    proxy: HttpProxy | None = None


_NO_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # methods that need no length for none


class Connections:
    """Connections to one server, kept for the next call while nobody uses them."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._idle: list[tuple[ResponseHandler, float]] = []
        self.in_use: set[ResponseHandler] = set()

    def unused(self) -> ResponseHandler | None:
        """The one that was used last of those that nobody uses."""
        latest = asyncio.get_running_loop().time() - _IDLE_S_MAX
        while self._idle:
            found, since = self._idle.pop()
            if found.is_connected() and since > latest and not found.should_close:
                self.in_use.add(found)
                return found
            found.close()
        return None

    async def new(self) -> ResponseHandler:
        """A new one.

        Raises:
            UpstreamFailed: as `Connector.connect`.
        """
        made = await self._connector.connect()
        self.in_use.add(made)
        return made

    def drop(self, used: ResponseHandler) -> None:
        """Close one whose call has ended half-way."""
        self.in_use.discard(used)
        used.close()

    def give_back(self, used: ResponseHandler) -> None:
        """One whose answer was read to its end is for the next call, if it can be."""
        transport = used.transport
        if transport is None or used.should_close or transport.get_write_buffer_size():
            self.drop(used)
        else:
            self.in_use.discard(used)
            self._idle.append((used, asyncio.get_running_loop().time()))
            while len(self._idle) > _IDLE_MAX:
                self._idle.pop(0)[0].close()

    def close(self) -> None:
        """Close all of them."""
        for found in (*self.in_use, *(idle for idle, _ in self._idle)):
            found.close()
        self.in_use.clear()
        self._idle.clear()


class HttpUpstream:
    """Forwards requests over one pool of connections, and never twice."""

    def __init__(self, options: UpstreamOptions, trust: ssl.SSLContext | None) -> None:
        self.options = options
        self._base = URL(options.base, encoded=True)
        self.connections = Connections(_connector(options, trust))
        self._path = self._base.raw_path.rstrip("/").encode("ascii")
        self._host = _host_of(self._base)
        self._added = options.headers
        # A proxy gets requests for http whole, and has to be told whose they are.
        self._asked = None if trust else options.proxy
        if self._asked is not None:
            self._path = b"http://%b%b" % (self._host, self._path)
            if self._asked.authorization is not None:
                self._added += (("Proxy-Authorization", self._asked.authorization),)
        self._answer_s_max = options.connect_timeout_s + options.read_timeout_s
        self._calls = UpstreamLimiter(options.calls_max, options.total_timeout_s)
        self._blocks: dict[Headers, bytes] = {}
        self._dropped = named(Trait.ENDS_HERE) | {name.lower() for name, _ in options.headers}

    async def send(self, request: Request) -> UpstreamAnswer:
        """Send once; never follow, never repeat."""
        if self._calls.stopped:
            fault, text = _STOPPED
            raise UpstreamFailed(fault, text.format(self.options.base), sent=False)
        try:
            call = self._calls.begin()
        except TooMany:
            raise _failed(UpstreamFault.TOO_MANY, _TOO_MANY, self.options.base) from None
        connection = None
        try:
            # A connection's own limit does not count while a body goes out; with this one an
            # upstream that stops reading is noticed too.
            async with call.within(self._answer_s_max):
                connection = self.connections.unused()
                if connection is None:
                    connection = await self.connections.new()
                message, payload = await self._answered(connection, request)
        except BaseException as error:
            self._calls.end(call)
            if connection is not None:
                self.connections.drop(connection)
            if isinstance(error, _ERRORS):
                raise self._translated(call, error) from None
            raise
        chunks = self._chunks(call, connection, payload)
        return UpstreamAnswer(message.code, raw_pairs(message.raw_headers), chunks)

    async def stop(self, patience_s: float) -> None:
        """Return when no call is under way; those that take longer than this fail as `stopping`."""
        await self._calls.stop(patience_s)

    async def _answered(
        self, connection: ResponseHandler, request: Request
    ) -> tuple[RawResponseMessage, StreamReader]:
        connection.set_response_params(
            skip_payload=request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_timeout=self.options.read_timeout_s,
            max_field_size=_HEADER_BYTES_MAX,
        )
        if connection.transport is None:
            raise ServerDisconnectedError
        connection.transport.write(self._head(request) + request.body)
        connection.start_timeout()
        while True:
            message, payload = await connection.read()
            if not 100 <= message.code <= 199 or message.code == 101:
                break
        if self._asked is not None and message.code == 407:
            raise unauthorized(self._asked)
        if not _can_be_passed_on(message):
            raise _failed(UpstreamFault.MALFORMED, _NOT_HTTP, self.options.base)
        return message, payload

    def _head(self, request: Request) -> bytes:
        """The request line and the headers; the target goes as it came, query and all."""
        block = self._blocks.get(request.headers)
        if block is None:
            passed = without(end_to_end(request.headers), self._dropped) + self._added
            block = b"".join(b"%b: %b\r\n" % field for field in map(field_bytes, passed))
            if len(self._blocks) >= _BLOCKS_MAX:
                self._blocks.clear()
            self._blocks[request.headers] = block
        length = b""
        if request.body or request.method not in _NO_BODY:
            length = b"Content-Length: %d\r\n" % len(request.body)
        return b"%b %b%b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n" % (
            request.method.encode("ascii"),
            self._path,
            request.target.encode("latin-1"),
            self._host,
            block,
            length,
        )

    async def _chunks(
        self, call: Call, connection: ResponseHandler, content: StreamReader
    ) -> AsyncGenerator[bytes, None]:
        whole = False
        try:
            while not content.at_eof():
                chunk = b"" if call.over else content.read_nowait()
                if not chunk:
                    async with call.within():
                        chunk = await content.readany()
                if chunk:
                    yield chunk
            whole = True
        except _ERRORS as error:
            raise self._translated(call, error) from None
        finally:
            # If the body was not read to its end, nobody knows where the next answer begins.
            (self.connections.give_back if whole else self.connections.drop)(connection)
            self._calls.end(call)

    def _translated(self, call: Call, error: BaseException) -> UpstreamFailed:
        fault, text = next(
            (fault, text) for kind, fault, text in _FAULTS if isinstance(error, kind)
        )
        if isinstance(error, TimeoutError) and call.over:
            fault, text = _STOPPED if self._calls.stopped else _TOO_LONG
        return _failed(fault, text, self.options.base)


_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError)


def _connector(
    options: UpstreamOptions, trust: ssl.SSLContext | None, called: str | None = None
) -> Connector:
    base, timeout_s = URL(options.base, encoded=True), options.connect_timeout_s
    return Connector(base, called or options.base, trust, timeout_s, options.proxy)


def _host_of(base: URL) -> bytes:
    """What a request says of whom it is for."""
    shown = bracketed(base.raw_host or "")
    return (shown if base.is_default_port() else f"{shown}:{base.port}").encode("ascii")


def _can_be_passed_on(message: RawResponseMessage) -> bool:
    """Whether it is a final response with a body as it is meant and headers that can be sent."""
    codings = message.headers.getall("Transfer-Encoding", [])
    return (
        message.code >= 200
        and all(coding.lower() == "chunked" for coding in codings)
        and not any(_CONTROL.search(value) for _, value in message.raw_headers)
    )


@asynccontextmanager
async def http_upstream(options: UpstreamOptions) -> AsyncIterator[HttpUpstream]:
    """An upstream for as long as the context lasts.

    Raises:
        StartRefused: `ca_file` cannot be used.
    """
    upstream = HttpUpstream(options, _trust(options))
    try:
        yield upstream
    finally:
        upstream.connections.close()


def _trust(options: UpstreamOptions) -> ssl.SSLContext | None:
    """Whom to trust; None where there is no TLS."""
    secure = urlsplit(options.base).scheme == "https"
    if not secure and options.ca_file is None:
        return None
    found = _authorities(options.ca_file)
    found.set_alpn_protocols(["http/1.1"])
    return found if secure else None


def _authorities(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        problem = "holds no certificate that can be read"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    raise StartRefused(
        f"upstream_options.ca_file: {ca_file} {problem}; name a PEM file of the authorities to "
        "trust"
    )


_NOT_HTTP = "The upstream {0} answered something that is not HTTP."
_TOO_MANY = (
    "More calls to the upstream {0} are under way than limits.upstream_calls_max allows, so this "
    "one was not sent; try again."
)
_TOO_LONG = (
    UpstreamFault.TIMEOUT,
    "The upstream {0} took too long for its answer; see upstream_options.total_timeout_s.",
)
_STOPPED = (
    UpstreamFault.STOPPED,
    "The proxy is stopping and did not wait any longer for the upstream {0}.",
)

# The first that fits; messages name the upstream, never the request.
_FAULTS: tuple[tuple[type[BaseException], UpstreamFault, str], ...] = (
    (
        TimeoutError,
        UpstreamFault.TIMEOUT,
        "The upstream {0} went silent; see upstream_options.read_timeout_s.",
    ),
    (HttpProcessingError, UpstreamFault.MALFORMED, _NOT_HTTP),
    (
        BaseException,
        UpstreamFault.DISCONNECTED,
        "The upstream {0} closed the connection before its answer was complete.",
    ),
)


def _failed(fault: UpstreamFault, text: str, base: str) -> UpstreamFailed:
    return UpstreamFailed(fault, text.format(base))


async def check_reachable(config: Config) -> None:
    """Return if the upstream of a configuration, if it has one, accepts connections; nothing is
    sent to it.

    Raises:
        StartRefused: it does not, or is not trusted, or its proxy makes none.
    """
    if config.upstream is None or config.upstream == SIMULATOR:
        return
    options = _upstream_options(config)
    try:
        (await _connector(options, _trust(options), shown_upstream(config)).connect()).close()
    except UpstreamFailed as failure:
        raise StartRefused(str(failure)) from None


class LazyUpstream:
    """The upstream of a configuration, from when the first session needs it."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._upstream: Upstream | None = None
        self._opening = asyncio.Lock()
        self._held = AsyncExitStack()

    async def open(self) -> None:
        """Return once it can be sent to.

        Raises:
            StartRefused: it cannot be what is asked for.
        """
        async with self._opening:
            if self._upstream is None:
                opening = open_upstream(self._config, self._clock)
                self._upstream = await self._held.enter_async_context(opening)

    async def send(self, request: Request) -> UpstreamAnswer:
        """Send a request, as the upstream does."""
        if self._upstream is None:
            raise UpstreamFailed(
                UpstreamFault.STOPPED, "There is no way to an upstream here.", sent=False
            )
        return await self._upstream.send(request)

    async def stop(self, seconds: float) -> None:
        """Wait so long for the calls that are under way, then give them up."""
        if isinstance(self._upstream, HttpUpstream):
            await self._upstream.stop(seconds)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._held.aclose()


@asynccontextmanager
async def open_upstream(config: Config, clock: Clock) -> AsyncIterator[Upstream]:
    """The upstream of a configuration that has one, for as long as the context lasts.

    Raises:
        StartRefused: it cannot be what is asked for.
    """
    if config.upstream == SIMULATOR:
        # Here, so that nobody waits for it at the start who does not need it.
        from runreel.server.simulated import simulator  # noqa: PLC0415 - see above

        yield simulator(config, clock)
        return
    async with http_upstream(_upstream_options(config)) as upstream:
        yield upstream


def _upstream_options(config: Config) -> UpstreamOptions:
    options = config.upstream_options
    return UpstreamOptions(
        base=config.upstream or "",
        headers=tuple(options.headers.items()),
        connect_timeout_s=options.connect_timeout_s,
        read_timeout_s=options.read_timeout_s,
        total_timeout_s=options.total_timeout_s,
        calls_max=config.limits.upstream_calls_max,
        ca_file=options.ca_file,
        proxy=None if options.proxy is None else HttpProxy.at(options.proxy),
    )
