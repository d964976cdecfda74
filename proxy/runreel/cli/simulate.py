"""`runreel simulate`: a stateful stand-in for the API, on a port of its own."""

import asyncio
import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from runreel.config.loading import load
from runreel.server.app import run
from runreel.server.listener import RunOptions

_PATH = click.Path(path_type=Path)
_HELP = """Be a small Assistants API: no key, no upstream, no recording, everything in memory.

Assistants, threads, messages, runs and their steps, with the API's own states, errors, ids and
streams. A run ends by being asked for; its metadata say how: runreel.outcome (completed, failed,
expired, incomplete, requires_action), runreel.text, runreel.tool_calls. The rubra dialect takes no
tool outputs, so it refuses requires_action and tool_calls. A tool_choice without a function for it
calls nothing. Whether OpenAI replaced or merged metadata on modify is not settled: --metadata
chooses. Every answer carries X-Runreel-Source: simulator.

\b
Example:
  runreel simulate --port 8000
  runreel record --cassette mine --upstream simulator
"""

# (the option, the setting it stands for or None, what click should know of it)
_OPTIONS: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("--config", None, {"type": _PATH, "help": "TOML file; else runreel.toml, if it is there."}),
    ("--host", "listen.host", {"help": "Address to listen on [127.0.0.1]."}),
    ("--port", "listen.port", {"type": int, "help": "Port to listen on, 0 for any [8080]."}),
    ("--profile", "profile", {"help": "The dialect: openai or rubra [openai]."}),
    (
        "--lenient",
        "simulator.lenient",
        {"is_flag": True, "default": None, "help": "Everything exists; no state refuses."},
    ),
    (
        "--metadata",
        "simulator.metadata",
        {"type": click.Choice(["replace", "merge"]), "help": "What modify does [replace]."},
    ),
    (
        "--status",
        "simulator.status",
        {"help": "poll, or milliseconds of each status, to 300000 [poll]."},
    ),
    ("--seed", "simulator.seed", {"type": int, "help": "What ids are made from [0]."}),
    (
        "--log-format",
        None,
        {"type": click.Choice(["text", "json"]), "default": "text", "help": "Log lines on stderr."},
    ),
    ("--quiet", None, {"is_flag": True, "help": "Log only what went wrong."}),
)


@click.command("simulate", help=_HELP)
def simulate(**given: Any) -> None:
    """Serve the simulator."""
    settings = {
        key: given[name.removeprefix("--").replace("-", "_")] for name, key, _ in _OPTIONS if key
    }
    settings |= {"mode": "passthrough", "upstream": "simulator", "audit.enabled": False}
    config = load(given["config"], os.environ, settings)
    options = RunOptions(
        log=sys.stderr or io.StringIO(),  # None when the command was started without
        log_as_json=given["log_format"] == "json",
        quiet=given["quiet"],
    )
    asyncio.run(run(config, options, lambda line: print(line, flush=True)))  # noqa: T201 - the ready line


for _name, _, _details in reversed(_OPTIONS):
    simulate = click.option(_name, **_details)(simulate)
