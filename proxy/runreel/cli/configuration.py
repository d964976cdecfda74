"""`runreel config`: what is in force, and whether it is right."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


@click.group(
    no_args_is_help=False,
    help="Show or check the configuration.\n\n\b\nExample:\n  runreel config show",
)
def config() -> None:
    """Group of the two commands below."""


_FILE = click.option(
    "--config", "file", type=click.Path(path_type=Path), help="TOML file; else runreel.toml."
)


@config.command(help="Print every setting in force.\n\n\b\nExample:\n  runreel config show --json")
@_FILE
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def show(file: Path | None, *, as_json: bool) -> None:
    """Print every setting in force; secrets are hidden."""
    from runreel.config import shown

    values = shown(load_config(file, {}))
    click.echo(json.dumps(values, indent=2) if as_json else _toml(values))


@config.command(help="Check the configuration.\n\n\b\nExample:\n  runreel config check")
@_FILE
def check(file: Path | None) -> None:
    """Exit with 0 if the configuration is right, else with 2 and one line that says why not."""
    loaded = load_config(file, {})
    upstream = loaded.upstream or "not set"
    click.echo(f"runreel: the configuration is right: mode {loaded.mode}, upstream {upstream}")


def load_config(file: Path | None, options: Mapping[str, Any]) -> Any:
    """The `Config` in force; `options` are dotted keys with values, None for what is not given.

    Raises:
        StartRefused: something is wrong with it.
    """
    import os

    from runreel.config import load

    return load(file, os.environ, options)


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
