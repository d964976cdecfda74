"""The test runners of other languages, offline: `runreel replay -- npm test` and the like.

The tests that they run are a user's: they know nothing of runreel, or have a session each by the
helpers that are shipped below examples/.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from clients.calls import CLIENTS
from clients.go_calls import go_program
from clients.node_calls import node_packages
from clients.parallel_suites import (
    EXAMPLES,
    GO_FLAGS,
    NO_NETWORK,
    SUITES,
    is_green,
    node_project,
    recorded,
    replayed,
)
from processes import Ended, run
from readme import blocks, command
from wrapping import CASSETTES, EXAMPLE


def _replayed(folder: Path, *command: str) -> Ended:
    options = ("--fail-on-unplayed", "--receipt", "r.json")
    keyless = NO_NETWORK | {"OPENAI_API_KEY": ""}
    where = ("--cassettes", str(CASSETTES), "--cassette", EXAMPLE)
    return run("replay", *where, *options, "--", *command, cwd=folder, env=keyless)


def _served_all(folder: Path) -> bool:
    found = json.loads((folder / "r.json").read_bytes())
    return (found["served"], found["upstream_calls"], found["missed"], found["unplayed"]) == (
        *(1, 0),
        *([], []),
    )


@pytest.mark.parametrize("command", [("node", "--test"), ("npm", "test")], ids=["node", "npm"])
def test_a_node_test_passes_offline_and_plays_all(tmp_path: Path, command: tuple[str, ...]) -> None:
    node_packages()
    shutil.copy(CLIENTS / "node" / "modify.test.mjs", tmp_path)
    (tmp_path / "package.json").write_text('{"scripts": {"test": "node --test"}}')

    ended = _replayed(tmp_path, *command)

    assert ended.code == 0, ended.out
    assert "a run is modified" in ended.out
    assert _served_all(tmp_path)


def test_a_go_test_passes_offline_and_plays_all(tmp_path: Path) -> None:
    go = str(go_program("go"))

    ended = _replayed(tmp_path, go, "test", "-C", str(CLIENTS / "go" / "v3"), *GO_FLAGS, "-v", ".")

    assert ended.code == 0, ended.out
    assert "--- PASS: TestARunIsModified" in ended.out
    assert _served_all(tmp_path)


def test_a_failing_node_test_is_the_exit_code(tmp_path: Path) -> None:
    node_packages()
    (tmp_path / "a.test.mjs").write_text(
        'import { test } from "node:test"; test("no", () => { throw new Error("no") });'
    )

    ended = _replayed(tmp_path, "node", "--test")

    assert ended.code == 1
    assert "WARNING: the command sent no request to runreel." in ended.err


@pytest.mark.parametrize("suite", SUITES)
def test_parallel_tests_with_the_shipped_helper_are_green_offline(
    tmp_path: Path, suite: str
) -> None:
    command = SUITES[suite](tmp_path)  # parallel_suites.py replays them as often as you like

    first = recorded(tmp_path, command)
    ended = replayed(tmp_path, command)

    assert first.code == 0, first.out + first.err
    assert is_green(tmp_path, ended), ended.out + ended.err


def test_readmes_test_for_node_is_recorded_and_replayed_as_printed(tmp_path: Path) -> None:
    node_project(tmp_path)
    (example,) = blocks("js")
    (tmp_path / "chat.test.mjs").write_text(example)
    printed = (
        command("runreel record --upstream simulator -- node --test"),
        command("runreel replay -- node --test"),
    )

    ended = [run(*line.split()[1:], cwd=tmp_path, env={"OPENAI_API_KEY": ""}) for line in printed]

    assert [one.code for one in ended] == [0, 0], ended
    cassettes = tmp_path / "cassettes"
    assert [*cassettes.rglob("*.json")] == [cassettes / "chat.test/a-thread-has-its-stage.json"]
    assert "runreel: replay, 1 session: 1 served, 0 recorded, 0 missed" in ended[1].err


SWALLOWS = """
import { session } from "./runreel.mjs";
import { test } from "RUNNER";

test("a miss is swallowed", async (t) => {
  const baseURL = await session(t, { cassette: "examples/modify-run" });
  await fetch(`${baseURL}/threads/thread_abc123`);
});
"""


@pytest.mark.parametrize(
    ("runner", "around"),
    [
        ("node:test", ("node", "--test")),
        ("vitest", ("node_modules/.bin/vitest", "run", "a.test.mjs")),
    ],
    ids=["node", "vitest"],
)
def test_a_miss_that_a_test_swallowed_fails_it_with_the_difference(
    tmp_path: Path, runner: str, around: tuple[str, ...]
) -> None:
    node_project(tmp_path)
    (tmp_path / "a.test.mjs").write_text(SWALLOWS.replace("RUNNER", runner))

    ended = run("replay", "--cassettes", str(CASSETTES), "--", *around, cwd=tmp_path)

    assert ended.code == 1, ended.out + ended.err
    assert "runreel: No recording matches GET /v1/threads/thread_abc123: " in ended.out + ended.err


def test_the_helper_for_node_passes_its_tests() -> None:
    node_packages()
    done = subprocess.run(
        ["node", "--test", str(EXAMPLES / "node")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_the_helper_for_go_passes_its_tests() -> None:
    done = subprocess.run(
        [go_program("go"), "test", "-C", str(EXAMPLES / "go"), *GO_FLAGS, "."],
        env=os.environ | NO_NETWORK,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
