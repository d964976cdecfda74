"""What is wrong with a cassette's document, all of it and not only the first, and `scrub`.

Findings are of format, digests, what today's redaction would take out, what looks like a key in
any disguise (`secret_scan`), and recorded violations; none holds a secret. `scrub` applies today's
rules to what was recorded under older ones or edited since; what looks like a key in a disguise
that no rule knows is handed to them as a known secret.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from runreel.cassettes.format import (
    Cassette,
    interaction_document,
    parse_interaction,
    read_document,
)
from runreel.cassettes.secret_scan import (
    Spot,
    discreet,
    in_bodies,
    in_document,
    in_lines,
    shown_pointer,
)
from runreel.errors import Unredactable
from runreel.http import strict_json
from runreel.http.messages import Interaction
from runreel.http.strict_json import BadDocument, pointer, read_json
from runreel.matching.json_diff import Lens, json_differences
from runreel.redaction.redactor import Redacted, Redaction

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
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        spots = [_spotted(spot, None) for spot in in_lines(content.decode("latin-1"))]
        return (Finding("", None, "format", f"not UTF-8 at byte {error.start}"), *spots)
    return tuple(_placed(finding, text) for finding in check(text, redaction))


def _placed(finding: Finding, text: str) -> Finding:
    """A finding that somebody will want to mend by hand, with its line."""
    if not finding.at.startswith("/") or finding.rule not in ("format", "digest"):
        return finding
    return replace(finding, message=f"{finding.message} ({strict_json.line_of(text, finding.at)})")


def check(text: str, redaction: Redaction) -> tuple[Finding, ...]:
    """All that is wrong with the text of a cassette file: first its head, then one by one."""
    try:
        document = read_json(text)
    except BadDocument as error:
        spots = [_spotted(spot, None) for spot in in_lines(text)]
        return (_malformed(error, "", None), *spots)
    listed = document.get(_INTERACTIONS) if isinstance(document, dict) else None
    items = listed if isinstance(listed, list) else []
    salt = document.get("salt") if isinstance(document, dict) else None
    if isinstance(salt, str) and salt.isascii():
        redaction = redaction.salted(salt)
    first_build = isinstance(document, dict) and "redaction" in document
    spots_of = _by_interaction(in_document(text), len(items))
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
        try:
            interaction = parse_interaction(item, first_build=first_build)
        except BadDocument as error:
            found.append(_malformed(error, at, shown))
            found += (_spotted(spot, shown) for spot in spots_of[number])
        else:
            found += _interaction(interaction, at, shown, spots_of[number], redaction)
    return (*found, *_missing(items, seen))


def _missing(items: list[Any], ids: set[str]) -> Iterator[Finding]:
    """The writes that recordings name and that are not there: what needs them is never replayed."""
    for number, item in enumerate(items):
        for member in ("after", "during") if isinstance(item, dict) else ():
            named = item.get(member)
            for place, name in enumerate(named if isinstance(named, list) else ()):
                if isinstance(name, str) and name not in ids:
                    id_ = item.get("id")
                    at = f"/{_INTERACTIONS}/{number}/{member}/{place}"
                    shown = discreet(id_) if isinstance(id_, str) else None
                    yield Finding(at, shown, "history", "names a write that is not here")


def _interaction(
    interaction: Redacted[Interaction],
    at: str,
    name: str | None,
    spots: list[Spot],
    redaction: Redaction,
) -> Iterator[Finding]:
    told = {spot.sighting.secret for spot in spots}
    more = [
        Spot(at + spot.at, spot.sighting)
        for spot in in_bodies(interaction.value)
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
    by_digest = error.at.endswith(("/digest", "/sha256"))
    rule = "digest" if by_digest and "that was recorded" in error.reason else "format"
    return Finding(at + shown_pointer(error.at), name, rule, discreet(error.reason))


def _spotted(spot: Spot, name: str | None) -> Finding:
    sighting = spot.sighting
    message = f"looks like a secret{_in(sighting.disguise)}: {sighting.begins}"
    at = spot.at if spot.at.startswith("line ") else shown_pointer(spot.at)
    return Finding(at, name, sighting.rule, message)


def _by_interaction(spots: Iterable[Spot], count: int) -> dict[int | None, list[Spot]]:
    """The spots of each interaction by its number; under None those of the rest."""
    found: dict[int | None, list[Spot]] = {None: [], **{number: [] for number in range(count)}}
    for spot in spots:
        steps = strict_json.steps(spot.at)
        inside = count > 0 and len(steps) > 1 and steps[0] == _INTERACTIONS
        found[int(steps[1]) if inside else None].append(spot)
    return found


def _in(disguise: str) -> str:
    return {"": "", "escaped": ", with escapes"}.get(disguise, f", in {disguise}")


_PARTS = ("/request/target", "/request/headers", "/request/body", "/response/headers")
# Headers have their own way to change; a digest changes with what it is of.
_TOLD_APART = frozenset({"/request/headers", "/response/headers", "/digest"})


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
    rules = replace(redaction, salt=cassette.salt, known=(*redaction.known, *sorted(seen)))
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
        cassette = replace(cassette, interactions=tuple(clean))
    return Scrubbed(cassette, tuple(changed), tuple(dict.fromkeys(left)))


def changed_places(before: Redacted[Interaction], after: Redacted[Interaction]) -> tuple[str, ...]:
    """Where redaction has changed an interaction: JSON pointers into its older document."""
    old, new = interaction_document(before), interaction_document(after)
    headers = (
        place
        for side in ("request", "response")
        if side in old
        for place in _changed_headers(
            f"/{side}/headers", old[side]["headers"], new[side]["headers"]
        )
    )
    found = (item.at for item in json_differences(old, new, _Recorded()))
    return tuple(sorted((*headers, *found), key=_document_order))


def _document_order(at: str) -> int:
    return next((place for place, part in enumerate(_PARTS) if at.startswith(part)), len(_PARTS))


class _Recorded(Lens):
    """What redaction may change of an interaction's document, told as narrowly as is safe: where a
    member has another name now, its object is told, for the old name may be the secret.
    """

    __slots__ = ("_at",)

    def __init__(self, at: str = "") -> None:
        self._at = at

    def skips(self, one: Any, other: Any) -> bool:  # noqa: ARG002 - as `Lens`
        return self._at in _TOLD_APART

    def enters(self, one: Any, other: Any) -> bool:
        if isinstance(one, dict):
            return bool(one.keys() == other.keys())
        return len(one) == len(other)

    def member(self, name: str) -> "_Recorded":
        return _Recorded(pointer(self._at, name))

    def item(self, index: int) -> "_Recorded":
        return _Recorded(pointer(self._at, index))


def _changed_headers(at: str, old: list[str], new: list[str]) -> Iterator[str]:
    """A header goes with all others of its name, or stays with a value that may be another."""
    kept = iter(new)
    names = {line.partition(":")[0].lower() for line in new}
    for index, line in enumerate(old):
        if line.partition(":")[0].lower() not in names or next(kept) != line:
            yield pointer(at, index)


def _spots(item: Redacted[Interaction]) -> Iterator[Spot]:
    text = json.dumps(interaction_document(item))
    return chain(in_document(text), in_bodies(item.value))
