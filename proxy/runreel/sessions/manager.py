"""The sessions of a process: whether one may begin, with which cassette, and when it ends.

Every refusal is one sentence with its remedy. Knows stores and readers of events as values handed
to it, and nothing of HTTP; what is done with a request is `engine`.
"""

import asyncio
import gc
import re
import secrets
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from runreel.cassettes.format import SIMULATOR, Cassette
from runreel.cassettes.journal import Store, Stored
from runreel.cassettes.upstreams import UpstreamId, same_upstream, upstream_of
from runreel.errors import (
    ERRORS,
    CassetteBusy,
    CassetteMissing,
    NothingReadable,
    RunreelError,
    SessionRefused,
    SessionUnknown,
    StartRefused,
    TooManySessions,
)
from runreel.matching.matchers import MATCH_ON, MatchOn
from runreel.matching.near_miss import UPSTREAM, Rerun
from runreel.ports import Clock, Upstream
from runreel.redaction.redactor import Redaction
from runreel.sessions.events import Event, Refusal, Sink
from runreel.sessions.live import LiveSession, Recording
from runreel.sessions.modes import DECISIONS, ONCE, Mode, resolve
from runreel.sessions.session import PLAYS_ONCE, Manner, Session

DEFAULT = "default"
Tell = Callable[[Event], None]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """How to open a session; `mode` is a canonical spelling, `upstream` None if none is set,
    `upstream_name` None if it has none, and `match_on` None where the cassette's own rules hold.
    `salt` is for a cassette that has none yet; `name` and `own_upstream` are as for `LiveSession`.
    `rerun` says how it is recorded anew, None if nobody knows.
    """

    id: str
    cassette: str
    mode: str
    upstream: str | None
    profile: str
    redaction: Redaction
    match_on: MatchOn | None = None
    manner: Manner = PLAYS_ONCE
    scope: str | None = None
    allow_regress: bool = False
    prune: bool = False
    relaxed: bool = False
    accept_incomplete: bool = False
    salt: str = ""
    rerun: Rerun | None = None
    name: str | None = None
    own_upstream: Upstream | None = None
    upstream_name: str | None = None


def _to_nobody(_: str) -> None:
    return


def open_session(
    spec: SessionSpec, store: Store, tell: Tell, warn: Warn = _to_nobody
) -> LiveSession:
    """Open a session; it may `warn` of what it finds out when nobody waits for it.

    Raises:
        StartRefused: the cassette is missing, does not fit, cannot be written, or is busy.
        CassetteDamaged: it cannot be trusted.
        Unredactable: it holds a request with a secret that cannot be taken out.
    """
    with _NO_COLLECTIONS:
        session = _open_session(spec, store, tell, warn)
        if session.interactions >= _FROZEN_MIN:
            gc.freeze()
    return session


_FROZEN_MIN = 10_000  # interactions of a cassette that no collection is to walk through


