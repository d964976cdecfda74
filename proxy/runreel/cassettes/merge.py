"""How captures enter a cassette.

Owns what a recording session adds, replaces and takes out, by the rules of `history`: a capture
replaces the recording of its fingerprint *and past*, what is new goes to the end, nothing old
changes its past, and `after` and `during` are written only where file order does not say them.
An id is given when a capture is taken in, and never changes. `Storing` knows nothing of what a
recording says; `recording` and `interactions` lead from interactions to recordings and back. Knows
no modes and no journal.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Generic, overload

import orjson

from runreel.cassettes.history import Content, Pasts, Recording, Tally, latest, weight
from runreel.http.headers import Trait, drop
from runreel.http.messages import Headers, Interaction
from runreel.matching.resources import (
    Access,
    Cell,
    Scope,
    cells_over,
    changes,
    covers,
    is_create,
)
from runreel.redaction.redactor import Redacted, placed


@dataclass(frozen=True, slots=True)
class Rules(Generic[Content]):
    """What storing must know of contents.

    `equal`: two answers say the same, so that the older one is kept. `created`: the resource that
    a create's answer names, None if it names none.
    """

    equal: Callable[[Content, Content], bool]
    created: Callable[[Access, Content], Scope | None]


@dataclass(slots=True)
class _Capture(Generic[Content]):
    arrival: int
    recording: Recording[Content]
    past: int  # its sum
    replaces: int | None  # position
    whole: bool  # what it replaces said the same and is kept as it was
    during: set[str] | None = None  # ids; most captures have none
    made: Scope | None = None  # by a create that replaces one

    def overlap(self, id_: str) -> None:
        """A write was under way with it."""
        if self.during is None:
            self.during = set()
        self.during.add(id_)


@dataclass(frozen=True, slots=True)
class Merged(Generic[Content]):
    """The recordings after a session, and the ids of those that it took out."""

    recordings: tuple[Recording[Content], ...]
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """How many of the recordings that a session captured are new, stand in the place of others, and
    say the same as what was there.
    """

    new: int
    replaced: int
    unchanged: int


# The writes of a session that are found at a cell, in the order of their ends: the tick and the id
# of each, and the sum of all up to it.
_Log = list[tuple[int, str, int]]


class Storing(Generic[Content]):
    """What a session captures, over the recordings of its cassette.

    Time is ticks: an arrival is one, the end of a write another, and no two are equal. `story` is
    the scope that captures get.
    """

    def __init__(self, pasts: Pasts[Content], story: str | None, rules: Rules[Content]) -> None:
        self._pasts = pasts
        self._story = story
        self._rules = rules
        self._captures: dict[int, _Capture[Content]] = {}  # by arrival
        self._by_id: dict[str, _Capture[Content]] = {}
        # An id that is missing must stay so: what needs it is never to be answered.
        self._ids = {*pasts.position, *pasts.missing()}
        self._numbers: dict[str, int] = {}  # the last suffix tried, by name
        self._written: set[str] = set()  # ids of writes that have ended
        self._log: dict[Cell, _Log] = {}
        # Old recordings that no capture replaces so far, by fingerprint, past and whether they were
        # received; and those that overlapped something.
        self._free: dict[tuple[Hashable, int, bool], list[int]] | None = None
        self._loose: dict[Hashable, list[int]] = {}
        self._expected: dict[int, tuple[tuple[Hashable, int, bool], int]] = {}  # by arrival
        self._promised: dict[int, str] = {}  # ids of captures to come, by arrival

    # ------------------------------------------------------------ writes

    def ended(self, tick: int, id_: str, access: Access) -> None:
        """The last byte of a write's answer is out: what arrives from here on has seen it."""
        if id_ in self._written:  # a program ran again
            return
        self._written.add(id_)
        for cell in access.cells:
            log = self._log.setdefault(cell, [])
            log.append((tick, id_, (log[-1][2] if log else 0) + weight(id_)))

    def sum(self, arrival: int, access: Access) -> int:
        """The sum of the past of a request: the price is the depth of its path."""
        if not access.has_state:
            return 0
        total = 0
        for cell in cells_over(access.scope):
            if log := self._log.get(cell):
                before = bisect_left(log, (arrival,))
                total += log[before - 1][2] if before else 0
        return total

    def past(self, arrival: int, access: Access) -> list[str]:
        """The covering writes that had ended when a request arrived, by their ends."""
        found: list[tuple[int, str]] = []
        for cell in cells_over(access.scope) if access.has_state else ():
            if log := self._log.get(cell):
                found += [(tick, id_) for tick, id_, _ in log[: bisect_left(log, (arrival,))]]
        return [id_ for _, id_ in sorted(found)]

    # ------------------------------------------------------------ captures

    def expect(self, arrival: int, fingerprint: Hashable, access: Access) -> int | None:
        """The position of the recording that a capture is to replace, which is kept for it."""
        key = fingerprint, self.sum(arrival, access), True
        queue = self._queues().get(key)
        if not queue:
            return None
        self._expected[arrival] = key, queue.pop(0)
        return self._expected[arrival][1]

    def promise(self, arrival: int, name: str) -> str:
        """The id that a capture to come will have, for what has seen that write already.

        It replaces nothing, for if no capture comes the id must be one that is missing, and what
        saw the write must not seem to have seen an older one.
        """
        self.forget(arrival)
        self._promised[arrival] = self.name(name)
        return self._promised[arrival]

    def forget(self, arrival: int) -> None:
        """What was kept for a capture is free again; harmless if nothing was."""
        self._promised.pop(arrival, None)
        expected = self._expected.pop(arrival, None)
        if expected is not None:
            key, at = expected
            insort(self._queues()[key], at)

    def take(
        self,
        arrival: int,
        recording: Recording[Content],
        overlapped: Collection[str],
        *,
        replaces: bool = True,
    ) -> Recording[Content]:
        """Take a capture in and return it as it will stand in the cassette, but for its past.

        The id that it comes with is the beginning of its id if it is new; `overlapped` are the ids
        of the calls, reads and writes, that were under way with it, as far as they have one.
        """
        promised = self._promised.pop(arrival, None)
        at = None
        if replaces and promised is None:
            at = self._replaced(arrival, recording, self.sum(arrival, recording.access))
        return self._enter(arrival, recording, overlapped, at, promised)

    def restore(
        self,
        arrival: int,
        recording: Recording[Content],
        overlapped: Collection[str],
        replaces: str | None,
    ) -> Recording[Content]:
        """Take a capture in again that a journal has kept, with the id that it got; `replaces` is
        the id of the recording that it replaced. Where that is gone it becomes a new one.
        """
        at = self._pasts.position.get(recording.id if replaces is None else replaces)
        if at is not None and replaces is None:  # it may have come into the file already
            there = self._pasts.recordings[at]
            said = there.fingerprint == recording.fingerprint
            same = said and self._rules.equal(there.content, recording.content)
            at = at if same and at not in self.replaced() else None
        return self._enter(arrival, recording, overlapped, at)

    def _enter(
        self,
        arrival: int,
        recording: Recording[Content],
        overlapped: Collection[str],
        at: int | None,
        promised: str | None = None,
    ) -> Recording[Content]:
        past = self.sum(arrival, recording.access)
        old = None if at is None else self._pasts.recordings[at]
        whole = old is not None and self._rules.equal(old.content, recording.content)
        if at is not None and old is not None and whole:
            taken, past = old, self._pasts.whole[at]
        elif old is not None:
            taken = replace(recording, id=old.id, scope=old.scope, after=None, during=())
        else:
            name = promised or self.name(recording.id)
            taken = replace(recording, id=name, scope=self._story, after=None, during=())
        during = set(taken.during) if taken.during else None
        made = None
        if old is not None and is_create(taken.access):
            made = self._rules.created(taken.access, taken.content)
        capture = _Capture(arrival, taken, past, at, whole, during, made)
        self._captures[arrival] = self._by_id[taken.id] = capture
        self._note_overlaps(capture, overlapped)
        return taken

    def let_go(self, id_: str, content: Content) -> None:
        """What a capture says is kept elsewhere; from here on this stands for it."""
        capture = self._by_id.get(id_)
        if capture is not None and not capture.whole:
            capture.recording = replace(capture.recording, content=content)

    def _note_overlaps(self, capture: _Capture[Content], overlapped: Collection[str]) -> None:
        mine = capture.recording
        for id_ in overlapped:
            other = self._by_id.get(id_)
            access = other.recording.access if other else self._pasts.access(id_)
            if access is None:
                continue
            received = other is None or other.recording.received
            if access.writes and received and not capture.whole and _sees(mine.access, access):
                capture.overlap(id_)
            theirs = other.recording.access if other and not other.whole else None
            if other and theirs and mine.counts and _sees(theirs, mine.access):
                other.overlap(mine.id)

    def _replaced(self, arrival: int, recording: Recording[Content], past: int) -> int | None:
        """The recording that a capture replaces: of equal past, or one that says the same and
        whose past is equal give or take what overlapped it.
        """
        queues = self._queues()
        if recording.received and arrival in self._expected:
            return self._expected.pop(arrival)[1]
        self.forget(arrival)
        queue = queues.get((recording.fingerprint, past, recording.received))
        if queue:
            return queue.pop(0)
        for at in self._loose.get(recording.fingerprint, ()):
            old = self._pasts.recordings[at]
            key = old.fingerprint, self._pasts.whole[at], old.received
            if (
                at in queues.get(key, ())
                and old.received == recording.received
                and self._rules.equal(old.content, recording.content)
                and self._pasts.ids(at) ^ set(self.past(arrival, recording.access))
                <= set(old.during)
            ):
                queues[key].remove(at)
                return at
        return None

    def _queues(self) -> dict[tuple[Hashable, int, bool], list[int]]:
        if self._free is None:
            self._free = {}
            for at, item in enumerate(self._pasts.recordings):
                if item.scope == self._story:
                    key = item.fingerprint, self._pasts.whole[at], item.received
                    self._free.setdefault(key, []).append(at)
                    if item.during:
                        self._loose.setdefault(item.fingerprint, []).append(at)
        return self._free

    def name(self, name: str) -> str:
        """A free id: the name, or with the first free number from 2 on."""
        free = name
        while free in self._ids:
            self._numbers[name] = self._numbers.get(name, 1) + 1
            free = f"{name}-{self._numbers[name]}"
        self._ids.add(free)
        return free

    @property
    def captured(self) -> bool:
        """Whether anything was taken in."""
        return bool(self._captures)

    @property
    def added(self) -> int:
        """How many recordings are new."""
        return sum(one.replaces is None for one in self._captures.values())

    @property
    def changes(self) -> Changes:
        """What the captures change."""
        unchanged = sum(one.whole for one in self._captures.values())
        new = self.added
        return Changes(new, len(self._captures) - new - unchanged, unchanged)

    def captures(self) -> Iterator[Recording[Content]]:
        """What was taken in, in no order."""
        return (capture.recording for capture in self._captures.values())

    def replaced(self) -> set[int]:
        """The positions of the recordings that were recorded again."""
        return {one.replaces for one in self._captures.values() if one.replaces is not None}

    # ------------------------------------------------------------ the cassette afterwards

    def merged(self) -> Merged[Content]:
        """The recordings as they stand now: nothing is taken out."""
        return self._write_down(set())

    def outcome(
        self,
        asked: Callable[[Hashable], bool],
        keeps: Callable[[int], bool],
        *,
        prune: Callable[[Hashable], bool],
    ) -> Merged[Content]:
        """As `merged`, at the end of a session that recorded anew.

        `asked` tells whether a request was asked for and all its answers were kept, `keeps` whether
        an old recording stays in any case, `prune` whether those of a request go if they were not
        recorded again.
        """
        gone = self._outdated(asked, keeps)
        recordings = self._pasts.recordings
        gone |= {at for at in self.not_recorded_again() if prune(recordings[at].fingerprint)}
        return self._write_down(gone)

    def not_recorded_again(self) -> list[int]:
        """The positions of the story's recordings that this session did not replace."""
        mine = self.replaced()
        recordings = self._pasts.recordings
        return [
            at for at, item in enumerate(recordings) if item.scope == self._story and at not in mine
        ]

    def pruned(self, positions: Iterable[int]) -> Merged[Content]:
        """As `merged`, without the recordings at some positions."""
        return self._write_down(set(positions))

    def _outdated(
        self, asked: Callable[[Hashable], bool], keeps: Callable[[int], bool]
    ) -> set[int]:
        """The older recordings that go: see "What `record` replaces" in `history.md`.

        Those that were asked for go, unless a recorded write that covers them was not asked for:
        they are another story. What lies below what a create made that is gone goes, and what saw
        a write that came out otherwise.
        """
        recordings = self._pasts.recordings
        others_of = self.not_recorded_again()
        lost = self._former()
        orphans: set[int] = set()
        while True:
            others = Tally()
            for at in others_of:
                item = recordings[at]
                if item.counts and at not in orphans and not asked(item.fingerprint):
                    others.add(item.access, weight(item.id))
            gone = orphans | {
                at
                for at in others_of
                if asked(recordings[at].fingerprint)
                and not keeps(at)
                and not (
                    recordings[at].access.has_state and others.over(recordings[at].access.scope)
                )
            }
            made = lost | self._made_by(gone)
            more = {at for at in others_of if _is_below(recordings[at].access.scope, made)}
            if more <= orphans:
                return gone | self._changed(others_of)
            orphans |= more

    def _former(self) -> set[Scope]:
        """What creates had made that came out anew."""
        found = set()
        for capture in self._captures.values():
            if capture.replaces is None or not is_create(capture.recording.access):
                continue
            old = self._pasts.recordings[capture.replaces]
            was = self._rules.created(old.access, old.content)
            if was is not None and was != capture.made:
                found.add(was)
        return found

    def _made_by(self, positions: Iterable[int]) -> set[Scope]:
        creates = (self._pasts.recordings[at] for at in positions)
        made = (
            self._rules.created(item.access, item.content)
            for item in creates
            if is_create(item.access)
        )
        return {scope for scope in made if scope is not None}

    def _changed(self, others: Iterable[int]) -> set[int]:
        """The older recordings whose past holds a write that came out with another answer."""
        changed = [
            capture.recording
            for capture in self._captures.values()
            if capture.replaces is not None and not capture.whole and capture.recording.counts
        ]
        seen = Tally()
        for item in changed:
            seen.add(item.access, weight(item.id))
        scopes = ((at, self._pasts.recordings[at].access.scope) for at in others)
        return {
            at
            for at, scope in scopes
            if seen.over(scope)
            and any(
                covers(item.access, scope) and self._pasts.holds(at, item.id) for item in changed
            )
        }

    def _write_down(self, gone: set[int]) -> Merged[Content]:
        """All that stays, with what is new at the end, in the order of arrival; `after` is written
        where file order would say another past than it is.
        """
        olds = self._pasts.recordings
        new = {one.replaces: one for one in self._captures.values() if one.replaces is not None}
        dropped = frozenset(olds[at].id for at in gone)
        items = [
            self._standing(item, new.get(at), dropped)
            for at, item in enumerate(olds)
            if at not in gone
        ]
        fresh = sorted(
            (one.arrival, one) for one in self._captures.values() if one.replaces is None
        )
        items += [self._standing(one.recording, one, dropped) for _, one in fresh]
        order = Pasts([_plain(item) for item in items])

        def before(id_: str) -> Iterable[str]:
            at = order.position.get(id_)
            return () if at is None else self._past_of(items[at], dropped)

        def newest_first(id_: str) -> int:
            return -order.position.get(id_, len(order.position))

        def written(item: Recording[Content]) -> Recording[Content]:
            past = self._past_of(item, dropped)
            return replace(item, after=latest(past, newest_first, before))

        known = [self._sum_of(item, dropped) for item in items]
        for at, item in enumerate(items):
            if item.after is None and order.whole[at] != known[at]:
                items[at] = written(item)
        # What stood there says the same as before, unless something on the way is gone.
        said = Pasts(items) if dropped else None
        for at, item in enumerate(items):
            if said is not None and item.after is not None and said.whole[at] != known[at]:
                items[at] = _plain(item) if order.whole[at] == known[at] else written(item)
        return Merged(tuple(items), tuple(olds[at].id for at in sorted(gone)))

    def _standing(
        self,
        item: Recording[Content],
        capture: _Capture[Content] | None,
        dropped: Collection[str],
    ) -> Recording[Content]:
        """What stands in the file for something, with what overlapped it."""
        if capture is not None and not capture.whole:
            item = replace(capture.recording, during=tuple(sorted(capture.during or ())))
        if dropped and any(id_ in dropped for id_ in item.during):
            item = replace(item, during=tuple(id_ for id_ in item.during if id_ not in dropped))
        return item

    def _sum_of(self, item: Recording[Content], dropped: Collection[str]) -> int:
        """The sum of the past that something has, whatever the file says of it."""
        capture = self._by_id.get(item.id)
        past = capture.past if capture else self._pasts.whole[self._pasts.position[item.id]]
        return past - sum(weight(id_) for id_ in self._siblings(item, dropped))

    def _past_of(self, item: Recording[Content], dropped: Collection[str]) -> set[str]:
        """The same as ids."""
        return self._ids_of(item) - set(self._siblings(item, dropped))

    def _ids_of(self, item: Recording[Content]) -> set[str]:
        capture = self._by_id.get(item.id)
        if capture is None or capture.whole:
            return set(self._pasts.ids(self._pasts.position[item.id]))
        return set(self.past(capture.arrival, item.access))

    def _siblings(self, item: Recording[Content], dropped: Collection[str]) -> list[str]:
        """Of what goes, the writes in a create's past that change nothing above it."""
        if not dropped or not is_create(item.access):
            return []
        scope = item.access.scope
        found = []
        for id_ in dropped:
            access = self._pasts.access(id_)
            if access is not None and covers(access, scope) and not changes(access, scope):
                found.append(id_)
        return [id_ for id_ in found if id_ in self._ids_of(item)] if found else []


