"""The npm `openai` package, newest and 4.x, in a process of its own.

OPENAI_NODE names the folder where npm installed tests/clients/node/package.json. The script that CI
runs makes it; elsewhere the tests are skipped by name.
"""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clients.calls import CLIENTS, Call, Line

NEWEST, OLD = "openai", "openai-4"  # as package.json names them
both = pytest.mark.parametrize("package", [NEWEST, OLD])


def node_packages() -> Path:
    """The folder of OPENAI_NODE; skips the test, or fails in CI, if it names none."""
    folder = os.environ.get("OPENAI_NODE")
    if folder is not None:
        return Path(folder)
    if os.environ.get("CI"):
        pytest.fail("CI has to provide OPENAI_NODE")
    pytest.skip("OPENAI_NODE names no folder with the npm package openai")


@asynccontextmanager
async def node(package: str, url: str, *calls: Call | list[Call]) -> AsyncIterator[Process]:
    """The process that makes these calls, those of an inner list at once; killed at the end."""
    node_packages()
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
