"""One log line per request, on stderr, as text or as JSON.

Only redacted values are written, escaped so that nothing in a request can begin a line of its own
or colour a terminal. What a framework logs comes here too, and a sentence where an upstream knows
none of the paths that it is asked for, as OpenAI's since 2026-08-26.
"""

import contextlib
import errno
import json
import logging
import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from runreel.matching.near_miss import Missed, is_switched_off
from runreel.sessions.events import Event, Outcome
from runreel.sessions.manager import DEFAULT
from runreel.text import cut, safe_ascii

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


class Log:
    """Writes a line per event; with `quiet` only for what went wrong.

    With `later`, which calls a function after so many seconds, the lines of events that come
    together are written together: the first at once, more of them every `TOGETHER_S`.
    """

    def __init__(self, out: TextIO, *, as_json: bool, quiet: bool) -> None:
        self.later: Callable[[float, Callable[[], None]], object] | None = None
        self._out = out
        self._as_json = as_json
        self._quiet = quiet
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
            line = _json_line(event)
        else:
            line = f"{self._clock(event.at)} {event.line or line_of(event)}"
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

    def refused(self, at: datetime, method: str | None, code: str) -> None:
        """Write about a request that was refused before anything was known of it but its method.

        There is no target: it was not redacted.
        """
        if self._as_json:
            document = {"outcome": Outcome.REFUSED.value, "method": method, "reason": code}
            self._write_json(at, document)
        else:
            word = Outcome.REFUSED.value
            self._write(safe_ascii(f"{_clock(at)} {word} {method or '-'} ({code})"))

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

    def _say(self, at: datetime, word: str, what: str) -> None:
        if self._as_json:
            self._write_json(at, {word: what})
        else:
            self._write(safe_ascii(f"{_clock(at)} {word} {what}"))

    def _write_json(self, at: datetime, document: dict[str, str | None]) -> None:
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


def line_of(event: Event) -> str:
    """What a log as text says of an event, after its time."""
    target = _target(event) or "(withheld: it repeats its credential)"
    what = f"{event.outcome.value} {event.method}"
    words = [f"{what} {target} {event.status} {event.duration_ms}ms"]
    if event.session != DEFAULT:
        words.append(f"session={event.session}")
    if event.interaction:
        words.append(event.interaction)
    if event.violations:
        words.append(f"violations={event.violations}")
    if event.missed:
        words += _told(event.missed)
    if event.drift:
        words.append(f"drift {len(event.drift)} ({_places(event)})")
    if event.reason:
        words.append(f"({event.reason})")
    return safe_ascii(" ".join(words))


def _told(missed: Missed) -> Iterator[str]:
    nearest, progress = missed.miss.nearest, missed.miss.progress
    yield f"nearest={nearest.interaction.value.id if nearest else None}"
    if progress is not None:
        yield f"played={progress.played}/{progress.recordings}"
    if missed.opaque is None and (brief := missed.brief()) is not None:
        yield f"({brief})"


def _places(event: Event) -> str:
    shown = [cut(f"{item.kind} {item.at}".rstrip(), _PLACE_CHARS_MAX) for item in event.drift]
    more = ["…"] if len(shown) > _DRIFTS_MAX else []
    return ", ".join(shown[:_DRIFTS_MAX] + more)


def _json_line(event: Event) -> str:
    document = {
        "at": event.at.isoformat(timespec="milliseconds"),
        "session": event.session,
        "outcome": event.outcome.value,
        "method": event.method,
        "target": _target(event),
        "operation": event.operation,
        "status": event.status,
        "duration_ms": event.duration_ms,
        "interaction": event.interaction,
        "miss": event.missed.code if event.missed else None,
        "message": event.missed.sentence() if event.missed else None,
        "reason": event.reason,
        "upstream_called": event.upstream_called,
        "violations": event.violations,
        "drift": [{"kind": item.kind, "at": item.at} for item in event.drift],
    }
    return json.dumps(document, ensure_ascii=True)


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
