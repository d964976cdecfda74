"""`runreel audit blame`: who made each key of a run's metadata what it is."""

from typing import TYPE_CHECKING, Any

import click

from runreel.cli.audit.sources import of_source

if TYPE_CHECKING:
    from runreel.cli.audit.sources import Source
    from runreel.core.audit.ledger import Setting

_TITLES = ("KEY", "VALUE", "HOW", "ENTRY", "AT", "ACTOR", "OPERATION")
_COLOURS = {"set": "green", "removed": "red", "seen": "yellow", "seen gone": "yellow"}


@click.command(
    "blame",
    help="Show for each key of a run its value, the entry that set it, when, and by whom; keys "
    "that were removed too. A value that was only seen was set by nobody known, and before that "
    "entry. Setting a key to the value it has does not count.\n\n\b\n"
    "Example:\n  runreel audit blame run_abc123",
)
@click.argument("run", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@of_source
def blame(source: "Source", run: str, *, as_json: bool) -> None:
    """Print a row for each key, in order of the keys."""
    from runreel.cli.audit.show import books_of, doubtful
    from runreel.cli.audit.table import table
    from runreel.cli.terminal import paint, say, say_json

    books = books_of(source, run)
    settings = [books.settings[key] for key in sorted(books.settings)]
    if as_json:
        keys = [_document(each) for each in settings]
        say_json({"run_id": run, "keys": keys, "doubts": sorted(books.doubts)})
        return
    for line in table(_TITLES, map(_row, settings), _COLOURS):
        say(line)
    for _, entry in sorted(books.doubts.items()):
        say(paint(doubtful(entry), fg="yellow"))


def _how(setting: "Setting") -> str:
    if setting.changed:
        return "removed" if setting.gone else "set"
    return "seen gone" if setting.gone else "seen"


def _document(setting: "Setting") -> dict[str, Any]:
    entry = setting.entry
    return {
        "key": setting.key,
        "value": setting.value,
        "how": _how(setting),
        "entry": entry.seq,
        "at": entry.at,
        "actor": entry.actor if setting.changed else None,
        "operation": entry.operation,
    }


def _row(setting: "Setting") -> tuple[str, ...]:
    from runreel.cli.audit.table import actor, plain, short

    entry = setting.entry
    return (
        plain(setting.key),
        "-" if setting.gone else short(setting.value),
        _how(setting),
        str(entry.seq),
        plain(entry.at),
        actor(entry.actor) if setting.changed else "-",
        plain(entry.operation),
    )
