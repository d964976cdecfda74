"""`runreel audit stats`: how much was changed by whom, was it done, and is the record complete."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.audit.sources import of_source

if TYPE_CHECKING:
    from collections import Counter

    from runreel.cli.audit.sources import Source
    from runreel.core.audit.statistics import Statistics

_OPEN_SHOWN = 10


@click.command(
    "stats",
    help="Count entries by operation, effect, actor and upstream; tell which keys were accepted "
    "and not set as asked, whether each upstream merges or replaces metadata (as it was seen to), "
    "and which changes have no outcome.\n\n\b\n"
    "Example:\n  runreel audit stats --json",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@of_source
def stats(source: "Source", *, as_json: bool) -> None:
    """Read everything once, and print the counts."""
    from runreel.cli.terminal import say, say_json
    from runreel.core.audit.statistics import Statistics

    found = Statistics()
    for entry in source.entries():
        found.take(entry)
    if as_json:
        say_json(_document(found))
        return
    for line in _lines(found):
        say(line)


def _document(found: "Statistics") -> dict[str, Any]:
    return {
        "entries": found.entries,
        "kinds": _ordered(found.kinds),
        "operations": _ordered(found.operations),
        "effects": _ordered(found.effects),
        "actors": _ordered(found.actors),
        "upstreams": {
            name: {
                "entries": count,
                "manner": found.conclusion(name),
                "merges": found.manners[name, "merges"],
                "replaces": found.manners[name, "replaces"],
            }
            for name, count in _ordered(found.upstreams).items()
        },
        "keys_not_as_asked": _ordered(found.keys),
        "without_outcome": sorted(found.open),
    }


def _ordered(counts: Mapping[Any, int]) -> dict[str, int]:
    """The counts by name, the largest first; nobody is `none`."""
    named = (("none" if name is None else name, count) for name, count in counts.items() if count)
    return dict(sorted(named, key=lambda pair: (-pair[1], pair[0])))


def _lines(found: "Statistics") -> Iterator[str]:
    from runreel.cli.audit.table import COLOURS, plain, table
    from runreel.cli.terminal import counted, paint

    kinds = (counted(found.kinds[kind], kind) for kind in ("intent", "outcome", "observation"))
    entries = "1 entry" if found.entries == 1 else f"{found.entries:,} entries"
    yield f"{entries}: {', '.join(kinds)}"
    sections: tuple[tuple[str, Counter[Any]], ...] = (
        ("OPERATION", found.operations),
        ("EFFECT", found.effects),
        ("ACTOR", found.actors),
        ("KEY NOT AS ASKED", found.keys),
    )
    for title, counts in sections:
        rows = [(plain(name), f"{count:,}") for name, count in _ordered(counts).items()]
        yield from table((title, "ENTRIES"), rows, COLOURS)
    upstreams = [
        (plain(name), f"{count:,}", found.conclusion(name))
        for name, count in _ordered(found.upstreams).items()
    ]
    yield from table(("UPSTREAM", "ENTRIES", "METADATA"), upstreams)
    if found.open:
        first = ", ".join(map(str, sorted(found.open)[:_OPEN_SHOWN]))
        more = ", …" if len(found.open) > _OPEN_SHOWN else ""
        yield paint(f"without an outcome: {len(found.open):,} ({first}{more})", fg="yellow")
    else:
        yield "every change has its outcome"
