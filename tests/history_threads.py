"""Workers in virtual time: recorded with a slow upstream, replayed by a proxy that makes them wait.

A discrete simulation of law L6: what happens when is drawn from a seed, nothing sleeps.
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from history_sessions import Recorder
from history_world import RULES, Answer, Call, Cassette, World, access, same_writes
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import SessionHistory

ORDER_WAIT_MS = 150
OTHERS_S = 1.0
Script = list[tuple[str, str, str]]
Print = Callable[[int, Call], Any]  # the fingerprint of a worker's call


class Clock:
    """What happens next, in milliseconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._left: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, ms: float, what: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._left, (self.now + ms, self._count, what))

    def run(self) -> None:
        while self._left:
            self.now, _, what = heapq.heappop(self._left)
            what()


def record_threads(
    scripts: list[Script], spread_ms: float, chance: random.Random, print_: Print
) -> tuple[Cassette, list[list[Answer]]]:
    """The cassette, and what each worker was answered."""
    cassette, clock = Cassette(), Clock()
    world = World()
    for n in range(1, 8):
        world.items[f"/threads/T0/runs/R{n}"] = World._new(f"/R{n}", {})
    session = Recorder(cassette, world)
    told: list[list[Answer]] = [[] for _ in scripts]

    def step(worker: int, at: int) -> None:
        if at == len(scripts[worker]):
            return
        call = scripts[worker][at]
        arrival = session.history.arrive()
        session.history.ask(arrival, print_(worker, call), access(call))
        flight = session.begin_flight(worker, call, arrival)
        slow = chance.uniform(10, 60)
        clock.after(slow * chance.uniform(0.2, 0.8), lambda: session.act(worker))

        def end() -> None:
            assert flight.answer is not None
            told[worker].append(flight.answer)
            session.end(worker, fingerprint=print_(worker, call))
            clock.after(chance.uniform(0.2, 3), lambda: step(worker, at + 1))

        clock.after(slow, end)

    for worker in range(len(scripts)):
        clock.after(chance.uniform(0, spread_ms), lambda worker=worker: step(worker, 0))  # type: ignore[misc]
    clock.run()
    session.finish()
    return cassette, told


@dataclass
class Replayed:
    """What came of a replay: how many workers' answers, misses, waits, and wrong answers."""

    told: list[list[Answer]]
    missed: int = 0
    wrong: int = 0
    waits: int = 0
    waited_ms: float = 0


@dataclass
class _Waiting:
    again: Callable[[bool], bool]  # whether it is done
    until: float
    done: bool = False


@dataclass
class _Proxy:
    clock: Clock
    waiting: list[_Waiting] = field(default_factory=list)
    carried: dict[int, float] = field(default_factory=dict)  # the last request, by connection

    def others(self, worker: int) -> bool:
        return any(
            self.clock.now - at <= OTHERS_S * 1000
            for other, at in self.carried.items()
            if other != worker
        )

    def wake(self) -> None:
        """Whoever waits looks again, in order; until nothing changes any more."""
        changed = True
        while changed:
            changed = False
            for one in list(self.waiting):
                if not one.done and one.again(self.clock.now < one.until):
                    one.done = changed = True
            self.waiting = [one for one in self.waiting if not one.done]

    def try_or_wait(self, again: Callable[[bool], bool], until: float) -> None:
        if again(self.clock.now < until):
            return
        one = _Waiting(again, until)
        self.waiting.append(one)
        self.clock.after(until - self.clock.now, self.wake)


class _Replay:
    """A replay of workers in virtual time; `waits` is off where nobody waits for anybody."""

    def __init__(
        self,
        cassette: Cassette,
        scripts: list[Script],
        chance: random.Random,
        print_: Print,
        history: Any,
    ) -> None:
        self.cassette, self.scripts, self.chance, self.print = cassette, scripts, chance, print_
        self.clock = Clock()
        self.proxy = _Proxy(self.clock)
        self.history = history
        self.result = Replayed([[] for _ in scripts])
        self.begun: list[Call] = []
        self.open: dict[int, Call] = {}
        self.waits = True

    def step(self, worker: int, at: int) -> None:
        """The next call of a worker comes."""
        if at == len(self.scripts[worker]):
            return
        call, arrived = self.scripts[worker][at], self.clock.now
        others = self.waits and self.proxy.others(worker)
        self.proxy.carried[worker] = arrived
        arrival = self.history.arrive()

        def ask(in_time: bool) -> bool:
            ruling = self.history.ask(
                arrival,
                self.print(worker, call),
                access(call),
                may_wait=self.waits and in_time,
                others_at_work=others,
            )
            if ruling.waits:
                return False
            if ruling.action is Action.REFUSE:
                self.result.missed += 1
                self.result.told[worker].append({"miss": True})
                return True
            assert ruling.position is not None
            self.judge(call, ruling.position)
            self.open[arrival] = call
            answer = self.cassette.recordings[ruling.position].content
            # What it means to be under way: a turn of the loop, some parsing, a write.
            soon = self.chance.uniform(0.1, 0.5)
            self.clock.after(soon, lambda: self.send(worker, at, arrival, answer, arrived))
            self.clock.after(0, self.proxy.wake)
            return True

        self.proxy.try_or_wait(ask, arrived + ORDER_WAIT_MS)
        self.clock.after(0, self.proxy.wake)

    def send(self, worker: int, at: int, arrival: int, answer: Answer, arrived: float) -> None:
        """An answer goes out, when nobody has to come first."""

        def out(in_time: bool) -> bool:
            if self.history.holds_back(arrival, may_wait=self.waits and in_time):
                return False
            self.history.began(arrival)
            self.history.ended(arrival)
            call = self.open.pop(arrival)
            if access(call).writes:
                self.begun.append(call)
            self.result.told[worker].append(answer)
            self.result.waited_ms += self.clock.now - arrived
            self.clock.after(self.chance.uniform(0.2, 3), lambda: self.step(worker, at + 1))
            self.clock.after(0, self.proxy.wake)
            return True

        self.proxy.try_or_wait(out, arrived + ORDER_WAIT_MS)

    def judge(self, call: Call, position: int) -> None:
        """Count an answer that was recorded in another situation."""
        found = self.cassette.origins[self.cassette.recordings[position].id]
        now = list(self.open.values())
        if not any(same_writes(call, origin, self.begun, now) for origin in found):
            self.result.wrong += 1


