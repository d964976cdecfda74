"""Recordings that people change on purpose."""

import json
import sys
from pathlib import Path

import pytest

from builders import a_cassette, a_request, a_response, an_interaction
from cli_tools import Keep, Tool
from runreel.cassettes.file_store import FileStore

BEFORE = b'{"id": "run_1", "metadata": {"stage": "review"}}'
AFTER = b'{"id": "run_1", "metadata": {"stage": "done"}}'


@pytest.fixture
def mine(keep: Keep) -> Path:
    one = an_interaction(a_request(b""), a_response(BEFORE), name="one")
    return keep("mine", a_cassette(one, an_interaction(name="two")))


def bodies(path: Path) -> list[bytes]:
    stored = FileStore(path.parent).load(path.stem)
    assert stored is not None
    return [item.value.response.body for item in stored.cassette.interactions]


def changed(path: Path, before: str = '"review"', after: str = '"done"') -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An editor that does what the script in this file says with the text of the file it opens."""
    script = tmp_path / "script.py"
    run = tmp_path / "editor.py"
    run.write_text(
        "import os, pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "text = path.read_text()\n"
        f"exec(pathlib.Path({str(script)!r}).read_text())\n"
        "path.write_text(text)\n"
        "later = path.stat().st_mtime + 5\n"
        "os.utime(path, (later, later))\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {run}")
    return script


class TestAccepting:
    def test_an_edited_answer_is_taken_over_and_replays(self, tool: Tool, mine: Path) -> None:
        changed(mine)
        refused = tool("show", "mine", "one")

        ended = tool("accept", "mine")

        assert refused.code == 1
        assert (ended.code, ended.out) == (
            0,
            "mine: one: accepted as it is\nrunreel: mine: 1 interaction accepted\n",
        )
        assert bodies(mine)[0] == AFTER
        assert tool("check", "mine").code == 0

    def test_what_nobody_edited_is_not_touched(self, tool: Tool, mine: Path) -> None:
        before = mine.read_bytes()

        ended = tool("accept", "mine")

        assert (ended.code, ended.out) == (0, "runreel: mine: nothing was edited\n")
        assert mine.read_bytes() == before

    def test_a_secret_that_came_in_is_refused_and_nothing_is_written(
        self, tool: Tool, mine: Path
    ) -> None:
        secret = "sk-" + "FaKe0" * 8
        changed(mine, '"review"', f'"{secret}"')
        before = mine.read_bytes()

        ended = tool("accept", "mine")

        assert (ended.code, ended.out) == (2, "")
        assert ended.err.endswith(
            "runreel: error: the edit of cassette 'mine' holds what looks like a secret; write *** "
            "in its place\n"
        )
        assert secret not in ended.err
        assert mine.read_bytes() == before

    def test_what_cannot_be_read_is_refused_with_its_place(self, tool: Tool, mine: Path) -> None:
        changed(mine, '"status": 200', '"status": 20')

        ended = tool("accept", "mine")

        assert (ended.code, ended.out) == (1, "")
        assert ended.err == (
            "runreel: error: mine: /interactions/0/response/status: this number must be 200 or "
            "more\n"
        )

    def test_one_that_is_being_recorded_is_refused(self, tool: Tool, mine: Path) -> None:
        changed(mine)
        text = mine.read_text()
        mine.unlink()
        journal = FileStore(mine.parent).open_journal("mine", a_cassette())
        mine.write_text(text)

        ended = tool("accept", "mine")

        journal.release()
        assert ended.code == 2
        assert "cassette 'mine' is being recorded by another runreel or session" in ended.err
        assert mine.read_text() == text

    def test_a_name_that_is_not_there_is_refused(self, tool: Tool, mine: Path) -> None:
        ended = tool("accept", "other")

        assert (ended.code, ended.out) == (2, "")
        assert ended.err == "runreel: error: cassettes/other.json: there is no such file\n"
        assert [path.name for path in mine.parent.iterdir()] == ["mine.json"]


class TestEditing:
    def test_what_the_editor_makes_of_an_interaction_takes_its_place(
        self, tool: Tool, mine: Path, editor: Path
    ) -> None:
        editor.write_text("text = text.replace('review', 'done')")

        ended = tool("edit", "mine", "one")

        assert (ended.code, ended.out) == (0, "runreel: mine: one is as you wrote it\n")
        assert bodies(mine)[0] == AFTER
        assert tool("check", "mine").code == 0

    def test_it_is_opened_without_its_digest(
        self, tool: Tool, mine: Path, editor: Path, tmp_path: Path
    ) -> None:
        seen = tmp_path / "seen.json"
        editor.write_text(f"pathlib.Path({str(seen)!r}).write_text(text)")

        ended = tool("edit", "mine", "one")

        document = json.loads(seen.read_text())
        assert document["id"] == "one"
        assert "digest" not in document
        assert ended.out == "runreel: mine: nothing was changed\n"

    def test_what_is_wrong_has_line_and_column_and_nothing_is_written(
        self, tool: Tool, mine: Path, editor: Path
    ) -> None:
        editor.write_text("text = text.replace('\"status\": 200', '\"status\": 20')")
        before = mine.read_bytes()

        ended = tool("edit", "mine", "one")

        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(
            "runreel: error: /response/status: this number must be 200 or more (line "
        )
        assert ended.err.endswith(", column 5); nothing was written\n")
        assert mine.read_bytes() == before

    def test_the_id_stays(self, tool: Tool, mine: Path, editor: Path) -> None:
        editor.write_text("text = text.replace('\"one\"', '\"uno\"')")

        ended = tool("edit", "mine", "one")

        assert ended.err == (
            "runreel: error: /id: it stays 'one', by which others may know it (line 2, column 3); "
            "nothing was written\n"
        )

    def test_what_somebody_else_wrote_meanwhile_is_not_lost(
        self, tool: Tool, mine: Path, keep: Keep, editor: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.json"
        other.write_bytes(keep("elsewhere", a_cassette(an_interaction(name="one"))).read_bytes())
        editor.write_text(
            "text = text.replace('review', 'done')\n"
            f"pathlib.Path({str(mine)!r}).write_bytes(pathlib.Path({str(other)!r}).read_bytes())"
        )

        ended = tool("edit", "mine", "one")

        assert ended.code == 2
        assert ended.err == (
            "runreel: error: cassette 'mine' was written by somebody else while you edited it; "
            "edit it again\n"
        )
        assert mine.read_bytes() == other.read_bytes()

    def test_an_id_that_is_not_there_is_refused_with_the_nearest(
        self, tool: Tool, mine: Path
    ) -> None:
        ended = tool("edit", "mine", "onne")

        assert "there is no interaction 'onne' in cassette 'mine'; the nearest is 'one'" in (
            ended.err
        )
