"""What tells two fingerprints apart, facet by facet.

Owns `differences`, which reads the very texts that matching compared: there is no second code path
that explains. Knows nothing of cassettes; values come out as plain JSON.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from runreel.http import json_pointer
from runreel.matching.matchers import Fingerprint


class _Absent:
    """The other side has something here, this side has nothing: not the same as null."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


class _Ignored:
    """An item of an array that is not compared."""


_IGNORED = _Ignored()


@dataclass(frozen=True, slots=True)
class Difference:
    """What was `sent` beside what was `recorded`, in one facet.

    `at` is a JSON pointer for the body (of a form, it begins with the name of the part or field),
    a parameter name for the query, else empty. Either side
    may be `ABSENT`; otherwise both are plain JSON values (a number beyond a float is its text).
    """

    facet: str
    at: str
    sent: Any
    recorded: Any


def differences(sent: Fingerprint, recorded: Fingerprint) -> tuple[Difference, ...]:
    """Each difference between two fingerprints of the same `match_on`; empty if they are equal."""
    found: list[Difference] = []
    for (name, mine), (_, theirs) in zip(sent, recorded, strict=True):
        if mine != theirs:
            found += _EXPLAINED.get(name, _explain_header)(name, mine, theirs)
    return tuple(found)


def readable(name: str, text: str) -> Any:
    """What the text of a facet says, as a `Difference` shows a side: plain JSON, or `ABSENT`."""
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
    kind = sent.partition(" ")[0]
    if kind in _STRUCTURED and recorded.startswith(f"{kind} "):
        mine, theirs = (_parsed(side) for side in (sent, recorded))
        found: list[Difference] = []
        _walk(name, "", mine, theirs, found)
        return found
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


def _walk(name: str, at: str, sent: Any, recorded: Any, found: list[Difference]) -> None:
    if isinstance(sent, dict) and isinstance(recorded, dict):
        children = [
            (key, sent.get(key, ABSENT), recorded.get(key, ABSENT))
            for key in sorted(sent.keys() | recorded.keys())
        ]
    elif isinstance(sent, list) and isinstance(recorded, list):
        children = [
            (index, _item(sent, index), _item(recorded, index))
            for index in range(max(len(sent), len(recorded)))
        ]
    else:
        # What is not compared is no more than what is not there.
        ignored = {type(sent), type(recorded)} == {_Ignored, _Absent}
        if not ignored and (type(sent) is not type(recorded) or sent != recorded):
            found.append(Difference(name, at, plain(sent), plain(recorded)))
        return
    for step, mine, theirs in children:
        _walk(name, json_pointer.pointer(at, step), mine, theirs, found)


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else ABSENT


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
