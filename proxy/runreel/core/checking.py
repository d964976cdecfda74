"""What is wrong with a cassette's document, all of it and not only the first.

Owns the findings of `runreel cassette check`: format, digests, what today's redaction would take
out, what looks like a key in any disguise, and recorded violations. No finding holds a secret.
Knows nothing of files.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from runreel.core import jsontext, spotting
from runreel.core.cassette import parse_interaction
from runreel.core.document import BadDocument, read_document, read_json
from runreel.core.errors import Unredactable
from runreel.core.keyshapes import discreet
from runreel.core.messages import Interaction
from runreel.core.redaction import Redaction
from runreel.core.scrubbing import changed_places
from runreel.core.spotting import Spot, shown_pointer

_INTERACTIONS = "interactions"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: `at` is a JSON pointer into the file (or a line, if it is no JSON),
    `id` that of the interaction, `rule` a short name, `message` a clause without a secret.
    """

    at: str
    id: str | None
    rule: str
    message: str


def check_bytes(content: bytes, redaction: Redaction) -> tuple[Finding, ...]:
    """All that is wrong with the content of a cassette file; see `check`."""
    try:
        return check(content.decode("utf-8"), redaction)
    except UnicodeDecodeError as error:
        spots = [_spotted(spot, None) for spot in spotting.in_lines(content.decode("latin-1"))]
        return (Finding("", None, "format", f"not UTF-8 at byte {error.start}"), *spots)


def check(text: str, redaction: Redaction) -> tuple[Finding, ...]:
    """All that is wrong with the text of a cassette file: first its head, then one by one."""
    try:
        document = read_json(text)
    except BadDocument as error:
        spots = [_spotted(spot, None) for spot in spotting.in_lines(text)]
        return (_malformed(error, "", None), *spots)
    listed = document.get(_INTERACTIONS) if isinstance(document, dict) else None
    items = listed if isinstance(listed, list) else []
    spots_of = _by_interaction(spotting.in_document(text), len(items))
    found = [_spotted(spot, None) for spot in spots_of[None]]
    try:
        read_document(document | {_INTERACTIONS: []} if items else document)
    except BadDocument as error:
        found.append(_malformed(error, "", None))
    seen: set[str] = set()
    for number, item in enumerate(items):
        at = f"/{_INTERACTIONS}/{number}"
        name = item.get("id") if isinstance(item, dict) else None
        shown = discreet(name) if isinstance(name, str) else None
        if isinstance(name, str):
            if name in seen:
                found.append(Finding(f"{at}/id", shown, "format", "this id stands twice"))
            seen.add(name)
        found += _interaction(item, at, shown, spots_of[number], redaction)
    return tuple(found)


def _interaction(
    item: Any, at: str, name: str | None, spots: list[Spot], redaction: Redaction
) -> Iterator[Finding]:
    try:
        interaction = parse_interaction(item)
    except BadDocument as error:
        yield _malformed(error, at, name)
        yield from (_spotted(spot, name) for spot in spots)
        return
    told = {spot.sighting.secret for spot in spots}
    more = [
        Spot(at + spot.at, spot.sighting)
        for spot in spotting.in_bodies(interaction.value)
        if spot.sighting.secret not in told
    ]
    yield from (_spotted(spot, name) for spot in (*spots, *more))
    places = [f"{spot.at}/" for spot in (*spots, *more)]
    try:
        clean = redaction.interaction(interaction.value.request, interaction.value)
    except Unredactable as error:
        yield Finding(at, name, "redaction", str(error))
    else:
        for place in (at + place for place in changed_places(interaction, clean)):
            if not any(spot.startswith(f"{place}/") for spot in places):
                message = "today's redaction would change this; see runreel cassette scrub"
                yield Finding(shown_pointer(place), name, "redaction", message)
    yield from _violations(interaction.value, at, name)


def _violations(interaction: Interaction, at: str, name: str | None) -> Iterator[Finding]:
    if interaction.response.status >= 400:
        return  # the API refused it itself, and that is what was recorded
    for number, item in enumerate(interaction.violations):
        if item.severity == "error":
            rule = f"violation.{discreet(item.rule)}"
            message = f"{shown_pointer(item.at) or 'the body'}: {discreet(item.message)}"
            yield Finding(f"{at}/violations/{number}", name, rule, message)


def _malformed(error: BadDocument, at: str, name: str | None) -> Finding:
    rule = "digest" if error.at.endswith("/sha256") else "format"
    return Finding(at + shown_pointer(error.at), name, rule, discreet(error.reason))


def _spotted(spot: Spot, name: str | None) -> Finding:
    sighting = spot.sighting
    message = f"looks like a secret{_DISGUISES[sighting.disguise]}: {sighting.begins}"
    at = spot.at if spot.at.startswith("line ") else shown_pointer(spot.at)
    return Finding(at, name, sighting.rule, message)


def _by_interaction(spots: Iterable[Spot], count: int) -> dict[int | None, list[Spot]]:
    """The spots of each interaction by its number; under None those of the rest."""
    found: dict[int | None, list[Spot]] = {None: [], **{number: [] for number in range(count)}}
    for spot in spots:
        steps = jsontext.steps(spot.at)
        inside = count > 0 and len(steps) > 1 and steps[0] == _INTERACTIONS
        found[int(steps[1]) if inside else None].append(spot)
    return found


_DISGUISES = {"": "", "escaped": ", with escapes", "base64": ", in base64"}
