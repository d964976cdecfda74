"""`runreel simulate`, as a user starts it."""

import json
from pathlib import Path

import pytest

from processes import run, runreel
from simulating import story
from wire import exchange, get, post
from wrapping import program


def _left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_it_serves_a_world_until_it_is_stopped_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    async with runreel("simulate", "--lenient", "--metadata", "merge", cwd=tmp_path) as serving:
        path = "/v1/threads/thread_abc123/runs/run_abc123"
        for value in (b"a", b"b"):
            reply = await exchange(serving.url, post(path, b'{"metadata":{"%b":"1"}}' % value))
        ended = await serving.stop()

    assert serving.ready_line.startswith("runreel: simulator at http://127.0.0.1:")
    assert reply.values("x-runreel-source") == ["simulator"]
    assert json.loads(reply.body)["metadata"] == {"a": "1", "b": "1"}
    assert ended.code == 0
    assert _left_in(tmp_path) == []


def test_it_serves_a_command_for_as_long_as_that_runs_and_ends_with_its_code(
    tmp_path: Path,
) -> None:
    text = (
        "print(answer('/threads', {})[0], os.environ['MINE'] == os.environ['OPENAI_BASE_URL'],"
        "os.environ['MINE'].endswith('/api/v2'), bool(os.environ['OPENAI_API_KEY'])); sys.exit(7)"
    )
    options = ("--env", "MINE", "--base-path", "/api/v2", "--receipt", "r.json")
    given = {"OPENAI_API_KEY": "", "RUNREEL_LISTEN__PORT": "1"}

    ended = run("simulate", *options, "--", *program(text), cwd=tmp_path, env=given)

    assert (ended.code, ended.out) == (7, "200 True True True\n")
    assert ended.err.startswith("runreel: simulator at http://127.0.0.1:")
    assert ended.err.endswith("runreel: simulator: 1 call answered\n")
    assert [path.name for path in _left_in(tmp_path)] == ["r.json"]


def test_variables_are_for_a_command(tmp_path: Path) -> None:
    ended = run("simulate", "--env", "MINE", cwd=tmp_path)

    assert (ended.code, ended.err) == (
        2,
        "runreel: error: --env is for a command behind -- (see: runreel simulate --help)\n",
    )


async def test_the_dialect_and_the_seed_are_options(tmp_path: Path) -> None:
    ids = []
    for seed in ("1", "2", "1"):
        arguments = ("simulate", "--profile", "rubra", "--seed", seed, "--status", "1000")
        async with runreel(*arguments, cwd=tmp_path) as serving:
            reply = await exchange(serving.url, post("/threads", b"{}"))
            listed = await exchange(serving.url, get("/threads/t/runs"))
            await serving.stop()
        ids.append(json.loads(reply.body)["id"])

    assert listed.status == 405
    assert ids[0] == ids[2] != ids[1]


async def test_the_file_is_read_and_the_options_win(tmp_path: Path) -> None:
    text = 'mode = "replay"\nupstream = "http://127.0.0.1:1"\n[simulator]\nlenient = true\n'
    (tmp_path / "runreel.toml").write_text(text, encoding="utf-8")

    async with runreel("simulate", cwd=tmp_path) as serving:
        reply = await exchange(serving.url, get("/v1/threads/t/runs/r"))
        await serving.stop()

    assert reply.status == 200


@pytest.mark.parametrize("status", ["soon", "0", "300001"])
def test_a_status_that_cannot_be_is_one_sentence(status: str, tmp_path: Path) -> None:
    ended = run("simulate", "--status", status, cwd=tmp_path)

    assert (ended.code, ended.err) == (
        2,
        (
            "runreel: error: the command line: simulator.status: must be 'poll', or milliseconds "
            "from 1 to 300000, so that runs end before they expire\n"
        ),
    )


async def test_two_processes_give_equal_bytes_for_one_seed_where_polls_move_runs(
    tmp_path: Path,
) -> None:
    told = []
    for seed in ("7", "7", "8"):
        async with runreel("simulate", "--seed", seed, "--status", "poll", cwd=tmp_path) as serving:
            told.append([(one.status, one.body) for one in await story(serving.url)])
            await serving.stop()

    assert len(told[0]) == 7
    assert told[0] == told[1] != told[2]
