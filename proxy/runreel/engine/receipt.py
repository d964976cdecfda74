"""The receipt: what a session served, missed, recorded, compared and left unplayed.

It is counted from events alone, but for what a session learns after it told them; as JSON, as a
file for scripts, and in a few lines for people. Text out of requests and cassettes stands in those
as it is: whoever prints them makes it safe.
"""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from runreel.cassettes.format import SIMULATOR, request_document
from runreel.errors import ERRORS, StartRefused, StoreFailed
from runreel.matching.drift import drift_document
from runreel.matching.near_miss import BLOCKS_MAX, call_document, remedies, told_call, told_miss
from runreel.sessions.events import Event, Outcome
from runreel.sessions.live import LiveSession
from runreel.sessions.modes import Mode
from runreel.text import counted

MISSES_KEPT_MAX = 1_000  # of one session, the last ones
UNPLAYED_CALLS_MAX = 100  # of one session, the first ones, with their requests
UNSTORED_CALLS_MAX = 100  # of one session, the first ones, with the reason


_UNSTORED = frozenset({Outcome.NOT_STORED, Outcome.FAILED})


class Receipt:
    """Counts the events of one session; of its misses it keeps the last."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(Outcome, 0)
        self._missed: deque[Event] = deque(maxlen=MISSES_KEPT_MAX)
        self._drift: list[dict[str, Any]] = []
        self._new: list[dict[str, Any]] = []
        self._unstored: list[dict[str, Any]] = []
        self._upstream_calls = 0
        self._violations = 0
        self._redacted = 0  # served answers whose body is not what the upstream sent

    def __call__(self, event: Event) -> None:
        """Take one event."""
        outcome = event.outcome
        self._counts[outcome] += 1
        if outcome is Outcome.SERVED:  # nothing but a body was looked at
            self._redacted += event.redacted > 0
            return
        self._upstream_calls += event.upstream_called
        self._violations += len(event.violations)
        if outcome is Outcome.MISSED:
            self._missed.append(event)
        if outcome in _UNSTORED and len(self._unstored) < UNSTORED_CALLS_MAX:
            self._unstored.append({**_call(event), "reason": event.reason})
        if event.outcome is Outcome.NEW:
            self._new.append(_call(event))
        if event.drift:
            self._drift.append(_drift(event))

    def document(self, session: LiveSession) -> dict[str, Any]:
        """The receipt so far, as JSON; `discarded` is there only if its recordings were."""
        recorded = self._counts[Outcome.RECORDED] - session.undurable
        return {
            "session": session.id,
            "mode": session.mode.value,
            "cassette": session.cassette,
            "cassette_sha256": session.sha256,
            "requests": sum(self._counts.values()),
            "served": self._counts[Outcome.SERVED],
            "redacted": self._redacted,
            "recorded": 0 if session.discarded else recorded,
            **({"discarded": recorded} if session.discarded else {}),
            "not_stored": self._counts[Outcome.NOT_STORED] + session.undurable,
            "failed": self._counts[Outcome.FAILED],
            "missed": [_missed(event) for event in self._missed],
            "unplayed": list(session.state.unplayed()),
            "not_rerecorded": list(session.state.not_rerecorded()),
            "upstream_calls": self._upstream_calls,
            "violations": self._violations,
            **self._more(session),
            **(self._verified() if session.state.decision.compares else {}),
            "sessions": [],
        }

    def _more(self, session: LiveSession) -> dict[str, Any]:
        """What is told only where it is not as usual: the story, if there are several in a
        cassette, more misses than are listed, calls that waited for others to come first,
        recordings that nobody asked for, calls that were not stored, what was changed in the
        cassette, and its file and what records it anew, where they are known.
        """
        scope = {"scope": session.state.story} if session.state.story is not None else {}
        missed, waited = self._counts[Outcome.MISSED], session.state.waits
        unplayed = islice(session.state.unplayed_calls(), UNPLAYED_CALLS_MAX)
        calls = [call_document(item) for item in unplayed]
        more: dict[str, Any] = {"missed_in_all": missed} if missed > len(self._missed) else {}
        more |= {"waited": waited} if waited else {}
        more |= {"unplayed_calls": calls} if calls else {}
        more |= {"unstored_calls": [*self._unstored]} if self._unstored else {}
        if session.state.decision.captures and not session.discarded:
            more["changes"] = asdict(session.state.changes) | {"dropped": session.dropped}
        more |= {"cassette_file": session.origin.file} if session.origin.file else {}
        if session.mode is Mode.PASSTHROUGH and session.upstream == SIMULATOR:
            more["simulated"] = self._counts[Outcome.SIMULATED]
        remedy = session.origin.how_to_record()
        return scope | more | ({"remedy": remedy} if remedy else {})

    def _verified(self) -> dict[str, Any]:
        """What only a session that compares has to say; a call that failed was not compared."""
        return {
            "compared": self._counts[Outcome.COMPARED],
            "not_compared": self._counts[Outcome.NOT_COMPARED] + self._counts[Outcome.FAILED],
            "drift": list(self._drift),
            "new": list(self._new),
        }


def without_default(mode: str, why: str, unnamed: int) -> dict[str, Any]:
    """What stands on top of a receipt where there was no default session, in the place of its own:
    the requests that named no session, as one miss for all of them. `why` says in a sentence
    without its full stop why there was none.

    The method and target of such a request were never redacted, so they are not in it.
    """
    were = "1 request named" if unnamed == 1 else f"{unnamed:,} requests named"
    miss: dict[str, Any] = {
        "method": None,
        "target": None,
        "code": "session_unknown",
        "nearest": None,
        "differences": [],
        "message": f"{were} no session, and {why}; or open a session for each test.",
        "details": [],
        "request": None,
    }
    return {
        "session": "default",
        "mode": mode,
        "cassette": None,
        "cassette_sha256": None,
        "requests": unnamed,
        **dict.fromkeys(("served", "redacted", "recorded", "not_stored", "failed"), 0),
        "missed": [miss] if unnamed else [],
        "unplayed": [],
        "not_rerecorded": [],
        **dict.fromkeys(("upstream_calls", "violations"), 0),
        **({"missed_in_all": unnamed} if unnamed > 1 else {}),
        "sessions": [],
    }


def verified(receipt: dict[str, Any]) -> str | None:
    """The receipt of a session that compares, in a sentence."""
    if "drift" not in receipt:
        return None
    differences = sum(len(item["differences"]) for item in receipt["drift"])
    return (
        f"{receipt['compared']} compared with cassette '{receipt['cassette']}', "
        f"{len(receipt['drift'])} drifted ({differences} differences), "
        f"{receipt['not_compared']} not compared, {len(receipt['new'])} new, "
        f"{len(receipt['unplayed'])} recordings not asked for"
    )


def _call(event: Event) -> dict[str, Any]:
    """A call; its target is None if it could not be redacted."""
    target = event.request.value.target if event.request else None
    return {"method": event.method, "target": target}


def _drift(event: Event) -> dict[str, Any]:
    return {
        **_call(event),
        "interaction": event.interaction,
        "differences": [drift_document(item) for item in event.drift],
    }


def _missed(event: Event) -> dict[str, Any]:
    assert event.missed is not None  # noqa: S101 - an event of that outcome has one
    request = None if event.request is None else request_document(event.request)
    return {**_call(event), **event.missed.document(), "request": request}


def check_receipt(path: Path | None) -> None:
    """Return if a receipt can be expected to be written there at the end; None is for nowhere.

    Raises:
        StartRefused: it cannot.
    """
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise StartRefused(
            f"{path}: the receipt cannot be written there; name a file in a folder that exists "
            "with --receipt"
        )


def write_receipt(path: Path, document: dict[str, Any]) -> None:
    """Write a receipt.

    Raises:
        StoreFailed: it cannot be written there.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    try:
        # Half a surrogate pair, which JSON may escape but UTF-8 cannot hold, stays escaped.
        path.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StoreFailed(f"{path}: the receipt cannot be written: {error.strerror}") from None


