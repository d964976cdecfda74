"""README's commands, found by a piece of each, and which test runs which."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# A piece that stands in one command only -> the test file that runs it.
RUN_BY = {
    ".venv/bin/runreel demo": "install/test_fresh_environment.py",
    "runreel replay --repeat last": "test_readme.py",
    "'.[test]'": "test_readme.py",
    "curl -s http://127.0.0.1:8080/v1/threads": "test_readme.py",
    "runreel record --cassette mine": "test_readme.py",
    "runreel replay --cassette mine$": "test_readme.py",
    "--receipt receipt.json": "test_readme.py",
    "runreel audit log --cassette": "test_readme.py",
    "tail -n 1 audit/checkpoints.log": "test_readme.py",
    "runreel new_episodes": "test_readme.py",
    "runreel cassette import": "test_readme.py",
    "runreel cassette export": "test_readme.py",
    "runreel verify": "test_readme.py",
    "runreel simulate": "test_readme.py",
    "runreel explain --last-miss": "test_readme_matching.py",
    "runreel explain call.txt": "test_readme_matching.py",
    "runreel audit log --key": "test_readme_audit.py",
    "runreel audit show": "test_readme_audit.py",
    "runreel audit blame": "test_readme_audit.py",
    "runreel audit stats": "test_readme_audit.py",
    "runreel audit verify$": "test_readme_audit.py",
    "runreel audit verify --anchor": "test_readme_audit.py",
    "runreel config check": "test_readme.py",
    "runreel config show": "test_readme.py",
    "runreel cassette list": "test_readme.py",
    "runreel cassette show examples/modify-run$": "test_readme.py",
    "runreel cassette show examples/modify-run modify": "test_readme.py",
    "runreel cassette check": "test_readme.py",
    "runreel cassette diff": "test_readme.py",
    "runreel cassette scrub": "test_readme.py",
    "runreel cassette upgrade": "test_readme.py",
    '-d \'{"cassette": ': "test_readme_sessions.py",
    "curl -s http://127.0.0.1:8080/_runreel/s/": "test_readme_sessions.py",
    "curl -s -X DELETE": "test_readme_sessions.py",
    "-- pytest": "test_readme_wrapping.py",
    "-- npm test": "test_readme_wrapping.py",
    "-- go test": "test_readme_wrapping.py",
    "runreel record --upstream simulator -- node --test": "clients/test_runners.py",
    "runreel replay -- node --test": "clients/test_runners.py",
    "--host 0.0.0.0": "test_readme_wrapping.py",
    "_runreel/health": "test_readme_wrapping.py",
    "pytest --runreel-mode=once": "pytest_plugin/test_readme_pytest.py",
    "pytest --runreel-block-sockets": "pytest_plugin/test_readme_pytest.py",
}


def blocks(language: str) -> list[str]:
    """The text of README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """README's shell commands, a line each."""
    return [line for block in blocks("sh") for line in block.splitlines()]


def command(piece: str) -> str:
    """The one command with this piece of `RUN_BY` in it; `$` is its end."""
    assert piece in RUN_BY
    (found,) = [line for line in commands() if piece in f"{line}$"]
    return found
