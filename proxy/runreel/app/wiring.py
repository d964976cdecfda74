"""What each part is told of the configuration: plain values only."""

from collections.abc import Awaitable, Callable

from runreel import __version__
from runreel.app.options import RunOptions
from runreel.auditing import Auditing
from runreel.clock import SystemClock
from runreel.config import Config, redaction_of
from runreel.core.profiles import PROFILES
from runreel.core.recorder import Checks
from runreel.core.volatile import Rule
from runreel.engine import Engine, Limits
from runreel.ports import Sink
from runreel.registry import Bounds, Sessions
from runreel.sessions import DEFAULT, SessionSpec
from runreel.sinks.log import Log
from runreel.sinks.receipt import Receipt
from runreel.stores.files import FileStore
from runreel.upstreams import OnDemand
from runreel.web.admin import Admin
from runreel.web.routes import LOOPBACK_NAMES, Site


def sessions_of(
    config: Config,
    options: RunOptions,
    live: Callable[[], Awaitable[None]],
    sinks: tuple[Sink, ...],
    warn: Callable[[str], None],
) -> Sessions:
    """The sessions of a process, none of them open yet."""
    return Sessions(
        SessionSpec(
            id=DEFAULT,
            cassette=config.cassette,
            mode=config.mode,
            upstream=config.upstream,
            profile=config.profile,
            redaction=redaction_of(config),
            match_on=config.match.match_on,
            repeat_last=config.replay.repeat == "last",
            allow_regress=options.allow_regress,
            prune=options.prune,
            relaxed=config.record.durability == "relaxed",
            barriers=config.replay.barriers,
        ),
        FileStore(config.cassettes),
        counting=Receipt,
        sinks=sinks,
        live=live,
        clock=SystemClock(),
        bounds=Bounds(config.limits.sessions_max, config.limits.session_idle_s_max),
        warn=warn,
    )


def site_of(
    config: Config,
    upstream: OnDemand,
    auditing: Auditing | None,
    sessions: Sessions,
    log: Log,
) -> Site:
    """What the routes need to know."""
    names = {config.listen.host, *config.listen.allowed_hosts}
    hosts = LOOPBACK_NAMES | {name.lower() for name in names}
    return Site(
        engine=_engine(config, upstream, auditing),
        sessions=sessions,
        admin=Admin(sessions, config.listen.admin_token, hosts, config.base_path, __version__),
        hosts=hosts,
        body_bytes_max=config.limits.request_body_bytes_max,
        body_read_s_max=config.limits.request_body_read_s_max,
        refused=lambda method, code: log.refused(SystemClock().now(), method, code),
    )


def _engine(config: Config, upstream: OnDemand, auditing: Auditing | None) -> Engine:
    return Engine(
        upstream=upstream,
        clock=SystemClock(),
        redaction=redaction_of(config),
        profile=PROFILES[config.profile],
        checks=Checks(config.validation.request, config.validation.response),
        limits=Limits(
            decoded_bytes_max=config.limits.decoded_body_bytes_max,
            response_bytes_max=config.limits.response_body_bytes_max,
        ),
        latency=config.replay.latency,
        auditing=auditing,
        rule=Rule(
            ignore=tuple(config.verify.ignore),
            volatile=tuple(config.verify.volatile),
            headers=tuple(config.verify.headers),
        ),
    )
