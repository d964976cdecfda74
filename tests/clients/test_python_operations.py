"""Whole conversations of the Python package, newest and 1.x: recorded, then replayed offline."""

from typing import Any

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
from clients.python_calls import NEWEST, OLD, both, python_tells
from servers import Proxy

each_kind = pytest.mark.parametrize(
    ("version", "kind"), [(NEWEST, "sync"), (NEWEST, "async"), (OLD, "sync")]
)

CREATED: dict[str, Any] = {"assistant_id": "asst_abc123", "instructions": "Be brief."}


async def _recorded(
    proxy: Proxy, version: str, *calls: Call | list[Call], kind: str = "sync"
) -> list[Line]:
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        return await python_tells(version, running.url, *calls, kind=kind)


@pytest.mark.parametrize(
    ("recorder", "player", "kind"),
    [
        (NEWEST, NEWEST, "sync"),
        (NEWEST, NEWEST, "async"),
        (NEWEST, OLD, "sync"),
        (OLD, NEWEST, "async"),
    ],
)
async def test_all_six_operations_are_replayed_to_any_version_after_the_upstream_stopped(
    recorder: str, player: str, kind: str, proxy: Proxy
) -> None:
    recorded = await _recorded(proxy, recorder, *SIX_OPERATIONS, kind=kind)

    async with proxy(mode="replay") as running:
        replayed = await python_tells(player, running.url, *SIX_OPERATIONS, kind=kind)
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
    assert (again["status"], again["metadata"]) == ("in_progress", {"user_id": "user_abc123"})
    assert last["metadata"] == {"user_id": "user_def456"}
    assert (receipt["served"], receipt["upstream_calls"]) == (8, 0)
    assert (receipt["missed"], receipt["unplayed"]) == ([], [])


@each_kind
async def test_polling_sees_each_recorded_status_and_ends(
    version: str, kind: str, proxy: Proxy
) -> None:
    calls = (
        on_thread("create_and_poll", params=CREATION),
        on_run("submit_tool_outputs_and_poll", params={"tool_outputs": OUTPUTS}),
        on_run("retrieve"),
    )
    recorded = await _recorded(proxy, version, *calls, kind=kind)

    async with proxy(mode="replay") as running:
        replayed = await python_tells(version, running.url, *calls, kind=kind)
        receipt = running.receipt()

    assert replayed == recorded
    assert [line["result"]["status"] for line in recorded] == 3 * ["completed"]
    # Each write is followed by two polls: in_progress, completed.
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (7, [], [])


@both
async def test_a_reread_after_an_update_gives_the_old_metadata_first_and_the_new_one_after(
    version: str, proxy: Proxy
) -> None:
    calls = (
        on_run("retrieve"),
        on_run("update", params={"metadata": {"stage": "b"}}),
        on_run("retrieve"),
    )
    recorded = await _recorded(proxy, version, *calls)

    async with proxy(mode="replay") as running:
        replayed = await python_tells(version, running.url, *calls)

    assert replayed == recorded
    metadata = [line["result"]["metadata"] for line in replayed]
    assert metadata == [{}, {"stage": "b"}, {"stage": "b"}]


@both
async def test_threads_that_were_polled_at_once_are_replayed_at_once_and_one_after_another(
    version: str, proxy: Proxy
) -> None:
    names = ("thread_abc123", "thread_def456", "thread_ghi789")
    calls = [
        on_thread("create_and_poll", thread=name, params=CREATED | {"metadata": {"of": name}})
        for name in names
    ]
    recorded = await _recorded(proxy, version, calls, kind="async")

    async with proxy(mode="replay") as running:
        at_once = await python_tells(version, running.url, calls, kind="async")
        receipt = running.receipt()
    async with proxy(mode="replay") as running:
        in_turn = await python_tells(version, running.url, *reversed(calls), kind="async")

    of_thread = {line["result"]["thread_id"]: line["result"] for line in recorded}
    assert {name: run["status"] for name, run in of_thread.items()} == dict.fromkeys(
        names, "completed"
    )
    assert {name: run["metadata"] for name, run in of_thread.items()} == {
        name: {"of": name} for name in names
    }
    assert {line["result"]["thread_id"]: line["result"] for line in at_once} == of_thread
    assert [line["result"] for line in in_turn] == [of_thread[name] for name in reversed(names)]
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (9, [], [])


@each_kind
async def test_a_stream_gives_the_same_events_live_and_in_replay(
    version: str, kind: str, proxy: Proxy
) -> None:
    calls = (
        on_thread("create", params=CREATION | {"stream": True}),
        on_run("submit_tool_outputs", params={"tool_outputs": OUTPUTS, "stream": True}),
        on_run("retrieve"),
    )
    recorded = await _recorded(proxy, version, *calls, kind=kind)

    async with proxy(mode="replay") as running:
        replayed = await python_tells(version, running.url, *calls, kind=kind)
        receipt = running.receipt()

    assert replayed == recorded
    assert [line["event"]["event"] for line in recorded[:-1]] == 2 * [
        "thread.run.created",
        "thread.run.queued",
        "thread.run.in_progress",
        "thread.message.delta",
        "thread.run.completed",
    ]
    assert recorded[3]["event"]["data"]["delta"]["content"][0]["text"]["value"] == "28 °C"
    assert recorded[-1]["result"]["status"] == "completed"
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (3, [], [])
