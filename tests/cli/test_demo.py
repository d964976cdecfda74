"""The demo tells the whole story, by itself."""

import re
import shlex
from pathlib import Path
from unittest.mock import ANY

import pytest

from processes import on_a_terminal, run, runreel
from simulating import HEADERS
from wire import exchange, post

TITLES = [
    "1. A stand-in for the API runs, with no key and no network",
    "2. A run's metadata is changed through runreel, which records it",
    "3. The stand-in is stopped; the recording answers in its place",
    "4. What nobody recorded is refused, and the client's exception says why",
    "5. Every change stands in the audit log",
]
REMEDY = "name an empty or a new folder with --keep"
CALL = "POST /v1/threads/thread_abc123/runs/run_abc123"


def test_it_records_replays_and_misses_with_the_command_for_each_step(
    tmp_path: Path,
) -> None:
    ended = run("demo", cwd=tmp_path)

    lines = [line.strip() for line in ended.out.splitlines()]
    assert (ended.code, ended.err, "\x1b" in ended.out) == (0, "", False)
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


def test_without_a_folder_to_keep_nothing_is_said_to_stay(tmp_path: Path) -> None:
    ended = run("demo", cwd=tmp_path)

    lines = [line.strip() for line in ended.out.splitlines()]
    assert [line for line in lines if line.startswith("kept")] == [
        "kept until the demo ends, as is all it writes; --keep FOLDER keeps it for you"
    ]


async def test_with_a_folder_to_keep_the_commands_work_as_they_are_shown(tmp_path: Path) -> None:
    ended = run("demo", "--keep", "try out", cwd=tmp_path)

    lines = [line.strip() for line in ended.out.splitlines()]
    shown = [line.removeprefix("$ ") for line in lines if line.startswith("$")]
    assert "kept in try out/cassettes/demo.json" in lines
    assert shown[2:] == [
        "runreel replay --cassettes 'try out/cassettes' --cassette demo",
        "runreel replay --cassettes 'try out/cassettes' --cassette demo",
        "runreel audit log --audit 'try out/audit'",
    ]
    assert shown[1].startswith("runreel record --cassettes 'try out/cassettes' --cassette demo ")
    log = run(*shlex.split(shown[4])[1:], cwd=tmp_path)
    assert log.out.splitlines() == ended.out.splitlines()[-2:]
    async with runreel(*shlex.split(shown[2])[1:], cwd=tmp_path) as serving:
        body = b'{"metadata": {"stage": "review"}}'
        reply = await exchange(serving.url, post(CALL.removeprefix("POST "), body, HEADERS))
        await serving.stop()
    assert (reply.status, reply.values("x-runreel-source")) == (200, ["replay"])


@pytest.mark.parametrize(
    ("name", "reason"), [("file/below", "Not a directory"), ("a" * 300, "File name too long")]
)
def test_a_folder_that_cannot_be_written_is_refused_before_the_first_step(
    name: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")

    ended = run("demo", "--keep", name, cwd=tmp_path)

    assert (ended.code, ended.out, ended.err) == (
        2,
        "",
        f"runreel: error: {name}: cannot be written: {reason}; {REMEDY}\n",
    )


@pytest.mark.parametrize(("added", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_sees_colour_unless_it_is_not_wanted(
    added: dict[str, str], coloured: bool, tmp_path: Path
) -> None:
    seen = on_a_terminal("demo", cwd=tmp_path, env={"TERM": "xterm", "NO_COLOR": ""} | added)

    assert b"A stand-in for the API runs" in seen
    assert (b"\x1b[" in seen) is coloured


def test_nothing_that_is_there_is_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("precious", encoding="utf-8")

    ended = run("demo", "--keep", "mine", cwd=tmp_path)

    assert (ended.code, ended.err) == (
        2,
        "runreel: error: mine: is there already; name an empty or a new folder with --keep\n",
    )
