"""The real Go SDK, unversioned and its newest major version, through a recording and a replay."""

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
from clients.go_calls import NEWEST, UNVERSIONED, go_prints
from servers import Proxy

both = pytest.mark.parametrize("version", [UNVERSIONED, NEWEST])


async def _recorded(proxy: Proxy, version: str, *calls: Call) -> list[Line]:
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        return await go_prints(version, running.url, *calls)


@both
async def test_all_six_operations_of_the_go_sdk_are_replayed_after_the_upstream_stopped(
    version: str, proxy: Proxy
) -> None:
    recorded = await _recorded(proxy, version, *SIX_OPERATIONS)

    async with proxy(mode="replay") as running:
        replayed = await go_prints(version, running.url, *SIX_OPERATIONS)
        receipt = running.receipt()

    assert replayed == recorded
    created, began, updated, listed, cancelled, submitted, again, last = (
        line["result"] for line in recorded
    )
    assert created["metadata"] == {"stage": "é"}
    assert (created["status"], began["status"]) == ("queued", "in_progress")
    assert updated["metadata"] == {"user_id": "user_abc123"}
    assert [run["id"] for run in listed["data"]] == ["run_abc123", "run_def456"]
    assert (cancelled["status"], submitted["status"]) == ("cancelled", "queued")
    assert again["status"] == "in_progress"
    assert last["metadata"] == {"user_id": "user_def456"}
    assert (receipt["served"], receipt["upstream_calls"]) == (8, 0)
    assert (receipt["missed"], receipt["unplayed"]) == ([], [])


@both
async def test_streams_give_the_go_sdk_the_same_events_live_and_in_replay(
    version: str, proxy: Proxy
) -> None:
    calls = (
        on_thread("create", params=CREATION | {"stream": True}),
        on_run("submit_tool_outputs", params={"tool_outputs": OUTPUTS, "stream": True}),
        on_run("retrieve"),
    )
    recorded = await _recorded(proxy, version, *calls)

    async with proxy(mode="replay") as running:
        replayed = await go_prints(version, running.url, *calls)
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
async def test_two_failures_and_a_success_of_one_go_call_are_replayed_as_that_sequence(
    retry: str, version: str, proxy: Proxy
) -> None:
    call = on_run("update", params={"metadata": {"retry": retry}})
    recorded = await _recorded(proxy, version, call)

    async with proxy(mode="replay") as running:
        replayed = await go_prints(version, running.url, call)
        receipt = running.receipt()

    assert replayed == recorded
    assert [line["result"]["metadata"] for line in recorded] == [{"retry": retry}]
    assert (receipt["served"], receipt["upstream_calls"], receipt["unplayed"]) == (3, 0, [])


@both
async def test_an_error_of_the_upstream_reaches_the_go_sdk_again_in_replay(
    version: str, proxy: Proxy
) -> None:
    call = {"call": "retrieve", "thread": "thread_abc123", "run": "run_unknown"}
    recorded = await _recorded(proxy, version, call)

    async with proxy(mode="replay") as running:
        replayed = await go_prints(version, running.url, call)

    message = "Invalid URL (GET /v1/threads/thread_abc123/runs/run_unknown)"
    error = {"status": 404, "code": "", "type": "invalid_request_error", "message": message}
    assert recorded == replayed == [error]


@both
async def test_a_call_that_was_not_recorded_is_told_to_the_go_sdk_and_not_asked_again(
    version: str, proxy: Proxy
) -> None:
    await _recorded(proxy, version, on_run("update", params={"metadata": {"stage": "a"}}))

    async with proxy(mode="replay") as running:
        call = on_run("update", params={"metadata": {"stage": "b"}})
        [missed] = await go_prints(version, running.url, call)
        receipt = running.receipt()

    assert (missed["status"], missed["type"]) == (424, "runreel_error")
    assert missed["code"] == "no_matching_interaction"
    assert 'body /metadata/stage: sent "b", recorded "a"' in missed["message"]
    assert len(receipt["missed"]) == 1