class _NoCollections:
    """Keeps the collector of cycles from walking, again and again, through what is being read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0  # in as many threads
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._was_on:
                gc.enable()


_NO_COLLECTIONS = _NoCollections()


def _open_session(spec: SessionSpec, store: Store, tell: Tell, warn: Warn) -> LiveSession:
    passthrough = spec.mode == Mode.PASSTHROUGH.value
    stored = None if passthrough else _found(spec, store)
    half = None
    if spec.mode == ONCE and stored is not None:
        if not spec.accept_incomplete:
            half = stored.cassette.incomplete
        elif stored.sha256 is None:
            stored = _taken_in(spec, store, stored)
    mode = resolve(spec.mode, cassette_exists=stored is not None and half is None)
    if DECISIONS[mode].live and spec.upstream is None:
        absent = spec.mode == ONCE and half is None
        refusal = CassetteMissing if absent else StartRefused
        raise refusal(_no_upstream(spec, mode, half))
    if DECISIONS[mode].captures:
        return _recording(spec, mode, store, stored, tell, warn)
    if stored is None and not passthrough:
        raise CassetteMissing(_no_such_cassette(spec.cassette, mode, store.names()))
    return _opened(spec, mode, stored, None, tell)


def _found(spec: SessionSpec, store: Store) -> Stored | None:
    try:
        return store.load(spec.cassette)
    except NothingReadable:
        if not DECISIONS[resolve(spec.mode, cassette_exists=False)].captures:
            raise
        return None


def _taken_in(spec: SessionSpec, store: Store, stored: Stored) -> Stored | None:
    """A cassette that stands in a journal only, which a crash left or somebody is writing now.

    Raises:
        CassetteBusy: somebody is: half a recording is none to replay once and for all.
    """
    try:
        journal = store.open_journal(spec.cassette, _header(spec, stored))
    except CassetteBusy:
        raise
    except StartRefused:  # what cannot be written can be replayed
        return stored
    journal.commit(None)
    latest = store.load(spec.cassette)
    return latest and replace(latest, notes=journal.notes)


def _recording(
    spec: SessionSpec, mode: Mode, store: Store, stored: Stored | None, tell: Tell, warn: Warn
) -> LiveSession:
    if stored is not None:
        _check_fits(spec, stored.cassette)
    header = _header(spec, stored)
    journal = store.open_journal(spec.cassette, header)
    try:
        # Again, now that nobody else can write it and what a crash left is in the file.
        latest = store.load(spec.cassette)
        if latest is not None:
            _check_fits(spec, latest.cassette)
        if _header(spec, latest).salt == header.salt:
            upstream = spec.upstream or ""
            recording = Recording(journal, upstream, _upstream(spec), spec.relaxed, warn)
            return _opened(spec, mode, latest, recording, tell)
    except BaseException:
        journal.commit(None)
        raise
    # Somebody made the cassette meanwhile, with a salt of its own; what is recorded goes by that.
    journal.commit(None)
    return _recording(spec, mode, store, latest, tell, warn)


def _upstream(spec: SessionSpec) -> UpstreamId:
    """The upstream as it is stored and told: a secret in its path is taken out."""
    return UpstreamId(spec.redaction.text(spec.upstream or ""), spec.upstream_name)


def _header(spec: SessionSpec, stored: Stored | None) -> Cassette:
    upstream = stored.cassette.upstream if stored else _upstream(spec).url
    name = spec.upstream_name or (stored.cassette.upstream_name if stored else None)
    return Cassette(
        upstream=upstream,
        upstream_name=None if upstream == SIMULATOR else name,
        profile=spec.profile,
        match_on=spec.match_on or (stored.cassette.match_on if stored else MATCH_ON),
        salt=(stored.cassette.salt if stored else "") or spec.salt,
        incomplete=stored.cassette.incomplete if stored else None,
    )


def _opened(
    spec: SessionSpec,
    mode: Mode,
    stored: Stored | None,
    recording: Recording | None,
    tell: Tell,
) -> LiveSession:
    header = _header(spec, stored)
    redaction = spec.redaction.salted(header.salt)
    state = Session(
        stored.cassette.interactions if stored else (),
        DECISIONS[mode],
        header.match_on,
        redaction,
        manner=spec.manner,
        scope=spec.scope,
        allow_regress=spec.allow_regress,
        prune=spec.prune,
    )
    session = LiveSession(
        id=spec.id,
        mode=mode,
        cassette=spec.cassette,
        state=state,
        header=header,
        stored=stored,
        recording=recording,
        redaction=redaction,
        tell=tell,
        rerun=_redacted(spec.rerun, redaction),
        name=spec.name,
        own_upstream=spec.own_upstream,
    )
    session.notes += state.notes()
    session.notes += _incomplete(spec, mode, stored)
    session.notes += _other_rules(spec, stored, saved=recording is not None)
    session.notes += _newly_named(spec, stored) if recording else ()
    return session


def _redacted(rerun: Rerun | None, redaction: Redaction) -> Rerun | None:
    """The same way, without what is secret in the words of a user's command."""
    return rerun and replace(rerun, words=tuple(map(redaction.text, rerun.words)))