MISSES_MAX = 20  # of one session
UNPLAYED_MAX = 10  # of one session
UNSTORED_MAX = 10  # of one session
REFUSALS_MAX = 10
SESSIONS_MAX = 20  # besides the default one; those with something wrong come first

# (the receipt's member, the words for it, whether nothing of it is worth telling too)
_COUNTS = (
    ("served", "served", True),
    ("recorded", "recorded", True),
    ("missed", "missed", True),
    ("unplayed", "unplayed", True),
    ("not_stored", "not stored", True),
    ("failed", "failed", False),
    ("refused", "refused", False),
    ("compared", "compared", False),
    ("drift", "drifted", False),
    ("new", "new", False),
)


def summary(receipt: dict[str, Any]) -> Iterator[str]:
    """The lines for the receipt of a process.

    Where nobody used the default session, or there was none, all others are told in one line, and
    those in which something went wrong in lines of their own.
    """
    others = sorted(receipt["sessions"], key=_smooth)
    unused = others and not receipt.get("requests", 1) and not receipt["unplayed"]
    if unused or receipt["cassette"] is None:
        yield _all_sessions(receipt)
        yield from _misses(receipt)
        others = [other for other in others if not _smooth(other) or other["unplayed"]]
    else:
        yield from _session(receipt, "")
    yield from _refused(receipt)
    for other in others[:SESSIONS_MAX]:
        yield from _session(other, f"session {other['session']}: ")
    if len(others) > SESSIONS_MAX:
        yield f"and {len(others) - SESSIONS_MAX:,} sessions more"


