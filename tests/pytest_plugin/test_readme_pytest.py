"""README's test and README's commands for pytest, as printed."""

import sys

import pytest

from readme import blocks, command
from suites import PLUGIN

pytest_plugins = ("pytester",)


def _run(pytester: pytest.Pytester, printed: str) -> pytest.RunResult:
    program, *options = printed.split()
    assert program == "pytest"
    return pytester.run(sys.executable, "-W", "ignore", "-m", "pytest", *PLUGIN, *options)


def test_a_test_is_recorded_and_played_as_printed(pytester: pytest.Pytester) -> None:
    (example,) = [block for block in blocks("python") if "pytestmark" in block]
    pytester.makepyfile(test_notes=example)

    recorded = _run(pytester, command("pytest --runreel-mode=once"))
    played = _run(pytester, command("pytest --runreel-block-sockets"))

    recorded.assert_outcomes(passed=1)
    played.assert_outcomes(passed=1)
    played.stdout.fnmatch_lines(
        ["runreel: 3 replayed, 0 recorded, 0 missed, 0 unplayed, 0 live calls"]
    )
    assert sorted(path.name for path in (pytester.path / "cassettes/test_notes").iterdir()) == [
        "test_a_note_is_kept.json",
        "thread.setup.json",
        "thread.teardown.json",
    ]
