"""The composition root: plain values from a `Config` are handed to everything that needs them.

The order of start and stop is visible in `serving`. Upstream and audit log are opened for the first
session that can reach them: a proxy that only replays touches neither.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any

from runreel import __version__
from runreel.assistants import PROFILES
from runreel.audit.history import moment
from runreel.audit.store import AuditLog, Sizes
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import SIMULATOR
from runreel.config.settings import Config, redaction_of, shown_upstream
from runreel.engine.auditing import Auditing, Rules
from runreel.engine.call import Aside
from runreel.engine.engine import Engine, Limits
from runreel.engine.log import Log, Retirement, loop_errors_to, why_gone
from runreel.engine.receipt import (
    Receipt,
    check_receipt,
    summary,
    verified,
    without_default,
    write_receipt,
)
from runreel.engine.recorder import Checks
from runreel.errors import CassetteMissing, StartRefused
from runreel.http.forward_proxy import proxy_hint
from runreel.matching.drift import Rule
from runreel.ports import Clock, SystemClock
from runreel.server.admin import Admin
from runreel.server.listener import RunOptions, Stop, check_parser, open_to_clients
from runreel.server.routes import ServerContext, is_administration
from runreel.server.tls import certified
from runreel.server.upstream import LazyUpstream
from runreel.sessions.events import Refusal, Sink
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import DEFAULT, SessionLimits, SessionRequest, Sessions, SessionSpec
from runreel.sessions.modes import Mode, resolve
from runreel.sessions.session import Manner


class Audits:
    """The audit log of a process; `auditing` is None if none is wanted.

    `warn` gets sentences about what is wrong, `note` about what is not.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        warn: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self.auditing: Auditing | None = None
        self._config = config
        self._warn = warn
        self._note = note
        self._opening = asyncio.Lock()
        self._opened = False
        self._log = AuditLog(
            config.audit.path,
            Sizes(config.audit.rotate_bytes, config.audit.checkpoint_entries),
            lambda: moment(clock.now()),
        )
        self._misplaced = config.audit.enabled and _is_inside(config)
        if config.audit.enabled and not self._left_out:
            rules = Rules(
                upstream=shown_upstream(config) or "",
                fetch_before=config.audit.fetch_before,
                decoded_bytes_max=config.limits.decoded_body_bytes_max,
                response_bytes_max=config.limits.response_body_bytes_max,
            )
            self.auditing = Auditing(self._log, rules, self._warn)

    async def open(self) -> None:
        """Return once changes can be logged; says where.

        Raises:
            StartRefused: another runreel writes there, or it is no place for an audit log.
        """
        async with self._opening:
            if self._opened:
                return
            if self._misplaced:
                self._say_where_it_is_not()
            if self.auditing is None:
                return
            await asyncio.to_thread(self._log.open)
            self._opened = True
            self._note(f"changes of metadata are logged in {self._log.path.absolute()}")
            for sentence in self._log.notes:
                self._warn(sentence)
            self._log.notes.clear()

    async def close(self) -> None:
        """Write what is left and let go of the log.

        Raises:
            StoreFailed: not all of it is on disk.
        """
        if self.auditing is not None and self._opened:
            self._opened = False
            await self.auditing.close()

    @property
    def _left_out(self) -> bool:
        """Whether there is no log because nobody said where it should be instead."""
        return self._misplaced and "path" not in self._config.audit.model_fields_set

    def _say_where_it_is_not(self) -> None:
        audit, cassettes = self._config.audit.path, self._config.cassettes
        inside = f"is inside the cassettes folder {cassettes}, which is made to be shared"
        if not self._left_out:
            raise StartRefused(
                f"audit.path: {audit} {inside}; set it to another folder, or use --no-audit"
            )
        self._opened = True
        self._warn(
            f"changes of metadata are not logged: the folder {audit} {inside}; set audit.path to "
            "another one"
        )


def _is_inside(config: Config) -> bool:
    audit, cassettes = config.audit.path.resolve(), config.cassettes.resolve()
    return audit == cassettes or cassettes in audit.parents


def session_manager(
    config: Config,
    options: RunOptions,
    live: Callable[[], Awaitable[None]],
    sinks: tuple[Sink, ...],
    warn: Callable[[str], None],
    note: Callable[[str], None],
) -> Sessions:
    """The sessions of a process, none of them open yet."""
    return Sessions(
        SessionSpec(
            id=DEFAULT,
            cassette=config.cassette,
            mode=config.mode,
            upstream=config.upstream,
            upstream_name=config.upstream_name,
            profile=config.profile,
            redaction=redaction_of(config),
            match_on=config.match.match_on,
            manner=Manner(
                barriers=config.replay.barriers,
                repeat=config.replay.repeat == "last",
                repeats_max=config.replay.repeats_max,
            ),
            allow_regress=options.allow_regress,
            prune=options.prune,
            relaxed=config.record.durability == "relaxed",
            rerun=options.rerun,
            accept_incomplete=config.replay.accept_incomplete,
        ),
        FileStore(config.cassettes),
        counting=Receipt,
        sinks=sinks,
        live=live,
        clock=SystemClock(),
        limits=SessionLimits(config.limits.sessions_max, config.limits.session_idle_s_max),
        warn=warn,
        note=note,
        watch=config.replay.watch,
    )


