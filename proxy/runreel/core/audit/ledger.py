"""What is known of one run, entry by entry: its metadata, and how each key came to its value.

Owns the rule of who set a key: the change that asked for it and after which it stood so. A value
that was only seen, in a read or beside what a change asked for, was set by nobody known, unless a
change that was under way then had asked for it. Setting a key to what it is already changes
nothing. Knows nothing of where entries come from.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from runreel.core.audit.effects import same
from runreel.core.audit.entries import UNKNOWN, Entry, Known, Metadata
from runreel.core.audit.observing import CREATING


@dataclass(frozen=True, slots=True)
class Setting:
    """How a key came to what it is; `gone` if it is no more.

    With `changed` the change of `entry` did it; else `entry` is the first that saw it so.
    """

    key: str
    value: Any
    gone: bool
    changed: bool
    entry: Entry


@dataclass(slots=True)
class RunLedger:
    """The books of one run, as of the last entry taken.

    `seen` is the last entry that showed its metadata. `doubts` are changes since then of which
    nobody knows whether they were made, by their number.
    """

    first: Entry
    thread_id: str | None = None
    metadata: Known = UNKNOWN
    seen: Entry | None = None
    settings: dict[str, Setting] = field(default_factory=dict)
    doubts: dict[int, Entry] = field(default_factory=dict)

    @property
    def made_by(self) -> tuple[int, ...]:
        """The numbers of the entries that made the metadata what it is."""
        return tuple(sorted({each.entry.seq for each in self.settings.values() if not each.gone}))

    def take(self, entry: Entry) -> None:
        """Note what the next entry of this run says."""
        self.thread_id = entry.thread_id or self.thread_id
        if entry.kind == "intent":
            if self.metadata == UNKNOWN and isinstance(entry.before, dict):
                self._saw(entry, entry.before, None)
            if entry.requested is not None:
                self.doubts[entry.seq] = entry
            return
        if entry.intent is not None:
            self.doubts.pop(entry.intent, None)
        if isinstance(entry.after, dict):
            self._saw(entry, entry.after, entry.requested)
        elif entry.requested is not None and entry.effect == "unknown":
            self.doubts[entry.seq] = entry

    def _saw(self, entry: Entry, after: Metadata, asked: Metadata | None) -> None:
        before = self.metadata
        if entry.operation in CREATING and entry.kind == "outcome" and not isinstance(before, dict):
            before = {}
        known = before if isinstance(before, dict) else None
        for key, value in after.items():
            stood = known is not None and key in known and same(known[key], value)
            if stood and not (key in (asked or {}) and self._seen_during(entry, key)):
                continue
            by_change = (
                asked is not None
                and key in asked
                and (known is not None or same(asked[key], value))
            )
            self.settings[key] = Setting(key, value, gone=False, changed=by_change, entry=entry)
        for key in (known or {}).keys() - after.keys():
            by_change = key in (asked or {}) or (asked is not None and not self._new(entry, key))
            self.settings[key] = Setting(key, None, gone=True, changed=by_change, entry=entry)
        self.metadata, self.seen = after, entry
        # What was seen settles every change but those still under way.
        self.doubts = {seq: each for seq, each in self.doubts.items() if each.kind == "intent"}

    def _new(self, entry: Entry, key: str) -> bool:
        """Whether a key came to what it is while a change was under way, so in unknown order."""
        found = self.settings.get(key)
        return found is not None and entry.intent is not None and found.entry.seq > entry.intent

    def _seen_during(self, entry: Entry, key: str) -> bool:
        """Whether what a change asked for was seen, set by nobody known, before its own answer."""
        return self._new(entry, key) and not self.settings[key].changed


def of_run(run_id: str, entries: Iterable[Entry], until: str | None = None) -> RunLedger | None:
    """The books of a run, from all entries or from those up to a time; None if none is of it."""
    found: RunLedger | None = None
    for entry in entries:
        if entry.run_id != run_id or (until is not None and entry.at > until):
            continue
        if found is None:
            found = RunLedger(entry)
        found.take(entry)
    return found
