"""Every command reads what the first build of runreel wrote, and `upgrade` writes it anew."""

import json
import re
import shutil
from pathlib import Path

import pytest

from asking import written
from cli_tools import Tool
from runreel.cassettes.format import parse

FIRST_BUILD = Path(__file__).parents[1] / "first_build"
DAMAGED = re.compile(r"error|damaged|format:|digest:")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A cassette of the first build, in the folder where commands run."""
    path = tmp_path / "cassettes" / "default.json"
    path.parent.mkdir()
    shutil.copyfile(FIRST_BUILD / "recorded.json", path)
    return path


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    "arguments",
    [
        ("cassette", "list"),
        ("cassette", "show", "default"),
        ("cassette", "show", "default", "getRun-00000001"),
        ("cassette", "check"),
        ("cassette", "check", "cassettes/default.json"),
        ("cassette", "diff", "default", "cassettes/default.json"),
        ("cassette", "export", "default", "--format", "har"),
        ("cassette", "export", "default", "--format", "vcrpy"),
        ("cassette", "export", "default", "--format", "curl"),
        ("cassette", "scrub", "--dry-run", "default"),
        ("audit", "log", "--cassette", "default"),
        ("audit", "stats", "--cassette", "default"),
    ],
    ids=" ".join,
)
def test_every_command_reads_it(command: Tool, arguments: tuple[str, ...]) -> None:
    ended = command(*arguments)

    assert ended.code == 0
    assert not DAMAGED.search(ended.err)


def test_its_requests_still_explain(recorded: Path, tmp_path: Path, explain: Tool) -> None:
    request = json.loads(recorded.read_text())["interactions"][0]["request"]

    ended = explain(written(tmp_path, "call.json", json.dumps(request)))

    assert ended.code == 0
    assert ended.out.endswith("\n\nA replay that begins with it would serve modifyRun-00000000.\n")


def test_upgrade_writes_it_as_today_and_only_once(recorded: Path, tool: Tool) -> None:
    before = parse(recorded.read_text())

    first, again = tool("upgrade", "default"), tool("upgrade", "default")

    assert first.out == "runreel: default: rewritten as format 1\n"
    assert again.out == "runreel: default: format 1 already\n"
    after = json.loads(recorded.read_text())
    assert list(after) == ["format", "upstream", "profile", "match_on", "salt", "interactions"]
    assert re.fullmatch("[0-9a-f]{32}", after["salt"])
    assert all(len(item["digest"]) == 64 for item in after["interactions"])
    assert parse(recorded.read_text()).interactions == before.interactions


def test_upgrade_takes_in_its_journal(tmp_path: Path, tool: Tool) -> None:
    folder = tmp_path / "cassettes"
    folder.mkdir()
    shutil.copyfile(FIRST_BUILD / "cut.journal", folder / ".cut.17e6cffa6aaba026.0001.journal")

    ended = tool("upgrade", "cut")

    assert ended.out == "runreel: cut: rewritten as format 1\n"
    assert [path.name for path in folder.iterdir()] == ["cut.json"]
    found = parse((folder / "cut.json").read_text())
    assert [item.value.id for item in found.interactions] == ["first", "getRun-00000001"]


def test_a_mixture_is_refused_with_file_and_place(recorded: Path, tool: Tool) -> None:
    document = json.loads(recorded.read_text())
    document["salt"] = "5f0c" * 8
    recorded.write_text(json.dumps(document))

    ended = tool("upgrade", "default")

    assert ended.code == 1
    assert ended.err.startswith(
        "runreel: error: cassettes/default.json, line 1, column 2194: /salt: the first build of "
        "runreel wrote the rest"
    )
