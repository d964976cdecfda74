r"""Known secrets and the disguises they come in.

Owns the search for one exact secret in a text: as it is, percent-encoded, JSON-escaped (`\/`,
`\u0041`, also nested), in base64 at any alignment and in both alphabets, and mixtures of these.
Needs no idea of what a key looks like. Knows nothing of messages but header pairs.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from runreel.core.messages import Headers

SECRET_LENGTH_MIN = 16  # shorter ones would eat innocent text; they only leave their header
_UNESCAPE_ROUNDS_MAX = 4  # a JSON string in a JSON string in a query is three

_ESCAPE = re.compile(r'\\+u00([0-9A-Fa-f]{2})|%([0-9A-Fa-f]{2})|\\+(["/])')
_BACKSLASHES = r"(?:\\|%(?:25)*5[Cc])"  # one of them, itself perhaps percent-encoded
_BASE64_CHAR = r"(?:[A-Za-z0-9+/_-]|%(?:25)*2[BbFf])"


@dataclass(frozen=True)
class Secrets:
    """Secrets known by value, in all their disguises."""

    plain: tuple[str, ...]

    @classmethod
    def of(cls, candidates: Iterable[str]) -> "Secrets":
        """Those of the candidates that are long enough, each once."""
        kept = {text for text in candidates if len(text) >= SECRET_LENGTH_MIN}
        return _shared(tuple(sorted(kept, key=lambda text: (-len(text), text))))

    def occur_in(self, text: str) -> bool:
        """Whether any secret stands in the text, in any disguise."""
        if not self.plain:
            return False
        for _ in range(_UNESCAPE_ROUNDS_MAX):
            if any(needle in text for needle in self._needles):
                return True
            if "\\" not in text and "%" not in text:
                return False
            unescaped = _ESCAPE.sub(_unescape, text)
            if unescaped == text:
                return False
            text = unescaped
        return any(needle in text for needle in self._needles)

    def replace_in(self, text: str, placeholder: str) -> str:
        """The text with each secret, in whatever disguise, replaced."""
        if not self.occur_in(text):
            return text
        for pattern in self._patterns:
            text = pattern.sub(lambda _: placeholder, text)
        return text

    @cached_property
    def _cores(self) -> "tuple[_Core, ...]":
        return tuple(core for text in self.plain for core in _base64_cores(text))

    @cached_property
    def _needles(self) -> tuple[str, ...]:
        return self.plain + tuple(dict.fromkeys(core.text for core in self._cores))

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        plain = [_disguised(text) for text in self.plain]
        return tuple(
            re.compile(pattern) for pattern in plain + [core.pattern for core in self._cores]
        )


@lru_cache(
    maxsize=256
)  # one entry per credential in use: compiling its patterns takes milliseconds
def _shared(plain: tuple[str, ...]) -> Secrets:
    return Secrets(plain)


def credentials_of(headers: Headers, names: frozenset[str]) -> tuple[str, ...]:
    """Every value in the named headers that could be recognised elsewhere."""
    found: list[str] = []
    for name, value in headers:
        key = name.lower()
        if key not in names:
            continue
        if key in ("cookie", "set-cookie"):
            found += (part.partition("=")[2].strip(' "') for part in _cookies(key, value))
        elif key in ("authorization", "proxy-authorization"):
            found += _of_authorization(value.strip())
        else:
            found.append(value.strip())
    return tuple(found)


def _cookies(key: str, value: str) -> list[str]:
    parts = value.split(";")
    return parts[:1] if key == "set-cookie" else parts


def _of_authorization(value: str) -> list[str]:
    scheme, _, rest = value.partition(" ")
    if not rest:
        return [value]
    token = rest.strip()
    if scheme.lower() != "basic":
        return [token]
    try:
        pair = base64.b64decode(token, validate=True).decode("latin-1")
    except binascii.Error:
        return [token]
    return [token, pair, pair.partition(":")[2]]


@dataclass(frozen=True)
class _Core:
    """The base64 characters that a secret alone decides; its first or last one may share theirs."""

    text: str
    shares_first: bool
    shares_last: bool

    @property
    def pattern(self) -> str:
        before = f"{_BASE64_CHAR}?" if self.shares_first else ""
        after = f"{_BASE64_CHAR}?" if self.shares_last else ""
        return f"{before}{_disguised(self.text)}{after}(?:=|%(?:25)*3[Dd])*"


def _base64_cores(text: str) -> Iterable[_Core]:
    """The cores for each of the three alignments, in both alphabets."""
    raw = text.encode("latin-1", "ignore")
    for padding, start in enumerate((0, 2, 3)):
        encoded = base64.b64encode(b"\0" * padding + raw).decode("ascii")
        bits = (padding + len(raw)) * 8
        core = encoded[start : bits // 6]
        for alphabet in dict.fromkeys((core, core.replace("+", "-").replace("/", "_"))):
            yield _Core(alphabet, shares_first=padding > 0, shares_last=bits % 6 > 0)


def _disguised(text: str) -> str:
    return "".join(map(_disguised_char, text))


def _disguised_char(char: str) -> str:
    literal = (f"{_BACKSLASHES}*" if char in '"/' else "") + re.escape(char)
    if ord(char) > 0xFF:
        return literal
    digits = "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(char):02x}")
    return f"(?:{literal}|%(?:25)*{digits}|{_BACKSLASHES}+u00{digits})"


def _unescape(match: re.Match[str]) -> str:
    digits = match[1] or match[2]
    return chr(int(digits, 16)) if digits else match[3]
