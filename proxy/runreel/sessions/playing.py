"""The writes that a replaying session has made, as each resource saw them.

Owns the state that a past is compared with: sums of weights, as in `history`. `Made` counts writes
once and for all; `Views` keeps for each resource of a cassette the order in which they were made,
so that the resource can go back when a program runs again (`--repeat last`).

Which recording answers a request, and when.

Owns the rules of matching by state (`history` has the words): a read is answered by the first
unplayed recording of its fingerprint whose past is exactly what was played; only if there is none
by one for which that holds give or take what overlapped. A write to an item is answered likewise,
for its answer shows that item; a create by its parents' state, if its siblings' does not fit.
Whatever fits nothing is a miss.

Programs call from several threads, and their order is not the recorded one: it is restored by
waiting. Here it is only said that a call should wait; how long, and who wakes it, is its caller's
business. Never awaits; its caller sees to it that calls do not overlap.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic

from runreel.cassettes.history import Content, Pasts, Recording, Tally, weight
from runreel.matching.resources import (
    Access,
    Cell,
    Kind,
    Scope,
    cells_over,
    changes,
    covers,
    is_create,
)


class Made:
    """The writes of a session by what they cover."""

    def __init__(self) -> None:
        self._tally = Tally()

    def add(self, write: Access, value: int) -> None:
        """A write was made; what it covers has seen it."""
        self._tally.add(write, value)

    def replace(self, write: Access, old: int, new: int) -> None:
        """A write that was made has another weight from here on; a new one of 0 takes it back."""
        self._tally.add(write, new - old)

    def over(self, scope: Scope) -> int:
        """The sum of the writes that cover a resource."""
        return self._tally.over(scope)

    def above(self, scope: Scope) -> int:
        """The sum of the writes that change a resource or what it stands in."""
        return self._tally.above(scope)

    def has(self, value: int, scope: Scope, *, above: bool) -> bool | None:
        """Whether a resource has seen a write of a weight; None where whoever made it knows."""
        del value, scope, above
        return None

    def start_over(self) -> None:
        """Nothing has been made."""
        self._tally = Tally()


class _View:
    """The writes that one resource has seen, in order: each weight with the sum up to it."""

    __slots__ = ("_totals", "sums", "total")

    def __init__(self) -> None:
        self.sums: dict[int, int] = {}
        self.total = 0
        self._totals: set[int] | None = None  # once somebody asked

    def forget(self) -> None:
        """Nothing was seen."""
        self.sums.clear()
        self.total, self._totals = 0, None

    @property
    def totals(self) -> set[int]:
        """The sums of the first n of them, but for none."""
        if self._totals is None:
            self._totals = set(self.sums.values())
        return self._totals

    def add(self, value: int) -> None:
        self.total += value
        self.sums[value] = self.total
        if self._totals is not None:
            self._totals.add(self.total)

    def cut(self, value: int, unknown: set[int]) -> None:
        """Forget a write, if it was seen, and all after it; and a mark that went with it."""
        if value not in self.sums:
            return
        last = None
        while last != value:
            last = self._drop_last()
        if self.sums and next(reversed(self.sums)) in unknown:
            self._drop_last()

    def _drop_last(self) -> int:
        value, total = self.sums.popitem()
        if self._totals is not None:
            self._totals.discard(total)
        self.total -= value
        return value

    def replace(self, old: int, new: int) -> None:
        """A write has another weight from here on; with one of 0 it was never seen."""
        if old in self.sums:
            values = [new if value == old else value for value in self.sums]
            self.__init__()  # type: ignore[misc]  # all sums after it are others now
            for value in filter(None, values):
                self.add(value)

    def copy(self) -> "_View":
        """Another that has seen the same."""
        other = _View()
        for value in self.sums:
            other.add(value)
        return other


class Views(Made):
    """The same, by resource and in order; the resources are those that a cassette knows.

    `scopes` are what recordings read or write, `lists` what they create in. A write costs what
    lies below its item.
    """

    def __init__(self, scopes: set[Scope], lists: set[Scope]) -> None:
        super().__init__()
        self._scopes = scopes
        self._lists = lists
        self._below: dict[Scope, set[Scope]] = {}
        for scope in scopes | lists:
            for length in range(len(scope) + 1):
                self._below.setdefault(scope[:length], set()).add(scope)
        self._over: dict[Scope, _View] = {}  # of those that have ever seen anything
        self._above: dict[Scope, _View] = {}
        self._seeing: list[_View] = []  # that have by now
        self._unknown: set[int] = set()  # weights of marks that fit nothing
        # Which the sums lack, and their weights: in lists of their own, for a tuple of each would
        # keep the garbage collector busy.
        self._uncounted: list[Access] = []
        self._uncounted_values: list[int] = []
        # By weight, what a write covers: the resources, and those of them that it changes as lists.
        self._reaches: dict[int, tuple[tuple[Scope, ...], tuple[Scope, ...]]] = {}

    def add(self, write: Access, value: int) -> None:
        """A write was made; what it covers has seen it."""
        self._uncounted.append(write)
        self._uncounted_values.append(value)
        if len(self._uncounted) > _UNCOUNTED_MAX:
            self._count()
        reaches = self._reaches.get(value)
        if reaches is None:
            if len(self._reaches) > _REACHES_MAX:
                self._reaches.clear()
            covered = [*self.covered(write)]
            scopes = tuple(scope for scope in covered if scope in self._scopes)
            lists = (scope for scope in covered if scope in self._lists)
            reaches = scopes, tuple(scope for scope in lists if changes(write, scope))
            self._reaches[value] = reaches
        for scope in reaches[0]:
            view = self._over.get(scope)
            if view is None:
                view = self._over[scope] = _View()
            if not view.total:
                self._seeing.append(view)
            view.add(value)
        for scope in reaches[1]:
            view = self._above.get(scope)
            if view is None:
                view = self._above[scope] = _View()
            if not view.total:
                self._seeing.append(view)
            view.add(value)

    def _count(self) -> None:
        """The sums of all writes, which only resources are asked by that no cassette knows."""
        for write, value in zip(self._uncounted, self._uncounted_values, strict=True):
            super().add(write, value)
        self._uncounted.clear()
        self._uncounted_values.clear()

    def spoil(self, write: Access, value: int) -> None:
        """As `add`, for a mark that fits nothing and goes where the write after it goes."""
        self._unknown.add(value)
        self.add(write, value)

    def replace(self, write: Access, old: int, new: int) -> None:
        """A write that was made has another weight from here on; a new one of 0 takes it back."""
        self._count()
        super().replace(write, old, new)
        for scope in self.covered(write):
            for views in (self._over, self._above):
                if scope in views:
                    views[scope].replace(old, new)

    def over(self, scope: Scope) -> int:
        """The sum of the writes that cover a resource, since it went back last."""
        view = self._over.get(scope)
        if view is not None:
            return view.total
        if scope in self._scopes:
            return 0
        self._count()
        return super().over(scope)

    def above(self, scope: Scope) -> int:
        """The sum of the writes that change a resource or what it stands in, likewise."""
        view = self._above.get(scope)
        if view is not None:
            return view.total
        if scope in self._lists:
            return 0
        self._count()
        return super().above(scope)

    def has(self, value: int, scope: Scope, *, above: bool) -> bool | None:
        """Whether a resource has seen a write of a weight."""
        if scope not in (self._lists if above else self._scopes):
            return None
        view = (self._above if above else self._over).get(scope)
        return view is not None and value in view.sums

    def began_with(self, past: int, scope: Scope, *, above: bool) -> bool:
        """Whether the writes of a past are the first ones that a resource has seen."""
        view = (self._above if above else self._over).get(scope)
        return not past or (view is not None and past in view.totals)

    def covered(self, write: Access) -> Iterator[Scope]:
        """The known resources that a write covers, each once."""
        for kind, at in write.cells:
            if kind is not Kind.LIST:
                yield from self._below.get(at, _NONE)
            elif at in self._scopes or at in self._lists:
                yield at

    def below(self, scope: Scope) -> set[Scope]:
        """The known resources at and below one."""
        return self._below.get(scope, _NONE)

    def go_back(self, write: Access, value: int, created: Scope | None) -> None:
        """What a write covers forgets it and all that it saw since; what it `created` is new."""
        for scope in self.covered(write):
            for views in (self._over, self._above):
                if scope in views:
                    views[scope].cut(value, self._unknown)
        if created is not None and write.listed is not None:
            fresh = self._above.get(write.listed, _View())
            for scope in self.below(created):
                for views, known in ((self._over, self._scopes), (self._above, self._lists)):
                    if scope in known:
                        views[scope] = fresh.copy()
                        self._seeing.append(views[scope])

    def start_over(self) -> None:
        """Nothing has been made."""
        super().start_over()
        self._uncounted.clear()
        self._uncounted_values.clear()
        self._unknown.clear()
        for view in self._seeing:
            view.forget()
        self._seeing.clear()


_NONE: set[Scope] = set()  # and never any
_UNCOUNTED_MAX = 10_000  # writes
_REACHES_MAX = 200_000  # writes, of which it is remembered what they cover
_STORY_SEGMENTS = 2  # of a path: a root collection and the item in it that workers share
_COMPARED_MAX = 50  # recordings of a request, to say why none of them fits


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request gets: a recording's position, or none; or it `waits` and asks again."""

    position: int | None = None
    waits: bool = False
    again: bool = False  # it was played before: `--repeat last`


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why the nearest recording of a request cannot answer it, in writes by their positions.

    `unplayed` were made before it when it was recorded, and were not played now; `played` were
    played now, and not made before it. `missing` are ids that the cassette does not hold.
    `overlapped`: it, or what was played in its place, was recorded while another call was under
    way; `order` is that in which these came then, with itself. `unrecorded`: a write was passed on
    that no recording knows. `unordered`: a list, or an item before it was created, was entered in
    another way than recorded. `twins`: equal requests stand in several states, so that workers that
    make them cannot be told apart.
    """

    position: int
    unplayed: tuple[int, ...] = ()
    played: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    overlapped: bool = False
    order: tuple[int, ...] = ()
    unrecorded: bool = False
    unordered: bool = False
    twins: bool = False


class _Queue:
    """Positions in file order, of which the first that is free is asked for again and again.

    What is `taken` is one row of bytes for all queues of a program's run: with another one a queue
    begins anew.
    """

    __slots__ = ("begin", "positions", "taken")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.begin = 0
        self.taken: bytearray | None = None

    def first(self, taken: bytearray) -> int | None:
        """The first that is free."""
        positions = self.positions
        at = self.begin if self.taken is taken else 0
        self.taken = taken
        end = len(positions)
        while at < end and taken[positions[at]]:
            at += 1
        self.begin = at
        return positions[at] if at < end else None

    def free(self, taken: bytearray) -> Iterator[int]:
        """All that are."""
        if self.first(taken) is not None:
            for at in range(self.begin, len(self.positions)):
                if not taken[self.positions[at]]:
                    yield self.positions[at]

    def reopen(self, position: int) -> None:
        """One is free again."""
        self.begin = min(self.begin, bisect_left(self.positions, position))


class _Equal:
    """The recordings of one fingerprint."""

    __slots__ = ("above", "all", "furthest", "loose", "taken", "whole")

    def __init__(self) -> None:
        self.all = _Queue()
        self.whole: dict[int, _Queue] = {}  # by past
        self.above: dict[int, _Queue] = {}  # of creates, by that part of it
        self.loose: _Queue | None = None  # those that overlapped something
        self.furthest = -1  # position that was played
        self.taken: bytearray | None = None  # in the run of which that was

    def queues(self, whole: int, above: int) -> Iterator[_Queue]:
        yield self.all
        yield self.whole[whole]
        if above in self.above:
            yield self.above[above]
        if self.loose is not None:
            yield self.loose

    def played(self, position: int, taken: bytearray) -> None:
        if self.taken is not taken or position > self.furthest:
            self.taken, self.furthest = taken, position

    def played_to(self, taken: bytearray) -> int:
        """The furthest position that was played in a run."""
        if self.taken is not taken:
            self.taken, self.furthest = taken, -1
        return self.furthest


@dataclass(slots=True)
class _Call:
    """A call under way; `value` is what its write weighs in the state by now."""

    access: Access
    position: int | None = None
    again: bool = False
    begun: bool = False
    value: int = 0
    id: str | None = None


class _Order:
    """Unplayed recordings by what they see, so that a write can wait for those before it."""

    def __init__(self, pasts: Pasts[Content], pool: Sequence[int]) -> None:
        self.settled = bytearray()  # never waited for (again)
        self._size = len(pasts.recordings)
        accesses = [pasts.recordings[at].access for at in pool]
        # Where there are writes: nobody asks for anything else.
        self._cells: dict[Cell, _Queue] = {
            cell: _Queue() for access in accesses for cell in access.cells
        }
        for at, access in zip(pool, accesses, strict=True):
            for cell in cells_over(access.scope):
                if (queue := self._cells.get(cell)) is not None:
                    queue.positions.append(at)
        self._queues: dict[int, tuple[_Queue, ...]] = {}  # of writes, by position
        self.start_over()

    def start_over(self) -> None:
        """Nothing is settled."""
        self.settled = bytearray(self._size)

    def any_before(self, position: int, write: Access) -> bool:
        """Whether `before` has any."""
        queues = self._queues.get(position)
        if queues is None:
            found = map(self._cells.get, write.cells)
            queues = self._queues[position] = tuple(queue for queue in found if queue is not None)
        for queue in queues:
            first = queue.first(self.settled)
            if first is not None and first < position:
                return True
        return False

    def before(self, position: int, write: Access) -> Iterator[int]:
        """The recordings that a write covers and that stand before it, settled ones left out."""
        for cell in write.cells:
            queue = self._cells.get(cell)
            first = queue.first(self.settled) if queue else None
            if queue is not None and first is not None and first < position:
                for other in queue.free(self.settled):
                    if other >= position:
                        break
                    yield other

    def reopen(self, position: int, scope: Scope) -> None:
        """A recording was given back."""
        self.settled[position] = 0
        for cell in cells_over(scope):
            if (queue := self._cells.get(cell)) is not None:
                queue.reopen(position)


class Player(Generic[Content]):
    """What one session has played of a cassette.

    `story` is the scope it is answered from. Without `barriers` a recording is found by
    fingerprint and order alone. With `repeat` a program may run again; `created` says what a
    create's answer named. Positions are those of `pasts.recordings`.
    """

    def __init__(
        self,
        pasts: Pasts[Content],
        story: str | None,
        *,
        barriers: bool = True,
        repeat: bool = False,
        repeats_max: int = 1000,
        created: Callable[[Access, Content], Scope | None] = lambda _access, _content: None,
    ) -> None:
        self._pasts = pasts
        self._recordings = pasts.recordings
        self._story = story
        self._barriers = barriers
        self._repeat = repeat
        self._repeats_max = repeats_max
        self._created = created
        # Positions by fingerprint; what is known of those once somebody has asked for one of them.
        self._positions: dict[Hashable, int | list[int]] = {}
        self._equal: dict[Hashable, _Equal] = {}
        self._equals: dict[int, _Equal] = {}  # by position, of those that were looked for
        self._pool = [
            at
            for at, item in zip(pasts.places, pasts.recordings, strict=True)
            if item.scope == story and item.received
        ]
        # Those that came while a write was under way, by the write's position.
        self._came_during: dict[int, list[int]] = {}
        # Where calls overlapped when they were recorded, by the root of their paths.
        self._together: set[Scope] = set()
        for at in self._pool:
            self._enter(at)
        self.made = self._nothing_made()
        # Whether anything is created, so that it matters what was changed before.
        self._creates = any(is_create(pasts.recordings[at].access) for at in self._pool)
        self._weights: dict[int, int] = {}
        self._order: _Order | None = None
        self._reads: dict[Scope, list[int]] | None = None
        self.waits = 0  # requests that waited
        self._calls: dict[int, _Call] = {}  # under way, by arrival
        self._waiting: dict[int, set[int]] = {}  # what calls wait for, by arrival
        self._begin()

    def _begin(self) -> None:
        """Nothing has been played yet."""
        self._taken = bytearray(len(self._recordings))
        self._counted = bytearray(len(self._taken))  # writes that are part of the state
        self._marks = 0
        self._row: tuple[Hashable, int] = ((), 0)  # equal requests that were answered again
        self._spoilt: set[Scope] = set()  # what was entered in another way than recorded
        self._changed: dict[Scope, int] = {}  # the furthest write that was played there or below
        self._unrecorded = False
        self._first: tuple[int, list[int]] | None = None  # write, and what was played by then
        if self._order is not None:
            self._order.start_over()
        self.made.start_over()

    def _nothing_made(self) -> Made:
        if not self._repeat:
            return Made()
        accesses = [self._recordings[at].access for at in self._pool]
        lists = {access.scope for access in accesses if is_create(access)}
        return Views({access.scope for access in accesses}, lists)

    def _weight(self, position: int) -> int:
        """What the write at a position adds to a state."""
        found = self._weights.get(position)
        if found is None:
            found = self._weights[position] = weight(self._recordings[position].id)
        return found

    def rewind(self) -> None:
        """All is as it was at the beginning; calls under way are forgotten."""
        self._calls.clear()
        self._waiting.clear()
        self._begin()

    def _enter(self, at: int) -> None:
        item = self._recordings[at]
        there = self._positions.get(item.fingerprint)
        if there is None:
            self._positions[item.fingerprint] = at
        elif isinstance(there, int):
            self._positions[item.fingerprint] = [there, at]
        else:
            there.append(at)
        if item.during:
            self._together.add(item.access.scope[:_STORY_SEGMENTS])
        for id_ in item.during:
            there = self._pasts.position.get(id_)
            if there is not None and there < at:
                self._came_during.setdefault(there, []).append(at)

    def _equal_to(self, fingerprint: Hashable) -> _Equal | None:
        """The recordings of a fingerprint; None if there are none."""
        equal = self._equal.get(fingerprint)
        if equal is not None:
            return equal
        positions = self._positions.get(fingerprint)
        if positions is None:
            return None
        equal = self._equal[fingerprint] = _Equal()
        for at in [positions] if isinstance(positions, int) else positions:
            item = self._recordings[at]
            equal.all.positions.append(at)
            equal.whole.setdefault(self._pasts.whole[at], _Queue()).positions.append(at)
            if is_create(item.access):
                equal.above.setdefault(self._pasts.above[at], _Queue()).positions.append(at)
            if item.during:
                if equal.loose is None:
                    equal.loose = _Queue()
                equal.loose.positions.append(at)
        return equal

    # ------------------------------------------------------------ asking

    def choose(
        self, arrival: int, fingerprint: Hashable, access: Access, *, may_wait: bool
    ) -> Choice:
        """What a request gets now. Whoever is told to wait asks again whenever something came or
        was answered, and in the end without `may_wait`: what it waited for then is never waited
        for again.
        """
        if self._row[0] != fingerprint:
            self._row = (fingerprint, 0)
        equal = self._equal_to(fingerprint)
        if equal is None:
            return self._no_more_waiting(arrival, Choice())
        position, sure = self._find(equal, access)
        if self._stateful(access):
            blockers = self._blockers(equal, access, position, sure)
            if may_wait and next(blockers, None) is not None:
                if arrival not in self._waiting:
                    self.waits += 1
                    self._waiting[arrival] = set()
                return Choice(waits=True)
            if arrival in self._waiting and not may_wait:
                self._settle(blockers)
        if position is None and self._repeat:
            return self._no_more_waiting(arrival, self._again(fingerprint, equal, access))
        self._row = (fingerprint, 0)
        return self._no_more_waiting(arrival, Choice(position))

    def at_once(self, like: int, may_wait: bool, others_at_work: bool) -> int | None:
        """The position of what a request gets that is equal to the recording at `like`, if it comes
        alone, finds what fits it whole, and is answered before anything else happens; None where
        more has to be looked at. Nothing has changed so far. It `may_wait` as in
        `SessionHistory.ask`.

        It is the short way through `choose`, and never leads elsewhere.
        """
        if self._calls or self._waiting:
            return None
        equal = self._equals.get(like) or self._equal_at(like)
        if equal is None:
            return None
        access = self._recordings[like].access
        stateful = self._barriers and access.has_state
        if stateful:
            queue = equal.whole.get(self.made.over(access.scope))
            position = None if queue is None else queue.first(self._taken)
        else:
            position = equal.all.first(self._taken)
        if position is None:
            return self._at_once_again(like, equal, access)
        if stateful and (
            position in self._came_during
            or (
                may_wait
                and access.writes
                and (others_at_work or self.worked_together(access))
                and self._leaves_behind(position, access)
            )
        ):
            return None
        return position

    def _at_once_again(self, like: int, equal: _Equal, access: Access) -> int | None:
        """The same where all recordings of a request were played: `--repeat last`."""
        enough = bool(self._repeats_max) and self._in_a_row(like) >= self._repeats_max
        if not self._repeat or enough or equal.all.first(self._taken) is not None:
            return None
        position = (self._earlier_write if access.writes else self._last_read)(equal, access)
        return None if position in self._came_during else position

    def _in_a_row(self, like: int) -> int:
        """How often a request was answered again, by now."""
        same = self._row[0] == self._recordings[like].fingerprint
        return self._row[1] if same else 0

    def play(self, like: int, position: int) -> None:
        """A request gets what `at_once` found, from its first byte to its last."""
        again = self._taken[position] == 1
        count = self._in_a_row(like) + 1 if again else 0
        self._row = (self._recordings[like].fingerprint, count)
        self._taken[position] = 1
        self._play(position, again)

    def _equal_at(self, position: int) -> _Equal | None:
        """The recordings of this story that are equal to any one; None if there are none."""
        equal = self._equals.get(position)
        if equal is None:
            equal = self._equal_to(self._recordings[position].fingerprint)
            if equal is not None:
                self._equals[position] = equal
        return equal

    def _leaves_behind(self, position: int, write: Access) -> bool:
        order = self._order or self._in_order()
        if not order.any_before(position, write):
            return False
        return next(self._left_behind(position), None) is not None

    def _no_more_waiting(self, arrival: int, choice: Choice) -> Choice:
        self._waiting.pop(arrival, None)
        return choice

    def _stateful(self, access: Access) -> bool:
        # Nobody can tell what a write to a path without a known root changes.
        return self._barriers and access.has_state

    def _find(self, equal: _Equal, access: Access) -> tuple[int | None, bool]:
        """The recording whose turn it is; and whether its whole past fits, not its parents' state
        alone.
        """
        if not self._stateful(access):
            return equal.all.first(self._taken), True
        under_way = self._under_way(access.scope)
        for above in (False, True) if is_create(access) else (False,):
            exact, queues = self._state(access.scope, above=above), self._queues(equal, above=above)
            queue = queues.get(exact)
            position = queue.first(self._taken) if queue else None
            if position is None:
                position = self._loosely(equal, access.scope, exact, under_way, above=above)
            if position is not None:
                return position, not above
        return None, True

    @staticmethod
    def _queues(equal: _Equal, *, above: bool) -> dict[int, _Queue]:
        return equal.above if above else equal.whole

    def _state(self, scope: Scope, *, above: bool) -> int:
        return self.made.above(scope) if above else self.made.over(scope)

    def _under_way(self, scope: Scope) -> list[_Call]:
        """The writes under way that cover a resource."""
        return [
            call
            for call in self._calls.values()
            if call.access.writes and covers(call.access, scope)
        ]

    def _loosely(
        self, equal: _Equal, scope: Scope, state: int, under_way: list[_Call], *, above: bool
    ) -> int | None:
        """The first that fits give or take what overlapped, and does not turn time back."""
        candidates = set(equal.loose.free(self._taken) if equal.loose is not None else ())
        if under_way:
            heads = (
                queue.first(self._taken) for queue in self._queues(equal, above=above).values()
            )
            candidates.update(at for at in heads if at is not None)
        for at in sorted(candidates):
            if at > equal.played_to(self._taken) and self._fits(
                at, scope, state, under_way, above=above
            ):
                return at
        return None

    def _fits(
        self, at: int, scope: Scope, state: int, under_way: Iterable[_Call], *, above: bool
    ) -> bool:
        """Whether a past is the state, but for what overlapped it then or is under way now."""
        past = (self._pasts.above if above else self._pasts.whole)[at]
        recordings = self._recordings
        ids = set(recordings[at].during)
        for call in under_way:
            if call.position is not None:
                ids.add(recordings[call.position].id)
            elif call.value and (not above or changes(call.access, scope)):
                state -= call.value
        for id_ in ids:
            access = self._pasts.access(id_)
            if access is None or not (changes if above else covers)(access, scope):
                continue
            if self._has_seen(id_, scope, above=above):
                state -= weight(id_)
            if self._pasts.holds(at, id_):
                past -= weight(id_)
        return past == state

    def _has_seen(self, id_: str, scope: Scope, *, above: bool) -> bool:
        known = self.made.has(weight(id_), scope, above=above)
        return bool(self._counted[self._pasts.position[id_]]) if known is None else known

    # ------------------------------------------------------------ waiting

    def worked_together(self, access: Access) -> bool:
        """Whether several workers were at what a call touches when it was recorded: the others may
        not have come yet.
        """
        return access.scope[:_STORY_SEGMENTS] in self._together

    def _blockers(
        self, equal: _Equal, access: Access, position: int | None, sure: bool
    ) -> Iterator[int]:
        """What a request should wait for before it gets what it can get now."""
        if position is None or not sure:
            yield from self._to_come(equal)
        if position is not None and access.writes:
            yield from self._left_behind(position)

    def _to_come(self, equal: _Equal) -> Iterator[int]:
        """The writes that a recording lacks which lacks nothing else: its request came early."""
        order = self._in_order()
        heads = (queue.first(self._taken) for queue in equal.whole.values())
        for at in sorted(at for at in heads if at is not None):
            lacking = [
                self._pasts.position.get(id_)
                for id_ in self._pasts.ids(at)
                if id_ not in self._pasts.position or not self._counted[self._pasts.position[id_]]
            ]
            if self._reachable(at) and all(self._may_come(there) for there in lacking):
                yield from (at for at in lacking if at is not None and not order.settled[at])

    def _may_come(self, at: int | None) -> bool:
        if at is None or self._recordings[at].scope != self._story:
            return False
        return not self._in_order().settled[at] or bool(self._taken[at])

    def _left_behind(self, position: int) -> Iterator[int]:
        """The unplayed recordings that a write covers and that came before it: their turn is now,
        or never.
        """
        order = self._in_order()
        for at in order.before(position, self._recordings[position].access):
            if self._taken[at] or not self._reachable(at):
                order.settled[at] = 1
            else:
                yield at

    def _reachable(self, at: int) -> bool:
        """Whether nothing was played that keeps a recording from being played."""
        scope = self._recordings[at].access.scope
        if not self._stateful(self._recordings[at].access):
            return True
        state = self.made.over(scope)
        for id_ in self._pasts.ids(at).union(self._recordings[at].during):
            access = self._pasts.access(id_)
            if access is None or not covers(access, scope):
                continue
            if self._has_seen(id_, scope, above=False):
                state -= weight(id_)
        return state == 0

    def _in_order(self) -> _Order:
        if self._order is None:
            self._order = _Order(self._pasts, self._pool)
        return self._order

    def _settle(self, positions: Iterable[int]) -> None:
        order = self._in_order()
        for at in list(positions):
            order.settled[at] = 1

    def holds_back(self, arrival: int, *, may_wait: bool) -> bool:
        """Whether a write's answer should wait: for the requests that came while it was under way
        when it was recorded, and have not come yet.
        """
        call = self._calls.get(arrival)
        if call is None or call.position is None or not self._stateful(call.access):
            return False
        came = [
            at
            for at in self._came_during.get(call.position, ())
            if not self._taken[at] and not self._in_order().settled[at] and self._reachable(at)
        ]
        if came and may_wait:
            if arrival not in self._waiting:
                self.waits += 1
                self._waiting[arrival] = set()
            return True
        if arrival in self._waiting:
            del self._waiting[arrival]
            self._settle(came)
        return False

    # ------------------------------------------------------------ what comes of a call

    def take(self, arrival: int, choice: Choice) -> None:
        """A request gets a recording, and is under way."""
        assert choice.position is not None  # noqa: S101 - there is nothing to take
        self._taken[choice.position] = 1
        access = self._recordings[choice.position].access
        self._calls[arrival] = _Call(access, choice.position, choice.again)

    def forward(self, arrival: int, access: Access) -> None:
        """A request goes to the upstream, and is under way."""
        self._calls[arrival] = _Call(access)

    def begin(self, arrival: int) -> None:
        """The first byte was passed on: a write counts as played from here on."""
        call = self._calls.get(arrival)
        if call is None or call.begun:
            return
        call.begun = True
        if call.position is not None:
            call.value = self._play(call.position, call.again) or call.value
        elif call.access.writes:
            call.value = weight(call.id) if call.id else self._mark()
            self._unrecorded |= not call.id
            self.made.add(call.access, call.value)

    def identify(self, arrival: int, id_: str) -> None:
        """A write that was passed on has become a recording."""
        call = self._calls.get(arrival)
        if call is None or not call.access.writes:
            return
        call.id = id_
        if call.begun:
            self.made.replace(call.access, call.value, weight(id_))
            call.value = weight(id_)

    def end(self, arrival: int) -> None:
        """The last byte is out; the call is forgotten."""
        self.begin(arrival)
        self._calls.pop(arrival, None)
        self._waiting.pop(arrival, None)

    def release(self, arrival: int) -> None:
        """A call came to nothing: its client left before the first byte, or there was no answer
        to compare. A second time is harmless.
        """
        self._waiting.pop(arrival, None)
        call = self._calls.pop(arrival, None)
        if call is None or call.position is None or call.again:
            return
        if call.value:
            self._counted[call.position] = 0
            self.made.replace(call.access, call.value, 0)
        self._free(call.position)

    def _free(self, position: int) -> None:
        self._taken[position] = 0
        item = self._recordings[position]
        equal = self._equal[item.fingerprint]
        for queue in equal.queues(self._pasts.whole[position], self._pasts.above[position]):
            queue.reopen(position)
        if self._order is not None:
            self._order.reopen(position, item.access.scope)

    def _play(self, position: int, again: bool) -> int:
        """A recording counts as played from here on; what its write weighs in the state, 0 if it
        was part of that before.
        """
        item = self._recordings[position]
        access = item.access
        equal = self._equals.get(position) or self._equal_at(position)
        assert equal is not None  # noqa: S101 - it is one of them itself
        equal.played(position, self._taken)
        if not access.writes:
            return 0
        if self._repeat and (again or self._first is None):
            self._play_again(position, again=again)
        if self._creates:
            if is_create(access):
                self._enter_list(access, position)
                self._enter_item(item, position, again=again)
            for length in range(1, len(access.scope) + 1):
                at = access.scope[:length]
                self._changed[at] = max(position, self._changed.get(at, -1))
        if self._counted[position] and not self._repeat:
            return 0
        self._counted[position] = 1
        value = self._weights.get(position) or self._weight(position)
        self.made.add(access, value)
        return value

    def _enter_list(self, create: Access, position: int) -> None:
        """What enters a list otherwise than recorded leaves it in a state that nobody knows."""
        if not self._stateful(create):
            return
        others = [call for call in self._under_way(create.scope) if call.position != position]
        state = self.made.over(create.scope)
        if not self._fits(position, create.scope, state, others, above=False):
            self._spoilt.add(create.scope)
            alone = Access(create.scope, listed=create.listed)
            mark = self._mark()
            if isinstance(self.made, Views):
                self.made.spoil(alone, mark)
            else:
                self.made.add(alone, mark)

    def _enter_item(self, create: Recording[Content], position: int, *, again: bool) -> None:
        """What was changed before it is created, and was not when this was recorded, is in a state
        that nobody knows from there on: its id was known from elsewhere.
        """
        created = self._created(create.access, create.content)
        if created is None or not self._stateful(create.access):
            return
        if again:
            for below in self.made.below(created) if isinstance(self.made, Views) else ():
                self._changed.pop(below, None)
        elif self._changed.get(created, -1) > position:
            self._spoilt.add(created)
            self.made.add(Access((), item=created), self._mark())

    def _mark(self) -> int:
        """A weight that no recording has: what has seen it fits nothing."""
        self._marks += 1
        return weight(f"?{self._marks}")

    # ------------------------------------------------------------ running again

    def _again(self, fingerprint: Hashable, equal: _Equal, access: Access) -> Choice:
        """`--repeat last`: a recording that was played, of this state or of one before it."""
        count = self._row[1] + 1
        if self._repeats_max and count > self._repeats_max:
            return Choice()
        self._row = (fingerprint, count)
        position = (
            self._earlier_write(equal, access) if access.writes else self._last_read(equal, access)
        )
        if position is not None:
            return Choice(position, again=True)
        played_first = any(
            self._taken[at] and not self._pasts.whole[at] for at in equal.all.positions
        )
        if access.writes or not played_first or not self._stateful(access):
            self._row = (fingerprint, count - 1)
            return Choice()
        self._start_over()
        return Choice(self._find(equal, access)[0])

    def _earlier_write(self, equal: _Equal, access: Access) -> int | None:
        if not self._stateful(access) or not isinstance(self.made, Views):
            return equal.all.positions[-1]
        above = is_create(access)
        for at in equal.all.positions:
            past = (self._pasts.above if above else self._pasts.whole)[at]
            if self._taken[at] and self.made.began_with(past, access.scope, above=above):
                return at
        return None

    def _last_read(self, equal: _Equal, access: Access) -> int | None:
        if not self._stateful(access):
            return equal.all.positions[-1]
        queue = equal.whole.get(self.made.over(access.scope))
        return queue.positions[-1] if queue else None

    def _play_again(self, position: int, *, again: bool) -> None:
        """A write goes back to where it was played before, if it was."""
        assert isinstance(self.made, Views)  # noqa: S101 - as `_begin` made it
        item = self._recordings[position]
        if self._first is None:
            self._first = position, [at for at in self._pool if self._taken[at]]
        elif again and position == self._first[0]:
            kept = self._first[1]
            self._start_over()
            for at in kept:
                self._taken[at] = 1
            self._first = position, kept
        elif again:
            created = self._created(item.access, item.content)
            self.made.go_back(item.access, weight(item.id), created)
            self._refresh(position, created)

    def _refresh(self, position: int, created: Scope | None) -> None:
        """The readings that follow a write can be had again."""
        item = self._recordings[position]
        for at in self._reads_below(created) if created is not None else ():
            if self._taken[at]:
                self._free(at)
        for kind, place in item.access.cells:
            for at in self._reads_below(place):
                exact = kind is not Kind.LIST or self._recordings[at].access.scope == place
                if self._taken[at] and exact and self._pasts.holds(at, item.id):
                    self._free(at)

    def _reads_below(self, place: Scope) -> Sequence[int]:
        """The readings of a resource and of all below it."""
        if self._reads is None:
            self._reads = {}
            for at in self._pool:
                access = self._recordings[at].access
                for length in range(len(access.scope) + 1) if not access.writes else ():
                    self._reads.setdefault(access.scope[:length], []).append(at)
        return self._reads.get(place, ())

    def _start_over(self) -> None:
        """The program runs anew: everything goes back."""
        row, calls, waiting = self._row, dict(self._calls), dict(self._waiting)
        self.rewind()
        self._row, self._calls, self._waiting = row, calls, waiting

    # ------------------------------------------------------------ what is told

    def position(self, arrival: int) -> int | None:
        """The recording that a call under way was given."""
        call = self._calls.get(arrival)
        return None if call is None else call.position

    def looping(self, fingerprint: Hashable) -> bool:
        """Whether a request was answered again as often as may be."""
        full = self._repeats_max and self._row[1] >= self._repeats_max
        return bool(self._repeat and full and self._row[0] == fingerprint)

    def has_made(self, wanted: Tally, access: Access) -> bool:
        """Whether the writes that a call can see are those wanted, give or take those under way."""
        scope, above = access.scope, is_create(access)
        state = self._state(scope, above=above)
        past = wanted.above(scope) if above else wanted.over(scope)
        for call in self._under_way(scope):
            if above and not changes(call.access, scope):
                continue
            state -= call.value
            if call.position is not None:
                past -= weight(self._recordings[call.position].id)
            elif call.id is not None:
                past -= weight(call.id)
        return past == state

    def taken(self, position: int) -> bool:
        """Whether a recording was played, or is being."""
        return bool(self._taken[position])

    def played(self) -> int:
        """Which recordings were played, or are being: the bit 8 * n stands for position n."""
        return int.from_bytes(self._taken, "little")

    def known(self, fingerprint: Hashable) -> bool:
        """Whether there is any recording of a request."""
        return fingerprint in self._positions

    @property
    def repeated(self) -> int:
        """How many equal requests in a row were answered again."""
        return self._row[1]

    def unplayed(self) -> Iterator[int]:
        """The positions that could still be played, in order."""
        return (at for at in self._pool if not self._taken[at])

    def shortfall(self, fingerprint: Hashable, access: Access) -> Shortfall | None:
        """What keeps the unplayed recordings of a request from answering it; None if there are
        none, or if it is not the state that keeps them.
        """
        equal = self._equal_to(fingerprint)
        if equal is None or not self._stateful(access):
            return None
        nearest = islice(equal.all.free(self._taken), _COMPARED_MAX)
        told = [self._compare(at, equal) for at in nearest]
        return min(told, key=_distance, default=None)

    def _compare(self, at: int, equal: _Equal) -> Shortfall:
        recordings, position = self._recordings, self._pasts.position
        item = recordings[at]
        scope = item.access.scope
        past = self._pasts.ids(at)
        above = is_create(item.access)
        furthest = equal.played_to(self._taken)
        relevant = changes if above else covers
        made = [
            there
            for there in set(self._pasts.writes_over(self._story, scope))
            if self._has_seen(recordings[there].id, scope, above=above)
            and relevant(recordings[there].access, scope)
        ]
        before = [position[id_] for id_ in past if id_ in position]
        return Shortfall(
            at,
            unplayed=tuple(
                sorted(
                    there
                    for there in before
                    if not self._has_seen(recordings[there].id, scope, above=above)
                    and relevant(recordings[there].access, scope)
                )
            ),
            played=tuple(
                sorted(
                    there
                    for there in made
                    if recordings[there].id not in past and recordings[there].id not in item.during
                )
            ),
            missing=tuple(sorted(id_ for id_ in past if id_ not in position)),
            overlapped=bool(item.during) or furthest > at,
            order=tuple(
                sorted(
                    {at, max(at, furthest)}
                    | {position[id_] for id_ in item.during if id_ in position}
                )
            ),
            unrecorded=self._unrecorded,
            unordered=scope in self._spoilt,
            twins=len(equal.all.positions) > 1,
        )


def _distance(told: Shortfall) -> tuple[bool, int, int]:
    """The nearest first: what can still be mended, by the fewest writes, in file order."""
    off = len(told.unplayed) + len(told.played) + len(told.missing)
    return bool(told.played or told.missing), off, told.position
