"""Tests that replace what their process stands on: clocks, files, sockets, HTTP, the event loop."""

from pathlib import Path

import pytest

from runreel import cassettes
from suites import ONCE, Suite

pytest_plugins = ("pytester",)

CLOCKS = """
import asyncio, datetime, time
from datetime import timedelta
import freezegun, openai, time_machine

LONG_AGO = "1999-12-31 23:59:59"

@freezegun.freeze_time(LONG_AGO)
def test_frozen_by_a_decorator():
    assert create("a") == "a"
    assert time.time() < 1e9

def test_frozen_by_a_context():
    with freezegun.freeze_time(LONG_AGO):
        assert create("a") == "a"
    assert create("b") == "b"

@pytest.fixture
def frozen():
    with freezegun.freeze_time(LONG_AGO) as clock:
        create("set up")
        yield clock
        create("clean up")

def test_frozen_by_a_fixture_that_ticks_and_moves(frozen):
    create("a")
    frozen.tick(timedelta(days=40_000))
    create("b")
    frozen.move_to("1980-01-01")
    assert create("c") == "c"

@freezegun.freeze_time(LONG_AGO, auto_tick_seconds=86_400)
def test_each_look_at_the_clock_is_a_day():
    assert [create(stage) for stage in "abc"] == ["a", "b", "c"]

@freezegun.freeze_time(LONG_AGO)
class TestFrozen:
    def test_by_its_class(self):
        assert create("a") == "a"

@time_machine.travel(LONG_AGO, tick=False)
def test_travelled_by_a_decorator():
    assert create("a") == "a"
    assert time.time() < 1e9

def test_travelled_by_a_context_that_shifts_and_moves():
    with time_machine.travel(LONG_AGO) as traveller:
        create("a")
        traveller.shift(timedelta(days=40_000))
        create("b")
        traveller.move_to("1980-01-01")
        assert create("c") == "c"

def test_travelled_by_a_fixture(time_machine):
    time_machine.move_to(LONG_AGO, tick=False)
    assert create("a") == "a"

@freezegun.freeze_time(LONG_AGO)
def test_frozen_with_the_real_client():
    with openai.OpenAI(max_retries=0) as client:
        assert client.beta.threads.create(metadata={"stage": "a"}).metadata == {"stage": "a"}

@freezegun.freeze_time(LONG_AGO, real_asyncio=True)
async def test_frozen_with_the_real_asynchronous_client():
    async with openai.AsyncOpenAI(max_retries=0) as client:
        made = [client.beta.threads.create(metadata={"stage": stage}) for stage in "ab"]
        assert len({thread.id for thread in await asyncio.gather(*made)}) == 2
"""
FROZEN_MODULE = """
import freezegun

@pytest.fixture(scope="module", autouse=True)
def ever():
    with freezegun.freeze_time("1999-12-31"):
        yield

def test_frozen_with_its_module():
    assert create("a") == "a"

def test_frozen_with_its_module_still():
    assert create("b") == "b"
"""
PROCESS = """
import asyncio, io, os, pathlib, socket, time
import pytest_socket, requests, responses, respx

def test_files_are_not_real(fs):
    assert create("a") == "a"
    fs.create_file("/cassettes/here", contents="b")
    assert create(pathlib.Path("/cassettes/here").read_text()) == "b"

@pytest.mark.usefixtures("fs")
class TestFiles:
    def test_are_not_real_for_a_class(self):
        assert create("a") == "a"

def test_sockets_reach_this_machine_only():
    pytest_socket.socket_allow_hosts(["127.0.0.1"])
    assert create("a") == "a"
    pytest_socket._remove_restrictions()

def test_a_test_that_forbids_sockets_between_its_calls():
    create("a")
    pytest_socket.disable_socket()
    with pytest.raises(pytest_socket.SocketBlockedError):
        socket.socket()
    pytest_socket.enable_socket()
    assert create("b") == "b"

@responses.activate
def test_requests_are_not_real_but_those_that_pass():
    responses.add(responses.GET, "https://example.org/", body="no")
    responses.add_passthru(os.environ["OPENAI_BASE_URL"])
    assert requests.get("https://example.org/").text == "no"
    url, headers = os.environ["OPENAI_BASE_URL"] + "/threads", {"OpenAI-Beta": "assistants=v2"}
    sent = requests.post(url, json={}, headers=headers)
    assert sent.json()["object"] == "thread"

@respx.mock
def test_calls_of_httpx_are_not_real():
    respx.get("https://example.org/").respond(text="no")
    assert create("a") == "a"

def test_asyncio_is_not_real(monkeypatch):
    async def at_once(*_):
        return None
    def never(*_, **__):
        raise AssertionError("not while this test runs")
    for name in ("sleep", "wait_for"):
        monkeypatch.setattr(asyncio, name, at_once)
    for name in ("timeout", "timeout_at", "create_task", "to_thread", "get_running_loop"):
        monkeypatch.setattr(asyncio, name, never)
    monkeypatch.setattr(asyncio.BaseEventLoop, "time", lambda _: 0.0)
    monkeypatch.setattr(asyncio.BaseEventLoop, "call_soon", never)
    monkeypatch.setattr(time, "monotonic", lambda: 1e12)
    assert [create(stage) for stage in "ab"] == ["a", "b"]
"""
FAKED_MODULE = """
@pytest.fixture(scope="module", autouse=True)
def faked(fs_module):
    fs_module.create_file("/of/the/module", contents=create("a"))

def test_files_are_not_real_for_a_module():
    with open("/of/the/module") as file:
        assert create(file.read()) == "a"
"""
GEVENT = """
import gevent

def test_greenlets():
    made = [gevent.spawn(create, stage) for stage in "abc"]
    gevent.joinall(made, raise_error=True)
    assert [each.value for each in made] == ["a", "b", "c"]
"""
PATCHED = "from gevent import monkey\nmonkey.patch_all()\n"
PLUGINS = ("-p", "pytest_asyncio.plugin", "-p", "time_machine", "-p", "pyfakefs.pytest_plugin")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


