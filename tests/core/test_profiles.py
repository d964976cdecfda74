"""A profile is one module of data, and nothing else asks which one it is."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runreel.assistants import NAMES, PROFILES, check_profile
from runreel.simulator.operations import OPERATIONS

PACKAGE = Path(__file__).parents[2] / "proxy" / "runreel"
LINES_MAX = 150
# Tables by a name that is a profile's, and defaults: (file, where).
MAY_NAME_ONE = {
    "assistants/__init__.py",  # the list of names
    "config/settings.py",  # the default
    "importers/importer.py",  # which OpenAI-Beta asks for which
    "server/embedded.py",  # of a cassette that nobody reads
    "simulator/server.py",  # the default of a simulator in hand
}


def _names_in(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and part.value in NAMES:
            yield part.value


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_a_module_of_at_most_150_lines_beside_its_schemas(name: str) -> None:
    path = PACKAGE / "assistants" / f"{name}.py"
    module = path.read_text(encoding="utf-8")
    models = [
        node.name
        for node in ast.parse(module).body
        if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases}
    ]

    assert len(module.splitlines()) <= LINES_MAX
    assert models == []
    assert (PROFILES[name].name, PROFILES[name]) == (name, PROFILES[name])


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_nothing_asks_which_profile_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = path.relative_to(PACKAGE).as_posix()

    compared = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.match_case) and [*_names_in(node)]
    ]
    asked = [
        ast.unparse(node.test)
        for node in ast.walk(tree)
        if isinstance(node, ast.If | ast.IfExp | ast.While)
        and re.search(
            r"\bprofile\.(name|dialect)\b|\bprofile (==|!=|in|is) ", ast.unparse(node.test)
        )
        and "found.profile" not in ast.unparse(node.test)
    ]
    # An OpenAI API and a product of that name are not profiles: only where the word is a value.
    named = [*_names_in(tree)] if name not in MAY_NAME_ONE else []
    own = name.removeprefix("assistants/").removesuffix(".py")

    assert compared == []
    assert asked == []
    assert [word for word in named if word != own] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_profile_has_is_what_the_simulator_does(name: str) -> None:
    assert PROFILES[name].dialect.operations - OPERATIONS == frozenset()


def test_a_name_that_is_none_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"must be one of .*; the nearest is 'openai_v1'"):
        check_profile("openai_v2")


def test_the_names_are_known_without_a_model_or_a_simulator() -> None:
    script = (
        "import sys; from runreel.assistants import NAMES; from runreel.config import settings; "
        "print([name for name in sys.modules if 'schemas' in name or 'simulator' in name])"
    )

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )

    assert said.stdout == "[]\n"


_REPLAY = """
import asyncio, io, pathlib, sys
from runreel.assistants import NAMES
from runreel.config.loading import load
from runreel.server.app import serving
from runreel.server.listener import RunOptions

async def main():
    settings = {"cassettes": pathlib.Path(sys.argv[1]), "cassette": "examples/modify-run"}
    config = load(None, {}, settings | {"listen.port": 0, "profile": sys.argv[2]})
    async with serving(config, RunOptions(log=io.StringIO())):
        loaded = [name for name in sys.modules if name.startswith("runreel.assistants.")]
        known = [name for name in loaded if name.split(".")[-1] in NAMES or "schemas" in name]
        print(known, "runreel.simulator" in sys.modules)

asyncio.run(main())
"""


def test_a_replaying_proxy_loads_no_profile_no_model_and_no_simulator() -> None:
    cassettes = PACKAGE.parents[1] / "cassettes"
    command = (sys.executable, "-c", _REPLAY, str(cassettes), "azure_agents")

    said = subprocess.run(command, capture_output=True, check=True, text=True)

    assert said.stdout == "[] False\n"
