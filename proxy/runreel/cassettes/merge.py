"""Where a capture goes in a cassette, so that the session it was made in plays back as it was.

Owns the order of the file while captures enter it. Played in that order, each read of the session
must find as many covering writes before it as it had in the session, its own epoch, and stand
there before any recording that the session did not play. What stands in the file never moves, but
for a read that was recorded again and would come out in another epoch. Knows no ids and no modes.

How captures enter a cassette.

Owns one pure function, `merge`: what was captured replaces its counterpart in place, what is new
goes in after the interaction that preceded it, as far as the state barriers let it (`filing`), and
equal traffic changes nothing. Knows nothing of modes: a session says which captures have
counterparts.
"""

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter

from runreel.http.headers import Trait, drop
from runreel.http.messages import Headers, Interaction
from runreel.matching.matchers import Fingerprint
from runreel.matching.resources import Access, Place, Scope, Writes
from runreel.redaction.redactor import Redacted, renamed

FIRST: Place = (-1,)  # before everything
_LAST: Place = (sys.maxsize,)


@dataclass(frozen=True, slots=True)
class Entry:
    """An interaction of the cassette with its fingerprint and what its request touches."""

    fingerprint: Fingerprint
    interaction: Redacted[Interaction]
    access: Access

    @property
    def gone(self) -> bool:
        """Whether nobody received its answer: it is kept, but never played."""
        return self.interaction.value.never_served


class Filing:
    """A file that a session goes through once more, in order of arrival, and adds to.

    `old` is what stands there, by place.
    """

    def __init__(self, old: Mapping[Place, Entry]) -> None:
        self._entries = dict(old)
        self._order = sorted(old)
        self._writes = Writes()  # of the file
        self._unplayed: dict[Fingerprint, list[Place]] = {}  # reads of the file
        self._newest: dict[Fingerprint, Place] = {}  # what stands last
        for place in self._order:
            entry = old[place]
            self._newest[entry.fingerprint] = place
            if entry.access.writes and not entry.gone:
                self._writes.add(place, entry.access)
            elif not entry.gone:
                self._unplayed.setdefault(entry.fingerprint, []).append(place)
        self._played = Writes()  # in the session
        self._counted: set[Place] = set()
        self._answered: dict[tuple[Fingerprint, int], Place] = {}  # the last answer in an epoch
        self._furthest = _Furthest()

    def entries(self) -> list[Entry]:
        """All of them, in order."""
        return [self._entries[place] for place in self._order]

    def play(self, arrival: int, place: Place) -> Place:
        """Note that the session had what stands at a place; returns the place."""
        entry = self._entries[place]
        if entry.gone:
            return place
        if entry.access.writes:
            if place not in self._counted:
                self._counted.add(place)
                self._played.add((arrival,), entry.access)
            return place
        unplayed = self._unplayed.get(entry.fingerprint, [])
        at = bisect_left(unplayed, place)
        if unplayed[at : at + 1] == [place]:
            del unplayed[at]
        key = entry.fingerprint, self._played.before((arrival,), entry.access)
        self._answered[key] = max(place, self._answered.get(key, FIRST))
        self._furthest.add(place, entry.access.scope)
        return place

    def replace(self, arrival: int, place: Place, entry: Entry, preceding: Place) -> Place:
        """Put a capture where its counterpart stands, or else where its epoch is right."""
        self._entries[place] = entry
        if entry.access.writes or entry.gone or self._right(arrival, place, entry):
            return self.play(arrival, place)
        del self._entries[place]
        del self._order[bisect_left(self._order, place)]
        unplayed = self._unplayed[entry.fingerprint]
        del unplayed[bisect_left(unplayed, place)]
        return self.insert(arrival, entry, preceding)

    def insert(self, arrival: int, entry: Entry, preceding: Place) -> Place:
        """Put a new capture after what preceded it in the session, or as near as is right."""
        if entry.gone:
            at = bisect_right(self._order, max(preceding, self._newest_of(entry)))
        elif entry.access.writes:
            at = self._slot_of_write(entry, preceding)
        else:
            at = self._slot_of_read(arrival, entry, preceding)
        before = self._order[at - 1] if at else FIRST
        after = self._order[at] if at < len(self._order) else _LAST
        place = _between(before, after)
        self._order.insert(at, place)
        self._entries[place] = entry
        self._newest[entry.fingerprint] = max(place, self._newest_of(entry))
        if entry.access.writes and not entry.gone:
            self._writes.add(place, entry.access)
        return self.play(arrival, place)

    def _slot_of_write(self, entry: Entry, preceding: Place) -> int:
        # Before nothing that the session had read of it, nor before any equal write.
        read = self._furthest.covered(entry.access)
        return bisect_right(self._order, max(preceding, read, self._newest_of(entry)))

    def _slot_of_read(self, arrival: int, entry: Entry, preceding: Place) -> int:
        epoch = self._played.before((arrival,), entry.access)
        begin, end = self._epoch(entry.access, epoch)
        at = min(max(bisect_right(self._order, preceding), begin), end)
        unplayed = self._unplayed.get(entry.fingerprint)
        if unplayed and begin < len(self._order):
            next_ = bisect_left(unplayed, self._order[begin])
            if next_ < len(unplayed):
                at = min(at, bisect_left(self._order, unplayed[next_]))
        answered = self._answered.get((entry.fingerprint, epoch), FIRST)
        return max(at, bisect_right(self._order, answered))

    def _right(self, arrival: int, place: Place, entry: Entry) -> bool:
        """Whether a read is answered by what stands at a place, when its turn comes."""
        epoch = self._played.before((arrival,), entry.access)
        if self._writes.before(place, entry.access) != epoch:
            return False
        unplayed = self._unplayed[entry.fingerprint]
        at = bisect_left(unplayed, place)
        return not at or self._writes.before(unplayed[at - 1], entry.access) < epoch

    def _epoch(self, read: Access, epoch: int) -> tuple[int, int]:
        """The first and the last slot at which a read has so many covering writes before it.

        Slot n is before the n-th of the file. Where there are fewer writes, the end.
        """
        slots = range(len(self._order) + 1)

        def writes_before(slot: int) -> int:
            at = self._order[slot] if slot < len(self._order) else _LAST
            return self._writes.before(at, read)

        begin = min(bisect_left(slots, epoch, key=writes_before), slots[-1])
        return begin, max(begin, bisect_left(slots, epoch + 1, key=writes_before) - 1)

    def _newest_of(self, entry: Entry) -> Place:
        return self._newest.get(entry.fingerprint, FIRST)


