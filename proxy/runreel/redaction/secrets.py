r"""Known secrets and the disguises they come in.

Owns the search for one exact secret in a text: as it is, percent-encoded, JSON-escaped (`\/`,
`\u0041`), each also in part, several times over and mixed, and in base64 at any alignment, in both
alphabets and wrapped into lines. Needs no idea of what a key looks like. Knows nothing of messages
but header pairs.

There is one search: an escaped text is unescaped level by level, each character remembers where it
came from, and secrets are looked for on every level. So what is found can always be replaced, and
the time is linear in the text whatever it holds.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from runreel.http.messages import Headers

SECRET_LENGTH_MIN = 16  # shorter ones would eat innocent text; they only leave their header
_LEVELS_MAX = 8  # a JSON string in a JSON string in a query is three

# `%41`, `\u0041`, `\\u0041`, `\/`; any other run of backslashes stands for one of them. A line
# break, escaped or not, means nothing: tools wrap base64.
_ESCAPE = re.compile(
    r'%([0-9A-Fa-f]{2})|\\++(?:u([0-9A-Fa-f]{4})|(["/])|([rn]))?|([\r\n])[\r\n \t]*+'
)
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")


@dataclass(frozen=True)
class Secrets:
    """Secrets known by value, in all their disguises."""

    plain: tuple[str, ...]

    @classmethod
    def of(cls, candidates: Iterable[str]) -> "Secrets":
        """Those of the candidates that are long enough, each once."""
        kept = {text for text in candidates if len(_as_read(text)) >= SECRET_LENGTH_MIN}
        return cls(tuple(sorted(kept, key=lambda text: (-len(text), text))))

    def occur_in(self, text: str) -> bool:
        """Whether any secret stands in the text, in any disguise."""
        if not self.plain:
            return False
        for _ in range(_LEVELS_MAX):
            if any(needle.text in text for needle in self._needles):
                return True
            if not any(char in text for char in "\\%\n\r"):
                return False
            unescaped = _ESCAPE.sub(_meant, text)
            if unescaped == text:
                return False
            text = unescaped
        return any(needle.text in text for needle in self._needles)

    def replace_in(self, text: str, placeholder: str) -> str:
        """The text with each secret, in whatever disguise, replaced."""
        if not self.occur_in(text):
            return text
        found = [
            (starts[start], ends[end - 1])
            for level, starts, ends in _levels(text)
            for needle in self._needles
            for start, end in needle.places(level)
        ]
        return _blanked(text, found, placeholder)

    @cached_property
    def _needles(self) -> "tuple[_Needle, ...]":
        found = (needle for text in self.plain for needle in _needles_of(text))
        return tuple(dict.fromkeys(found))


def credentials_of(headers: Headers, names: frozenset[str]) -> tuple[str, ...]:
    """Every value in the named headers that could be recognised elsewhere."""
    found: list[str] = []
    for name, value in headers:
        key = name.lower()
        if key not in names:
            continue
        if key in ("cookie", "set-cookie"):
            found += (_value_of(cookie) for cookie in _cookies(key, value))
        elif key in ("authorization", "proxy-authorization"):
            found += of_authorization(value)
        else:
            found.append(value.strip())
    return tuple(found)


def of_authorization(value: str) -> tuple[str, ...]:
    """What is secret in a value such as `Bearer TOKEN`, `Basic BASE64` or `TOKEN`."""
    scheme, _, rest = value.strip().replace("\t", " ").partition(" ")
    token = rest.strip()
    if not token:
        return (scheme,)
    if scheme.lower() != "basic":
        return (token,)
    try:
        # Padding is often left out; more than needed is ignored.
        pair = base64.b64decode(token + "==").decode("latin-1")
    except ValueError:
        return (token,)
    user, _, password = pair.partition(":")
    return (token, pair, user, password)


def _cookies(key: str, value: str) -> list[str]:
    parts = value.split(";")
    return parts[:1] if key == "set-cookie" else parts


def _value_of(cookie: str) -> str:
    name, equals, value = cookie.partition("=")
    return (value if equals else name).strip(' "')


@dataclass(frozen=True)
class _Needle:
    """A text to look for.

    For base64 it is what the secret alone decides; then the character before or after it may hold
    some of the secret's bits beside its neighbour's, and goes too.
    """

    text: str
    base64: bool = False
    shares_first: bool = False
    shares_last: bool = False

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands: start and end of each occurrence."""
        start = text.find(self.text)
        while start >= 0:
            end = start + len(self.text)
            following = end
            if self.shares_first and start > 0 and text[start - 1] in _BASE64:
                start -= 1
            if self.shares_last and text[end : end + 1] in _BASE64:
                end += 1
            while self.base64 and text.startswith("=", end):
                end += 1
            yield start, end
            start = text.find(self.text, following)


