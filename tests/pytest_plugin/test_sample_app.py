"""A whole application's suite, run as its owners would: recorded once, then offline for good."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import COMMAND
from suites import PLUGIN

SAMPLE = Path(__file__).parents[1] / "sample_app"
GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
NO_ROUTE = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c")
WITHIN = 'ip link set lo up && exec "$@"'  # all that is left is loopback

pytestmark = pytest.mark.timeout(180)


def _pytest(folder: Path, *options: str, before: tuple[str, ...] = ()) -> list[str]:
    """The last lines of a run of the suite, without the time it took."""
    left_out = ("OPENAI", "PYTHONDONTWRITE")
    environment = {name: os.environ[name] for name in os.environ if not name.startswith(left_out)}
    done = subprocess.run(
        [*before, sys.executable, "-m", "pytest", "-q", *PLUGIN, *options],
        cwd=folder,
        env=environment | {"PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")},  # once for all
        capture_output=True,
        text=True,
        check=False,
    )
    *_, counts, summary = done.stdout.splitlines()
    assert (done.returncode, summary.split(" in ")[0]) == (0, "40 passed"), done.stdout
    return [counts]


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run([*GIT, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def _record(folder: Path, mode: str, port: int) -> list[str]:
    """Against a new upstream at a port: equal calls in equal order have equal answers there."""
    upstream = subprocess.Popen(
        [*COMMAND, "simulate", "--quiet", "--port", str(port)],
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    with upstream:
        try:
            assert upstream.stdout is not None
            url = upstream.stdout.readline().rpartition(" at ")[2].strip()
            wanted = (f"--runreel-mode={mode}", f"--runreel-upstream={url}")
            return _pytest(folder, "-p", "no:randomly", *wanted)
        finally:
            upstream.terminate()


@pytest.fixture
def port() -> Iterator[int]:
    """One that stays ours while nothing listens there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _no_route() -> tuple[str, ...]:
    """What runs a command in a network namespace without routes, if that may be had here."""
    try:
        may = subprocess.run([*NO_ROUTE, WITHIN, "sh", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return ()
    return (*NO_ROUTE, WITHIN, "sh") if may.returncode == 0 else ()


def test_a_suite_is_recorded_once_and_passes_offline_and_recording_it_again_changes_nothing(
    tmp_path: Path, port: int
) -> None:
    folder = tmp_path / "sample_app"
    skipped = shutil.ignore_patterns("__pycache__", ".*_cache")
    shutil.copytree(SAMPLE, folder, ignore=skipped)
    (folder / ".gitignore").write_text(".pytest_cache/\n", encoding="utf-8")

    recorded = _record(folder, "once", port)
    _git(folder, "init", "-q")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "Record")
    offline = _pytest(
        folder,
        *("-n", "4", "-p", "randomly", "--runreel-block-sockets"),
        before=_no_route(),
    )
    again = [_record(folder, "record", port) for _ in range(2)]

    assert recorded == ["runreel: 0 replayed, 251 recorded, 0 missed, 0 unplayed, 251 live calls"]
    assert offline == ["runreel: 251 replayed, 0 recorded, 0 missed, 0 unplayed, 0 live calls"]
    assert again == [recorded, recorded]
    assert _git(folder, "status", "--porcelain") == ""
