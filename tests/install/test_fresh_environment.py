"""README's first command on a machine that has nothing but Python.

Builds an environment from the package registry, so it is selected by `-m install` only.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.install, pytest.mark.timeout(300)]


def test_readmes_first_command_installs_and_replays_in_a_fresh_environment(tmp_path: Path) -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    command = next(line for line in lines if line.startswith("python3 -m venv") and " . " in line)
    assert command.endswith(".venv/bin/runreel replay --repeat last --cassette examples/modify-run")
    clone = tmp_path / "clone"
    made = (".venv", "venv*", "node_modules", "*.egg-info", ".*cache", "build")
    skipped = shutil.ignore_patterns(".git", *made)
    shutil.copytree(ROOT, clone, ignore=skipped)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "RUNREEL_LISTEN__PORT": "0"}
    environment |= {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    for name in (".config/pip", ".pip"):  # where this machine keeps its package index
        if (settings := Path.home() / name).is_dir():
            shutil.copytree(settings, tmp_path / name)

    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        url = ready.rpartition(" at ")[2].strip()
        answer = subprocess.run(
            [
                *("curl", "-s", f"{url}/v1/threads/thread_abc123/runs/run_abc123"),
                *("-H", "OpenAI-Beta: assistants=v2"),
                *("-d", '{"metadata": {"user_id": "user_abc123"}}'),
            ],
            capture_output=True,
            check=True,
            text=True,
        )
        os.killpg(process.pid, signal.SIGINT)

    assert ready.startswith("runreel: replay 'examples/modify-run' (1 interaction) at http://")
    assert answer.stdout.startswith('{\n  "id": "run_abc123",\n  "object": "thread.run",\n')
