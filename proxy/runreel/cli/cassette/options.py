"""What the commands of `runreel cassette` share: the options that select the cassettes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)


def of_cassettes(function: Callable[..., None]) -> Callable[..., None]:
    """The options `--config FILE` and `--cassettes DIR`, given on as `config` and `cassettes`."""
    for option in (
        click.option("--cassettes", type=PATH, help="Folder of the cassettes [cassettes]."),
        click.option("--config", type=PATH, help="TOML file; else runreel.toml, if it is there."),
    ):
        function = option(function)
    return function


def configuration(config: Path | None, cassettes: Path | None) -> Any:
    """The `Config` that those two options select.

    Raises:
        StartRefused: something is wrong with it.
    """
    from runreel.cli.configuration import load_config

    return load_config(config, {"cassettes": cassettes})
