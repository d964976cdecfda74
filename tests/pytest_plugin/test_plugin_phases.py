"""Which session a call belongs to, and what becomes of tests that do not simply pass."""

import pytest

from suites import ONCE, RECORD, Suite

pytest_plugins = ("pytester",)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


FIXTURES = """
@pytest.fixture(scope="module")
def wide():
    return create("wide")

@pytest.fixture
def narrow(wide):
    yield create("narrow")
    create("{}")

def test_a(narrow):
    create("call")
"""


def test_set_up_belongs_to_the_test_or_its_wide_fixture_and_teardown_has_a_cassette_of_its_own(
    suite: Suite,
) -> None:
    suite.write(FIXTURES.format("clean"))

    suite.run(*ONCE).assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)

    assert suite.stages("cassettes/test_it/test_a.json") == [
        b'{"metadata": {"stage": "narrow"}}',
        b'{"metadata": {"stage": "call"}}',
    ]
    assert suite.stages("cassettes/test_it/wide.setup.json") == [
        b'{"metadata": {"stage": "wide"}}',
    ]
    assert suite.stages("cassettes/test_it/test_a.teardown.json") == [
        b'{"metadata": {"stage": "clean"}}'
    ]


def test_a_miss_of_the_teardown_is_an_error_of_the_teardown(suite: Suite) -> None:
    suite.write(FIXTURES.format("clean"))
    suite.run(*ONCE)
    suite.write(FIXTURES.replace('create("{}")', "pytest.raises(Refused, create, 'other')"))

    result = suite.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown*", '*sent "other", recorded "clean"*'])


def test_a_miss_of_the_set_up_that_was_swallowed_fails_the_test(suite: Suite) -> None:
    suite.write(
        "@pytest.fixture\ndef lenient():\n    with pytest.raises(Refused):\n        create('a')\n"
        "def test_a(lenient):\n    pass"
    )

    suite.run().assert_outcomes(failed=1)


def test_calls_outside_of_a_test_that_asked_for_it_are_refused(suite: Suite) -> None:
    suite.write(
        "@pytest.mark.runreel\ndef test_a():\n    create('a')\n"
        "def test_b():\n    with pytest.raises(Refused, match='421 .*session_unknown'):\n"
        "        create('b')",
        head="import pytest\nfrom api import Refused, create\n",
    )

    suite.run(*ONCE).assert_outcomes(passed=2)


def test_an_expected_failure_stays_one_and_keeps_its_recording(suite: Suite) -> None:
    suite.write("@pytest.mark.xfail\ndef test_a():\n    create('a')\n    assert 0")

    suite.run(*ONCE).assert_outcomes(xfailed=1)

    assert suite.recorded() == ["cassettes/test_it/test_a.json"]
    suite.run().assert_outcomes(xfailed=1)


@pytest.mark.parametrize("mark", ["xfail", "xfail(strict=True)"])
def test_a_miss_is_never_the_failure_that_was_expected(suite: Suite, mark: str) -> None:
    suite.write(f"@pytest.mark.{mark}\ndef test_a():\n    create('a')\n    assert 0")

    result = suite.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["runreel: No recording matches POST *"])


def test_a_test_that_is_skipped_halfway_keeps_what_it_recorded(suite: Suite) -> None:
    suite.write(
        "def test_a():\n    create('a')\n    pytest.skip('enough')\n"
        "@pytest.mark.skip\ndef test_b():\n    create('b')"
    )

    suite.run(*ONCE).assert_outcomes(skipped=2)
    replayed = suite.run()

    assert suite.recorded() == ["cassettes/test_it/test_a.json"]
    replayed.assert_outcomes(skipped=2)
    replayed.stdout.fnmatch_lines(["runreel: 1 replayed, 0 recorded, 0 missed, 0 unplayed, 0 li*"])


def test_a_unittest_that_fails_discards_its_recording_too(suite: Suite) -> None:
    suite.write(
        "import unittest\n"
        "class TestOld(unittest.TestCase):\n"
        "    def test_good(self):\n        self.assertEqual(create('a'), 'a')\n"
        "    def test_bad(self):\n        self.assertEqual(create('a'), 'b')"
    )

    suite.run(*RECORD).assert_outcomes(passed=1, failed=1)

    assert suite.recorded() == ["cassettes/test_it/TestOld.test_good.json"]


SKIPS = """
import unittest

def ask():
    try:
        create("new")
    except Refused:
        pytest.skip("the API is away")

@pytest.fixture
def asked():
    ask()

def test_a():
    ask()

def test_b(asked):
    pass

class TestOld(unittest.TestCase):
    def test_c(self):
        with self.assertRaises(Refused):
            create("new")
        self.skipTest("the API is away")
"""


def test_a_miss_is_not_hidden_by_a_skip(suite: Suite) -> None:
    suite.write(SKIPS)

    result = suite.run("-rs")

    result.assert_outcomes(failed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["runreel: No recording matches POST /v1/threads: cassette 'test_it/test_a' is empty."]
    )


RERUNS = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in (1, 2):
        item.attempt = attempt
        reports = runtestprotocol(item, nextitem=nextitem, log=attempt == 2)
    return True
"""


def test_a_rerun_begins_anew(suite: Suite) -> None:
    (suite.folder / "conftest.py").write_text(RERUNS, encoding="utf-8")
    suite.write(
        "def test_a(request):\n    create('a')\n    create(f'try {request.node.attempt}')\n"
        "    assert request.node.attempt == 2"
    )

    suite.run(*ONCE).assert_outcomes(passed=1)

    assert suite.stages("cassettes/test_it/test_a.json") == [
        b'{"metadata": {"stage": "a"}}',
        b'{"metadata": {"stage": "try 2"}}',
    ]


def test_the_fixture_tells_what_is_played_and_where(suite: Suite) -> None:
    suite.write(
        "from api import BASE\n"
        "def test_a(runreel):\n    create('a')\n"
        "    assert runreel.base_url == BASE\n"
        "    assert runreel.cassette == 'test_it/test_a'\n"
        "    assert runreel.receipt()['upstream_calls'] == 1\n"
        "def test_b(request):\n    reel = request.getfixturevalue('runreel')\n    create('b')\n",
        head="from api import create\nNAMED = 'runreel'\n",
    )

    suite.run(*ONCE).assert_outcomes(passed=2)

    assert suite.recorded() == [
        "cassettes/test_it/test_a.json",
        "cassettes/test_it/test_b.json",
    ]
