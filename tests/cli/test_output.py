"""What commands do where their output cannot be written."""

import os
import subprocess
from pathlib import Path

import pytest

from processes import COMMAND

each_command = pytest.mark.parametrize(
    "arguments",
    [("demo",), ("--help",), ("config", "show"), ("simulate", "--port", "0", "--quiet")],
    ids=lambda arguments: arguments[0],
)


def _ended(arguments: tuple[str, ...], stdout: int, folder: Path) -> tuple[int, str]:
    """The exit code and what stood on stderr."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@each_command
def test_a_reader_that_has_left_ends_a_command_quietly(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    gone, ours = os.pipe()
    os.close(gone)

    ended = _ended(arguments, ours, tmp_path)

    os.close(ours)
    assert ended == (1, "")


@each_command
def test_a_full_disk_below_the_output_is_one_sentence(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)

    ended = _ended(arguments, full, tmp_path)

    os.close(full)
    assert ended == (
        1,
        "runreel: error: the output cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize("arguments", [("demo",), ("--help",), ("config", "show")])
def test_a_command_without_an_output_does_its_work_in_silence(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *arguments]

    done = subprocess.run(closed, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
