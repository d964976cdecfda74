"""`runreel simulate`, as a user starts it."""

import json
from pathlib import Path

from processes import run, runreel
from wire import exchange, get, post


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


def test_an_option_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    ended = run("simulate", "--status", "soon", cwd=tmp_path)

    assert ended.code == 2
    assert ended.err.startswith("runreel: error: the command line: simulator.status: ")
