"""How captures enter a cassette.

Owns one pure function, `merge`: what was captured replaces its counterpart in place, what is new
goes in after the interaction that preceded it, as far as the state barriers let it (`filing`), and
equal traffic changes nothing. Knows nothing of modes: a session says which captures have
counterparts.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from operator import itemgetter

from runreel.core.filing import FIRST, Entry, Filing
from runreel.core.messages import Headers, without
from runreel.core.redaction import renamed

# Differ between two equal answers, and decide nothing.
VOLATILE = frozenset({"date", "x-request-id", "cf-ray", "openai-processing-ms", "set-cookie"})


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
    filing = Filing({(at,): entry for at, entry in enumerate(old) if at not in dropped})
    preceding = FIRST
    for arrival in sorted({*captures, *taken}):
        capture = captures.get(arrival)
        if arrival not in taken:
            assert capture is not None  # noqa: S101 - it is in one of the two
            preceding = filing.insert(arrival, capture, preceding)
            continue
        place = (taken[arrival],)
        if capture is None:
            preceding = filing.play(arrival, place)
        else:
            kept = _kept(old[taken[arrival]], capture)
            preceding = filing.replace(arrival, place, kept, preceding)
    new = {id(entry) for arrival, entry in captures.items() if arrival not in taken}
    ids = {entry.interaction.value.id for entry in old}
    return _named(filing.entries(), new, ids)


def _kept(old: Entry, new: Entry) -> Entry:
    """The old entry whole if the new one says the same, else the new one under the old id."""
    was, came = old.interaction.value, new.interaction.value
    equal = (
        old.fingerprint == new.fingerprint
        and was.response.status == came.response.status
        and was.response.body == came.response.body
        and _lasting(was.response.headers) == _lasting(came.response.headers)
    )
    if equal:
        return old
    return replace(new, interaction=renamed(new.interaction, was.id))


def _lasting(headers: Headers) -> list[tuple[str, str]]:
    # Fields of different names have no order; lines of one field have.
    lasting = ((name.lower(), value) for name, value in without(headers, VOLATILE))
    return sorted(lasting, key=itemgetter(0))


def _named(entries: Iterable[Entry], new: Collection[int], taken: set[str]) -> tuple[Entry, ...]:
    """The entries with unique ids: the `new` (by `id()`) take the first free suffix from 2 on."""
    named: list[Entry] = []
    numbers: dict[str, int] = {}  # the last one tried, by name
    for entry in entries:
        name = free = entry.interaction.value.id
        if id(entry) not in new:
            named.append(entry)
            continue
        while free in taken:
            numbers[name] = numbers.get(name, 1) + 1
            free = f"{name}-{numbers[name]}"
        taken.add(free)
        named.append(replace(entry, interaction=renamed(entry.interaction, free)))
    return tuple(named)
