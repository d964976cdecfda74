"""What of a query or a body does not count when requests are matched.

Owns the entries `-query.NAME` and `-body.POINTER` of `match_on`, and the taking out of what they
name before a facet becomes text. Each entry says the same of both sides of a comparison, whatever
stands there. Knows nothing of requests.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from runreel.http.json_pointer import NOWHERE, Patterns, is_pointer
from runreel.http.strict_json import HOLE

QUERY_PREFIX = "-query."
BODY_PREFIX = "-body."


@dataclass(frozen=True, slots=True)
class Ignoring:
    """What is ignored: `query` are names of parameters, `body` places in a JSON body."""

    query: frozenset[str] = frozenset()
    body: Patterns = NOWHERE

    def pairs_of_query(self, pairs: Sequence[list[str]]) -> list[list[str]]:
        """The pairs of a query without every repetition of what is ignored."""
        return [pair for pair in pairs if pair[0] not in self.query]

    def pairs_of_form(self, pairs: Sequence[list[str]]) -> list[list[str]]:
        """The pairs of a form without the fields that a pointer of one step names."""
        return [pair for pair in pairs if not self.body.below(pair[0]).here]

    def value(self, value: Any) -> Any:
        """A JSON value without the members that are ignored; an item of an array leaves a `HOLE`,
        so that the others stay in their places, unless nothing else follows.
        """
        return _without(value, self.body) if self.body else value


NOTHING = Ignoring()


def is_ignoring(entry: str) -> bool:
    """Whether an entry of `match_on` names something that does not count."""
    if entry.startswith(BODY_PREFIX):
        return is_pointer(entry.removeprefix(BODY_PREFIX))
    return entry.startswith(QUERY_PREFIX) and entry != QUERY_PREFIX


def ignoring(entries: Iterable[str]) -> Ignoring:
    """What all those entries of a `match_on` name that are `is_ignoring`; others are not for us."""
    named = [entry for entry in entries if is_ignoring(entry)]
    return Ignoring(
        frozenset(
            entry.removeprefix(QUERY_PREFIX) for entry in named if entry.startswith(QUERY_PREFIX)
        ),
        Patterns.of(
            entry.removeprefix(BODY_PREFIX) for entry in named if entry.startswith(BODY_PREFIX)
        ),
    )


def _without(value: Any, ignored: Patterns) -> Any:
    match value:
        case dict():
            found = {name: _child(child, ignored.below(name)) for name, child in value.items()}
            return {name: child for name, child in found.items() if child is not HOLE}
        case list():
            items = [_child(item, ignored.below(str(at))) for at, item in enumerate(value)]
            while items and items[-1] is HOLE:
                items.pop()
            return items
    return value


def _child(value: Any, ignored: Patterns) -> Any:
    if ignored.here:
        return HOLE
    return _without(value, ignored) if ignored else value
