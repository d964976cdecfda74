"""The receipt: what a session served, missed, recorded, compared and left unplayed.

Owns the counting, from facts alone but for what a session learns after it told them, and the
receipt's JSON shape. Knows nothing of HTTP.
"""

from typing import Any

from runreel.core.cassette import request_document
from runreel.core.drift import drift_document
from runreel.core.facts import Fact, Outcome
from runreel.core.misses import NO_MATCH, describe, miss_document
from runreel.live import LiveSession


class Receipt:
    """Counts the facts of one session."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(Outcome, 0)
        self._missed: list[Fact] = []
        self._drift: list[dict[str, Any]] = []
        self._new: list[dict[str, Any]] = []
        self._upstream_calls = 0
        self._violations = 0

    def __call__(self, fact: Fact) -> None:
        """Take one fact."""
        self._counts[fact.outcome] += 1
        self._upstream_calls += fact.upstream_called
        self._violations += fact.violations
        if fact.outcome is Outcome.MISSED:
            self._missed.append(fact)
        if fact.outcome is Outcome.NEW:
            self._new.append(_call(fact))
        if fact.drift:
            self._drift.append(_drift(fact))

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
            "recorded": 0 if session.discarded else recorded,
            **({"discarded": recorded} if session.discarded else {}),
            "not_stored": self._counts[Outcome.NOT_STORED] + session.undurable,
            "failed": self._counts[Outcome.FAILED],
            "missed": [_missed(fact, session.cassette) for fact in self._missed],
            "unplayed": list(session.state.unplayed()),
            "not_rerecorded": list(session.state.not_rerecorded()),
            "upstream_calls": self._upstream_calls,
            "violations": self._violations,
            **(self._verified() if session.state.decision.compares else {}),
            "sessions": [],
        }

    def _verified(self) -> dict[str, Any]:
        """What only a session that compares has to say; a call that failed was not compared."""
        return {
            "compared": self._counts[Outcome.COMPARED],
            "not_compared": self._counts[Outcome.NOT_COMPARED] + self._counts[Outcome.FAILED],
            "drift": list(self._drift),
            "new": list(self._new),
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


def _call(fact: Fact) -> dict[str, Any]:
    """A call; its target is None if it could not be redacted."""
    target = fact.request.value.target if fact.request else None
    return {"method": fact.method, "target": target}


def _drift(fact: Fact) -> dict[str, Any]:
    return {
        **_call(fact),
        "interaction": fact.interaction,
        "differences": [drift_document(item) for item in fact.drift],
    }


def _missed(fact: Fact, cassette: str) -> dict[str, Any]:
    if fact.miss is None or fact.request is None:  # a request that could not even be redacted
        return {
            "method": fact.method,
            "target": None,
            "code": NO_MATCH,
            "nearest": None,
            "differences": [],
            "message": f"No recording matches: {fact.reason}.",
            "request": None,
        }
    message, *_ = describe(fact.miss, fact.request, cassette).split("\n")
    return {
        **miss_document(fact.miss, fact.request),
        "message": message,
        "request": request_document(fact.request),
    }
