"""The npm `openai` package, newest and 4.x, on the simulator, and on a recording of it."""

from clients.calls import CREATION, SIX_OPERATIONS, on_thread
from clients.node_calls import both, node_prints
from servers import Proxy

CALLS = (*SIX_OPERATIONS, on_thread("create", params=CREATION | {"stream": True}))


@both
async def test_all_six_operations_and_a_stream_are_the_same_straight_recorded_and_replayed(
    package: str, proxy: Proxy
) -> None:
    lenient = {"upstream": "simulator", "simulator__lenient": True}
    async with proxy(mode="passthrough", base_path="/v1", **lenient) as simulator:
        straight = await node_prints(package, simulator.url, *CALLS)
    async with (
        proxy(mode="passthrough", base_path="/v1", **lenient) as simulator,
        proxy(mode="record", upstream=simulator.url) as running,
    ):
        recorded = await node_prints(package, running.url, *CALLS)
    async with proxy(mode="replay") as running:
        replayed = await node_prints(package, running.url, *CALLS)
        receipt = running.receipt()

    runs = [line["result"] for line in straight[:8]]
    assert [run.get("status") for run in runs] == [
        *("queued", "in_progress", "in_progress", None, "cancelling", "queued"),
        *("in_progress", "in_progress"),
    ]
    assert runs[2]["metadata"] == {"user_id": "user_abc123"}
    assert [run["id"] for run in runs[3]["data"]] == [runs[0]["id"], "run_abc123"]
    assert [line["event"]["event"] for line in straight[8:11]] == [
        *("thread.run.created", "thread.run.queued", "thread.run.in_progress"),
    ]
    assert straight[-1]["event"]["event"] == "thread.run.completed"
    assert straight == recorded == replayed
    assert (receipt["missed"], receipt["unplayed"], receipt["upstream_calls"]) == ([], [], 0)
