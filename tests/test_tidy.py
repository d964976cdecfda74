"""The house rules that a machine can check, so that no reviewer has to repeat them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runreel import __version__
from runreel.errors import ERRORS

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "proxy").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FUNCTION_LINES_MAX = 50

# (what must not be written, where it may be, what to write instead)
BANNED = (
    (
        r"\bRedacted\(",
        {"redaction/redactor.py", "cassettes/format.py"},
        "Redaction, renamed, request_of",
    ),
    (r"\bdatetime\.now\(", {"ports.py"}, "the Clock port"),
    (r"\btime\.(time|monotonic|sleep)\(", {"ports.py"}, "the Clock port"),
    (
        r"\bos\.environ\b",
        {f"cli/{name}.py" for name in ("serve", "simulate", "config", "output", "tls")}
        | {"pytest_plugin/run.py"},
        "an argument",
    ),
    (
        r"\bcreate_task\(",
        {
            *("server/app.py", "server/lane.py", "storage/group_commit.py"),
            *("sessions/live.py", "sessions/manager.py"),
        },
        "await it, or own the task where it can be seen",
    ),
    (r"\bprint\(", {"cli/serve.py", "cli/simulate.py", "engine/log.py"}, "a sink"),
    (r"except Exception\b", set[str](), "the exceptions that can come"),
    (r"^from aiohttp|^import aiohttp", {"server/*"}, "values at the web edge"),
)
BANNED_NAMES = {"utils", "helpers", "common", "base", "misc"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT / "proxy" / "runreel").as_posix()


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_file_is_a_noun_and_a_function_a_screen(path: Path) -> None:
    assert {name: lines for name, lines in _functions(path) if lines > FUNCTION_LINES_MAX} == {}
    assert path.stem not in BANNED_NAMES


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_a_test_is_a_screen_too(path: Path) -> None:
    assert {name: lines for name, lines in _functions(path) if lines > FUNCTION_LINES_MAX} == {}


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_opens_with_what_it_owns(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))

    assert docstring
    assert docstring.split("\n")[0].endswith((".", ":"))


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_what_is_banned_stands_only_where_it_may(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = {
        f"{pattern} (write instead: {instead})"
        for pattern, allowed, instead in BANNED
        if not any(Path(_name(path)).match(place) for place in allowed)
        and re.search(pattern, text, re.MULTILINE)
    }

    assert found == set()


def test_every_error_code_is_explained_in_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [code for code in ERRORS if f"`{code}`" not in readme] == []


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)

    assert newest is not None
    assert newest[1] == __version__


def test_every_lint_exception_in_the_code_has_its_reason_beside_it() -> None:
    bare = [
        f"{_name(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"# (noqa|type: ignore)", line)
        and not re.search(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[a-z-]+\]) +(-|#) \S", line)
    ]

    assert bare == []
