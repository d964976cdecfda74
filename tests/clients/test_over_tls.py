"""Real clients behind `runreel MODE --tls -- COMMAND`, with no settings of their own.

The SDKs of Python, Node and Go, the HTTP libraries below them, and curl: each records from a server
and is played its recording, over https both times.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.calls import CLIENTS, CREATION, SIX_OPERATIONS, on_thread, runs_upstream
from clients.go_calls import NEWEST as GO_NEWEST
from clients.go_calls import UNVERSIONED, go_program
from clients.node_calls import NEWEST as NODE_NEWEST
from clients.node_calls import OLD, node_packages
from clients.python_calls import old_python
from processes import Ended, run

VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
SCRIPT = json.dumps(
    [*SIX_OPERATIONS, on_thread("create", params=CREATION | {"stream": True})], ensure_ascii=True
)
SHELL = ("sh", "-c")


def python(kind: str, interpreter: Callable[[], str] = lambda: sys.executable) -> tuple[str, ...]:
    script = CLIENTS / "python" / "calls.py"
    line = f'exec "$0" -W ignore {script} "$OPENAI_BASE_URL" {kind} "$1"'
    return (*SHELL, line, interpreter(), SCRIPT)


def node(package: str) -> tuple[str, ...]:
    node_packages()
    line = f'exec node {CLIENTS / "node" / "calls.mjs"} {package} "$OPENAI_BASE_URL" "$0"'
    return (*SHELL, line, SCRIPT)


def go(version: str) -> tuple[str, ...]:
    return (str(go_program(version)), SCRIPT)


def curl() -> tuple[str, ...]:
    if shutil.which("curl") is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide curl")
        pytest.skip("there is no curl")
    line = (
        'exec curl -sS -H "OpenAI-Beta: assistants=v2" -d \'{"metadata": {"user_id": '
        '"user_abc123"}}\' "$OPENAI_BASE_URL/threads/thread_abc123/runs/run_abc123"'
    )
    return (*SHELL, line)


# What a program does that has nothing but this library.
_SENT = "json={'metadata': {'user_id': 'user_abc123'}}, headers={'OpenAI-Beta': 'assistants=v2'}"
_URL = "os.environ['OPENAI_BASE_URL'] + '/threads/thread_abc123/runs/run_abc123'"
_LIBRARIES = {
    "requests": f"import os, requests; print(requests.post({_URL}, {_SENT}).text)",
    "aiohttp": f"""
import aiohttp, asyncio, os
async def main():
    async with aiohttp.ClientSession() as session:
        async with session.post({_URL}, {_SENT}) as answer:
            print(await answer.text())
asyncio.run(main())
""",
}


def library(name: str) -> tuple[str, ...]:
    return (sys.executable, "-c", _LIBRARIES[name])


CLIENT: dict[str, Callable[[], tuple[str, ...]]] = {
    "python": lambda: python("sync"),
    "python, async": lambda: python("async"),
    "python 1.x": lambda: python("sync", old_python),
    "npm newest": lambda: node(NODE_NEWEST),
    "npm 4.x": lambda: node(OLD),
    "go newest": lambda: go(GO_NEWEST),
    "go v1": lambda: go(UNVERSIONED),
    "requests": lambda: library("requests"),
    "aiohttp": lambda: library("aiohttp"),
    "curl": curl,
}


@pytest.mark.parametrize("name", CLIENT)
async def test_a_client_without_settings_records_and_replays_over_https(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    command = CLIENT[name]()
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}

    def behind(*mode: str) -> Ended:
        options = ("--tls", "--receipt", "receipt.json", "--no-audit", "--fail-on-unplayed")
        return run(*mode, *options, "--", *command, cwd=tmp_path, env=env)

    async with runs_upstream() as upstream:
        recorded = await asyncio.to_thread(behind, "record", "--upstream", upstream)
    replayed = await asyncio.to_thread(behind, "replay")

    receipt = json.loads((tmp_path / "receipt.json").read_bytes())
    assert (recorded.code, replayed.code) == (0, 0), recorded.err + replayed.err
    assert " at https://127.0.0.1:" in replayed.err
    assert "user_abc123" in recorded.out
    assert replayed.out == recorded.out
    assert (receipt["missed"], receipt["upstream_calls"]) == ([], 0)
