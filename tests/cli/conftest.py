"""What the tests of the command share."""

from functools import partial
from pathlib import Path

import pytest

from cli_tools import Keep, Tool
from processes import Ended
from runreel.cassettes.format import Cassette, dump
from runreel.cli import main


@pytest.fixture
def example() -> Path:
    """The folder of the cassettes that the project ships."""
    return Path(__file__).parents[2] / "cassettes"


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tool:
    """Run `runreel …` in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        code: int | None = 0
        try:
            main.main([*arguments])
        except SystemExit as stopped:
            assert isinstance(stopped.code, int)
            code = stopped.code
        return Ended(code, *capsys.readouterr())

    return run


@pytest.fixture
def tool(command: Tool) -> Tool:
    """Run `runreel cassette …` likewise."""
    return partial(command, "cassette")


@pytest.fixture
def explain(command: Tool) -> Tool:
    """Run `runreel explain …` likewise."""
    return partial(command, "explain")


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Keep a cassette under a name in the folder where `tool` runs."""

    def write(name: str, cassette: Cassette) -> Path:
        path = tmp_path / "cassettes" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(cassette), encoding="utf-8")
        return path

    return write
