"""The mock server that the SDKs' own test suites were written for: npm's `@stdy/cli`.

STEADY names its program. The script that CI runs installs it; elsewhere what needs it is skipped by
name.
"""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

SPECIFICATION = Path(__file__).parents[3] / "shared" / "data" / "openapi-runs.json"
# As the SDKs write arrays and objects; steady would take others for mistakes of the SDK.
FORMATS = [
    f"--validator-{place}-{kind}-format=brackets"
    for place in ("query", "form")
    for kind in ("array", "object")
]


def program() -> str:
    """Steady's program; skips the test, or fails in CI, if it or its data is not there."""
    named = os.environ.get("STEADY")
    reason = "STEADY names no mock server"
    if named and not SPECIFICATION.exists():
        reason = "shared/data/openapi-runs.json is not beside this checkout"
    elif named:
        return named
    if os.environ.get("CI"):
        pytest.fail(f"CI has to provide it: {reason}")
    pytest.skip(reason)


def _free_port() -> int:
    # Asked for port 0, steady does not tell which one it took.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def steady() -> AsyncIterator[str]:
    """The URL of a mock server of the runs API; it is gone at the end."""
    port = _free_port()
    place = ("--host", "127.0.0.1", "-p", str(port), "--quiet", "--log-format=text")
    process = await asyncio.create_subprocess_exec(
        *(program(), *place, *FORMATS, str(SPECIFICATION)), stdout=PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            if line.startswith(b"Ready"):
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        # The program that npm installs starts another, which would outlive it.
        os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()
