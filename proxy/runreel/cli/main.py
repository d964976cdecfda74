"""The `runreel` command: which commands there are, and what an error that stops one looks like.

A command is imported when it is run, by the tables below; so the list of all costs nothing.
"""

import contextlib
import errno
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from runreel import __version__
from runreel.errors import RunreelError
from runreel.text import safe

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
ALIASES = {"none": "replay", "all": "record"}  # VCR's words


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is imported when it is run or its own help is asked for.

    `place` is `MODULE:NAME` below `runreel.cli`; `summary` is its line in the list of its group.
    """

    place: str
    summary: str

    def load(self) -> click.Command:
        """The command itself."""
        module, _, name = self.place.partition(":")
        found = getattr(import_module(f"runreel.cli.{module}"), name)
        assert isinstance(found, click.Command)  # noqa: S101 - the tables below name commands
        return found


class LazyGroup(click.Group):
    """A group of commands whose list costs no import, so that `--help` answers at once."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, sorted."""
        return sorted([*super().list_commands(ctx), *self.lazy])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by our word or VCR's."""
        name = ALIASES.get(cmd_name, cmd_name)
        return self.lazy[name].load() if name in self.lazy else super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list from what is known without the commands."""
        names = self.list_commands(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(name)) for name in names])

    def _summary(self, name: str) -> str:
        if name in self.lazy:
            return self.lazy[name].summary
        return (self.commands[name].help or "").partition("\n")[0]


_HELP = """Record and replay an OpenAI-Assistants-compatible API.

\b
Replay a recording (no key, no network):
  runreel replay --cassette examples/modify-run
Make one:
  runreel record --cassette mine --upstream http://127.0.0.1:8000
Have no API at all:
  runreel simulate

Clients find the proxy at http://127.0.0.1:8080/v1, for example by OPENAI_BASE_URL.
"""


_CASSETTE = {
    "list": Lazy("cassette:list_", "List cassettes with their age, size and findings."),
    "show": Lazy("cassette:show", "Show the interactions of a cassette, or one in full."),
    "check": Lazy("cassette:check", "Check format, digests, redaction and secrets."),
    "diff": Lazy("cassette:diff", "Compare two cassettes, call by call."),
    "edit": Lazy("cassette_edit:edit", "Edit one interaction in your editor."),
    "accept": Lazy("cassette_edit:accept", "Take over what was edited by hand."),
    "import": Lazy("cassette_convert:import_", "Turn recordings of other tools into cassettes."),
    "export": Lazy("cassette_convert:export", "Write a cassette as HAR, vcrpy or curl."),
    "scrub": Lazy("cassette:scrub", "Apply today's redaction to cassettes."),
    "upgrade": Lazy("cassette:upgrade", "Write cassettes as this version does."),
}
_AUDIT = {
    "log": Lazy("audit:log", "Show changes of metadata, oldest first."),
    "show": Lazy("audit:show", "Show the metadata of a run or thread, now or at a time."),
    "blame": Lazy("audit:blame", "Show who made each key of its metadata what it is."),
    "stats": Lazy("audit:stats", "Count changes by operation, effect, actor and upstream."),
    "verify": Lazy("audit_verify:verify", "Verify that the log is whole and unaltered."),
}
_CONFIG = {
    "show": Lazy("config:show", "Print every setting in force."),
    "check": Lazy("config:check", "Check the configuration."),
}
_TLS = {
    "path": Lazy("tls:path", "Print the file of the local authority, for clients to trust."),
    "renew": Lazy("tls:renew", "Make a new local authority."),
}
_COMMANDS = {
    "replay": Lazy("serve:replay", "Answer from a cassette; refuse what it does not hold."),
    "record": Lazy("serve:record", "Forward every call and record it."),
    "once": Lazy("serve:once", "Replay if the cassette exists, else record it."),
    "new_episodes": Lazy("serve:new_episodes", "Answer from a cassette; record what is missing."),
    "passthrough": Lazy("serve:passthrough", "Forward every call and record nothing."),
    "verify": Lazy("serve:verify", "Forward every call and compare it with the recording."),
    "serve": Lazy("serve:serve", "Start in the mode of the configuration."),
    "simulate": Lazy("serve:simulate", "Be a small Assistants API, without key or upstream."),
    "demo": Lazy("demo:demo", "Show what runreel does: record, replay, miss, audit."),
    "explain": Lazy("explain:explain", "Say why a request matches a recording, or does not."),
}


@click.group(
    cls=LazyGroup,
    lazy=_COMMANDS,
    help=_HELP,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="runreel", message="%(prog)s %(version)s")
def commands() -> None:
    """Group of all commands."""


def _group(name: str, summary: str, example: str, lazy: Mapping[str, Lazy]) -> None:
    text = f"{summary}\n\n\b\nExample:\n  {example}"
    commands.add_command(LazyGroup(name, lazy=lazy, help=text, no_args_is_help=False))


_group("cassette", "Work with cassettes.", "runreel cassette import old.yaml --to mine", _CASSETTE)
_group(
    "audit",
    "Ask who changed which metadata, and whether the record is whole.",
    "runreel audit log --run run_abc123",
    _AUDIT,
)
_group("config", "Show or check the configuration.", "runreel config show", _CONFIG)
_group("tls", "The local authority of --tls.", "runreel tls path", _TLS)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; the exit codes are in README."""
    try:
        commands.main(arguments, prog_name="runreel", standalone_mode=False)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" (see: {context.command_path} --help)" if context else ""
        _stop(f"{error.format_message().rstrip('.')}{hint}", 2)
    except RunreelError as error:
        _stop(str(error), error.exit_code)
    except click.Abort:
        _stop("interrupted", 1)
    except OSError as error:
        # Files have names; what has none is the output. click ends quietly at a broken pipe.
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        _stop(f"the output cannot be written: {error.strerror}", 1)


def _stop(message: str, code: int) -> None:
    with contextlib.suppress(OSError):  # the exit code says it where stderr cannot
        click.echo(f"runreel: error: {safe(message)}", err=True)
    sys.exit(code)
