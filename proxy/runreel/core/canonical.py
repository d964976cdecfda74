"""One text for all spellings of one JSON document.

Owns the canonical form that the body facet compares: members sorted by name, numbers by value and
exact in decimal, strings by their code points (no Unicode normalisation). Not RFC 8785: that one
rounds numbers to doubles, and two different metadata changes must never look the same here.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from runreel.core import jsontext

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # what common JSON readers keep exactly
_INT_DIGITS_MAX = 20  # of any integer in that range; also the longest we write out in full
_LEADING_ZEROS_MAX = 7  # 0.0000001 is written out, smaller numbers in E notation


def canonical_json(text: str) -> str:
    """One text for all spellings of one JSON document: sorted members, numbers by value.

    Raises:
        jsontext.Unreadable: not plain JSON, or with an integer beyond 64 bits, which readers
            of different languages take for different numbers.
    """
    return written(read(text))


def read(text: str) -> Any:
    """The value of a JSON document, for `written`: its numbers are canonical texts.

    Raises:
        jsontext.Unreadable: as `canonical_json`.
    """
    return jsontext.loads(text, parse_int=_integer, parse_float=_decimal)


def written(value: Any) -> str:
    """The canonical text of a value of `read`, or of texts in dicts and lists."""
    if isinstance(value, dict):
        members = (f"{_quote(name)}:{written(value[name])}" for name in sorted(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, _Number):
        return str(value)
    return _quote(value)


class _Number(str):
    """A number's canonical text; a type of its own, so that no string can be taken for it."""

    __slots__ = ()


# An item of an array that does not count. Its text is no JSON: no value can be taken for it.
HOLE = _Number("NaN")


def _quote(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _integer(literal: str) -> _Number:
    if len(literal) <= _INT_DIGITS_MAX + 1 and _INT_MIN <= int(literal) <= _INT_MAX:
        return _Number(int(literal))
    raise jsontext.Unreadable("an integer beyond 64 bits")


def _decimal(literal: str) -> _Number:
    try:
        sign, digits, exponent = Decimal(literal).as_tuple()
    except InvalidOperation:
        raise jsontext.Unreadable("a number with an exponent beyond reason") from None
    assert isinstance(exponent, int)  # noqa: S101 - no literal of JSON is NaN or infinite
    written = "".join(map(str, digits))
    kept = written.strip("0")
    if not kept:
        return _Number("0")
    minus = "-" if sign else ""
    exponent += len(written) - len(written.rstrip("0"))
    point = len(kept) + exponent  # where the decimal point stands, counted from the first digit
    if exponent >= 0 and point <= _INT_DIGITS_MAX:
        return _Number(minus + kept + "0" * exponent)
    if exponent < 0 and -_LEADING_ZEROS_MAX < point <= 0:
        return _Number(f"{minus}0.{'0' * -point}{kept}")
    if exponent < 0 and point > 0:
        return _Number(f"{minus}{kept[:point]}.{kept[point:]}")
    return _Number(f"{minus}{kept}E{exponent}")
