"""From what was asked and answered to entries: the history of metadata.

They hold the last known metadata of each resource, which is the *before* of the next change, and
what was learnt of the upstream: whether it keeps the keys that a change does not name. Nothing is
assumed of an upstream; only what an answer shows counts. The same history is kept of live traffic
and of recorded interactions. Values come redacted, and are compared so.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from runreel.assistants.operations import OPERATIONS, Does
from runreel.audit.entries import (
    RUN,
    UNKNOWN,
    Change,
    Effect,
    Entry,
    Known,
    Metadata,
    ResourceId,
    canonical,
)
from runreel.audit.observation import (
    CREATING,
    MODIFYING,
    NAMES_METADATA,
    ChangeRequest,
    Shown,
    the_one,
)
from runreel.http.strict_json import steps
from runreel.matching.json_diff import ABSENT, JsonDifference, Lens, json_differences
from runreel.redaction.rules import hides

Manner = Literal["merges", "replaces"]


def changes(before: Known, requested: Metadata | None, after: Known) -> tuple[Change, ...]:
    """What changed from `before` (None: a resource that was not there) to `after`, sorted by key.

    If nobody knows what was before, these are the requested keys that stand in `after` as asked.
    """
    if not isinstance(after, dict):
        return ()
    if before == UNKNOWN:
        return tuple(
            Change(key, "changed", None, after[key])
            for key, asked in sorted((requested or {}).items())
            if key in after and same(asked, after[key])
        )
    old = before if isinstance(before, dict) else {}
    return tuple(map(_change, json_differences(old, after, _KEYS)))


class _Keys(Lens):
    """Metadata key by key: a value is one thing, whatever is in it."""

    def enters(self, one: Any, other: Any) -> bool:  # noqa: ARG002 - as `Lens`
        return self is _KEYS

    def alike(self, one: Any, other: Any) -> bool:
        return same(one, other)

    def member(self, name: str) -> Lens:  # noqa: ARG002 - as `Lens`
        return _VALUES


_KEYS, _VALUES = _Keys(), _Keys()


def _change(item: JsonDifference) -> Change:
    (key,) = steps(item.at)
    if item.one is ABSENT:
        return Change(key, "added", None, item.other)
    if item.other is ABSENT:
        return Change(key, "removed", item.one, None)
    return Change(key, "changed", item.one, item.other)


def effect(requested: Metadata | None, status: int | None, after: Known) -> Effect:
    """What became of a change; `status` is None if there was no answer.

    Where no metadata is asked for, the status alone decides, and a 5xx decides nothing.
    """
    if status is None or status < 200 or 300 <= status < 400:
        return "unknown"
    if status >= 400:
        return "refused" if requested is not None or status < 500 else "unknown"
    if requested is None:
        return "applied"
    if not isinstance(after, dict):
        return "unknown"
    stands = [_stands(key, asked, after) for key, asked in requested.items()]
    if all(stands):
        return "applied"
    return "partly_applied" if any(stands) else "not_applied"


def manner(before: Known, requested: Metadata | None, after: Known) -> Manner | None:
    """Whether a change that was answered well kept the keys that it did not name.

    None if there were none, or if some were kept and others not.
    """
    if not isinstance(before, dict) or not isinstance(after, dict) or requested is None:
        return None
    others = before.keys() - requested.keys()
    kept = {key for key in others if key in after and same(before[key], after[key])}
    if others and kept == others:
        return "merges"
    return "replaces" if others and not others & after.keys() else None


def blanked(requested: Metadata | None) -> tuple[str, ...]:
    """The requested keys whose values are not all there: two secrets look the same."""
    return tuple(key for key, value in sorted((requested or {}).items()) if hides(str(value)))


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same one: 1 and true are not, 1 and 1.0 are."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return canonical(one) == canonical(other)


def _stands(key: str, asked: Any, after: Metadata) -> bool:
    if asked is None or asked == "":  # to go
        return after.get(key) in (None, "")
    return key in after and same(asked, after[key])


RESOURCES_MAX = 10_000  # whose last known metadata is kept; that not seen for longest goes first

_NOT_SHOWN = "the answer does not show the {kind}'s metadata"
_OVERTAKEN = "the {kind} was seen to change while this was under way"
_LOOSE = "it only looks like {operation}: nobody knows what the upstream took it for"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When, by whom and where something was asked; `actor` and `client` are None if not said."""

    at: datetime
    operation: str
    actor: str | None
    client: str | None
    session: str
    upstream: str


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """What came of a change; `status` is None if there was no answer, and `reason` says why.

    `interaction` is the id of its recording; unless `seen`, the upstream never saw it.
    """

    at: datetime
    status: int | None
    shown: tuple[Shown, ...] = ()
    interaction: str | None = None
    reason: str | None = None
    seen: bool = True


def moment(at: datetime) -> str:
    """A time as entries have it: UTC with milliseconds."""
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


