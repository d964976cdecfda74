"""What looks like a key, in a text and in all that the text says in other words, and where.

It is there to notice when redaction failed, or when somebody wrote into a cassette by hand, so it
shares no code with what takes secrets out (an import contract holds that): it reads each text as it
is, without its escapes (percent, JSON, line by line), and out of base64 at any alignment, each in
the other. Looked at are every string and member name of a document, what the events of a stream say
together, and bodies whose coding the recorder could not undo.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from runreel.http import sse, strict_json
from runreel.http.encoding import legible
from runreel.http.headers import codings
from runreel.http.messages import Interaction
from runreel.redaction.rules import PATTERNS, START

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


_LEGIBLE_BYTES_MAX = 16 * 1024 * 1024  # of a body whose coding cannot be undone


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that looks like a key, at a JSON pointer."""

    at: str
    sighting: Sighting


def in_document(text: str) -> Iterator[Spot]:
    """All that looks like a key in a JSON text, in its order; a name counts at its own place."""
    seen: dict[str, tuple[Sighting, ...]] = {}
    for span in strict_json.spans(text):
        if span.kind in ("name", "string"):
            value = json.loads(text[span.start : span.end])
            if value not in seen:
                seen[value] = sightings(value)
            for sighting in seen[value]:
                yield Spot(span.at, sighting)


def in_lines(text: str) -> Iterator[Spot]:
    """The same in a text that is no JSON; places are lines."""
    for number, line in enumerate(text.splitlines(), start=1):
        for sighting in sightings(line):
            yield Spot(f"line {number}", sighting)


def in_bodies(interaction: Interaction) -> Iterator[Spot]:
    """What no single string of an interaction's document says, but its bodies do."""
    response = interaction.response
    for first, text in _joined(sse.split(response.body)):
        at = f"/response/body/events/{first}" if response.at_ms else "/response/body"
        for sighting in sightings(text):
            yield Spot(at, sighting)
    for at, message in (("/request/body", interaction.request), ("/response/body", response)):
        if applied := codings(message.headers):
            read = legible(message.body, applied, _LEGIBLE_BYTES_MAX)
            for sighting in sightings(read.decode("utf-8", "replace")):
                yield Spot(at, sighting)


def shown_pointer(at: str) -> str:
    """A JSON pointer that may be told: a step that holds a key shows no more than how it begins."""
    shown = ""
    for step in strict_json.steps(at):
        shown = strict_json.pointer(shown, discreet(step))
    return shown


def _joined(events: tuple[bytes, ...]) -> Iterator[tuple[int, str]]:
    """What the strings at one place of several events say together, with the number of the first.

    Not only deltas: it costs little, and nobody knows what an upstream sends in pieces.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], int] = {}
    for number, event in enumerate(events):
        for key, piece in _pieces(event):
            texts.setdefault(key, []).append(piece)
            first.setdefault(key, number)
    return ((first[key], "".join(pieces)) for key, pieces in texts.items() if len(pieces) > 1)


def _pieces(event: bytes) -> Iterator[tuple[tuple[str, str], str]]:
    parts = sse.around_data(event)
    if parts is None:
        return
    try:
        text = parts[1].decode("utf-8")
        value = strict_json.loads(text)
    except ValueError:
        return
    owner = str(value.get("id")) if isinstance(value, dict) else ""
    for span in strict_json.spans(text):
        if span.kind == "string":
            yield (owner, span.at), json.loads(text[span.start : span.end])
