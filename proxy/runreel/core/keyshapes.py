"""What looks like a key, in a text and in all that the text says in other words.

Owns the search for the shapes of `rules`, whatever was done to a text since it was redacted: read
as it is, without its escapes (percent, JSON, line by line), and out of base64 at any alignment,
each in the other. It takes nothing out and shares no code with what does: it is there to notice
when that failed, or when somebody wrote into a cassette by hand. Knows nothing of cassettes.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from runreel.core.rules import PATTERNS, START

_ESCAPES_MAX = 12  # levels; a JSON string in a JSON string in a query is three
_BASE64_MAX = 3  # of base64 in base64
_SHOWN = 3  # characters of a secret that may be told; they name its kind, as in sk-

_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_WRAP = re.compile(r"(?<=[A-Za-z0-9+/_-]{60})[\r\n]+[ \t]*(?=[A-Za-z0-9+/_-])")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ESCAPED = re.compile(r'\\+(?:u([0-9A-Fa-f]{4})|(["/])|([bfnrt]))?')
# Beside base64 there may be anything, also a length that looks like a letter: then a key begins
# where it does not in a text, and shows by its mixture that it is no word.
_INSIDE = tuple(
    (rule.name, rule.hint, re.compile(rule.pattern.pattern.removeprefix(START)))
    for rule in PATTERNS
    if rule.name in ("openai-key", "session-key")
)
_MIXED = re.compile(r"(?=.*[a-z].*)(?=.*[A-Z].*)(?=.*[0-9].*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that looks like a key: the rule's name, what it is hidden in (empty: nothing), and
    the `secret` itself, which is never to be shown.
    """

    rule: str
    disguise: str
    secret: str = field(repr=False)

    @property
    def begins(self) -> str:
        """As much as may be told."""
        return f"{self.secret[:_SHOWN]}…"


def sightings(text: str) -> tuple[Sighting, ...]:
    """All that looks like a key in a text; each once, in the plainest way it shows."""
    found: dict[str, Sighting] = {}
    for sighting in _search(text, "", _BASE64_MAX):
        found.setdefault(sighting.secret, sighting)
    return tuple(found.values())


def discreet(text: str) -> str:
    """The text, or what may be told of it: no more than how it begins, if it holds a key."""
    return f"{text[:_SHOWN]}…" if sightings(text) else text


def _search(text: str, disguise: str, layers: int) -> Iterator[Sighting]:
    for _ in range(_ESCAPES_MAX):
        for rule in PATTERNS:
            if rule.hint in text:
                for match in rule.pattern.finditer(text):
                    yield Sighting(rule.name, disguise, match[0])
        if layers:
            for decoded in _decoded(text):
                yield from _inside(decoded)
                yield from _search(decoded, "base64", layers - 1)
        plainer = _without_escapes(text)
        if plainer == text:
            return
        text, disguise = plainer, disguise or "escaped"


def _inside(decoded: str) -> Iterator[Sighting]:
    for name, hint, pattern in _INSIDE:
        if hint in decoded:
            for match in pattern.finditer(decoded):
                if _MIXED.match(match[0]):
                    yield Sighting(name, "base64", match[0])


def _decoded(text: str) -> Iterator[str]:
    """What each run of base64 says, read from each of its first four characters on."""
    for run in _RUN.findall(text):
        letters = run.replace("-", "+").replace("_", "/")
        for start in range(4):
            part = letters[start:]
            if len(part) % 4 == 1:  # no number of bytes is written so
                part = part[:-1]
            raw = base64.b64decode(part + "=" * (-len(part) % 4))
            yield raw.decode("utf-8", "replace")


def _without_escapes(text: str) -> str:
    """The text after one level of percent and JSON escapes, and without line breaks in base64."""
    if "%" in text:
        text = _PERCENT.sub(_unquoted, text)
    if "\\" in text:
        text = _ESCAPED.sub(_meant, text)
    return _WRAP.sub("", text) if "\n" in text or "\r" in text else text


def _unquoted(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _meant(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[3]:
        return "\n"
    return match[2] or "\\"
