"""README's questions to the audit log, run as they are printed."""

import shlex
from pathlib import Path

import pytest

from audit_logs import a_change, a_document, chained, checkpoint, written
from processes import Ended, run
from readme import command

CHANGE = [{"key": "stage", "change": "changed", "old": "a", "new": "b"}]
INTENT, OUTCOME = a_change(2, {"stage": "a"}, {"stage": "b"}, {"stage": "b"})
STORY = [a_document(1, after={"stage": "a"}), INTENT, OUTCOME | {"changes": CHANGE}]


def _said(line: str, folder: Path) -> Ended:
    return run(*shlex.split(line)[1:], cwd=folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with an audit log, and a checkpoint that was kept elsewhere."""
    written(tmp_path / "audit", STORY, (3,))
    (tmp_path / "kept-elsewhere.json").write_bytes(checkpoint(chained(STORY)[0]))
    return tmp_path


def test_the_questions_are_answered_as_printed(folder: Path) -> None:
    log = _said(command("runreel audit log --key"), folder)
    shown = _said(command("runreel audit show"), folder)
    blamed = _said(command("runreel audit blame"), folder)
    counted = _said(command("runreel audit stats"), folder)

    assert [each.code for each in (log, shown, blamed, counted)] == [0, 0, 0, 0]
    assert log.out.splitlines()[1].endswith('  aaaaaaaa  applied  200     stage: "a" -> "b"')
    assert 'stage  "b"    3\n' in shown.out
    assert blamed.out.splitlines()[1].split()[:4] == ["stage", '"b"', "set", "3"]
    assert counted.out.startswith("3 entries: 1 intent, 1 outcome, 1 observation\n")


def test_the_log_is_proved_as_printed(folder: Path) -> None:
    alone = _said(command("runreel audit verify$"), folder)
    anchored = _said(command("runreel audit verify --anchor"), folder)

    assert (alone.code, anchored.code) == (0, 0)
    assert "verified against 1 checkpoint\n" in alone.out
    assert "verified against 1 checkpoint and the anchor\n" in anchored.out
