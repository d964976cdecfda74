"""`runreel MODE -- COMMAND …` as a process: what the command line says, and the streams."""

import json
from pathlib import Path

from processes import run
from wrapping import CASSETTES, EXAMPLE, program

REPLAY = ("replay", "--cassettes", str(CASSETTES), "--cassette", EXAMPLE)


def test_the_command_line_leads_a_command_to_a_free_port_and_its_code_out(tmp_path: Path) -> None:
    told = program(
        "print(json.dumps({n: os.environ[n] for n in ('OPENAI_BASE_URL', 'MY_URL', 'MINE')}));"
        "print('mine', file=sys.stderr); sys.exit(7)"
    )
    options = ("--base-path", "/api/v2", "--env", "MY_URL", "--fail-on-unplayed")
    given = {"RUNREEL_LISTEN__PORT": "1", "RUNREEL_LISTEN__HOST": "::1", "MINE": "--env"}

    ended = run(*REPLAY, *options, "--receipt", "r.json", "--", *told, cwd=tmp_path, env=given)

    ready, mine, *_ = ended.err.splitlines()
    url = f"{ready.rpartition(' at ')[2]}/api/v2"
    assert (ended.code, mine) == (7, "mine")
    assert json.loads(ended.out) == {"OPENAI_BASE_URL": url, "MY_URL": url, "MINE": "--env"}
    assert url.startswith("http://127.0.0.1:")
    assert not url.startswith("http://127.0.0.1:1/")
    assert json.loads((tmp_path / "r.json").read_bytes())["requests"] == 0


def test_a_command_runs_where_uvloop_is_asked_for(tmp_path: Path) -> None:
    env = {"RUNREEL_LISTEN__UVLOOP": "true"}

    ended = run(*REPLAY, "--", *program("modify('recorded')"), cwd=tmp_path, env=env)

    assert ended.code == 0
    assert " 1 served, " in ended.err


def test_served_calls_are_logged_only_if_that_is_asked_for(tmp_path: Path) -> None:
    around = ("--", *program("modify('recorded'); modify('b')"))

    usual = run(*REPLAY, *around, cwd=tmp_path)
    asked = run("serve", "--no-quiet", "--mode", *REPLAY, *around, cwd=tmp_path)

    assert (usual.code, asked.code) == (3, 3)
    assert [" served modifyRun " in ended.err for ended in (usual, asked)] == [False, True]
    assert [" missed modifyRun " in ended.err for ended in (usual, asked)] == [True, True]
    assert "WARNING" not in usual.err + asked.err


def test_what_is_behind_the_dashes_is_the_commands_own(tmp_path: Path) -> None:
    around = program("print(json.dumps(sys.argv[1:]), sys.stdin.read())")

    ended = run(*REPLAY, "--", *around, "--port", "x", "--", "--help", cwd=tmp_path)

    assert ended.out == '["--port", "x", "--", "--help"] \n'
