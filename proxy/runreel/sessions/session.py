"""One user of a cassette: what it was answered, and what was captured.

Owns the way from interactions to `session_history` and back: fingerprints, verdicts, misses, what a
session that recorded may not replace. Decides by the row of its mode and never looks at the mode
itself. Never awaits, knows no store and no upstream; its caller sees to it that calls do not
overlap (one event loop does).
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

from runreel.cassettes.history import Recording
from runreel.cassettes.journal import Pending
from runreel.cassettes.merge import (
    RULES,
    Recorded,
    interaction_of,
    interactions,
    recording,
)
from runreel.errors import Unredactable
from runreel.http.messages import Interaction, Request
from runreel.matching.matchers import Fingerprint, fingerprint
from runreel.matching.near_miss import (
    ANOTHER_STORY,
    EXHAUSTED,
    NO_MATCH,
    Candidate,
    Miss,
    Unmet,
    nearest_to,
)
from runreel.matching.resources import Access, access_of
from runreel.redaction.redactor import Redacted, Redaction, request_of
from runreel.sessions.modes import Action, Decision
from runreel.sessions.playing import Shortfall
from runreel.sessions.session_history import PLAYS_ONCE, Manner, SessionHistory

_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do with a request: `hit` for SERVE and COMPARE, `miss` for REFUSE, else neither. One
    that `waits` is asked again, and nothing else of it counts.

    `arrival` and `fingerprint` come back to the session with `keep`; `counterpart` is the position
    of the recording that a capture would replace, `turn` how many requests like this one were
    captured with it. `unstored` says why an answer is passed on but not kept, if it is not.
    """

    action: Action
    arrival: int
    fingerprint: Fingerprint
    access: Access
    hit: Redacted[Interaction] | None = None
    miss: Miss | None = None
    counterpart: int | None = None
    turn: int = 0
    waits: bool = False
    unstored: str | None = None


_OTHER_STATE = (
    "the cassette ends in another state than this session has come to, so that the answer would "
    "stand in the wrong place; record this scenario anew, or under a name of its own"
)


