"""Suites of Node and Go whose tests run at the same time, each in a session by the shipped helper.

python tests/clients/parallel_suites.py --rounds 20     records each suite from the simulator, and
                                                        replays it so often without any network

Needs what the tests of the clients need: OPENAI_NODE and OPENAI_GO.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from clients.calls import CLIENTS
from clients.go_calls import go_program
from clients.node_calls import node_packages
from processes import Ended, run

EXAMPLES = CLIENTS.parents[1] / "examples"
SESSIONS = 12  # of each suite
NO_NETWORK = {"npm_config_offline": "true", "GOPROXY": "off", "GOFLAGS": "-mod=readonly"}
GO_FLAGS = ("-gcflags=all=-N -l", "-ldflags=-s -w", "-vet=off")  # as tests/clients/go/build

Command = tuple[str, ...]


def node_project(folder: Path, *files: str) -> None:
    """Make a folder a project with the helper, the packages, and files of tests/clients/node."""
    (folder / "node_modules").symlink_to(node_packages() / "node_modules")
    shutil.copy(EXAMPLES / "node" / "runreel.mjs", folder)
    for file in files:
        shutil.copy(CLIENTS / "node" / file, folder)


def _node_test(folder: Path) -> Command:
    node_project(folder, "stories.mjs", "parallel.test.mjs")
    return "node", "--test"


def _vitest(folder: Path) -> Command:
    node_project(folder, "stories.mjs", "parallel.spec.mjs")
    return "node_modules/.bin/vitest", "run"


def _go_test(_: Path) -> Command:
    # In another order each time.
    parallel = ("-count=1", "-parallel=8", "-shuffle=on", "./parallel")
    return str(go_program("go")), "test", "-C", str(CLIENTS / "go" / "v3"), *GO_FLAGS, *parallel


# The command that runs each, in a folder that is made ready for it.
SUITES: dict[str, Callable[[Path], Command]] = {
    "node": _node_test,
    "vitest": _vitest,
    "go": _go_test,
}


def recorded(folder: Path, command: Command) -> Ended:
    """The suite, recorded from the simulator."""
    return run("record", "--upstream", "simulator", "--", *command, cwd=folder, env=NO_NETWORK)


def replayed(folder: Path, command: Command) -> Ended:
    """The suite, replayed without a key or a network."""
    options = ("--fail-on-unplayed", "--receipt", "r.json")
    keyless = NO_NETWORK | {"OPENAI_API_KEY": ""}
    return run("replay", *options, "--", *command, cwd=folder, env=keyless)


def is_green(folder: Path, ended: Ended) -> bool:
    """Whether all tests passed, each in a session that played all that it has and nothing else."""
    receipt = json.loads((folder / "r.json").read_bytes())
    sessions = receipt["sessions"]
    quiet = all(
        one["served"] and not (one["missed"] or one["unplayed"] or one["upstream_calls"])
        for one in sessions
    )
    return ended.code == 0 and quiet and (len(sessions), receipt["requests"]) == (SESSIONS, 0)


@click.command(help=__doc__)
@click.option("--rounds", default=20, show_default=True)
@click.argument("suites", nargs=-1, type=click.Choice(list(SUITES)))
def main(rounds: int, suites: tuple[str, ...]) -> None:
    """Tell for each suite how many of its replays were green; exit with 1 if one was not."""
    all_green = True
    for name in suites or SUITES:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            command = SUITES[name](folder)
            first = recorded(folder, command)
            if first.code:
                raise click.ClickException(first.out + first.err)
            green = sum(is_green(folder, replayed(folder, command)) for _ in range(rounds))
        click.echo(f"{name}: {green} of {rounds} green")
        all_green &= green == rounds
    sys.exit(not all_green)


if __name__ == "__main__":
    main()
