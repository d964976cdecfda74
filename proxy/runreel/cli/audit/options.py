"""What all commands of `runreel audit` share: where the log is."""

from pathlib import Path

import click

PATH = click.Path(path_type=Path)

of_config = click.option(
    "--config", type=PATH, help="TOML file; else runreel.toml, if it is there."
)


def audit_folder(config: Path | None, audit: Path | None) -> Path:
    """The folder of the log: the option, else the configuration's.

    Raises:
        StartRefused: something is wrong with the configuration.
    """
    from runreel.cli.configuration import load_config

    if audit is not None:
        return audit
    folder: Path = load_config(config, {}).audit.path
    return folder
