"""README's test and README's commands for pytest, as printed."""

import sys
from pathlib import Path

import pytest

from processes import runreel
from readme import blocks, command
from suites import PLUGIN

pytest_plugins = ("pytester",)


def _run(pytester: pytest.Pytester, printed: str) -> pytest.RunResult:
    program, *options = printed.split()
    assert program == "pytest"
    return pytester.run(sys.executable, "-W", "ignore", "-m", "pytest", *PLUGIN, *options)


async def test_a_test_is_recorded_and_played_as_printed(pytester: pytest.Pytester) -> None:
    (example,) = [block for block in blocks("python") if "pytestmark" in block]
    pytester.makepyfile(test_notes=example)

    async with runreel("simulate", "--lenient", cwd=Path(pytester.path)) as upstream:
        printed = command("pytest --runreel-mode=once")
        recorded = _run(pytester, printed.replace("http://127.0.0.1:8000", upstream.url))
    played = _run(pytester, command("pytest --runreel-block-sockets"))

    recorded.assert_outcomes(passed=1)
    played.assert_outcomes(passed=1)
    played.stdout.fnmatch_lines(
        ["runreel: 1 replayed, 0 recorded, 0 missed, 0 unplayed, 0 live calls"]
    )
    assert (pytester.path / "cassettes/test_notes/test_a_note_is_kept.json").is_file()
