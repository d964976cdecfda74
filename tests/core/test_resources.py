"""Which resource a path names, and which writes change what a read sees."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import a_request
from runreel.assistants.operations import OPERATIONS
from runreel.http.messages import Request
from runreel.matching.resources import (
    Access,
    Place,
    Writes,
    access_of,
    covers,
    root_of,
)

THREAD = "/threads/t"
RUNS = "/threads/t/runs"
RUN = "/threads/t/runs/r"
STEPS = "/threads/t/runs/r/steps"
STEP = "/threads/t/runs/r/steps/s"
READS = ["/threads", THREAD, RUNS, RUN, STEPS, STEP, "/threads/t/messages", "/threads/u/runs/r"]


def access(method: str, path: str) -> Access:
    return access_of(a_request(b"", path, method))


def covered(method: str, path: str, prefix: str = "") -> list[str]:
    write = access(method, prefix + path)
    return [read for read in READS if covers(write, access("GET", prefix + read).scope)]


@pytest.mark.parametrize("prefix", ["", "/v1", "/openai", "/api/v1", "/api/projects/p", "/files/x"])
@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", RUN, [RUNS, RUN, STEPS, STEP]),
        ("PATCH", RUN, [RUNS, RUN, STEPS, STEP]),
        ("POST", f"{RUN}/an/unknown/action", [RUNS, RUN, STEPS, STEP]),
        ("POST", STEP, [STEPS, STEP]),
        ("POST", THREAD, ["/threads", THREAD, RUNS, RUN, STEPS, STEP, "/threads/t/messages"]),
        ("DELETE", THREAD, ["/threads", THREAD, RUNS, RUN, STEPS, STEP, "/threads/t/messages"]),
        ("POST", "/threads", ["/threads"]),
        ("POST", "/threads/runs", ["/threads"]),
        ("POST", "/threads/t/messages", ["/threads/t/messages"]),
        ("POST", "/threads/t/messages/m", ["/threads/t/messages"]),
        ("POST", "/assistants/t", []),
        ("GET", RUN, []),
        ("HEAD", RUN, []),
        ("OPTIONS", RUN, []),
    ],
)
def test_a_write_covers_its_item_with_all_below_and_its_list_or_what_it_adds_to(
    prefix: str, method: str, path: str, expected: list[str]
) -> None:
    assert covered(method, path, prefix) == expected


@pytest.mark.parametrize("prefix", ["", "/v1", "/openai", "/api/v1"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        # A run answers into the messages of its thread.
        (RUNS, [RUNS, "/threads/t/messages"]),
        (f"{RUN}/cancel", [RUNS, RUN, STEPS, STEP, "/threads/t/messages"]),
        (f"{RUN}/submit_tool_outputs", [RUNS, RUN, STEPS, STEP, "/threads/t/messages"]),
    ],
)
def test_a_write_covers_what_the_table_of_effects_says(
    prefix: str, path: str, expected: list[str]
) -> None:
    assert covered("POST", path, prefix) == expected


@pytest.mark.parametrize(
    ("write", "read", "expected"),
    [
        (("POST", "/v1/files"), "/v1/files", True),
        (("POST", "/v1/files"), "/v1/files/f", False),
        (("DELETE", "/v1/files/f"), "/v1/files/f/content", True),
        (("DELETE", "/v1/files/f"), "/v1/files?purpose=x", True),
        (("POST", "/v1/vector_stores/v/file_batches/b/cancel"), "/v1/vector_stores/v", True),
        (("POST", "/v1/vector_stores/v/files"), "/v1/vector_stores", True),
        (("DELETE", "/v1/vector_stores/v/files/f"), "/v1/vector_stores/v", True),
        (("POST", "/v1/vector_stores/v/files"), "/v1/vector_stores/w", False),
        (("POST", "/v1/vector_stores/v/files"), "/v1/vector_stores/v/files/f", False),
        (("POST", "/threads/t/runs"), "/threads/t/messages/m", True),
        (("POST", "/threads/t/runs"), "/threads/u/messages", False),
        (("POST", "/v1/vector_stores/v"), "/v1/vector_stores/v/file_batches/b/files", True),
        (("POST", "/v1/chat/completions"), "/v1/chat/completions/c", False),
        (("POST", f"{RUN}?x=1"), f"{RUN}?y=2", True),
        (("POST", "/threads/a%2Fb"), "/threads/a/b", False),
        (("POST", "/threads/\xe9"), "/threads/\xe9/runs", True),
        (("POST", "/threads/threads"), "/threads/threads/runs/runs", True),
        (("POST", "/threads/threads/runs"), "/threads/threads/runs", True),
        (("POST", "/threads/threads/runs"), "/threads/threads/runs/runs", False),
        (("POST", "//threads/t/runs/r/"), RUN, True),
        (("POST", "/v1/widgets/w"), "/v1/widgets", True),
        (("POST", "/v1/widgets/w"), "/v1/widgets/w/messages", True),
        (("POST", "/v1/widgets"), "/v1/widgets/w", True),
        (("POST", "/v1/widgets/w"), "/v1/widgets/x", False),
        (("POST", "/"), "/anything", True),
        (("POST", "/threads/t" + "/x" * 5_000), "/threads/t" + "/x" * 4_000, True),
    ],
)
def test_of_other_paths_segments_decide(write: tuple[str, str], read: str, expected: bool) -> None:
    assert covers(access(*write), access("GET", read).scope) is expected


def test_a_resource_has_a_limited_depth() -> None:
    assert len(access("GET", "/threads" + "/x" * 5_000).scope) == 32


@pytest.mark.parametrize("name", [name for name, each in OPERATIONS.items() if each.changes])
def test_what_changes_metadata_is_a_write(name: str) -> None:
    operation = OPERATIONS[name]
    path = "/v1/" + "/".join(operation.pattern)

    assert all(access(method, path).writes for method in operation.methods)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/v1/threads/t/runs/r"),
        ("POST", "/v1/threads/t/%72uns/r"),
        ("POST", "/v1/thr%65ads/t//runs/r/"),
        ("POST", "/v1%2Fthreads/t/runs%2Fr"),
        ("POST", "/v1/THREADS/t/Runs/r"),
        ("POST", "/v1/threads/x/%2e%2e/t/./runs/r;v=1"),
    ],
)
def test_however_a_write_is_spelled_it_covers_the_same(method: str, path: str) -> None:
    write = access(method, path)

    assert write == access("POST", "/v1/threads/t/runs/r")
    for read in ("/v1/threads/t/runs/r", "/v1/threads/t/%72uns/r/", "/V1/Threads/t/runs%2Fr"):
        assert covers(write, access("GET", read).scope)


segments = st.sampled_from(["threads", "runs", "t", "x"])
accesses = st.builds(
    lambda method, path: access(method, "/" + "/".join(path)),
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.lists(segments, max_size=5),
)


@given(st.lists(st.tuples(st.integers(0, 9), accesses)), st.integers(0, 9), accesses)
@example([(0, access("POST", "/"))], 1, access("GET", "/"))
def test_the_index_counts_what_covers_says(
    written: list[tuple[int, Access]], at: int, read: Access
) -> None:
    index = Writes()
    for number, write in written:
        index.add((number,), write)

    place: Place = (at,)
    assert index.before(place, read) == sum(
        covers(write, read.scope) for number, write in written if number < at
    )


SEGMENTS = st.sampled_from(
    ("threads", "runs", "messages", "steps", "vector_stores", "files", "a", "b", "cancel", "v1")
)
CALLS = st.builds(
    lambda method, segments: Request(method, "/" + "/".join(segments)),
    st.sampled_from(("GET", "POST", "PUT", "DELETE")),
    st.lists(SEGMENTS, max_size=6),
)


@given(CALLS, CALLS)
def test_what_stands_in_different_roots_never_sees_each_other(one: Request, other: Request) -> None:
    write, seen = access_of(one), access_of(other)
    roots = {root_of(write), root_of(seen)}

    if None not in roots and len(roots) == 2:
        assert not covers(write, seen.scope)