class Session:
    """The state of one session over the interactions of one cassette.

    `scope` is the name of the story that it tells: its captures carry it, and it is answered from
    its own recordings if there are any.
    """

    def __init__(
        self,
        interactions: Iterable[Redacted[Interaction]],
        decision: Decision,
        match_on: tuple[str, ...],
        redaction: Redaction,
        *,
        manner: Manner = PLAYS_ONCE,
        scope: str | None = None,
        allow_regress: bool = False,
        prune: bool = False,
    ) -> None:
        self.match_on = match_on
        self.decision = decision
        self._manner = manner
        self._allow_regress = allow_regress
        self._prune = prune
        self._old = tuple(self._recording(item, redaction) for item in interactions)
        self._history = SessionHistory(self._old, decision, RULES, scope=scope, manner=manner)
        self._asked: Counter[Hashable] = Counter()  # to capture
        self._kept: Counter[Hashable] = Counter()
        self._retired: set[Fingerprint] = set()  # that were answered 404 or 410
        self._like: dict[Fingerprint, list[int]] = {}
        for at, item in enumerate(self._old if not decision.plays else ()):
            if item.scope == self._history.story:
                self._like.setdefault(_print(item), []).append(at)
        self._captured = 0
        self._turns: Counter[Fingerprint] = Counter()
        self._turn_at: dict[int, Fingerprint] = {}  # by arrival, of calls under way

    def _recording(self, item: Redacted[Interaction], redaction: Redaction) -> Recorded:
        # Today's rules on both sides: a hand-written cassette is compared as live traffic is.
        try:
            recorded = redaction.request(request_of(item).value)
        except Unredactable as error:
            raise Unredactable(f"the recording {item.value.id} cannot be used: {error}") from None
        return recording(item, fingerprint(recorded, self.match_on), access_of(recorded.value))

    def arrive(self) -> int:
        """A place in the order of arrival; take it before the request's body is awaited."""
        return self._history.arrive()

    def ask(
        self,
        arrival: int,
        request: Redacted[Request],
        *,
        may_wait: bool = False,
        others_at_work: bool = False,
    ) -> Verdict:
        """What to do with a request; see `SessionHistory.ask` for waiting."""
        print_ = fingerprint(request, self.match_on)
        access = access_of(request.value)
        ruling = self._history.ask(
            arrival, print_, access, may_wait=may_wait, others_at_work=others_at_work
        )
        verdict = Verdict(ruling.action, arrival, print_, access, waits=ruling.waits)
        if ruling.waits:
            return verdict
        if ruling.action is Action.REFUSE:
            miss = self._miss(print_, access, looping=ruling.looping)
            code = ANOTHER_STORY if ruling.another_story else miss.code
            return replace(verdict, miss=replace(miss, code=code))
        if ruling.action is Action.CAPTURE:
            self._asked[print_] += 1
            self._turns[print_] += 1
            self._turn_at[arrival] = print_
        if ruling.position is not None and self.decision.plays:
            return replace(verdict, hit=self._old[ruling.position].content)
        unstored = _OTHER_STATE if ruling.unstored else None
        turn = self._turns[print_]
        return replace(verdict, counterpart=ruling.position, turn=turn, unstored=unstored)

    def pass_on(self, arrival: int, request: Request) -> None:
        """A request goes to the upstream that can be compared with nothing: it has a secret that
        cannot be taken out.
        """
        self._history.pass_on(arrival, access_of(request))

    def holds_back(self, arrival: int, *, may_wait: bool) -> bool:
        """Whether an answer should not go out yet: see `SessionHistory.holds_back`."""
        return self._history.holds_back(arrival, may_wait=may_wait)

    def began(self, arrival: int) -> None:
        """The first byte of an answer was passed on: what answered counts as played."""
        self._history.began(arrival)

    def ended(self, arrival: int) -> None:
        """The last byte of an answer was passed on; a second time is harmless."""
        self._history.ended(arrival)
        self._turn_at.pop(arrival, None)

    def give_back(self, arrival: int) -> None:
        """Undo what `ask` did for a client that left before it saw anything, or for a call to the
        upstream that had no answer: the next equal request finds all as this one did. A second
        time is harmless.
        """
        self._history.give_back(arrival)
        self._free_turn(arrival)

    def _free_turn(self, arrival: int) -> None:
        print_ = self._turn_at.pop(arrival, None)
        if print_ is not None:
            self._turns[print_] -= 1

    def release(self, arrival: int) -> None:
        """As `give_back`, for a call that is still under way: what comes of it may be kept."""
        self._history.release(arrival)
        self._free_turn(arrival)

    def regresses(self, verdict: Verdict, status: int) -> bool:
        """Whether keeping an answer of this status would replace a good recording by "gone".

        Good ones are its counterpart and, if it is recorded in other states only, the one whose
        turn it is regardless of state: an upstream that is gone has no states.
        """
        if self._allow_regress or status not in _GONE or self.decision.plays:
            return False
        like = self._like.get(verdict.fingerprint, [])
        replaceable = {verdict.counterpart, *like[verdict.turn - 1 : verdict.turn]}
        return any(at is not None and _good(self._old[at]) for at in replaceable)

    def keep(
        self, verdict: Verdict, interaction: Redacted[Interaction], *, answered: bool = True
    ) -> Pending:
        """Take a captured interaction in; it shows in `merged` from here on, under the id of what
        comes back, which is for a journal. One that was not `answered` makes no cassette alone.
        """
        captured = recording(interaction, verdict.fingerprint, verdict.access)
        taken, told = self._history.keep(verdict.arrival, captured)
        if captured.received:
            self._kept[verdict.fingerprint] += 1
        if interaction.value.response.status in _GONE and not self._allow_regress:
            self._retired.add(verdict.fingerprint)
        self._captured += answered or bool(self._old)
        replaces = taken.id if self._history.is_old(taken.id) else None
        ended = tuple(
            (tick, id_, None if known else access) for tick, id_, access, known in told.ended
        )
        return Pending(verdict.arrival, interaction_of(taken), replaces, ended, told.overlapped)

    def merged(self, *, final: bool = False) -> tuple[Redacted[Interaction], ...]:
        """The cassette's interactions as they stand now.

        At the end (`final`) older recordings go that a recording session has superseded. Until then
        it is what a crash would leave.
        """
        if not final:
            return interactions(self._history.merged().recordings)
        merged = self._history.outcome(self._answered, self._stays, prune=self._pruned)
        return interactions(merged.recordings)

    def _answered(self, print_: Hashable) -> bool:
        # One that failed, or that nobody received, keeps all: nothing good may be lost.
        return 0 < self._asked[print_] == self._kept[print_]

    def _pruned(self, print_: Hashable) -> bool:
        return self._prune and (not self._asked[print_] or self._answered(print_))

    def _stays(self, position: int) -> bool:
        item = self._old[position]
        return item.fingerprint in self._retired and _good(item)

    @property
    def captured(self) -> bool:
        """Whether the session has anything to write."""
        return self._captured > 0

    @property
    def interactions(self) -> int:
        """How many interactions the cassette holds now."""
        return len(self._old) + self._history.added

    @property
    def waits(self) -> int:
        """How many requests waited for others, so that the recorded order came about."""
        return self._history.waits

    def rewind(self) -> bool:
        """All that was played is unplayed again; False if that cannot be, for something was
        captured in the state that it was played to.
        """
        if self.captured:
            return False
        self._history.rewind()
        return True

    def notes(self) -> tuple[str, ...]:
        """Sentences about what is wrong with the cassette's history."""
        missing = self._history.pasts.missing()
        if not missing:
            return ()
        shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
        note = (
            f"recordings name writes that the cassette does not hold ({shown}): what was recorded "
            "after them cannot be replayed; record the scenario anew"
        )
        return (note,)

    def equal_creates(self) -> tuple[str, ...]:
        """Ids of creates that several stories without a scope begin with equally."""
        return self._history.equal_creates()

    def unplayed(self) -> tuple[str, ...]:
        """Ids that have not been played; nothing in a session that does not play recordings."""
        return tuple(self._old[at].id for at in self._history.unplayed())

    def not_rerecorded(self) -> tuple[str, ...]:
        """Ids of the story that a recording session did not record again."""
        if self.decision.on_hit is not Action.CAPTURE:
            return ()
        return tuple(self._old[at].id for at in self._history.storing.not_recorded_again())

    def candidates(self) -> Iterator[Candidate]:
        """The recordings that a request is compared with; not those that nobody received."""
        return (
            self._candidate(at)
            for at, item in enumerate(self._old)
            if item.received and item.scope == self._history.story
        )

    def _candidate(self, at: int) -> Candidate:
        item = self._old[at]
        return Candidate(_print(item), item.content, played=self._history.player.taken(at))

    def _miss(self, print_: Fingerprint, access: Access, *, looping: int) -> Miss:
        if not looping and (found := self._history.shortfall(print_, access)):
            nearest = self._candidate(found.position)
            return Miss(EXHAUSTED, nearest, unmet=self._unmet(found))
        known = self._history.player.known(print_)
        miss = nearest_to(print_, EXHAUSTED if known else NO_MATCH, self.candidates())
        return replace(miss, repeated=looping, repeats=self._manner.repeat)

    def _unmet(self, found: Shortfall) -> Unmet:
        return Unmet(
            unplayed=tuple(map(self._candidate, found.unplayed)),
            played=tuple(map(self._candidate, found.played)),
            missing=found.missing,
            overlapped=found.overlapped,
            unrecorded=found.unrecorded,
            unordered=found.unordered,
            twins=found.twins,
            repeats=self._manner.repeat,
        )


def _print(item: Recording[Redacted[Interaction]]) -> Fingerprint:
    return item.fingerprint  # type: ignore[return-value]  # `_recording` made it


def _good(item: Recording[Redacted[Interaction]]) -> bool:
    return item.content.value.response.status < 300
