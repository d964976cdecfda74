"""Ctrl-C at any moment of a start: it ends, and nothing of Python is shown.

The moments are told by Python's own audit events, so that each is hit exactly: the import of a
module, a file that is opened, a socket that is bound.
"""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from processes import COMMAND, environment
from wrapping import CASSETTES, EXAMPLE

_INTERRUPTING = """
import os, signal, sys
event, wanted = {moment!r}
left = [1]
def hook(name, arguments):
    if name == event and left and any(wanted in str(one) for one in arguments):
        left.clear()
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(hook)
"""
MOMENTS = {
    "the command's own import": ("import", "runreel.cli.main"),
    "click": ("import", "click.core"),
    "a command": ("open", "cli/__pycache__/serve."),
    "the models": ("open", "pydantic/__pycache__/main."),
    "the settings": ("import", "runreel.config.settings"),
    "the server": ("import", "aiohttp.web"),
    "the composition": ("import", "runreel.server.app"),
    "the cassette": ("open", f"{EXAMPLE}.json"),
    "the socket": ("socket.bind", "127.0.0.1"),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
@pytest.mark.parametrize("around", [(), ("--", "sleep", "60")], ids=["alone", "around a command"])
def test_ctrl_c_at_any_moment_of_a_start_ends_it_without_a_traceback(
    tmp_path: Path, moment: tuple[str, str], around: tuple[str, ...]
) -> None:
    (tmp_path / "sitecustomize.py").write_text(_INTERRUPTING.format(moment=moment))
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", "")))
    options = ("--cassettes", str(CASSETTES), "--cassette", EXAMPLE, "--port", "0")

    ended = subprocess.run(
        [*COMMAND, "replay", *options, *around],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": path}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert ended.returncode in (-signal.SIGINT, 0, 1, 130)
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    assert "LIVE" not in ended.stderr
