"""The SDKs of the servers that have a profile of their own, each in a process of its own.

PROFILES_PYTHON names the interpreter of an environment with azure-ai-agents, dashscope and
langgraph-sdk; the npm packages are below OPENAI_NODE. The script that CI runs makes both; elsewhere
the tests are skipped by name.
"""

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from clients.calls import CLIENTS
from clients.node_calls import node_packages

Line = dict[str, Any]


def python_of_profiles() -> str:
    """The interpreter; skips the test, or fails in CI, if there is none."""
    python = os.environ.get("PROFILES_PYTHON")
    if python is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide PROFILES_PYTHON")
        pytest.skip("PROFILES_PYTHON names no interpreter with the SDKs of the profiles' servers")
    return python


def application(language: str, name: str) -> tuple[str, ...]:
    """The command of an application in `python` or `node`."""
    if language == "node":
        node_packages()
        return "node", str(CLIENTS / "node" / f"{name}.mjs")
    return python_of_profiles(), str(CLIENTS / "python" / f"{name}.py")


async def prints(
    command: tuple[str, ...], *arguments: str, trusts: Path | None = None
) -> list[Line]:
    """What an application prints; `trusts` are authorities beside those of the system."""
    trusted = {}
    if trusts is not None:
        trusted = dict.fromkeys(("REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), str(trusts))
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdout=PIPE, env={**os.environ, **trusted}
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]