def _sees(access: Access, write: Access) -> bool:
    return access.has_state and covers(write, access.scope)


def _plain(item: Recording[Content]) -> Recording[Content]:
    return item if item.after is None else replace(item, after=None)


def _is_below(scope: Scope, made: Collection[Scope]) -> bool:
    return any(scope[:length] in made for length in range(1, len(scope) + 1))


def pruned(
    recordings: Sequence[Recording[Content]], ids: Collection[str], rules: Rules[Content]
) -> tuple[Recording[Content], ...]:
    """The recordings less some; what stays keeps its past (but for a create's siblings)."""
    pasts = Pasts(recordings)
    gone = [pasts.position[id_] for id_ in ids if id_ in pasts.position]
    return Storing(pasts, None, rules).pruned(gone).recordings


# ---------------------------------------------------------------- interactions

Recorded = Recording[Redacted[Interaction]]


def recording(
    interaction: Redacted[Interaction], fingerprint: Hashable, access: Access
) -> Recorded:
    """An interaction as history looks at it."""
    value = interaction.value
    return Recording(
        value.id,
        fingerprint,
        access,
        interaction,
        value.scope,
        value.after,
        value.during,
        received=not value.never_served,
    )


Kept = Callable[[], Redacted[Interaction]]  # reads what is kept elsewhere


