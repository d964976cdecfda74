"""`runreel cassette`: tools for cassettes, one module for each command."""

import click

from runreel.cli.cassette.export_ import export
from runreel.cli.cassette.import_ import import_


@click.group(
    no_args_is_help=False,
    help="Work with cassettes.\n\n\b\nExample:\n  runreel cassette import old.yaml --to mine",
)
def cassette() -> None:
    """Group of the commands for cassettes."""


for command in (import_, export):
    cassette.add_command(command)
