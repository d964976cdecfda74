"""What deciding a request costs, counted in calls of functions and not in time; and what a session
remembers, which its cassette bounds and not the number of requests.
"""

import gc
import json
import os
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest

from history_sessions import Playing, recording
from history_world import RULES, Call, Cassette, access
from runreel.sessions import session
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import SessionHistory


def a_cassette(threads: int) -> Cassette:
    """For each thread a create, an update and two readings."""
    items = []
    for n in range(threads):
        path = f"/threads/T{n}"
        calls: list[Call] = [
            ("POST", "/threads", f'{{"n": {n}}}'),
            ("GET", path, "{}"),
            ("POST", path, '{"a": 1}'),
            ("GET", path, "{}"),
        ]
        items += [recording(call, {"id": f"T{n}", "n": at}) for at, call in enumerate(calls)]
    numbered = (
        type(one)(f"{one.id}-{n}", one.fingerprint, one.access, one.content)
        for n, one in enumerate(items)
    )
    return Cassette(tuple(numbered))


def work(threads: int, at: int) -> list[int]:
    """How many functions are called for each call on one thread, and by a miss."""
    session = Playing(a_cassette(threads))
    path = f"/threads/T{at}"
    calls: list[Call] = [
        ("GET", path, "{}"),
        ("POST", path, '{"a": 1}'),
        ("GET", path, "{}"),
        ("GET", path, "{}"),
        ("POST", "/threads", f'{{"n": {at}}}'),
    ]
    counts = []
    for call in calls:
        count = 0

        def profile(_frame: object, event: str, _argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(profile)
        try:
            session.ask(call)
        finally:
            sys.setprofile(None)
        counts.append(count)
    return counts


def test_deciding_takes_the_same_work_at_200_and_at_100_000_recordings() -> None:
    small, large = work(50, 25), work(25_000, 25)
    assert small == large
    assert work(25_000, 24_000)[:4] == small[:4]


# As the environment was before the tests' own was made.
REQUESTS = os.environ.get("RUNREEL_LAW_REQUESTS", "20000")
SCRIPT = """
import json, resource, sys
sys.path[:0] = json.loads(sys.argv[1])
from history_sessions import Playing
from history_world import Cassette
from runreel.sessions.session import Manner
from runreel.sessions.modes import Action
from test_history_cost import a_cassette

requests = int(sys.argv[2])
session = Playing(a_cassette(20), manner=Manner(repeat=True, repeats_max=0))
calls = [("GET", f"/threads/T{n}", "{}") for n in range(20)]
history = session.history
unknown = ("GET", "/threads/none", "{}")

def ask(call):
    arrival = history.arrive()
    from history_world import access
    if history.ask(arrival, call, access(call)).action is not Action.REFUSE:
        history.began(arrival); history.ended(arrival)

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

for n in range(2_000): ask(calls[n % 20]); ask(unknown)
before = resident()
for n in range(requests): ask(calls[n % 20])
for n in range(requests // 5): ask(unknown)
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's own account")
def test_what_a_session_remembers_does_not_grow_with_its_requests() -> None:
    """A sample; RUNREEL_LAW_REQUESTS=500000 asks for all (and a fifth of it of misses)."""
    here = Path(__file__).parent
    places = [str(here), str(here.parent), str(here.parents[1] / "proxy")]
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(places), REQUESTS],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ran.stdout) < 5_000_000


def test_calls_that_ended_are_forgotten() -> None:
    session = Playing(a_cassette(3))
    for _ in range(5):
        session.ask(("GET", "/threads/T1", "{}"))
    arrival = session.history.arrive()
    call: Call = ("GET", "/threads/T2", "{}")
    assert session.history.ask(arrival, call, recording(call, {}).access).action is Action.SERVE
    session.history.release(arrival)
    assert session.history.player._calls == {}
    assert session.history.player._waiting == {}


def test_calls_that_ended_are_forgotten_by_those_that_came_while_they_were_under_way() -> None:
    history = SessionHistory((), DECISIONS[Mode.RECORD], RULES)
    call: Call = ("POST", "/threads/T1", "{}")
    under_way = deque[int]()

    for n in range(100):
        arrival = history.arrive()
        history.ask(arrival, call, access(call))
        under_way.append(arrival)
        if n >= 10:
            history.keep(under_way[0], recording(call, {"n": n}))
            history.ended(under_way.popleft())

    gc.collect()
    held = sum(isinstance(one, session._Call) for one in gc.get_objects())
    assert held <= 2 * len(under_way)
