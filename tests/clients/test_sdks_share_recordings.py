"""A recording made by one SDK replays to the others: two of Python, two of npm, two of Go."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from clients import go_calls, node_calls, python_calls
from clients.calls import CREATION, SIX_OPERATIONS, Line, on_run, on_thread, runs_upstream
from servers import Proxy

Speaker = Callable[..., Awaitable[list[Line]]]

SCRIPT = (
    *SIX_OPERATIONS,
    on_thread("create", params=CREATION | {"stream": True}),
    on_run("update", params={"metadata": {"retry": "yes"}}),
)
SERVED = len(SCRIPT) + 2  # the last call is answered 500, 500, 200


SPEAKERS: dict[str, Speaker] = {
    "npm newest": partial(node_calls.node_prints, node_calls.NEWEST),
    "npm 4.x": partial(node_calls.node_prints, node_calls.OLD),
    "python": partial(python_calls.python_tells, python_calls.NEWEST),
    "python 1.x": partial(python_calls.python_tells, python_calls.OLD),
    "go v1": partial(go_calls.go_prints, go_calls.UNVERSIONED),
    "go newest": partial(go_calls.go_prints, go_calls.NEWEST),
}


@pytest.mark.parametrize(
    ("recorder", "player"),
    [
        ("npm newest", "python"),
        ("npm 4.x", "python"),
        ("python", "npm newest"),
        ("python", "npm 4.x"),
        ("npm newest", "npm 4.x"),
        ("npm 4.x", "npm newest"),
        ("go v1", "python"),
        ("go newest", "python"),
        ("python", "go v1"),
        ("python", "go newest"),
        ("go newest", "npm newest"),
        ("npm newest", "go newest"),
        ("python 1.x", "npm newest"),
        ("go newest", "python 1.x"),
        ("go v1", "go newest"),
        ("go newest", "go v1"),
    ],
)
async def test_operations_stream_and_retries_recorded_by_one_sdk_replay_to_the_other(
    recorder: str, player: str, proxy: Proxy
) -> None:
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        recorded = await SPEAKERS[recorder](running.url, *SCRIPT)

    async with proxy(mode="replay") as running:
        replayed = await SPEAKERS[player](running.url, *SCRIPT)
        receipt = running.receipt()

    assert replayed == recorded
    assert [line["result"]["metadata"] for line in (recorded[0], recorded[-1])] == [
        {"stage": "é"},
        {"retry": "yes"},
    ]
    assert (receipt["served"], receipt["upstream_calls"]) == (SERVED, 0)
    assert (receipt["missed"], receipt["unplayed"]) == ([], [])
