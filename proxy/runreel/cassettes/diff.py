"""What tells two cassettes apart, by what they say and not by how they are written.

Owns the pairing of interactions (by method and path, in order, equal ones first) and what of a pair
counts: query, bodies, status and headers, less what differs from one recording to the next and
decides nothing. Values are compared as matching compares them (`matchers`, `differences`).
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from operator import attrgetter

from runreel.cassettes import bodies
from runreel.cassettes.format import Cassette
from runreel.http import strict_json
from runreel.http.headers import Trait, drop
from runreel.http.messages import Interaction, Request, Response
from runreel.http.strict_json import canonical_json
from runreel.matching.json_diff import ABSENT, Difference, differences
from runreel.matching.matchers import HEADER_PREFIX, matcher
from runreel.matching.resources import Place, Writes, access_of

_ALIGNED_MAX = 1_000  # interactions of one call on either side; more are paired in order only

# Of a moment, a machine or a client: two recordings of the same traffic differ in them.
_UNTOLD = Trait.VOLATILE | Trait.NOISE
_NO_HEADER = "null"  # what the matcher of a header says where there is none
_HEAD = ("upstream", "upstream_name", "profile", "match_on", "incomplete")

_Texts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two recordings of one call that differ: in the `request`, in the `response`.

    In each `Difference`, `sent` is what the first cassette says, `recorded` the second.
    """

    first: Interaction
    second: Interaction
    request: tuple[Difference, ...]
    response: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that tells two cassettes apart: their `head` and what the first or the second lacks."""

    head: tuple[Difference, ...]
    changed: tuple[Pair, ...]
    removed: tuple[Interaction, ...]
    added: tuple[Interaction, ...]

    @property
    def equal(self) -> bool:
        """Whether they say the same."""
        return not (self.head or self.changed or self.removed or self.added)


def compare(first: Cassette, second: Cassette) -> Comparison:
    """What tells the second cassette from the first."""
    changed: list[Pair] = []
    removed: list[Interaction] = []
    added: list[Interaction] = []
    both: list[tuple[_Reading, _Reading]] = []
    for mine, theirs in _paired(_read(first), _read(second)):
        if mine is not None and theirs is not None:
            both.append((mine, theirs))
        elif mine is not None:
            removed.append(mine.interaction)
        elif theirs is not None:
            added.append(theirs.interaction)
    epochs, others = (_epochs(side) for side in zip(*both, strict=True)) if both else ({}, {})
    for mine, theirs in both:
        seen = epochs[mine.place], others[theirs.place]
        if mine.content != theirs.content or seen[0] != seen[1]:
            changed.append(_compared(mine, theirs, seen))
    head = tuple(
        Difference(name, "", mine, theirs)
        for name in _HEAD
        if (mine := getattr(first, name)) != (theirs := getattr(second, name))
    )
    return Comparison(head, tuple(changed), tuple(removed), tuple(added))


@dataclass(frozen=True, slots=True)
class _Reading:
    """An interaction with what counts of it."""

    place: Place
    interaction: Interaction
    request: _Texts
    response: _Texts

    @property
    def call(self) -> tuple[str, str]:
        return self.interaction.request.method, self.interaction.request.path

    @property
    def content(self) -> tuple[object, ...]:
        value = self.interaction
        parts = (sorted(part.items()) for part in (self.request, self.response))
        return value.response.status, value.client_gone, value.failed, *map(tuple, parts)


def _read(cassette: Cassette) -> list[_Reading]:
    return [
        _Reading((at,), value, _texts(value.request), _texts_of_response(value.response))
        for at, value in enumerate(item.value for item in cassette.interactions)
    ]


def _texts(request: Request) -> _Texts:
    names = sorted({name.lower() for name, _ in drop(request.headers, _UNTOLD)})
    counted = ("query", "body", *(HEADER_PREFIX + name for name in names))
    return {name: matcher(name)(request) for name in counted}


def _texts_of_response(response: Response) -> _Texts:
    # Read as the matchers of a request are: both are headers and a body.
    found = _texts(Request("GET", "/", response.headers, response.body))
    form = bodies.render(response.body, response.at_ms) if response.at_ms else None
    if form is not None and "events" in form:
        events = [
            {name: value for name, value in event.items() if name != "at_ms"}
            for event in form["events"]
        ]
        with suppress(strict_json.Unreadable):  # then it stays bytes, as for matching
            found["body"] = "json " + canonical_json(json.dumps(events))
    return found


def _paired(
    first: Sequence[_Reading], second: Sequence[_Reading]
) -> Iterable[tuple[_Reading | None, _Reading | None]]:
    """Each reading once, with its counterpart if it has one; calls in the order they come up."""
    calls: dict[tuple[str, str], tuple[list[_Reading], list[_Reading]]] = {}
    for side, readings in enumerate((first, second)):
        for reading in readings:
            calls.setdefault(reading.call, ([], []))[side].append(reading)
    for mine, theirs in calls.values():
        if max(len(mine), len(theirs)) > _ALIGNED_MAX:
            yield from zip_longest(mine, theirs)
            continue
        a, b = ([reading.content for reading in side] for side in (mine, theirs))
        aligned = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
        for _, start, end, other_start, other_end in aligned:
            yield from zip_longest(mine[start:end], theirs[other_start:other_end])


def _epochs(readings: Iterable[_Reading]) -> dict[Place, int]:
    """How many of the writes that both have each of them comes after, if it reads what they wrote.

    Writes that only one has are told once, and not again with every read after them.
    """
    found: dict[Place, int] = {}
    writes = Writes()
    for reading in sorted(readings, key=attrgetter("place")):
        access = access_of(reading.interaction.request)
        found[reading.place] = 0 if access.writes else writes.before(reading.place, access)
        if access.writes and not reading.interaction.never_served:
            writes.add(reading.place, access)
    return found


def _compared(mine: _Reading, theirs: _Reading, epochs: tuple[int, int]) -> Pair:
    first, second = mine.interaction, theirs.interaction
    response = [
        Difference("status", "", first.response.status, second.response.status),
        Difference("client", "", _client(first), _client(second)),
        Difference("failed", "", first.failed or ABSENT, second.failed or ABSENT),
    ]
    order = (Difference("writes before it", "", *epochs),) if epochs[0] != epochs[1] else ()
    return Pair(
        first,
        second,
        (*order, *_told_apart(mine.request, theirs.request)),
        (
            *(item for item in response if item.sent != item.recorded),
            *_told_apart(mine.response, theirs.response),
        ),
    )


def _told_apart(mine: _Texts, theirs: _Texts) -> tuple[Difference, ...]:
    names = sorted(mine | theirs, key=lambda name: (name.startswith(HEADER_PREFIX), name))
    sides = (tuple((name, side.get(name, _NO_HEADER)) for name in names) for side in (mine, theirs))
    return differences(*sides)


def _client(interaction: Interaction) -> object:
    return "gone" if interaction.client_gone else ABSENT
