"""How captures enter a cassette.

Owns one pure function, `merge`: what was captured replaces its counterpart in place, what is new
goes in after the interaction that preceded it, and equal traffic changes nothing. Knows nothing of
modes: a session says which captures have counterparts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from runreel.core.facets import Fingerprint
from runreel.core.messages import Headers, Interaction, without
from runreel.core.redaction import Redacted, renamed

# Differ between two equal answers, and decide nothing.
VOLATILE = frozenset({"date", "x-request-id", "cf-ray", "openai-processing-ms", "set-cookie"})


@dataclass(frozen=True, slots=True)
class Entry:
    """An interaction of the cassette with its fingerprint."""

    fingerprint: Fingerprint
    interaction: Redacted[Interaction]


@dataclass(frozen=True, slots=True)
class Capture:
    """A captured interaction; `counterpart` is the position of the entry that it replaces."""

    entry: Entry
    counterpart: int | None


def merge(
    old: tuple[Entry, ...],
    captures: Mapping[int, Capture],
    served: Mapping[int, int],
    dropped: frozenset[int] = frozenset(),
) -> tuple[Entry, ...]:
    """The entries after a session.

    `captures` and `served` are keyed by arrival in the session; `served` maps to positions in
    `old`, and `dropped` are positions that go.
    """
    # One slot per old entry: the entry, if it stays, and what is inserted after it.
    slots: list[list[Entry]] = [[] if at in dropped else [entry] for at, entry in enumerate(old)]
    head: list[Entry] = []
    last_of = {entry.fingerprint: at for at, entry in enumerate(old)}
    preceding: int | None = None
    for arrival in sorted({*captures, *served}):
        if arrival in served:
            preceding = served[arrival]
            continue
        capture = captures[arrival]
        if capture.counterpart is not None:
            slots[capture.counterpart][:1] = [_kept(old[capture.counterpart], capture.entry)]
            preceding = capture.counterpart
            continue
        # Never before an older recording of the same request: they are played in file order.
        places = [
            at for at in (preceding, last_of.get(capture.entry.fingerprint)) if at is not None
        ]
        (slots[max(places)] if places else head).append(capture.entry)
        preceding = max(places) if places else preceding
    new = {id(capture.entry) for capture in captures.values() if capture.counterpart is None}
    taken = {entry.interaction.value.id for entry in old}
    return _named([*head, *(entry for slot in slots for entry in slot)], new, taken)


def _kept(old: Entry, new: Entry) -> Entry:
    """The old entry whole if the new one says the same, else the new one under the old id."""
    was, came = old.interaction.value, new.interaction.value
    equal = (
        old.fingerprint == new.fingerprint
        and was.response.status == came.response.status
        and was.response.body == came.response.body
        and _lasting(was.response.headers) == _lasting(came.response.headers)
    )
    return old if equal else Entry(new.fingerprint, renamed(new.interaction, was.id))


def _lasting(headers: Headers) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in without(headers, VOLATILE))


def _named(entries: Iterable[Entry], new: Collection[int], taken: set[str]) -> tuple[Entry, ...]:
    """The entries with unique ids: the `new` (by `id()`) take the first free suffix."""
    named: list[Entry] = []
    for entry in entries:
        if id(entry) in new:
            name = _first_free(entry.interaction.value.id, taken)
            taken.add(name)
            named.append(Entry(entry.fingerprint, renamed(entry.interaction, name)))
        else:
            named.append(entry)
    return tuple(named)


def _first_free(name: str, taken: set[str]) -> str:
    """The name, or the name with the lowest suffix from 2 on that is not taken."""
    number = 1
    candidate = name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate
