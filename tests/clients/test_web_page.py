"""`--repeat last`: what somebody has who works on a web page, with a process that gets killed."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from builders import FAKE_KEY
from clients.calls import CLIENTS
from servers import Proxy, RawUpstream
from storing_upstream import StoringUpstream

pytestmark = pytest.mark.timeout(300)  # the package is imported three times


@asynccontextmanager
async def page(url: str, cut_at: str = "") -> AsyncIterator[tuple[Process, str]]:
    """The application in a process of its own, and its URL; `cut_at` as `web_page` has it."""
    given = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": FAKE_KEY, "CUT_AT": cut_at}
    script = str(CLIENTS / "python" / "web_page.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, env=dict(os.environ) | given, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def click(url: str, times: int) -> list[Any]:
    """What the page showed each time."""
    async with aiohttp.ClientSession() as browser:
        shown = []
        for _ in range(times):
            async with browser.post(url + "/click") as reply:
                assert reply.status == 200
                shown.append(await reply.json())
        return shown


async def killed_in_the_tenth_click(url: str) -> list[Any]:
    async with page(url, cut_at="10") as (process, at):
        shown = await click(at, 9)
        try:
            await click(at, 1)
        except aiohttp.ServerDisconnectedError:
            assert await process.wait() == -signal.SIGKILL
    return shown


async def test_a_page_is_clicked_fifty_times_and_its_application_killed_in_the_tenth(
    proxy: Proxy,
) -> None:
    async with (
        RawUpstream(answer=StoringUpstream().answer) as upstream,
        proxy(mode="record", upstream=upstream.url) as running,
        page(running.url) as (_, at),
    ):
        (recorded,) = await click(at, 1)
    async with proxy(mode="replay", replay__repeat="last") as running:
        shown = await killed_in_the_tenth_click(running.url)
        async with page(running.url) as (_, at):
            shown += await click(at, 41)
        receipt = running.receipt()

    assert recorded[2]["status"] == "completed"
    assert recorded[3]["metadata"] == {"b": "2"}
    assert len(recorded) == 5  # the assistant, its thread, the run twice, and the reply
    assert shown == [recorded] * 50
    assert receipt["missed"] == []
    assert receipt["upstream_calls"] == 0
    assert receipt["served"] > 50 * 7  # two of them are polls; and what the killed one asked for
