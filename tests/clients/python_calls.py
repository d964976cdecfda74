"""The Python package `openai`, newest and 1.x.

The 1.x package lives in an environment of its own: OPENAI_1X_PYTHON names its interpreter. The
script that CI runs makes it; elsewhere those cases are skipped by name.
"""

import asyncio
import json
import os
import warnings
from asyncio.subprocess import PIPE

import pytest

from clients.calls import CLIENTS, Call, Line
from clients.python.calls import all_made

NEWEST, OLD = "newest", "1.x"
both = pytest.mark.parametrize("version", [NEWEST, OLD])


def old_python() -> str:
    python = os.environ.get("OPENAI_1X_PYTHON")
    if python is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide OPENAI_1X_PYTHON")
        pytest.skip("OPENAI_1X_PYTHON names no interpreter with openai 1.x")
    return python


async def python_tells(
    version: str, url: str, *calls: Call | list[Call], kind: str = "sync"
) -> list[Line]:
    """What the package returned or raised: the lines of calls.py. `kind` is `sync` or `async`.

    The newest is called here, in a thread: importing it takes longer than most tests.
    """
    if version == NEWEST:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the whole API
            return await asyncio.to_thread(asyncio.run, all_made(f"{url}/v1", kind, list(calls)))
    arguments = (str(CLIENTS / "python" / "calls.py"), f"{url}/v1", kind, json.dumps(calls))
    process = await asyncio.create_subprocess_exec(old_python(), *arguments, stdout=PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]
