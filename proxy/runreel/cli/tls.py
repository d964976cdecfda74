"""`runreel tls`: the local authority, by whose certificates `--tls` speaks https."""

import os
from pathlib import Path

import click

from runreel.cli.config import load_config, of_config
from runreel.cli.output import say
from runreel.ports import SystemClock
from runreel.text import safe
from runreel.tls import local_authority

_PATH_HELP = """Print the file of the authority, for clients to trust; it is made if there is none.

\b
Example:
  curl --cacert "$(runreel tls path)" https://127.0.0.1:8080/_runreel/health
"""
_RENEW_HELP = """Make a new authority in place of the old one, and print its file.

It may speak for loopback, for the configured listen.host and listen.allowed_hosts, and for what the
old one could. Whoever trusts the old one is to trust this one; proxies that run keep the old one
until they are started again.

\b
Example:
  runreel tls renew
"""


@click.command("path", help=_PATH_HELP)
@of_config
def path(config: Path | None) -> None:
    """Print where the authority is."""
    _print(config, anew=False)


@click.command("renew", help=_RENEW_HELP)
@of_config
def renew(config: Path | None) -> None:
    """Make a new authority."""
    _print(config, anew=True)


def _print(config: Path | None, *, anew: bool) -> None:
    names = load_config(config, {}).listen.names
    authority = local_authority(os.environ, names, SystemClock().now(), anew=anew)
    say(safe(str(authority.file)))
