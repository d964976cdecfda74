"""The course of one session over a cassette: what came, what was played, what was captured.

Owns the order of arrival and what a request gets by the row of its session's mode; whether a
capture may be stored at all (`new_episodes`: only where the upstream stands where the cassette
ends). Which recording answers is `playing`, how captures enter is `storing`. Knows no bodies, never
awaits; its caller sees to it that calls do not overlap.

A request goes this way: `arrive` at its head, `ask` (again, as long as it is told to wait), then
for what was forwarded `keep`; `holds_back` before the first byte goes out, `began` when it has,
`ended` after the last one; or `give_back`, if its client left before the first byte or there was no
answer. Whatever arrived must end one way or the other, or be given back.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic

from runreel.cassettes.history import Content, Pasts, Recording, Tally, weight
from runreel.cassettes.merge import Merged, Rules, Storing
from runreel.matching.resources import Access, covers, has_state, is_create
from runreel.sessions.modes import Action, Decision
from runreel.sessions.playing import Player, Shortfall


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
    partners: list["_Call"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
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
        if not has_state(access):
            return True
        uncertain = (self.recordings[at] for at in self._uncertain)
        unknown = any(
            covers(item.access, access.scope) and item.fingerprint != fingerprint
            for item in uncertain  # one that is sent again is meant to be
        )
        return not unknown and self.player.has_made(self._wanted, access)

    def _set_out(self, arrival: int, access: Access) -> None:
        call = _Call(access)
        call.partners = [*self._calls.values()]
        call.partners += [other for tick, other in self._gone_by if tick > arrival]
        for other in call.partners:
            other.partners.append(call)
        self._calls[arrival] = call
        self._awaited.discard(arrival)
        self._forget_the_past()

    def _forget_the_past(self) -> None:
        first = min(self._awaited, default=self._tick + 1)
        self._gone_by = [(tick, call) for tick, call in self._gone_by if tick > first]

    def keep(self, arrival: int, recording: Recording[Content]) -> tuple[Recording[Content], Told]:
        """Take a capture in; what comes back has the id that it has from here on."""
        call = self._calls.get(arrival) or _Call(recording.access)
        overlapped = tuple(
            dict.fromkeys(other.id for other in call.partners if other.id is not None)
        )
        taken = self.storing.take(arrival, recording, overlapped, replaces=not self._plays)
        call.id, call.received = taken.id, taken.received
        if taken.counts and self._plays:
            self._wanted.add(taken.access, weight(taken.id))
            self.player.identify(arrival, taken.id)
            self._make_sure(len(self.recordings), taken)
        ended, self._untold = tuple(self._untold), []
        return taken, Told(ended, overlapped)

    def holds_back(self, arrival: int, *, may_wait: bool) -> bool:
        """Whether an answer should not go out yet; only a write's, and only for who is to come."""
        return self._plays and self.player.holds_back(arrival, may_wait=may_wait)

    def began(self, arrival: int) -> None:
        """The first byte of an answer has been passed on."""
        self.player.begin(arrival)

    def ended(self, arrival: int) -> None:
        """The last byte of an answer has been passed on; a second time is harmless.

        A write that could not be stored counts as one whose recording is missing.
        """
        position = self.player.position(arrival)
        self.player.end(arrival)
        call = self._calls.pop(arrival, None)
        self._awaited.discard(arrival)
        if call is None:
            return
        known = True
        if position is not None:
            call.id = self.recordings[position].id
            self._make_sure(position, self.recordings[position])
        self._tick += 1
        if self._awaited:
            self._gone_by.append((self._tick, call))
        if not call.access.writes or not call.received:
            return
        if call.id is None:
            known, call.id = False, self.storing.name("not-stored")
        self.storing.ended(self._tick, call.id, call.access)
        self._untold.append((self._tick, call.id, call.access, known))

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

    def give_back(self, arrival: int) -> None:
        """Undo what a request took: its client left before the first byte, or it had no answer.
        A second time is harmless.
        """
        self.player.give_back(arrival)
        self.storing.forget(arrival)
        self._awaited.discard(arrival)
        self._calls.pop(arrival, None)

    def release(self, arrival: int) -> None:
        """Its client has left, but the call is still under way: others get what it took."""
        self.player.give_back(arrival)
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
