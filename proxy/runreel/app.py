"""The composition root: plain values from a `Config` are handed to everything that needs them.

Owns the wiring and the order of start and stop, visible in `serving`. Nothing else imports across
the layers.
"""

import asyncio
import errno
import logging
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from aiohttp import web

from runreel import __version__
from runreel.config import Config
from runreel.core.cassette import SIMULATOR
from runreel.core.errors import StartRefused
from runreel.core.facts import Fact
from runreel.core.modes import Mode
from runreel.core.profiles import PROFILES
from runreel.core.recorder import Checks
from runreel.core.redaction import Redaction
from runreel.core.rules import HARMLESS_HEADERS, PatternRule
from runreel.core.volatile import Rule
from runreel.engine import Engine, Limits
from runreel.live import LiveSession
from runreel.ports import Sink, Upstream
from runreel.sessions import DEFAULT, SessionSpec, open_session
from runreel.sinks.log import FrameworkLog, Log, loop_errors_to
from runreel.sinks.receipt import Receipt, verified
from runreel.sinks.receipt_file import check_receipt, write_receipt
from runreel.sinks.retirement import Retirement
from runreel.stores.files import FileStore
from runreel.upstreams import opened
from runreel.web.connection import Connection, check_parser
from runreel.web.routes import LOOPBACK_NAMES, Site, application
from runreel.web.upstream import HttpUpstream

KEEPALIVE_S = 15  # a client's idle connection; also bounds slow headers
# When asked to stop: for calls to the upstream under way, and then for answers to get out, which
# aiohttp may use twice. Together with saving they stay below the 10 s that supervisors grant.
DRAIN_S = 4
SHUTDOWN_S = 2
EXIT_DRIFT = 5


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line adds to the configuration; `log` is where log lines go."""

    log: TextIO
    log_as_json: bool = False
    quiet: bool = False
    receipt: Path | None = None
    allow_regress: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A proxy that listens: its URL without base path, and its default session."""

    url: str
    session: LiveSession
    receipt: Callable[[], dict[str, Any]]

    @property
    def ready_line(self) -> str:
        """What is printed when requests can be sent."""
        if self.session.mode is Mode.PASSTHROUGH and self.session.upstream == SIMULATOR:
            return f"runreel: simulator at {self.url}"
        count = self.session.interactions
        noun = "interaction" if count == 1 else "interactions"
        return (
            f"runreel: {self.session.mode.value} '{self.session.cassette}' "
            f"({count} {noun}) at {self.url}"
        )


def redaction_of(config: Config) -> Redaction:
    """The rules in force: the defaults and the configuration's additions."""
    rules = config.redaction
    return Redaction(
        headers=frozenset(rules.headers),
        query=frozenset(name.lower() for name in rules.query),
        body=tuple(rules.body),
        patterns=tuple(
            PatternRule(f"user-{number}", re.compile(text))
            for number, text in enumerate(rules.patterns, start=1)
        ),
        known=tuple(
            value
            for name, value in config.upstream_options.headers.items()
            if name.lower() not in HARMLESS_HEADERS
        ),
    )


@asynccontextmanager
async def serving(config: Config, options: RunOptions) -> AsyncIterator[Running]:
    """A proxy for as long as the context lasts; at its end the cassette and the receipt are saved.

    Raises:
        RunreelError: it cannot start, or at the end the cassette could not be saved.
    """
    check_parser()
    check_receipt(options.receipt)
    redaction = redaction_of(config)
    receipt = Receipt()
    log = Log(options.log, as_json=options.log_as_json, quiet=options.quiet)

    def warn(what: str) -> None:
        log.problem(SystemClock().now(), what)

    retirement = Retirement(config.upstream, warn)
    sinks: list[Sink] = [receipt, log]
    if config.upstream != SIMULATOR:  # which no 404 means anything of
        sinks.append(retirement)

    def tell(fact: Fact) -> None:
        for sink in sinks:
            sink(fact)

    store = FileStore(config.cassettes)
    session = open_session(_spec(config, options, redaction), store, tell, warn)
    for note in session.notes:
        warn(note)
    async with AsyncExitStack() as stack:
        stack.enter_context(loop_errors_to(log))
        stack.push_async_callback(session.close)  # lets go of the cassette however this ends
        upstream = None
        if session.state.decision.live and config.upstream is not None:
            upstream = await stack.enter_async_context(opened(config, SystemClock()))
        site = _site(config, _engine(config, redaction, upstream), session, log)
        async with _listening(site, config, log, upstream) as url:
            # Run when no request is under way any more; not at all if the start was refused.
            stack.callback(_sum_up, session, receipt, log)
            stack.push_async_callback(_finish, session, receipt, options.receipt)
            stack.callback(retirement.sum_up)
            yield Running(url, session, lambda: receipt.document(session))


