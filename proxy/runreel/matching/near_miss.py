"""A miss that explains itself.

Owns the ranking of recordings by likeness and the sentence a client's exception shows. Values are
those that matching compared (`differences`), sides are labelled `sent` and `recorded`, and
recordings that were already played are candidates too. Knows nothing of HTTP.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from runreel.http.messages import Interaction, Request
from runreel.matching.json_diff import ABSENT, Difference, differences
from runreel.matching.matchers import Fingerprint
from runreel.redaction.redactor import Redacted, request_of

NO_MATCH = "no_matching_interaction"
EXHAUSTED = "interaction_exhausted"

_COMPARED_CHARS_MAX = 1_000_000  # of candidates that are compared member by member: some 0.3 s
_SHOWN_MAX = 12  # differences in a message; the receipt has them all
_STATE = (
    "A read is answered by recordings made after as many writes to its resource as were played; "
    "replay.barriers = false plays plain recorded order."
)
_VALUE_CHARS_MAX = 100  # of one value in a message


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording that a request was compared with."""

    fingerprint: Fingerprint
    interaction: Redacted[Interaction]
    played: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with all that tells it from a request; nothing does if it matches."""

    candidate: Candidate
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing to serve: `code` says which kind; `nearest` is None on an empty cassette.

    `differences` is empty when the nearest recording does match but was played already, or belongs
    to another state. `barriers` are the writes that make it another one: those that come before it
    and were not played, or else those that come after it and were. `repeated` is how many times in
    a row it has answered again.
    """

    code: str
    nearest: Candidate | None = None
    differences: tuple[Difference, ...] = ()
    barriers: tuple[Candidate, ...] = ()
    repeated: int = 0


def nearest_to(sent: Fingerprint, code: str, candidates: Iterable[Candidate]) -> Miss:
    """The miss of a request, with the candidate that resembles it most."""
    nearest = next(ranking(sent, candidates), None)
    return Miss(code, nearest.candidate, nearest.differences) if nearest else Miss(code)


def ranking(sent: Fingerprint, candidates: Iterable[Candidate]) -> Iterator[Ranked]:
    """The candidates as they resemble a request, the most alike first; ties go to the unplayed.

    Where there is too much to compare, what is less alike at a glance comes last, in that order.
    """

    def compared(item: Candidate) -> Ranked:
        return Ranked(item, differences(sent, item.fingerprint))

    alike = sorted(candidates, key=lambda item: _likeness(sent, item.fingerprint), reverse=True)
    chars = count = 0
    while count < len(alike) and chars <= _COMPARED_CHARS_MAX:
        chars += sum(len(text) for _, text in alike[count].fingerprint)
        count += 1
    yield from sorted(
        map(compared, alike[:count]),
        key=lambda item: (
            _likeness(sent, item.candidate.fingerprint),
            -len(item.differences),
            not item.candidate.played,
        ),
        reverse=True,
    )
    yield from map(compared, alike[count:])


def _likeness(sent: Fingerprint, recorded: Fingerprint) -> tuple[bool, float, int]:
    """How alike two requests are: the method first, then the path by its equal segments, then the
    number of equal facets. So another body for the same run is nearer than this body for another.
    """
    mine, theirs = dict(sent), dict(recorded)
    segments = [side.get("path", "").split("/") for side in (mine, theirs)]
    equal = sum(a == b for a, b in zip(*segments, strict=False))
    return (
        mine.get("method") == theirs.get("method"),
        equal / max(map(len, segments)),
        sum(mine[name] == theirs[name] for name in mine),
    )