class MetadataHistory:
    """Drafts of entries, in the order in which things became known.

    `news` are sentences about the upstream; who tells them empties the list.
    """

    def __init__(self) -> None:
        self.news: list[str] = []
        self._known: OrderedDict[_Key, Known] = OrderedDict()
        self._manners: dict[tuple[str, str], Manner] = {}  # of an upstream and a kind
        self._undo: dict[_Key, Known | None] = {}
        self._kept_manners: dict[tuple[str, str], Manner] = {}

    def keep(self) -> None:
        """All that was drafted so far is in the log."""
        self._undo.clear()
        self._kept_manners = dict(self._manners)

    def undo(self) -> None:
        """Nothing that was drafted since `keep` is in the log: forget what it said."""
        for key, known in self._undo.items():
            if known is None:
                self._known.pop(key, None)
            else:
                self._known[key] = known
        self._manners = dict(self._kept_manners)
        self._undo.clear()
        self.news.clear()

    def known(self, resource: ResourceId, thread_id: str | None) -> Known:
        """The metadata that a resource was last seen with; which one a redacted id names is
        unknown.
        """
        return self._known.get((resource, thread_id), UNKNOWN)

    def intent(self, occasion: Occasion, asked: ChangeRequest) -> Entry:
        """A change that is about to be forwarded."""
        creates = occasion.operation in CREATING
        before = None if creates else self.known(asked.resource, asked.thread_id)
        draft = _draft(occasion, asked.resource, asked.thread_id, before, None)
        return replace(draft, kind="intent", requested=asked.requested, reason=asked.reason)

    def outcome(self, intent: Entry, asked: ChangeRequest, result: ChangeResult) -> Entry:
        """What became of a change; `intent` is its chained entry."""
        shown = the_one(asked, result.shown)
        resource = shown.resource if shown else intent.about
        after = UNKNOWN if shown is None else shown.metadata
        found = effect(intent.requested, result.status, after) if result.seen else "refused"
        if asked.loose and result.seen:
            found = "unknown"
        if asked.reason and intent.operation in NAMES_METADATA and found == "applied":
            found = "unknown"  # a 2xx does not say that the metadata nobody could read is set
        outcome = replace(
            intent,
            kind="outcome",
            at=moment(result.at),
            thread_id=shown.thread_id if shown else intent.thread_id,
            run_id=_run_id(resource),
            resource=resource,
            after=after,
            changes=changes(intent.before, intent.requested, after),
            effect=found,
            status=result.status,
            interaction=result.interaction,
            intent=intent.seq,
        )
        reasons = (
            asked.reason,
            _LOOSE.format(operation=intent.operation) if asked.loose else None,
            result.reason,
            *self._reasons(outcome, found),
            self._learnt(outcome),
        )
        if shown is not None:
            self._saw(shown)
        return _unchained(replace(outcome, reason="; ".join(filter(None, reasons)) or None))

    def observations(self, occasion: Occasion, result: ChangeResult) -> tuple[Entry, ...]:
        """One entry for each resource that an answer showed; of a list, those that are not as they
        were last seen.
        """
        lists = OPERATIONS[occasion.operation].does is Does.LIST
        return tuple(
            self._observation(occasion, result, shown)
            for shown in result.shown
            if not (lists and self._is_old(shown))
        )

    def _is_old(self, shown: Shown) -> bool:
        known = self.known(shown.resource, shown.thread_id)
        return isinstance(known, dict) and same(known, shown.metadata)

    def _observation(self, occasion: Occasion, result: ChangeResult, shown: Shown) -> Entry:
        before = self.known(shown.resource, shown.thread_id)
        self._saw(shown)
        return replace(
            _draft(occasion, shown.resource, shown.thread_id, before, shown.metadata),
            changes=changes(before, None, shown.metadata),
            status=result.status,
            interaction=result.interaction,
            reason=result.reason,
        )

    def _saw(self, shown: Shown) -> None:
        key = (shown.resource, shown.thread_id)
        if hides(f"{shown.thread_id} {shown.resource.id}"):
            return
        self._undo.setdefault(key, self._known.get(key))
        self._known[key] = shown.metadata
        self._known.move_to_end(key)
        if len(self._known) > RESOURCES_MAX:
            self._known.popitem(last=False)

    def _reasons(self, outcome: Entry, found: Effect) -> tuple[str | None, ...]:
        status = outcome.status or 0
        well = 200 <= status < 300
        kind = outcome.about.kind.replace("_", " ")
        before_now = self.known(outcome.about, outcome.thread_id)
        overtaken = isinstance(outcome.before, dict) and before_now != outcome.before
        hidden = blanked(outcome.requested) if found in _COMPARED else ()
        return (
            _NOT_SHOWN.format(kind=kind) if well and outcome.after == UNKNOWN else None,
            _OVERTAKEN.format(kind=kind) if overtaken else None,
            f"compared as redacted: {', '.join(hidden)}" if hidden else None,
        )

    def _learnt(self, outcome: Entry) -> str | None:
        """What is newly known of the upstream, if anything is."""
        if outcome.operation not in MODIFYING:
            return None
        shown = manner(outcome.before, outcome.requested, outcome.after)
        whose = (outcome.upstream, outcome.about.kind)
        if shown is None or self._manners.get(whose) == shown:
            return None
        self._manners[whose] = shown
        told = _MANNERS[shown].format(kind=outcome.about.kind.replace("_", " "))
        self.news.append(told)
        return told


_Key = tuple[ResourceId, str | None]
_MANNERS: dict[Manner, str] = {
    "merges": "the upstream merges metadata of {kind}s: keys that a change does not name are kept",
    "replaces": (
        "the upstream replaces metadata of {kind}s: keys that a change does not name are gone"
    ),
}
_COMPARED: frozenset[Effect] = frozenset({"applied", "partly_applied", "not_applied"})


def _draft(
    occasion: Occasion, resource: ResourceId, thread_id: str | None, before: Known, after: Known
) -> Entry:
    return Entry(
        at=moment(occasion.at),
        kind="observation",
        operation=occasion.operation,
        thread_id=thread_id,
        run_id=_run_id(resource),
        resource=resource,
        actor=occasion.actor,
        client=occasion.client,
        before=before,
        after=after,
        session=occasion.session,
        upstream=occasion.upstream,
    )


def _run_id(resource: ResourceId) -> str | None:
    return resource.id if resource.kind == RUN else None


def _unchained(entry: Entry) -> Entry:
    return replace(entry, seq=0, prev="", hash="")