def _spec(config: Config, options: RunOptions, redaction: Redaction) -> SessionSpec:
    return SessionSpec(
        id=DEFAULT,
        cassette=config.cassette,
        mode=config.mode,
        upstream=config.upstream,
        profile=config.profile,
        redaction=redaction,
        repeat_last=config.replay.repeat == "last",
        allow_regress=options.allow_regress,
        prune=options.prune,
        relaxed=config.record.durability == "relaxed",
        barriers=config.replay.barriers,
    )


def _site(config: Config, engine: Engine, session: LiveSession, log: Log) -> Site:
    names = {config.listen.host, *config.listen.allowed_hosts}
    return Site(
        engine=engine,
        sessions={session.id: session},
        default=session.id,
        hosts=LOOPBACK_NAMES | {name.lower() for name in names},
        body_bytes_max=config.limits.request_body_bytes_max,
        body_read_s_max=config.limits.request_body_read_s_max,
        refused=lambda method, code: log.refused(SystemClock().now(), method, code),
        version=__version__,
    )


def _engine(config: Config, redaction: Redaction, upstream: Upstream | None) -> Engine:
    return Engine(
        upstream=upstream,
        clock=SystemClock(),
        redaction=redaction,
        profile=PROFILES[config.profile],
        checks=Checks(config.validation.request, config.validation.response),
        limits=Limits(
            decoded_bytes_max=config.limits.decoded_body_bytes_max,
            response_bytes_max=config.limits.response_body_bytes_max,
        ),
        latency=config.replay.latency,
        rule=Rule(
            ignore=tuple(config.verify.ignore),
            volatile=tuple(config.verify.volatile),
            headers=tuple(config.verify.headers),
        ),
    )


@asynccontextmanager
async def _listening(
    site: Site, config: Config, log: Log, upstream: Upstream | None
) -> AsyncIterator[str]:
    app = application(site)

    async def drain(_: web.Application) -> None:
        if isinstance(upstream, HttpUpstream):
            await upstream.stop(DRAIN_S)

    app.on_shutdown.append(drain)  # nothing is accepted any more; what is under way still runs
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        host, port = config.listen.host, config.listen.port
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(_connections(site, log, runner), host, port)
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


def _connections(site: Site, log: Log, runner: web.AppRunner) -> Callable[[], Connection]:
    logger = logging.Logger("runreel.web")  # noqa: LOG001 - one per proxy
    logger.addHandler(FrameworkLog(log))
    return partial(
        Connection,
        runner.server,
        loop=asyncio.get_running_loop(),
        refused=partial(site.refused, None),
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


async def _finish(session: LiveSession, receipt: Receipt, path: Path | None) -> None:
    try:
        await session.close()
    finally:
        if path is not None:
            await asyncio.to_thread(write_receipt, path, receipt.document(session))


def _sum_up(session: LiveSession, receipt: Receipt, log: Log) -> None:
    if (found := verified(receipt.document(session))) is not None:
        log.verified(SystemClock().now(), found)


async def run(config: Config, options: RunOptions, ready: Callable[[str], None]) -> int:
    """Serve until SIGINT or SIGTERM; `ready` gets the line that says so.

    Returns the exit code: 0, or `EXIT_DRIFT` if answers were compared and one drifted.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(config, options) as running:
        ready(running.ready_line)
        await stop.wait()
    return EXIT_DRIFT if running.receipt().get("drift") else 0
