"""The mistaken model: writes are counted. The first build replayed so, and it lies.

The laws of history must be seen to fail on it. It has the shape of `Identified`.
"""

import copy
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from history_sessions import Live, created_id
from history_world import Answer, Call, Cassette, Origin, Step, World, access, resolve
from runreel.matching.resources import Access, covers
from runreel.sessions.modes import Action
from runreel.sessions.session import Ruling


@dataclass
class Line:
    id: str
    call: Call
    answer: Answer
    scope: str | None = None


@dataclass
class CountingCassette:
    lines: list[Line] = field(default_factory=list)
    origins: dict[str, list[Origin]] = field(default_factory=dict)
    count: int = 0

    @property
    def calls(self) -> list[tuple[str, Call]]:
        return [(line.id, line.call) for line in self.lines]


class CountingSession:
    """Equal requests in order; a read only from behind as many covering writes as were played."""

    def __init__(self, cassette: CountingCassette, repeat: bool = False) -> None:
        self.lines, self.repeat = list(cassette.lines), repeat
        self.taken: set[str] = set()
        self.played: list[Call] = []

    def ask(self, call: Call) -> tuple[str | None, Answer | None]:
        line = self.find(call)
        if line is None:
            return None, None
        if access(call).writes and line.id not in self.taken:
            self.played.append(call)
        self.taken.add(line.id)
        return line.id, line.answer

    def find(self, call: Call) -> Line | None:
        one = access(call)
        epoch = sum(covers(access(made), one.scope) for made in self.played)
        queue, before = [], 0
        for line in self.lines:
            if line.call == call and (one.writes or before == epoch):
                queue.append(line)
            before += access(line.call).writes and covers(access(line.call), one.scope)
        free = [line for line in queue if line.id not in self.taken]
        return free[0] if free else queue[-1] if queue and self.repeat else None


class Counting:
    """Recording, adding and replaying under the mistaken model."""

    @staticmethod
    def cassette() -> CountingCassette:
        return CountingCassette()

    @staticmethod
    def _enter(cassette: CountingCassette, called: Live, began: World, *, all_new: bool) -> None:
        """New ones after what preceded them, before the older ones: file order is all there is."""
        at, taken = 0, set[str]()
        for n, (call, answer) in enumerate(called):
            olds = [x for x in cassette.lines if x.call == call and x.id not in taken]
            if olds and not (all_new and n >= len(called)):
                line = olds[0]
                if line.answer != answer:
                    cassette.origins[line.id] = []
                line.answer = answer
                at = cassette.lines.index(line) + 1
            else:
                cassette.count += 1
                line = Line(f"c{cassette.count}", call, answer)
                cassette.origins[line.id] = []
                cassette.lines.insert(at, line)
                at += 1
            taken.add(line.id)
            before = [one for one, _ in called[:n]]
            cassette.origins[line.id].append(Origin(began, before, called[:n], []))

    def record(self, cassette: CountingCassette, world: World, script: Sequence[Step]) -> Live:
        began = copy.deepcopy(world)
        live, ids = [], []  # type: Live, list[str]
        for step in script:
            call = resolve(step, ids)
            if call is None:
                continue
            answer = world.call(call)
            live.append((call, answer))
            if created_id(call, answer):
                ids.append(answer["id"])
        self._enter(cassette, live, began, all_new=False)
        return live

    def add(
        self, cassette: CountingCassette, world: World, script: Sequence[Step]
    ) -> tuple[Live, int]:
        session, began = CountingSession(cassette), copy.deepcopy(world)
        made, ids = [], []  # type: Live, list[str]
        for step in script:
            call = resolve(step, ids)
            if call is None:
                continue
            _, answer = session.ask(call)
            if answer is None:
                answer = world.call(call)
                if access(call).writes:
                    session.played.append(call)
            made.append((call, answer))
            if created_id(call, answer):
                ids.append(answer["id"])
        self._enter(cassette, made, began, all_new=False)
        return made, 0

    @staticmethod
    def prune(cassette: CountingCassette, at: int) -> None:
        del cassette.lines[at]

    @staticmethod
    def session(cassette: CountingCassette, *, repeat: bool = False) -> CountingSession:
        return CountingSession(cassette, repeat)


class CountingHistory:
    """A replay as the threads of `history_threads` ask for it, of what was recorded under the true
    model: nobody waits for anybody.
    """

    waits = 0

    def __init__(self, cassette: Cassette) -> None:
        lines = [
            Line(str(at), item.fingerprint, item.content)  # type: ignore[arg-type]
            for at, item in enumerate(cassette.recordings)
        ]
        self.session = CountingSession(CountingCassette(lines))
        self.arrived = 0

    def arrive(self) -> int:
        self.arrived += 1
        return self.arrived

    def ask(self, arrival: int, call: Hashable, access: Access, **_: bool) -> Ruling:
        id_, _answer = self.session.ask(call)  # type: ignore[arg-type]
        return Ruling(Action.REFUSE) if id_ is None else Ruling(Action.SERVE, int(id_))

    def holds_back(self, arrival: int, *, may_wait: bool) -> bool:
        return False

    def began(self, arrival: int) -> None:
        """The counting model counts a write when it is asked for."""

    def ended(self, arrival: int) -> None:
        """Likewise."""
