"""Text for people: safe for a terminal, and no longer than anybody reads.

What is told may come out of a request, a cassette or an audit log, so it may hold anything. `safe`
is the one rule by which nothing in it steers a terminal, hides a part of a line or breaks the
encoding of who prints it; `cut` and `excerpt` are the one way in which a long text ends.
"""

import json
from typing import Any


def safe(text: str) -> str:
    """One line that shows what it holds and does nothing else: the rest is escaped as in JSON."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def safe_ascii(text: str) -> str:
    """The same, where not even letters beyond ASCII may pass."""
    return safe(text if text.isascii() else "".join(map(_in_ascii, text)))


def cut(text: str, chars_max: int) -> str:
    """The text, or its beginning with an ellipsis, in so many characters at most."""
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"


def excerpt(text: str, chars_max: int) -> str:
    """The beginning of a text, made safe, in so many characters at most."""
    return cut(safe(text[: chars_max + 1]), chars_max)


def json_excerpt(value: Any, chars_max: int) -> str:
    """The same of a JSON value."""
    return excerpt(json.dumps(value, ensure_ascii=False), chars_max)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """The number with its noun: `1 finding`, `2 findings`, `2 entries`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def _in_ascii(char: str) -> str:
    return char if char.isascii() else json.dumps(char)[1:-1]
