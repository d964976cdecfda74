"""Texts and bodies with a placeholder where a secret or a pattern stood.

Owns how things are blanked: within JSON string tokens only, event by event, again until nothing
changes. Which values are secrets and which rules apply to what part of a message is `redaction`.
What cannot be blanked raises `Unredactable`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
        parts: dict[tuple[str, ...], list[_Part]] = {}
        for place, event in enumerate(events):
            for key, part in _parts(place, event):
                parts.setdefault(key, []).append(part)
        edits: dict[int, list[tuple[int, int, str]]] = {}
        for group in parts.values():
            whole = "".join(part.text for part in group)
            clean = self.text(whole) if len(group) > 1 else whole
            if clean == whole:
                continue
            for part, text in zip(group, (clean, *("" for _ in group[1:])), strict=True):
                edits.setdefault(part.place, []).append((part.start, part.end, json.dumps(text)))
        return tuple(
            _apply(event.decode("utf-8"), edits[place]).encode() if place in edits else event
            for place, event in enumerate(events)
        )

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
    """A string of an event's data: the event's place, and where its token stands in the event."""

    place: int
    start: int
    end: int
    text: str


def _parts(place: int, event: bytes) -> Iterable[tuple[tuple[str, ...], _Part]]:
    """The strings of an event that may go on in another one, by whose they are."""
    parts = sse.around_data(event) if b'"delta"' in event else None
    if parts is None:
        return
    try:
        before, data = parts[0].decode("utf-8"), parts[1].decode("utf-8")
        owner = jsontext.loads(data)
    except ValueError:
        return
    name = str(owner.get("id")) if isinstance(owner, dict) else ""
    for span in jsontext.spans(data):
        if span.kind == "string" and "delta" in jsontext.steps(span.at):
            text = json.loads(data[span.start : span.end])
            part = _Part(place, len(before) + span.start, len(before) + span.end, text)
            yield (before, name, span.at), part


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
