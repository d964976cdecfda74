"""`runreel audit`: questions to the audit log, one module for each command."""

import click

from runreel.cli.audit.blame import blame
from runreel.cli.audit.log import log
from runreel.cli.audit.show import show
from runreel.cli.audit.stats import stats
from runreel.cli.audit.verify import verify


@click.group(
    no_args_is_help=False,
    help="Ask who changed which metadata, and whether the record is whole.\n\n\b\n"
    "Example:\n  runreel audit log --run run_abc123",
)
def audit() -> None:
    """Group of the commands for the audit log."""


for command in (log, show, blame, stats, verify):
    audit.add_command(command)