def _refused(receipt: dict[str, Any]) -> Iterator[str]:
    for item in receipt.get("refusals", ())[:REFUSALS_MAX]:
        call = f"{item['method']} {item['target'] or ''}" if item["method"] else "what is no HTTP"
        yield f"  refused: {call.rstrip()} {ERRORS[item['code']][0]} ({item['code']})"
    if (more := receipt.get("refused", 0) - REFUSALS_MAX) > 0:
        yield f"  and {more:,} refused more"


def _smooth(receipt: dict[str, Any]) -> bool:
    return not any(_count(receipt, name) for name in ("missed", "not_stored", "failed", "drift"))


def _count(receipt: dict[str, Any], name: str) -> int:
    if name == "missed":
        return int(receipt.get("missed_in_all", len(receipt["missed"])))
    value = receipt.get(name, 0)
    return value if isinstance(value, int) else len(value)


def _counts(*receipts: dict[str, Any]) -> str:
    members = (*(member for member, _, _ in _COUNTS), "upstream_calls")
    sums = {member: sum(_count(item, member) for item in receipts) for member in members}
    told = [
        f"{sums[member]:,} {words}" for member, words, always in _COUNTS if always or sums[member]
    ]
    return ", ".join((*told, counted(sums["upstream_calls"], "upstream call")))


def _all_sessions(receipt: dict[str, Any]) -> str:
    others = receipt["sessions"]
    return f"{receipt['mode']}, {counted(len(others), 'session')}: {_counts(receipt, *others)}"


def _named(receipt: dict[str, Any]) -> str:
    """The cassette, where there is one."""
    return "" if receipt["mode"] == Mode.PASSTHROUGH.value else f" '{receipt['cassette']}'"


def _file(receipt: dict[str, Any]) -> Iterator[str]:
    """The cassette's file, and what has become of it."""
    file, changes = receipt.get("cassette_file"), receipt.get("changes")
    if file is None:
        return
    if changes is None:
        yield f"  cassette: {file}"
        return
    if receipt["cassette_sha256"] is None:
        yield f"  cassette: {file} is not written, since nothing was recorded"
        return
    told = [f"{changes[name]:,} {name}" for name in ("new", "replaced", "unchanged")]
    told += [f"{changes['dropped']:,} dropped"] if changes["dropped"] else []
    asked = len(receipt["not_rerecorded"]) - changes["dropped"]
    told += [f"{asked:,} not asked for again"] if asked > 0 else []
    yield f"  cassette: {file}: {', '.join(told)}"


def _misses(receipt: dict[str, Any]) -> Iterator[str]:
    missed = receipt["missed"]
    for number, miss in enumerate(missed[:MISSES_MAX]):
        first, *others = told_miss(miss, whole=number < BLOCKS_MAX)
        yield f"  missed: {first}"
        yield from (f"    {line}" for line in others)
    if (more_misses := _count(receipt, "missed") - MISSES_MAX) > 0:
        yield f"  and {more_misses:,} misses more"
    yield from (f"  {remedy}" for remedy in remedies(missed))


def _session(receipt: dict[str, Any], name: str) -> Iterator[str]:
    if "simulated" in receipt:
        yield f"{name}simulator: {counted(receipt['simulated'], 'call')} answered"
    else:
        yield f"{name}{receipt['mode']}{_named(receipt)}: {_counts(receipt)}"
    yield from _file(receipt)
    yield from _misses(receipt)
    unstored = receipt.get("unstored_calls", ())
    for call in unstored[:UNSTORED_MAX]:
        target = call["target"] or "(withheld: it repeats its credential)"
        yield f"  not stored: {call['method']} {target}: {call['reason']}"
    if len(unstored) > UNSTORED_MAX:
        yield f"  and {len(unstored) - UNSTORED_MAX:,} not stored more"
    unplayed = receipt["unplayed"]
    for call in receipt.get("unplayed_calls", ())[:UNPLAYED_MAX]:
        yield f"  unplayed: {told_call(call)}"
    if len(unplayed) > UNPLAYED_MAX:
        yield f"  and {len(unplayed) - UNPLAYED_MAX:,} unplayed more"