def _other_rules(spec: SessionSpec, stored: Stored | None, *, saved: bool) -> tuple[str, ...]:
    """What to say where a cassette was recorded under other rules of matching, if anything."""
    if stored is None or spec.match_on is None or spec.match_on == stored.cassette.match_on:
        return ()
    mine, theirs = spec.match_on, stored.cassette.match_on
    only_mine = ", ".join(entry for entry in mine if entry not in theirs) or "nothing more"
    only_theirs = ", ".join(entry for entry in theirs if entry not in mine) or "nothing more"
    then = ", and the cassette will have it when it is saved" if saved else ""
    note = (
        f"cassette '{spec.cassette}' was recorded under other rules of matching than [match] "
        f"sets: the cassette has {only_theirs}, the configuration has {only_mine}; what the "
        f"configuration says applies{then}"
    )
    return (note,)


def _newly_named(spec: SessionSpec, stored: Stored | None) -> tuple[str, ...]:
    """What to say where a name alone makes two URLs one upstream, if it does here."""
    if stored is None:
        return ()
    found, live = upstream_of(stored.cassette), _upstream(spec)
    if found.name is not None or live.name is None or found.url == SIMULATOR:
        return ()
    if same_upstream(found, UpstreamId(live.url)):
        return ()
    note = (
        f"cassette '{spec.cassette}' was recorded from {found.url}, which is called '{live.name}' "
        f"from now on, as {live.url} is: they are taken to be one upstream"
    )
    return (note,)


def _incomplete(spec: SessionSpec, mode: Mode, stored: Stored | None) -> tuple[str, ...]:
    """What to say of a cassette that holds half a recording only."""
    why = stored.cassette.incomplete if stored else None
    if why is None or (mode is Mode.RECORD and spec.mode != ONCE):  # that is the remedy
        return ()
    anew = ""
    if mode is Mode.RECORD:
        anew = "; mode once records it anew (--accept-incomplete replays it)"
    return (f"cassette '{spec.cassette}' is incomplete: {why}{anew}",)


def _no_upstream(spec: SessionSpec, mode: Mode, half: str | None) -> str:
    if spec.mode == ONCE and half is not None:
        return (
            f"cassette '{spec.cassette}' is incomplete ({half}), so mode once records it anew and "
            "needs an upstream; give one with --upstream URL, or replay it as it is with "
            "--accept-incomplete"
        )
    if spec.mode == ONCE:
        return (
            f"there is no cassette '{spec.cassette}' yet, so mode once records it and needs an "
            "upstream; give one with --upstream URL"
        )
    return f"mode {mode.value} goes live and needs an upstream; give one with --upstream URL"


def _check_fits(spec: SessionSpec, found: Cassette) -> None:
    # Behind a URL may be a simulator: then its answers say so, and no others are kept.
    recorded, live = upstream_of(found), _upstream(spec)
    if found.upstream != SIMULATOR and not same_upstream(recorded, live):
        raise StartRefused(_other_upstream(spec.cassette, recorded, live))
    if found.profile != spec.profile:
        raise StartRefused(
            f"cassette '{spec.cassette}' was recorded under the profile {found.profile}, not "
            f"{spec.profile}; set `profile` to it, or record into another one with --cassette NAME"
        )


def _other_upstream(cassette: str, recorded: UpstreamId, live: UpstreamId) -> str:
    refusal = (
        f"cassette '{cassette}' was recorded from {_called(recorded)}, not from {_called(live)}, "
        "and recordings of different upstreams are never merged; "
    )
    if live.url == SIMULATOR:
        return refusal + "record into another cassette with --cassette NAME"
    if live.name is not None:
        remedy = f"if both are one, give it the name '{recorded.name}' with --upstream-name"
    else:
        remedy = f"if both are one, say so with --upstream-name {recorded.name or 'NAME'}"
    return (
        f"{refusal}{remedy} (upstream_name in a configuration), else record into another cassette "
        "with --cassette NAME"
    )


