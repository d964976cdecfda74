"""Where in a cassette something looks like a key.

Owns which texts of a document are looked at: every string and member name of its JSON; what the
events of a stream say together; and bodies whose coding the recorder could not undo. What a key
looks like is `keyshapes`. Knows nothing of redaction, on purpose.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from runreel.core import jsontext, sse
from runreel.core.coding import codings, legible
from runreel.core.keyshapes import Sighting, discreet, sightings
from runreel.core.messages import Interaction

_LEGIBLE_BYTES_MAX = 16 * 1024 * 1024  # of a body whose coding cannot be undone


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that looks like a key, at a JSON pointer."""

    at: str
    sighting: Sighting


def in_document(text: str) -> Iterator[Spot]:
    """All that looks like a key in a JSON text, in its order; a name counts at its own place."""
    seen: dict[str, tuple[Sighting, ...]] = {}
    for span in jsontext.spans(text):
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
    for step in jsontext.steps(at):
        shown = jsontext.pointer(shown, discreet(step))
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
        value = jsontext.loads(text)
    except ValueError:
        return
    owner = str(value.get("id")) if isinstance(value, dict) else ""
    for span in jsontext.spans(text):
        if span.kind == "string":
            yield (owner, span.at), json.loads(text[span.start : span.end])
