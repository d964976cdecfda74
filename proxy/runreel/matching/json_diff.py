"""How two JSON values differ, and how two fingerprints do.

`json_differences` is the one walk through two documents: misses, `cassette diff`, drift, scrub and
the audit log all tell its results, so that places, types and what is absent mean the same in each.
A `Lens` says what its reader does not want to see; a plain one sees everything.

    >>> [*json_differences({"a": [1, 2]}, {"a": [1]})]
    [JsonDifference(at='/a/1', one=2, other=absent)]

`differences` reads the very texts that matching compared: there is no second code path that
explains. Knows nothing of cassettes; values come out as plain JSON.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from runreel.http import strict_json
from runreel.matching.matchers import Fingerprint


class _Absent:
    """The other side has something here, this side has nothing: not the same as null."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()

_KINDS = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    Decimal: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def kind_of(value: Any) -> str:
    """The JSON type of a value; of what is no JSON, the name of its class."""
    return _KINDS.get(type(value), type(value).__name__)


@dataclass(frozen=True, slots=True)
class JsonDifference:
    """Two values at one place (a JSON pointer) that differ; either may be `ABSENT`."""

    at: str
    one: Any
    other: Any


class Lens:
    """What a reader sees of two documents from one place on; this one sees everything."""

    __slots__ = ()

    def skips(self, one: Any, other: Any) -> bool:  # noqa: ARG002 - others look at them
        """Whether this place and all below it does not count."""
        return False

    def enters(self, one: Any, other: Any) -> bool:  # noqa: ARG002 - as above
        """Whether two objects or two arrays are told member by member, and not as a whole."""
        return True

    def compared(self, one: int, other: int) -> int:
        """How many items count of two arrays of these lengths."""
        return max(one, other)

    def alike(self, one: Any, other: Any) -> bool:
        """Whether two values of one type say the same."""
        return bool(one == other)

    def member(self, name: str) -> "Lens":  # noqa: ARG002 - as above
        """The lens of a member of the object here."""
        return self

    def item(self, index: int) -> "Lens":  # noqa: ARG002 - as above
        """The lens of an item of the array here."""
        return self


PLAIN_LENS = Lens()


def json_differences(
    one: Any, other: Any, lens: Lens = PLAIN_LENS, at: str = ""
) -> Iterator[JsonDifference]:
    """All that differs between two JSON values, members by name and items by index."""
    if lens.skips(one, other):
        return
    kind = kind_of(one)
    nested = kind in ("object", "array") and kind == kind_of(other) and lens.enters(one, other)
    if nested and kind == "object":
        for name in sorted(one.keys() | other.keys()):
            below = strict_json.pointer(at, name)
            sides = one.get(name, ABSENT), other.get(name, ABSENT)
            yield from json_differences(*sides, lens.member(name), below)
    elif nested:
        for index in range(lens.compared(len(one), len(other))):
            below = strict_json.pointer(at, index)
            yield from json_differences(
                item_of(one, index), item_of(other, index), lens.item(index), below
            )
    elif kind != kind_of(other) or (one is not other and not lens.alike(one, other)):
        yield JsonDifference(at, one, other)


def item_of(items: list[Any], index: int) -> Any:
    """An item of an array, `ABSENT` beyond its end."""
    return items[index] if index < len(items) else ABSENT


class _Ignored:
    """An item of an array that is not compared."""


_IGNORED = _Ignored()


class _Matched(Lens):
    """As matching compares: what is not compared is no more than what is not there."""

    def skips(self, one: Any, other: Any) -> bool:
        return {type(one), type(other)} == {_Ignored, _Absent}


_MATCHED = _Matched()


@dataclass(frozen=True, slots=True)
class Difference:
    """What was `sent` beside what was `recorded`, by one matcher.

    `at` is a JSON pointer for the body (of a form, it begins with the name of the part or field),
    a parameter name for the query, else empty. Either side
    may be `ABSENT`; otherwise both are plain JSON values (a number beyond a float is its text).
    """

    facet: str
    at: str
    sent: Any
    recorded: Any


