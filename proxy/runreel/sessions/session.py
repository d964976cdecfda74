"""One user of a cassette: what came, what it was answered, and what was captured.

A request goes this way: `arrive` at its head, `ask` (again, as long as it is told to wait), then
for what was forwarded `keep`; `holds_back` before the first byte goes out, `began` when it has,
`ended` after the last one; or `release`, if its client left before the first byte or there was no
answer. Whatever arrived must end one way or the other, or be given back. A stream whose client has
`left` it is over for all that arrive later, though it is kept when the upstream ends it.

Decides by the row of its mode and never looks at the mode itself, and whether a capture may be
stored at all (`new_episodes`: only where the upstream stands where the cassette ends). Which
recording answers is `playing`, how captures enter `cassettes.merge`. Never awaits, knows no store
and no upstream; its caller sees to it that calls do not overlap (one event loop does).
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from runreel.cassettes.history import Content, Pasts, Recording, Tally, weight
from runreel.cassettes.journal import Pending
from runreel.cassettes.merge import (
    RULES,
    Changes,
    Kept,
    Merged,
    Recorded,
    Rules,
    Storing,
    interaction_of,
    interactions,
    recording,
)
from runreel.errors import Unredactable
from runreel.http.messages import Headers, Interaction, Request
from runreel.matching.matchers import (
    Fingerprint,
    MatchOn,
    exact_key,
    fingerprint,
    said_in_headers,
    start_line,
)
from runreel.matching.near_miss import (
    ANOTHER_STORY,
    EXHAUSTED,
    LOOKED_AT_MAX,
    NO_MATCH,
    WRITES_MAX,
    Candidate,
    Miss,
    Neighbours,
    Progress,
    Unmet,
    nearest_to,
)
from runreel.matching.resources import (
    Access,
    Scope,
    access_of,
    covers,
    is_create,
    root_of,
)
from runreel.redaction.redactor import Redacted, Redaction, request_of
from runreel.sessions.modes import Action, Decision
from runreel.sessions.playing import Player, Shortfall

Value = TypeVar("Value", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a session plays: `barriers` by state, else by fingerprint and order alone; with `repeat`
    a program may run again, and equal requests in a row get `repeats_max` answers (0: any number).
    """

    barriers: bool = True
    repeat: bool = False
    repeats_max: int = 1000


