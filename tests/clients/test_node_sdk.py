"""The real npm `openai` package, newest and 4.x, against a recording and a replaying proxy."""

import pytest

from clients.calls import (
    CREATION,
    OUTPUTS,
    SIX_OPERATIONS,
    Call,
    Line,
    on_run,
    on_thread,
    runs_upstream,
)
from clients.node_calls import both, node_prints
from servers import Proxy


async def _recorded(proxy: Proxy, package: str, *calls: Call | list[Call]) -> list[Line]:
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        return await node_prints(package, running.url, *calls)


@both
async def test_all_six_operations_of_the_npm_package_are_replayed_after_the_upstream_stopped(
    package: str, proxy: Proxy
) -> None:
    recorded = await _recorded(proxy, package, *SIX_OPERATIONS)

    async with proxy(mode="replay") as running:
        replayed = await node_prints(package, running.url, *SIX_OPERATIONS)
        receipt = running.receipt()

    assert replayed == recorded
    created, began, updated, listed, cancelled, submitted, again, last = (
        line["result"] for line in recorded
    )
    assert created["metadata"] == {"stage": "é"}
    assert (created["status"], began["status"]) == ("queued", "in_progress")
    assert updated["metadata"] == {"user_id": "user_abc123"}
    assert [run["id"] for run in listed["data"]] == ["run_abc123", "run_def456"]
    assert listed["has_more"] is True
    assert (cancelled["status"], submitted["status"]) == ("cancelled", "queued")
    assert again["status"] == "in_progress"
    assert last["metadata"] == {"user_id": "user_def456"}
    assert (receipt["served"], receipt["upstream_calls"]) == (8, 0)
    assert (receipt["missed"], receipt["unplayed"]) == ([], [])


@both
async def test_a_stream_gives_the_npm_package_the_same_events_live_and_in_replay(
    package: str, proxy: Proxy
) -> None:
    calls = (
        on_thread("create", params=CREATION | {"stream": True}),
        on_run("submit_tool_outputs", params={"tool_outputs": OUTPUTS, "stream": True}),
        on_run("retrieve"),
    )
    recorded = await _recorded(proxy, package, *calls)

    async with proxy(mode="replay") as running:
        replayed = await node_prints(package, running.url, *calls)
        receipt = running.receipt()

    assert replayed == recorded
    assert [line["event"]["event"] for line in recorded[:-1]] == 2 * [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.message.delta",
        "thread.run.completed",
    ]
    delta = recorded[3]["event"]["data"]["delta"]
    assert delta["content"][0]["text"]["value"] == "28 °C"
    assert recorded[-1]["result"]["status"] == "completed"
    assert (receipt["served"], receipt["upstream_calls"], receipt["unplayed"]) == (3, 0, [])


@both
@pytest.mark.parametrize("retry", ["yes", "later"], ids=["500", "429"])
async def test_two_failures_and_a_success_of_one_call_are_replayed_as_that_sequence(
    retry: str, package: str, proxy: Proxy
) -> None:
    call = on_run("update", params={"metadata": {"retry": retry}})
    recorded = await _recorded(proxy, package, call)

    async with proxy(mode="replay") as running:
        replayed = await node_prints(package, running.url, call)
        receipt = running.receipt()

    assert replayed == recorded
    assert [line["result"]["metadata"] for line in recorded] == [{"retry": retry}]
    assert (receipt["served"], receipt["upstream_calls"], receipt["unplayed"]) == (3, 0, [])
