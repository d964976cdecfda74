import json
from pathlib import Path

import pytest

from builders import FAKE_KEY, a_cassette, a_pending, a_response, an_interaction
from cli_tools import Keep, Tool
from leaks import leaking_files
from planting import a_document
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import parse

AT = "/interactions/0/request/body/json/metadata/stage"


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A cassette with a key that somebody wrote into it."""
    document = a_document()
    document["interactions"][0]["request"]["body"]["json"]["metadata"]["stage"] = FAKE_KEY
    path = tmp_path / "cassettes" / "mine.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document))
    return path


def test_a_place_with_a_star_is_known_to_check_and_to_scrub(
    tool: Tool, keep: Keep, tmp_path: Path
) -> None:
    listed = b'{"data":[{"metadata":{"email":"a@b"}},{"metadata":{"email":"c@d"}}]}'
    keep("mine", a_cassette(an_interaction(response=a_response(listed))))
    rules = tmp_path / "rules.toml"
    rules.write_text('[redaction]\nbody = ["/data/*/metadata/email"]\n')

    found = tool("check", "mine", "--config", str(rules))
    scrubbed = tool("scrub", "mine", "--config", str(rules))

    at = "/interactions/0/response/body/json/data/{}/metadata/email"
    assert found.code == 1
    assert [at.format(item) in found.out for item in (0, 1)] == [True, True]
    assert [at.format(item) in scrubbed.out for item in (0, 1)] == [True, True]
    assert tool("check", "mine", "--config", str(rules)).code == 0


def test_a_key_is_taken_out_of_the_file_and_the_place_is_told(tool: Tool, planted: Path) -> None:
    ended = tool("scrub", "mine")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"mine: json: {AT}\nrunreel: mine: 1 place was scrubbed\n"
    found = parse(planted.read_text())
    assert found.interactions[0].value.request.body == (
        b'{"metadata":{"stage":"REDACTED","list":["b",{"c":"d"}]}}'
    )
    assert leaking_files(FAKE_KEY, planted.parent) == []
    assert tool("check", "mine").code == 0


def test_a_dry_run_tells_and_touches_nothing(tool: Tool, planted: Path) -> None:
    before = planted.read_bytes()

    ended = tool("scrub", "mine", "--dry-run")

    assert (ended.code, ended.out) == (
        0,
        f"mine: json: {AT}\nrunreel: mine: 1 place would be scrubbed\n",
    )
    assert planted.read_bytes() == before
    assert [path.name for path in planted.parent.iterdir()] == ["mine.json"]


def test_a_cassette_that_needs_nothing_is_not_touched(
    tool: Tool, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = keep("mine", a_cassette(an_interaction()))
    path.write_text(path.read_text() + "\n")  # not as runreel writes it, and none of our business
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    monkeypatch.setattr("runreel.cassettes.file_store.take_lock", None)

    ended = tool("scrub", "mine")

    assert (ended.code, ended.out) == (0, "runreel: mine: nothing to scrub\n")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_while_it_is_recorded_a_cassette_is_not_scrubbed(tool: Tool, planted: Path) -> None:
    before = planted.read_bytes()
    journal = FileStore(planted.parent).open_journal("mine", a_cassette())

    ended = tool("scrub", "mine")

    journal.commit(None)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(
        "runreel: error: cassette 'mine' is being recorded by another runreel or session; end"
    )
    assert planted.read_bytes() == before


def test_what_a_crash_left_in_a_journal_is_scrubbed_too(tool: Tool, keep: Keep) -> None:
    path = keep("mine", a_cassette(an_interaction()))
    journal = FileStore(path.parent).open_journal("mine", a_cassette())
    journal.append([a_pending(1)])
    journal.release()
    path.parent.parent.joinpath("runreel.toml").write_text('redaction.patterns = ["new"]\n')

    ended = tool("scrub", "mine")

    assert ended.out == (
        "mine: new: /interactions/1/response/body/text\nrunreel: mine: 1 place was scrubbed\n"
    )
    assert [entry.name for entry in path.parent.iterdir()] == ["mine.json"]
    assert parse(path.read_text()).interactions[1].value.response.body == b"REDACTED"


def test_what_no_rule_can_take_out_is_told_and_fails(tool: Tool, planted: Path) -> None:
    planted.write_text(planted.read_text().replace('"id": "json"', f'"id": "{FAKE_KEY}"'))

    ended = tool("scrub", "mine")

    assert ended.code == 1
    assert ended.err == (
        "mine: sk-…: /interactions/0/id: looks like a secret that no rule can take out; delete it "
        "by hand\n"
    )
    assert ended.out.endswith(
        "runreel: mine: 1 place was scrubbed, 1 place left to delete by hand\n"
    )
    assert FAKE_KEY not in ended.out


def test_what_cannot_be_scrubbed_is_an_error_that_names_it(tool: Tool, keep: Keep) -> None:
    keep("mine", a_cassette()).write_text('{"format": 1')

    asked = [tool("scrub", "mine"), tool("scrub", "other"), tool("scrub", "cassettes/mine.json")]

    assert [ended.code for ended in asked] == [1, 2, 2]
    assert "cassettes/mine.json: not readable as JSON" in asked[0].err
    assert "there is no cassette 'other'; runreel cassette list shows those" in asked[1].err
    assert "a cassette is named without its suffix" in asked[2].err
