"""`runreel audit show`: a run's metadata, now or at a time."""

from typing import TYPE_CHECKING, Any

import click

from runreel.cli.audit.sources import of_source
from runreel.core.errors import StartRefused

if TYPE_CHECKING:
    from runreel.cli.audit.sources import Source
    from runreel.core.audit.entries import Entry
    from runreel.core.audit.ledger import RunLedger


@click.command(
    "show",
    help="Show the metadata of a run as it was last known, or as it was at a time, and which "
    "entries made it so. A time is ISO 8601, UTC unless it says its zone; a date alone is the end "
    "of that day.\n\n\b\n"
    "Example:\n  runreel audit show run_abc123 --at 2026-11-22",
)
@click.argument("run", metavar="RUN")
@click.option("--at", metavar="TIME", help="As it was then.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@of_source
def show(source: "Source", run: str, at: str | None, *, as_json: bool) -> None:
    """Print the metadata, key by key with the entry that made it."""
    from runreel.cli.audit.times import moment_of
    from runreel.cli.terminal import say, say_json

    until = moment_of("--at", at, end=True)
    books = books_of(source, run, until)
    if as_json:
        say_json(_document(run, until, books))
        return
    for line in _lines(run, until, books):
        say(line)


def books_of(source: "Source", run: str, until: str | None = None) -> "RunLedger":
    """What the source knows of a run.

    Raises:
        StartRefused: nothing, at that time.
    """
    from runreel.core.audit.ledger import of_run
    from runreel.core.audit.selection import Question, Selection

    try:
        glance = Question(Selection(run=run)).glance
    except ValueError:
        raise StartRefused(f"{run!r} cannot be the id of a run: it is not UTF-8") from None
    found = of_run(run, source.entries(glance), until)
    if found is None:
        when = f" until {until}" if until else ""
        raise StartRefused(
            f"{source.name}: there is nothing of a run '{run}'{when}; runreel audit log shows the "
            "runs that there are"
        )
    return found


def doubtful(entry: "Entry") -> str:
    """The sentence about a change of which nobody knows whether it was made."""
    from runreel.cli.audit.table import short

    asked = short(entry.requested)
    return f"entry {entry.seq} asked for {asked} at {entry.at}, and nobody knows what came of it"


def _document(run: str, until: str | None, books: "RunLedger") -> dict[str, Any]:
    return {
        "run_id": run,
        "thread_id": books.thread_id,
        "at": until,
        "metadata": books.metadata,
        "seen": books.seen and {"seq": books.seen.seq, "at": books.seen.at},
        "made_by": list(books.made_by),
        "doubts": sorted(books.doubts),
    }


def _lines(run: str, until: str | None, books: "RunLedger") -> list[str]:
    from runreel.cli.audit.table import plain, short, table
    from runreel.cli.terminal import paint, safe

    when = f"at {until}" if until else "as last known"
    told = [f"{paint(plain(run), bold=True)} of {safe(plain(books.thread_id))}, {when}"]
    if books.seen is None:
        told.append("its metadata is unknown: no answer showed it")
    elif not books.metadata:
        told.append(f"no metadata: entry {books.seen.seq} showed none")
    else:
        current = [each for each in books.settings.values() if not each.gone]
        rows = [
            (plain(each.key), short(each.value), str(each.entry.seq))
            for each in sorted(current, key=lambda each: each.key)
        ]
        told += table(("KEY", "VALUE", "ENTRY"), rows)
        told.append(f"last shown by entry {books.seen.seq} at {safe(books.seen.at)}")
    for _, entry in sorted(books.doubts.items()):
        told.append(paint(doubtful(entry), fg="yellow"))
    return told
