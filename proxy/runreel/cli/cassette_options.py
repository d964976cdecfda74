"""The options that select cassettes, and cassettes by name or by file.

How a name and a file are told apart, and the sentences for what is not there.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from runreel.cassettes.file_store import FileStore, read_file
from runreel.cassettes.format import NotACassetteName, check_name
from runreel.cassettes.journal import Stored
from runreel.cli.config import load_config
from runreel.errors import StartRefused

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
    return load_config(config, {"cassettes": cassettes})


_REMEDY = "runreel cassette list shows those there are, and --cassettes DIR looks elsewhere"


def is_file(text: str) -> bool:
    """Whether the text is a file: it ends in .json, or it cannot be a name and is there."""
    if text.endswith(".json"):
        return True
    try:
        check_name(text)
    except NotACassetteName:
        return Path(text).exists()
    return False


def named(text: str) -> str:
    """The text, if it can name a cassette.

    Raises:
        StartRefused: it cannot; says what can.
    """
    try:
        return check_name(text)
    except NotACassetteName as error:
        raise StartRefused(str(error)) from None


def read(store: FileStore, text: str) -> Stored:
    """The cassette of a name, with its journals, or that of a file alone.

    Raises:
        StartRefused: there is no such cassette.
        CassetteDamaged: it is there but cannot be trusted; names the place.
    """
    by_file = is_file(text)
    stored = read_file(Path(text)) if by_file else store.load(named(text))
    if stored is None:
        raise missing(text)
    return stored


def missing(text: str) -> StartRefused:
    """What to raise for a cassette that is not there."""
    if is_file(text):
        return StartRefused(f"{text}: there is no such file")
    return StartRefused(f"there is no cassette '{text}'; {_REMEDY}")
