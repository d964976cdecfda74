"""What becomes of a run whose sessions, or whose proxy, end before their tests do."""

import pytest

from suites import ONCE, Suite

pytest_plugins = ("pytester",)

ENDED = """
def end(session):
    url = f"{BASE.removesuffix('/v1')}/_runreel/sessions/{session}"
    with urllib.request.urlopen(urllib.request.Request(url, method="DELETE")):
        pass

def test_a(runreel):
    create("a")
    end(runreel.session)

@pytest.fixture
def cleaned(runreel):
    yield
    create("c")
    end(f"{runreel.session}-teardown")

def test_b(cleaned):
    create("b")

@pytest.mark.xfail  # which its teardown stays
def test_c(runreel):
    end(runreel.session)
    assert 0

def test_d():
    assert create("d") == "d"
"""
KILLED = """
@pytest.fixture
def cleaned():
    yield
    print("cleaned up")

def test_a(runreel, cleaned):
    create("a")
    os.kill(runreel.proxy._process.pid, signal.SIGKILL)
    runreel.proxy._process.wait()
    with pytest.raises(urllib.error.URLError):
        create("b")

def test_b():
    assert create("b") == "b"
"""
KILLED_WIDE = """
@pytest.fixture(scope="module")
def room():
    yield create("room")
    create("gone")

def test_a(runreel, room):
    os.kill(runreel.proxy._process.pid, signal.SIGKILL)
    runreel.proxy._process.wait()

def test_b(room):
    create("b")

def test_c():
    create("c")
"""
DAMAGED = """
@pytest.fixture
def cleaned():
    yield
    try:
        create("clean")
    except Refused:
        pass

def test_a(cleaned):
    create("a")
"""
HEAD = """
import os, signal, urllib.error, urllib.request
import pytest
from api import BASE, Refused, create
pytestmark = pytest.mark.runreel
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


def test_a_session_that_a_test_ended_fails_that_test_and_no_other(suite: Suite) -> None:
    suite.write(ENDED, head=HEAD)

    result = suite.run(*ONCE)

    result.assert_outcomes(passed=2, failed=2, errors=2, xfailed=1)
    result.stdout.fnmatch_lines(
        ["runreel: There is no session of that name here, or it has ended."]
    )
    assert "cassettes/test_it/test_d.json" in suite.recorded()


def test_a_proxy_that_was_killed_fails_its_test_and_the_next_has_another(suite: Suite) -> None:
    suite.write(KILLED, head=HEAD)

    result = suite.start(*ONCE, "-s")

    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*cleaned up*"])
    result.stdout.fnmatch_lines(["runreel: the proxy of this pytest process has ended*"])
    assert suite.recorded() == ["cassettes/test_it/test_b.json"]


def test_nobody_goes_on_without_what_a_wide_fixture_made_in_the_simulator(suite: Suite) -> None:
    suite.write(KILLED_WIDE, head=HEAD)

    result = suite.start(*ONCE)

    result.assert_outcomes(passed=1, failed=2, errors=2)
    result.stdout.fnmatch_lines(
        ["runreel: what a fixture of several tests made in its simulator was lost *; run pytest*"]
    )
    assert suite.recorded() == ["cassettes/test_it/room.setup.json"]


def test_a_cassette_of_a_teardown_that_is_damaged_is_an_error_of_that_teardown(
    suite: Suite,
) -> None:
    suite.write(DAMAGED, head=HEAD)
    suite.run(*ONCE).assert_outcomes(passed=1)
    (suite.folder / "cassettes/test_it/test_a.teardown.json").write_text("{", encoding="utf-8")

    result = suite.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["runreel: *test_a.teardown.json*"])
