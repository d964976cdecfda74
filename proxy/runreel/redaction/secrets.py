r"""Known secrets and the disguises they come in.

Owns the search for one exact secret in a text: as it is, percent-encoded, JSON-escaped (`\/`,
`\u0041`), each also in part, several times over and mixed, in hex, in UTF-16, in base32 and base64
at any alignment, in both alphabets and wrapped into lines, and in base64 of base64. Needs no idea
of what a key looks like. Knows nothing of messages but header pairs.

There is one search: an escaped text is unescaped level by level, each character remembers where it
came from, and secrets are looked for on every level. So what is found can always be replaced, and
the time is linear in the text whatever it holds.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from urllib.parse import quote

from runreel.http.messages import Headers
from runreel.redaction.names import FLAT, Manner

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
    """Secrets known by value, in all their disguises: `plain` are those that authenticate, `named`
    what was found under a name that only looks suspicious.
    """

    plain: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @classmethod
    def of(cls, plain: Iterable[str], named: Iterable[str] = ()) -> "Secrets":
        """Those of the candidates that are long enough, each once."""
        flat = _long_enough(plain)
        return _remembered(flat, tuple(text for text in _long_enough(named) if text not in flat))

    def __bool__(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self.plain or self.named)

    def occur_in(self, text: str) -> bool:
        """Whether any secret stands in the text, in any disguise."""
        if not self or len(text) < SECRET_LENGTH_MIN:
            return False
        for _ in range(_LEVELS_MAX):
            if self._stand_in(text):
                return True
            if not any(char in text for char in "\\%\n\r"):
                return False
            unescaped = _ESCAPE.sub(_meant, text)
            if unescaped == text:
                return False
            text = unescaped
        return self._stand_in(text)

    def replace_in(self, text: str, placeholder: Callable[[str], str]) -> str:
        """The text with each secret, in whatever disguise, replaced by its placeholder."""
        if not self.occur_in(text):
            return text
        found = [
            (starts[start], ends[end - 1], needle.origin)
            for level, starts, ends in _levels(text)
            for needle in self._needles
            for start, end in needle.places(level)
        ]
        return _blanked(text, found, placeholder)

    def _stand_in(self, text: str) -> bool:
        width = len(text)
        for needle in self._needles:
            if len(needle.text) > width:
                return False
            if needle.text in text:
                return True
        return False

    @cached_property
    def _needles(self) -> "tuple[_Needle, ...]":
        """The shortest first."""
        found = (needle for text in (*self.plain, *self.named) for needle in _needles_of(text))
        first = {needle.text: needle for needle in reversed(tuple(found))}
        return tuple(sorted(first.values(), key=lambda needle: len(needle.text)))


def _long_enough(candidates: Iterable[str]) -> tuple[str, ...]:
    kept = {text for text in candidates if len(_as_read(text)) >= SECRET_LENGTH_MIN}
    return tuple(sorted(kept, key=lambda text: (-len(text), text)))


@lru_cache(maxsize=256)
def _remembered(plain: tuple[str, ...], named: tuple[str, ...]) -> Secrets:
    # A client sends the same credential with every call: its disguises are worked out once.
    return Secrets(plain, named)


def credentials_of(
    headers: Headers, manner_of: Callable[[str], Manner | None]
) -> Iterator[tuple[str, Manner]]:
    """Every value in headers whose name is denied that could be recognised elsewhere, with how it
    is hidden.
    """
    for name, value in headers:
        manner = manner_of(name)
        if manner is None:
            continue
        key = name.lower()
        if key in ("cookie", "set-cookie"):
            yield from ((_value_of(cookie), FLAT) for cookie in _cookies(key, value))
        else:
            yield from ((text, manner) for text in _of_header(key, value))


_SCHEMES = frozenset({"basic", "bearer", "token", "apikey", "key"})


def _of_header(key: str, value: str) -> tuple[str, ...]:
    scheme = value.strip().partition(" ")[0].lower()
    if scheme in _SCHEMES or key in ("authorization", "proxy-authorization"):
        return of_authorization(value)
    return (value.strip(),)


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
    """A text to look for, and the secret it is made of.

    For base64 and base32 it is what the secret alone decides; then so many characters `before` and
    `after` it may hold some of the secret's bits beside its neighbour's, and go too.
    """

    text: str
    origin: str
    padded: bool = False
    before: int = 0
    after: int = 0

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands: start and end of each occurrence."""
        start = text.find(self.text)
        while start >= 0:
            end = start + len(self.text)
            following = end
            for _ in range(self.before):
                start -= start > 0 and text[start - 1] in _BASE64
            for _ in range(self.after):
                end += end < len(text) and text[end] in _BASE64
            while self.padded and text.startswith("=", end):
                end += 1
            yield start, end
            start = text.find(self.text, following)


