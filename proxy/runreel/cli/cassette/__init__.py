"""`runreel cassette`: tools for cassettes, one module for each command."""

import click

from runreel.cli.cassette.check import check
from runreel.cli.cassette.diff import diff
from runreel.cli.cassette.export_ import export
from runreel.cli.cassette.import_ import import_
from runreel.cli.cassette.list_ import list_
from runreel.cli.cassette.scrub import scrub
from runreel.cli.cassette.show import show
from runreel.cli.cassette.upgrade import upgrade


@click.group(
    no_args_is_help=False,
    help="Work with cassettes.\n\n\b\nExample:\n  runreel cassette import old.yaml --to mine",
)
def cassette() -> None:
    """Group of the commands for cassettes."""


for command in (list_, show, check, diff, import_, export, scrub, upgrade):
    cassette.add_command(command)
