"""One call of the real `openai` package, newest and 1.x, on a recording and a replaying proxy."""

import base64

import pytest

from clients.calls import Line, on_run
from clients.python_calls import both, python_tells
from servers import Proxy, RawUpstream


async def _modify(version: str, url: str, kind: str, metadata: dict[str, str]) -> Line:
    update = on_run("update", params={"metadata": metadata}, raw=True)
    [line] = await python_tells(version, url, update, kind=kind)
    return line


@pytest.mark.parametrize("kind", ["sync", "async"])
@both
async def test_an_update_is_replayed_with_equal_object_and_bytes_after_the_upstream_stopped(
    version: str, kind: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await _modify(version, running.url, kind, {"stage": "a"})
    await upstream.stop()

    async with proxy(mode="replay") as running:
        replayed = await _modify(version, running.url, kind, {"stage": "a"})
        receipt = running.receipt()

    assert recorded["result"]["metadata"] == {"stage": "a"}
    assert recorded["result"]["id"] == "run_abc123"
    assert replayed == recorded
    assert base64.b64decode(replayed["bytes"]).startswith(b'{\n  "id": "run_abc123",\n')
    assert (receipt["served"], receipt["upstream_calls"], receipt["unplayed"]) == (1, 0, [])


@pytest.mark.parametrize("kind", ["sync", "async"])
@both
async def test_a_changed_metadata_value_misses_names_both_values_and_is_not_retried(
    version: str, kind: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await _modify(version, running.url, kind, {"stage": "a"})

    async with proxy(mode="replay") as running:
        missed = await _modify(version, running.url, kind, {"stage": "b"})
        receipt = running.receipt()

    assert missed["status"] == 424
    assert missed["raised"] == "APIStatusError"
    # 1.x prints the body as a Python literal, newer versions the message itself.
    message = missed["message"].replace("\\'", "'").replace('\\"', '"')
    assert 'body /metadata/stage: sent "b", recorded "a"' in message
    assert len(receipt["missed"]) == 1
    assert len(upstream.received) == 1


@pytest.mark.parametrize(("recorder", "player"), [("1.x", "newest"), ("newest", "1.x")])
async def test_the_same_call_written_by_1x_and_by_the_newest_hits_the_same_recording(
    recorder: str, player: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    metadata = {"stage": "geändert", "by": "雪"}
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await _modify(recorder, running.url, "sync", metadata)

    async with proxy(mode="replay") as running:
        replayed = await _modify(player, running.url, "sync", metadata)

    written = {recorder: upstream.received[0].body}
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await _modify(player, running.url, "sync", metadata)
    written[player] = upstream.received[1].body
    assert written["1.x"] == (b'{"metadata": {"stage": "ge\\u00e4ndert", "by": "\\u96ea"}}')
    assert written["newest"] == '{"metadata":{"stage":"geändert","by":"雪"}}'.encode()
    assert replayed["result"]["metadata"] == metadata
    assert replayed["bytes"] == recorded["bytes"]
    assert recorded["version"] != replayed["version"]
