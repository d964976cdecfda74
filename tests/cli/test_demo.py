"""The demo tells the whole story, by itself."""

import re
from pathlib import Path
from unittest.mock import ANY

from processes import run

TITLES = [
    "1. A stand-in for the API runs, with no key and no network",
    "2. A run's metadata is changed through runreel, which records it",
    "3. The stand-in is stopped; the recording answers in its place",
    "4. What nobody recorded is refused, and the client's exception says why",
    "5. Every change stands in the audit log",
]
CALL = "POST /v1/threads/thread_abc123/runs/run_abc123"


def test_it_records_replays_and_misses_with_the_command_for_each_step(
    tmp_path: Path,
) -> None:
    ended = run("demo", cwd=tmp_path)

    lines = [line.strip() for line in ended.out.splitlines()]
    assert (ended.code, ended.err) == (0, "")
    assert [line for line in lines if re.match(r"[0-9]\. ", line)] == TITLES
    assert [re.sub(r"[0-9]{4,}", "PORT", line) for line in lines if line.startswith("$")] == [
        "$ runreel simulate --lenient --port PORT",
        "$ runreel record --cassette demo --upstream http://127.0.0.1:PORT",
        "$ runreel replay --cassette demo",
        "$ runreel replay --cassette demo",
        "$ runreel audit log",
    ]
    answers = [line for line in lines if line.startswith(("200", "424"))]
    assert answers[0] == '200 from simulator, recorded: yes; metadata is now {"stage": "review"}'
    assert answers[1] == (
        '200 from replay; metadata is now {"stage": "review"}, the very same bytes'
    )
    assert answers[2].startswith(
        f'424: No recording matches {CALL}: body /metadata/stage: sent "done", recorded "review"; '
    )
    assert "calls to any upstream: 0" in lines
    assert [line.split()[2:] for line in lines if " modifyRun " in line and "424" not in line] == [
        ["modifyRun", "run_abc123", ANY, "applied", "200", "stage:", "?", "->", '"review"']
    ]
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_can_be_kept_and_replayed_by_the_command_shown(
    tmp_path: Path,
) -> None:
    ended = run("demo", "--keep", "tryout", cwd=tmp_path)
    shown = run("cassette", "list", "--cassettes", "tryout/cassettes", cwd=tmp_path)

    assert ended.code == 0
    assert "demo" in shown.out


def test_nothing_that_is_there_is_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("precious", encoding="utf-8")

    ended = run("demo", "--keep", "mine", cwd=tmp_path)

    assert (ended.code, ended.err) == (
        2,
        "runreel: error: mine: is there already; name an empty or a new folder with --keep\n",
    )