def describe(miss: Miss, request: Redacted[Request], cassette: str) -> str:
    """The message of a miss; its first sentence holds the essentials, the rest one fact a line."""
    call = f"{request.value.method} {_shown_text(request.value.target)}"
    if miss.nearest is None:
        return f"No recording matches {call}: cassette '{cassette}' is empty.\n{_how_to(cassette)}"
    name = _shown_text(miss.nearest.interaction.value.id)
    if miss.repeated:
        return (
            f"The last recording of {call} in cassette '{cassette}', {name}, has answered again "
            f"{miss.repeated:,} times in a row; the client seems to be in a loop."
        )
    if miss.barriers:
        return "\n".join([*_other_state(miss, call, cassette), _how_to(cassette)])
    if miss.code == EXHAUSTED:
        return (
            f"Every recording of {call} in cassette '{cassette}' was played already, the last as "
            f"{name}.\nEach recording answers once, in recorded order; --repeat last lets the last "
            f"one answer again.\n{_how_to(cassette)}"
        )
    first, *others = miss.differences
    played = " (already played)" if miss.nearest.played else ""
    lines = [
        f"No recording matches {call}: {difference_line(first)}"
        + (f", and {len(others)} more" if others else "")
        + f"; nearest in cassette '{cassette}' is {name}{played}."
    ]
    lines += [f"  {difference_line(item)}" for item in miss.differences[1:_SHOWN_MAX]]
    if len(miss.differences) > _SHOWN_MAX:
        lines.append(f"  and {len(miss.differences) - _SHOWN_MAX} more, all in the receipt")
    theirs = request_of(miss.nearest.interaction).value
    lines.append(f"  nearest: {theirs.method} {_shown_text(theirs.target)}")
    return "\n".join([*lines, _how_to(cassette)])


def _other_state(miss: Miss, call: str, cassette: str) -> list[str]:
    assert miss.nearest is not None  # noqa: S101 - a state is that of a recording
    first, *others = [_named(item.interaction) for item in miss.barriers]
    if miss.barriers[0].played:
        why = f"comes before {first}, which was played already"
    else:
        why = f"comes after {first}, which was not played"
    return [
        f"No recording of {call} belongs to this state: "
        f"{_shown_text(miss.nearest.interaction.value.id)} in cassette '{cassette}' {why}"
        + (f" (and {len(others)} more)" if others else "")
        + ".",
        *(f"  and {name}" for name in others[:_SHOWN_MAX]),
        _STATE,
    ]


def _named(interaction: Redacted[Interaction]) -> str:
    request = request_of(interaction).value
    return f"{request.method} {_shown_text(request.path)} ({_shown_text(interaction.value.id)})"


def _how_to(cassette: str) -> str:
    return (
        f"To record it: runreel new_episodes --cassette {cassette} --upstream URL, "
        "then make the call again."
    )


def difference_line(item: Difference) -> str:
    """A difference in a line that can steer no terminal; long values are cut."""
    where = f"{item.facet} {_line(item.at)}" if item.at else item.facet
    return f"{where}: sent {_shown(item.sent)}, recorded {_shown(item.recorded)}"


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    return _line(json.dumps(value, ensure_ascii=False))


def _shown_text(text: str) -> str:
    return _line(text.encode("ascii", "backslashreplace").decode("ascii"))


def _line(text: str) -> str:
    # Nothing may steer a terminal, hide text or break the encoding of who prints it.
    begin = text[: _VALUE_CHARS_MAX + 1]
    shown = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in begin)
    return shown if len(shown) <= _VALUE_CHARS_MAX else shown[: _VALUE_CHARS_MAX - 1] + "…"


def miss_document(miss: Miss, request: Redacted[Request]) -> dict[str, Any]:
    """A miss as a receipt lists it, without the request itself; an absent side is left out."""
    return {
        "method": request.value.method,
        "target": request.value.target,
        "code": miss.code,
        "nearest": miss.nearest.interaction.value.id if miss.nearest else None,
        "differences": [difference_document(item) for item in miss.differences],
    }


def difference_document(item: Difference) -> dict[str, Any]:
    """A difference as JSON; an absent side is left out."""
    sides = {"sent": item.sent, "recorded": item.recorded}
    shown = {side: value for side, value in sides.items() if value is not ABSENT}
    return {"facet": item.facet, "at": item.at, **shown}
