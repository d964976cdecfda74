"""JSON as text: strict reading, places in a document, and one text for all its spellings.

Matching, bodies, redaction and the configuration read JSON by these rules, so that no two of them
can disagree about what a document says.

A *pointer* (RFC 6901) says where something stands: `/data/0/metadata`. A *pattern* says it of
several places at once, `*` standing for any one step: `/data/*/metadata/email` is the address in
each item of a list. It means the same in `match.ignore_body`, `redaction.body` and `verify.ignore`.
It has no escape: a member called `*` is one of those it stands for.

The *canonical* text is what the body matcher compares: members sorted by name, numbers by value and
exact in decimal, strings by their code points.

    {"b": 1.50, "a": "\u00e9"}  and  {"a":"é","b":1.5}   ->   {"a":"é","b":1.5}
    9007199254740993  and  9007199254740992               ->   two different texts

That is not RFC 8785, which rounds numbers to doubles: two different changes of metadata must never
look the same here.

Much JSON is read and written *natively*, by orjson, ten times as fast. It lets other things through
and writes other spellings: of two members of one name it keeps the last, integers beyond 64 bits
become floats, `1e5` comes back as 100000.0, and 0.00001 is Python's 1e-05. So nothing of it is
believed before it is proved: a text that orjson writes again, byte for byte, in one of Python's
layouts has none of the first three, and a value whose floats are of ordinary size not the last.
What cannot be proved is None here, and its caller goes the slow way.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, NoReturn

import orjson

ANY_STEP = "*"
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+", re.DOTALL)

Steps = tuple[str, ...]


def pointer(parent: str, step: str | int) -> str:
    """The pointer of a child."""
    return f"{parent}/{str(step).replace('~', '~0').replace('/', '~1')}"


def steps(at: str) -> Steps:
    """The unescaped steps of a pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in at.split("/")[1:])


def is_pointer(text: str) -> bool:
    """Whether a text is a pointer, or a pattern, of something within a document."""
    return _POINTER.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Patterns:
    """Some patterns, seen from one place of a document: the steps that each has still to go."""

    left: tuple[Steps, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Patterns":
        """The patterns of some texts, seen from the document itself."""
        return cls(tuple(map(steps, texts)))

    def __bool__(self) -> bool:
        """Whether there is anything to look for from here on."""
        return bool(self.left)

    @property
    def here(self) -> bool:
        """Whether one of them means this very place."""
        return not all(self.left)

    def below(self, step: str) -> "Patterns":
        """Those that go on through a member or an item of this place, seen from there."""
        if not self.left:
            return self
        return Patterns(
            tuple(left[1:] for left in self.left if left and left[0] in (ANY_STEP, step))
        )

    def mean(self, at: str) -> bool:
        """Whether one of them means the place of a pointer."""
        found = self
        for step in steps(at):
            found = found.below(step)
        return found.here


NOWHERE = Patterns()


DEPTH_MAX = 128  # levels of nesting; OpenAI's deepest answers have about ten

_DOCUMENT_CHARS_MAX = 65_536  # of one whose value is remembered

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
        if parse_int is None and parse_float is None and text[:1] != "\ufeff":
            return _DECODER.decode(text)
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


def document(text: str) -> Any:
    """As `loads`, for a text that several look at: nobody may change the value.

    Raises:
        Unreadable: as `loads`.
    """
    return _document(text) if len(text) <= _DOCUMENT_CHARS_MAX else loads(text)


@lru_cache(maxsize=64)
def _document(text: str) -> Any:
    return loads(text)


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


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


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


_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})


class BadDocument(ValueError):
    """A document that is not a cassette of format 1: `at` is a JSON path, `reason` a sentence."""

    def __init__(self, at: str, reason: str) -> None:
        super().__init__(f"{at}: {reason}" if at else reason)
        self.at = at
        self.reason = reason


def line_of(text: str, at: str) -> str:
    """Where what a JSON pointer names begins in a text that can be read: `line 14, column 7`; the
    nearest that holds it, if it is not there.
    """
    places = {span.at: span.start for span in sorted(spans(text), key=lambda span: -span.start)}
    while at not in places:
        at = at.rpartition("/")[0]
    start = places[at]
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
    return f"line {line}, column {column}"


_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)  # as git leaves it


class _NotPlain(ValueError):
    """JSON that readers of different languages take for different things, or refuse."""