def server_context(
    config: Config,
    upstream: LazyUpstream,
    auditing: Auditing | None,
    sessions: Sessions,
    log: Log,
    aside: Aside,
) -> ServerContext:
    """What the routes need to know."""
    return ServerContext(
        engine=_engine(config, upstream, auditing, aside),
        sessions=sessions,
        admin=Admin(sessions, config.listen.admin_token, config.base_path, __version__),
        hosts=config.listen.names,
        origins=frozenset(config.listen.cors_origins),
        scheme="https" if config.listen.is_tls else "http",
        token=config.listen.client_token,
        body_bytes_max=config.limits.request_body_bytes_max,
        body_read_s_max=config.limits.request_body_read_s_max,
        refused=partial(_refused, sessions, log),
        redaction=redaction_of(config),
    )


def _refused(sessions: Sessions, log: Log, refusal: Refusal) -> None:
    log.refused(SystemClock().now(), refusal)
    if not is_administration(refusal.target):
        sessions.refused(refusal)


def _engine(
    config: Config, upstream: LazyUpstream, auditing: Auditing | None, aside: Aside
) -> Engine:
    return Engine(
        upstream=upstream,
        clock=SystemClock(),
        profile=partial(PROFILES.__getitem__, config.profile),
        checks=Checks(config.validation.request, config.validation.response),
        limits=Limits(
            decoded_bytes_max=config.limits.decoded_body_bytes_max,
            response_bytes_max=config.limits.response_body_bytes_max,
        ),
        latency=config.replay.latency,
        order_wait_ms=config.replay.order_wait_ms,
        auditing=auditing,
        aside=aside,
        rule=Rule(
            ignore=tuple(config.verify.ignore),
            volatile=tuple(config.verify.volatile),
            headers=tuple(config.verify.headers),
        ),
    )


__all__ = ["EXIT_DRIFT", "Default", "RunOptions", "Running", "run", "serving"]

EXIT_DRIFT = 5
EXPIRY_EVERY_S = 5
LOOK_EVERY_S = 1  # at the files of cassettes


class Default(Enum):
    """Whether a proxy has a default session, for requests that name none."""

    NEEDED = "needed"
    IF_THERE = "if there"  # its cassette; else, if there are others, only named sessions answer
    NONE = "none"  # and no receipt of the process either


@dataclass(frozen=True, slots=True)
class Running:
    """A proxy that listens: its URL without base path, and its sessions. `mode` is theirs where
    there is no default one and they are not opened in another. `pem` are the certificates that
    clients must trust; None where it speaks plain http.
    """

    url: str
    sessions: Sessions
    mode: Mode
    log: Log
    pem: str | None = None

    @property
    def session(self) -> LiveSession | None:
        """The default session, if there is one."""
        return self.sessions.get(DEFAULT) if DEFAULT in self.sessions.names() else None

    def receipt(self) -> dict[str, Any]:
        """The receipt so far: of the default session, the others in `sessions`."""
        return self.sessions.summary() or {}

    def sum_up(self) -> None:
        """Log what was done, in lines for people."""
        receipt = self.receipt()
        self.log.summed_up(SystemClock().now(), summary(receipt))

    @property
    def ready_line(self) -> str:
        """What is printed when requests can be sent."""
        session = self.session
        if session is None:
            return f"runreel: {self.mode.value} without a default cassette at {self.url}"
        if session.mode is Mode.PASSTHROUGH and session.upstream == SIMULATOR:
            return f"runreel: simulator at {self.url}"
        count = session.interactions
        noun = "interaction" if count == 1 else "interactions"
        return f"runreel: {session.mode.value} '{session.cassette}' ({count} {noun}) at {self.url}"


@dataclass(frozen=True, slots=True)
class Parts:
    """All of a proxy but what listens, and the `stack` that lets go of it."""

    config: Config
    options: RunOptions
    log: Log
    sessions: Sessions
    upstream: LazyUpstream
    context: ServerContext
    retirement: Retirement
    stack: AsyncExitStack

    def end_well(self) -> None:
        """From here on the end saves cassettes and the receipt, and sums up, when no request is
        under way any more; not at all if the start was refused.
        """
        self.stack.callback(_sum_up, self.sessions, self.log)
        self.stack.push_async_callback(_finish, self.sessions, self.options)
        self.stack.callback(self.retirement.sum_up)


@asynccontextmanager
async def serving(
    config: Config,
    options: RunOptions,
    default: Default = Default.NEEDED,
    stop: Stop | None = None,
) -> AsyncIterator[Running]:
    """A proxy for as long as the context lasts; at its end cassettes and the receipt are saved.

    Without a default session only those that are opened later answer anything. `stop` is what a
    person may ask for once more while it ends.

    Raises:
        RunreelError: it cannot start, or at the end a cassette could not be saved.
    """
    check_parser()
    async with composed(config, options) as parts:
        certificate = certified(config.listen, options.environment, SystemClock().now())
        sessions = parts.sessions
        await _open_default(config, sessions, default)
        async with open_to_clients(
            parts.context, config, options, parts.log, parts.upstream, certificate, stop
        ) as url:
            parts.end_well()
            async with _looked_after(sessions):
                mode = resolve(config.mode, cassette_exists=True)
                pem = certificate.pem if certificate else None
                yield Running(url, sessions, mode, parts.log, pem)


