"""What was written before what: the past of every recording of a cassette.

Replay's promise is that it answers as the API answered in that situation, or refuses and says why.
The situation of a call is made by writes, and here writes are *identified*: two states are equal
if the very same writes made them, not if as many did.

- A write *covers* a read if the read may see something else after it (`resources`, and the table
  of effects below for what a path alone does not show).
- The *past* of a recording: the covering writes whose last byte was out before its request
  arrived, in the session that recorded it. What *overlapped* it is in `during` instead.
- A cassette says a past only where file order does not. Without `after` it is the covering writes
  of the same scope that stand before, less `during`; with it, what is reachable from those ids,
  over the pasts of the writes on the way, and covers.
- A write that nobody received an answer to (its client left, or none came) is in no past: it
  counts as overlapping for all that follows it in its session, and is never played.
- A write to a path without a known root has no past: nobody can tell what it is answered for.
- An id that the cassette does not hold is a write that is never played.

A past is kept as the sum of a hash of each of its ids: the order of a sum does not matter, and
what covers a resource is found by the prefixes of its path, however many recordings there are.
The ids themselves are worked out only where somebody asks for them.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from runreel.matching.resources import (
    Access,
    Cell,
    Kind,
    Scope,
    cells_over,
    changes,
    covers,
)

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Recording(Generic[Content]):
    """One recording, as far as history looks at it.

    `after` is None where file order says the past; `scope` is the name of the story that it
    belongs to. One that is not `received` is never played.
    """

    id: str
    fingerprint: Hashable
    access: Access
    content: Content
    scope: str | None = None
    after: tuple[str, ...] | None = None
    during: tuple[str, ...] = ()
    received: bool = True

    @property
    def counts(self) -> bool:
        """Whether it is a write that can be played, and so can be part of a past."""
        return self.received and self.access.writes


def weight(id: str) -> int:  # noqa: A002 - it is the id of a recording
    """What an id adds to the sum of a past; sums of different pasts differ."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=16).digest(), "big")


class Tally:
    """Writes as sums of their weights, by what they cover."""

    __slots__ = ("_items", "_lists", "_sides")

    def __init__(self) -> None:
        self._items: dict[Scope, int] = {}
        self._sides: dict[Scope, int] = {}
        self._lists: dict[Scope, int] = {}

    def add(self, write: Access, value: int) -> None:
        """Count a write; its weight with a minus takes it back."""
        for kind, scope in write.cells:
            sums = self._of(kind)
            total = sums.get(scope, 0) + value
            if total:
                sums[scope] = total
            else:
                sums.pop(scope, None)

    def _of(self, kind: Kind) -> dict[Scope, int]:
        if kind is Kind.ITEM:
            return self._items
        return self._lists if kind is Kind.LIST else self._sides

    def over(self, scope: Scope) -> int:
        """The sum of the writes that cover a resource: the price is the depth of its path."""
        total = self.above(scope)
        if self._sides:
            total = _sum_above(self._sides, scope, total)
        return total + self._lists[scope] if scope in self._lists else total

    def above(self, scope: Scope) -> int:
        """The sum of the writes that change a resource or what it stands in."""
        return _sum_above(self._items, scope) if self._items else 0


def _sum_above(sums: dict[Scope, int], scope: Scope, total: int = 0) -> int:
    for length in range(len(scope) + 1):
        found = sums.get(scope[:length])
        if found is not None:
            total = total + found if total else found  # else the very same number, kept once
    return total


