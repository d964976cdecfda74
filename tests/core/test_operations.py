"""Which method and path is which run operation."""

import pytest

from runreel.matching.resources import OPERATIONS, recognise

RUN = "/threads/thread_abc123/runs/run_abc123"

TABLE = [
    ("POST", "/threads/thread_abc123/runs", "createRun", True),
    ("GET", "/threads/thread_abc123/runs", "listRuns", False),
    ("GET", RUN, "getRun", False),
    ("POST", RUN, "modifyRun", True),
    ("POST", f"{RUN}/cancel", "cancelRun", True),
    ("POST", f"{RUN}/submit_tool_outputs", "submitToolOuputsToRun", True),
    ("POST", "/threads/runs", "createThreadAndRun", True),
    ("GET", f"{RUN}/steps", "listRunSteps", False),
    ("GET", f"{RUN}/steps/step_abc123", "getRunStep", False),
]


def name_of(method: str, path: str) -> str | None:
    operation = recognise(method, path)
    return operation.name if operation else None


@pytest.mark.parametrize("prefix", ["", "/v1", "/openai", "/api/v1", "/api/projects/p", "/threads"])
@pytest.mark.parametrize(("method", "path", "name", "writes"), TABLE, ids=[row[2] for row in TABLE])
def test_an_operation_is_recognised_behind_any_prefix(
    prefix: str, method: str, path: str, name: str, writes: bool
) -> None:
    operation = recognise(method, prefix + path)

    if prefix == "/threads" and path == "/threads/runs":
        name = "createRun"  # in a thread named "threads"
    assert operation is not None
    assert (operation.name, operation.writes) == (name, writes)


def test_the_table_holds_every_operation_once() -> None:
    assert sorted(operation.name for operation in OPERATIONS) == sorted(row[2] for row in TABLE)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/threads/thread%2Fabc/runs/run%2Fabc", "modifyRun"),
        ("POST", "/v1/threads/%C3%BC/runs/%3Fx%20y", "modifyRun"),
        ("POST", "/v1/threads/t%2Fruns/runs", "createRun"),
        ("POST", "/v1/threads/./runs/..", "modifyRun"),
        ("POST", "/v1/threads/runs/runs/run_abc123", "modifyRun"),
        ("POST", "/v1/threads/runs/runs", "createRun"),
        ("POST", "/v1/threads/runs/runs/runs", "modifyRun"),
        ("POST", "/v1/threads/threads/runs/threads", "modifyRun"),
        ("POST", "/v1/threads/t/runs/cancel", "modifyRun"),
        ("GET", "/v1/threads/t/runs/steps", "getRun"),
        ("GET", "/v1/threads/t/runs/r/steps/steps", "getRunStep"),
        ("POST", "/v1/threads/t/runs/r/cancel", "cancelRun"),
    ],
)
def test_an_id_may_be_anything_that_is_not_empty(method: str, path: str, name: str) -> None:
    assert name_of(method, path) == name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/threads/t/runs/"),
        ("GET", "/v1/threads/t/runs/"),
        ("POST", "/v1/threads//runs/r"),
        ("POST", "/v1/threads//runs"),
        ("POST", "/v1/threads/t/runs//cancel"),
        ("GET", "/v1/threads/t/runs/r/steps/"),
        ("POST", "/v1/threads/t/runs/r/"),
        ("POST", "/v1/threads/runs/"),
        ("POST", "/v1/threads/t"),
        ("POST", "/v1/threads"),
        ("GET", "/v1/threads/runs"),
        ("DELETE", "/v1/threads/t/runs/r"),
        ("PATCH", "/v1/threads/t/runs/r"),
        ("post", "/v1/threads/t/runs/r"),
        ("HEAD", "/v1/threads/t/runs/r"),
        ("GET", "/v1/threads/t/runs/r/cancel"),
        ("POST", "/v1/threads/t/runs/r/steps"),
        ("POST", "/v1/threads/t/runs/r/steps/s"),
        ("POST", "/v1/Threads/t/runs/r"),
        ("POST", "/v1/threads/t/%72uns/r"),
        ("POST", "/v1/threads%2Ft/runs/r"),
        ("POST", "/v1/mythreads/t/runs/r"),
        ("POST", "/v1/threads/t/messages/m"),
        ("POST", "/v1/threads/t/runs/r/x/y"),
        ("POST", "/"),
        ("POST", ""),
        ("POST", "runs"),
    ],
)
def test_any_other_call_is_no_operation(method: str, path: str) -> None:
    assert name_of(method, path) is None