@asynccontextmanager
async def composed(config: Config, options: RunOptions) -> AsyncIterator[Parts]:
    """The parts of a proxy, with no session yet, for as long as the context lasts.

    Raises:
        RunreelError: it cannot start, or at the end a cassette could not be saved.
    """
    check_receipt(options.receipt)
    log = _log_of(config, options)
    warn, note = partial(_say, log.problem), partial(_say, log.noted)
    shown = shown_upstream(config)
    gone = why_gone(shown, config.base_path, config.profile)
    retirement = Retirement(shown, gone, warn)
    # No 404 of the simulator means that it is gone.
    sinks = (log,) if config.upstream == SIMULATOR else (log, retirement)
    upstream = LazyUpstream(config, SystemClock())
    audits = Audits(config, SystemClock(), warn, note)

    hints = [proxy_hint(shown or "", options.environment)]

    async def live() -> None:
        if hints and (hint := hints.pop()) and config.upstream_options.proxy is None:
            warn(hint)
        await asyncio.to_thread(PROFILES.__getitem__, config.profile)  # before a call waits for it
        await upstream.open()
        await audits.open()

    sessions = session_manager(config, options, live, sinks, warn, note)
    async with AsyncExitStack() as stack:
        stack.callback(log.flush)
        log.later = asyncio.get_running_loop().call_later
        stack.enter_context(loop_errors_to(log))
        stack.push_async_callback(upstream.close)
        stack.push_async_callback(audits.close)
        stack.push_async_callback(sessions.close_all)  # lets go of cassettes however this ends
        aside = Aside(process=True)
        stack.push_async_callback(aside.close)
        context = server_context(config, upstream, audits.auditing, sessions, log, aside)
        yield Parts(config, options, log, sessions, upstream, context, retirement, stack)


def _log_of(config: Config, options: RunOptions) -> Log:
    return Log(
        options.log,
        as_json=config.log.format == "json",
        quiet=options.quiet if config.log.quiet is None else config.log.quiet,
        verbose=config.log.verbose,
        colour=options.colour,
    )


def _say(how: Callable[[datetime, str], None], what: str) -> None:
    how(SystemClock().now(), what)


async def _open_default(config: Config, sessions: Sessions, default: Default) -> None:
    if default is Default.NONE:
        return
    try:
        await sessions.open(SessionRequest(config.cassette, config.mode, DEFAULT))
    except CassetteMissing as missing:
        # Where there is no cassette at all no session could play one either.
        if default is Default.NEEDED or not FileStore(config.cassettes).names():
            raise
        mode = resolve(config.mode, cassette_exists=True)
        sessions.do_without_default(partial(without_default, mode.value, str(missing)))


@asynccontextmanager
async def _looked_after(sessions: Sessions) -> AsyncIterator[None]:
    async with (
        _now_and_then(EXPIRY_EVERY_S, sessions.expire),
        _now_and_then(LOOK_EVERY_S, sessions.look_again),
    ):
        yield


@asynccontextmanager
async def _now_and_then(every_s: float, do: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    stopping = asyncio.Event()

    async def again() -> None:
        while not stopping.is_set():
            try:
                async with asyncio.timeout(every_s):
                    await stopping.wait()
            except TimeoutError:
                await do()

    task = asyncio.create_task(again())
    try:
        yield
    finally:
        stopping.set()  # not cancelled: a session that is being saved is saved
        await task


async def _finish(sessions: Sessions, options: RunOptions) -> None:
    try:
        await sessions.close_all()
    finally:
        receipt = sessions.summary()
        if options.receipt is not None and receipt is not None:
            await asyncio.to_thread(write_receipt, options.receipt, receipt)


def _sum_up(sessions: Sessions, log: Log) -> None:
    receipt = sessions.summary() or {"sessions": []}
    for found in map(verified, (receipt, *receipt["sessions"])):
        if found is not None:
            log.verified(SystemClock().now(), found)


async def run(config: Config, options: RunOptions, ready: Callable[[str], None]) -> int:
    """Serve until SIGINT or SIGTERM; `ready` gets the line that says so.

    Returns the exit code: 0, or `EXIT_DRIFT` if answers were compared and one drifted.
    """
    stop = Stop()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    running = None
    try:
        async with serving(config, options, stop=stop) as running:
            if not stop.asked.is_set():
                ready(running.ready_line)
            await stop.asked.wait()
    finally:
        if running is not None:
            running.sum_up()
    return exit_code(running.receipt())


def exit_code(receipt: dict[str, Any]) -> int:
    """0, or `EXIT_DRIFT` if a session of a receipt compared answers and one drifted."""
    drifted = any(item.get("drift") for item in (receipt, *receipt["sessions"]))
    return EXIT_DRIFT if drifted else 0