PLAYS_ONCE = Manner()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What to do with a request: `waits` (then nothing else counts), or an action.

    `position` is that of the recording to serve, to compare with or to replace. A live read that is
    passed on though the session captures is `unstored`; a write that may not be passed on belongs
    to `another_story`.
    """

    action: Action
    position: int | None = None
    waits: bool = False
    unstored: bool = False
    another_story: bool = False
    looping: int = 0  # how many times in a row it was answered again, if that was too often


@dataclass(slots=True, eq=False)
class _Call:
    """A call under way in a session that captures; `partners` overlapped it."""

    access: Access
    id: str | None = None
    received: bool = True
    kept: bool = False  # its id is that of a recording
    partners: list["_Call"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HistoryNote:
    """What a capture adds to a journal, from which all can be worked out again.

    `ended` are the writes that ended since the last one: the tick, id and access of each, and
    whether it is a recording; `overlapped` the ids of calls that were under way with it.
    """

    ended: tuple[tuple[int, str, Access, bool], ...]
    overlapped: tuple[str, ...]


class SessionHistory(Generic[Content]):
    """The state of one session; `scope` is the name of the story that it tells, if it has one."""

    def __init__(
        self,
        recordings: Sequence[Recording[Content]],
        decision: Decision,
        rules: Rules[Content],
        *,
        scope: str | None = None,
        manner: Manner = PLAYS_ONCE,
    ) -> None:
        self.pasts = Pasts(recordings)
        self.recordings = recordings
        self._decision = decision
        self._plays = decision.plays
        scopes = {item.scope for item in recordings}
        # Settled here and for all: answered from its own story, or else from what has none.
        self.story = None if self._plays and scope not in scopes and None in scopes else scope
        self.player = Player(
            self.pasts if self._plays else Pasts[Content](()),
            self.story,
            barriers=manner.barriers,
            repeat=manner.repeat and self._plays,
            repeats_max=manner.repeats_max,
            created=rules.created,
        )
        self.storing = Storing(self.pasts, self.story, rules)
        self._tick = 0
        self._calls: dict[int, _Call] = {}  # under way, by arrival
        # The same by what they and all that they cover stand in; under None where that is more.
        self._by_root: dict[Scope | None, dict[int, _Call]] = {}
        self._left: dict[int, _Call] = {}  # over for their clients, and still to be kept
        self._awaited: set[int] = set()  # arrivals that have not asked yet
        self._gone_by: list[tuple[int, _Call]] = []  # ended after one of those came
        self._untold: list[tuple[int, str, Access, bool]] = []
        self._wanted = Tally()  # all that was written when the cassette ends
        self._uncertain: list[int] = []  # positions of writes nobody knows the effect of
        if self._plays and decision.captures:
            for at, item in enumerate(recordings):
                if item.counts:
                    self._wanted.add(item.access, weight(item.id))
                elif item.access.writes:
                    self._uncertain.append(at)

    @property
    def waits(self) -> int:
        """How many requests were told to wait."""
        return self.player.waits

    def arrive(self) -> int:
        """A place in the order of arrival; take it before the request's body is awaited."""
        self._tick += 1
        if self._decision.captures:
            self._awaited.add(self._tick)
        return self._tick

    def ask(
        self,
        arrival: int,
        fingerprint: Hashable,
        access: Access,
        *,
        may_wait: bool = False,
        others_at_work: bool = False,
    ) -> Ruling:
        """What to do with a request. Unless it waits or is refused it is under way from here on.

        It `may_wait` while it has time left; it does only if others are at work in the session, or
        were when it was recorded.
        """
        may_wait = may_wait and (others_at_work or self.player.worked_together(access))
        ruling = self._rule(arrival, fingerprint, access, may_wait=may_wait)
        if ruling.waits:
            return ruling
        if ruling.action is Action.REFUSE:
            self._awaited.discard(arrival)
            return ruling
        if self._decision.captures:
            self._set_out(arrival, access)
        return ruling

    def _rule(
        self, arrival: int, fingerprint: Hashable, access: Access, *, may_wait: bool
    ) -> Ruling:
        if not self._plays:
            expected = None
            if self._decision.captures:
                expected = self.storing.expect(arrival, fingerprint, access)
            return Ruling(self._decision.on_miss, expected)
        choice = self.player.choose(arrival, fingerprint, access, may_wait=may_wait)
        if choice.waits:
            return Ruling(self._decision.on_hit, waits=True)
        if choice.position is None:
            return self._go_live(arrival, fingerprint, access)
        self.player.take(arrival, choice)
        return Ruling(self._decision.on_hit, choice.position)

    def _go_live(self, arrival: int, fingerprint: Hashable, access: Access) -> Ruling:
        if self.player.looping(fingerprint):
            return Ruling(Action.REFUSE, looping=self.player.repeated)
        action = self._decision.on_miss
        if action is Action.REFUSE:
            return Ruling(action)
        unstored = action is Action.CAPTURE and not self._may_store(fingerprint, access)
        if unstored and access.writes:
            return Ruling(Action.REFUSE, another_story=True)
        self.player.forward(arrival, access)
        return Ruling(Action.FORWARD if unstored else action, unstored=unstored)

    def _may_store(self, fingerprint: Hashable, access: Access) -> bool:
        """Whether the upstream stands, as far as this call can see, where the cassette ends."""
        if not access.has_state:
            return True
        uncertain = (self.recordings[at] for at in self._uncertain)
        unknown = any(
            covers(item.access, access.scope) and item.fingerprint != fingerprint
            for item in uncertain  # one that is sent again is meant to be
        )
        return not unknown and self.player.has_made(self._wanted, access)

    def _set_out(self, arrival: int, access: Access) -> None:
        call = _Call(access)
        root = root_of(access)
        if root is None:
            call.partners = [*self._calls.values()]
        else:  # what stands in other roots cannot have seen it, nor be seen
            call.partners = [
                *self._by_root.get(root, {}).values(),
                *self._by_root.get(None, {}).values(),
            ]
        call.partners += [other for tick, other in self._gone_by if tick > arrival]
        for other in call.partners:
            other.partners.append(call)
        self._calls[arrival] = call
        self._by_root.setdefault(root, {})[arrival] = call
        self._awaited.discard(arrival)
        self._forget_the_past()

    def _forget_the_past(self) -> None:
        first = min(self._awaited, default=self._tick + 1)
        self._gone_by = [(tick, call) for tick, call in self._gone_by if tick > first]

    def keep(
        self, arrival: int, recording: Recording[Content]
    ) -> tuple[Recording[Content], HistoryNote]:
        """Take a capture in; what comes back has the id that it has from here on."""
        call = self._calls.get(arrival) or self._left.pop(arrival, None) or _Call(recording.access)
        overlapped = tuple(
            dict.fromkeys(other.id for other in call.partners if other.id is not None)
        )
        taken = self.storing.take(arrival, recording, overlapped, replaces=not self._plays)
        promised = call.id is not None
        call.id, call.received, call.kept = taken.id, taken.received, True
        if taken.counts and self._plays:
            if not promised:
                self._wanted.add(taken.access, weight(taken.id))
                self.player.identify(arrival, taken.id)
            self._make_sure(len(self.recordings), taken)
        ended, self._untold = tuple(self._untold), []
        return taken, HistoryNote(ended, overlapped)

    def holds_back(self, arrival: int, *, may_wait: bool) -> bool:
        """Whether an answer should not go out yet; only a write's, and only for who is to come."""
        return self._plays and self.player.holds_back(arrival, may_wait=may_wait)

    def began(self, arrival: int) -> None:
        """The first byte of an answer has been passed on."""
        self.player.begin(arrival)

    def left(self, arrival: int, name: str | None) -> None:
        """The client of a stream left it, after its head: to whoever arrives from here on its write
        is made, as in a program that reads no further and goes on. `name` is the beginning of the
        id that it will be kept by, None if it will not.
        """
        call = self._calls.get(arrival)
        if call is None:
            return
        if call.access.writes and name is not None and not call.kept:
            call.id = self.storing.promise(arrival, name)
            if self._plays:
                self._wanted.add(call.access, weight(call.id))
                self.player.identify(arrival, call.id)
        partners = call.partners
        self.ended(arrival)
        call.partners = partners
        self._left[arrival] = call

    def ended(self, arrival: int) -> None:
        """The last byte of an answer has been passed on; a second time is harmless.

        A write that could not be stored counts as one whose recording is missing.
        """
        position = self.player.position(arrival)
        self.player.end(arrival)
        if self._left.pop(arrival, None) is not None:
            self.storing.forget(arrival)
        call = self._end(arrival)
        self._awaited.discard(arrival)
        if call is None:
            return
        if position is not None:
            call.id, call.kept = self.recordings[position].id, True
            self._make_sure(position, self.recordings[position])
        self._tick += 1
        if self._awaited:
            self._gone_by.append((self._tick, call))
        if not call.access.writes or not call.received:
            return
        if call.id is None:
            call.id = self.storing.name("not-stored")
        self.storing.ended(self._tick, call.id, call.access)
        self._untold.append((self._tick, call.id, call.access, call.kept))

    def _make_sure(self, position: int, item: Recording[Content]) -> None:
        """What was recorded after a write of unknown effect, and was played, tells its effect."""
        if item.access.writes:
            self._uncertain = [
                at
                for at in self._uncertain
                if at > position
                or self.recordings[at].scope != item.scope
                or not covers(self.recordings[at].access, item.access.scope)
            ]

    def release(self, arrival: int) -> None:
        """Undo what a request took: its client left before the first byte, or it had no answer.
        A second time is harmless.
        """
        self.player.release(arrival)
        self.storing.forget(arrival)
        self._awaited.discard(arrival)
        self._end(arrival)
        self._left.pop(arrival, None)

    def _end(self, arrival: int) -> _Call | None:
        """A call is no longer under way, if it was."""
        call = self._calls.pop(arrival, None)
        if call is not None:
            root = root_of(call.access)
            of_root = self._by_root[root]
            del of_root[arrival]
            if not of_root:
                del self._by_root[root]
            call.partners = []  # else each would hold all before it, as long as any is under way
        return call

    def abandon(self, arrival: int) -> None:
        """Its client has left, but the call is still under way: others get what it took."""
        self.player.release(arrival)
        self.storing.forget(arrival)

    def pass_on(self, arrival: int, access: Access) -> None:
        """A call goes to the upstream that no recording can be compared with."""
        self.player.forward(arrival, access)
        if self._decision.captures:
            self._set_out(arrival, access)

    def rewind(self) -> None:
        """All that was played is unplayed again."""
        self.player.rewind()

    @property
    def added(self) -> int:
        """How many recordings are new."""
        return self.storing.added

    @property
    def changes(self) -> Changes:
        """As `Storing.changes`."""
        return self.storing.changes

    def is_old(self, id_: str) -> bool:
        """Whether a recording was there when the session began."""
        return id_ in self.pasts.position

    def equal_creates(self) -> tuple[str, ...]:
        """The ids of this session's creates that other stories without a scope make equally."""
        if self.story is not None:
            return ()
        mine = {item.id for item in self.storing.captures()}
        olds = (item for item in self.recordings if item.id not in mine)
        kept = {item.fingerprint for item in olds if item.scope is None and is_create(item.access)}
        return tuple(
            item.id
            for item in self.storing.captures()
            if is_create(item.access) and item.received and item.fingerprint in kept
        )

    def shortfall(self, fingerprint: Hashable, access: Access) -> Shortfall | None:
        """Why no recording of a request that was refused can answer it."""
        return self.player.shortfall(fingerprint, access)

    def unplayed(self) -> Iterator[int]:
        """The positions that could still be played."""
        return self.player.unplayed() if self._plays else iter(())

    def let_go(self, id_: str, content: Any) -> None:
        """As `Storing.let_go`."""
        self.storing.let_go(id_, content)

    def merged(self) -> Merged[Content]:
        """The cassette as it stands now."""
        return self.storing.merged()

    def outcome(
        self,
        asked: Callable[[Hashable], bool],
        keeps: Callable[[int], bool] = lambda _: False,
        *,
        prune: Callable[[Hashable], bool] = lambda _: False,
    ) -> Merged[Content]:
        """The cassette at the end of the session, as `Storing.outcome`."""
        if self._plays:
            return self.storing.merged()
        return self.storing.outcome(asked, keeps, prune=prune)


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
        once = _Once()
        keys: list[int | None] = []
        self._old = tuple(self._recording(item, redaction, once, keys) for item in interactions)
        self._history = SessionHistory(self._old, decision, RULES, scope=scope, manner=manner)
        # What a request gets at once that is equal to a recording, and to play that.
        self.at_once = self._history.player.at_once
        self.play = self._history.player.play
        # Where a recording stands that asks exactly so, byte for byte, unless two keys are the same
        # by accident; only where recordings are served and nothing is captured.
        self.exact: dict[int, int] = {}
        for at, key in zip(self._history.pasts.places, keys, strict=True):
            if key is not None:
                self.exact.setdefault(key, at)
        self._asked: Counter[Hashable] = Counter()  # to capture
        self._kept: Counter[Hashable] = Counter()
        self._retired: set[Hashable] = set()  # that were answered 404 or 410
        self._like: dict[Hashable, list[int]] = {}
        for at, item in enumerate(self._old if not decision.plays else ()):
            if item.scope == self._history.story:
                self._like.setdefault(item.fingerprint, []).append(at)
        self._neighbours: Neighbours | None = None
        self._marks = self._marked(writes=False), self._marked(writes=True)
        if decision.plays and self._marks[0].bit_count() > LOOKED_AT_MAX:
            self._neighbours = Neighbours((at, _print(self._old[at])) for at in self._comparable())
        self._captured = 0
        self._turns: Counter[Hashable] = Counter()
        self._turn_at: dict[int, Hashable] = {}  # by arrival, of calls under way

    def _recording(
        self,
        item: Redacted[Interaction],
        redaction: Redaction,
        once: "_Once",
        keys: list[int | None],
    ) -> Recorded:
        # Today's rules on both sides: a hand-written cassette is compared as live traffic is.
        written = item.value.request
        recorded = request_of(item)
        try:
            if not redaction.leaves(recorded.value):
                recorded = redaction.request(recorded.value)
        except Unredactable as error:
            raise Unredactable(f"the recording {item.value.id} cannot be used: {error}") from None
        plain = recorded.value.target == written.target and recorded.value.body == written.body
        key = None
        if plain and self.decision.on_hit is Action.SERVE and not self.decision.captures:
            in_headers = once.said_in_headers(recorded, self.match_on)
            key = exact_key(start_line(written), in_headers, written.body)
        keys.append(key)
        print_ = fingerprint(recorded, self.match_on)
        if self.decision.plays:
            print_ = tuple(map(once.of, print_))
        return recording(item, self._key(print_), once.access(recorded.value))

    def _key(self, print_: Fingerprint) -> Hashable:
        """What stands for a fingerprint here: itself, or where only equality counts, for nothing is
        ever explained, a BLAKE2b digest of 16 bytes, of which no two fingerprints have the same.
        """
        if self.decision.plays:
            return print_
        return hashlib.blake2b(repr(print_).encode("utf-8"), digest_size=16).digest()

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
        key = self._key(print_)
        ruling = self._history.ask(
            arrival, key, access, may_wait=may_wait, others_at_work=others_at_work
        )
        if ruling.waits:
            return Verdict(ruling.action, arrival, print_, access, waits=True)
        if ruling.action is Action.REFUSE:
            miss = self._miss(print_, access, looping=ruling.looping)
            code = ANOTHER_STORY if ruling.another_story else miss.code
            miss = replace(miss, code=code)
            return Verdict(ruling.action, arrival, print_, access, miss=miss)
        if ruling.action is Action.CAPTURE:
            self._asked[key] += 1
            self._turns[key] += 1
            self._turn_at[arrival] = key
        if ruling.position is not None and self.decision.plays:
            hit = self._old[ruling.position].content
            return Verdict(ruling.action, arrival, print_, access, hit)
        return Verdict(
            ruling.action,
            arrival,
            print_,
            access,
            counterpart=ruling.position,
            turn=self._turns[key],
            unstored=_OTHER_STATE if ruling.unstored else None,
        )

    def recorded(self, position: int) -> Redacted[Interaction]:
        """The recording at a position."""
        return self._old[position].content

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

    def left(self, arrival: int, name: str | None) -> None:
        """The client of a stream left it after its head: see `SessionHistory.left`."""
        self._history.left(arrival, name)

    def ended(self, arrival: int) -> None:
        """The last byte of an answer was passed on; a second time is harmless."""
        self._history.ended(arrival)
        self._turn_at.pop(arrival, None)

    def release(self, arrival: int) -> None:
        """Undo what `ask` did for a client that left before it saw anything, or for a call to the
        upstream that had no answer: the next equal request finds all as this one did. A second
        time is harmless.
        """
        self._history.release(arrival)
        self._free_turn(arrival)

    def _free_turn(self, arrival: int) -> None:
        key = self._turn_at.pop(arrival, None)
        if key is not None:
            self._turns[key] -= 1

    def abandon(self, arrival: int) -> None:
        """As `release`, for a call that is still under way: what comes of it may be kept."""
        self._history.abandon(arrival)
        self._free_turn(arrival)

    def regresses(self, verdict: Verdict, status: int) -> bool:
        """Whether keeping an answer of this status would replace a good recording by "gone".

        Good ones are its counterpart and, if it is recorded in other states only, the one whose
        turn it is regardless of state: an upstream that is gone has no states.
        """
        if self._allow_regress or status not in _GONE or self.decision.plays:
            return False
        like = self._like.get(self._key(verdict.fingerprint), [])
        replaceable = {verdict.counterpart, *like[verdict.turn - 1 : verdict.turn]}
        return any(at is not None and _good(self._old[at]) for at in replaceable)

    def keep(
        self, verdict: Verdict, interaction: Redacted[Interaction], *, answered: bool = True
    ) -> Pending:
        """Take a captured interaction in; it shows in `merged` from here on, under the id of what
        comes back, which is for a journal. One that was not `answered` makes no cassette alone.
        """
        key = self._key(verdict.fingerprint)
        captured = recording(interaction, key, verdict.access)
        taken, told = self._history.keep(verdict.arrival, captured)
        if captured.received:
            self._kept[key] += 1
        if interaction.value.response.status in _GONE and not self._allow_regress:
            self._retired.add(key)
        self._captured += answered or bool(self._old)
        replaces = taken.id if self._history.is_old(taken.id) else None
        ended = tuple(
            (tick, id_, None if known else access) for tick, id_, access, known in told.ended
        )
        return Pending(verdict.arrival, interaction_of(taken), replaces, ended, told.overlapped)

    def let_go(self, captures: Sequence[Pending], kept: Sequence[Kept]) -> None:
        """What some captures say is durable, and is read back from there when the time comes."""
        for capture, elsewhere in zip(captures, kept, strict=True):
            self._history.let_go(capture.interaction.value.id, elsewhere)

    def merged(
        self, *, final: bool = False, prunes: bool = True
    ) -> Sequence[Redacted[Interaction]]:
        """The cassette's interactions as they stand now.

        At the end (`final`) older recordings go that a recording session has superseded, and, if it
        `prunes`, those that one that is to prune did not ask for. Until then it is what a crash
        would leave.
        """
        if not final:
            return interactions(self._history.merged().recordings)
        prune = self._pruned if prunes else self._not_pruned
        merged = self._history.outcome(self._answered, self._stays, prune=prune)
        return interactions(merged.recordings)

    def _answered(self, print_: Hashable) -> bool:
        # One that failed, or that nobody received, keeps all: nothing good may be lost.
        return 0 < self._asked[print_] == self._kept[print_]

    def _pruned(self, print_: Hashable) -> bool:
        return self._prune and (not self._asked[print_] or self._answered(print_))

    def _not_pruned(self, _: Hashable) -> bool:
        return False

    def _stays(self, position: int) -> bool:
        item = self._old[position]
        return item.fingerprint in self._retired and _good(item)

    @property
    def story(self) -> str | None:
        """The scope that it is answered from, and that its captures carry."""
        return self._history.story

    @property
    def captured(self) -> bool:
        """Whether the session has anything to write."""
        return self._captured > 0

    @property
    def interactions(self) -> int:
        """How many interactions the cassette holds now."""
        return len(self._old) + self._history.added

    @property
    def changes(self) -> Changes:
        """What the session's captures change in the cassette."""
        return self._history.changes

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

    def unplayed_calls(self) -> Iterator[Candidate]:
        """The same recordings, each as a whole."""
        return map(self._candidate, self._history.unplayed())

    def not_rerecorded(self) -> tuple[str, ...]:
        """Ids of the story that a recording session did not record again."""
        if self.decision.on_hit is not Action.CAPTURE:
            return ()
        return tuple(self._old[at].id for at in self._history.storing.not_recorded_again())

    def candidates(self) -> Iterator[Candidate]:
        """The recordings that a request is compared with; not those that nobody received."""
        return (self._candidate(at) for at in self._comparable())

    def _comparable(self) -> Iterator[int]:
        return (
            at
            for at, item in zip(self._history.pasts.places, self._old, strict=True)
            if item.received and item.scope == self._history.story
        )

    def _candidate(self, at: int) -> Candidate:
        item = self._old[at]
        return Candidate(_print(item), item.content, played=self._history.player.taken(at))

    def _marked(self, *, writes: bool) -> int:
        """The recordings that count, or the writes among them, in the bits of `Player.played`."""
        story = self._history.story
        marks = bytes(
            item.received and item.scope == story and (not writes or item.access.writes)
            for item in self._old
        )
        return int.from_bytes(marks, "little")

    def _progress(self) -> Progress:
        every, writes = self._marks
        played = self._history.player.played()
        left = played & writes
        last: list[Candidate] = []
        while left and len(last) < WRITES_MAX:
            at = left.bit_length() // 8
            last.insert(0, self._candidate(at))
            left ^= 1 << 8 * at
        return Progress(
            (played & every).bit_count(), every.bit_count(), tuple(last), left.bit_count()
        )

    def _miss(self, print_: Fingerprint, access: Access, *, looping: int) -> Miss:
        progress = self._progress()
        if not looping and (found := self._history.shortfall(print_, access)):
            nearest = self._candidate(found.position)
            return Miss(EXHAUSTED, nearest, unmet=self._unmet(found), progress=progress)
        code = EXHAUSTED if self._history.player.known(print_) else NO_MATCH
        if self._neighbours is None:
            miss = nearest_to(print_, code, self.candidates())
        else:
            near = map(self._candidate, self._neighbours.near(print_))
            miss = nearest_to(print_, code, near, are_all=False)
        return replace(miss, repeated=looping, repeats=self._manner.repeat, progress=progress)

    def _unmet(self, found: Shortfall) -> Unmet:
        return Unmet(
            unplayed=tuple(map(self._candidate, found.unplayed)),
            played=tuple(map(self._candidate, found.played)),
            missing=found.missing,
            overlapped=found.overlapped,
            order=tuple(map(self._candidate, found.order)),
            unrecorded=found.unrecorded,
            unordered=found.unordered,
            twins=found.twins,
            repeats=self._manner.repeat,
        )


class _Once:
    """Keeps once what many recordings of a cassette have in common, while they are read."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Hashable] = {}
        self._said: dict[Headers, bytes] = {}
        self._accesses: dict[tuple[str, str], Access] = {}

    def said_in_headers(self, request: Redacted[Request], match_on: MatchOn) -> bytes:
        """As the function of that name."""
        headers = request.value.headers
        said = self._said.get(headers)
        if said is None:
            said = self._said[headers] = said_in_headers(request, match_on)
        return said

    def of(self, value: Value) -> Value:
        """The first value that equals this one."""
        return self._kept.setdefault(value, value)  # type: ignore[return-value]  # it is equal

    def access(self, request: Request) -> Access:
        """The same of what a request touches, and of the parts of that."""
        asked = request.method, request.path
        found = self._accesses.get(asked)
        if found is None:
            found = self._accesses[asked] = self.of(access_of(request, self.of))
        return found


def _print(item: Recording[Redacted[Interaction]]) -> Fingerprint:
    return item.fingerprint  # type: ignore[return-value]  # `_recording` made it


def _good(item: Recording[Redacted[Interaction]]) -> bool:
    return item.content.value.response.status < 300
