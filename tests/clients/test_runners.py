"""The test runners of other languages, offline: `runreel replay -- npm test` and the like.

The tests that they run are a user's: they know nothing of runreel.
"""

import json
import shutil
from pathlib import Path

import pytest

from clients.calls import CLIENTS
from clients.go_calls import go_program
from clients.node_calls import node_packages
from processes import Ended, run
from wrapping import CASSETTES, EXAMPLE

NO_NETWORK = {"npm_config_offline": "true", "GOPROXY": "off", "GOFLAGS": "-mod=readonly"}


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
    flags = ("-gcflags=all=-N -l", "-ldflags=-s -w")  # as tests/clients/go/build has them
    go = str(go_program("go"))

    ended = _replayed(
        tmp_path, go, "test", "-C", str(CLIENTS / "go" / "v3"), *flags, "-vet=off", "-v", "."
    )

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
