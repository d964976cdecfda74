"""Sessions of history driven without an engine: scripts are recorded, replayed, added to."""

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from history_world import RULES, Answer, Call, Cassette, Origin, Step, World, access, resolve
from runreel.cassettes.history import Recording
from runreel.cassettes.merge import pruned
from runreel.matching.resources import covers
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Manner, SessionHistory

PLAIN = Manner()
Live = list[tuple[Call, Answer]]


def recording(call: Call, answer: Answer, *, received: bool = True) -> Recording[Answer]:
    name = call[1].rsplit("/", 1)[1]
    return Recording(f"{call[0]}-{name}", call, access(call), answer, received=received)


@dataclass
class Flight:
    """A call under way in a recording; `loose` are the writes that overlapped it."""

    call: Call
    worker: int
    arrival: int
    before: list[Call]
    arrived: int
    answer: Answer | None = None
    id: str = ""
    loose: list[Call] = field(default_factory=list)


class Recorder:
    """A session of `record` with several workers; each of their steps is arrive, act, or end."""

    def __init__(self, cassette: Cassette, world: World, scope: str | None = None) -> None:
        self.cassette, self.world = cassette, world
        self.began_from = copy.deepcopy(world)
        decision = DECISIONS[Mode.RECORD]
        self.history = SessionHistory(cassette.recordings, decision, RULES, scope=scope)
        self.flights: dict[int, Flight] = {}
        self.all: list[Flight] = []
        self.ended: list[Call] = []
        self.told: list[tuple[int, Recording[Answer], object]] = []
        self.asked: Counter[Call] = Counter()
        self.kept: Counter[Call] = Counter()

    def arrive(self, worker: int, call: Call) -> None:
        arrival = self.history.arrive()
        self.history.ask(arrival, call, access(call))
        self.begin_flight(worker, call, arrival)

    def begin_flight(self, worker: int, call: Call, arrival: int) -> Flight:
        self.asked[call] += 1
        flight = Flight(call, worker, arrival, list(self.ended), len(self.all))
        for other in self.flights.values():
            other.loose.append(call)
            flight.loose.append(other.call)
        self.flights[worker] = flight
        self.all.append(flight)
        return flight

    def act(self, worker: int) -> None:
        flight = self.flights[worker]
        flight.answer = self.world.call(flight.call)

    def end(self, worker: int, *, received: bool = True, fingerprint: Any = None) -> None:
        flight = self.flights.pop(worker)
        assert flight.answer is not None
        captured = recording(flight.call, flight.answer, received=received)
        if fingerprint is not None:
            captured = replace(captured, fingerprint=fingerprint)
        taken, told = self.history.keep(flight.arrival, captured)
        self.told.append((flight.arrival, taken, told))
        flight.id = taken.id
        if received:
            self.kept[flight.call] += 1
            self.history.began(flight.arrival)
            self.history.ended(flight.arrival)
            self.ended.append(flight.call)
        else:
            self.history.release(flight.arrival)

    def finish(self, *, prune: bool = False) -> Live:
        whole = {call for call in self.asked if self.asked[call] == self.kept[call]}
        merged = self.history.outcome(whole.__contains__, prune=lambda _: prune)
        self.cassette.recordings = merged.recordings
        self.note_origins()
        return [(one.call, one.answer or {}) for one in self.all]

    def note_origins(self) -> None:
        live: Live = [(one.call, one.answer or {}) for one in self.all]
        changed = {
            one.recording.id for one in self.history.storing._captures.values() if not one.whole
        }
        for id_ in changed:  # what came out anew has no older origin
            self.cassette.origins[id_] = []
        for one in self.all:
            scope = access(one.call).scope
            loose = [c for c in one.loose if access(c).writes and covers(access(c), scope)]
            origin = Origin(self.began_from, one.before, live[: one.arrived], loose)
            self.cassette.origins[one.id].append(origin)