class _Places:
    """Positions in order by cell; most cells have one."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[Kind, dict[Scope, int | list[int]]] = {kind: {} for kind in Kind}

    def add(self, cell: Cell, at: int) -> None:
        kind, scope = cell
        places = self._at[kind]
        there = places.get(scope)
        if there is None:
            places[scope] = at
        elif isinstance(there, int):
            places[scope] = [there, at]
        else:
            there.append(at)

    def at(self, cell: Cell) -> Sequence[int]:
        kind, scope = cell
        there = self._at[kind].get(scope, ())
        return (there,) if isinstance(there, int) else there


_NO_PLACES = _Places()


class Pasts(Generic[Content]):
    """The pasts of the recordings of one cassette, which are known by their positions in it.

    `whole` has the sum of each past; `above` that of the part which changes what a recording's
    resource stands in (a create is answered by that alone, if need be).
    """

    def __init__(self, recordings: Sequence[Recording[Content]]) -> None:
        self.recordings = recordings
        self.position = {item.id: at for at, item in enumerate(recordings)}
        # All positions in order, each number kept once however many refer to it.
        self.places = tuple(self.position.values())
        if len(self.places) < len(recordings):
            self.places = tuple(range(len(recordings)))
        self.whole = [0] * len(recordings)
        self.above = [0] * len(recordings)
        # Where the writes of a scope stand that are found at a cell.
        self._writes: dict[str | None, _Places] = {}
        self._reached: dict[int, frozenset[str]] = {}
        tallies: dict[str | None, Tally] = {}
        for at, item in zip(self.places, recordings, strict=True):
            tally = tallies.get(item.scope)
            if tally is None:
                tally = tallies[item.scope] = Tally()
                self._writes[item.scope] = _Places()
            if item.after is None and item.access.has_state:
                self._sum_up(at, tally)
            if item.counts:
                tally.add(item.access, weight(item.id))
                for cell in item.access.cells:
                    self._writes[item.scope].add(cell, at)
        for at, item in zip(self.places, recordings, strict=True):
            if item.after is not None and item.access.has_state:
                self._follow(at)

    def access(self, id: str) -> Access | None:  # noqa: A002 - as above
        """What a recording touches; None if the cassette does not hold it."""
        at = self.position.get(id)
        return None if at is None else self.recordings[at].access

    def holds(self, at: int, id: str) -> bool:  # noqa: A002 - as above
        """Whether a write is in the past of the recording at a position."""
        item = self.recordings[at]
        if not item.access.has_state:
            return False
        if item.after is not None:
            return id in self._reached_from(at)
        there = self.position.get(id)
        return there is not None and self._stands_before(there, at) and id not in item.during

    def ids(self, at: int) -> frozenset[str]:
        """The whole past of the recording at a position; ids that are missing are in it."""
        item = self.recordings[at]
        if not item.access.has_state:
            return frozenset()
        if item.after is not None:
            return self._reached_from(at)
        return frozenset(self._by_file_order(at)) - frozenset(item.during)

    def writes_over(self, story: str | None, scope: Scope) -> Iterator[int]:
        """The positions of a story's writes that cover a resource, in no order."""
        places = self._writes.get(story, _NO_PLACES)
        for cell in cells_over(scope):
            yield from places.at(cell)

    def missing(self) -> tuple[str, ...]:
        """The ids in `after` and `during` that the cassette does not hold, in order, once each."""
        named = (id_ for item in self.recordings for id_ in (*(item.after or ()), *item.during))
        return tuple(dict.fromkeys(id_ for id_ in named if id_ not in self.position))

    def _stands_before(self, there: int, at: int) -> bool:
        write, item = self.recordings[there], self.recordings[at]
        return (
            there < at
            and write.counts
            and write.scope == item.scope
            and covers(write.access, item.access.scope)
        )

    def _sum_up(self, at: int, before: Tally) -> None:
        """What file order says, given the writes that stand before."""
        item = self.recordings[at]
        scope = item.access.scope
        self.whole[at], self.above[at] = before.over(scope), before.above(scope)
        for id_ in dict.fromkeys(item.during) if item.during else ():
            there = self.position.get(id_)
            if there is not None and self._stands_before(there, at):
                self.whole[at] -= weight(id_)
                if changes(self.recordings[there].access, scope):
                    self.above[at] -= weight(id_)

    def _follow(self, at: int) -> None:
        """What `after` says. A missing id may be a parent, but nothing stands above a root."""
        item = self.recordings[at]
        scope = item.access.scope
        below = self.position.get(item.after[0], at) if item.after else at
        if below < at and item.after == (self.recordings[below].id,):
            one = self.recordings[below].access
            if one.scope == scope and covers(one, scope):  # what covers that one covers this
                value = weight(item.after[0])
                self.whole[at] = self.whole[below] + value
                self.above[at] = self.above[below] + (value if changes(one, scope) else 0)
                return
        for id_ in self._reach(at):
            access = self.access(id_)
            self.whole[at] += weight(id_)
            if changes(access, scope) if access else len(scope) > 1:
                self.above[at] += weight(id_)

    def _by_file_order(self, at: int) -> Iterator[str]:
        item = self.recordings[at]
        for there in self.writes_over(item.scope, item.access.scope):
            if there < at:
                yield self.recordings[there].id

    def _reached_from(self, at: int) -> frozenset[str]:
        known = self._reached.get(at)
        if known is None:
            known = self._reached[at] = frozenset(self._reach(at))
        return known

    def _reach(self, at: int) -> Iterator[str]:
        """The writes that `after` leads to and that cover; the walk takes each write once."""
        scope = self.recordings[at].access.scope
        found: set[str] = set()
        done: dict[tuple[str | None, Cell], int] = {}  # how many of each list were taken
        left = list(self.recordings[at].after or ())
        while left:
            id_ = left.pop()
            if id_ in found:
                continue
            found.add(id_)
            there = self.position.get(id_)
            if there is not None:
                left += self._links(there, done)
            if there is None or covers(self.recordings[there].access, scope):
                yield id_

    def _links(self, at: int, done: dict[tuple[str | None, Cell], int]) -> list[str]:
        item = self.recordings[at]
        if item.after is not None:
            return list(item.after)
        if item.during:
            return list(self.ids(at))
        links: list[str] = []
        for cell in cells_over(item.access.scope):
            key = item.scope, cell
            writes = self._writes[item.scope].at(cell)
            begin, end = done.get(key, 0), bisect_left(writes, at)
            if end > begin:
                done[key] = end
                links += [self.recordings[there].id for there in writes[begin:end]]
        return links


def latest(
    past: Iterable[str], newest_first: Callable[[str], int], before: Callable[[str], Iterable[str]]
) -> tuple[str, ...]:
    """The writes of a past that are in the past of no other one of it: what `after` names.

    `newest_first` is the order in which they are tried, `before` gives the past of a write.
    """
    left = set(past)
    found: list[str] = []
    reached: set[str] = set()
    walked: set[str] = set()
    for id_ in sorted(left, key=newest_first):
        if not left:
            break
        if id_ not in reached:
            found.append(id_)
        steps = [id_]
        while steps and left:
            step = steps.pop()
            left.discard(step)
            if step not in walked:
                walked.add(step)
                fresh = [other for other in before(step) if other not in reached]
                reached.update(fresh)
                left.difference_update(fresh)
                steps += [other for other in fresh if other not in walked]
    return tuple(sorted(found))
