"""`runreel config`, and the option `--config` of all commands that ask what is in force."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from runreel.config.loading import load
from runreel.config.settings import Config, shown

PATH = click.Path(path_type=Path)
_FILE = click.option("--config", "file", type=PATH, help="TOML file; else runreel.toml.")
of_config = click.option(
    "--config", type=PATH, help="TOML file; else runreel.toml, if it is there."
)


@click.command(help="Print every setting in force.\n\n\b\nExample:\n  runreel config show --json")
@_FILE
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def show(file: Path | None, *, as_json: bool) -> None:
    """Print every setting in force; secrets are hidden."""
    values = shown(load_config(file, {}))
    click.echo(json.dumps(values, indent=2) if as_json else _toml(values))


@click.command(help="Check the configuration.\n\n\b\nExample:\n  runreel config check")
@_FILE
def check(file: Path | None) -> None:
    """Exit with 0 if the configuration is right, else with 2 and one line that says why not."""
    loaded = load_config(file, {})
    upstream = loaded.upstream or "not set"
    click.echo(f"runreel: the configuration is right: mode {loaded.mode}, upstream {upstream}")


def load_config(file: Path | None, options: Mapping[str, Any]) -> Config:
    """The `Config` in force; `options` are dotted keys with values, None for what is not given.

    Raises:
        StartRefused: something is wrong with it.
    """
    return load(file, os.environ, options)


def audit_folder(file: Path | None, audit: Path | None) -> Path:
    """The folder of the audit log: the option `--audit`, else the configuration's.

    Raises:
        StartRefused: something is wrong with the configuration.
    """
    return load_config(file, {}).audit.path if audit is None else audit


def _toml(values: dict[str, Any]) -> str:
    lines: list[str] = []
    section = ""
    for key, value in values.items():
        parent, _, name = key.rpartition(".")
        if parent != section:
            section = parent
            lines += ["", f"[{section}]"]
        lines.append(f"# {name} is not set" if value is None else f"{name} = {_toml_value(value)}")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    match value:
        case dict():
            pairs = (f"{_toml_value(name)} = {_toml_value(item)}" for name, item in value.items())
            return f"{{{', '.join(pairs)}}}"
        case list():
            return f"[{', '.join(map(_toml_value, value))}]"
        case _:
            # TOML has JSON's escapes, but knows no surrogates and wants DEL escaped.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
