"""The socket that clients connect to, and what becomes of connections when it closes.

Connections are let go in this order: nothing new is accepted, what is under way ends, what does not
is cut off.
"""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any, TextIO

from aiohttp import http_parser, web

from runreel.config.settings import Config
from runreel.engine.log import FrameworkLog, Log
from runreel.errors import StartRefused
from runreel.matching.near_miss import Rerun
from runreel.ports import SystemClock
from runreel.server.exchange import Connection
from runreel.server.lane import Lane, LaneConnection
from runreel.server.routes import ServerContext, application
from runreel.server.tls import Certified, server_side
from runreel.server.upstream import LazyUpstream
from runreel.sessions.events import Refusal
from runreel.sessions.manager import Sessions
from runreel.text import counted


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


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one run; `log` is where log lines go, in `colour` if it is a terminal. `quiet` is
    for where the configuration does not say whether it is.

    `listener` is a bound socket to listen on, in place of the configured address. `rerun` says how
    the default session is recorded anew. `environment` is that of the user: where their state is,
    and which proxy their network has.
    """

    log: TextIO
    colour: bool = False
    quiet: bool = False
    receipt: Path | None = None
    allow_regress: bool = False
    prune: bool = False
    listener: socket | None = None
    rerun: Rerun | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


KEEPALIVE_S = 15  # a client's idle connection; also bounds slow headers
# When asked to stop: for calls to the upstream under way, and then for answers to get out, which
# aiohttp may use twice. Together with saving they stay below the 10 s that supervisors grant.
DRAIN_S = 5
SHUTDOWN_S = 1.5
SHOWN_ANEW_S = 86_400  # after which a certificate is looked at again, and made anew near its end


class Stop:
    """A stop that is called for: once, and what is under way ends; again, and it is ended."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()

    def __call__(self) -> None:
        """Ask for it, or once more."""
        (self.at_once if self.asked.is_set() else self.asked).set()


@asynccontextmanager
async def open_to_clients(
    context: ServerContext,
    config: Config,
    options: RunOptions,
    log: Log,
    upstream: LazyUpstream,
    shown: Certified | None,
    stop: Stop | None = None,
) -> AsyncIterator[str]:
    """The URL of a site that listens, for as long as the context lasts; its clients are shown a
    certificate where it speaks https.

    Raises:
        StartRefused: it cannot listen there.
    """
    app = application(context)

    async def drain(_: web.Application) -> None:
        await _drained_unless(stop, context.sessions, upstream, log)

    app.on_shutdown.append(drain)  # nothing is accepted any more; what is under way still runs
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        with _speaking_tls(shown, log) as tls:
            accepted = _connections(context, config, log, runner)
            listener = await _listening(accepted, config, options, tls)
            bound = listener.sockets[0].getsockname()
            name = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            try:
                yield f"{context.scheme}://{name}:{bound[1]}"
            finally:
                listener.close()
    finally:
        await runner.cleanup()


async def _drained_unless(
    stop: Stop | None, sessions: Sessions, upstream: LazyUpstream, log: Log
) -> None:
    """As `_drained`, but at once if a stop is called for again."""
    if stop is None:
        await _drained(sessions, upstream)
        return
    if calls := sessions.live_calls:
        waits = f"waiting for {counted(calls, 'call')} ({DRAIN_S} s)"
        log.told(SystemClock().now(), f"{waits}; Ctrl-C again to stop now")
    tasks = [*map(asyncio.ensure_future, (_drained(sessions, upstream), stop.at_once.wait()))]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await upstream.stop(0)


async def _drained(sessions: Sessions, upstream: LazyUpstream) -> None:
    """Return when no call is under way, or when those that are have been ended."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    # What was read before the stop may not have come to the upstream yet.
    await sessions.quiet(DRAIN_S)
    await upstream.stop(max(0, began + DRAIN_S - loop.time()))


async def _listening(
    accepted: Callable[[], Connection], config: Config, options: RunOptions, tls: dict[str, Any]
) -> asyncio.Server:
    loop, (host, port) = asyncio.get_running_loop(), (config.listen.host, config.listen.port)
    try:
        if options.listener is not None:
            return await loop.create_server(accepted, sock=options.listener, **tls)
        return await loop.create_server(accepted, host, port, **tls)
    except (OSError, ValueError) as error:  # ValueError: a host that no name can be
        raise StartRefused(_cannot_listen(host, port, error)) from None


@contextmanager
def _speaking_tls(shown: Certified | None, log: Log) -> Iterator[dict[str, Any]]:
    """What asyncio is told of TLS, if it is spoken. As long as the context lasts, however long that
    is, clients are shown a certificate that holds.
    """
    if shown is None:
        yield {}
        return
    loop, clock = asyncio.get_running_loop(), SystemClock()

    def tell(sentence: str) -> None:
        log.problem(clock.now(), sentence)

    context = server_side(shown, clock.now(), tell)
    timer: asyncio.TimerHandle

    def again() -> None:
        nonlocal timer
        timer = loop.call_later(SHOWN_ANEW_S, again)
        try:
            shown.load(context, clock.now())
        except StartRefused as error:  # what was shown so far may last until it is mended
            tell(str(error))

    timer = loop.call_later(SHOWN_ANEW_S, again)
    try:
        yield {
            "ssl": context,
            "ssl_handshake_timeout": KEEPALIVE_S,
            "ssl_shutdown_timeout": SHUTDOWN_S,
        }
    finally:
        timer.cancel()


def _connections(
    context: ServerContext, config: Config, log: Log, runner: web.AppRunner
) -> Callable[[], Connection]:
    logger = logging.Logger("runreel.web")  # noqa: LOG001 - one per proxy
    logger.addHandler(FrameworkLog(log))
    kind = partial(LaneConnection, lane=Lane(context)) if config.listen.fast_lane else Connection
    return partial(
        kind,
        runner.server,
        loop=asyncio.get_running_loop(),
        refused=lambda slug: context.refused(Refusal(slug)),
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
