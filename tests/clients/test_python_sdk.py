"""The real `openai` package, newest and 1.x, against a recording and a replaying proxy.

The 1.x package lives in an environment of its own: OPENAI_1X_PYTHON names its interpreter. The
script that CI runs makes it; elsewhere those cases are skipped by name.
"""

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from servers import Proxy, RawUpstream

SCRIPT = Path(__file__).parent / "python" / "modify_run.py"


def _interpreter(version: str) -> str:
    if version == "newest":
        return sys.executable
    python = os.environ.get("OPENAI_1X_PYTHON")
    if python is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide OPENAI_1X_PYTHON")
        pytest.skip("OPENAI_1X_PYTHON names no interpreter with openai 1.x")
    return python


async def _modify(version: str, url: str, kind: str, metadata: dict[str, str]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        _interpreter(version),
        str(SCRIPT),
        f"{url}/v1",
        kind,
        json.dumps(metadata),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return dict(json.loads(out))


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("version", ["newest", "1.x"])
async def test_an_update_is_replayed_with_equal_object_and_bytes_after_the_upstream_stopped(
    version: str, kind: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await _modify(version, running.url, kind, {"stage": "a"})
    await upstream.stop()

    async with proxy(mode="replay") as running:
        replayed = await _modify(version, running.url, kind, {"stage": "a"})
        receipt = running.receipt()

    assert recorded["object"]["metadata"] == {"stage": "a"}
    assert recorded["object"]["id"] == "run_abc123"
    assert replayed == recorded
    assert base64.b64decode(replayed["bytes"]).startswith(b'{\n  "id": "run_abc123",\n')
    assert (receipt["served"], receipt["upstream_calls"], receipt["unplayed"]) == (1, 0, [])


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("version", ["newest", "1.x"])
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
    assert replayed["object"]["metadata"] == metadata
    assert replayed["bytes"] == recorded["bytes"]
    assert recorded["version"] != replayed["version"]