def _called(upstream: UpstreamId) -> str:
    return upstream.url if upstream.name is None else f"{upstream.url} ('{upstream.name}')"


def _no_such_cassette(name: str, mode: Mode, names: list[str]) -> str:
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    there = f"there are: {shown}" if names else "there are none at all"
    return (
        f"there is no cassette '{name}' to {mode.value} ({there}); choose one with --cassette NAME "
        f"and --cassettes DIR, or record it: runreel record --cassette {name} --upstream URL"
    )


BUSY_AGAIN_S = 0.05  # between two tries to record into a cassette that is being recorded
CLOSING_S_MAX = 30  # that calls under way may take once their session is to end
REFUSALS_MAX = 100  # requests that no session saw, of which there is more than their number
TOLD_MAX = 10_000  # ended sessions of which all receipts are kept for the one of the process
_WRONG = ("missed", "not_stored", "failed", "drift", "unplayed")  # members that are not empty then
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_NO_DEFAULT = (
    "The request names no session, and there is no default cassette: open a session for each test "
    "(POST /_runreel/sessions) and send its calls to that one's base_url, or name a cassette with "
    "--cassette NAME."
)


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {"method": refusal.method, "target": refusal.target, "code": refusal.code}


def _left_out(receipt: dict[str, Any]) -> str | None:
    """What a session could not record, in words; what is not on disk yet is no part of it."""
    not_stored, failed = receipt["not_stored"], receipt["failed"]
    told = [f"{not_stored:,} not stored"] * bool(not_stored) + [f"{failed:,} failed"] * bool(failed)
    return f"of its calls {' and '.join(told)}" if told else None


class EventCounter(Protocol):
    """A reader of the events of one session, which can say what they amount to."""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        ...

    def document(self, session: LiveSession) -> dict[str, Any]:
        """The receipt so far, as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A session to open; `mode` is a canonical spelling.

    Without an `id` one is made up; without a `store` its cassette is where all the others are.
    With `prune` recordings go that a recording session was not asked for, whatever others do.
    `scope` names the story that it tells; `barriers` and `match_on` are None where it plays and
    matches as all the others, `rerun` where it is recorded anew as any session is. One that `lasts`
    ends only when it is closed, however long it is idle. `name` and `own_upstream` are as for
    `LiveSession`. It waits `busy_s_max` seconds for a session of another process that records into
    its cassette.
    """

    cassette: str
    mode: str
    id: str | None = None
    store: Store | None = None
    prune: bool = False
    scope: str | None = None
    barriers: bool | None = None
    rerun: Rerun | None = None
    lasts: bool = False
    match_on: MatchOn | None = None
    name: str | None = None
    own_upstream: Upstream | None = None
    busy_s_max: float = 0


