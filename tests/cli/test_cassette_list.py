import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, an_interaction
from cli_tools import Keep, Tool
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import dump
from runreel.http.messages import Interaction, Violation
from runreel.ports import SystemClock
from runreel.redaction.redactor import Redacted, Redaction

RECORDED = datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _three_days_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "now", lambda _: RECORDED + timedelta(days=3, hours=1))


def _with_violations() -> Redacted[Interaction]:
    value = an_interaction(name="second").value
    violations = tuple(Violation("/a", "type", kind, "no") for kind in ("error", "advice", "error"))
    return Redaction().interaction(value.request, replace(value, violations=violations))


def test_each_cassette_has_its_row_by_name(tool: Tool, keep: Keep) -> None:
    keep("a", a_cassette()).write_bytes(dump(a_cassette()).encode() + b" " * 1_000_000)
    small = keep("team/b", a_cassette(an_interaction(), _with_violations()))
    small.write_text(small.read_text().ljust(2_800))

    ended = tool("list")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (
        "NAME    INTERACTIONS  AGE  PROFILE  SIZE    VIOLATIONS\n"
        "a       0             -    openai   1.0 MB  none\n"
        "team/b  2             3 d  openai   2.8 kB  2 errors, 1 advice\n"
    )


def test_half_a_recording_is_told_behind_its_row(tool: Tool, keep: Keep) -> None:
    keep("a", a_cassette())
    keep("b", replace(a_cassette(), incomplete="the disk was full"))

    ended, script = tool("list"), tool("list", "--json")

    assert [line.partition("none")[2] for line in ended.out.splitlines()[1:]] == [
        "",
        "  incomplete: the disk was full",
    ]
    assert [row["incomplete"] for row in json.loads(script.out)] == [None, "the disk was full"]


def test_a_script_gets_the_same_as_json(tool: Tool, keep: Keep) -> None:
    path = keep("b", a_cassette(an_interaction(), _with_violations()))

    ended = tool("list", "--json")

    assert json.loads(ended.out) == [
        {
            "name": "b",
            "interactions": 2,
            "newest": "2026-03-31T10:15:02Z",
            "age_s": 262800,
            "profile": "openai",
            "bytes": path.stat().st_size,
            "violations": {"error": 2, "advice": 1},
            "incomplete": None,
        }
    ]


def test_what_is_only_in_a_journal_counts(tool: Tool, tmp_path: Path) -> None:
    journal = FileStore(tmp_path / "cassettes").open_journal("mine", a_cassette())
    journal.append([a_pending(1)])

    (row,) = json.loads(tool("list", "--json").out)

    journal.commit(None)
    assert (row["name"], row["interactions"]) == ("mine", 1)
    assert row["bytes"] > 300


def test_a_damaged_cassette_is_a_row_and_not_the_end(
    tool: Tool, keep: Keep, tmp_path: Path
) -> None:
    keep("c", a_cassette())
    (tmp_path / "cassettes" / "b.json").write_text('{"format": 2}')

    ended, as_json = tool("list"), tool("list", "--json")

    assert (ended.code, as_json.code, ended.err) == (1, 1, "")
    message = "cassettes/b.json, line 1, column 2: /format: format 2 is not known here, only 1"
    assert ended.out.splitlines()[1] == f"b  damaged: {message}"
    assert ended.out.splitlines()[2].startswith("c     0 ")
    assert json.loads(as_json.out)[0] == {"name": "b", "bytes": 13, "damaged": message}


def test_no_cassettes_is_said_and_is_no_error(tool: Tool) -> None:
    ended = tool("list", "--cassettes", "tapes")

    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "runreel: there are no cassettes in tapes\n"
    assert tool("list", "--json").out == "[]\n"


def test_an_age_is_told_in_its_largest_unit(
    tool: Tool, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("a", a_cassette(an_interaction()))
    told = []

    for seconds in (-5, 0, 59, 60, 7_200, 90_000, 70_000_000):
        later = RECORDED + timedelta(seconds=seconds)
        monkeypatch.setattr(SystemClock, "now", lambda _, later=later: later)
        told.append(re.split(" {2,}", tool("list").out.splitlines()[1])[2])

    assert told == ["0 s", "0 s", "59 s", "1 min", "2 h", "1 d", "2 y"]
