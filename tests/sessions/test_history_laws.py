"""The laws of history, over random scripts against an API that really stores.

Each law is a function of a model, so that it can be seen to fail on the mistaken one, which counts
writes (`test_history_mistakes`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import event, example, given
from hypothesis import strategies as st

import history_scripts as scripts
from history_laws import is_new, law_1, law_2, law_3, law_3_added, law_5
from history_scripts import laws
from history_sessions import (
    Live,
    Playing,
    Recorder,
    add,
    by_hand,
    created_id,
    prune,
    record,
    replay,
)
from history_world import Cassette, Step, World, access, letter, resolve
from identified_model import Identified
from runreel.cassettes.history import Pasts, weight
from runreel.matching.resources import covers, is_create
from runreel.sessions.session import Manner


def pasts_of(cassette: Cassette) -> dict[str, frozenset[str]]:
    pasts = Pasts(cassette.recordings)
    for at in range(len(cassette.recordings)):  # the sums say what the ids say
        assert pasts.whole[at] == sum_of(pasts.ids(at))
    return {item.id: pasts.ids(at) for at, item in enumerate(cassette.recordings)}


def sum_of(ids: frozenset[str]) -> int:
    return sum(map(weight, ids))


# ---------------------------------------------------------------- L1


@laws
@given(scripts.operations)
def test_a_session_replays_as_it_was_live(todo: list[Any]) -> None:
    law_1(Identified(), todo)


@laws
@given(scripts.script)
def test_a_plain_recording_needs_no_members(script: list[Step]) -> None:
    cassette = Cassette()
    live = record(cassette, World(), [script])
    assert all(item.after is None and not item.during for item in cassette.recordings)
    assert replay(cassette, script) == live


@laws
@given(scripts.script, scripts.script)
def test_new_episodes_go_on_where_the_cassette_ends(script: list[Step], more: list[Step]) -> None:
    cassette, world = Cassette(), World()
    record(cassette, world, [script])
    session = Playing(cassette, None, world)
    live = session.play(script + more)
    session.finish()
    assert session.unstored == 0
    assert replay(cassette, script + more) == live
    assert all(item.after is None for item in cassette.recordings)


@laws
@given(scripts.script)
def test_a_cassette_written_by_hand_answers_as_a_recording_does(script: list[Step]) -> None:
    live = record(Cassette(), World(), [script])
    assert replay(by_hand(live), script) == live


@laws
@given(scripts.workers, scripts.schedule)
def test_overlapping_calls_replay_under_the_same_overlaps(
    workers: list[list[Step]], schedule: list[int]
) -> None:
    cassette = Cassette()
    live = record(cassette, World(), workers, schedule)
    history = Playing(cassette).history
    picks = list(schedule)
    at, ids = [0] * len(workers), [[] for _ in workers]  # type: list[int], list[list[str]]
    flights: dict[int, list[Any]] = {}
    out: Live = []
    while True:  # the very steps of `record`
        ready = [n for n in range(len(workers)) if n in flights or at[n] < len(workers[n])]
        if not ready:
            break
        worker = ready[(picks.pop(0) if picks else 0) % len(ready)]
        if worker not in flights:
            call = resolve(workers[worker][at[worker]], ids[worker])
            at[worker] += 1
            if call is None:
                continue
            arrival = history.arrive()
            ruling = history.ask(arrival, call, access(call))
            found = None if ruling.position is None else cassette.recordings[ruling.position]
            flights[worker] = [arrival, call, found and found.content, False]
            out.append((call, found.content if found else {"miss": True}))
        elif not flights[worker][3]:
            flights[worker][3] = True
        else:
            arrival, call, answer, _ = flights.pop(worker)
            history.began(arrival)
            history.ended(arrival)
            if answer and created_id(call, answer):
                ids[worker].append(answer["id"])
    wrong = [(a, b) for a, b in zip(out, live, strict=False) if a != b and "miss" not in a[1]]
    twins = len({call for call, _ in live}) < len(live)
    event(f"like live: {out == live}, equal calls: {twins}")
    assert twins or not wrong
    assert twins or out == live


# ---------------------------------------------------------------- L2


STORED = "/vector_stores/V0/files"


@laws
@given(scripts.operations, scripts.picks)
# What was deleted is created after that, and its id cannot be the old one.
@example(
    [
        (
            "record",
            [
                ("POST", STORED, {}),
                ("DELETE", f"{STORED}/$0", {}),
                ("DELETE", f"{STORED}/$0", {}),
            ],
        )
    ],
    [[1, 0, 1]],
)
def test_never_a_wrong_answer(todo: list[Any], probes: list[list[int]]) -> None:
    law_2(Identified(), todo, probes)


@laws
@given(scripts.workers, scripts.schedule, scripts.operations, scripts.picks)
def test_never_a_wrong_answer_after_calls_overlapped(
    workers: list[list[Step]], schedule: list[int], todo: list[Any], probes: list[list[int]]
) -> None:
    cassette, world = Cassette(), World()
    record(cassette, world, workers, schedule)
    for operation in todo:
        apply(cassette, world, *operation)
    for probe in probes if cassette.recordings else ():
        session = Playing(cassette)
        for at in probe:
            call: Any = cassette.recordings[at % len(cassette.recordings)].fingerprint
            before = [one for one, _ in session.made]
            id_, answer = session.ask(call)
            if answer is None or id_ is None:
                break
            # Writes that overlapped when they were recorded have no order of their own.
            loose = [one for each in cassette.origins.values() for o in each for one in o.loose]
            found = cassette.origins[id_]
            assert any(letter(call, origin, before, loose) for origin in found)


def apply(cassette: Cassette, world: World, operation: str, argument: Any) -> None:
    if operation == "record":
        record(cassette, world, [argument])
    elif operation == "add":
        add(cassette, world, argument)
    elif cassette.recordings:
        prune(cassette, {cassette.recordings[argument % len(cassette.recordings)].id})


# ---------------------------------------------------------------- L3


@laws
@given(scripts.operations)
def test_nothing_old_changes_its_past(todo: list[Any]) -> None:
    cassette, world = Cassette(), World()
    for operation in todo:
        before = pasts_of(cassette)
        creates = {item.id for item in cassette.recordings if is_create(item.access)}
        apply(cassette, world, *operation)
        after = pasts_of(cassette)
        for id_ in before.keys() & after.keys() - creates:  # a create forgets pruned siblings
            assert before[id_] == after[id_]


@laws
@given(scripts.small, scripts.operations, st.integers(0, 9))
def test_other_resources_change_nothing(script: list[Step], todo: list[Any], at: int) -> None:
    law_3(Identified(), script, todo, at)


@laws
@given(scripts.several)
def test_what_is_added_changes_nothing_older(several: list[list[Step]]) -> None:
    law_3_added(Identified(), several[0], several[1:])


@laws
@given(
    scripts.small,
    scripts.small,
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=5),
)
def test_scopes_keep_stories_apart(
    one: list[Step], two: list[Step], then: list[tuple[bool, bool]]
) -> None:
    cassette, world = Cassette(), World()
    last: dict[str, Live] = {}
    for second, anew in [(False, True), (True, True), *then]:
        script, scope = (two, "two") if second else (one, "one")
        if anew:
            last[scope] = record(cassette, world, [script], scope=scope)
        else:
            assert add(cassette, world, script, scope).unstored == 0
        for name, told in (("one", one), ("two", two)):
            if name in last:
                assert replay(cassette, told, name) == last[name]


# ---------------------------------------------------------------- L4


@laws
@given(scripts.workers, scripts.schedule)
def test_equal_traffic_changes_nothing(workers: list[list[Step]], schedule: list[int]) -> None:
    fixed = [[step for step in one if "$" not in step[1] and not is_new(step)] for one in workers]
    cassette = Cassette()
    record(cassette, World(), fixed, schedule)
    first = cassette.recordings
    record(cassette, World(), fixed, schedule)
    assert cassette.recordings == first


@laws
@given(scripts.workers, scripts.schedule, scripts.schedule)
def test_equal_answers_keep_their_members(
    workers: list[list[Step]], schedule: list[int], other: list[int]
) -> None:
    fixed = [[step for step in one if "$" not in step[1] and not is_new(step)] for one in workers]
    cassette = Cassette()
    record(cassette, World(), fixed, schedule)
    first = {item.id: item for item in cassette.recordings}
    pasts = pasts_of(cassette)
    record(cassette, World(), fixed, other)
    for item in cassette.recordings:
        old = first.get(item.id)
        if old is not None and old.content == item.content:
            assert item.during == tuple(
                id_ for id_ in old.during if id_ in cassette.ids() or id_ not in first
            )
            assert pasts_of(cassette)[item.id] == pasts[item.id]


# ---------------------------------------------------------------- L5


@laws
@given(scripts.script, st.lists(st.integers(0, 8), max_size=3))
def test_a_program_runs_again(script: list[Step], cuts: list[int]) -> None:
    law_5(Identified(), script, cuts)


@laws
@given(scripts.script, st.integers(0, 8))
def test_rewind_takes_everything_back(script: list[Step], cut: int) -> None:
    cassette = Cassette()
    live = record(cassette, World(), [script])
    for repeat in (False, True):
        session = Playing(cassette, manner=Manner(repeat=repeat))
        session.play(script[:cut])
        session.history.rewind()
        assert session.play(script) == live


# ---------------------------------------------------------------- writes of unknown effect


@laws
@given(scripts.script, st.sets(st.integers(0, 7)), st.booleans())
def test_a_write_whose_client_left_is_never_served(
    script: list[Step], left: set[int], applied: bool
) -> None:
    fixed = [step for step in script if "$" not in step[1]]
    cassette, world = Cassette(), World()
    session = Recorder(cassette, world)
    live: Live = []
    for at, step in enumerate(fixed):
        call = resolve(step, [])
        assert call is not None
        gone = at in left and access(call).writes
        session.arrive(0, call)
        if gone and not applied:
            session.flights[0].answer = {"error": "nobody knows"}
        else:
            session.act(0)
        answer = session.flights[0].answer
        session.end(0, received=not gone)
        if not gone:
            live.append((call, answer or {}))
    session.finish()
    player = Playing(cassette)
    for call, answer in live:
        assert player.ask(call)[1] == answer


# ---------------------------------------------------------------- overlaps while replaying


@laws
@given(
    scripts.operations,
    scripts.workers,
    scripts.schedule,
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=4, max_size=40),
    st.booleans(),
)
# Two writes overlap, the later one begins first, and the third is recorded after both.
@example(
    [("record", [("GET", scripts.T0, {})])],
    [
        [("DELETE", scripts.T0, {}), ("POST", scripts.T0, {"a": 1})],
        [("DELETE", scripts.T0, {})],
    ],
    [],
    [(0, 0), (0, 1), (3, 1), (3, 0), (0, 0)],
    False,
)
def test_never_a_wrong_answer_whatever_overlaps(
    todo: list[Any],
    workers: list[list[Step]],
    schedule: list[int],
    moves: list[tuple[int, int]],
    waits: bool,
) -> None:
    """Calls come, begin, end and are given back in any order; each answer is a right one."""
    cassette, world = Cassette(), World()
    record(cassette, world, workers, schedule)
    for operation in todo:
        apply(cassette, world, *operation)
    if not cassette.recordings:
        return
    overlaps = Overlaps(cassette)
    for move, number in moves:
        overlaps.move(move, number, waits=waits)


@dataclass
class Made:
    """A call whose answer has begun: when it came, and when its answer had ended."""

    call: Any
    came: int
    ended: int | None = None


def orders(made: Sequence[Made]) -> Iterator[list[Any]]:
    """The orders in which calls can have been made, for all that anybody outside could see: one
    that had ended before another came was before it. The first is that in which they began.
    """
    if not made:
        yield []
    for at, one in enumerate(made):
        if not any(other.ended is not None and other.ended < one.came for other in made):
            for rest in orders([*made[:at], *made[at + 1 :]]):
                yield [one.call, *rest]


def test_only_calls_that_overlapped_can_have_been_made_in_either_order() -> None:
    one, two, three = Made("1", 1, 4), Made("2", 2, 3), Made("3", 5)
    assert list(orders([two, one, three])) == [["2", "1", "3"], ["1", "2", "3"]]


class Overlaps:
    """A replay in which calls come, begin, end and are given back."""

    def __init__(self, cassette: Cassette) -> None:
        self.cassette = cassette
        self.history = Playing(cassette).history
        self.loose = [one for each in cassette.origins.values() for o in each for one in o.loose]
        self.begun: list[Made] = []
        self.time = 0
        self.under_way: dict[int, Made] = {}
        self.first_bytes: set[int] = set()

    def move(self, move: int, number: int, *, waits: bool) -> None:
        self.time += 1
        arrivals = sorted(self.under_way)
        if move <= 1 or not arrivals:
            self.ask(number, may_wait=waits and move == 0)
            return
        arrival = arrivals[number % len(arrivals)]
        if move in (2, 3) and arrival not in self.first_bytes:
            self.first_bytes.add(arrival)
            self.begun.append(self.under_way[arrival])
            self.history.began(arrival)
        if move == 3 or arrival in self.first_bytes:
            if move != 2:
                self.history.ended(arrival)
                self.under_way.pop(arrival).ended = self.time
        else:
            self.history.release(arrival)
            del self.under_way[arrival]

    def ask(self, number: int, *, may_wait: bool) -> None:
        items = self.cassette.recordings
        call: Any = items[number % len(items)].fingerprint
        arrival = self.history.arrive()
        ruling = self.history.ask(
            arrival, call, access(call), may_wait=may_wait, others_at_work=True
        )
        if ruling.waits:  # its client does not wait as long
            self.history.release(arrival)
        elif ruling.position is not None:
            found = self.cassette.origins[items[ruling.position].id]
            now = [*self.loose, *(one.call for one in self.under_way.values())]
            scope = access(call).scope
            seen = [
                one
                for one in self.begun
                if access(one.call).writes and covers(access(one.call), scope)
            ]
            assert any(letter(call, origin, made, now) for made in orders(seen) for origin in found)
            self.under_way[arrival] = Made(call, self.time)
