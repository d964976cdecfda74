"""Which recordings of a cassette a session has had, and whose turn is next.

Owns the index, the cursors and the epochs: equal requests have the recordings in order, and a read
only those that stand after as many writes covering it as were played. Knows nothing of modes, and
never asks what a recording says.
"""

from bisect import insort
from collections import Counter, deque
from collections.abc import Sequence

from runreel.core.facets import Fingerprint
from runreel.core.filing import Entry
from runreel.core.resources import Access, Writes, covers

Key = tuple[Fingerprint, int]  # equal requests in one epoch; writes are all in epoch 0


class Cursors:
    """The cursors of one session over the entries of one cassette, by their positions."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._keys: dict[int, Key] = {}  # by position; none for what is never played
        self._queues: dict[Key, list[int]] = {}
        self._by_print: dict[Fingerprint, list[int]] = {}
        recorded = Writes()
        for at, entry in enumerate(entries):
            if entry.gone:
                continue
            writes = entry.access.writes
            epoch = 0 if writes else recorded.before((at,), entry.access)
            if writes:
                recorded.add((at,), entry.access)
            self._keys[at] = entry.fingerprint, epoch
            self._queues.setdefault(self._keys[at], []).append(at)
            self._by_print.setdefault(entry.fingerprint, []).append(at)
        self._untaken = {key: deque(queue) for key, queue in self._queues.items()}
        self.taken: dict[int, int] = {}  # positions by arrival
        self._holders: Counter[int] = Counter()  # arrivals by position
        self._writes = Writes()  # of this session, by arrival
        self._new = Writes()  # those of them that have no recording
        self._new_by_arrival: dict[int, Access] = {}
        self._counted: dict[int, int] = {}  # arrivals of played writes by position

    def key(self, arrival: int, print_: Fingerprint, access: Access) -> Key:
        """The queue in which the answer to a request stands."""
        return print_, 0 if access.writes else self._writes.before((arrival,), access)

    def outdated(self, arrival: int, access: Access) -> bool:
        """Whether a write that has no recording came before a read: no recording can answer it."""
        return not access.writes and self._new.before((arrival,), access) > 0

    def next(self, key: Key) -> int | None:
        """The first recording of a queue that is not taken; it must be taken at once."""
        untaken = self._untaken.get(key)
        return untaken.popleft() if untaken else None

    def last(self, key: Key) -> int | None:
        """The last recording of a queue."""
        queue = self._queues.get(key)
        return queue[-1] if queue else None

    def nth(self, print_: Fingerprint, number: int) -> int | None:
        """The n-th recording of a request, counted from 1 and whatever its epoch."""
        found = self._by_print.get(print_, [])
        return found[number - 1] if number <= len(found) else None

    def take(self, arrival: int, position: int) -> None:
        """Count a recording as played, or as to be replaced, at an arrival."""
        self.taken[arrival] = position
        self._holders[position] += 1
        access = self._entries[position].access
        if access.writes and position not in self._counted:
            self._counted[position] = arrival
            self._writes.add((arrival,), access)

    def note(self, arrival: int, access: Access) -> None:
        """Count a write that has no recording."""
        self._new_by_arrival[arrival] = access
        for writes in (self._writes, self._new):
            writes.add((arrival,), access)

    def give_back(self, arrival: int) -> None:
        """Undo what was taken or noted at an arrival; harmless if nothing was."""
        access = self._new_by_arrival.pop(arrival, None)
        if access is not None:
            for writes in (self._writes, self._new):
                writes.remove((arrival,), access)
        position = self.taken.pop(arrival, None)
        if position is None:
            return
        self._holders[position] -= 1
        if self.played(position):
            return
        insort(self._untaken[self._keys[position]], position)
        if position in self._counted:
            at = self._counted.pop(position)
            self._writes.remove((at,), self._entries[position].access)

    def played(self, position: int) -> bool:
        """Whether some arrival has it."""
        return self._holders[position] > 0

    def unplayed(self) -> list[int]:
        """What could still be played, in order."""
        return [at for at in self._keys if not self.played(at)]

    def elsewhere(self, key: Key) -> tuple[int, list[int]] | None:
        """The unplayed recording of a request that is nearest in epoch, with the writes that keep
        it from being played: those that should have been played before it, or else those that were
        played though they stand behind it. None if every recording of the request was played.
        """
        print_, epoch = key
        left = [at for at in self._by_print.get(print_, ()) if not self.played(at)]
        if not left:
            return None
        ahead = [at for at in left if self._keys[at][1] > epoch]
        found = ahead[0] if ahead else left[-1]
        read = self._entries[found].access
        sides = range(found) if ahead else range(found + 1, len(self._entries))
        writes = [
            at
            for at in sides
            if at in self._keys
            and covers(self._entries[at].access, read)
            and self.played(at) is not bool(ahead)
        ]
        return found, writes

    def recorded(self, print_: Fingerprint) -> bool:
        """Whether there is any recording of a request."""
        return print_ in self._by_print
