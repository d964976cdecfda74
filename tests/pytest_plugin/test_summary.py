"""What a run leaves for the page of a CI job, and in JUnit's XML."""

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from runreel.pytest_plugin.report import Summary
from suites import ONCE, Suite

if TYPE_CHECKING:
    from collections.abc import Mapping

pytest_plugins = ("pytester",)

SUITE = """
def test_a():
    create("a")

def test_b(STAGE="b"):
    create(STAGE)
"""
HEAD = "| test | cassette | replayed | recorded | missed | unplayed | live calls |"
A = "| `test_it.py::test_a` | `cassettes/test_it/test_a.json` | 1 | 0 | 0 | 0 | 0 |"
B = "| `test_it.py::test_b` | `cassettes/test_it/test_b.json` | 0 | 0 | 1 | 1 | 0 |"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_summary_tells_totals_trouble_and_each_test(
    suite: Suite, options: tuple[str, ...]
) -> None:
    suite.write(SUITE)
    suite.run(*ONCE).assert_outcomes(passed=2)
    suite.write(SUITE.replace('"b"', '"other"') + "\n\ndef test_none():\n    pass\n")

    suite.run("--runreel-summary=summary.md", *options).assert_outcomes(passed=2, failed=1)

    lines = (suite.folder / "summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "### runreel: 1 replayed, 0 recorded, 1 missed, 1 unplayed, 0 live calls"
    assert lines[2].startswith("**runreel: WARNING: 1 of 3 tests sent no request. ")
    assert lines[4:7] == ["`test_it.py::test_b`", "", "```text"]
    assert lines[7].startswith("No recording matches POST /v1/threads: body /metadata/stage: sent ")
    table = lines.index(HEAD)
    assert lines[table + 1] == "|---|---|---:|---:|---:|---:|---:|"
    assert lines[table + 2 : table + 4] == [B, A]


WIDE = """
@pytest.fixture(scope="module")
def room():
    create("room")

def test_a(room):
    pass
"""


def test_a_summary_tells_what_a_wide_fixture_missed(suite: Suite) -> None:
    suite.write(WIDE)
    suite.run(*ONCE).assert_outcomes(passed=1)
    suite.write(WIDE.replace('"room"', '"hall"'))

    suite.run("--runreel-summary=summary.md").assert_outcomes(errors=1)

    lines = (suite.folder / "summary.md").read_text(encoding="utf-8").splitlines()
    assert lines[2:6] == ["`test_it.py::test_a`", "", "```text", "runreel: fixture room:"]
    assert lines[6].startswith("No recording matches POST /v1/threads: body /metadata/stage: sent ")


def test_a_summary_of_nothing_says_so_and_the_next_one_replaces_it(suite: Suite) -> None:
    suite.write("def test_a():\n    pass", head="")
    (suite.folder / "summary.md").write_text("old")

    suite.run("--runreel-summary=summary.md").assert_outcomes(passed=1)

    text = (suite.folder / "summary.md").read_text(encoding="utf-8")
    assert text == "### runreel: no test used it\n"


def test_a_summary_that_cannot_be_written_stops_the_run_before_its_first_test(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')")

    result = suite.run("--runreel-summary=no/summary.md", *ONCE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--runreel-summary: */no/summary.md cannot be written; name a *"])
    assert suite.recorded() == []


def _properties(suite: Suite, family: str) -> dict[str | None, dict[str | None, str | None]]:
    """Of each test in the XML."""
    suite.write("def test_a():\n    create('a')")
    (suite.folder / "test_plain.py").write_text("def test_plain():\n    pass\n")
    options = ("--junitxml=j.xml", "-o", f"junit_family={family}")
    suite.run(*ONCE, *options).assert_outcomes(passed=2)
    cases = ET.parse(suite.folder / "j.xml").getroot().iter("testcase")  # noqa: S314 - our own
    return {
        case.get("name"): {one.get("name"): one.get("value") for one in case.iter("property")}
        for case in cases
    }


def test_junits_xml_has_what_each_test_did(suite: Suite) -> None:
    found = _properties(suite, "xunit1")

    assert found["test_a"] == {
        "runreel.cassette": "cassettes/test_it/test_a.json",
        "runreel.mode": "record",
        "runreel.replayed": "0",
        "runreel.recorded": "1",
        "runreel.missed": "0",
        "runreel.unplayed": "0",
        "runreel.live_calls": "1",
    }
    assert found["test_plain"] == {}


def test_junits_xml_has_no_properties_where_its_schema_has_none(suite: Suite) -> None:
    assert _properties(suite, "xunit2") == {"test_a": {}, "test_plain": {}}


def test_nothing_in_a_name_or_a_text_leaves_its_place_in_the_markdown() -> None:
    row = {"cassette": "a|b", **dict.fromkeys(("replayed", "recorded", "missed"), 1)}
    summary = Summary(
        {"t[`|\n<b>]": row | {"unplayed": 0, "live_calls": 0}}, {"t[`|\n<b>]": ["a\n````\nb"]}
    )

    assert summary.markdown(["runreel: <1> *2*"]).splitlines() == [
        "### runreel: \\<1\\> \\*2\\*",
        "",
        "`t['\\|\\n<b>]`",
        "",
        "`````text",
        "a",
        "````",
        "b",
        "`````",
        "",
        HEAD,
        "|---|---|---:|---:|---:|---:|---:|",
        "| `t['\\|\\n<b>]` | `a\\|b` | 1 | 1 | 1 | 0 | 0 |",
    ]


def test_a_long_run_is_cut_and_says_so() -> None:
    numbers = dict.fromkeys(("replayed", "recorded", "missed", "unplayed", "live_calls"), 0)
    row: Mapping[str, Any] = {"cassette": "c", **numbers}
    rows = {f"t{number:03}": row for number in range(201)}
    texts = {f"t{number:03}": ["x" * 5_000] for number in range(180, 201)}

    text = Summary(rows, texts).markdown(["runreel: all"])

    assert text.count("x" * 3_999 + "…") == 20
    assert text.count("x" * 4_000) == 0
    assert "\nand 1 more test with trouble\n" in text
    assert text.count("| `t") == 200
    assert "| `t200` |" in text
    assert text.endswith("\nand 1 more test\n")
