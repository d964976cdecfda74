"""Cassettes that several tests name: each has its own story, and they are judged together."""

from pathlib import Path

import pytest

from runreel import cassettes
from suites import ONCE, RECORD, Suite

pytest_plugins = ("pytester",)
FILE = "cassettes/together.json"
CLASS = """
@pytest.mark.runreel(cassette="together")
class TestTogether:
    @pytest.mark.parametrize("last", ["b", "c"])
    def test_two(self, last):
        create("a")
        create(last)

    def test_three(self):
        create("a")
        create("d")
"""
ONLY_TWO = CLASS[: CLASS.index("    def test_three")]
SCOPES = [
    "test_it.py::TestTogether::test_two[b]",
    "test_it.py::TestTogether::test_two[b]",
    "test_it.py::TestTogether::test_two[c]",
    "test_it.py::TestTogether::test_two[c]",
    "test_it.py::TestTogether::test_three",
    "test_it.py::TestTogether::test_three",
]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


def scopes(suite: Suite) -> list[str | None]:
    recorded = cassettes.interactions(cassettes.load(Path(suite.folder / FILE)))
    return [one.scope for one in recorded]


def imported(suite: Suite) -> None:
    """A cassette as it is made by hand, or imported: nothing in it belongs to a story."""
    suite.write(
        "@pytest.mark.runreel(cassette='together')\n"
        "def test_all():\n    for stage in 'abcd':\n        create(stage)"
    )
    suite.run(*ONCE)
    file = suite.folder / FILE
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if '"scope":' not in line), encoding="utf-8")


def test_tests_of_one_class_record_one_cassette_and_each_plays_its_own(suite: Suite) -> None:
    suite.write(CLASS)

    suite.run(*ONCE).assert_outcomes(passed=3)
    replayed = suite.run()
    alone = suite.run("-k", "c]")

    assert scopes(suite) == SCOPES
    replayed.assert_outcomes(passed=3)
    replayed.stdout.fnmatch_lines(["runreel: 6 replayed, 0 recorded, 0 missed, 0 unplayed, 0 li*"])
    alone.assert_outcomes(passed=1, deselected=2)


def test_once_asks_whether_it_was_there_when_the_run_began(suite: Suite) -> None:
    suite.write(ONLY_TWO)
    suite.run(*ONCE).assert_outcomes(passed=2)
    suite.write(CLASS)

    later = suite.run(*ONCE)

    later.assert_outcomes(passed=2, failed=1)
    assert scopes(suite) == SCOPES[:4]


def test_workers_that_record_one_cassette_take_turns(suite: Suite) -> None:
    suite.write(CLASS)

    workers = ("-p", "xdist", "-n", "2")
    suite.start(*workers, *ONCE).assert_outcomes(passed=3)
    suite.run().assert_outcomes(passed=3)

    assert sorted(map(str, scopes(suite))) == sorted(SCOPES)


def test_prune_drops_nothing_that_a_sibling_has_recorded(suite: Suite) -> None:
    suite.write(CLASS)
    suite.run(*RECORD).assert_outcomes(passed=3)
    before = (suite.folder / FILE).read_bytes()

    suite.run(*RECORD, "--runreel-prune").assert_outcomes(passed=3)

    assert (suite.folder / FILE).read_bytes() == before
    suite.run().assert_outcomes(passed=3)


def test_prune_drops_what_belongs_to_no_test_when_all_have_recorded_theirs(suite: Suite) -> None:
    suite.write(CLASS)
    suite.run(*RECORD)
    suite.write(ONLY_TWO)

    part = suite.run(*RECORD, "--runreel-prune", "-k", "b]")
    after_part = scopes(suite)
    suite.run(*RECORD, "--runreel-prune").assert_outcomes(passed=2)

    part.assert_outcomes(passed=1, deselected=1)
    assert after_part == SCOPES
    assert scopes(suite) == SCOPES[:4]


def test_what_has_no_story_is_unplayed_only_if_no_test_plays_it(suite: Suite) -> None:
    imported(suite)
    suite.write(CLASS)

    everything = suite.run()
    suite.write(ONLY_TWO)
    less = suite.run()
    part = suite.run("-k", "b]")

    everything.assert_outcomes(passed=3)
    less.assert_outcomes(passed=2)
    less.stdout.fnmatch_lines(
        ["runreel: ERROR: 1 recording in cassette 'together' was played by none of *: createThr*"]
    )
    assert (everything.ret, less.ret, part.ret) == (0, 1, 0)


def test_workers_are_judged_together_too(suite: Suite) -> None:
    imported(suite)
    suite.write(CLASS)
    workers = ("-p", "xdist", "-n", "2")

    assert suite.start(*workers).ret == 0
    suite.write(ONLY_TWO)
    less = suite.start(*workers)

    less.assert_outcomes(passed=2)
    less.stdout.fnmatch_lines(["runreel: ERROR: 1 recording in cassette 'together' was played*"])
    assert less.ret == 1


def test_a_marker_says_what_does_not_count(suite: Suite) -> None:
    suite.write(
        "import random\n"
        "@pytest.mark.runreel(match={'ignore_body': ['/metadata/stage']})\n"
        "def test_a():\n    create(str(random.random()))"
    )

    suite.run(*ONCE).assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("{'ignore': []}", "*the marker's match: ignore: *"),
        ("{'ignore_body': ['stage']}", "*the marker's match: ignore_body*"),
        ("{'ignore_body': {'/stage'}}", "*the marker's match: *set*"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(suite: Suite, rules: str, sentence: str) -> None:
    suite.write(f"@pytest.mark.runreel(match={rules})\ndef test_a():\n    create('a')")

    result = suite.run()

    result.assert_outcomes()
    result.stderr.fnmatch_lines([sentence])