_READ_CHARS_MAX = 1_000_000  # of two bodies that are compared member by member


def differences(sent: Fingerprint, recorded: Fingerprint) -> tuple[Difference, ...]:
    """Each difference between two fingerprints of the same `match_on`; empty if they are equal."""
    found: list[Difference] = []
    for (name, mine), (_, theirs) in zip(sent, recorded, strict=True):
        if mine != theirs:
            found += _EXPLAINED.get(name, _explain_header)(name, mine, theirs)
    return tuple(found)


def readable(name: str, text: str) -> Any:
    """What the text of a matcher says, as a `Difference` shows a side: plain JSON, or `ABSENT`."""
    return _READABLE.get(name, _header_value)(text)


def _explain_text(name: str, sent: str, recorded: str) -> list[Difference]:
    return [Difference(name, "", sent, recorded)]


def _explain_header(name: str, sent: str, recorded: str) -> list[Difference]:
    return [Difference(name, "", _header_value(sent), _header_value(recorded))]


def _header_value(side: str) -> Any:
    value = json.loads(side)
    return ABSENT if value is None else value


def _explain_query(name: str, sent: str, recorded: str) -> list[Difference]:
    mine, theirs = (_by_parameter(json.loads(side)) for side in (sent, recorded))
    return [
        Difference(name, _printable(key), _parameter(mine, key), _parameter(theirs, key))
        for key in sorted(mine | theirs)
        if mine.get(key) != theirs.get(key)
    ]


def _query_value(side: str) -> Any:
    found = _by_parameter(json.loads(side))
    return {_printable(key): _parameter(found, key) for key in found} or ABSENT


def _by_parameter(pairs: list[list[str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    return grouped


def _parameter(grouped: dict[str, list[str]], key: str) -> Any:
    found = [_printable(value) for value in grouped.get(key, [])]
    return (found[0] if len(found) == 1 else found) if found else ABSENT


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _explain_body(name: str, sent: str, recorded: str) -> list[Difference]:
    if len(sent) + len(recorded) > _READ_CHARS_MAX:
        return _explain_text(name, sent, recorded)  # nobody reads all that differs in so much
    kind = sent.partition(" ")[0]
    if kind in _STRUCTURED and recorded.startswith(f"{kind} "):
        mine, theirs = (_parsed(side) for side in (sent, recorded))
        return [
            Difference(name, item.at, plain(item.one), plain(item.other))
            for item in json_differences(mine, theirs, _MATCHED)
        ]
    return [Difference(name, "", _body_value(sent), _body_value(recorded))]


_STRUCTURED = ("json", "multipart", "form")


def _parsed(side: str) -> Any:
    kind, _, text = side.partition(" ")
    parsed = json.loads(text, parse_float=Decimal, parse_constant=lambda _: _IGNORED)
    if kind != "form":
        return parsed
    fields = _by_parameter(parsed)
    return {key: found[0] if len(found) == 1 else found for key, found in fields.items()}


def _body_value(side: str) -> Any:
    kind, _, text = side.partition(" ")
    if kind == "absent":
        return ABSENT
    if kind in _STRUCTURED:
        return plain(_parsed(side))
    return text.encode("latin-1").decode("utf-8", "backslashreplace")


def plain(value: Any) -> Any:
    """A JSON value as it may be written: a number beyond a float is its text, and so is what was
    not compared.
    """
    if isinstance(value, dict):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    if value is _IGNORED:
        return "[ignored]"
    return _number(value) if isinstance(value, Decimal) else value


def _number(value: Decimal) -> float | str:
    # Beyond what a float holds, its text: two numbers that differ must not look the same.
    rounded = float(value)
    return rounded if Decimal(repr(rounded)) == value else str(value)


_EXPLAINED: dict[str, Callable[[str, str, str], list[Difference]]] = {
    "method": _explain_text,
    "path": _explain_text,
    "query": _explain_query,
    "body": _explain_body,
}
_READABLE: dict[str, Callable[[str], Any]] = {
    "method": str,
    "path": str,
    "query": _query_value,
    "body": _body_value,
}