class Interactions(Sequence[Redacted[Interaction]]):
    """The interactions of recordings, each with its id and what it says of its past; what is kept
    elsewhere is read whenever it is asked for.
    """

    def __init__(self, recordings: Sequence[Recorded]) -> None:
        self._recordings = recordings

    def __len__(self) -> int:
        """How many there are."""
        return len(self._recordings)

    @overload
    def __getitem__(self, at: int) -> Redacted[Interaction]: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Redacted[Interaction]]: ...
    def __getitem__(
        self, at: int | slice
    ) -> Redacted[Interaction] | Sequence[Redacted[Interaction]]:
        """One of them, or some."""
        if isinstance(at, slice):
            return Interactions(self._recordings[at])
        return interaction_of(self._recordings[at])


def interactions(recordings: Sequence[Recorded]) -> Sequence[Redacted[Interaction]]:
    """The interactions of recordings: all in hand, if none is kept elsewhere."""
    if any(callable(item.content) for item in recordings):
        return Interactions(recordings)
    return tuple(map(interaction_of, recordings))


def interaction_of(item: Recorded) -> Redacted[Interaction]:
    """The interaction of a recording, with its id and what it says of its past."""
    content = item.content() if callable(item.content) else item.content
    value = content.value
    said = value.id, value.after, value.during, value.scope
    if said == (item.id, item.after, item.during, item.scope):
        return content
    return placed(content, item.id, after=item.after, during=item.during, scope=item.scope)


def _equal(old: Redacted[Interaction], new: Redacted[Interaction]) -> bool:
    was, came = old.value.response, new.value.response
    return (
        was.status == came.status
        and was.body == came.body
        and _lasting(was.headers) == _lasting(came.headers)
    )


def _lasting(headers: Headers) -> list[tuple[str, str]]:
    # Fields of different names have no order; lines of one field have.
    lasting = ((name.lower(), value) for name, value in drop(headers, Trait.VOLATILE))
    return sorted(lasting, key=itemgetter(0))


def created(access: Access, interaction: Redacted[Interaction]) -> Scope | None:
    """The resource that a create's answer names: the thread, where a run came with its thread."""
    if access.listed is None or not is_create(access):
        return None
    response = interaction.value.response
    try:
        body = orjson.loads(response.body) if response.status < 300 else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    with_run = access.listed == ("threads",) and body.get("object") == "thread.run"
    name = body.get("thread_id" if with_run else "id")
    return (*access.listed, name) if isinstance(name, str) else None


RULES: Rules[Redacted[Interaction]] = Rules(equal=_equal, created=created)