def read_json(text: str) -> Any:
    """The JSON value of a document.

    Raises:
        BadDocument: broken JSON, a member that stands twice, NaN or Infinity, nested too deeply.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_unique_of_document, parse_constant=_refuse_constant_of_document
        )
    except RecursionError:
        raise BadDocument("", "nested too deeply") from None
    except _NotPlain:
        raise BadDocument(*_flaw(text)) from None
    except ValueError as error:
        if conflict := _CONFLICT.search(text):
            line = text.count("\n", 0, conflict.start()) + 1
            raise BadDocument("", f"line {line}: {_HALF_MERGED}") from None
        raise BadDocument("", f"not readable as JSON: {error}") from None


_HALF_MERGED = (
    "git left a conflict here; keep one side with git checkout --ours or --theirs, and record what "
    "the other one had again"
)


def _unique_of_document(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotPlain
    return members


def _refuse_constant_of_document(_: str) -> NoReturn:
    raise _NotPlain


def _flaw(text: str) -> tuple[str, str]:
    """Where the first thing stands that is not plain JSON, and what it is."""
    seen: set[str] = set()
    for span in spans(text):
        token = text[span.start : span.end]
        if span.kind == "scalar" and token in _CONSTANTS:
            return span.at, f"{token} is not JSON"
        if span.kind == "name" and span.at in seen:
            return span.at, "this member stands twice in its object"
        seen.add(span.at)
    raise AssertionError("the reader refused a document without a flaw")


_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # what common JSON readers keep exactly
_INT_DIGITS_MAX = 20  # of any integer in that range; also the longest we write out in full
_LEADING_ZEROS_MAX = 7  # 0.0000001 is written out, smaller numbers in E notation


def canonical_json(text: str) -> str:
    """One text for all spellings of one JSON document: sorted members, numbers by value.

    Raises:
        jsontext.Unreadable: not plain JSON, or with an integer beyond 64 bits, which readers
            of different languages take for different numbers.
    """
    return canonical_text(read_canonical(text))


def read_canonical(text: str) -> Any:
    """The value of a JSON document, for `written`: its numbers are canonical texts.

    Raises:
        jsontext.Unreadable: as `canonical_json`.
    """
    return loads(text, parse_int=_integer, parse_float=_decimal)


def canonical_text(value: Any) -> str:
    """The canonical text of a value of `read`, or of texts in dicts and lists."""
    if isinstance(value, dict):
        members = (f"{_quote(name)}:{canonical_text(value[name])}" for name in sorted(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical_text, value)) + "]"
    if isinstance(value, _Number):
        return str(value)
    return _quote(value)


class _Number(str):
    """A number's canonical text; a type of its own, so that no string can be taken for it."""

    __slots__ = ()


# An item of an array that does not count. Its text is no JSON: no value can be taken for it.
HOLE = _Number("NaN")


def _quote(value: Any) -> str:
    # As `json.dumps` does without `ensure_ascii`, but for what makes it slow.
    return encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def _integer(literal: str) -> _Number:
    if len(literal) <= _INT_DIGITS_MAX + 1 and _INT_MIN <= int(literal) <= _INT_MAX:
        return _Number(int(literal))
    raise Unreadable("an integer beyond 64 bits")


def _decimal(literal: str) -> _Number:
    try:
        sign, digits, exponent = Decimal(literal).as_tuple()
    except InvalidOperation:
        raise Unreadable("a number with an exponent beyond reason") from None
    assert isinstance(exponent, int)  # noqa: S101 - no literal of JSON is NaN or infinite
    canonical_text = "".join(map(str, digits))
    kept = canonical_text.strip("0")
    if not kept:
        return _Number("0")
    minus = "-" if sign else ""
    exponent += len(canonical_text) - len(canonical_text.rstrip("0"))
    point = len(kept) + exponent  # where the decimal point stands, counted from the first digit
    if exponent >= 0 and point <= _INT_DIGITS_MAX:
        return _Number(minus + kept + "0" * exponent)
    if exponent < 0 and -_LEADING_ZEROS_MAX < point <= 0:
        return _Number(f"{minus}0.{'0' * -point}{kept}")
    if exponent < 0 and point > 0:
        return _Number(f"{minus}{kept[:point]}.{kept[point:]}")
    return _Number(f"{minus}{kept}E{exponent}")


