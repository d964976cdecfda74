"""Recordings of tests that are gone, at the end of a run of all tests."""

import pytest

from suites import ONCE, RECORD, Suite

pytest_plugins = ("pytester",)
TWO = "def test_a():\n    create('a')\ndef test_b():\n    create('b')\n"
ONE = "def test_a():\n    create('a')\n"
FIXTURES = """
@pytest.fixture(scope="module")
def {0}():
    yield create("made")
    create("gone")

def test_a({0}):
    create("a")
"""
SHARED = """
@pytest.mark.runreel(cassette="ours")
class TestOurs:
    def test_a(self):
        create("a")
    def test_{0}(self):
        create("b")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


def test_a_deleted_test_leaves_a_cassette_that_is_told(suite: Suite) -> None:
    suite.write(TWO)
    suite.run(*ONCE)
    suite.write(ONE)

    told = suite.run()
    failing = suite.run("--runreel-orphans=fail")

    told.assert_outcomes(passed=1)
    told.stdout.fnmatch_lines(
        ["runreel: WARNING: 1 cassette has recordings of tests *=delete removes them: *b.json"]
    )
    assert (told.ret, failing.ret) == (0, 1)


def test_it_is_deleted_if_that_is_asked_for(suite: Suite) -> None:
    suite.write(TWO)
    suite.run(*ONCE)
    suite.write(ONE)

    suite.run("--runreel-orphans=delete").assert_outcomes(passed=1)
    after = suite.run()

    assert suite.recorded() == ["cassettes/test_it/test_a.json"]
    after.stdout.no_fnmatch_line("*WARNING*")


@pytest.mark.parametrize("part", [("-k", "test_a"), ("test_it.py::test_a",), ("-x",)])
def test_nothing_is_told_by_a_run_of_some_tests(suite: Suite, part: tuple[str, ...]) -> None:
    suite.write(TWO)
    suite.run(*ONCE)
    (suite.folder / "cassettes/test_it/test_b.json").rename(
        suite.folder / "cassettes/test_it/test_gone.json"
    )
    failing = ("def test_0():\n    assert 0\n",) if part == ("-x",) else ()
    suite.write("".join((*failing, TWO)))

    suite.run(*part).stdout.no_fnmatch_line("*tests that are gone*")


def test_fixtures_and_skipped_tests_that_are_there_have_no_orphans(suite: Suite) -> None:
    suite.write(FIXTURES.format("room"))
    suite.run(*ONCE)
    skipped = FIXTURES.format("room").replace("def test_a", "@pytest.mark.skip\ndef test_a")
    suite.write(skipped)
    still = suite.run()
    suite.write(FIXTURES.format("hall"))
    renamed = suite.run(*ONCE)

    still.stdout.no_fnmatch_line("*WARNING*")
    renamed.stdout.fnmatch_lines(
        ["*2 cassettes have*: cassettes/test_it/room.setup.json, cassettes/test_it/room.teardown*"]
    )


def test_a_module_that_is_gone_leaves_a_folder_and_one_that_was_not_asked_for_none(
    suite: Suite,
) -> None:
    suite.write(ONE)
    suite.write(ONE, name="test_other")
    suite.run(*ONCE)

    part = suite.run("test_it.py")
    (suite.folder / "test_other.py").unlink()
    whole = suite.run("--runreel-orphans=delete")

    part.stdout.no_fnmatch_line("*WARNING*")
    whole.stdout.fnmatch_lines(["*deleted: cassettes/test_other/test_a.json"])
    assert not (suite.folder / "cassettes/test_other").exists()


def test_a_story_of_a_test_that_is_gone_goes_out_of_a_shared_cassette(suite: Suite) -> None:
    suite.write(SHARED.format("b"))
    suite.run(*ONCE)
    suite.write(SHARED.format("c"))

    suite.run(*RECORD).stdout.fnmatch_lines(
        ["*WARNING: 1 cassette has*: cassettes/ours.json (test_it.py::TestOurs::test_b)"]
    )
    suite.run("--runreel-orphans=delete").assert_outcomes(passed=2)

    assert len(suite.stages("cassettes/ours.json")) == 2
    suite.run().stdout.no_fnmatch_line("*WARNING*")


def test_what_may_be_of_no_test_is_left_alone(suite: Suite) -> None:
    suite.write(ONE)
    suite.run(*ONCE)
    made = suite.folder / "cassettes/test_it/test_a.json"
    for place in ("default.json", "nightly/run.json"):
        (suite.folder / "cassettes" / place).parent.mkdir(exist_ok=True)
        (suite.folder / "cassettes" / place).write_bytes(made.read_bytes())

    suite.run().stdout.no_fnmatch_line("*WARNING*")


def test_workers_tell_it_once(suite: Suite) -> None:
    suite.write(TWO)
    suite.run(*ONCE)
    suite.write(ONE)

    result = suite.start("-p", "xdist", "-n", "2", "--runreel-orphans=fail")

    assert result.ret == 1
    assert str(result.stdout).count("recordings of tests that are gone") == 1
