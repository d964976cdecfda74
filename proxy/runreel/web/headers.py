"""Header fields between raw bytes and values, for both sides of the proxy.

Owns the encoding: `core.messages` views bytes as latin-1, aiohttp writes text as UTF-8.
"""

from collections.abc import Iterable

from multidict import CIMultiDict

from runreel.core.messages import Headers


def read(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The pairs as they came, in order."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


def write(headers: Headers) -> CIMultiDict[str]:
    """The pairs for aiohttp, so that bytes leave as they came.

    That holds where `can_be_written`. Any other byte beyond ASCII leaves as the UTF-8 of its
    latin-1 character: an upstream's answer is too good to be withheld for it.
    """
    return CIMultiDict((name, _text(value)) for name, value in headers)


def can_be_written(headers: Headers) -> bool:
    """Whether all of them leave byte for byte: aiohttp writes no byte beyond ASCII but UTF-8."""
    try:
        for name, value in headers:
            (name + value).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True


def _text(value: str) -> str:
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