_FLOAT_MIN, _FLOAT_MAX = 1e-4, 1e16  # from here to there floats have no exponent in either spelling
# One of these stands in what orjson writes for a finite float beyond them, as long as it says so.
_OF_ODD_FLOATS = (b"e+", b"e-", b"0.0000") if orjson.dumps(1e22) == b"1e+22" else (b"",)
_WITHOUT_FLOATS = frozenset({str, int, bool, type(None)})


def written_natively(
    value: Any,
    *,
    indent: bool = False,
    levels: int = 0,
    finite: bool = False,
    any_floats: bool = False,
) -> bytes | None:
    """The bytes that `json.dumps` writes without `ensure_ascii`: compact, or with `indent` two
    spaces a level, as an item so many `levels` of arrays deep. None where that is not sure. It
    takes less time where the value is known to be `finite`: without NaN and infinities; and least
    where `any_floats` are taken, however Python writes them.
    """
    try:
        text = _dumped(value, orjson.OPT_INDENT_2 if indent else 0, levels)
    except orjson.JSONEncodeError:  # an integer beyond 64 bits, a lone surrogate, or too deep
        return None
    if any_floats:
        return text
    if finite and not any(map(text.__contains__, _OF_ODD_FLOATS)):
        return text
    return text if _has_plain_floats((value,)) else None


def read_natively(text: bytes, *, indent: bool = True, levels: int = 0) -> Any:
    """The value of a JSON document that is compact, or with `indent` has two spaces a level, as an
    item so many `levels` of arrays deep has, and that says nothing which orjson and `json`
    understand differently; None where that is not sure. How its floats are spelt is not looked at.
    """
    try:
        value = orjson.loads(text)
        option = orjson.OPT_INDENT_2 if indent else 0
        return value if _dumped(value, option, levels) == text else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def layout_of(body: bytes) -> tuple[Any, bool] | None:
    """The value of a JSON object or array of at most `DEPTH_MAX` levels, and whether it is indented
    by two spaces a level or compact; None where that is not sure, or where it is neither.
    """
    if body[:1] not in (b"{", b"[") or _may_be_too_deep(body):
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    indent = b"\n" in body
    written = written_natively(value, indent=indent, finite=True)
    return (value, indent) if written == body else None


def canonical_natively(text: bytes) -> str | None:
    """As `canonical_json`; None where that is not sure, as with any number that has a fraction."""
    if _may_be_too_deep(text):
        return None
    try:
        value = orjson.loads(text)
        # A member that stands twice leaves fewer of them than there are colons.
        if _members((value,)) != text.count(b":") and _dumped(value) != text:
            return None
        return _dumped(value, orjson.OPT_SORT_KEYS).decode("utf-8")
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, _Fraction):
        return None


def _dumped(value: Any, option: int = 0, levels: int = 0) -> bytes:
    for _ in range(levels):
        value = [value]
    text = orjson.dumps(value, option=option)
    around = levels * (levels + 1)  # each opening is a bracket and a line feed after its spaces
    return text[around : len(text) - around] if levels else text


def _may_be_too_deep(text: bytes) -> bool:
    return text.count(b"[") + text.count(b"{") > DEPTH_MAX


class _Fraction(ValueError):
    """A number that is written in many ways, or an integer that was too large."""


def _members(values: Iterable[Any]) -> int:
    """How many members the objects among some values have, on all levels; raises `_Fraction`."""
    count = 0
    for value in values:
        kind = type(value)
        if kind is dict:
            count += len(value) + _members(value.values())
        elif kind is list:
            count += _members(value)
        elif kind is float:
            raise _Fraction
    return count


def strings_of(value: Any) -> Iterator[str]:
    """All names and strings in a JSON value."""
    match value:
        case str():
            yield value
        case dict():
            for name, child in value.items():
                yield name
                yield from strings_of(child)
        case list():
            for child in value:
                yield from strings_of(child)


def _has_plain_floats(values: Iterable[Any]) -> bool:
    """Whether Python writes all floats in some values as orjson does."""
    for value in values:
        kind = type(value)
        if kind in _WITHOUT_FLOATS:
            continue
        if kind is float:
            if value and not _FLOAT_MIN <= abs(value) < _FLOAT_MAX:
                return False
        elif not _has_plain_floats(value.values() if kind is dict else value):
            return False
    return True
