"""A miss of every kind as it is printed around a command, and that its remedy works as printed.

The blocks are written out in `golden_misses`.
"""

import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from miss_kinds import KINDS, Program, call, stage
from runreel.cli.main import main

ANEW = "To record it anew: "
Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.chdir(tmp_path)
    return Program(tmp_path, sys.executable)


@pytest.fixture
def runreel(capfd: pytest.CaptureFixture[str]) -> Run:
    """The command with these arguments: its exit code, and what it says line by line."""

    def run(*words: str) -> tuple[int, list[str]]:
        code: int | str | None = 0
        try:
            main(list(words))
        except SystemExit as ended:
            code = ended.code
        told = [line.removeprefix("runreel: ") for line in capfd.readouterr().err.splitlines()]
        assert isinstance(code, int)
        return code, told

    return run


def golden(kind: str) -> str:
    folder = Path(__file__).parent / "golden_misses"
    return (folder / f"{kind.replace(' ', '-')}.txt").read_text(encoding="utf-8")


def block(told: list[str]) -> list[str]:
    """Of what is said at the end, the miss and what to do."""
    begin = next(at for at, line in enumerate(told) if line.startswith("  missed: "))
    end = next(at for at, line in enumerate(told) if line.startswith(("  unplayed: ", "exit code")))
    return [line.removeprefix("  ") for line in told[begin:end]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_miss_is_told_in_one_block_and_its_remedy_works_as_printed(
    kind: str, program: Program, runreel: Run
) -> None:
    recorded, sent = KINDS[kind]
    program.sends(recorded)
    assert runreel("record", "--no-audit", "--upstream", "simulator", "--", "./program")[0] == 0
    program.sends(sent)

    code, told = runreel("replay", "--", "./program")

    lines = block(told)
    assert code == 3
    assert "\n".join(lines) + "\n" == golden(kind)
    if lines[-1].startswith(ANEW):
        words = shlex.split(lines[-1].removeprefix(ANEW))
        assert words[0] == "runreel"
        assert runreel(*words[1:])[0] == 0
    else:
        path = lines[-1].removeprefix("Give the client a base URL whose path is ").rstrip(".")
        program.sends([call(stage("a"), target=f"{path}/threads")])
    assert runreel("replay", "--", "./program")[0] == 0


def test_the_lines_that_ignore_a_difference_work_as_printed(program: Program, runreel: Run) -> None:
    recorded, sent = KINDS["changed id"]
    program.sends(recorded)
    runreel("record", "--no-audit", "--upstream", "simulator", "--", "./program")
    program.sends(sent)
    lines = block(runreel("replay", "--", "./program")[1])

    begin = lines.index("  What looks like an id is ignored with this in runreel.toml:") + 1
    text = "\n".join(line.strip() for line in lines[begin:-1])
    (program.folder / "runreel.toml").write_text(text, encoding="utf-8")

    assert tomllib.loads(text) == {"match": {"ignore_body": ["/trace_id"]}}
    assert runreel("replay", "--", "./program")[0] == 0


def test_a_remedy_of_any_command_can_be_given_to_a_shell(
    program: Program, runreel: Run, tmp_path: Path
) -> None:
    (tmp_path / "my tests").mkdir()
    words = (sys.executable, "-IS", "program.py", "it's\n\ta \\ 'test'", "\x1b[31m", "é")
    options = ("--cassettes", "my tests", "--cassette", "one", "--env", "MY URL")
    program.sends([call(stage("a"))])
    runreel("record", "--no-audit", *options, "--upstream", "simulator", "--", *words)
    program.sends([call(stage("b"))])

    _, told = runreel("replay", *options, "--fail-on-unplayed", "--", *words)

    command = next(line for line in told if ANEW in line).partition(ANEW)[2]
    script = f"runreel() {{ printf '%s\\0' \"$@\"; }}; {command}"
    ended = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert ended.stdout.decode().split("\0") == [
        *("record", *options, "--upstream", "simulator", "--prune", "--", *words, "")
    ]
