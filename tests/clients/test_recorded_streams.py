"""A stream that OpenAI really sent, in chunks of random sizes, through the real SDK, twice.

The stream is taken out of a recording among the project's shared documents and never copied here.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import openai
import pytest

from builders import FAKE_KEY
from documents import STREAM, needs, recorded_stream
from servers import Proxy, RawUpstream, Received

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
# What the SDK yields of it; the event that says [DONE] it keeps to itself.
EVENTS = {
    "thread.run.created": 1,
    "thread.run.queued": 1,
    "thread.run.in_progress": 1,
    "thread.run.step.created": 2,
    "thread.run.step.in_progress": 2,
    "thread.run.step.delta": 57,
    "thread.run.step.completed": 2,
    "thread.message.created": 1,
    "thread.message.in_progress": 1,
    "thread.message.delta": 24,
    "thread.message.completed": 1,
    "thread.run.completed": 1,
}

pytestmark = [
    needs(STREAM),
    pytest.mark.filterwarnings("ignore:The Assistants API is deprecated"),
]


async def chunked(body: bytes, random: Random) -> AsyncIterator[bytes]:
    """The body in chunks of random sizes, each in a packet of its own if the network likes."""
    yield HEAD
    start = 0
    while start < len(body):
        size = random.choice([1, 2, 3, 7, 40, 300, 3_000])
        piece = body[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
        await asyncio.sleep(0)
        start += size
    yield b"0\r\n\r\n"


ASKED: dict[str, Any] = {"thread_id": "thread_abc123", "assistant_id": "asst_abc123"}


def in_blocking_code(url: str) -> list[dict[str, Any]]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=FAKE_KEY, max_retries=0) as client:
        events = client.beta.threads.runs.create(**ASKED, stream=True)
        return [event.model_dump() for event in events]


async def in_async_code(url: str) -> list[dict[str, Any]]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=FAKE_KEY, max_retries=0) as client:
        events = await client.beta.threads.runs.create(**ASKED, stream=True)
        return [event.model_dump() async for event in events]


async def events_of(kind: str, url: str) -> list[dict[str, Any]]:
    return await (
        in_async_code(url) if kind == "async" else asyncio.to_thread(in_blocking_code, url)
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_real_stream_gives_the_same_events_live_and_replayed(
    kind: str, seed: int, proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    stream = recorded_stream()

    def answer(_: Received) -> AsyncIterator[bytes]:
        return chunked(stream, Random(seed))  # noqa: S311 - has to come out the same each time

    upstream.answer = answer
    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await events_of(kind, running.url)
    await upstream.stop()
    async with proxy(mode="replay") as running:
        replayed = await events_of(kind, running.url)
        receipt = running.receipt()

    document = json.loads((tmp_path / "default.json").read_text(encoding="utf-8"))
    shown = document["interactions"][0]["response"]["body"]["events"]
    assert Counter("data" in event for event in shown) == {True: 94, False: 1}
    assert Counter(event["event"] for event in live) == EVENTS
    assert live[-1]["data"]["status"] == "completed"
    assert replayed == live
    assert (receipt["served"], receipt["upstream_calls"]) == (1, 0)
