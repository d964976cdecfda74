"""The calls on the runs resource that the client tests of all languages have in common.

A call is `{"call", "thread", "run", "params"}` with the SDK's own parameters; the script of each
language makes a list of them and prints a JSON line for what each returned or raised.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).parent

Call = dict[str, Any]
Line = dict[str, Any]

CREATION = {
    "assistant_id": "asst_abc123",
    "instructions": "Be brief.",
    "temperature": 1.0,
    "metadata": {"stage": "é"},
}
OUTPUTS = [{"tool_call_id": "call_abc123", "output": "28C"}]


def on_thread(call: str, thread: str = "thread_abc123", **given: Any) -> Call:
    """A call on the runs of a thread; `params` are the SDK's own."""
    return {"call": call, "thread": thread} | given


def on_run(call: str, **given: Any) -> Call:
    """A call on run_abc123 of thread_abc123."""
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
