"""Opening sessions.

Owns the decision whether a session may start at all and with which cassette: every refusal is one
sentence with its remedy. Knows stores and sinks as ports only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from runreel.core.cassette import SIMULATOR, Cassette
from runreel.core.errors import CassetteBusy, NothingReadable, StartRefused
from runreel.core.facets import MATCH_ON, MatchOn
from runreel.core.facts import Fact
from runreel.core.modes import DECISIONS, ONCE, Mode, resolve
from runreel.core.redaction import Redaction
from runreel.core.session import Session
from runreel.live import LiveSession, Recording
from runreel.ports import Store, Stored

DEFAULT = "default"
Tell = Callable[[Fact], None]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """How to open a session; `mode` is a canonical spelling, `upstream` None if none is set, and
    `match_on` None where the cassette's own rules hold.
    """

    id: str
    cassette: str
    mode: str
    upstream: str | None
    profile: str
    redaction: Redaction
    match_on: MatchOn | None = None
    repeat_last: bool = False
    allow_regress: bool = False
    prune: bool = False
    relaxed: bool = False
    barriers: bool = True


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
    passthrough = spec.mode == Mode.PASSTHROUGH.value
    stored = None if passthrough else _found(spec, store)
    if spec.mode == ONCE and stored is not None and stored.sha256 is None:
        stored = _taken_in(spec, store, stored)
    mode = resolve(spec.mode, cassette_exists=stored is not None)
    if DECISIONS[mode].live and spec.upstream is None:
        raise StartRefused(_no_upstream(spec, mode))
    if DECISIONS[mode].captures:
        return _recording(spec, mode, store, stored, tell, warn)
    if stored is None and not passthrough:
        raise StartRefused(_no_such_cassette(spec.cassette, mode, store.names()))
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
    journal = store.open_journal(spec.cassette, _header(spec, stored))
    try:
        # Again, now that nobody else can write it and what a crash left is in the file.
        latest = store.load(spec.cassette)
        if latest is not None:
            _check_fits(spec, latest.cassette)
        recording = Recording(journal, spec.upstream or "", spec.relaxed, warn)
        return _opened(spec, mode, latest, recording, tell)
    except BaseException:
        journal.commit(None)
        raise


def _header(spec: SessionSpec, stored: Stored | None) -> Cassette:
    return Cassette(
        upstream=stored.cassette.upstream if stored else spec.upstream or "",
        profile=spec.profile,
        match_on=spec.match_on or (stored.cassette.match_on if stored else MATCH_ON),
        redaction=spec.redaction.names,
    )


def _opened(
    spec: SessionSpec,
    mode: Mode,
    stored: Stored | None,
    recording: Recording | None,
    tell: Tell,
) -> LiveSession:
    header = _header(spec, stored)
    state = Session(
        stored.cassette.interactions if stored else (),
        DECISIONS[mode],
        header.match_on,
        spec.redaction,
        repeat_last=spec.repeat_last,
        allow_regress=spec.allow_regress,
        prune=spec.prune,
        barriers=spec.barriers,
    )
    session = LiveSession(
        id=spec.id,
        mode=mode,
        cassette=spec.cassette,
        state=state,
        header=header,
        stored=stored,
        recording=recording,
        tell=tell,
    )
    session.notes += _other_rules(spec, stored, saved=recording is not None)
    return session


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


def _no_upstream(spec: SessionSpec, mode: Mode) -> str:
    if spec.mode == ONCE:
        return (
            f"there is no cassette '{spec.cassette}' yet, so mode once records it and needs an "
            "upstream; give one with --upstream URL"
        )
    return f"mode {mode.value} goes live and needs an upstream; give one with --upstream URL"


def _check_fits(spec: SessionSpec, found: Cassette) -> None:
    # Behind a URL may be a simulator: then its answers say so, and no others are kept.
    if found.upstream not in (spec.upstream, SIMULATOR):
        raise StartRefused(
            f"cassette '{spec.cassette}' was recorded from {found.upstream}, not from "
            f"{spec.upstream}, and recordings of different upstreams are never merged; "
            "record into another one with --cassette NAME"
        )
    if found.profile != spec.profile:
        raise StartRefused(
            f"cassette '{spec.cassette}' was recorded under the profile {found.profile}, not "
            f"{spec.profile}; set `profile` to it, or record into another one with --cassette NAME"
        )


def _no_such_cassette(name: str, mode: Mode, names: list[str]) -> str:
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    there = f"there are: {shown}" if names else "there are none at all"
    return (
        f"there is no cassette '{name}' to {mode.value} ({there}); choose one with --cassette NAME "
        f"and --cassettes DIR, or record it: runreel record --cassette {name} --upstream URL"
    )
