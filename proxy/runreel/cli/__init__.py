"""The `runreel` command.

Owns words, options and exit codes. What a command does is imported when it runs, so that `--help`
stays quick.
"""

import contextlib
import errno
import sys
from typing import Any

import click

from runreel import __version__
from runreel.cli.audit import audit
from runreel.cli.cassette import cassette
from runreel.cli.configuration import config
from runreel.cli.demo import demo
from runreel.cli.explain import explain
from runreel.cli.modes import MODE_COMMANDS, serve
from runreel.cli.simulate import simulate
from runreel.core.errors import RunreelError

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
ALIASES = {"none": "replay", "all": "record"}  # VCR's words


class _Commands(click.Group):
    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Find a command by our word or VCR's."""
        return super().get_command(ctx, ALIASES.get(name, name))


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


@click.group(
    cls=_Commands,
    help=_HELP,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="runreel", message="%(prog)s %(version)s")
def commands() -> None:
    """Group of all commands."""


for command in (*MODE_COMMANDS, serve, simulate, demo, cassette, audit, explain, config):
    commands.add_command(command)


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
    line = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in message
    )
    with contextlib.suppress(OSError):  # the exit code says it where stderr cannot
        click.echo(f"runreel: error: {line}", err=True)
    sys.exit(code)
