"""How entries look to people: tables, and texts in which nothing can pretend to be something else.

Owns that a text out of the log stands in quotes as soon as it could be taken for several, and that
a table takes no more memory the longer it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runreel.core.audit.entries import Entry

COLOURS = {
    "applied": "green",
    "partly_applied": "yellow",
    "not_applied": "yellow",
    "refused": "red",
    "unknown": "magenta",
    "no outcome": "magenta",
}
_ALIGNED = 1_000  # rows that decide how wide the columns are; later ones may stick out
_VALUE_MAX = 80  # characters of a value in a table; --json and --csv have all of them
_ACTOR_DIGITS = 8
_PLAIN = re.compile(r"""[^\s"\x00-\x20\x7f-\U0010ffff]+""")


def table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], colours: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Lines with their cells below each other, painted by what they say; for `say`."""
    from runreel.cli.terminal import paint, safe

    written = ([safe(cell) for cell in row] for row in rows)
    first = list(islice(written, _ALIGNED))
    if not first:
        return
    widths = [max(map(len, column)) for column in zip(titles, *first, strict=True)]
    yield paint(_padded(titles, widths), bold=True)
    for row in chain(first, written):
        line = []
        for cell, width in zip(row, widths, strict=True):
            colour = (colours or {}).get(cell)
            space = " " * (width - len(cell))
            line.append((paint(cell, fg=colour) if colour else cell) + space)
        yield "  ".join(line).rstrip()


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def plain(text: str | None) -> str:
    """A text that is one word as it is; else, quotes and all, as JSON."""
    from runreel.core.audit.selection import shown

    if text is None:
        return "-"
    return text if _PLAIN.fullmatch(text) else shown(text)


def short(value: Any) -> str:
    """A value as JSON; a long one is cut."""
    from runreel.core.audit.selection import shown

    text = shown(value)
    return text if len(text) <= _VALUE_MAX else f"{text[:_VALUE_MAX]}…"


def actor(name: str | None) -> str:
    """The beginning of an actor, enough for `--actor`."""
    if name is None:
        return "-"
    return plain(name.removeprefix("hmac-sha256:")[:_ACTOR_DIGITS])


def changes(entry: "Entry") -> str:
    """What an entry changed, and asked for where that was not all of it; else why nobody knows."""
    found = []
    for each in entry.changes:
        if each.change == "removed":
            found.append(f"-{plain(each.key)}: {short(each.old)}")
        elif each.change == "added":
            found.append(f"+{plain(each.key)}: {short(each.new)}")
        else:
            old = "?" if entry.before == "unknown" else short(each.old)
            found.append(f"{plain(each.key)}: {old} -> {short(each.new)}")
    if entry.requested is not None and entry.effect != "applied":
        found.append(f"asked for {short(entry.requested)}")
    if found or entry.requested:
        return ", ".join(found) or "no change"
    return short(entry.reason) if entry.reason else ""
