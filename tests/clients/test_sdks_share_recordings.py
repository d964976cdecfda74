"""A recording made by one SDK replays to the others: Python's, two of npm and two of Go."""

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from openai import AsyncOpenAI, AsyncStream

from builders import FAKE_KEY
from clients import go_calls
from clients.node_calls import (
    CREATION,
    NEWEST,
    OLD,
    SIX_OPERATIONS,
    Call,
    Line,
    node_prints,
    on_run,
    on_thread,
    runs_upstream,
)
from servers import Proxy

Speaker = Callable[..., Awaitable[list[Line]]]

SCRIPT = (
    *SIX_OPERATIONS,
    on_thread("create", params=CREATION | {"stream": True}),
    on_run("update", params={"metadata": {"retry": "yes"}}),
)
SERVED = len(SCRIPT) + 2  # the last call is answered 500, 500, 200


async def _python_says(url: str, *calls: Call) -> list[Line]:
    """The same calls by the Python SDK, told in the lines of calls.mjs."""
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=FAKE_KEY) as client:
        return [line for call in calls async for line in _lines(client, call)]


async def _lines(client: AsyncOpenAI, given: Call) -> AsyncIterator[Line]:
    ids = [given["run"]] if "run" in given else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the whole API
        method = getattr(client.beta.threads.runs, given["call"])
        answer = await method(*ids, thread_id=given["thread"], **given.get("params", {}))
    if isinstance(answer, AsyncStream):
        async for event in answer:
            yield {"event": event.model_dump(mode="json", exclude_unset=True)}
    else:
        yield {"result": answer.model_dump(mode="json", exclude_unset=True)}


def _node_says(package: str) -> Speaker:
    return lambda url, *calls: node_prints(package, url, *calls)


def _go_says(version: str) -> Speaker:
    return lambda url, *calls: go_calls.go_prints(version, url, *calls)


SPEAKERS: dict[str, Speaker] = {
    "npm newest": _node_says(NEWEST),
    "npm 4.x": _node_says(OLD),
    "python": _python_says,
    "go v1": _go_says(go_calls.UNVERSIONED),
    "go newest": _go_says(go_calls.NEWEST),
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
