"""What commands print for people, and for scripts with `--json`.

Colour stands on a terminal only, and never with NO_COLOR; what is painted is made safe first.
"""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import click

from runreel.text import safe


def paint(text: str, **style: Any) -> str:
    """The text, made safe, in a style of `click.style` where colours are wanted."""
    return click.style(safe(text), **style) if colours(sys.stdout) else safe(text)


def say(line: str = "", *, err: bool = False) -> None:
    """Print a line of safe and painted pieces, in whatever encoding there is."""
    stream = sys.stderr if err else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    click.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err, color=True)


def say_json(document: Any) -> None:
    """Print a document as JSON, in ASCII, so that neither encoding nor terminal matters."""
    say(json.dumps(document, indent=2, ensure_ascii=True))


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines with their columns below each other; not yet safe to say."""
    listed = [*rows]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in listed
    ]


def colours(stream: TextIO | None) -> bool:
    """Whether colours are wanted there; None is a stream that the command was started without."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain
