"""`runreel MODE -- COMMAND …`: what stands behind the `--`, and the options that are for it.

`runreel MODE`: one command per mode, and `serve --mode MODE` for all of them.

Behind `--` may stand a command; then the proxy runs for as long as that does.
"""

import asyncio
import contextlib
import io
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.output import say
from runreel.matching.drift import CLIENTS_OWN, HEADERS, IDS, OUTPUT, PIECES, TIMES
from runreel.text import safe

if TYPE_CHECKING:
    from runreel.config.settings import Config
    from runreel.server.listener import RunOptions

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
    from runreel.wrap.command import Wrapping, wrapped

    wrapping = Wrapping(command, environment, given["env"], given["fail_on_unplayed"])
    return asyncio.run(wrapped(config, options, wrapping, _tell))


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it any more
        say(safe(line), err=True)


_PATH = click.Path(path_type=Path)

_HELP = {
    "replay": (
        "Answer from a cassette; what it does not hold is refused, with the difference.",
        """runreel replay --cassette examples/modify-run --repeat last
  runreel replay --cassette mine -- pytest tests/""",
    ),
    "record": (
        "Forward every call and record it; equal traffic changes no byte of the cassette.",
        "runreel record --cassette mine --upstream http://127.0.0.1:8000",
    ),
    "once": (
        "Replay if the cassette exists, else record it.",
        "runreel once --cassette mine --upstream http://127.0.0.1:8000",
    ),
    "new_episodes": (
        "Answer from a cassette; forward and record what it does not hold.",
        "runreel new_episodes --cassette mine --upstream http://127.0.0.1:8000",
    ),
    "passthrough": (
        "Forward every call and record nothing.",
        "runreel passthrough --upstream http://127.0.0.1:8000",
    ),
    "verify": (
        "Forward every call and compare the answer with the recording; exit code 5 if one drifted.",
        "runreel verify --cassette mine --upstream http://127.0.0.1:8000 --receipt drift.json",
    ),
}


def _listed(names: Iterable[str]) -> str:
    lines = textwrap.wrap(", ".join(names), 70, break_on_hyphens=False)
    return textwrap.indent("\n".join(lines), " " * 4)


_RULE = f"""

These say nothing of the API and are no drift:

\b
  what looks like an id or a time, in members named
{_listed((*IDS, *TIMES))}
  what a model wrote and what it cost, but for names and types:
{_listed(OUTPUT)}
  how many events in a row are pieces of one text, named
{_listed(f"*{end}" for end in PIECES)}
  headers other than
{_listed(HEADERS)}

Below {CLIENTS_OWN} all counts. The section [verify] of the configuration adds names, headers, and
JSON pointers to ignore.
"""

# (the option, the setting it stands for or None, what click should know of it)
_OPTIONS: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("--config", None, {"type": _PATH, "help": "TOML file; else runreel.toml, if it is there."}),
    ("--cassettes", "cassettes", {"type": _PATH, "help": "Folder of the cassettes [cassettes]."}),
    ("--cassette", "cassette", {"help": "Name of the cassette [default]."}),
    ("--upstream", "upstream", {"help": "The API: scheme://host[:port][/prefix]; never assumed."}),
    ("--host", "listen.host", {"help": "Address to listen on [127.0.0.1]."}),
    (
        "--port",
        "listen.port",
        {"type": int, "help": "Port to listen on, 0 for any [8080; any around a command]."},
    ),
    ("--base-path", "base_path", {"help": "Path at which clients find the API [/v1]."}),
    (
        "--repeat",
        "replay.repeat",
        {
            "type": click.Choice(["never", "last"]),
            "help": "Whether the last recording of a call answers again [never].",
        },
    ),
    ("--receipt", None, {"type": _PATH, "help": "File for the receipt, written at the end."}),
    (
        "--log-format",
        None,
        {"type": click.Choice(["text", "json"]), "default": "text", "help": "Log lines on stderr."},
    ),
    (
        "--quiet/--no-quiet",
        None,
        {"default": None, "help": "Log only misses and what went wrong [so around a command]."},
    ),
    (
        "--allow-regress",
        None,
        {"is_flag": True, "help": "Let a 404 or 410 replace a good recording."},
    ),
    (
        "--prune",
        None,
        {"is_flag": True, "help": "record: drop recordings that were not asked for again."},
    ),
    (
        "--no-audit",
        "audit.enabled",
        {
            "flag_value": False,
            "type": bool,
            "default": None,
            "help": "Log no changes of metadata in audit/.",
        },
    ),
)


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for name, _, details in reversed((*_OPTIONS, *OPTIONS)):
        function = click.option(name, **details)(function)
    return function


def _command(mode: str) -> click.Command:
    summary, example = _HELP[mode]
    rule = _RULE if mode == "verify" else ""

    @click.command(
        mode,
        cls=Around,
        options_metavar=METAVAR,
        help=f"{summary}{rule}\n\n\b\nExample:\n  {example}",
    )
    @_options
    @click.pass_obj
    def command(wrapped: tuple[str, ...] | None, /, **given: Any) -> None:
        _serve(mode, given, wrapped)

    return command


replay, record, once, new_episodes, passthrough, verify = map(_command, _HELP)


@click.command(
    "serve",
    cls=Around,
    options_metavar=METAVAR,
    help="Start in a mode.\n\n\b\nExample:\n  runreel serve --mode replay",
)
@click.option("--mode", help="One of the modes above; else the configuration's.")
@_options
@click.pass_obj
def serve(wrapped: tuple[str, ...] | None, /, mode: str | None, **given: Any) -> None:
    """Start in the mode of the configuration, or in `mode`."""
    _serve(mode, given, wrapped)


def _serve(mode: str | None, given: dict[str, Any], command: tuple[str, ...] | None) -> None:
    import os

    from runreel.config.loading import load
    from runreel.server.app import run
    from runreel.server.listener import RunOptions

    check(command, given)
    settings = {
        key: given[name.removeprefix("--").replace("-", "_")] for name, key, _ in _OPTIONS if key
    }
    settings["mode"] = mode
    if command is not None:
        # Any free port of this machine, unless this very command line asks for something else.
        settings["listen.host"] = settings["listen.host"] or "127.0.0.1"
        settings["listen.port"] = settings["listen.port"] or 0
    config = load(given["config"], os.environ, settings)
    options = RunOptions(
        log=sys.stderr or io.StringIO(),  # None when the command was started without
        log_as_json=given["log_format"] == "json",
        quiet=command is not None if given["quiet"] is None else given["quiet"],
        receipt=given["receipt"],
        allow_regress=given["allow_regress"],
        prune=given["prune"],
    )
    if command is not None:
        code = wrap(config, options, command, os.environ, given)
    else:
        code = asyncio.run(run(config, options, lambda line: print(line, flush=True)))  # noqa: T201 - the ready line
    if code:
        sys.exit(code)
