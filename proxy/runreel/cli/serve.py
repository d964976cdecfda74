"""`runreel MODE`, one command per mode, `serve --mode MODE` for all of them, and `simulate`.

Behind `--` may stand a command of the user's; then the proxy runs for as long as that does.
"""

import asyncio
import contextlib
import io
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from runreel.assistants import NAMES
from runreel.cli.output import colours, say
from runreel.errors import StartRefused
from runreel.matching.drift import CLIENTS_OWN, HEADERS, IDS, OUTPUT, PIECES, TIMES
from runreel.text import safe

if TYPE_CHECKING:
    from runreel.config.settings import Config
    from runreel.matching.near_miss import Rerun
    from runreel.server.listener import RunOptions

_PATH = click.Path(path_type=Path)
_METAVAR = "[OPTIONS] [-- COMMAND ...]"


class _Around(click.Command):
    """A command whose arguments may end in `--` and a command of the user's, its `obj`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set apart what stands behind `--`, which is not ours to parse."""
        if "--" in args:
            at = args.index("--")
            ctx.obj = tuple(args[at + 1 :])
            args = args[:at]
        return super().parse_args(ctx, args)


class _Option(NamedTuple):
    """An option: the setting that it stands for, if any, and what click should know of it."""

    name: str
    setting: str | None
    details: dict[str, Any]
    short: str | None = None

    @property
    def key(self) -> str:
        """Its name among the values that click gives."""
        return self.name.partition("/")[0].removeprefix("--").replace("-", "_")


def _option(
    name: str,
    help: str,  # noqa: A002 - as click has it
    setting: str | None = None,
    short: str | None = None,
    **details: Any,
) -> _Option:
    return _Option(name, setting, {"help": help, **details}, short)


_CONFIG = _option("--config", "TOML file; else runreel.toml, if it is there.", type=_PATH)
_HOST = _option("--host", "Address to listen on [127.0.0.1].", "listen.host")
_LOG_OPTIONS = (
    _option(
        "--log-format",
        "Log lines on stderr [text].",
        "log.format",
        type=click.Choice(["text", "json"]),
    ),
    _option(
        "--quiet/--no-quiet",
        "Log only misses and what went wrong [so around a command].",
        "log.quiet",
        default=None,
    ),
    _option(
        "--verbose",
        "Log headers and findings too.",
        "log.verbose",
        short="-v",
        flag_value=True,
        type=bool,
        default=None,
    ),
)
_TLS = _option(
    "--tls",
    "Speak https, by a local authority (runreel tls).",
    "listen.tls",
    flag_value=True,
    type=bool,
    default=None,
)
_BASE_PATH = _option("--base-path", "Path at which clients find the API [/v1].", "base_path")
_PROFILE = _option("--profile", f"The API's dialect: {', '.join(NAMES)} [openai].", "profile")
_RECEIPT = _option("--receipt", "File for the receipt, written at the end.", type=_PATH)
_ENV = _option(
    "--env",
    "With a COMMAND: one more variable for the URL, beside OPENAI_BASE_URL.",
    multiple=True,
    metavar="NAME",
)
_ANY_PORT = "; any around a command"
_PORT = "Port to listen on, 0 for any [8080{}]."
_OPTIONS = (
    _CONFIG,
    _option("--cassettes", "Folder of the cassettes [cassettes].", "cassettes", type=_PATH),
    _option("--cassette", "Name of the cassette [default].", "cassette"),
    _option("--upstream", "The API: scheme://host[:port][/prefix]; never assumed.", "upstream"),
    _option(
        "--upstream-name",
        "What the API is called: two URLs of one name are one upstream.",
        "upstream_name",
        metavar="NAME",
    ),
    _HOST,
    _option("--port", _PORT.format(_ANY_PORT), "listen.port", type=int),
    _TLS,
    _BASE_PATH,
    _PROFILE,
    _option(
        "--repeat",
        "Whether the last recording of a call answers again [never].",
        "replay.repeat",
        type=click.Choice(["never", "last"]),
    ),
    _option(
        "--no-barriers",
        "Play by request and order alone, whatever was written before.",
        "replay.barriers",
        flag_value=False,
        type=bool,
        default=None,
    ),
    _option(
        "--watch",
        "Read a cassette anew when its file is written; else at the next rewind.",
        "replay.watch",
        flag_value=True,
        type=bool,
        default=None,
    ),
    _option(
        "--accept-incomplete",
        "once: replay half a recording instead of recording it anew.",
        "replay.accept_incomplete",
        flag_value=True,
        type=bool,
        default=None,
    ),
    _RECEIPT,
    *_LOG_OPTIONS,
    _option("--allow-regress", "Let a 404 or 410 replace a good recording.", is_flag=True),
    _option("--prune", "record: drop recordings that were not asked for again.", is_flag=True),
    _option(
        "--no-audit",
        "Log no changes of metadata in audit/.",
        "audit.enabled",
        flag_value=False,
        type=bool,
        default=None,
    ),
    _ENV,
    _option(
        "--fail-on-unplayed",
        "With a COMMAND: exit code 4 if it leaves recordings unplayed.",
        is_flag=True,
    ),
)
_SIMULATE_OPTIONS = (
    _CONFIG,
    _HOST,
    _option("--port", _PORT.format(_ANY_PORT), "listen.port", type=int),
    _TLS,
    _BASE_PATH,
    _PROFILE,
    _option(
        "--lenient",
        "Everything exists; no state refuses.",
        "simulator.lenient",
        is_flag=True,
        default=None,
    ),
    _option(
        "--metadata",
        "What modify does [replace].",
        "simulator.metadata",
        type=click.Choice(["replace", "merge"]),
    ),
    _option(
        "--status", "poll, or milliseconds of each status, to 300000 [poll].", "simulator.status"
    ),
    _option("--seed", "What ids are made from [0].", "simulator.seed", type=int),
    _RECEIPT,
    *_LOG_OPTIONS,
    _ENV,
)


