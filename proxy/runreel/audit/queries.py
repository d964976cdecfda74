"""Questions to an audit log: about one resource, about entries, about all of them in numbers.

The history of one resource (`ResourceHistory`) says who set a key: the change that asked for it and
after which it stood so. A value that was only seen, in a read or beside what a change asked for,
was set by nobody known, unless a change that was under way then had asked for it. Setting a key to
what it is already changes nothing.

The conditions of a `Selection` are each a rule that holds or not and, where there is one, bytes
that every line of such an entry has: most lines need not be read then.

Recorded interactions can be asked too, by the `entries` that they would have made. They know no
actor, since their credential was taken out, and no chain, since nothing was written.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

import rfc8785

from runreel.audit.entries import RUN, UNKNOWN, Entry, Known, Metadata
from runreel.audit.history import ChangeResult, MetadataHistory, Occasion, effect, manner, same
from runreel.audit.observation import CREATING, asked, holds, meant
from runreel.audit.observation import shown as shown_in
from runreel.http.messages import Interaction, values
from runreel.redaction.redactor import Redacted, request_of, response_of


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
class ResourceHistory:
    """The history of one resource, as of the last entry taken.

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
        """Note what the next entry of it says."""
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


def histories(
    name: str, kind: str | None, entries: Iterable[Entry], until: str | None = None
) -> dict[str, ResourceHistory]:
    """The history of the resource with an id, from all entries or from those up to a time: by its
    kind, of which there are several if none is asked for and several have that id.
    """
    found: dict[str, ResourceHistory] = {}
    for entry in entries:
        about = entry.about
        if about.id != name or kind not in (None, about.kind):
            continue
        if until is None or entry.at <= until:
            found.setdefault(about.kind, ResourceHistory(entry)).take(entry)
    return found


NOBODY = "none"  # the actor of a request without a credential
_ACTOR = "hmac-sha256:"
_OUTCOME = b'"kind":"outcome"'
_END = b"9"  # after every time
_TIMES = re.compile(rb'"at":"([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The conditions; None is no condition.

    `resource` is a kind or, with the id behind a colon, one of that kind. `actor` is `NOBODY`, or
    the beginning of an actor, with `hmac-sha256:` or without. `key` is asked for or changed.
    `value` is what some key (that of `key`, if given) was asked to be or became: a text, or JSON in
    its canonical form. `since` and `until` are times as entries have them, both included.
    """

    resource: str | None = None
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
        for member in fields(self):
            given = getattr(self, member.name)
            if given is not None:
                yield member.name, given


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
        # Metadata may have such a member too: one of those that are there is the entry's.
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


def _of_resource(given: str) -> bytes:
    kind, _, name = given.partition(":")
    if kind == RUN:  # which entries without the member are about
        return _member("run_id")(name) if name else b""
    if not name:
        return b'"kind":%b}' % rfc8785.dumps(kind)
    return rfc8785.dumps({"resource": {"kind": kind, "id": name}})[1:-1]


def _of_actor(given: str) -> bytes:
    if given == NOBODY:
        return b'"actor":null'
    return rfc8785.dumps({"actor": _whole(given)})[1:-2]


def _of_value(given: str) -> bytes:
    plain = rfc8785.dumps(given)[1:-1]
    return plain if plain == given.encode("utf-8") else b""  # else it may stand there in two ways


_NEEDLES: dict[str, Callable[[str], bytes]] = {
    "resource": _of_resource,
    "run": _member("run_id"),
    "thread": _member("thread_id"),
    "actor": _of_actor,
    "key": rfc8785.dumps,
    "value": _of_value,
    "operation": _member("operation"),
    "effect": _member("effect"),
}


def _is_resource(entry: Entry, selection: Selection) -> bool:
    kind, colon, name = (selection.resource or "").partition(":")
    return entry.about.kind == kind and (not colon or entry.about.id == name)


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
    "resource": _is_resource,
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


_GONE = "the client had left before the answer"


def entries(
    interactions: Iterable[Redacted[Interaction]], upstream: str, session: str
) -> Iterator[Entry]:
    """The entries of recorded interactions, numbered from 1; `prev` and `hash` are empty.

    They are in the order of time; within a second, in that of the cassette.
    """
    history, seq = MetadataHistory(), 0
    for interaction in sorted(interactions, key=lambda each: each.value.recorded_at):
        for draft in _drafts(history, interaction, upstream, session, seq + 1):
            seq += 1
            yield replace(draft, seq=seq)


def _drafts(
    history: MetadataHistory,
    interaction: Redacted[Interaction],
    upstream: str,
    session: str,
    seq: int,
) -> Iterator[Entry]:
    value = interaction.value
    meaning = meant(value.request, value.operation)
    if meaning is None or not holds(meaning, value.request.body):
        return
    question = asked(meaning, request_of(interaction))
    clients = values(value.request.headers, "user-agent")
    occasion = Occasion(
        at=value.recorded_at,
        operation=meaning.operation.name,
        actor=None,
        client=clients[0] if clients else None,
        session=session,
        upstream=upstream,
    )
    result = ChangeResult(
        value.recorded_at,
        None if value.failed else value.response.status,
        shown_in(question, response_of(interaction)),
        value.id,
        value.failed or (_GONE if value.client_gone else None),
    )
    if meaning.operation.shows:
        yield from history.observations(occasion, result)
        return
    intent = replace(history.intent(occasion, question), seq=seq)
    yield intent
    yield history.outcome(intent, question, result)
