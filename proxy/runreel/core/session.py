"""One user of a cassette: which recordings were played, and what was captured.

Owns the index, the cursors and the order of arrival: `arrive`, `ask`, `give_back`, `keep`,
`merged`. Decides by the row of its mode and never looks at the mode itself. Never awaits, knows no
store and no upstream; its caller sees to it that calls do not overlap (one event loop does).
"""

from bisect import bisect_left, insort
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from runreel.core.errors import Unredactable
from runreel.core.facets import Fingerprint, fingerprint
from runreel.core.journal import Pending
from runreel.core.merging import Entry, merge
from runreel.core.messages import Interaction, Request
from runreel.core.misses import EXHAUSTED, NO_MATCH, Candidate, Miss, nearest_to
from runreel.core.modes import Action, Decision
from runreel.core.redaction import Redacted, Redaction, request_of

REPEATS_IN_A_ROW_MAX = (
    1_000  # of one recording: a client that pages for ever asks 1,500 times a second
)
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a request: `hit` for SERVE, `miss` for REFUSE, neither needed for the rest.

    `arrival` and `fingerprint` come back to the session with `give_back` and `keep`;
    `counterpart` is the position of the recording that a capture would replace.
    """

    action: Action
    arrival: int
    fingerprint: Fingerprint
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
    ) -> None:
        self.match_on = match_on
        self.decision = decision
        self._repeat_last = repeat_last and decision.on_hit is Action.SERVE
        self._allow_regress = allow_regress
        self._prune = prune
        self._old = tuple(self._entry(item, redaction) for item in interactions)
        self._queues: dict[Fingerprint, list[int]] = {}
        for position, entry in enumerate(self._old):
            if not _gone(entry):
                self._queues.setdefault(entry.fingerprint, []).append(position)
        # Positions that are neither played nor to be replaced yet, in recorded order.
        self._untaken = {print_: deque(queue) for print_, queue in self._queues.items()}
        self._taken: dict[int, int] = {}  # by arrival
        self._taken_at: list[int] = []  # its keys in order
        self._places: dict[int, int] = {}  # what captures replace or follow, by arrival
        self._arrivals = 0
        self._asked: Counter[Fingerprint] = Counter()  # to capture
        self._captures: dict[int, Entry] = {}  # by arrival
        self._repeating: tuple[Fingerprint, int] | None = None

    def _entry(self, item: Redacted[Interaction], redaction: Redaction) -> Entry:
        # Today's rules on both sides: a hand-written cassette is compared as live traffic is.
        try:
            recorded = redaction.request(request_of(item).value)
        except Unredactable as error:
            raise Unredactable(f"the recording {item.value.id} cannot be used: {error}") from None
        return Entry(fingerprint(recorded, self.match_on), item)

    def arrive(self) -> int:
        """A place in the order of arrival; take it before the request's body is awaited."""
        self._arrivals += 1
        return self._arrivals

    def ask(self, arrival: int, request: Redacted[Request]) -> Verdict:
        """What to do with a request. A recording that is served counts as played from here on."""
        print_ = fingerprint(request, self.match_on)
        position = self._next(print_)
        action = self.decision.on_miss if position is None else self.decision.on_hit
        if self._repeating == (print_, REPEATS_IN_A_ROW_MAX) and position is None:
            action = Action.REFUSE  # whatever the mode: a client in a loop must not go live in it
        if action is Action.REFUSE:
            return Verdict(action, arrival, print_, miss=self._miss(print_))
        if action is Action.CAPTURE:
            self._asked[print_] += 1
        if position is None:
            return Verdict(action, arrival, print_)
        self._taken[arrival] = position
        insort(self._taken_at, arrival)
        if action is Action.SERVE:
            return Verdict(action, arrival, print_, hit=self._old[position].interaction)
        return Verdict(action, arrival, print_, counterpart=position)

    def give_back(self, verdict: Verdict) -> None:
        """Free the recording of a client that left before it saw anything, or of a call to the
        upstream that had no answer: the next equal request has it again. A second time is harmless.
        """
        position = self._taken.pop(verdict.arrival, None)
        if position is not None:
            self._taken_at.remove(verdict.arrival)
        if position is not None and position not in self._taken.values():
            insort(self._untaken[verdict.fingerprint], position)

    def regresses(self, verdict: Verdict, status: int) -> bool:
        """Whether keeping an answer of this status would replace a good recording by "gone"."""
        if verdict.counterpart is None or self._allow_regress or status not in _GONE:
            return False
        return self._old[verdict.counterpart].interaction.value.response.status < 300

    def keep(self, verdict: Verdict, interaction: Redacted[Interaction]) -> Pending:
        """Take a captured interaction in; it shows in `merged` from here on.

        It replaces its counterpart unless that was given back. What comes back is for a journal,
        from which a crash can be mended.
        """
        self._captures[verdict.arrival] = Entry(verdict.fingerprint, interaction)
        last = bisect_left(self._taken_at, verdict.arrival) - 1
        after = self._place(self._taken_at[last]) if last >= 0 else None
        self._places.pop(verdict.arrival, None)  # it may have been given back since
        replaces = self._place(verdict.arrival)
        return Pending(verdict.arrival, interaction, replaces[1] if replaces else None, after)

    def merged(self, *, final: bool = False) -> tuple[Redacted[Interaction], ...]:
        """The cassette's interactions as they stand now.

        At the end (`final`) old recordings go whose request was asked again fewer times than they
        stand there, if every answer was kept; with `prune` also those nobody asked for.
        """
        dropped = self._superseded() if final else frozenset()
        entries = merge(self._old, self._captures, self._places, dropped)
        return tuple(entry.interaction for entry in entries)

    @property
    def captured(self) -> bool:
        """Whether the session has anything to write."""
        return bool(self._captures)

    def unplayed(self) -> tuple[str, ...]:
        """Ids that a serving session has not played; nothing when recordings are not served."""
        if self.decision.on_hit is not Action.SERVE:
            return ()
        played = set(self._taken.values())
        return self._ids(
            at for at, entry in enumerate(self._old) if at not in played and not _gone(entry)
        )

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
            capture.fingerprint for capture in self._captures.values() if not _gone(capture)
        )
        # One that failed, or that nobody received, keeps all: nothing good may be lost.
        whole = {print_ for print_, asked in self._asked.items() if asked == kept[print_]}
        taken = set(self._taken.values())
        fewer = frozenset(
            at
            for at, entry in enumerate(self._old)
            if entry.fingerprint in whole and at not in taken
        )
        return fewer | (self._unasked() if self._prune else frozenset())

    def _place(self, arrival: int) -> tuple[int, str] | None:
        """The recording that was taken at an arrival, by id; from now on it places captures."""
        position = self._taken.get(arrival)
        if position is None:
            return None
        self._places[arrival] = position
        return arrival, self._old[position].interaction.value.id

    def _ids(self, positions: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._old[at].interaction.value.id for at in positions)

    def _next(self, print_: Fingerprint) -> int | None:
        """The position of the recording whose turn it is, or None; counts repeats in a row."""
        untaken = self._untaken.get(print_)
        if untaken:
            self._repeating = None
            return untaken.popleft()
        if untaken is None or not self._repeat_last:
            self._repeating = None
            return None
        before = self._repeating[1] if self._repeating and self._repeating[0] == print_ else 0
        if before >= REPEATS_IN_A_ROW_MAX:
            return None
        self._repeating = (print_, before + 1)
        return self._queues[print_][-1]

    def _miss(self, print_: Fingerprint) -> Miss:
        played = set(self._taken.values())
        candidates = (
            Candidate(entry.fingerprint, entry.interaction, played=at in played)
            for at, entry in enumerate(self._old)
            if not _gone(entry)
        )
        code = EXHAUSTED if print_ in self._queues else NO_MATCH
        repeated = self._repeating[1] if self._repeating else 0
        return replace(nearest_to(print_, code, candidates), repeated=repeated)


def _gone(entry: Entry) -> bool:
    """Whether nobody received its answer: it is kept, but never played."""
    return entry.interaction.value.client_gone