_MAP = _option(
    "--map",
    "Play the cassette's calls against another API; FILE.toml, or list for the maps there are.",
    metavar="MAP",
)


def _taking(
    options: tuple[_Option, ...],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def take(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed(options):
            names = filter(None, (option.short, option.name))
            function = click.option(*names, **option.details)(function)
        return function

    return take


def _settings(options: tuple[_Option, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    return {option.setting: given[option.key] for option in options if option.setting}


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
        """runreel verify --cassette mine --upstream http://127.0.0.1:8000 --receipt drift.json
  runreel verify --cassette mine --upstream https://api.openai.com --map runs-to-responses""",
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

_SIMULATE_HELP = """Be a small Assistants API: no key, no upstream, no recording, all in memory.

Assistants, threads, messages, conversations, runs and their steps, with the API's own states,
errors, ids and streams. A run ends by being asked for; its metadata say how: runreel.outcome
(completed, failed, expired, incomplete, requires_action), runreel.text, runreel.tool_calls. The
rubra dialect takes no tool outputs, so it refuses requires_action and tool_calls. A tool_choice
without a function for it calls nothing. Whether OpenAI replaced or merged metadata on modify is not
settled: --metadata chooses. With --profile azure_agents the API begins at /api/projects/NAME, with
dashscope at /api/v1, with langgraph and rubra at /. Every answer carries X-Runreel-Source:
simulator.

\b
Example:
  runreel simulate --port 8000
  runreel simulate -- pytest tests/
  runreel record --cassette mine --upstream simulator
"""


def _command(mode: str) -> click.Command:
    summary, example = _HELP[mode]
    rule, more = (_RULE, (_MAP,)) if mode == "verify" else ("", ())

    @click.command(
        mode,
        cls=_Around,
        options_metavar=_METAVAR,
        help=f"{summary}{rule}\n\n\b\nExample:\n  {example}",
    )
    @_taking((*_OPTIONS, *more))
    @click.pass_obj
    def command(wrapped: tuple[str, ...] | None, /, **given: Any) -> None:
        _serve(mode, given, wrapped)

    return command


replay, record, once, new_episodes, passthrough, verify = map(_command, _HELP)


@click.command(
    "serve",
    cls=_Around,
    options_metavar=_METAVAR,
    help="Start in a mode.\n\n\b\nExample:\n  runreel serve --mode replay",
)
@click.option("--mode", help="One of the modes above; else the configuration's.")
@_taking(_OPTIONS)
@click.pass_obj
def serve(wrapped: tuple[str, ...] | None, /, mode: str | None, **given: Any) -> None:
    """Start in the mode of the configuration, or in `mode`."""
    _serve(mode, given, wrapped)


@click.command("simulate", cls=_Around, options_metavar=_METAVAR, help=_SIMULATE_HELP)
@_taking(_SIMULATE_OPTIONS)
@click.pass_obj
def simulate(wrapped: tuple[str, ...] | None, /, **given: Any) -> None:
    """Serve the simulator."""
    settings = _settings(_SIMULATE_OPTIONS, given)
    settings |= {"mode": "passthrough", "upstream": "simulator", "audit.enabled": False}
    _run(settings, given, wrapped)


def _serve(mode: str | None, given: dict[str, Any], command: tuple[str, ...] | None) -> None:
    if given.get("map") == "list":
        from runreel.config.call_maps import load_call_map, shipped

        for name in shipped():
            say(f"{name}: {load_call_map(name).about}")
        return
    _run(_settings(_OPTIONS, given) | {"mode": mode}, given, command)


def _check_command(command: tuple[str, ...] | None, given: Mapping[str, Any]) -> None:
    """Return if command and options go together.

    Raises:
        click.UsageError: they do not.
    """
    context = click.get_current_context()
    if command is None:
        for name in ("--env", "--fail-on-unplayed"):
            if given.get(name.removeprefix("--").replace("-", "_")):
                raise click.UsageError(f"{name} is for a command behind --", context)
    elif not command or not command[0]:
        raise click.UsageError("There is no command behind --", context)
    elif given.get("map"):
        raise click.UsageError(
            "--map plays the cassette's calls itself; take the command behind -- away", context
        )
    for name in given["env"]:
        if not name or "=" in name or "\0" in name:
            raise click.UsageError(f"--env: {name!r} cannot name a variable", context)


def _run(
    settings: dict[str, Any], given: Mapping[str, Any], command: tuple[str, ...] | None
) -> None:
    _check_command(command, given)
    if command is not None:
        # Any free port of this machine, unless this very command line asks for something else.
        settings["listen.host"] = settings["listen.host"] or "127.0.0.1"
        settings["listen.port"] = settings["listen.port"] or 0
    # Here, so that the help of the commands that everybody asks first loads no server.
    from runreel.config.loading import load
    from runreel.server.listener import RunOptions

    config: Config = load(given["config"], os.environ, settings)
    options = RunOptions(
        log=sys.stderr or io.StringIO(),  # None when the command was started without
        colour=colours(sys.stderr),
        quiet=command is not None,
        receipt=given.get("receipt"),
        allow_regress=given.get("allow_regress", False),
        prune=given.get("prune", False),
        rerun=_rerun(given, command),
        environment=os.environ,
    )
    # Around a command SIGCHLD is ours, which uvloop keeps to itself.
    factory = _loop_factory(config) if command is None else None
    with asyncio.Runner(loop_factory=factory) as runner:
        code = runner.run(_to_the_end(config, options, given, command))
    if code:
        sys.exit(code)


async def _to_the_end(
    config: "Config",
    options: "RunOptions",
    given: Mapping[str, Any],
    command: tuple[str, ...] | None,
) -> int:
    """What is asked for, until it ends with an exit code."""
    if given.get("map"):
        from runreel.config.call_maps import load_call_map
        from runreel.server.migration import verify_by_map

        return await verify_by_map(config, options, load_call_map(given["map"]))
    if command is None:
        from runreel.server.app import run

        return await run(config, options, lambda line: print(line, flush=True))  # noqa: T201 - the ready line
    from runreel.wrap.command import Wrapping, wrapped

    unplayed = given.get("fail_on_unplayed", False)
    wrapping = Wrapping(command, os.environ, given["env"], unplayed)
    return await wrapped(config, options, wrapping, _tell)


def _loop_factory(config: "Config") -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop; None for asyncio's own.

    Raises:
        StartRefused: it is to be uvloop's, which is not installed.
    """
    if not config.listen.uvloop:
        return None
    try:
        from uvloop import new_event_loop
    except ImportError:
        raise StartRefused(
            "listen.uvloop: uvloop is not installed; install it with pip install 'runreel[speed]', "
            "or take the setting out"
        ) from None
    factory: Callable[[], asyncio.AbstractEventLoop] = new_event_loop
    return factory


# What a recording of what a command line plays must have in common with it.
_KEPT = (
    "--config",
    "--cassettes",
    "--cassette",
    "--upstream-name",
    "--host",
    "--port",
    "--tls",
    "--base-path",
    "--env",
    "--no-audit",
)


def _rerun(given: Mapping[str, Any], command: tuple[str, ...] | None) -> "Rerun":
    """How what these options play is recorded anew."""
    from runreel.matching.near_miss import BEHIND, UPSTREAM, Rerun

    words = ["runreel", "record"]
    for name in _KEPT:
        value = given.get(name.removeprefix("--").replace("-", "_"))
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                words += [name] if isinstance(each, bool) else [name, str(each)]
    words += ["--upstream", UPSTREAM]
    if command is None:
        return Rerun(tuple(words), BEHIND)
    # Who wants nothing unplayed wants nothing kept that would be.
    words += ["--prune"] if given.get("fail_on_unplayed") else []
    return Rerun((*words, "--", *command))


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it any more
        say(safe(line), err=True)
