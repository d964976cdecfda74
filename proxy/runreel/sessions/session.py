"""Which recordings of a cassette a session has had, and whose turn is next.

Owns the index, the cursors and the epochs: equal requests have the recordings in order, and a read
only those that stand after as many writes covering it as were played. Knows nothing of modes, and
never asks what a recording says.

One user of a cassette: which recordings were played, and what was captured.

Owns the order of arrival and what comes of each request: `arrive`, `ask`, `give_back`, `keep`,
`merged`. Decides by the row of its mode and never looks at the mode itself. Never awaits, knows no
store and no upstream; its caller sees to it that calls do not overlap (one event loop does).
"""

from bisect import insort
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from runreel.cassettes.journal import Pending
from runreel.cassettes.merge import Entry, merge
from runreel.errors import Unredactable
from runreel.http.messages import Interaction, Request
from runreel.matching.matchers import Fingerprint, fingerprint
from runreel.matching.near_miss import EXHAUSTED, NO_MATCH, Candidate, Miss, nearest_to
from runreel.matching.resources import UNRELATED, Access, Writes, access_of, covers
from runreel.redaction.redactor import Redacted, Redaction, request_of
from runreel.sessions.modes import Action, Decision

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


REPEATS_IN_A_ROW_MAX = (
    1_000  # of one recording: a client that pages for ever asks 1,500 times a second
)
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a request: `hit` for SERVE and COMPARE, `miss` for REFUSE, else neither.

    `arrival` and `fingerprint` come back to the session with `give_back` and `keep`;
    `counterpart` is the position of the recording that a capture would replace, `turn` how many
    requests like this one were captured with it.
    """

    action: Action
    arrival: int
    fingerprint: Fingerprint
    access: Access
    turn: int
    hit: Redacted[Interaction] | None = None
    miss: Miss | None = None
    counterpart: int | None = None


class Session:
    """The state of one session over the interactions of one cassette."""

    def __init__(
        self,
        interactions: Iterable[Redacted[Interaction]],
        decision: Decision,
        match_on: tuple[str, ...],
        redaction: Redaction,
        *,
        repeat_last: bool = False,
        allow_regress: bool = False,
        prune: bool = False,
        barriers: bool = True,
    ) -> None:
        self.match_on = match_on
        self.decision = decision
        self._plays = decision.plays
        self._repeat_last = repeat_last and self._plays
        self._allow_regress = allow_regress
        self._prune = prune
        self._barriers = barriers
        self._old = tuple(self._entry(item, redaction) for item in interactions)
        self._cursors = Cursors(self._old)
        self._told: dict[int, int] = {}  # what captures say of the cursors, for a journal
        self._untold: set[int] = set()  # arrivals
        self._arrivals = 0
        self._turns: Counter[Fingerprint] = Counter()
        self._turn_at: dict[int, Fingerprint] = {}  # by arrival
        self._asked: Counter[Fingerprint] = Counter()  # to capture
        self._captures: dict[int, Entry] = {}  # by arrival
        self._repeating: tuple[Key, int] | None = None

    def _entry(self, item: Redacted[Interaction], redaction: Redaction) -> Entry:
        # Today's rules on both sides: a hand-written cassette is compared as live traffic is.
        try:
            recorded = redaction.request(request_of(item).value)
        except Unredactable as error:
            raise Unredactable(f"the recording {item.value.id} cannot be used: {error}") from None
        return Entry(fingerprint(recorded, self.match_on), item, self._access(recorded))

    def _access(self, request: Redacted[Request]) -> Access:
        return access_of(request.value) if self._barriers else UNRELATED

    def arrive(self) -> int:
        """A place in the order of arrival; take it before the request's body is awaited."""
        self._arrivals += 1
        return self._arrivals

    def ask(self, arrival: int, request: Redacted[Request]) -> Verdict:
        """What to do with a request. A hit counts as played from here on."""
        print_ = fingerprint(request, self.match_on)
        access = self._access(request)
        key = self._cursors.key(arrival, print_, access)
        # Live is better than a recording of another state; where nothing is played, all is live.
        outdated = self._plays and self._cursors.outdated(arrival, access)
        position = None if outdated else self._next(key)
        action = self.decision.on_miss if position is None else self.decision.on_hit
        if self._repeating == (key, REPEATS_IN_A_ROW_MAX) and position is None:
            action = Action.REFUSE  # whatever the mode: a client in a loop must not go live in it
        turn = self._turns[print_] + 1
        verdict = Verdict(action, arrival, print_, access, turn)
        if action is Action.REFUSE:
            return replace(verdict, miss=self._miss(key))
        if action is Action.FORWARD and not self._plays:
            return verdict
        if action is Action.CAPTURE:
            self._asked[print_] += 1
            self._turns[print_] = turn
            self._turn_at[arrival] = print_
        if position is None:
            if access.writes:
                self._cursors.note(arrival, access)
            return verdict
        self._cursors.take(arrival, position)
        self._untold.add(arrival)
        if self._plays:
            return replace(verdict, hit=self._old[position].interaction)
        return replace(verdict, counterpart=position)

    def give_back(self, verdict: Verdict) -> None:
        """Undo what `ask` did for a client that left before it saw anything, or for a call to the
        upstream that had no answer: the next equal request finds all as this one did. A second
        time is harmless.
        """
        arrival = verdict.arrival
        print_ = self._turn_at.pop(arrival, None)
        if print_ is not None:
            self._turns[print_] -= 1
        self._untold.add(arrival)
        self._cursors.give_back(arrival)

    def regresses(self, verdict: Verdict, status: int) -> bool:
        """Whether keeping an answer of this status would replace a good recording by "gone".

        Good ones are its counterpart and, if it is recorded in other states only, the one whose
        turn it is regardless of state: an upstream that is gone has no states.
        """
        if self._allow_regress or status not in _GONE or self._plays:
            return False
        replaceable = {verdict.counterpart, self._cursors.nth(verdict.fingerprint, verdict.turn)}
        return any(at is not None and _good(self._old[at]) for at in replaceable)

    def keep(self, verdict: Verdict, interaction: Redacted[Interaction]) -> Pending:
        """Take a captured interaction in; it shows in `merged` from here on.

        It replaces its counterpart unless that was given back. What comes back is for a journal,
        from which a crash can be mended.
        """
        arrival = verdict.arrival
        self._captures[arrival] = Entry(verdict.fingerprint, interaction, verdict.access)
        played = self._tell(arrival)
        position = self._cursors.taken.get(arrival)
        replaces = None if position is None else self._id(position)
        return Pending(arrival, interaction, replaces, played, self._barriers)

    def _tell(self, capturing: int) -> tuple[tuple[int, str | None], ...]:
        """What became of the cursors since the last capture; None is for what was given back."""
        changed = []
        for arrival in sorted(self._untold):
            was, position = self._told.pop(arrival, None), self._cursors.taken.get(arrival)
            if position is not None:
                self._told[arrival] = position
            if position != was and arrival != capturing:
                changed.append((arrival, None if position is None else self._id(position)))
        self._untold.clear()
        return tuple(changed)

    def merged(self, *, final: bool = False) -> tuple[Redacted[Interaction], ...]:
        """The cassette's interactions as they stand now.

        At the end (`final`) old recordings go whose request was asked again fewer times than they
        stand there, if every answer was kept; with `prune` also those nobody asked for. Until then
        it is what a crash would leave.
        """
        dropped = self._superseded() if final else frozenset()
        taken = self._cursors.taken if final else self._told
        entries = merge(self._old, self._captures, taken, dropped)
        return tuple(entry.interaction for entry in entries)

    @property
    def captured(self) -> bool:
        """Whether the session has anything to write."""
        return bool(self._captures)

    def unplayed(self) -> tuple[str, ...]:
        """Ids that have not been played; nothing in a session that does not play recordings."""
        return self._ids(self._cursors.unplayed()) if self._plays else ()

    def not_rerecorded(self) -> tuple[str, ...]:
        """Ids that a recording session was not asked for."""
        return self._ids(sorted(self._unasked()))

    def _unasked(self) -> frozenset[int]:
        if self.decision.on_hit is not Action.CAPTURE:
            return frozenset()
        return frozenset(
            at for at, entry in enumerate(self._old) if not self._asked[entry.fingerprint]
        )

    def _superseded(self) -> frozenset[int]:
        if self.decision.on_hit is not Action.CAPTURE:
            return frozenset()
        kept = Counter(
            capture.fingerprint for capture in self._captures.values() if not capture.gone
        )
        # One that failed, or that nobody received, keeps all: nothing good may be lost.
        whole = {print_ for print_, asked in self._asked.items() if asked == kept[print_]}
        retired = frozenset(
            capture.fingerprint
            for capture in self._captures.values()
            if capture.interaction.value.response.status in _GONE and not self._allow_regress
        )
        fewer = frozenset(
            at
            for at, entry in enumerate(self._old)
            if entry.fingerprint in whole
            and not self._cursors.played(at)
            and not (entry.fingerprint in retired and _good(entry))
        )
        return fewer | (self._unasked() if self._prune else frozenset())

    def _id(self, position: int) -> str:
        return self._old[position].interaction.value.id

    def _ids(self, positions: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._id(at) for at in positions)

    def _next(self, key: Key) -> int | None:
        """The position of the recording whose turn it is, or None; counts repeats in a row."""
        position = self._cursors.next(key)
        last = self._cursors.last(key) if self._repeat_last else None
        if position is not None or last is None:
            self._repeating = None
            return position
        before = self._repeating[1] if self._repeating and self._repeating[0] == key else 0
        if before >= REPEATS_IN_A_ROW_MAX:
            return None
        self._repeating = (key, before + 1)
        return last

    def _miss(self, key: Key) -> Miss:
        if self._repeating is None and (found := self._cursors.elsewhere(key)):
            at, writes = found
            return Miss(
                EXHAUSTED,
                self._candidate(at),
                barriers=tuple(self._candidate(at) for at in writes),
            )
        code = EXHAUSTED if self._cursors.recorded(key[0]) else NO_MATCH
        repeated = self._repeating[1] if self._repeating else 0
        return replace(nearest_to(key[0], code, self.candidates()), repeated=repeated)

    def candidates(self) -> Iterator[Candidate]:
        """The recordings that a request is compared with; not those that nobody received."""
        return (self._candidate(at) for at, entry in enumerate(self._old) if not entry.gone)

    def _candidate(self, at: int) -> Candidate:
        entry = self._old[at]
        return Candidate(entry.fingerprint, entry.interaction, played=self._cursors.played(at))


def _good(entry: Entry) -> bool:
    return entry.interaction.value.response.status < 300
