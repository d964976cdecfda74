"""Today's redaction, applied to what was recorded under older rules or edited since.

Owns `scrub` and the places at which two versions of one interaction differ. The rules are those of
`redaction`; what looks like a key in a disguise that no rule knows is handed to them as a known
secret. Knows nothing of files.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from runreel.core import spotting
from runreel.core.cassette import Cassette, interaction_document
from runreel.core.errors import Unredactable
from runreel.core.jsontext import pointer
from runreel.core.keyshapes import discreet
from runreel.core.messages import Interaction
from runreel.core.redaction import Redacted, Redaction

_HEADERS = frozenset({"/request/headers", "/response/headers"})
_DIGEST = ("/response/body", "sha256")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a cassette: the interaction's id, and a JSON pointer into the file."""

    id: str
    at: str


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The cassette as today's rules leave it, what they changed, and what still looks like a key:
    an id that holds one, or one that was cut up before it was put into base64.
    """

    cassette: Cassette
    changed: tuple[Place, ...]
    left: tuple[Place, ...]


def scrub(cassette: Cassette, redaction: Redaction) -> Scrubbed:
    """Apply today's rules; the cassette is the same one if they change nothing.

    Raises:
        Unredactable: a secret stands where it cannot be replaced; names the interaction.
    """
    seen = {spot.sighting.secret for item in cassette.interactions for spot in _spots(item)}
    rules = replace(redaction, known=(*redaction.known, *sorted(seen)))
    clean: list[Redacted[Interaction]] = []
    changed: list[Place] = []
    left: list[Place] = []
    for number, item in enumerate(cassette.interactions):
        name, at = item.value.id, f"/interactions/{number}"
        try:
            clean.append(rules.interaction(item.value.request, item.value))
        except Unredactable as error:
            raise Unredactable(
                f"{discreet(name)}: {error}; delete this interaction by hand"
            ) from None
        changed += (Place(name, at + place) for place in changed_places(item, clean[-1]))
        left += (Place(name, at + spot.at) for spot in _spots(clean[-1]))
    if changed:
        cassette = replace(cassette, redaction=redaction.names, interactions=tuple(clean))
    return Scrubbed(cassette, tuple(changed), tuple(dict.fromkeys(left)))


def changed_places(before: Redacted[Interaction], after: Redacted[Interaction]) -> tuple[str, ...]:
    """Where redaction has changed an interaction: JSON pointers into its older document."""
    return tuple(_changed("", interaction_document(before), interaction_document(after)))


def _changed(at: str, old: Any, new: Any) -> Iterator[str]:
    if at in _HEADERS:
        yield from _changed_headers(at, old, new)
    elif isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for name in (name for name in old if (at, name) != _DIGEST):
            yield from _changed(pointer(at, name), old[name], new[name])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from _changed(pointer(at, index), *pair)
    elif old != new:
        yield at  # also where a member has another name now: the old one may be the secret


def _changed_headers(at: str, old: list[list[str]], new: list[list[str]]) -> Iterator[str]:
    """A header goes with all others of its name, or stays with a value that may be another."""
    kept = iter(new)
    names = {name.lower() for name, _ in new}
    for index, (name, value) in enumerate(old):
        if name.lower() not in names or next(kept)[1] != value:
            yield pointer(at, index)


def _spots(item: Redacted[Interaction]) -> Iterator[spotting.Spot]:
    text = json.dumps(interaction_document(item))
    return chain(spotting.in_document(text), spotting.in_bodies(item.value))
