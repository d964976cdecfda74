"""What of a query or a body does not count when requests are matched.

Owns the entries `-query.NAME` and `-body.POINTER` of `match_on`, and the taking out of what they
name before a facet becomes text. Each entry says the same of both sides of a comparison, whatever
stands there. Knows nothing of requests.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from runreel.http import strict_json
from runreel.http.strict_json import HOLE

QUERY_PREFIX = "-query."
BODY_PREFIX = "-body."
ANY_STEP = "*"

_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+", re.DOTALL)
_Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ignoring:
    """What is ignored: `query` are names of parameters, `body` the unescaped steps of pointers."""

    query: frozenset[str] = frozenset()
    body: tuple[_Steps, ...] = ()

    def pairs_of_query(self, pairs: Sequence[list[str]]) -> list[list[str]]:
        """The pairs of a query without every repetition of what is ignored."""
        return [pair for pair in pairs if pair[0] not in self.query]

    def pairs_of_form(self, pairs: Sequence[list[str]]) -> list[list[str]]:
        """The pairs of a form without the fields that a pointer of one step names."""
        names = {steps[0] for steps in self.body if len(steps) == 1}
        return [] if ANY_STEP in names else [pair for pair in pairs if pair[0] not in names]

    def value(self, value: Any) -> Any:
        """A JSON value without the members that are ignored; an item of an array leaves a `HOLE`,
        so that the others stay in their places, unless nothing else follows.
        """
        return _without(value, self.body) if self.body else value


NOTHING = Ignoring()


def is_pointer(text: str) -> bool:
    """Whether a text is a JSON pointer (RFC 6901) to something within a document."""
    return _POINTER.fullmatch(text) is not None


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
        tuple(
            strict_json.steps(entry.removeprefix(BODY_PREFIX))
            for entry in named
            if entry.startswith(BODY_PREFIX)
        ),
    )


def _without(value: Any, ignored: Sequence[_Steps]) -> Any:
    match value:
        case dict():
            found = {name: _child(child, name, ignored) for name, child in value.items()}
            return {name: child for name, child in found.items() if child is not HOLE}
        case list():
            items = [_child(item, str(at), ignored) for at, item in enumerate(value)]
            while items and items[-1] is HOLE:
                items.pop()
            return items
    return value


def _child(value: Any, step: str, ignored: Sequence[_Steps]) -> Any:
    below = [steps[1:] for steps in ignored if steps[0] in (ANY_STEP, step)]
    if not all(below):
        return HOLE
    return _without(value, below) if below else value
