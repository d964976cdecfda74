"""Random scripts, operations and schedules for the laws of history."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from history_world import Step

# A command asks for more: RUNREEL_LAW_EXAMPLES=2000 pytest --timeout=0 tests/sessions
laws = settings(
    max_examples=int(os.environ.get("RUNREEL_LAW_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

T0, R0 = "/threads/T0", "/threads/T0/runs/R0"
body = st.sampled_from([{"a": 1}, {"a": 2}, {"b": 1}])
thread = st.sampled_from([T0, "/threads/$0", "/threads/$1"])
run = st.sampled_from([R0, "/threads/$0/runs/$1", "/threads/T0/runs/$0"])


def _call(
    method: str, path: st.SearchStrategy[str], *, said: bool = False
) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(method), path, body if said else st.just({}))


lists = st.one_of(
    st.just("/threads"), thread.map(lambda t: t + "/runs"), thread.map(lambda t: t + "/messages")
)
wide = st.one_of(
    _call("GET", st.one_of(thread, run, lists)),
    _call("POST", st.one_of(thread, run, lists), said=True),
    _call("DELETE", st.one_of(thread, run)),
)
NEAR: list[Step] = [  # few calls that touch each other
    ("GET", T0, {}),
    ("POST", T0, {"a": 1}),
    ("POST", T0, {"a": 2}),
    ("DELETE", T0, {}),
    ("GET", "/threads", {}),
    ("POST", "/threads", {}),
    ("GET", "/threads/$0", {}),
    ("POST", "/threads/$0", {"a": 1}),
    ("GET", R0, {}),
    ("POST", R0, {"a": 1}),
    ("POST", T0 + "/runs", {}),
    ("GET", T0 + "/runs", {}),
    ("POST", T0 + "/runs/$0", {"a": 1}),
    ("GET", T0 + "/messages", {}),
    ("POST", T0 + "/messages", {}),
]
FEW: list[Step] = [
    ("GET", T0, {}),
    ("POST", T0, {"a": 1}),
    ("POST", T0, {"b": 2}),
    ("POST", R0, {"a": 1}),
    ("GET", R0, {}),
    ("POST", T0 + "/runs", {}),
    ("GET", T0 + "/runs", {}),
    ("GET", T0 + "/messages", {}),
]
STORES: list[Step] = [
    ("GET", "/vector_stores/V0", {}),
    ("POST", "/vector_stores/V0/files", {}),
    ("GET", "/vector_stores", {}),
    ("POST", "/vector_stores/V0", {"a": 1}),
    ("DELETE", "/vector_stores/V0/files/$0", {}),
]
any_call = st.sampled_from(
    [wide, st.sampled_from(NEAR), st.sampled_from(FEW), st.sampled_from(STORES)]
)


def _of(size: int) -> st.SearchStrategy[list[Step]]:
    return any_call.flatmap(lambda call: st.lists(call, min_size=1, max_size=size))


script, small = _of(8), _of(5)
several = any_call.flatmap(
    lambda call: st.lists(st.lists(call, min_size=1, max_size=5), min_size=2, max_size=4)
)
Operation = tuple[str, list[Step] | int]


def _operations(call: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Operation]]:
    steps = st.lists(call, min_size=1, max_size=5)
    operation: st.SearchStrategy[Operation] = st.one_of(
        st.tuples(st.just("record"), steps),
        st.tuples(st.just("add"), steps),
        st.tuples(st.just("prune"), st.integers(0, 9)),
    )
    return st.lists(operation, min_size=1, max_size=5)


operations = any_call.flatmap(_operations)
# Positions in a cassette, asked one after the other.
picks = st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=6), min_size=1, max_size=4)
workers = any_call.flatmap(
    lambda call: st.lists(st.lists(call, min_size=1, max_size=4), min_size=2, max_size=3)
)
schedule = st.lists(st.integers(0, 2), max_size=40)
