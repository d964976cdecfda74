"""One log line per request, on stderr.

Owns the line's shape, as text or as JSON. Writes redacted values only, escaped so that nothing in
a request can begin a line of its own or colour a terminal.
"""

import json
from typing import TextIO

from runreel.core.facts import Fact, Outcome

_LOUD = frozenset({Outcome.MISSED, Outcome.NOT_STORED, Outcome.REFUSED, Outcome.FAILED})


class Log:
    """Writes a line per fact; with `quiet` only for what went wrong."""

    def __init__(self, out: TextIO, *, as_json: bool, quiet: bool) -> None:
        self._out = out
        self._as_json = as_json
        self._quiet = quiet

    def __call__(self, fact: Fact) -> None:
        """Write one fact."""
        if self._quiet and fact.outcome not in _LOUD:
            return
        line = _json_line(fact) if self._as_json else _text_line(fact)
        print(line, file=self._out, flush=True)


def _target(fact: Fact) -> str | None:
    return fact.request.value.target if fact.request else None


def _text_line(fact: Fact) -> str:
    words = [
        fact.at.strftime("%H:%M:%S"),
        fact.outcome.value,
        fact.method,
        _target(fact) or "(withheld: it repeats its credential)",
        str(fact.status),
        f"{fact.duration_ms}ms",
    ]
    if fact.interaction:
        words.append(fact.interaction)
    if fact.violations:
        words.append(f"violations={fact.violations}")
    if fact.miss:
        nearest = fact.miss.nearest
        words.append(f"nearest={nearest.interaction.value.id if nearest else None}")
    if fact.reason:
        words.append(f"({fact.reason})")
    return "".join(
        char if char.isprintable() and char.isascii() else _escaped(char)
        for char in " ".join(words)
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _json_line(fact: Fact) -> str:
    document = {
        "at": fact.at.isoformat(timespec="milliseconds"),
        "session": fact.session,
        "outcome": fact.outcome.value,
        "method": fact.method,
        "target": _target(fact),
        "operation": fact.operation,
        "status": fact.status,
        "duration_ms": fact.duration_ms,
        "interaction": fact.interaction,
        "miss": fact.miss.code if fact.miss else None,
        "reason": fact.reason,
        "upstream_called": fact.upstream_called,
        "violations": fact.violations,
    }
    return json.dumps(document, ensure_ascii=True)
