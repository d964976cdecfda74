"""Test suites of users, run by pytest itself; they call the simulator, or a recording of it."""

import os
import socket
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from runreel import cassettes
from runreel.pytest_plugin import proxy
from runreel.pytest_plugin.process import ProxyProcess
from runreel.server.embedded import Commands

_INSTALLED = any(entry.name == "runreel" for entry in entry_points(group="pytest11"))
PLUGIN = () if _INSTALLED else ("-p", "runreel.pytest_plugin.hooks")
ONCE = ("--runreel-mode=once", "--runreel-upstream=simulator")
RECORD = ("--runreel-mode=record", "--runreel-upstream=simulator")

INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
addopts = -p no:randomly
"""
API = """
import json, os, urllib.error, urllib.request
BASE = os.environ["OPENAI_BASE_URL"]
HEADERS = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}

class Refused(Exception):
    pass

def create(stage):
    body = json.dumps({"metadata": {"stage": stage}}).encode()
    request = urllib.request.Request(BASE + "/threads", body, HEADERS)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["metadata"]["stage"]
    except urllib.error.HTTPError as error:
        with error:
            raise Refused(f"{error.code} {error.read().decode()}") from None
"""
HEAD = """
import pytest
from api import Refused, create
pytestmark = pytest.mark.runreel
"""


class ProxyHere(ProxyProcess):
    """The proxy in this process: told the same lines, and started without one of its own."""

    def _begin(self, environment: Mapping[str, str], listener: socket.socket) -> int:
        self._commands: Commands | None = Commands(sys.__stderr__ or sys.stderr)
        return os.dup(listener.fileno())

    @property
    def gone(self) -> bool:
        return self._commands is None

    def _exchange(self, lines: bytes, number: int) -> list[bytes]:
        assert self._commands is not None
        return [self._commands.answer(line) for line in lines.splitlines()]

    def _end(self) -> None:
        self._commands = None


class Suite:
    """One folder of tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.folder = pytester.path
        pytester.makeini(INI)
        pytester.makepyfile(api=API)

    def write(self, body: str, name: str = "test_it", head: str = HEAD) -> None:
        """Make a test module; its tests use runreel."""
        (self.folder / f"{name}.py").write_text(head + body, encoding="utf-8")

    def run(self, *options: str) -> pytest.RunResult:
        """Run all tests in this process, and their proxy too."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(proxy, "ProxyProcess", ProxyHere)
            return self._pytester.runpytest_inprocess(*PLUGIN, *options)

    def start(self, *options: str) -> pytest.RunResult:
        """Run all tests in a process of its own, with those plugins only that are named."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
            named = ("-p", "runreel.pytest_plugin.hooks", *options)
            return self._pytester.runpytest_subprocess(*named)

    def recorded(self) -> list[str]:
        """The files of cassettes, relative to the folder."""
        return sorted(
            path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.json")
        )

    def left(self) -> list[str]:
        """The kinds of files beside cassettes that a recording has while it lasts."""
        return sorted(
            path.suffix.removeprefix(".") for path in (self.folder / "cassettes").rglob(".*")
        )

    def stages(self, file: str) -> list[bytes]:
        """What was sent, by the interactions of a file."""
        recorded = cassettes.interactions(cassettes.load(Path(self.folder / file)))
        return [one.request.body for one in recorded]
