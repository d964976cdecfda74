"""The npm `openai` package in a process of its own, and the calls that its tests have in common.

OPENAI_NODE names the folder where npm installed tests/clients/node/package.json. The script that CI
runs makes it; elsewhere the tests are skipped by name.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parent
NEWEST, OLD = "openai", "openai-4"  # as package.json names them
both = pytest.mark.parametrize("package", [NEWEST, OLD])

Call = dict[str, Any]
Line = dict[str, Any]

CREATION = {
    "assistant_id": "asst_abc123",
    "instructions": "Be brief.",
    "temperature": 1.0,
    "metadata": {"stage": "é"},
}
OUTPUTS = [{"tool_call_id": "call_abc123", "output": "28C"}]


def on_thread(call: str, **given: Any) -> Call:
    """A call on the runs of thread_abc123; `params` are the SDK's own."""
    return {"call": call, "thread": "thread_abc123"} | given


def on_run(call: str, **given: Any) -> Call:
    """A call on run_abc123 of that thread."""
    return on_thread(call, run="run_abc123") | given


SIX_OPERATIONS = (
    on_thread("create", params=CREATION),
    on_run("retrieve"),
    on_run("update", params={"metadata": {"user_id": "user_abc123"}}),
    on_thread("list", params={"limit": 2, "order": "asc"}),
    on_run("cancel"),
    on_run("submit_tool_outputs", params={"tool_outputs": OUTPUTS}),
    on_run("retrieve"),
    on_run("update", params={"metadata": {"user_id": "user_def456"}}),
)


@asynccontextmanager
async def node(package: str, url: str, *calls: Call | list[Call]) -> AsyncIterator[Process]:
    """The process that makes these calls, those of an inner list at once; killed at the end."""
    folder = os.environ.get("OPENAI_NODE")
    if folder is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide OPENAI_NODE")
        pytest.skip("OPENAI_NODE names no folder with the npm package openai")
    script = str(CLIENTS / "node" / "calls.mjs")
    arguments = (script, package, f"{url}/v1", json.dumps(calls))
    process = await asyncio.create_subprocess_exec("node", *arguments, stdout=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def node_prints(package: str, url: str, *calls: Call | list[Call]) -> list[Line]:
    """What the package returned or threw: the lines of calls.mjs."""
    async with node(package, url, *calls) as process:
        out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


@asynccontextmanager
async def runs_upstream() -> AsyncIterator[str]:
    """The URL of a small Assistants server in a process of its own, gone at the end."""
    script = str(CLIENTS / "runs_upstream.py")
    process = await asyncio.create_subprocess_exec(sys.executable, script, stdout=PIPE)
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.communicate()