def _centuries(folder: Path) -> set[str]:
    """The first digits of the years in which calls were recorded."""
    return {
        one.recorded_at.isoformat()[:2]
        for file in (folder / "cassettes").rglob("*.json")
        for one in cassettes.interactions(cassettes.load(file))
    }


def test_clocks_of_tests_are_not_the_clocks_of_their_proxy(suite: Suite) -> None:
    suite.write(CLOCKS)
    suite.write(FROZEN_MODULE, name="test_module")

    recorded = suite.start(*PLUGINS, *ONCE, "-W", "ignore")
    replayed = suite.start(*PLUGINS, "-W", "ignore")

    recorded.assert_outcomes(passed=12)
    replayed.assert_outcomes(passed=12)
    replayed.stdout.fnmatch_lines(["runreel: 22 replayed, 0 recorded, 0 missed, 0 unplayed, 0 l*"])
    assert _centuries(suite.folder) == {"20"}


def test_files_sockets_and_loops_of_tests_are_not_those_of_their_proxy(suite: Suite) -> None:
    suite.write(PROCESS)
    suite.write(FAKED_MODULE, name="test_module")

    recorded = suite.start(*PLUGINS, *ONCE, "-W", "ignore")
    replayed = suite.start(*PLUGINS, "-W", "ignore")

    recorded.assert_outcomes(passed=8)
    replayed.assert_outcomes(passed=8)
    replayed.stdout.fnmatch_lines(["runreel: 12 replayed, 0 recorded, 0 missed, 0 unplayed, 0 l*"])


def test_a_process_that_gevent_has_patched_has_a_proxy_that_it_has_not(suite: Suite) -> None:
    (suite.folder / "conftest.py").write_text(PATCHED, encoding="utf-8")
    suite.write(GEVENT)

    recorded = suite.start(*ONCE, "-W", "ignore")
    replayed = suite.start("-W", "ignore")

    recorded.assert_outcomes(passed=1)
    replayed.assert_outcomes(passed=1)
    replayed.stdout.fnmatch_lines(["runreel: 3 replayed, 0 recorded, 0 missed, 0 unplayed, 0 l*"])
