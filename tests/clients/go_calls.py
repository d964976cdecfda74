"""The Go SDK in a process of its own: the program tests/clients/go/v3/main.go.

OPENAI_GO names the folder into which tests/clients/go/build built it. The script that CI runs does
that; elsewhere the tests are skipped by name.
"""

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from builders import FAKE_KEY
from clients.calls import Call, Line

UNVERSIONED, NEWEST = "v1", "v3"  # openai-go, which ends at v1, and its newest major version


def go_program(name: str) -> Path:
    """What tests/clients/go/build built; skips the test, or fails in CI, if it is not there."""
    folder = os.environ.get("OPENAI_GO")
    if folder is not None:
        return Path(folder) / name
    if os.environ.get("CI"):
        pytest.fail("CI has to provide OPENAI_GO")
    pytest.skip("OPENAI_GO names no folder with what tests/clients/go/build builds")


async def go_prints(version: str, url: str, *calls: Call) -> list[Line]:
    """What the SDK returned or the error it made of it: the lines of main.go."""
    process = await asyncio.create_subprocess_exec(
        go_program(version),
        json.dumps(calls),
        env={"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": FAKE_KEY},
        stdout=PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]
