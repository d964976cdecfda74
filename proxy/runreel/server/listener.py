"""The socket that clients connect to, and what happens on a connection beside its requests.

Connections are let go in this order: nothing new is accepted, what is under way ends, what does not
is cut off. What is no HTTP, or too much of it, is answered with our own error, which quotes nothing
of what came in. Leans on three names inside aiohttp, each held by a test.
"""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from socket import socket
from typing import TextIO

from aiohttp import http_parser, web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong

from runreel.config.settings import Config
from runreel.engine.log import FrameworkLog, Log
from runreel.errors import StartRefused, error_response
from runreel.http.messages import Response
from runreel.matching.near_miss import Rerun
from runreel.server.routes import ServerContext, application
from runreel.server.upstream import LazyUpstream

# (slug, message) of what can be wrong with a request that has no handler yet, or lost it.
_NOT_HTTP = ("bad_request", "The request is not valid HTTP.")
_TOO_LARGE = (
    "headers_too_large",
    "The request line or a header is longer than 8,190 bytes, or there are more than 128 headers.",
)
_OURS = ("internal_error", "The proxy failed at this request; its log says where.")
_TOO_MANY_HEADERS = "Too many headers received"  # aiohttp has no kind of its own for it


def check_parser() -> None:
    """Return if requests will be read by the parser that all of this was tried with.

    Raises:
        StartRefused: aiohttp fell back to the one in Python, where most of its holes were.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartRefused(
            "aiohttp runs without its compiled parser; unset AIOHTTP_NO_EXTENSIONS, or install a "
            "build of aiohttp for this platform"
        )


class NotHttp(web.RequestPayloadError):
    """The body of a request turned out to be no valid HTTP."""


class Connection(web.RequestHandler):
    """One connection of a client; `refused` is told the slug of what was refused here."""

    __slots__ = ("_refused",)

    def __init__(self, *args: object, refused: Callable[[str], None], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as aiohttp has them
        self._refused = refused

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent.

        When the body of the request under way turns invalid, aiohttp tells only the next handler,
        and the one that reads it would wait for ever.
        """
        super().data_received(data)
        broken = self._messages and not isinstance(self._messages[-1][0], RawRequestMessage)
        if broken and self._current_request and not self._current_request.content.is_eof():
            self._current_request.content.set_exception(NotHttp())
            self._current_request.content.feed_eof()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - quotes the request
    ) -> web.StreamResponse:
        """Answer what no handler could, and end the connection.

        The value is what aiohttp wants to see; none of it is sent.
        """
        if isinstance(exc, HttpProcessingError):
            slug, text = _TOO_LARGE if _too_large(exc) else _NOT_HTTP
            self._refused(slug)
        else:
            slug, text = _OURS
            self.log_exception("Error handling request", exc_info=exc)
        if self.transport is not None and request.writer.output_size == 0:
            self.transport.write(_on_the_wire(error_response(slug, text)))
        self.force_close()
        return web.StreamResponse(status=status)


def _too_large(error: HttpProcessingError) -> bool:
    return isinstance(error, LineTooLong) or (
        isinstance(error, BadHttpMessage) and error.message == _TOO_MANY_HEADERS
    )


def _on_the_wire(response: Response) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        *(f"{name}: {value}" for name, value in response.headers),
        "X-Runreel-Source: proxy",
        f"Content-Length: {len(response.body)}",
        "Connection: close",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + response.body


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one run; `log` is where log lines go.

    `listener` is a bound socket to listen on, in place of the configured address. `rerun` says how
    the default session is recorded anew.
    """

    log: TextIO
    log_as_json: bool = False
    quiet: bool = False
    receipt: Path | None = None
    allow_regress: bool = False
    prune: bool = False
    listener: socket | None = None
    rerun: Rerun | None = None


KEEPALIVE_S = 15  # a client's idle connection; also bounds slow headers
# When asked to stop: for calls to the upstream under way, and then for answers to get out, which
# aiohttp may use twice. Together with saving they stay below the 10 s that supervisors grant.
DRAIN_S = 4
SHUTDOWN_S = 2


@asynccontextmanager
async def open_to_clients(
    context: ServerContext, config: Config, options: RunOptions, log: Log, upstream: LazyUpstream
) -> AsyncIterator[str]:
    """The URL of a site that listens, for as long as the context lasts.

    Raises:
        StartRefused: it cannot listen there.
    """
    app = application(context)

    async def drain(_: web.Application) -> None:
        await upstream.stop(DRAIN_S)

    app.on_shutdown.append(drain)  # nothing is accepted any more; what is under way still runs
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        host, port = config.listen.host, config.listen.port
        loop = asyncio.get_running_loop()
        try:
            accepted = _connections(context, log, runner)
            if options.listener is not None:
                listener = await loop.create_server(accepted, sock=options.listener)
            else:
                listener = await loop.create_server(accepted, host, port)
        except (OSError, ValueError) as error:  # ValueError: a host that no name can be
            raise StartRefused(_cannot_listen(host, port, error)) from None
        bound = listener.sockets[0].getsockname()
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        try:
            yield f"http://{shown}:{bound[1]}"
        finally:
            listener.close()
    finally:
        await runner.cleanup()


def _connections(
    context: ServerContext, log: Log, runner: web.AppRunner
) -> Callable[[], Connection]:
    logger = logging.Logger("runreel.web")  # noqa: LOG001 - one per proxy
    logger.addHandler(FrameworkLog(log))
    return partial(
        Connection,
        runner.server,
        loop=asyncio.get_running_loop(),
        refused=partial(context.refused, None),
        logger=logger,
        auto_decompress=False,
        access_log=None,
        keepalive_timeout=KEEPALIVE_S,
    )


def _cannot_listen(host: str, port: int, error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with --port, or any with --port 0"
    return f"cannot listen on {host} port {port} ({reason}); see --host and --port"
