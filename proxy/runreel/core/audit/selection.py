"""Which entries a question is about.

Owns the conditions, each as a rule that holds or not and, where there is one, as bytes that every
line of such an entry has: most lines need not be read then. Knows nothing of files or options.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import rfc8785

from runreel.core.audit.entries import Entry

NOBODY = "none"  # the actor of a request without a credential
_ACTOR = "hmac-sha256:"
_OUTCOME = b'"kind":"outcome"'
_END = b"9"  # after every time
_TIMES = re.compile(rb'"at":"([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The conditions; None is no condition.

    `actor` is `NOBODY`, or the beginning of an actor, with `hmac-sha256:` or without. `key` is
    asked for or changed. `value` is what some key (that of `key`, if given) was asked to be or
    became: a text, or JSON in its canonical form. `since` and `until` are times as entries have
    them, both included.
    """

    run: str | None = None
    thread: str | None = None
    actor: str | None = None
    key: str | None = None
    value: str | None = None
    operation: str | None = None
    effect: str | None = None
    since: str | None = None
    until: str | None = None

    def needles(self) -> tuple[bytes, ...]:
        """What the line of every entry that this admits has in it.

        Raises:
            ValueError: a condition is no text, so that there is no such entry.
        """
        found = ((_NEEDLES.get(name), given) for name, given in self._given())
        return tuple(needle(given) for needle, given in found if needle is not None)

    def admits(self, entry: Entry) -> bool:
        """Whether all conditions hold."""
        return all(_RULES[name](entry, self) for name, _ in self._given())

    def _given(self) -> Iterator[tuple[str, str]]:
        for field in fields(self):
            given = getattr(self, field.name)
            if given is not None:
                yield field.name, given


class Question:
    """A selection that is put to entries, one after another in their order."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._needles = selection.needles()
        self._since = (selection.since or "").encode("ascii")
        self._until = selection.until.encode("ascii") if selection.until else None
        self._waiting: dict[int, Entry] = {}  # intents whose outcome has not come

    def glance(self, line: bytes) -> bool:
        """Whether a line can matter; cheaper than reading it."""
        if not all(needle in line for needle in self._needles):
            return False
        if not self._since and self._until is None:
            return True
        until = self._until or _END
        if self._waiting and _OUTCOME in line:
            until = _END
        # A run's metadata may have such a member too: one of those that are there is the entry's.
        return any(self._since <= at <= until for at in _TIMES.findall(line))

    def remarkable(self, entries: Iterable[Entry], *, everything: bool = False) -> Iterator[Entry]:
        """The selected entries, less reads that saw no change and intents that have their outcome.

        An intent without outcome comes at the end. With `everything` none is left out.
        """
        for entry in entries:
            if entry.intent is not None:
                self._waiting.pop(entry.intent, None)
            if not self._selection.admits(entry):
                continue
            if everything or entry.kind == "outcome" or entry.changes:
                yield entry
            elif entry.kind == "intent":
                self._waiting[entry.seq] = entry
        yield from self._waiting.values()


def shown(value: Any) -> str:
    """A value of metadata in one line of JSON."""
    return rfc8785.dumps(value).decode("utf-8")


def _member(name: str) -> Callable[[str], bytes]:
    return lambda given: f'"{name}":'.encode("ascii") + rfc8785.dumps(given)


def _of_actor(given: str) -> bytes:
    if given == NOBODY:
        return b'"actor":null'
    return rfc8785.dumps({"actor": _whole(given)})[1:-2]


def _of_value(given: str) -> bytes:
    plain = rfc8785.dumps(given)[1:-1]
    return plain if plain == given.encode("utf-8") else b""  # else it may stand there in two ways


_NEEDLES: dict[str, Callable[[str], bytes]] = {
    "run": _member("run_id"),
    "thread": _member("thread_id"),
    "actor": _of_actor,
    "key": rfc8785.dumps,
    "value": _of_value,
    "operation": _member("operation"),
    "effect": _member("effect"),
}


def _is_actor(entry: Entry, selection: Selection) -> bool:
    if selection.actor == NOBODY or entry.actor is None:
        return selection.actor == NOBODY and entry.actor is None
    return entry.actor.startswith(_whole(selection.actor or ""))


def _whole(actor: str) -> str:
    return actor if actor.startswith(_ACTOR) else _ACTOR + actor


def _has_key(entry: Entry, selection: Selection) -> bool:
    asked = entry.requested or {}
    return selection.key in asked or any(each.key == selection.key for each in entry.changes)


def _has_value(entry: Entry, selection: Selection) -> bool:
    asked = (entry.requested or {}).items()
    became = ((each.key, each.new) for each in entry.changes if each.change != "removed")
    return any(
        selection.key in (None, key) and selection.value in (value, shown(value))
        for key, value in (*asked, *became)
    )


_RULES: dict[str, Callable[[Entry, Selection], bool]] = {
    "run": lambda entry, wanted: entry.run_id == wanted.run,
    "thread": lambda entry, wanted: entry.thread_id == wanted.thread,
    "actor": _is_actor,
    "key": _has_key,
    "value": _has_value,
    "operation": lambda entry, wanted: entry.operation == wanted.operation,
    "effect": lambda entry, wanted: entry.effect == wanted.effect,
    "since": lambda entry, wanted: entry.at >= (wanted.since or ""),
    "until": lambda entry, wanted: entry.at <= (wanted.until or ""),
}
