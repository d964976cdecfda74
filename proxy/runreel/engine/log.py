"""One log line per request, on stderr, as text or as JSON.

A line of text names the operation and the run in short form, what became of the call, and of a miss
the difference; with `verbose` lines below it tell the whole target, the headers and the findings.
Only redacted values are written, escaped so that nothing in a request can begin a line of its own
or colour a terminal. What a framework logs comes here too, and a sentence where an upstream knows
none of the paths that it is asked for, as OpenAI's since 2026-08-26.
"""

import contextlib
import errno
import json
import logging
import math
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from runreel.errors import ERRORS
from runreel.matching.near_miss import EXHAUSTED, Missed, is_switched_off
from runreel.sessions.events import Event, Outcome, Refusal
from runreel.sessions.manager import DEFAULT
from runreel.text import counted, cut, safe_ascii

TOGETHER_S = 0.02  # that a line may wait for others; nobody who reads along sees it
LOOP_ERROR_EVERY_S = 10  # out of file descriptors, asyncio logs 100 tracebacks a second
_LOUD = frozenset(
    {
        Outcome.MISSED,
        Outcome.NOT_STORED,
        Outcome.REFUSED,
        Outcome.FAILED,
        Outcome.NOT_COMPARED,
        Outcome.NEW,
    }
)
_DRIFTS_MAX = 3  # differences in a line; the receipt has them all
_PLACE_CHARS_MAX = 100
_CALL_CHARS_MAX = 200  # of a target in a line; a verbose log has it whole
_RED, _YELLOW, _GREEN, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[0m"
_COLOURS = {
    Outcome.SERVED: _GREEN,
    Outcome.RECORDED: _GREEN,
    Outcome.MISSED: _RED,
    Outcome.FAILED: _RED,
    Outcome.REFUSED: _RED,
    Outcome.NOT_STORED: _YELLOW,
    Outcome.NOT_COMPARED: _YELLOW,
    Outcome.NEW: _YELLOW,
}


class Log:
    """Writes a line per event; with `quiet` only for what went wrong, with `verbose` also what was
    sent and found. `colour` is for terminals.

    With `later`, which calls a function after so many seconds, the lines of events that come
    together are written together: the first at once, more of them every `TOGETHER_S`.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        as_json: bool,
        quiet: bool,
        verbose: bool = False,
        colour: bool = False,
    ) -> None:
        self.later: Callable[[float, Callable[[], None]], object] | None = None
        self._out = out
        self._as_json = as_json
        self._quiet = quiet
        self._verbose = verbose
        colours = _COLOURS if colour else {}
        self._words = {outcome: _painted(outcome.word, colours.get(outcome)) for outcome in Outcome}
        self._lines: list[str] = []
        self._last = datetime.min.replace(tzinfo=UTC)  # when the last event was
        self._second = self._next_second = datetime.min.replace(tzinfo=UTC)
        self._shown = ""  # that second

    def _clock(self, at: datetime) -> str:
        if not self._second <= at < self._next_second:
            self._second, self._shown = at.replace(microsecond=0), _clock(at)
            self._next_second = self._second + timedelta(seconds=1)
        return self._shown

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if self._quiet and event.outcome not in _LOUD and not event.drift:
            return
        if self._as_json:
            line = _json_line(event, verbose=self._verbose)
        else:
            said = event.line or line_of(event)
            line = f"{self._clock(event.at)} {self._words[event.outcome]} {said}"
            if self._verbose:
                line = "\n  ".join((line, *map(_in_line, _below(event))))
        if self.later is None:
            self._write(line)
            return
        self._lines.append(line)
        if len(self._lines) == 1:
            together_s = 0 if (event.at - self._last).total_seconds() > TOGETHER_S else TOGETHER_S
            self.later(together_s, self.flush)
        self._last = event.at

    def flush(self) -> None:
        """Write what is to be written."""
        lines, self._lines = self._lines, []
        if lines:
            self._print("\n".join(lines))

    def refused(self, at: datetime, refusal: Refusal) -> None:
        """Write about a request that ended before any session saw it."""
        status = ERRORS[refusal.code][0] if refusal.code in ERRORS else None
        if self._as_json:
            document = {
                "outcome": _UNASKED.get(refusal.code, Outcome.REFUSED.value),
                "method": refusal.method,
                "target": refusal.target,
                "host": refusal.host,
                "status": status,
                "reason": refusal.code,
            }
            self._write_json(at, document)
            return
        method, target = refusal.method, refusal.target
        call = "what is no HTTP" if method is None else f"{method} {_shortened(target or '')}"
        host = f' of Host "{cut(refusal.host, _PLACE_CHARS_MAX)}"' if refusal.host else ""
        words = (call.rstrip() + host, *([str(status)] if status else []), f"({refusal.code})")
        word = _UNASKED.get(refusal.code) or self._words[Outcome.REFUSED]
        self._write(f"{_clock(at)} {word} {_in_line(' '.join(words))}")

    def problem(self, at: datetime, what: str) -> None:
        """Write about something that went wrong outside of any event."""
        self._say(at, "problem", what)

    def noted(self, at: datetime, what: str) -> None:
        """Write what is good to know, unless only what went wrong is asked for."""
        if not self._quiet:
            self._say(at, "note", what)

    def verified(self, at: datetime, what: str) -> None:
        """Write what came of a session that compared."""
        self._say(at, "verified", what)

    def told(self, at: datetime, what: str) -> None:
        """Write what whoever stops it should know, however quiet."""
        if self._as_json:
            self._write_json(at, {"told": what})
        else:
            self._write(_in_line(f"runreel: {what}"))

    def summed_up(self, at: datetime, lines: Iterable[str]) -> None:
        """Write the last lines of a run, unless only what went wrong is asked for: it was told."""
        if not self._quiet:
            for line in lines:
                self.told(at, line)

    def _say(self, at: datetime, word: str, what: str) -> None:
        if self._as_json:
            self._write_json(at, {word: what})
        else:
            self._write(_in_line(f"{_clock(at)} {word} {what}"))

    def _write_json(self, at: datetime, document: dict[str, str | int | None]) -> None:
        stamped = {"at": at.isoformat(timespec="milliseconds"), **document}
        self._write(json.dumps(stamped, ensure_ascii=True))

    def _write(self, line: str) -> None:
        self.flush()
        self._print(line)

    def _print(self, line: str) -> None:
        # A log that nobody reads any more must not fail a request.
        with contextlib.suppress(OSError, ValueError):
            self._out.write(f"{line}\n")  # one write, also where each line is flushed
            self._out.flush()


class FrameworkLog(logging.Handler):
    """Passes on that a framework logged an error: its kind and place, never its text.

    The text quotes what came over the wire, credentials and all, and spans lines. Of one kind and
    place there is a line every `every_s` seconds at most.
    """

    def __init__(self, log: Log, *, every_s: float = 0) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._every_s = every_s
        self._last: dict[str, float] = {}  # as many as there are places in the framework's code

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line for one record."""
        what = f"in {record.filename}:{record.lineno}"
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            if frames:
                what = f"in {Path(frames[-1].filename).name}:{frames[-1].lineno}"
            number = error.errno if isinstance(error, OSError) else None
            name = errno.errorcode.get(number or 0, "")
            what = " ".join(filter(None, (type(error).__name__, name, what)))
        if 0 <= record.created - self._last.get(what, -math.inf) < self._every_s:
            return
        self._last[what] = record.created
        self._log.problem(datetime.fromtimestamp(record.created, UTC), what)


@contextmanager
def loop_errors_to(log: Log) -> Iterator[None]:
    """What asyncio logs goes here, and nowhere else, for as long as the context lasts."""
    logger = logging.getLogger("asyncio")
    handler = FrameworkLog(log, every_s=LOOP_ERROR_EVERY_S)
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated


def _target(event: Event) -> str | None:
    return event.request.value.target if event.request else None


def _clock(at: datetime) -> str:
    return f"{at.hour:02}:{at.minute:02}:{at.second:02}"


# What became of requests that no session saw, and that were not refused.
_UNASKED = {"client_gone": "left", "preflight": "answered", "max_forwards": "answered"}


def _painted(word: str, colour: str | None) -> str:
    return word if colour is None else f"{colour}{word}{_PLAIN}"


def _in_line(text: str) -> str:
    """It in ASCII, whatever the encoding of the log."""
    return safe_ascii(text.replace("…", "..."))


def line_of(event: Event) -> str:
    """What a log as text says of an event, after its time and what became of it."""
    words = [f"{_call(event)} {event.status} {event.duration_ms}ms"]
    if event.session != DEFAULT:
        words.append(f"session={event.session}")
    if event.interaction:
        words.append(event.interaction)
    if event.violations:
        words.append(f"({counted(len(event.violations), 'finding')})")
    if event.missed:
        words += _of_miss(event.missed)
    if event.drift:
        words.append(f"drifted in {counted(len(event.drift), 'place')}: {_places(event)}")
    if event.reason:
        words.append(f"({event.reason})")
    return _in_line(" ".join(words))


# The thread and the run of a target, where it names them.
_RUN = re.compile(r"/threads/(?!runs(?:[/?]|$))([^/?]+)(?:/runs/([^/?]+))?")
# What looks like an id or a value nobody reads: long, with a digit in it.
_LONG = re.compile(r"(?=[A-Za-z_-]*[0-9])([A-Za-z0-9_-]{12})[A-Za-z0-9_-]{6,}")


def _call(event: Event) -> str:
    """A call as people name it: the operation with its run, or its thread, else the target."""
    target = _target(event)
    if target is None:
        return f"{event.operation or event.method} (withheld: it repeats its credential)"
    if event.operation is None:
        return f"{event.method} {_shortened(target)}"
    named = _RUN.search(target)
    return f"{event.operation} {_shortened(named[2] or named[1])}" if named else event.operation


def _shortened(target: str) -> str:
    return cut(_LONG.sub(r"\1…", target), _CALL_CHARS_MAX)


def _of_miss(missed: Missed) -> Iterator[str]:
    miss = missed.miss
    if missed.opaque is not None:
        return
    if miss.nearest is None:
        yield f"cassette '{missed.cassette}' is empty"
        return
    brief = missed.brief()
    if brief is None and miss.code == EXHAUSTED:
        brief = "every recording of it was played"
    told = [brief] if brief is not None else []
    told.append(f"nearest {miss.nearest.interaction.value.id}")
    if miss.progress is not None:
        told.append(f"{miss.progress.played:,} of {miss.progress.recordings:,} played")
    yield "; ".join(told)


def _below(event: Event) -> Iterator[str]:
    """What a verbose log says below an event's line."""
    if event.request is not None:
        request = event.request.value
        yield f"{request.method} {request.target}"
        yield from (f"{name}: {value}" for name, value in request.headers)
    for item in event.violations:
        yield f"{item.severity}: {item.at or 'the body'}: {item.message}"
    if event.missed is not None:
        yield from event.missed.details()


def _places(event: Event) -> str:
    shown = [cut(f"{item.kind} {item.at}".rstrip(), _PLACE_CHARS_MAX) for item in event.drift]
    more = ["…"] if len(shown) > _DRIFTS_MAX else []
    return ", ".join(shown[:_DRIFTS_MAX] + more)


def _json_line(event: Event, *, verbose: bool) -> str:
    document: dict[str, Any] = {
        "at": event.at.isoformat(timespec="milliseconds"),
        "session": event.session,
        "outcome": event.outcome.value,
        "method": event.method,
        "target": _target(event),
        "operation": event.operation,
        "status": event.status,
        "duration_ms": event.duration_ms,
        "interaction": event.interaction,
        **_json_miss(event.missed),
        "reason": event.reason,
        "upstream_called": event.upstream_called,
        "violations": len(event.violations),
        "drift": [{"kind": item.kind, "at": item.at} for item in event.drift],
    }
    if verbose:
        request = event.request.value if event.request else None
        document["headers"] = [*map(list, request.headers)] if request else None
        document["findings"] = [
            {"at": item.at, "rule": item.rule, "severity": item.severity, "message": item.message}
            for item in event.violations
        ]
        document["details"] = [*event.missed.details()] if event.missed else None
    return json.dumps(document, ensure_ascii=True)


def _json_miss(missed: Missed | None) -> dict[str, str | int | None]:
    if missed is None:
        return {"miss": None, "message": None}
    nearest, progress = missed.miss.nearest, missed.miss.progress
    return {
        "miss": missed.code,
        "message": missed.sentence(),
        "difference": missed.brief(),
        "nearest": nearest.interaction.value.id if nearest else None,
        "played": progress.played if progress else None,
        "recordings": progress.recordings if progress else None,
    }


_GONE = frozenset({404, 410})
_EARLY = 3  # calls; one or two may well ask for what is not there


class Retirement:
    """Watches the answers of one upstream; `tell` gets the sentence, which ends in a `hint`."""

    def __init__(self, upstream: str | None, hint: str, tell: Callable[[str], None]) -> None:
        self._upstream = upstream
        self._hint = hint
        self._tell = tell
        self._answers = 0
        self._alive = False
        self._told = 0  # calls that were spoken of

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if not event.upstream_called:
            return
        self._alive = self._alive or event.status not in _GONE
        self._answers += 1
        if self._answers == _EARLY:
            self.sum_up()

    def sum_up(self) -> None:
        """Tell what happened, if anything was forwarded and all of it was gone."""
        if self._alive or self._answers == self._told:
            return
        self._told = self._answers
        calls = "The one call" if self._answers == 1 else f"All {self._answers} calls"
        self._tell(f"{calls} to {self._upstream} came back as 404 or 410: {self._hint}")


_OPENAI_IS_OFF = (
    "OpenAI switched off the Assistants API on 2026-08-26; replay what is recorded, or name "
    "another upstream (with the path where its API begins) with --upstream"
)


def why_gone(upstream: str | None, base_path: str, profile: str) -> str:
    """What to look at first where nothing that is asked of an upstream is there."""
    if upstream is not None and is_switched_off(upstream):
        return _OPENAI_IS_OFF
    return (
        f"clients call {base_path or '/'} (--base-path), so calls go to paths of "
        f"{upstream}{base_path}; is that where this API begins? The path before it belongs to "
        f"--upstream. And does the API speak the profile {profile}?"
    )
