"""How two JSON values differ, and how two fingerprints do.

`json_differences` is the one walk through two documents: misses, `cassette diff`, drift, scrub and
the audit log all tell its results, so that places, types and what is absent mean the same in each.
A `Lens` says what its reader does not want to see; a plain one sees everything.

    >>> [*json_differences({"a": [1, 2]}, {"a": [1]})]
    [JsonDifference(at='/a/1', one=2, other=absent)]

`differences` reads the very texts that matching compared: there is no second code path that
explains. `unified_diff` shows the same two sides line by line, cut around what differs, and `apart`
two values so that what is shown of them is not the same. Knows nothing of cassettes; values come
out as plain JSON, and what is shown is safe for a terminal.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from runreel.http import strict_json
from runreel.matching.matchers import HEADER_PREFIX, Fingerprint
from runreel.text import counted, cut, excerpt, json_excerpt, safe


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
    found = grouped.get(key, [])
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
    # As in a part of a form: bytes that are no UTF-8 stay apart, and can be told to be bytes.
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


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


VALUE_CHARS_MAX = 100  # of a value that is shown
_AROUND_CHARS = 60  # of a longer one, where it differs
_BEFORE_CHARS = 20  # of these, equal ones before that
_SHOWN_BYTES = 16  # of a binary value
_BEFORE_BYTES = 4


def apart(one: Any, other: Any) -> tuple[str, str]:
    """Two values that differ, each in one short line, so that the lines differ too: of long texts
    and of bytes the piece where they begin to differ, with its place and the whole length.
    """
    if not (isinstance(one, str) and isinstance(other, str)):
        whole = _alone(one), _alone(other)
        if whole[0] != whole[1]:
            return whole
        texts = [json.dumps(each, ensure_ascii=False) for each in (one, other)]
        at = first_difference(*texts)
        return _text_around(texts[0], at), _text_around(texts[1], at)
    at = first_difference(one, other)
    if not (_is_text(one, at) and _is_text(other, at)):
        mine, theirs = _octets(one), _octets(other)
        if mine is not None and theirs is not None:
            at = first_difference(mine, theirs)
            return _bytes_around(mine, at), _bytes_around(theirs, at)
    short = max(len(one), len(other)) <= VALUE_CHARS_MAX - 2
    shown = [_quoted(each) if short else _text_around(each, at) for each in (one, other)]
    if not (one[at : at + 1] + other[at : at + 1]).isascii():
        # What looks alike may be another character.
        shown = [
            f"{text} (character {at + 1:,}: {_code_point(each, at)})"
            for text, each in zip(shown, (one, other), strict=True)
        ]
    return shown[0], shown[1]


def _alone(side: Any) -> str:
    if side is ABSENT:
        return "nothing"
    if not isinstance(side, str):
        return json_excerpt(side, VALUE_CHARS_MAX)
    octets = None if _is_text(side, 0) else _octets(side)
    if octets is None:
        return json_excerpt(side[: VALUE_CHARS_MAX + 1], VALUE_CHARS_MAX)
    return _bytes_around(octets, 0)


def first_difference(one: str | bytes, other: str | bytes) -> int:
    """How long two texts are equal from their beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:  # by halves: a comparison of a whole slice takes no time
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _is_text(text: str, at: int) -> bool:
    """Whether nothing in it stands for a byte that is no UTF-8: of a very long text, nothing in the
    piece that is shown.
    """
    if len(text) > _READ_CHARS_MAX:
        text = text[max(0, at - _BEFORE_CHARS) :][:_AROUND_CHARS]
    try:
        return text.isascii() or bool(text.encode("utf-8"))  # by far the quickest way to look
    except UnicodeEncodeError:
        return False


def _octets(text: str) -> bytes | None:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair, which JSON may hold and no bytes are
        return None


def _bytes_around(octets: bytes, at: int) -> str:
    start = max(0, at - _BEFORE_BYTES)
    piece = octets[start : start + _SHOWN_BYTES].hex(" ")
    if not octets:
        return "0 bytes"
    where = "the end" if not piece else f"byte {start + 1:,}: {piece}"
    more = " …" if start + _SHOWN_BYTES < len(octets) else ""
    return f"{counted(len(octets), 'byte')}, from {where}{more}"


def _text_around(text: str, at: int) -> str:
    start = max(0, at - _BEFORE_CHARS)
    end = min(len(text), start + _AROUND_CHARS)
    piece = ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
    return f"{_quoted(piece)} (characters {start + 1:,} to {end:,} of {len(text):,})"


def _quoted(text: str) -> str:
    return safe(json.dumps(text, ensure_ascii=False))


def _code_point(text: str, at: int) -> str:
    return f"U+{ord(text[at]):04X}" if at < len(text) else "none"


DIFF_LINES_MAX = 40  # of a unified diff, its two first ones included
DIFF_CONTEXT_LINES = 3
_NAME_CHARS_MAX = 60  # of a name of a member, parameter or header
_INDENT_MAX = 40  # columns; what lies deeper is not moved further

Line = tuple[str, str, str]  # the mark of a unified diff, the text, and the place it is at


def unified_diff(
    sent: Fingerprint, recorded: Fingerprint, found: tuple[Difference, ...], name: str
) -> tuple[str, ...]:
    """The lines of a unified diff from the recording of that name to the request that was sent,
    as they were compared and `found` to differ: request line, query, headers and body, with few
    equal lines around the first differences, and not all of it where that would be long.
    """
    lines = [f"--- recorded: {excerpt(name, VALUE_CHARS_MAX)}", "+++ sent"]
    for line in _cut_around(_request_lines(dict(sent), dict(recorded), found)):
        if len(lines) == DIFF_LINES_MAX - 1:
            return (*lines, "@@ more differences; the receipt has all of them @@")
        lines.append(line)
    return tuple(lines)