def record(
    cassette: Cassette,
    world: World,
    scripts: Sequence[Sequence[Step]],
    schedule: Sequence[int] = (),
    scope: str | None = None,
) -> Live:
    """Record workers that run side by side; the schedule picks whose turn it is."""
    session = Recorder(cassette, world, scope)
    at, ids = [0] * len(scripts), [[] for _ in scripts]  # type: list[int], list[list[str]]
    picks = list(schedule)
    while True:
        ready = [n for n in range(len(scripts)) if n in session.flights or at[n] < len(scripts[n])]
        if not ready:
            return session.finish()
        worker = ready[(picks.pop(0) if picks else 0) % len(ready)]
        flight = session.flights.get(worker)
        if flight is None:
            call = resolve(scripts[worker][at[worker]], ids[worker])
            at[worker] += 1
            if call is not None:
                session.arrive(worker, call)
        elif flight.answer is None:
            session.act(worker)
        else:
            if created_id(flight.call, flight.answer):
                ids[worker].append(flight.answer["id"])
            session.end(worker)


def created_id(call: Call, answer: Answer) -> bool:
    return access(call).item is None and access(call).writes and "id" in answer


class Playing:
    """A session of `replay`, or with an upstream of `new_episodes`, one call at a time."""

    def __init__(
        self,
        cassette: Cassette,
        scope: str | None = None,
        world: World | None = None,
        manner: Manner = PLAIN,
    ) -> None:
        self.cassette, self.world = cassette, world
        self.began_from = copy.deepcopy(world)
        decision = DECISIONS[Mode.NEW_EPISODES if world else Mode.REPLAY]
        self.history = SessionHistory(
            cassette.recordings, decision, RULES, scope=scope, manner=manner
        )
        self.made: Live = []
        self.served: list[str] = []
        self.unstored = 0

    def ask(self, call: Call) -> tuple[str | None, Answer | None]:
        """The id of the recording that answers and the answer; None for a miss."""
        arrival = self.history.arrive()
        ruling = self.history.ask(arrival, call, access(call))
        if ruling.action is Action.REFUSE:
            return None, None
        id_: str | None = None
        if ruling.action is Action.SERVE:
            assert ruling.position is not None
            found = self.cassette.recordings[ruling.position]
            id_, answer = found.id, found.content
            self.served.append(id_)
        else:
            id_, answer = self._forward(arrival, call, ruling.action)
        self.history.began(arrival)
        self.history.ended(arrival)
        self.made.append((call, answer))
        return id_, answer

    def _forward(self, arrival: int, call: Call, action: Action) -> tuple[str | None, Answer]:
        assert self.world is not None and self.began_from is not None
        answer = self.world.call(call)
        if action is Action.FORWARD:
            self.unstored += 1
            return None, answer
        taken, _ = self.history.keep(arrival, recording(call, answer))
        first = self.served[:1]
        world = self.cassette.origins[first[0]][-1].world if first else self.began_from
        made = [one for one, _ in self.made]
        self.cassette.origins[taken.id] = [Origin(world, made, list(self.made), [])]
        return taken.id, answer

    def play(self, script: Sequence[Step]) -> Live:
        """Run a script up to its first miss, which is no part of what comes back."""
        out, ids = [], []  # type: Live, list[str]
        for step in script:
            call = resolve(step, ids)
            if call is None:
                continue
            _, answer = self.ask(call)
            if answer is None:
                out.append((call, {"miss": True}))
                break
            out.append((call, answer))
            if created_id(call, answer):
                ids.append(answer["id"])
        return out

    def finish(self) -> None:
        self.cassette.recordings = self.history.merged().recordings


def replay(cassette: Cassette, script: Sequence[Step], scope: str | None = None) -> Live:
    return Playing(cassette, scope).play(script)


def add(
    cassette: Cassette, world: World, script: Sequence[Step], scope: str | None = None
) -> Playing:
    session = Playing(cassette, scope, world)
    session.play(script)
    session.finish()
    return session


def prune(cassette: Cassette, ids: set[str]) -> None:
    cassette.recordings = pruned(cassette.recordings, ids, RULES)


def by_hand(live: Live) -> Cassette:
    """Calls and answers alone, in order."""
    items = (recording(call, answer) for call, answer in live)
    numbered = tuple(
        Recording(f"hand-{n}", one.fingerprint, one.access, one.content)
        for n, one in enumerate(items)
    )
    return Cassette(numbered)
