"""How captures enter a cassette.

Owns one pure function, `merge`: what was captured replaces its counterpart in place, what is new
goes in after the interaction that preceded it, and equal traffic changes nothing. Knows nothing of
modes: a session says which captures have counterparts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

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


def merge(
    old: tuple[Entry, ...],
    captures: Mapping[int, Entry],
    taken: Mapping[int, int],
    dropped: frozenset[int] = frozenset(),
) -> tuple[Entry, ...]:
    """The entries after a session.

    `captures` and `taken` are keyed by arrival in the session. `taken` are the positions in `old`
    that were played, or, where there is a capture too, that it replaces; `dropped` those that go.
    """
    # The first slot is what comes before all; then one for each old entry: the entry, if it stays,
    # and what is inserted after it.
    slots: list[list[Entry]] = [[]]
    slots += [[] if at in dropped else [entry] for at, entry in enumerate(old)]
    last_of = {entry.fingerprint: slot for slot, entry in enumerate(old, start=1)}
    preceding = 0
    for arrival in sorted({*captures, *taken}):
        capture = captures.get(arrival)
        if arrival in taken:
            preceding = taken[arrival] + 1
            if capture is not None:
                slots[preceding][:1] = [_kept(old[taken[arrival]], capture)]
        elif capture is not None:
            # Never before an earlier answer to the same request: they are played in file order.
            preceding = max(preceding, last_of.get(capture.fingerprint, 0))
            last_of[capture.fingerprint] = preceding
            slots[preceding].append(capture)
    new = {id(entry) for arrival, entry in captures.items() if arrival not in taken}
    ids = {entry.interaction.value.id for entry in old}
    return _named((entry for slot in slots for entry in slot), new, ids)


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
    # Fields of different names have no order; lines of one field have.
    lasting = ((name.lower(), value) for name, value in without(headers, VOLATILE))
    return sorted(lasting, key=itemgetter(0))


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