# Of a session of a proxy that knows how it was started itself, but not who opens its sessions.
_OPENED_ANEW = Rerun(
    ("--upstream", UPSTREAM),
    'To record it anew, open its session with the mode "record", of a runreel that has',
)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How many sessions there may be besides the default one, and how long one may be idle."""

    sessions_max: int
    idle_s_max: float


@dataclass(slots=True, eq=False)
class OpenSession:
    """A session that is open, and the calls that it is answering; `used_at` is on the monotonic
    clock. `prepared` is for whoever serves it, to keep what can be made ready of it. `mark` is that
    of its cassette, as it was read, in the `store` that it is read from.
    """

    session: LiveSession
    receipt: EventCounter
    used_at: float
    lasts: bool
    spec: SessionSpec
    store: Store
    mark: object
    calls: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    prepared: Any = None
    noticed: object = None  # the mark that was spoken of last

    def __post_init__(self) -> None:
        self.noticed = self.mark

    @property
    def reads_only(self) -> bool:
        """Whether it plays a cassette, and writes none."""
        decision = self.session.state.decision
        return decision.plays and not decision.captures

    def current_mark(self) -> object:
        """The mark that its cassette has now; may block."""
        return self.store.mark(self.spec.cassette)


class Sessions:
    """All sessions of a process; not for threads other than the one of its event loop.

    `plain` names the session of requests that name none; None refuses them. It is the default one
    from when that is opened. `live` is awaited before a session starts that can reach the upstream.
    `warn` is told what is wrong, `note` what takes long or is good to know. With `watch`, cassettes
    that are written while they are played are read anew.
    """

    def __init__(  # noqa: PLR0913 - keyword-only wiring, as of a live session
        self,
        template: SessionSpec,
        store: Store,
        *,
        counting: Callable[[], EventCounter],
        sinks: tuple[Sink, ...],
        live: Callable[[], Awaitable[None]],
        clock: Clock,
        limits: SessionLimits,
        warn: Callable[[str], None],
        note: Callable[[str], None] = _to_nobody,
        watch: bool = False,
    ) -> None:
        self.plain: str | None = None
        self.failed: str | None = None  # why all that is recorded is half a recording, if it is
        self._template = template
        self._store = store
        self._counting = counting
        self._sinks = sinks
        self._live = live
        self._clock = clock
        self._limits = limits
        self._warn = warn
        self._note = note
        self._watch = watch
        self._open: dict[str, OpenSession] = {}
        self._opening: set[str] = set()
        self._expected: dict[str, SessionRequest | RunreelError] = {}  # opened when they are used
        self._expecting = asyncio.Lock()
        self._closing: set[asyncio.Task[dict[str, Any]]] = set()
        self._ended: list[dict[str, Any]] = []  # receipts, in the order of their ends
        self._no_default: Callable[[int], dict[str, Any]] | None = None
        self._unnamed = 0  # requests that were refused because they named no session
        self._refusals: list[Refusal] = []  # the first ones
        self._refused = 0
        self.strays = 0  # requests that no session saw

    @property
    def mode(self) -> str:
        """The mode of sessions that are opened without one of their own."""
        return self._template.mode

    def do_without_default(self, receipt: Callable[[int], dict[str, Any]]) -> None:
        """From now on nobody waits for a default session: requests that name none are refused for
        good. In its place on top of the receipt of the process stands what `receipt` makes of how
        many there were.
        """
        self._no_default = receipt

    def names(self) -> list[str]:
        """The ids of the sessions that are open, in the order they were opened."""
        return list(self._open)

    def get(self, id: str) -> LiveSession:  # noqa: A002 - as in `LiveSession`
        """An open session.

        Raises:
            SessionUnknown: there is none of that id.
        """
        return self._found(id).session

    @contextmanager
    def using(self, id: str | None) -> Iterator[LiveSession]:  # noqa: A002 - as above
        """A session while it answers a request; None is for one that names none.

        Raises:
            SessionUnknown: there is none of that id.
        """
        wanted = self.plain if id is None else id
        if wanted is None:
            self._unnamed += 1
            now = "The request names no session, and there is no default one now."
            raise SessionUnknown(now if self._no_default is None else _NO_DEFAULT)
        found = self._found(wanted)
        found.calls += 1
        try:
            yield found.session
        finally:
            self.used(found)

    def at_hand(self, id: str | None) -> OpenSession | None:  # noqa: A002 - as above
        """What `using` would give at once; None where something else is to be done or said first.
        Whoever answers a call of it counts that in `calls` until it is `used`.
        """
        wanted = self.plain if id is None else id
        if wanted is None or wanted in self._expected:
            return None
        return self._open.get(wanted)

    def used(self, found: OpenSession) -> None:
        """A call that was counted has its answer."""
        found.calls -= 1
        found.used_at = self._clock.monotonic()
        if not found.calls:
            found.idle.set()

    async def open(self, request: SessionRequest) -> LiveSession:
        """Open a session.

        Raises:
            SessionRefused: its id cannot be one, or is taken.
            TooManySessions: there are as many as there may be.
            StartRefused: as `open_session`.
            CassetteDamaged: likewise.
            Unredactable: likewise.
        """
        id_ = self._free(request.id)
        self._opening.add(id_)
        try:
            store = request.store or self._store
            receipt = self._counting()
            spec = self._spec(request, id_)
            mark = await asyncio.to_thread(store.mark, spec.cassette)
            session = await self._opened(spec, store, receipt, request.busy_s_max)
        finally:
            self._opening.discard(id_)
        lasts = request.lasts or id_ == DEFAULT
        again = replace(spec, mode=session.mode.value)
        self._open[id_] = OpenSession(
            session, receipt, self._clock.monotonic(), lasts, again, store, mark
        )
        if id_ == DEFAULT:
            self.plain = id_
        try:
            if session.state.decision.live:
                await self._live()
        except BaseException:
            await self.close(id_, discard=True)
            raise
        for note in session.notes:
            self._warn(note)
        return session

    def _spec(self, request: SessionRequest, id_: str) -> SessionSpec:
        manner = self._template.manner
        if request.barriers is not None:
            manner = replace(manner, barriers=request.barriers)
        rerun = self._template.rerun
        if id_ != DEFAULT:
            rerun = request.rerun or (rerun and _OPENED_ANEW)
        return replace(
            self._template,
            manner=manner,
            rerun=rerun,
            scope=request.scope,
            id=id_,
            cassette=request.cassette,
            mode=request.mode,
            match_on=request.match_on or self._template.match_on,
            prune=request.prune or self._template.prune,
            salt=self._template.salt or secrets.token_hex(16),
            name=request.name,
            own_upstream=request.own_upstream,
        )

    async def _opened(
        self, spec: SessionSpec, store: Store, receipt: EventCounter, busy_s_max: float
    ) -> LiveSession:
        tell = self._teller(receipt)
        gives_up = self._clock.monotonic() + busy_s_max
        while True:
            try:
                return await asyncio.to_thread(open_session, spec, store, tell, self._warn)
            except CassetteBusy:
                if self._clock.monotonic() >= gives_up:
                    raise
            await self._clock.sleep(BUSY_AGAIN_S)

    def expect(self, request: SessionRequest) -> None:
        """Let requests that name no session go to this one, which has an id and is opened by the
        first of them; until then it costs nothing and leaves nothing.
        """
        assert request.id is not None  # noqa: S101 - it is how it is withdrawn
        self._expected[request.id] = request
        self.plain = request.id

    async def open_if_expected(self, id: str | None) -> None:  # noqa: A002 - as above
        """Return once the session of a request (None: of one that names none) is open, if it was
        expected.

        Raises:
            RunreelError: as `open`.
        """
        wanted = self.plain if id is None else id
        if wanted not in self._expected:
            return
        async with self._expecting:
            request = self._expected.get(wanted)
            if isinstance(request, RunreelError):
                raise request
            if request is None:
                return
            try:
                await self.open(request)
            except RunreelError as error:
                self._expected[wanted] = error
                raise
            del self._expected[wanted]

    async def withdraw(self, id: str) -> bool:  # noqa: A002 - as above
        """Expect a session no longer; whether it was opened meanwhile, so that it is to be closed.

        Raises:
            RunreelError: it was used, and could not be opened.
        """
        async with self._expecting:
            request = self._expected.pop(id, None)
        if isinstance(request, RunreelError):
            raise request
        return request is None

    async def rewind(self, id: str) -> None:  # noqa: A002 - as above
        """All that a session has played is unplayed again; if its cassette was written since, it
        is read anew.

        Raises:
            SessionUnknown: there is none of that id.
            SessionRefused: it has captured something, which would stand in another place then.
            RunreelError: the cassette cannot be read any more, as `open`; nothing has changed.
        """
        found = self._found(id)
        session = found.session
        if found.reads_only and await asyncio.to_thread(found.current_mark) != found.mark:
            await self._read_anew(found)
            return
        if not session.state.rewind():
            raise SessionRefused(
                f"Session '{id}' has recorded something and cannot begin anew; end it, which saves "
                "that, and open another one."
            )
        session.wake()

    async def look_again(self) -> None:
        """Notice the cassettes that were written since they were read: it is told, and with `watch`
        they are read anew.
        """
        readers = [found for found in self._open.values() if found.reads_only]
        marks = await asyncio.to_thread(lambda: [found.current_mark() for found in readers])
        for found, mark in zip(readers, marks, strict=True):
            if mark == found.noticed or found not in self._open.values():
                continue
            found.noticed = mark
            cassette = found.session.cassette
            if mark == found.mark:  # it is again what it was
                continue
            if not self._watch:
                self._note(
                    f"cassette '{cassette}' was written since it was read; POST /_runreel/sessions/"
                    f"{found.session.id}/rewind reads it anew, and --watch does so at once"
                )
                continue
            try:
                await self._read_anew(found)
            except RunreelError as error:
                self._warn(f"{error}; cassette '{cassette}' is still played as it was")
            else:
                self._note(f"cassette '{cassette}' was written since, and is read anew")

    async def _read_anew(self, found: OpenSession) -> None:
        mark = await asyncio.to_thread(found.current_mark)
        session = await self._opened(found.spec, found.store, found.receipt, 0)
        before, found.session = found.session, session
        found.mark = found.noticed = mark
        found.prepared = None
        before.wake()
        if before.interactions >= _FROZEN_MIN:
            gc.unfreeze()
        for note in session.notes:
            self._warn(note)

    def refused(self, refusal: Refusal) -> None:
        """Take note of a request that ended before any session saw it."""
        self.strays += 1
        if refusal.code in ERRORS:
            self._refused += 1
            if len(self._refusals) < REFUSALS_MAX:
                self._refusals.append(refusal)

    def receipt(self, id: str) -> dict[str, Any]:  # noqa: A002 - as above
        """What an open session has done so far.

        Raises:
            SessionUnknown: there is none of that id.
        """
        found = self._found(id)
        return found.receipt.document(found.session)

    def summary(self) -> dict[str, Any] | None:
        """The receipt of the process: that of its default session, the others' in `sessions`, and
        what no session saw: how many requests were `refused`, the first ones in `refusals`.
        """
        told = [*self._ended, *map(self.receipt, self._open)]
        others = [document for document in told if document["session"] != DEFAULT]
        default = next((document for document in told if document["session"] == DEFAULT), None)
        if default is None and self._no_default is not None:
            default = self._no_default(self._unnamed)
        # Those that named no session are the default one's misses, where it is not there for good.
        refused = self._refused - (self._unnamed if self._no_default is not None else 0)
        more: dict[str, Any] = {}
        if refused > 0:
            more = {"refused": refused, "refusals": [*map(_refusal, self._refusals)]}
        return default and default | more | {"sessions": others}

    async def close(
        self,
        id: str,  # noqa: A002 - as above
        *,
        discard: bool = False,
        prunes: bool = True,
    ) -> dict[str, Any]:
        """End a session and return its receipt; its cassette is saved, or with `discard` left as
        it was. Unless it `prunes`, no recording goes that it only did not ask for. Calls under way
        may take `CLOSING_S_MAX` to end. It ends even if the caller is stopped.

        Raises:
            SessionUnknown: there is none of that id.
            StoreFailed: the cassette could not be saved; the session has ended all the same.
        """
        found = self._found(id)
        del self._open[id]
        if self.plain == id:
            self.plain = None
        closing = asyncio.create_task(self._end(id, found, discard=discard, prunes=prunes))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return await asyncio.shield(closing)

    async def _end(
        self, id_: str, found: OpenSession, *, discard: bool, prunes: bool
    ) -> dict[str, Any]:
        found.idle.clear()
        if found.calls:
            try:
                async with asyncio.timeout(CLOSING_S_MAX):
                    await found.idle.wait()
            except TimeoutError:
                self._warn(f"session '{id_}' was ended while calls of it were under way")
        try:
            incomplete = self.failed or _left_out(found.receipt.document(found.session))
            await found.session.close(
                discard=discard,
                prunes=prunes,
                incomplete=incomplete,
                alone=not found.calls,
                note=self._note,
            )
        finally:
            if found.session.interactions >= _FROZEN_MIN:
                gc.unfreeze()  # it has cycles of its own, which only a collection takes away
            document = found.receipt.document(found.session)
            self._keep(document)
        return document

    async def close_all(self) -> None:
        """End all sessions, the default one last.

        Raises:
            RunreelError: a cassette could not be saved. All the sessions have ended.
        """
        # Those first that are being ended: whoever asked for it may be gone.
        ends = await asyncio.gather(*self._closing, return_exceptions=True)
        failed = [end for end in ends if isinstance(end, RunreelError)]
        for id_ in sorted(self._open, key=DEFAULT.__eq__):
            try:
                await self.close(id_)
            except RunreelError as error:
                failed.append(error)
        for other in failed[:-1]:
            self._warn(str(other))
        if failed:
            raise failed[-1]

    @property
    def live_calls(self) -> int:
        """How many calls are under way that may be on their way to an upstream."""
        live = (found for found in self._open.values() if found.session.state.decision.live)
        return sum(found.calls for found in live)

    async def quiet(self, seconds: float) -> None:
        """Return when no call of a session that can go live is under way; at the latest after a
        time.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for found in list(self._open.values()):
                    while found.calls and found.session.state.decision.live:
                        found.idle.clear()
                        await found.idle.wait()

    async def expire(self) -> None:
        """Close the sessions that have been idle for too long; the default one lasts."""
        latest = self._clock.monotonic() - self._limits.idle_s_max
        for id_, found in list(self._open.items()):
            if found.lasts or found.calls or found.used_at > latest:
                continue
            self._warn(
                f"session '{id_}' was not used for {self._limits.idle_s_max:g} s and has ended; "
                "what it recorded is saved"
            )
            try:
                await self.close(id_)
            except RunreelError as error:
                self._warn(f"session '{id_}': {error}")

    def _found(self, id_: str) -> OpenSession:
        found = self._open.get(id_)
        if found is None:
            raise SessionUnknown("There is no session of that name here, or it has ended.")
        return found

    def _free(self, wanted: str | None) -> str:
        taken = self._open.keys() | self._opening
        if len(taken - {DEFAULT}) >= self._limits.sessions_max and wanted != DEFAULT:
            raise TooManySessions(
                f"There are {self._limits.sessions_max:,} sessions; end one, or see "
                "limits.sessions_max."
            )
        id_ = secrets.token_hex(8) if wanted is None else wanted
        if not _ID.fullmatch(id_):
            raise SessionRefused(
                "The id of a session is a letter or digit and up to 80 of these, '.', '_' or '-'."
            )
        if id_ in taken:
            raise SessionRefused(f"There is a session '{id_}' already; choose another id.")
        return id_

    def _keep(self, document: dict[str, Any]) -> None:
        if document["session"] != DEFAULT:
            # There will be no receipt of the process.
            if DEFAULT not in self._open and self._no_default is None:
                return
            if len(self._ended) >= TOLD_MAX and not any(map(document.get, _WRONG)):
                return
            if len(self._ended) == TOLD_MAX - 1:
                self._warn(
                    f"{TOLD_MAX:,} sessions have ended; from here on the receipt of this process "
                    "holds only those in which something went wrong"
                )
        self._ended.append(document)

    def _teller(self, receipt: EventCounter) -> Sink:
        # Bound methods are called in half the time that it takes to call their objects.
        sinks = [sink.__call__ for sink in (receipt, *self._sinks)]

        def tell(event: Event) -> None:
            for sink in sinks:
                sink(event)

        return tell