def _needles_of(text: str) -> Iterator[_Needle]:
    for view in dict.fromkeys((text, _as_read(text), _as_sent(text))):
        yield _Needle(view, text)
        yield _Needle(view.replace(" ", "+"), text)  # in forms and queries
        for written in (view, json.dumps(view)[1:-1]):
            unescaped = _unescaped(written)
            if len(unescaped) >= SECRET_LENGTH_MIN:
                yield _Needle(unescaped, text)
    for wide in _in_utf16(text):
        yield _Needle(wide, text)
        yield _Needle(_as_sent(wide.encode("utf-8").decode("latin-1")), text)
        yield from _in_base64(wide.encode("latin-1"), text)
    sent = _as_sent(text)
    raw = sent.encode("latin-1")
    in_url = quote(sent, safe="", encoding="latin-1")
    in_json = json.dumps(_as_read(text))[1:-1]
    for written in dict.fromkeys((sent, in_url, in_json, in_json.replace("/", "\\/"))):
        yield from _in_base64(written.encode("latin-1"), text)
    for core in _cores(raw, 3, 6, base64.b64encode):
        for spelled in dict.fromkeys((core.text, core.in_urls)):
            for needle in _in_base64(spelled.encode("ascii"), text):
                # A shared character of the inner one is eight bits of the outer one.
                before, after = (2 if shared else 0 for shared in (core.before, core.after))
                yield replace(
                    needle,
                    before=max(needle.before, before),
                    after=max(needle.after, after),
                )
    for core in _cores(raw, 5, 5, base64.b32encode):
        yield core.needle(core.text, text)
        yield core.needle(core.text.lower(), text)
    yield _Needle(raw.hex(), text)
    yield _Needle(raw.hex().upper(), text)


def _in_utf16(text: str) -> tuple[str, str]:
    """The bytes in either order as a view; what is zero at an end may be a neighbour's."""
    read = _as_read(text)
    orders = (read.encode(order, "surrogatepass") for order in ("utf-16-le", "utf-16-be"))
    little, big = (raw.decode("latin-1").strip("\0") for raw in orders)
    return little, big


@dataclass(frozen=True)
class _Core:
    """What of an encoding the encoded bytes alone decide; the character before or after it may hold
    some of their bits too.
    """

    text: str
    before: int
    after: int

    @property
    def in_urls(self) -> str:
        return self.text.replace("+", "-").replace("/", "_")

    def needle(self, text: str, origin: str) -> _Needle:
        return _Needle(text, origin, True, self.before, self.after)


def _cores(
    raw: bytes, alignments: int, bits: int, encode: Callable[[bytes], bytes]
) -> Iterator[_Core]:
    """The core for each number of bytes that may stand before; a character has so many bits."""
    for before in range(alignments):
        start = -(-before * 8 // bits)
        end = (before + len(raw)) * 8
        text = encode(b"\0" * before + raw)[start : end // bits].decode("ascii")
        yield _Core(text, int(before * 8 % bits > 0), int(end % bits > 0))


def _in_base64(raw: bytes, origin: str) -> Iterator[_Needle]:
    """The needles for each of the three alignments, in both alphabets."""
    for core in _cores(raw, 3, 6, base64.b64encode):
        yield core.needle(core.text, origin)
        yield core.needle(core.in_urls, origin)


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


def _blanked(
    text: str, found: Iterable[tuple[int, int, str]], placeholder: Callable[[str], str]
) -> str:
    """The text with a placeholder for each span; spans that overlap count as one."""
    pieces: list[str] = []
    done = 0
    for start, end, origin in sorted(found, key=lambda span: (span[0], -span[1])):
        if start >= done:
            pieces += (text[done:start], placeholder(origin))
        done = max(done, end)
    return "".join([*pieces, text[done:]])