def _cut_around(lines: Iterator[Line]) -> Iterator[str]:
    # One more than are shown, so that no line is left out for a line that says so.
    before: deque[str] = deque(maxlen=DIFF_CONTEXT_LINES + 1)
    left_out = after = 0
    for mark, text, at in lines:
        if mark != " ":
            if left_out:
                before.popleft()
                left_out += 1
                yield f"@@ {counted(left_out, 'equal line')} left out @@ {at}".rstrip()
            yield from (f" {each}" for each in before)
            before.clear()
            left_out, after = 0, DIFF_CONTEXT_LINES
            yield f"{mark}{text}"
        elif after:
            after -= 1
            yield f" {text}"
        else:
            left_out += len(before) == before.maxlen
            before.append(text)


def _request_lines(
    sent: dict[str, str], recorded: dict[str, str], found: tuple[Difference, ...]
) -> Iterator[Line]:
    calls = [
        f"{side.get('method', '')} {side.get('path', '')}".strip() for side in (sent, recorded)
    ]
    if calls[0] == calls[1]:
        yield " ", excerpt(calls[0], VALUE_CHARS_MAX), ""
    else:
        mine, theirs = apart(*calls)
        yield "-", _unquoted(theirs), ""
        yield "+", _unquoted(mine), ""
    query = [_by_parameter(json.loads(side.get("query", "[]"))) for side in (sent, recorded)]
    for key in sorted(query[0] | query[1]):
        yield from _named_lines(f"?{_printable(key)}=", *(_parameter(side, key) for side in query))
    for name in sorted(each for each in sent if each.startswith(HEADER_PREFIX)):
        sides = _header_value(sent[name]), _header_value(recorded[name])
        yield from _named_lines(f"{name.removeprefix(HEADER_PREFIX)}: ", *sides)
    if "body" in sent:
        of_body = [item for item in found if item.facet == "body"]
        yield from _body_lines(sent["body"], recorded["body"], of_body)


def _unquoted(text: str) -> str:
    return text[1:-1] if text.startswith('"') and text.endswith('"') else text


def _named_lines(label: str, mine: Any, theirs: Any) -> Iterator[Line]:
    label = excerpt(label, _NAME_CHARS_MAX)
    if mine == theirs:
        if mine is not ABSENT:
            yield " ", label + _unquoted(_alone(mine)), ""
        return
    shown = dict(zip("+-", apart(mine, theirs), strict=True))
    for mark, side in (("-", theirs), ("+", mine)):
        if side is not ABSENT:
            yield mark, label + _unquoted(shown[mark]), ""


def _body_lines(sent: str, recorded: str, found: list[Difference]) -> Iterator[Line]:
    kind = sent.partition(" ")[0]
    whole = any(not item.at for item in found)  # or too much to be looked into
    if kind in _STRUCTURED and recorded.startswith(f"{kind} ") and not whole:
        if len(sent) > _READ_CHARS_MAX:
            yield " ", f"body: {kind}, equal, {len(sent):,} characters", "body"
            return
        touched = {""} if found else set[str]()
        for item in found:
            at = item.at
            while at and at not in touched:
                touched.add(at)
                at = at.rpartition("/")[0]
        yield from _value_lines(_parsed(sent), _parsed(recorded), touched, "", "", "")
    elif found:
        yield from _named_lines("body: ", found[0].sent, found[0].recorded)
    elif kind != "absent":
        yield " ", f"body: {_alone(_body_value(sent))}", "body"


def _value_lines(
    mine: Any, theirs: Any, touched: set[str], at: str, label: str, indent: str
) -> Iterator[Line]:
    where = f"body {excerpt(at, VALUE_CHARS_MAX)}".rstrip()
    if at not in touched:
        side = theirs if mine is ABSENT else mine
        if side is not ABSENT:
            yield " ", f"{indent}{label}{_brief(side)}" + ("," if at else ""), where
        return
    kind = kind_of(mine)
    if kind != kind_of(theirs) or kind not in ("object", "array"):
        shown = dict(zip("+-", apart(plain(mine), plain(theirs)), strict=True))
        for mark, side in (("-", theirs), ("+", mine)):
            if side is not ABSENT:
                yield mark, f"{indent}{label}{shown[mark]},", where
        return
    opening, closing = "{}" if kind == "object" else "[]"
    yield " ", f"{indent}{label}{opening}", where
    inner = f"{indent}  "[:_INDENT_MAX]
    if kind == "object":
        for name in sorted(mine.keys() | theirs.keys()):
            sides = mine.get(name, ABSENT), theirs.get(name, ABSENT)
            told = f"{cut(_quoted(name[:_NAME_CHARS_MAX]), _NAME_CHARS_MAX)}: "
            yield from _value_lines(*sides, touched, strict_json.pointer(at, name), told, inner)
    else:
        for index in range(max(len(mine), len(theirs))):
            items = item_of(mine, index), item_of(theirs, index)
            yield from _value_lines(*items, touched, strict_json.pointer(at, index), "", inner)
    yield " ", f"{indent}{closing}" + ("," if at else ""), where


def _brief(value: Any) -> str:
    """A value that is equal on both sides: what is in it is not worth a line."""
    match value:
        case dict() | list() if not value:
            return "{}" if isinstance(value, dict) else "[]"
        case dict():
            return f"{{… {counted(len(value), 'member')}}}"
        case list():
            return f"[… {counted(len(value), 'item')}]"
    return _alone(plain(value))