def identified(cassette: Cassette) -> Any:
    return SessionHistory(cassette.recordings, DECISIONS[Mode.REPLAY], RULES)


def replay_threads(
    cassette: Cassette,
    scripts: list[Script],
    spread_ms: float,
    chance: random.Random,
    print_: Print,
    *,
    waits: bool = True,
    model: Callable[[Cassette], Any] = identified,
) -> Replayed:
    """A replay by the model of history, or by the mistaken one (`counting_model`)."""
    replay = _Replay(cassette, scripts, chance, print_, model(cassette))
    replay.waits = waits
    for worker in range(len(scripts)):
        start = chance.uniform(0, spread_ms)
        replay.clock.after(start, lambda worker=worker: replay.step(worker, 0))  # type: ignore[misc]
    replay.clock.run()
    replay.result.waits = replay.history.waits
    return replay.result


def _call(method: str, path: str, key: str | None = None) -> Call:
    return method, path, f'{{"{key}": 1}}' if key else "{}"


R0 = "/threads/T0/runs/R0"
ALONE = "one that calls one after the other"
SCENES: dict[str, list[Script]] = {
    "two that retrieve and update one run": [
        [
            _call("GET", R0),
            _call("POST", R0, f"a{n}"),
            _call("GET", R0),
            _call("POST", R0, f"b{n}"),
            _call("GET", R0),
        ]
        for n in range(2)
    ],
    "four that update one run": [
        [_call("POST", R0, f"{key}{n}") for key in "abc"] for n in range(4)
    ],
    "eight on eight runs": [
        [
            _call("GET", f"/threads/T0/runs/R{n}"),
            _call("POST", f"/threads/T0/runs/R{n}", "a"),
            _call("GET", f"/threads/T0/runs/R{n}"),
        ]
        for n in range(8)
    ],
    "a poller beside a writer": [
        [_call("POST", R0, key) for key in "abcd"],
        [_call("GET", R0)] * 6,
    ],
    ALONE: [
        [
            _call("GET", R0),
            _call("POST", R0, "a"),
            _call("GET", R0),
            _call("POST", R0, "b"),
            _call("GET", R0),
            _call("GET", R0),
        ]
    ],
}


def by_call(worker: int, call: Call) -> Any:
    del worker
    return call


def by_worker(worker: int, call: Call) -> Any:
    """A header for each worker in `match.headers`."""
    return worker, call


def trial(
    scripts: list[Script], spreads: tuple[float, float], seed: int, print_: Print, **rules: Any
) -> tuple[str, Replayed]:
    """One recording and one replay: `like`, `miss`, or `other` (true, but not as recorded)."""
    chance = random.Random(seed)  # noqa: S311 - a seeded draw
    cassette, told = record_threads(scripts, spreads[0], chance, print_)
    found = replay_threads(cassette, scripts, spreads[1], chance, print_, **rules)
    if found.told == told:
        return "like", found
    return "miss" if found.missed else "other", found


def tally(
    name: str, spreads: tuple[float, float], trials: int, print_: Print, **rules: Any
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for seed in range(trials):
        kind, found = trial(SCENES[name], spreads, seed, print_, **rules)
        counts[kind] += 1
        counts["wrong"] += found.wrong
        counts["waits"] += found.waits
    return counts


if __name__ == "__main__":
    for scene in SCENES:
        for way in (by_worker, by_call):
            for spread in (0.0, 10.0, 60.0):
                print(  # noqa: T201 - the command prints its counts
                    f"{scene:38} {way.__name__:10} {spread:4.0f} ms",
                    dict(tally(scene, (spread, spread), 200, way)),
                )
