"""What stands where a secret stood: `REDACTED`, or `REDACTED-` and ten hex digits.

The flat one is for what authenticates: requests that differ in nothing else are equal. The digits
are for identifiers and for what only looks suspicious, so that two values stay two; they come from
an HMAC of the value under the cassette's salt, which is public. All characters are unreserved in a
URL, so that a client can use what it got in the path of its next request.
"""

import hashlib
import hmac
import re
from urllib.parse import quote, unquote

FLAT = "REDACTED"
_DIGITS = 10

# A placeholder as we write it; the digits may not be the beginning of something longer.
OURS = re.compile(rf"{FLAT}(?:-[0-9a-f]{{{_DIGITS}}}(?![0-9A-Za-z]))?")
_FLAT_ONE = re.compile(rf"{FLAT}(?!-[0-9a-f]{{{_DIGITS}}}(?![0-9A-Za-z]))")
_WORD = re.compile(rf"(?<![A-Za-z0-9_]){OURS.pattern}(?![A-Za-z0-9_])")
# What other tools write, and the first build of this one did: VCR's `<NAME>`, `[redacted]`.
_FOREIGN = re.compile(r"Sanitized|<[A-Z][A-Z0-9_ -]{2,}>|\[(?i:redacted|filtered)\]")


def distinct(value: str, salt: str) -> str:
    """The placeholder that only this value has; `salt` is hex digits, or empty for none."""
    raw = value.encode("utf-8", "surrogatepass")
    digest = hmac.new(salt.encode("ascii"), raw, hashlib.sha256).hexdigest()
    return f"{FLAT}-{digest[:_DIGITS]}"


def is_ours(text: str) -> bool:
    """Whether the text is a placeholder and nothing else."""
    return OURS.fullmatch(text) is not None


def is_anyones(text: str) -> bool:
    """Whether the text is a placeholder, ours or that of another tool, and nothing else."""
    return is_ours(text) or _FOREIGN.fullmatch(text) is not None


def hides(text: str) -> bool:
    """Whether a flat placeholder stands in the text: two that hide something may be two values."""
    return FLAT in text and _FLAT_ONE.search(text) is not None


def count(body: bytes) -> int:
    """How many placeholders stand in a body."""
    if FLAT.encode() not in body:
        return 0
    return sum(1 for _ in _WORD.finditer(body.decode("latin-1")))


def read_segment(segment: str) -> str:
    """A segment of a path as a body would say it, if it is a placeholder; else as it is."""
    read = unquote(segment)
    return read if is_anyones(read) else segment


def plain_segment(segment: str) -> str:
    """A segment of a path, or a value of a query, in the one spelling of what may be a placeholder:
    ours without escapes, those of other tools with all of theirs; anything else as it is.
    """
    if "%" not in segment and segment[:1] not in ("<", "["):
        return segment
    read = unquote(segment)
    if is_ours(read):
        return read
    return quote(read, safe="") if _FOREIGN.fullmatch(read) else segment
