"""Texts and bodies with a placeholder where a secret or a pattern stood.

Owns how things are blanked: within JSON string tokens only, event by event, again until nothing
changes. Which values are secrets and which rules apply to what part of a message is `redaction`.
What cannot be blanked raises `Unredactable`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from runreel.core import jsontext, sse
from runreel.core.errors import Unredactable
from runreel.core.rules import PATTERNS, PLACEHOLDER, PatternRule
from runreel.core.secrets import Secrets

_PASSES_MAX = 32  # of all rules over one text; one that still finds something will never end


@dataclass(frozen=True, slots=True)
class Blanker:
    """What to blank in the message at hand: `secrets`, what `patterns` find, and `pointers`.

    `pointers` are JSON pointers; `own` are the user's among the patterns, which may find anything
    in a body that nothing else looks twice at.
    """

    secrets: Secrets
    patterns: Sequence[PatternRule]
    pointers: tuple[str, ...]
    own: Sequence[PatternRule]

    def text(self, text: str, more: Sequence[PatternRule] = ()) -> str:
        """A text without secrets; `more` rules come first."""
        # Until nothing changes, so that what was redacted once stays as it is for ever.
        for _ in range(_PASSES_MAX):
            before = text
            text = self.secrets.replace_in(text, PLACEHOLDER)
            for rule in (*more, *self.patterns):
                text = rule.replace_in(text)
            if text == before:
                return text
        raise Unredactable("a pattern finds something new in each text that it leaves")

    def body(self, body: bytes) -> bytes:
        """A body without secrets: JSON, text or anything."""
        raw = body.decode("latin-1")
        if not self._suspicious(raw):
            return body
        try:
            text, encoding = body.decode("utf-8"), "utf-8"
            jsontext.loads(text)
        except UnicodeDecodeError:
            text, encoding = raw, "latin-1"
        except jsontext.Unreadable:
            pass
        else:
            return self._json(text).encode("utf-8")
        if self.pointers and text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
            raise Unredactable("redaction.body cannot be applied to broken JSON")
        return self.text(text).encode(encoding)

    def stream(self, body: bytes) -> bytes:
        """A stream of events without secrets, with as many events as before."""
        # First what is said in pieces: blanked piece by piece, half a secret could stay.
        events = self._joined(sse.split(body))
        if self._suspicious(body.decode("latin-1")):
            events = tuple(map(self._event, events))
        clean = b"".join(events)
        if sse.split(clean) != events:
            raise Unredactable("a pattern leaves other events than there were")
        return clean

    def _suspicious(self, raw: str) -> bool:
        # A cheap look that may be wrong in one direction only: most bodies hold nothing.
        return (
            bool(self.pointers or self.own)
            or "\\u" in raw
            or any(rule.hint in raw for rule in PATTERNS)
            or self.secrets.occur_in(raw)
        )

    def _event(self, event: bytes) -> bytes:
        """An event without secrets; JSON data is blanked as a JSON body is."""
        parts = None if sse.is_done(event) else sse.around_data(event)
        return self.body(event) if parts is None else b"".join(map(self.body, parts))

    def _joined(self, events: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The events without what only shows when their parts of one text are put together.

        Where that is so, the first part becomes the whole text, blanked, and the others nothing.
        """
        groups: dict[_Owner, list[_Part]] = {}
        for place, event in enumerate(events):
            for owner, part in _parts(place, event):
                groups.setdefault(owner, []).append(part)
        found = list(events)
        for group in groups.values():
            whole = "".join(part.text for part in group)
            clean = self.text(whole) if len(group) > 1 else whole
            if clean != whole:
                for part, text in zip(group, (clean, *("" for _ in group[1:])), strict=True):
                    found[part.place] = _with_text(found[part.place], part.at, text)
        return tuple(found)

    def _json(self, text: str) -> str:
        """Replace within string tokens only, so that every other byte stays as it was."""
        edits: list[tuple[int, int, str]] = []
        seen: dict[str, str] = {}  # lists repeat their members' names
        for span in jsontext.spans(text):
            token = text[span.start : span.end]
            if span.kind != "name" and span.at in self.pointers:
                edits.append((span.start, span.end, f'"{PLACEHOLDER}"'))
            elif span.kind in ("name", "string"):
                value = json.loads(token)
                if value not in seen:
                    seen[value] = self.text(value)
                if seen[value] != value:
                    edits.append((span.start, span.end, _token(seen[value], token)))
        clean = _apply(text, edits)
        try:
            jsontext.loads(clean)
        except jsontext.Unreadable:
            raise Unredactable("two members of an object would have the same name") from None
        return clean


@dataclass(frozen=True, slots=True)
class _Part:
    """A string of an event's data: the event's place, its JSON pointer and itself."""

    place: int
    at: str
    text: str


# Whose text a part belongs to: the event's head, and what names its containers and members.
_Owner = tuple[bytes, tuple[object, ...]]
# Members that say which of several texts an object goes on with, whatever its place in a list.
_NAMES = ("id", "index", "item_id", "output_index", "content_index")


def _parts(place: int, event: bytes) -> Iterable[tuple[_Owner, _Part]]:
    """The strings of an event that may go on in another one, by whose they are."""
    parts = sse.around_data(event) if b'"delta"' in event else None
    if parts is None:
        return
    try:
        document = jsontext.loads(parts[1].decode("utf-8"))
    except ValueError:
        return
    for owner, at, text in _strings(document, (), ""):
        if "delta" in owner:
            yield (parts[0], owner), _Part(place, at, text)


def _strings(
    value: Any, owner: tuple[object, ...], at: str
) -> Iterator[tuple[tuple[object, ...], str, str]]:
    """Every string in a document: whose it is, its JSON pointer, itself."""
    match value:
        case str():
            yield owner, at, value
        case dict():
            named = tuple((name, str(value[name])) for name in _NAMES if name in value)
            for name, member in value.items():
                yield from _strings(member, (*owner, named, name), jsontext.pointer(at, name))
        case list():
            for index, item in enumerate(value):
                own = isinstance(item, dict) and "index" in item
                inner = owner if own else (*owner, index)
                yield from _strings(item, inner, jsontext.pointer(at, index))


def _with_text(event: bytes, at: str, text: str) -> bytes:
    """The event with another text at a place of its data."""
    parts = sse.around_data(event)
    assert parts is not None  # noqa: S101 - only such events have parts
    before, data, after = (part.decode("utf-8") for part in parts)
    edits = [
        (span.start, span.end, json.dumps(text))
        for span in jsontext.spans(data)
        if span.kind == "string" and span.at == at
    ]
    return (before + _apply(data, edits) + after).encode()


def _token(value: str, like: str) -> str:
    lone_surrogates = any("\ud800" <= char <= "\udfff" for char in value)
    return json.dumps(value, ensure_ascii=like.isascii() or lone_surrogates)


def _apply(text: str, edits: list[tuple[int, int, str]]) -> str:
    # By start; of two that nest, the outer one comes first and swallows the inner.
    pieces: list[str] = []
    done = 0
    for start, end, new in sorted(edits, key=lambda edit: (edit[0], -edit[1])):
        if start >= done:
            pieces += (text[done:start], new)
            done = end
    return "".join(pieces) + text[done:]
