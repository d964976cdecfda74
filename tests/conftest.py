"""What every test stands on: hypothesis profiles, no network but loopback, a proxy, an upstream."""

import io
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from runreel.config.loading import load
from runreel.server.app import Running, serving
from runreel.server.listener import RunOptions
from servers import Proxy, RawUpstream

# Of users; `pytest_plugin` and `benchmarks` run them.
collect_ignore = ["sample_app", "sample_suites", "sixty_tests"]

settings.register_profile("dev", max_examples=30, deadline=None)
settings.register_profile(
    "ci", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("night", max_examples=5_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("RUNREEL_")]:
        monkeypatch.delenv(name)
    yield


@pytest.fixture
async def upstream() -> AsyncIterator[RawUpstream]:
    """An upstream that answers like OpenAI did, and keeps every byte it was sent."""
    async with RawUpstream() as server:
        yield server


@pytest.fixture
def log() -> io.StringIO:
    """Where the proxies of this test write their log lines."""
    return io.StringIO()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--both-lanes",
        action="store_true",
        help="run every test of a proxy in this process twice, with the fast lane and without",
    )

    parser.addoption(
        "--over-tls",
        action="store_true",
        help="run every test of a proxy in this process over https too; what says http:// fails",
    )


# Of HTTP as such, which https must change nothing of.
_ALSO_OVER_TLS = frozenset({"test_bodies", "test_exchange", "test_one_hop", "test_refusals"})


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "tls" in metafunc.fixturenames:
        sample = metafunc.definition.path.stem in _ALSO_OVER_TLS
        if sample or metafunc.config.getoption("over_tls"):
            metafunc.parametrize("tls", [False, True], ids=["http", "https"])
    if "fast_lane" in metafunc.fixturenames:
        web = metafunc.definition.path.parent.name == "web"
        if web or metafunc.config.getoption("both_lanes"):
            metafunc.parametrize("fast_lane", [True, False], ids=["lane", "aiohttp"])


@pytest.fixture
def fast_lane() -> bool:
    """Whether the proxies of this test have the fast lane; those of `web` have both in turn."""
    return True


@pytest.fixture
def tls() -> bool:
    """Whether the proxies of this test speak https; those of some have both in turn."""
    return False


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which the state of the user is the tests' own: one authority for all."""
    return {"XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}


@pytest.fixture
def proxy(
    tmp_path: Path, log: io.StringIO, state: dict[str, str], *, fast_lane: bool, tls: bool
) -> Proxy:
    """Start proxies in this process: `async with proxy(mode="record", upstream=url) as running`.

    Settings are given by their dotted key with `__` for the dot; cassettes are in `tmp_path`, and
    there is an audit log only with `audit__path`.
    """

    @asynccontextmanager
    async def start(**settings: Any) -> AsyncIterator[Running]:
        run = {key: settings.pop(key) for key in list(settings) if hasattr(RunOptions, key)}
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        usual: dict[str, Any] = {"cassettes": tmp_path, "listen.port": 0, "base_path": ""}
        usual |= {"listen.fast_lane": fast_lane} | ({"listen.tls": True} if tls else {})
        config = load(None, {}, usual | {"audit.enabled": "audit.path" in dotted} | dotted)
        async with serving(
            config, replace(RunOptions(log=log, environment=state), **run)
        ) as running:
            yield running

    return start