def _needles_of(text: str) -> Iterator[_Needle]:
    for view in dict.fromkeys((text, _as_read(text), _as_sent(text))):
        yield _Needle(view)
        yield _Needle(view.replace(" ", "+"))  # in forms and queries
        for written in (view, json.dumps(view)[1:-1]):
            unescaped = _unescaped(written)
            if len(unescaped) >= SECRET_LENGTH_MIN:
                yield _Needle(unescaped)
    sent = _as_sent(text)
    in_url = quote(sent, safe="", encoding="latin-1")
    in_json = json.dumps(_as_read(text))[1:-1]
    for written in dict.fromkeys((sent, in_url, in_json, in_json.replace("/", "\\/"))):
        yield from _in_base64(written.encode("latin-1"))


def _in_base64(raw: bytes) -> Iterator[_Needle]:
    """The needles for each of the three alignments, in both alphabets."""
    for padding, start in enumerate((0, 2, 3)):
        encoded = base64.b64encode(b"\0" * padding + raw).decode("ascii")
        bits = (padding + len(raw)) * 8
        core = encoded[start : bits // 6]
        for text in (core, core.replace("+", "-").replace("/", "_")):
            yield _Needle(text, True, shares_first=padding > 0, shares_last=bits % 6 > 0)


def _as_read(text: str) -> str:
    """The characters behind a `str` view of raw bytes, where those are UTF-8."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except ValueError:
        return text


def _as_sent(text: str) -> str:
    """The view of raw bytes of a text that may hold characters no byte can be."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text


def _meant(match: re.Match[str]) -> str:
    if match[4] or match[5]:
        return ""
    digits = match[1] or match[2]
    return chr(int(digits, 16)) if digits else match[3] or "\\"


def _unescaped(text: str) -> str:
    for _ in range(_LEVELS_MAX):
        text = _ESCAPE.sub(_meant, text)
    return text


def _levels(text: str) -> Iterator[tuple[str, Sequence[int], Sequence[int]]]:
    """The text, then what it says unescaped once, twice, …, each with where in `text` each of its
    characters starts and ends.
    """
    starts: Sequence[int] = range(len(text))
    ends: Sequence[int] = range(1, len(text) + 1)
    yield text, starts, ends
    for _ in range(_LEVELS_MAX):
        pieces: list[str] = []
        new_starts: list[int] = []
        new_ends: list[int] = []
        done = 0
        for match in _ESCAPE.finditer(text):
            meant = _meant(match)
            pieces += (text[done : match.start()], meant)
            new_starts += starts[done : match.start() + len(meant)]
            new_ends += [*ends[done : match.start()], *([ends[match.end() - 1]] if meant else ())]
            done = match.end()
        unescaped = "".join([*pieces, text[done:]])
        if unescaped == text:
            return
        text = unescaped
        starts, ends = [*new_starts, *starts[done:]], [*new_ends, *ends[done:]]
        yield text, starts, ends


def _blanked(text: str, found: Iterable[tuple[int, int]], placeholder: str) -> str:
    """The text with a placeholder for each span; spans that overlap count as one."""
    pieces: list[str] = []
    done = 0
    for start, end in sorted(found):
        if start >= done:
            pieces += (text[done:start], placeholder)
        done = max(done, end)
    return "".join([*pieces, text[done:]])
