"""The receipt: what a session served, missed, recorded and left unplayed.

Owns the counting, from facts alone but for what a session learns after it told them, and the
receipt's JSON shape. Knows nothing of HTTP.
"""

from typing import Any

from runreel.core.cassette import request_document
from runreel.core.facts import Fact, Outcome
from runreel.core.misses import NO_MATCH, miss_document
from runreel.live import LiveSession


class Receipt:
    """Counts the facts of one session."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(Outcome, 0)
        self._missed: list[dict[str, Any]] = []
        self._upstream_calls = 0
        self._violations = 0

    def __call__(self, fact: Fact) -> None:
        """Take one fact."""
        self._counts[fact.outcome] += 1
        self._upstream_calls += fact.upstream_called
        self._violations += fact.violations
        if fact.outcome is Outcome.MISSED:
            self._missed.append(_missed(fact))

    def document(self, session: LiveSession) -> dict[str, Any]:
        """The receipt so far, as JSON."""
        return {
            "session": session.id,
            "mode": session.mode.value,
            "cassette": session.cassette,
            "cassette_sha256": session.sha256,
            "served": self._counts[Outcome.SERVED],
            "recorded": self._counts[Outcome.RECORDED] - session.undurable,
            "not_stored": self._counts[Outcome.NOT_STORED] + session.undurable,
            "missed": list(self._missed),
            "unplayed": list(session.state.unplayed()),
            "not_rerecorded": list(session.state.not_rerecorded()),
            "upstream_calls": self._upstream_calls,
            "violations": self._violations,
            "sessions": [],
        }


def _missed(fact: Fact) -> dict[str, Any]:
    if fact.miss is None or fact.request is None:  # a request that could not even be redacted
        return {
            "method": fact.method,
            "target": None,
            "code": NO_MATCH,
            "nearest": None,
            "differences": [],
            "request": None,
        }
    return {**miss_document(fact.miss, fact.request), "request": request_document(fact.request)}
