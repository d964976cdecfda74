"""What a log says in numbers: who changed how much, was it done, and is every change concluded.

Owns the counting. How an upstream treats keys that a change does not name is told from what it did.
"""

from collections import Counter
from dataclasses import dataclass, field

from runreel.core.audit.effects import effect, manner
from runreel.core.audit.entries import Entry


@dataclass(slots=True)
class Statistics:
    """Counts over entries. Intents count in `entries` and `kinds` only: their outcome counts.

    `keys` are keys that an upstream accepted and did not set as asked; `manners` say for each
    upstream how often it was seen to merge and to replace; `open` are intents without outcome.
    """

    entries: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    actors: Counter[str | None] = field(default_factory=Counter)
    upstreams: Counter[str] = field(default_factory=Counter)
    manners: Counter[tuple[str, str]] = field(default_factory=Counter)
    keys: Counter[str] = field(default_factory=Counter)
    open: set[int] = field(default_factory=set)

    def take(self, entry: Entry) -> None:
        """Count one entry; they come in their order."""
        self.entries += 1
        self.kinds[entry.kind] += 1
        if entry.kind == "intent":
            self.open.add(entry.seq)
            return
        self.operations[entry.operation] += 1
        self.actors[entry.actor] += 1
        self.upstreams[entry.upstream] += 1
        if entry.kind == "outcome":
            self._conclude(entry)

    def conclusion(self, upstream: str) -> str:
        """How an upstream treats keys that a change does not name, from what it did."""
        merged, replaced = (self.manners[upstream, each] for each in ("merges", "replaces"))
        if merged and replaced:
            return "merges and replaces"
        return "merges" if merged else "replaces" if replaced else "unknown"

    def _conclude(self, entry: Entry) -> None:
        if entry.intent is not None:
            self.open.discard(entry.intent)
        self.effects[entry.effect or "unknown"] += 1
        seen = manner(entry.before, entry.requested, entry.after)
        if seen is not None:
            self.manners[entry.upstream, seen] += 1
        if entry.effect in ("partly_applied", "not_applied"):
            for key, value in (entry.requested or {}).items():
                self.keys[key] += effect({key: value}, entry.status, entry.after) != "applied"
