import json
from pathlib import Path

import pytest

from builders import FAKE_KEY, a_cassette, a_pending, a_request, an_interaction
from cli_tools import Keep, Tool
from leaks import leaks
from planting import a_document
from runreel.cassettes.file_store import FileStore


def _planted(folder: Path, name: str = "mine") -> Path:
    document = a_document()
    document["interactions"][0]["request"]["body"]["json"]["metadata"]["stage"] = FAKE_KEY
    path = folder / "cassettes" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def test_a_finding_names_file_interaction_place_and_rule_and_fails(
    tool: Tool, keep: Keep, tmp_path: Path
) -> None:
    keep("clean", a_cassette(an_interaction()))
    _planted(tmp_path)

    ended = tool("check")

    at = "/interactions/0/request/body/json/metadata/stage"
    assert (ended.code, ended.out) == (
        1,
        f"cassettes/mine.json: json: {at}: openai-key: looks like a secret: sk-…\n",
    )
    assert ended.err == "runreel: 2 cassettes checked, 1 finding\n"
    assert not leaks(FAKE_KEY, (ended.out + ended.err).encode())


def test_a_script_gets_the_findings_as_json(tool: Tool, tmp_path: Path) -> None:
    _planted(tmp_path)

    ended = tool("check", "--json")

    assert (ended.code, ended.err) == (1, "")
    assert json.loads(ended.out) == {
        "checked": 1,
        "findings": [
            {
                "file": "cassettes/mine.json",
                "at": "/interactions/0/request/body/json/metadata/stage",
                "id": "json",
                "rule": "openai-key",
                "message": "looks like a secret: sk-…",
            }
        ],
    }


def test_without_a_finding_it_says_so_and_succeeds(tool: Tool, keep: Keep) -> None:
    keep("team/clean", a_cassette(an_interaction()))

    ended = tool("check")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "runreel: 1 cassette checked, 0 findings\n"


def test_names_and_files_as_hooks_hand_them_are_checked_and_nothing_else(
    tool: Tool, keep: Keep, tmp_path: Path
) -> None:
    keep("clean", a_cassette(an_interaction()))
    elsewhere = _planted(tmp_path).rename(tmp_path / "else where.json")
    _planted(tmp_path, "unasked")

    ended = tool("check", "clean", "cassettes/clean.json", str(elsewhere))

    assert ended.code == 1
    assert [line.partition(": ")[0] for line in ended.out.splitlines()] == [str(elsewhere)]
    assert ended.err == "runreel: 3 cassettes checked, 1 finding\n"


def test_the_configuration_of_today_is_what_counts(tool: Tool, keep: Keep, tmp_path: Path) -> None:
    keep("mine", a_cassette(an_interaction()))
    (tmp_path / "runreel.toml").write_text('redaction.body = ["/metadata/stage"]\n')

    ended = tool("check", "mine")

    assert (ended.code, ended.out) == (
        1,
        (
            "cassettes/mine.json: modifyRun-00000000: "
            "/interactions/0/request/body/json/metadata/stage: redaction: "
            "today's redaction would change this; see runreel cassette scrub\n"
        ),
    )


def test_what_is_in_a_journal_only_is_checked_too(tool: Tool, tmp_path: Path) -> None:
    journal = FileStore(tmp_path / "cassettes").open_journal("mine", a_cassette())
    journal.append([a_pending(1)])
    (tmp_path / "runreel.toml").write_text('redaction.patterns = ["new"]\n')

    ended = tool("check")

    journal.commit(None)
    assert (ended.code, ended.err) == (1, "runreel: 1 cassette checked, 1 finding\n")
    assert ended.out.startswith(
        "cassettes/mine.json: new: /interactions/0/response/body/text: redaction: "
    )


def test_what_a_crash_left_beside_a_file_is_checked_with_it(tool: Tool, keep: Keep) -> None:
    path = keep("mine", a_cassette(an_interaction()))
    journal = FileStore(path.parent).open_journal("mine", a_cassette())
    journal.append([a_pending(1)])
    journal.release()
    path.parent.parent.joinpath("runreel.toml").write_text('redaction.patterns = ["new"]\n')

    ended = tool("check", "mine")

    assert ended.code == 1
    assert ended.out.startswith("cassettes/mine.json: new: /interactions/1/response/body/text: ")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'{"format": 1', "cassettes/mine.json: format: not readable as JSON: Expecting"),
        (b"\xff", "cassettes/mine.json: format: not UTF-8 at byte 0\n"),
        (
            b'{"format": 7}',
            (
                "cassettes/mine.json: /format: format: format 7 is not known here, only 1 (line 1, "
                "column 2)\n"
            ),
        ),
    ],
)
def test_a_damaged_cassette_is_a_finding(
    tool: Tool, tmp_path: Path, content: bytes, line: str
) -> None:
    _planted(tmp_path).write_bytes(content)

    ended = tool("check")

    assert ended.code == 1
    assert ended.out.startswith(line)
    assert ended.err == "runreel: 1 cassette checked, 1 finding\n"


def test_a_damaged_journal_is_a_finding_beside_those_of_the_file(
    tool: Tool, tmp_path: Path
) -> None:
    _planted(tmp_path)
    part = tmp_path / "cassettes" / f".mine.{'0' * 16}.0001.journal"
    part.mkdir()

    ended = tool("check", "mine")

    rules = [line.split(": ")[-3:-1] for line in ended.out.splitlines()]
    assert ended.code == 1
    assert len(rules) == 2
    assert "cassettes/mine.json: damaged: " in ended.out
    assert ": openai-key: " in ended.out


def test_a_cassette_that_is_not_there_is_no_clean_one(tool: Tool, keep: Keep) -> None:
    keep("mine", a_cassette(an_interaction(a_request(b""))))

    asked = [tool("check", "mime"), tool("check", "cassettes/mime.json"), tool("check", "../x")]

    assert [ended.code for ended in asked] == [2, 2, 2]
    assert [ended.err.partition("; ")[0].strip() for ended in asked] == [
        "runreel: error: there is no cassette 'mime'",
        "runreel: error: cassettes/mime.json: there is no such file",
        "runreel: error: '../x' cannot name a cassette",
    ]


def test_a_folder_that_is_not_there_is_refused(tool: Tool) -> None:
    ended = tool("check", "--cassettes", "typo")

    assert ended.code == 2
    assert "typo: there is no such folder" in ended.err
