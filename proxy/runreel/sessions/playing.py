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
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Generic

from runreel.cassettes.history import Content, Pasts, Recording, Tally, weight
from runreel.matching.resources import (
    Access,
    Kind,
    Scope,
    cells,
    changes,
    covers,
    has_state,
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


class Views(Made):
    """The same, by resource and in order; the resources are those that a cassette knows.

    `scopes` are what recordings read or write, `lists` what they create in. A write costs what
    lies below its item.
    """

    def __init__(self, scopes: Iterable[Scope], lists: Iterable[Scope]) -> None:
        super().__init__()
        self._over: dict[Scope, list[int]] = {scope: [] for scope in scopes}
        self._above: dict[Scope, list[int]] = {scope: [] for scope in lists}
        self._below: dict[Scope, set[Scope]] = {}
        for scope in {*self._over, *self._above}:
            for length in range(len(scope) + 1):
                self._below.setdefault(scope[:length], set()).add(scope)
        self._unknown: set[int] = set()  # weights of marks that fit nothing

    def add(self, write: Access, value: int) -> None:
        """A write was made; what it covers has seen it."""
        super().add(write, value)
        for scope in self.covered(write):
            if scope in self._over:
                self._over[scope].append(value)
            if scope in self._above and changes(write, scope):
                self._above[scope].append(value)

    def spoil(self, write: Access, value: int) -> None:
        """As `add`, for a mark that fits nothing and goes where the write after it goes."""
        self._unknown.add(value)
        self.add(write, value)

    def replace(self, write: Access, old: int, new: int) -> None:
        """A write that was made has another weight from here on; a new one of 0 takes it back."""
        super().replace(write, old, new)
        for scope in self.covered(write):
            for seen in (self._over.get(scope), self._above.get(scope)):
                if seen and old in seen:
                    at = seen.index(old)
                    seen[at : at + 1] = [new] if new else []

    def over(self, scope: Scope) -> int:
        """The sum of the writes that cover a resource, since it went back last."""
        seen = self._over.get(scope)
        return super().over(scope) if seen is None else sum(seen)

    def above(self, scope: Scope) -> int:
        """The sum of the writes that change a resource or what it stands in, likewise."""
        seen = self._above.get(scope)
        return super().above(scope) if seen is None else sum(seen)

    def has(self, value: int, scope: Scope, *, above: bool) -> bool | None:
        """Whether a resource has seen a write of a weight."""
        seen = (self._above if above else self._over).get(scope)
        return None if seen is None else value in seen

    def began_with(self, past: int, scope: Scope, *, above: bool) -> bool:
        """Whether the writes of a past are the first ones that a resource has seen."""
        seen = (self._above if above else self._over).get(scope, [])
        return any(total == past for total in accumulate(seen, initial=0))

    def covered(self, write: Access) -> set[Scope]:
        """The known resources that a write covers."""
        found: set[Scope] = set()
        for _, at in cells(write):
            found |= {scope for scope in self._below.get(at, ()) if covers(write, scope)}
        return found

    def below(self, scope: Scope) -> set[Scope]:
        """The known resources at and below one."""
        return self._below.get(scope, set())

    def go_back(self, write: Access, value: int, created: Scope | None) -> None:
        """What a write covers forgets it and all that it saw since; what it `created` is new."""
        for scope in self.covered(write):
            for seen in (self._over.get(scope), self._above.get(scope)):
                if seen and value in seen:
                    cut = seen.index(value)
                    del seen[cut - (cut > 0 and seen[cut - 1] in self._unknown) :]
        if created is not None and write.listed is not None:
            fresh = self._above.get(write.listed, [])
            for scope in self.below(created):
                for views in (self._over, self._above):
                    if scope in views:
                        views[scope] = list(fresh)

    def start_over(self) -> None:
        """Nothing has been made."""
        self._tally = Tally()
        self._unknown.clear()
        for seen in (*self._over.values(), *self._above.values()):
            seen.clear()


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
    """Positions in file order, of which the first that is free is asked for again and again."""

    __slots__ = ("begin", "positions")

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.begin = 0

    def free(self, taken: bytearray) -> Iterator[int]:
        while self.begin < len(self.positions) and taken[self.positions[self.begin]]:
            self.begin += 1
        for at in range(self.begin, len(self.positions)):
            if not taken[self.positions[at]]:
                yield self.positions[at]

    def first(self, taken: bytearray) -> int | None:
        return next(self.free(taken), None)

    def reopen(self, position: int) -> None:
        self.begin = min(self.begin, bisect_left(self.positions, position))


@dataclass(slots=True)
class _Equal:
    """The recordings of one fingerprint."""

    all: _Queue = field(default_factory=_Queue)
    whole: dict[int, _Queue] = field(default_factory=dict)  # by past
    above: dict[int, _Queue] = field(default_factory=dict)  # of creates, by that part of it
    loose: _Queue = field(default_factory=_Queue)  # those that overlapped something
    furthest: int = -1  # position that was played

    def queues(self, whole: int, above: int) -> Iterator[_Queue]:
        yield self.all
        yield self.whole[whole]
        if above in self.above:
            yield self.above[above]
        yield self.loose


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

    def __init__(self, pasts: Pasts[Content], pool: Iterable[int]) -> None:
        self.settled = bytearray(len(pasts.recordings))  # never waited for (again)
        self._below: dict[Scope, _Queue] = {}
        self._exactly: dict[Scope, _Queue] = {}
        for at in pool:
            scope = pasts.recordings[at].access.scope
            self._exactly.setdefault(scope, _Queue()).positions.append(at)
            for length in range(len(scope) + 1):
                self._below.setdefault(scope[:length], _Queue()).positions.append(at)

    def before(self, position: int, write: Access) -> Iterator[int]:
        """The recordings that a write covers and that stand before it, settled ones left out."""
        for kind, at in cells(write):
            queue = (self._exactly if kind is Kind.LIST else self._below).get(at)
            for other in queue.free(self.settled) if queue else ():
                if other >= position:
                    break
                yield other

    def reopen(self, position: int, scope: Scope) -> None:
        """A recording was given back."""
        self.settled[position] = 0
        self._exactly[scope].reopen(position)
        for length in range(len(scope) + 1):
            self._below[scope[:length]].reopen(position)


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
        self._story = story
        self._barriers = barriers
        self._repeat = repeat
        self._repeats_max = repeats_max
        self._created = created
        # Positions by fingerprint; what is known of those once somebody has asked for one of them.
        self._positions: dict[Hashable, int | list[int]] = {}
        self._equal: dict[Hashable, _Equal] = {}
        self._pool = [
            at for at, item in enumerate(pasts.recordings) if item.scope == story and item.received
        ]
        # Those that came while a write was under way, by the write's position.
        self._came_during: dict[int, list[int]] = {}
        # Where calls overlapped when they were recorded, by the root of their paths.
        self._together: set[Scope] = set()
        for at in self._pool:
            self._enter(at)
        self.waits = 0  # requests that waited
        self._calls: dict[int, _Call] = {}  # under way, by arrival
        self._waiting: dict[int, set[int]] = {}  # what calls wait for, by arrival
        self._begin()

    def _begin(self) -> None:
        """Nothing has been played yet."""
        recordings = self._pasts.recordings
        self._taken = bytearray(len(recordings))
        self._counted = bytearray(len(recordings))  # writes that are part of the state
        self._order: _Order | None = None
        self._marks = 0
        self._row: tuple[Hashable, int] = ((), 0)  # equal requests that were answered again
        self._spoilt: set[Scope] = set()  # what was entered in another way than recorded
        self._changed: dict[Scope, int] = {}  # the furthest write that was played there or below
        self._unrecorded = False
        self._first: tuple[int, list[int]] | None = None  # write, and what was played by then
        if self._repeat:
            accesses = [recordings[at].access for at in self._pool]
            lists = {access.scope for access in accesses if is_create(access)}
            self.made: Made = Views({access.scope for access in accesses}, lists)
        else:
            self.made = Made()

    def rewind(self) -> None:
        """All is as it was at the beginning; calls under way are forgotten."""
        self._calls.clear()
        self._waiting.clear()
        for equal in self._equal.values():
            equal.furthest = -1
            for queue in (equal.all, equal.loose, *equal.whole.values(), *equal.above.values()):
                queue.begin = 0
        self._begin()

    def _enter(self, at: int) -> None:
        item = self._pasts.recordings[at]
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
            item = self._pasts.recordings[at]
            equal.all.positions.append(at)
            equal.whole.setdefault(self._pasts.whole[at], _Queue()).positions.append(at)
            if is_create(item.access):
                equal.above.setdefault(self._pasts.above[at], _Queue()).positions.append(at)
            if item.during:
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

    def _no_more_waiting(self, arrival: int, choice: Choice) -> Choice:
        self._waiting.pop(arrival, None)
        return choice

    def _stateful(self, access: Access) -> bool:
        # Nobody can tell what a write to a path without a known root changes.
        return self._barriers and has_state(access)

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
        candidates = set(equal.loose.free(self._taken))
        if under_way:
            heads = (
                queue.first(self._taken) for queue in self._queues(equal, above=above).values()
            )
            candidates.update(at for at in heads if at is not None)
        for at in sorted(candidates):
            if at > equal.furthest and self._fits(at, scope, state, under_way, above=above):
                return at
        return None

    def _fits(
        self, at: int, scope: Scope, state: int, under_way: Iterable[_Call], *, above: bool
    ) -> bool:
        """Whether a past is the state, but for what overlapped it then or is under way now."""
        past = (self._pasts.above if above else self._pasts.whole)[at]
        recordings = self._pasts.recordings
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
        if at is None or self._pasts.recordings[at].scope != self._story:
            return False
        return not self._in_order().settled[at] or bool(self._taken[at])

    def _left_behind(self, position: int) -> Iterator[int]:
        """The unplayed recordings that a write covers and that came before it: their turn is now,
        or never.
        """
        order = self._in_order()
        for at in order.before(position, self._pasts.recordings[position].access):
            if self._taken[at] or not self._reachable(at):
                order.settled[at] = 1
            else:
                yield at

    def _reachable(self, at: int) -> bool:
        """Whether nothing was played that keeps a recording from being played."""
        scope = self._pasts.recordings[at].access.scope
        if not self._stateful(self._pasts.recordings[at].access):
            return True
        state = self.made.over(scope)
        for id_ in self._pasts.ids(at).union(self._pasts.recordings[at].during):
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
        access = self._pasts.recordings[choice.position].access
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
            self._play(call, call.position)
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
        item = self._pasts.recordings[position]
        equal = self._equal[item.fingerprint]
        for queue in equal.queues(self._pasts.whole[position], self._pasts.above[position]):
            queue.reopen(position)
        if self._order is not None:
            self._order.reopen(position, item.access.scope)

    def _play(self, call: _Call, position: int) -> None:
        item = self._pasts.recordings[position]
        equal = self._equal[item.fingerprint]
        equal.furthest = max(equal.furthest, position)
        if not item.access.writes:
            return
        if self._repeat:
            self._play_again(call, position)
        if is_create(item.access):
            self._enter_list(item.access, position)
            self._enter_item(call, item)
        for length in range(1, len(item.access.scope) + 1):
            at = item.access.scope[:length]
            self._changed[at] = max(position, self._changed.get(at, -1))
        if not self._counted[position] or self._repeat:
            self._counted[position] = 1
            call.value = weight(item.id)
            self.made.add(item.access, call.value)

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

    def _enter_item(self, call: _Call, create: Recording[Content]) -> None:
        """What was changed before it is created, and was not when this was recorded, is in a state
        that nobody knows from there on: its id was known from elsewhere.
        """
        created = self._created(create.access, create.content)
        if created is None or not self._stateful(create.access) or call.position is None:
            return
        if call.again:
            for below in self.made.below(created) if isinstance(self.made, Views) else ():
                self._changed.pop(below, None)
        elif self._changed.get(created, -1) > call.position:
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

    def _play_again(self, call: _Call, position: int) -> None:
        """A write goes back to where it was played before, if it was."""
        assert isinstance(self.made, Views)  # noqa: S101 - as `_begin` made it
        item = self._pasts.recordings[position]
        if self._first is None:
            self._first = position, [at for at in self._pool if self._taken[at]]
        elif call.again and position == self._first[0]:
            kept = self._first[1]
            self._start_over()
            for at in kept:
                self._taken[at] = 1
            self._first = position, kept
        elif call.again:
            created = self._created(item.access, item.content)
            self.made.go_back(item.access, weight(item.id), created)
            self._refresh(position, created)

    def _refresh(self, position: int, created: Scope | None) -> None:
        """The readings that follow a write can be had again."""
        item = self._pasts.recordings[position]
        for at in self._pool:
            other = self._pasts.recordings[at]
            scope = other.access.scope
            if other.access.writes or not self._taken[at]:
                continue
            new = created is not None and scope[: len(created)] == created
            if new or (covers(item.access, scope) and self._pasts.holds(at, item.id)):
                self._free(at)

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
                past -= weight(self._pasts.recordings[call.position].id)
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
        recordings, position = self._pasts.recordings, self._pasts.position
        item = recordings[at]
        scope = item.access.scope
        past = self._pasts.ids(at)
        above = is_create(item.access)
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
            overlapped=bool(item.during) or equal.furthest > at,
            order=tuple(
                sorted(
                    {at, max(at, equal.furthest)}
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
