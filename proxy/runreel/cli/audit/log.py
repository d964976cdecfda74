"""`runreel audit log`: the entries that a question is about."""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.audit.sources import of_source

if TYPE_CHECKING:
    from runreel.cli.audit.sources import Source
    from runreel.core.audit.entries import Entry
    from runreel.core.audit.selection import Selection

_TITLES = ("ENTRY", "AT", "OPERATION", "RUN", "ACTOR", "EFFECT", "STATUS", "CHANGES")
_EFFECTS = ("applied", "partly_applied", "not_applied", "refused", "unknown")
_FORMULA = "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
_FORMULA += "\N{FULLWIDTH COMMERCIAL AT}"


@click.command(
    "log",
    help="Show changes of metadata, oldest first: a line for each change with what became of it, "
    "for each read that saw a change nobody made through runreel, and for each change without an "
    "outcome. --all shows every entry.\n\n"
    "Times are ISO 8601, UTC unless they say their zone; a date alone is that whole day.\n\n\b\n"
    "Examples:\n"
    "  runreel audit log --key stage --since 2026-11-01\n"
    "  runreel audit log --run run_abc123 --effect refused --json",
)
@click.option("--run", metavar="ID", help="Of this run.")
@click.option("--thread", metavar="ID", help="Of the runs of this thread.")
@click.option("--actor", metavar="HEX", help="By this actor (the first digits do), or by 'none'.")
@click.option("--key", help="That asked for this key, or changed it.")
@click.option("--value", metavar="TEXT", help="That asked for this value, or made it.")
@click.option("--operation", metavar="NAME", help="Such as modifyRun or createRun.")
@click.option("--effect", type=click.Choice(_EFFECTS), help="Of which this became.")
@click.option("--since", metavar="TIME", help="At this time or later.")
@click.option("--until", metavar="TIME", help="At this time or earlier.")
@click.option("--all", "everything", is_flag=True, help="Every entry, reads and intents too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON lines: the entries as they stand.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV; what looks like a formula gets a '.")
@of_source
def log(
    source: "Source", *, everything: bool, as_json: bool, as_csv: bool, **conditions: Any
) -> None:
    """Print the selected entries as they are read."""
    from runreel.cli.audit.table import COLOURS, table
    from runreel.cli.terminal import say
    from runreel.core.audit.selection import Question
    from runreel.core.errors import StartRefused

    if as_json and as_csv:
        raise StartRefused("give either --json or --csv, not both")
    question = Question(_selection(**conditions))
    found = question.remarkable(source.entries(question.glance), everything=everything)
    if as_json:
        lines: Iterable[str] = map(_json, found)
    elif as_csv:
        lines = _csv(found)
    else:
        lines = table(_TITLES, (_row(entry, raw=everything) for entry in found), COLOURS)
    for line in lines:
        say(line)


def _selection(**given: str | None) -> "Selection":
    """The selection of the options.

    Raises:
        StartRefused: one of them cannot be meant.
    """
    import re

    from runreel.cli.audit.times import moment_of
    from runreel.core.audit.selection import NOBODY, Selection
    from runreel.core.errors import StartRefused

    for option, text in given.items():
        if text is not None and text.encode("utf-8", "replace").decode("utf-8") != text:
            raise StartRefused(f"--{option}: {text!r} is not UTF-8")
    actor = given["actor"]
    if actor is not None and actor != NOBODY:
        actor = actor.lower()
        if not re.fullmatch(r"(hmac-sha256:)?[0-9a-f]{1,32}", actor):
            raise StartRefused(
                f"--actor: {actor!r} is no actor; give the first digits of one that runreel audit "
                "log shows, or 'none'"
            )
    times = {
        "since": moment_of("--since", given["since"]),
        "until": moment_of("--until", given["until"], end=True),
    }
    return Selection(**given | times | {"actor": actor})


def _row(entry: "Entry", *, raw: bool) -> tuple[str, ...]:
    from runreel.cli.audit.table import actor, changes, plain

    # Without --all an intent is only there because it has no outcome.
    unconcluded = entry.kind if raw else "no outcome"
    effect = "seen" if entry.kind == "observation" else entry.effect or unconcluded

    return (
        str(entry.seq),
        plain(entry.at),
        plain(entry.operation),
        plain(entry.run_id),
        actor(entry.actor),
        effect,
        "-" if entry.status is None else str(entry.status),
        changes(entry),
    )


def _json(entry: "Entry") -> str:
    from runreel.core.audit.entries import entry_document

    return json.dumps(entry_document(entry), ensure_ascii=True)


def _csv(entries: "Iterable[Entry]") -> Iterator[str]:
    import csv
    import io

    from runreel.core.audit.entries import MEMBERS, entry_document

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="")

    def written(cells: Iterable[str]) -> str:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(cells)
        return buffer.getvalue()

    names = ("seq", *(name for name in MEMBERS if name != "seq"))
    yield written(names)
    for entry in entries:
        document = entry_document(entry)
        yield written(_cell(document[name]) for name in names)


def _cell(value: Any) -> str:
    """A value on one line that no spreadsheet takes for a formula."""
    from runreel.cli.terminal import safe
    from runreel.core.audit.selection import shown

    if value is None:
        return ""
    text = safe(value if isinstance(value, str) else shown(value))
    return f"'{text}" if text.lstrip().startswith(tuple(_FORMULA)) else text
