"""README's first command on a machine that has nothing but Python.

Builds an environment from the package registry, so it is selected by `-m install` only.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from readme import ROOT, command

pytestmark = [pytest.mark.install, pytest.mark.timeout(300)]


def test_readmes_first_command_installs_and_tells_the_whole_story(tmp_path: Path) -> None:
    first = command(".venv/bin/runreel demo")
    clone = tmp_path / "clone"
    made = (".venv", "venv*", "node_modules", "*.egg-info", ".*cache", "build")
    skipped = shutil.ignore_patterns(".git", *made)
    shutil.copytree(ROOT, clone, ignore=skipped)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    environment |= {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    for name in (".config/pip", ".pip"):  # where this machine keeps its package index
        if (settings := Path.home() / name).is_dir():
            shutil.copytree(settings, tmp_path / name)

    told = subprocess.run(
        ["bash", "-c", first], cwd=clone, env=environment, stdout=subprocess.PIPE, check=True
    ).stdout.decode()

    assert "200 from replay" in told
    assert "424: No recording matches POST " in told
