"""`runreel MODE -- COMMAND …`: what stands behind the `--`, and the options that are for it."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from runreel.app import RunOptions
    from runreel.config import Config

METAVAR = "[OPTIONS] [-- COMMAND ...]"

# As in `modes`; they stand for no setting.
OPTIONS: tuple[tuple[str, None, dict[str, Any]], ...] = (
    (
        "--env",
        None,
        {
            "multiple": True,
            "metavar": "NAME",
            "help": "With a COMMAND: one more variable for the URL, beside OPENAI_BASE_URL.",
        },
    ),
    (
        "--fail-on-unplayed",
        None,
        {
            "is_flag": True,
            "help": "With a COMMAND: exit code 4 if it leaves recordings unplayed.",
        },
    ),
)


class Around(click.Command):
    """A command whose arguments may end in `--` and a command of the user's, its `obj`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set apart what stands behind `--`, which is not ours to parse."""
        if "--" in args:
            at = args.index("--")
            ctx.obj = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


def check(command: tuple[str, ...] | None, given: Mapping[str, Any]) -> None:
    """Return if command and options go together.

    Raises:
        click.UsageError: they do not.
    """
    context = click.get_current_context()
    if command is None:
        for name in ("--env", "--fail-on-unplayed"):
            if given[name.removeprefix("--").replace("-", "_")]:
                raise click.UsageError(f"{name} is for a command behind --", context)
    elif not command or not command[0]:
        raise click.UsageError("There is no command behind --", context)
    for name in given["env"]:
        if not name or "=" in name or "\0" in name:
            raise click.UsageError(f"--env: {name!r} cannot name a variable", context)


def wrap(
    config: "Config",
    options: "RunOptions",
    command: tuple[str, ...],
    environment: Mapping[str, str],
    given: Mapping[str, Any],
) -> int:
    """Run the command behind a proxy and return the exit code of both."""
    from runreel.wrapped import Wrapping, wrapped

    wrapping = Wrapping(command, environment, given["env"], given["fail_on_unplayed"])
    return asyncio.run(wrapped(config, options, wrapping, _tell))


def _tell(line: str) -> None:
    from runreel.cli.terminal import safe, say

    with contextlib.suppress(OSError):  # nobody reads it any more
        say(safe(line), err=True)
