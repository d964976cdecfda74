"""The stream of events: one per request.

Owns `Event`, what the engine tells its readers (receipt, log, later audit and metrics). There is no
other counter anywhere. Everything in an event is redacted.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from runreel.http.messages import Request
from runreel.matching.drift import Drift
from runreel.matching.near_miss import Missed
from runreel.redaction.redactor import Redacted


class Outcome(Enum):
    """What became of a request."""

    SERVED = "served"
    MISSED = "missed"
    RECORDED = "recorded"
    NOT_STORED = "not_stored"
    FORWARDED = "forwarded"
    COMPARED = "compared"  # with a recording
    NOT_COMPARED = "not_compared"  # though there is a recording
    NEW = "new"  # forwarded, and there is nothing to compare it with
    REFUSED = "refused"  # strict request validation
    FAILED = "failed"  # no answer from the upstream

    __hash__ = object.__hash__  # each is the only one of its kind, and Enum's own is slow


@dataclass(slots=True)
class Event:
    """One request and what became of it; nobody changes one (to be `frozen` would take longer than
    all else that is done with it), but for who made it: recordings that are served again and again
    are told of with one object that gets another `at`. Who keeps a served one copies it.

    `request` is None when it could not be redacted; `reason` says in a sentence why something was
    not stored or not compared, or failed; `upstream_called` is whether a request left for the
    upstream; `redacted` counts the placeholders in the body that was served; `line` is what a log
    says of it after its time, where that is known already.
    """

    at: datetime
    session: str
    outcome: Outcome
    method: str
    operation: str | None
    status: int
    duration_ms: int
    request: Redacted[Request] | None
    interaction: str | None = None
    missed: Missed | None = None
    reason: str | None = None
    upstream_called: bool = False
    violations: int = 0
    drift: tuple[Drift, ...] = ()
    redacted: int = 0
    line: str | None = None


class Sink(Protocol):
    """A reader of the stream of events."""

    def __call__(self, event: Event) -> None:
        """Take one event; must not raise and must not block."""
        ...
