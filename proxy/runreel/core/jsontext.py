"""JSON as text: strict reading, and where its strings stand.

Owns the reading rules that matching, bodies and redaction share, so that no two of them can
disagree about what a document says. Knows nothing of HTTP.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

DEPTH_MAX = 128  # levels of nesting; OpenAI's deepest answers have about ten

# One pass over any text: possessive, and an unterminated string runs to the end.
_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_BRACKET_OR_STRING = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_TOKEN = re.compile(_STRING + r'|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


class Unreadable(ValueError):
    """Not one JSON document in the plain sense: broken, too deep, or with duplicate members."""


def loads(
    text: str,
    parse_int: Callable[[str], Any] | None = None,
    parse_float: Callable[[str], Any] | None = None,
) -> Any:
    """Read one JSON document.

    Raises:
        Unreadable: broken JSON, NaN and Infinity, duplicate members, or deeper than `DEPTH_MAX`.
    """
    if too_deep(text):
        raise Unreadable(f"nested deeper than {DEPTH_MAX} levels")
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=parse_int,
            parse_float=parse_float,
        )
    except Unreadable:
        raise
    except ValueError as error:  # JSONDecodeError, and int() of more than 4,300 digits
        raise Unreadable(str(error)) from None


def too_deep(text: str) -> bool:
    """Whether the text nests deeper than `DEPTH_MAX`; decided without recursion."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return False
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif match[0] in "]}":
            depth -= 1
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("duplicate members")
    return members


def _refuse_constant(name: str) -> Any:
    raise Unreadable(f"{name} is not JSON")


def pointer(parent: str, step: str | int) -> str:
    """The JSON pointer (RFC 6901) of a child."""
    return f"{parent}/{str(step).replace('~', '~0').replace('/', '~1')}"


def steps(at: str) -> tuple[str, ...]:
    """The unescaped steps of a JSON pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in at.split("/")[1:])


@dataclass(frozen=True, slots=True)
class Span:
    """A member name or a value in a JSON text: `text[start:end]`, at JSON pointer `at`.

    `kind` is `name`, `string`, `scalar` (number, true, false, null) or `container`.
    """

    start: int
    end: int
    at: str
    kind: str


def spans(text: str) -> Iterator[Span]:
    """Every name and value of a document that `loads` accepts; containers after their content."""
    # One frame per open container: [pointer, start, next index or None for objects, member name].
    stack: list[list[Any]] = []
    expects_name = False
    for match in _TOKEN.finditer(text):
        piece = match[0]
        if piece in "[{":
            stack.append([_at(stack), match.start(), 0 if piece == "[" else None, ""])
            expects_name = piece == "{"
        elif piece in "]}":
            frame = stack.pop()
            yield Span(frame[1], match.end(), frame[0], "container")
        elif piece == ",":
            expects_name = stack[-1][2] is None
            if not expects_name:
                stack[-1][2] += 1
        elif piece == ":":
            expects_name = False
        elif expects_name:
            stack[-1][3] = json.loads(piece)
            yield Span(match.start(), match.end(), _at(stack), "name")
        else:
            kind = "string" if piece.startswith('"') else "scalar"
            yield Span(match.start(), match.end(), _at(stack), kind)


def _at(stack: list[list[Any]]) -> str:
    if not stack:
        return ""
    base, _, index, name = stack[-1]
    return pointer(base, name if index is None else index)
