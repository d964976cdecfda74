"""What trips applications on Node up, asked of the real npm `openai` package, newest and 4.x."""

import json
from typing import Any

import pytest

from clients.calls import Call, Line, on_run, on_thread, runs_upstream
from clients.node_calls import NEWEST, OLD, both, node_prints
from servers import RUN, Proxy, RawUpstream, Received, http

MINIMAL = {"assistant_id": "asst_abc123"}
Seen = tuple[str, str, dict[str, str]]  # of a run: id, status, metadata

RUNS = "/v1/threads/thread_abc123/runs"

# (what is recorded, what is asked, the difference that the exception names)
NEAR: dict[str, tuple[Call, Call, str]] = {
    "an update with an empty run id is no create": (
        on_thread("create", params=MINIMAL),
        on_run("update", run="", params=MINIMAL),
        f'path: sent "{RUNS}/", recorded "{RUNS}"',
    ),
    "a retrieve with an empty run id is no list": (
        on_thread("list"),
        on_run("retrieve", run=""),
        f'path: sent "{RUNS}/", recorded "{RUNS}"',
    ),
    "swapped ids are another run": (
        on_run("retrieve"),
        {"call": "retrieve", "thread": "run_abc123", "run": "thread_abc123"},
        f'path: sent "/v1/threads/run_abc123/runs/thread_abc123", recorded "{RUNS}/run_abc123"',
    ),
    "a stream is no plain answer": (
        on_thread("create", params=MINIMAL),
        on_thread("create", params=MINIMAL | {"stream": True}),
        "body /stream: sent true, recorded nothing",
    ),
}


@both
@pytest.mark.parametrize("near", NEAR)
async def test_a_call_that_is_only_near_a_recording_misses_clearly_and_is_not_retried(
    near: str, package: str, proxy: Proxy
) -> None:
    recording, asking, difference = NEAR[near]
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        await node_prints(package, running.url, recording)

    async with proxy(mode="replay") as running:
        (line,) = await node_prints(package, running.url, asking)
        receipt = running.receipt()

    assert (line["status"], line["code"]) == (424, "no_matching_interaction")
    assert difference in line["message"]
    assert (receipt["served"], len(receipt["missed"])) == (0, 1)


@both
async def test_an_error_of_the_upstream_is_thrown_alike_live_and_in_replay(
    package: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    message = "Invalid type for 'metadata.modified': expected a string, but got a boolean instead."
    error = {"message": message, "type": "invalid_request_error"}
    error |= {"param": "metadata.modified", "code": "invalid_type"}
    body = json.dumps({"error": error}, indent=2).encode()
    upstream.answer = lambda _: http(400, [("Content-Type", "application/json")], body)
    call = on_run("update", params={"metadata": {"modified": True}})

    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await node_prints(package, running.url, call)
    await upstream.stop()
    async with proxy(mode="replay") as running:
        replayed = await node_prints(package, running.url, call)

    assert recorded == [
        {
            "raised": "BadRequestError",
            "status": 400,
            "code": "invalid_type",
            "type": "invalid_request_error",
            "message": f"400 {message}",
        }
    ]
    assert replayed == recorded


@both
async def test_a_gzipped_answer_reaches_the_package_as_it_came_and_is_replayed_plain(
    package: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    call = on_run("update", params={"metadata": {"stage": "é"}}, header="content-encoding")

    async with proxy(mode="record", upstream=upstream.url) as running:
        (recorded,) = await node_prints(package, running.url, call)
    async with proxy(mode="replay") as running:
        (replayed,) = await node_prints(package, running.url, call)

    assert "gzip" in upstream.received[0].values("accept-encoding")[0]
    assert recorded["result"]["metadata"] == {"stage": "é"}
    assert replayed["result"] == recorded["result"]
    assert (recorded["content-encoding"], replayed["content-encoding"]) == ("gzip", None)


@both
async def test_calls_at_once_over_several_kept_connections_each_get_their_own_answers(
    package: str, proxy: Proxy
) -> None:
    def of_six_threads(call: str, **given: Any) -> list[Call]:
        return [
            {"call": call, "thread": f"thread_{n}", "run": f"run_{n}"} | given for n in range(6)
        ]

    update = of_six_threads("update", params={"metadata": {"stage": "b"}})
    retrieve = of_six_threads("retrieve")
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        recorded = await node_prints(package, running.url, retrieve, update, retrieve)

    async with proxy(mode="replay") as running:
        replayed = await node_prints(package, running.url, retrieve, update, retrieve)
        receipt = running.receipt()

    first: list[Seen] = [(f"run_{n}", "in_progress", {}) for n in range(6)]
    second = [(f"run_{n}", "in_progress", {"stage": "b"}) for n in range(6)]
    third = [(f"run_{n}", "completed", {"stage": "b"}) for n in range(6)]
    assert _by_round(recorded) == [first, second, third]
    assert _by_round(replayed) == [first, second, third]
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (18, [], [])


def _by_round(lines: list[Line]) -> list[list[Seen]]:
    """Each six lines in the order of their runs: what is done at once ends in any order."""
    seen = [
        (line["result"]["id"], line["result"]["status"], line["result"]["metadata"])
        for line in lines
    ]
    return [sorted(seen[start : start + 6], key=lambda run: run[0]) for start in (0, 6, 12)]


PAGE = {"object": "list", "data": [RUN], "first_id": RUN["id"], "last_id": RUN["id"]}


def _one_page_for_ever(_: Received) -> bytes:
    body = json.dumps(PAGE | {"has_more": False}, indent=2).encode()
    return http(200, [("Content-Type", "application/json")], body)


@pytest.mark.parametrize("repeat", ["never", "last"])
async def test_4x_which_ignores_has_more_misses_after_the_last_recorded_page(
    repeat: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = _one_page_for_ever
    pages = on_thread("pages", params={"limit": 1})
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await node_prints(NEWEST, running.url, pages)

    async with proxy(mode="replay", replay__repeat=repeat) as running:
        replayed = await node_prints(OLD, running.url, pages)
        receipt = running.receipt()

    assert recorded == [{"item": "run_abc123"}]
    assert replayed[0] == {"item": "run_abc123"}
    assert replayed[1]["code"] == "no_matching_interaction"
    assert f"No recording matches GET {RUNS}?limit=1&after=run_abc123: " in replayed[1]["message"]
    assert (len(replayed), receipt["served"], len(receipt["missed"])) == (2, 1, 1)


async def test_4x_in_an_endless_loop_of_pages_gets_each_recording_once_and_then_a_clear_miss(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = _one_page_for_ever
    pages = on_thread("pages", params={"limit": 1})
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await node_prints(OLD, running.url, pages | {"take": 3})

    async with proxy(mode="replay") as running:
        replayed = await node_prints(OLD, running.url, pages)
        receipt = running.receipt()

    assert recorded == 3 * [{"item": "run_abc123"}]
    assert replayed[:-1] == recorded
    assert (replayed[-1]["status"], replayed[-1]["code"]) == (424, "interaction_exhausted")
    assert (receipt["served"], len(receipt["missed"])) == (3, 1)


async def test_4x_replays_all_pages_that_it_recorded_up_to_the_empty_one(proxy: Proxy) -> None:
    pages = on_thread("pages", params={"limit": 2, "order": "asc"})
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        recorded = await node_prints(OLD, running.url, pages)

    async with proxy(mode="replay") as running:
        replayed = await node_prints(OLD, running.url, pages)
        receipt = running.receipt()

    assert recorded == [{"item": "run_abc123"}, {"item": "run_def456"}, {"item": "run_ghi789"}]
    assert replayed == recorded
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (3, [], [])
