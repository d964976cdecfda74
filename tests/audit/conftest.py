"""What the tests of `runreel audit` share."""

from pathlib import Path

import pytest

from cli_tools import Tool
from processes import Ended
from runreel.cli import main


@pytest.fixture
def audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tool:
    """Run `runreel audit …` in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        code: int | None = 0
        try:
            main.main(["audit", *arguments])
        except SystemExit as stopped:
            assert isinstance(stopped.code, int)
            code = stopped.code
        return Ended(code, *capsys.readouterr())

    return run
