import json
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, an_interaction
from cli_tools import Keep, Tool
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import dump


def test_a_file_edited_by_hand_comes_out_as_runreel_writes_it(tool: Tool, keep: Keep) -> None:
    cassette = a_cassette(an_interaction())
    path = keep("mine", cassette)
    document = json.loads(path.read_text())
    del document["interactions"][0]["digest"]
    reordered = {name: document[name] for name in reversed(document)}
    path.write_text(json.dumps(reordered, indent=4))

    first, again = tool("upgrade", "mine"), tool("upgrade", "mine")

    assert (first.code, first.out) == (0, "runreel: mine: rewritten as format 1\n")
    assert (again.code, again.out) == (0, "runreel: mine: format 1 already\n")
    assert path.read_text() == dump(cassette)


def test_what_is_written_so_already_is_not_touched(
    tool: Tool, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [keep(name, a_cassette(an_interaction())) for name in ("a", "b/c")]
    before = [path.stat().st_mtime_ns for path in paths]
    monkeypatch.setattr("runreel.cassettes.file_store.take_lock", None)

    ended = tool("upgrade", "a", "b/c")

    assert ended.out == "runreel: a: format 1 already\nrunreel: b/c: format 1 already\n"
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_what_a_crash_left_in_a_journal_is_taken_in(tool: Tool, tmp_path: Path) -> None:
    folder = tmp_path / "cassettes"
    journal = FileStore(folder).open_journal("mine", a_cassette())
    journal.append([a_pending(1)])
    journal.release()

    ended = tool("upgrade", "mine")

    assert ended.out == "runreel: mine: rewritten as format 1\n"
    assert [path.name for path in folder.iterdir()] == ["mine.json"]


@pytest.mark.parametrize("found", ["2", '"1"', "null"])
def test_an_unknown_format_is_refused_with_the_file_and_the_format(
    tool: Tool, tmp_path: Path, found: str
) -> None:
    path = tmp_path / "cassettes" / "mine.json"
    path.parent.mkdir()
    path.write_text(f'{{"format": {found}}}')

    ended = tool("upgrade", "mine")

    shown = f"format {json.loads(found)!r}"
    assert (ended.code, ended.out, path.read_text()) == (1, "", f'{{"format": {found}}}')
    assert ended.err == (
        f"runreel: error: cassettes/mine.json, line 1, column 2: /format: {shown} is not known "
        "here, only 1\n"
    )


def test_an_edited_body_whose_digest_stayed_is_refused_with_the_remedy(
    tool: Tool, keep: Keep
) -> None:
    path = keep("mine", a_cassette(an_interaction()))
    path.write_text(path.read_text().replace('"run_abc123"', '"run_edited"'))

    ended = tool("upgrade", "mine")

    assert ended.code == 1
    assert "if you edited it on purpose, delete this member" in ended.err