class _Furthest:
    """The furthest place at which each resource was read, and anything below it."""

    def __init__(self) -> None:
        self._exactly: dict[Scope, Place] = {}
        self._below: dict[Scope, Place] = {}

    def add(self, place: Place, scope: Scope) -> None:
        self._exactly[scope] = max(place, self._exactly.get(scope, FIRST))
        for length in range(len(scope) + 1):
            above = scope[:length]
            self._below[above] = max(place, self._below.get(above, FIRST))

    def covered(self, write: Access) -> Place:
        item = FIRST if write.item is None else self._below.get(write.item, FIRST)
        listed = FIRST if write.listed is None else self._exactly.get(write.listed, FIRST)
        return max(item, listed)


def _between(before: Place, after: Place) -> Place:
    """A place between two places. Such places sort as the sections 1, 1.1, 1.2, 2 of a book do."""
    beside = (*before[:-1], before[-1] + 1)
    if beside < after:
        return beside
    if after[: len(before)] == before:
        return (*before, after[len(before)] - 1)
    return (*before, 1)


def merge(
    old: tuple[Entry, ...],
    captures: Mapping[int, Entry],
    taken: Mapping[int, int],
    dropped: frozenset[int] = frozenset(),
) -> tuple[Entry, ...]:
    """The entries after a session.

    `captures` and `taken` are keyed by arrival in the session. `taken` are the positions in `old`
    that were played, or, where there is a capture too, that it replaces; `dropped` those that go.
    """
    filing = Filing({(at,): entry for at, entry in enumerate(old) if at not in dropped})
    preceding = FIRST
    for arrival in sorted({*captures, *taken}):
        capture = captures.get(arrival)
        if arrival not in taken:
            assert capture is not None  # noqa: S101 - it is in one of the two
            preceding = filing.insert(arrival, capture, preceding)
            continue
        place = (taken[arrival],)
        if capture is None:
            preceding = filing.play(arrival, place)
        else:
            kept = _kept(old[taken[arrival]], capture)
            preceding = filing.replace(arrival, place, kept, preceding)
    new = {id(entry) for arrival, entry in captures.items() if arrival not in taken}
    ids = {entry.interaction.value.id for entry in old}
    return _named(filing.entries(), new, ids)


def _kept(old: Entry, new: Entry) -> Entry:
    """The old entry whole if the new one says the same, else the new one under the old id."""
    was, came = old.interaction.value, new.interaction.value
    equal = (
        old.fingerprint == new.fingerprint
        and was.response.status == came.response.status
        and was.response.body == came.response.body
        and _lasting(was.response.headers) == _lasting(came.response.headers)
    )
    if equal:
        return old
    return replace(new, interaction=renamed(new.interaction, was.id))


def _lasting(headers: Headers) -> list[tuple[str, str]]:
    # Fields of different names have no order; lines of one field have.
    lasting = ((name.lower(), value) for name, value in drop(headers, Trait.VOLATILE))
    return sorted(lasting, key=itemgetter(0))


def _named(entries: Iterable[Entry], new: Collection[int], taken: set[str]) -> tuple[Entry, ...]:
    """The entries with unique ids: the `new` (by `id()`) take the first free suffix from 2 on."""
    named: list[Entry] = []
    numbers: dict[str, int] = {}  # the last one tried, by name
    for entry in entries:
        name = free = entry.interaction.value.id
        if id(entry) not in new:
            named.append(entry)
            continue
        while free in taken:
            numbers[name] = numbers.get(name, 1) + 1
            free = f"{name}-{numbers[name]}"
        taken.add(free)
        named.append(replace(entry, interaction=renamed(entry.interaction, free)))
    return tuple(named)
