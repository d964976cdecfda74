"""`runreel cassette diff`: what tells two cassettes apart."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.cassette.options import configuration, of_cassettes

if TYPE_CHECKING:
    from runreel.core.comparing import Comparison
    from runreel.core.differences import Difference
    from runreel.core.messages import Interaction

_VALUE_CHARS_MAX = 200  # of one value on the screen; --json has it whole
_COLOURS = {"-": "red", "+": "green", "~": "yellow"}


@click.command(
    "diff",
    help="Compare two cassettes, by name or file: calls that were added or removed, and per call "
    "what differs in query, body, status and headers. Exit code 1 if anything does.\n\n\b\n"
    "Example:\n  runreel cassette diff mine examples/modify-run",
)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@of_cassettes
def diff(
    first: str, second: str, config: Path | None, cassettes: Path | None, *, as_json: bool
) -> None:
    """Print what differs; nothing if nothing does."""
    from runreel.cli.cassette.sources import read
    from runreel.cli.terminal import say_json
    from runreel.core.comparing import compare
    from runreel.stores.files import FileStore

    store = FileStore(configuration(config, cassettes).cassettes)
    found = compare(read(store, first).cassette, read(store, second).cassette)
    if as_json:
        say_json(_document(found))
    else:
        _print(found)
    if not found.equal:
        sys.exit(1)


def _document(found: "Comparison") -> dict[str, Any]:
    return {
        "equal": found.equal,
        "head": [_side_by_side("head", item) for item in found.head],
        "changed": [
            {
                **_call(pair.first),
                "b": pair.second.id,
                "differences": [
                    *(_side_by_side("request", item) for item in pair.request),
                    *(_side_by_side("response", item) for item in pair.response),
                ],
            }
            for pair in found.changed
        ],
        "removed": [_call(item) for item in found.removed],
        "added": [_call(item, "b") for item in found.added],
    }


def _call(item: "Interaction", side: str = "a") -> dict[str, Any]:
    return {side: item.id, "method": item.request.method, "target": item.request.target}


def _side_by_side(part: str, item: "Difference") -> dict[str, Any]:
    from runreel.core.differences import ABSENT

    sides = {"a": item.sent, "b": item.recorded}
    shown = {side: value for side, value in sides.items() if value is not ABSENT}
    return {"part": part, "facet": item.facet, "at": item.at, **shown}


def _print(found: "Comparison") -> None:
    for item in found.head:
        _line("~", f"{item.facet}: {_values(item)}")
    for gone in found.removed:
        _line("-", _named(gone))
    for new in found.added:
        _line("+", _named(new))
    for pair in found.changed:
        other = f" (there {pair.second.id})" if pair.second.id != pair.first.id else ""
        _line("~", _named(pair.first) + other)
        for part, items in (("request", pair.request), ("response", pair.response)):
            for item in items:
                where = f"{part} {item.facet} {item.at}".rstrip()
                _line(" ", f"  {where}: {_values(item)}")


def _line(sign: str, text: str) -> None:
    from runreel.cli.terminal import paint, say

    say(paint(f"{sign} {text}", fg=_COLOURS.get(sign)))


def _named(item: "Interaction") -> str:
    return f"{item.id}  {item.request.method} {item.request.target}"


def _values(item: "Difference") -> str:
    return f"{_shown(item.sent)} -> {_shown(item.recorded)}"


def _shown(value: Any) -> str:
    from runreel.core.differences import ABSENT

    text = "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_CHARS_MAX else text[: _VALUE_CHARS_MAX - 1] + "…"
