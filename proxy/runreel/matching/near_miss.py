"""A miss that explains itself: the recordings that resemble a request, and every word about it.

Values are those that matching compared (`differences`), sides are labelled `sent` and `recorded`,
and recordings that were already played are candidates too. `Missed` is the one place where a miss
is worded, whoever tells it. Knows nothing of HTTP.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from runreel.http.messages import Interaction, Request
from runreel.matching.json_diff import ABSENT, Difference, differences
from runreel.matching.matchers import Fingerprint
from runreel.redaction.redactor import Redacted, request_of
from runreel.text import cut, excerpt, json_excerpt, safe_ascii

NO_MATCH = "no_matching_interaction"
EXHAUSTED = "interaction_exhausted"

_COMPARED_CHARS_MAX = 1_000_000  # of candidates that are compared member by member: some 0.3 s
_SHOWN_MAX = 12  # differences in a message; the receipt has them all
_STATE = (
    "A read is answered by recordings made after as many writes to its resource as were played; "
    "replay.barriers = false plays plain recorded order."
)
_ONCE = (
    "Each recording answers once, in recorded order; --repeat last lets the last one answer again."
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


@dataclass(frozen=True, slots=True)
class Missed:
    """A miss as it is told: the exception of a client, the log, a test report, `explain` and the
    receipt are renderings of this one value.

    `request` is None if it could not be redacted, and so was compared with nothing; `opaque` says
    why. `cassette` is the name of the one that had nothing to serve.
    """

    miss: Miss
    request: Redacted[Request] | None
    cassette: str
    opaque: str | None = None

    @property
    def code(self) -> str:
        """Its slug."""
        return self.miss.code

    def sentence(self) -> str:
        """The first sentence, which holds the essentials."""
        return next(self._lines())

    def details(self) -> tuple[str, ...]:
        """What there is to say beside that, one fact a line."""
        return tuple(self._lines())[1:]

    def message(self) -> str:
        """All of it, and how to record what is missing: what a client's exception shows."""
        remedy = () if self.request is None or self.miss.repeated else (_how_to(self.cassette),)
        return "\n".join((*self._lines(), *remedy))

    def document(self) -> dict[str, Any]:
        """The miss as a receipt lists it, without method and target; an absent side is left out."""
        nearest = self.miss.nearest
        return {
            "code": self.miss.code,
            "nearest": nearest.interaction.value.id if nearest else None,
            "differences": [difference_document(item) for item in self.miss.differences],
            "message": self.sentence(),
            "details": list(self.details()),
        }

    def _lines(self) -> Iterator[str]:
        miss = self.miss
        if self.request is None:
            yield f"No recording matches: {self.opaque}, so it was compared with nothing."
            return
        call = f"{self.request.value.method} {_name(self.request.value.target)}"
        if miss.nearest is None:
            yield f"No recording matches {call}: cassette '{self.cassette}' is empty."
            return
        name = _name(miss.nearest.interaction.value.id)
        if miss.repeated:
            yield (
                f"The last recording of {call} in cassette '{self.cassette}', {name}, has answered "
                f"again {miss.repeated:,} times in a row; the client seems to be in a loop."
            )
        elif miss.barriers:
            yield from _other_state(miss, call, name, self.cassette)
        elif miss.code == EXHAUSTED:
            yield (
                f"Every recording of {call} in cassette '{self.cassette}' was played already, the "
                f"last as {name}."
            )
            yield _ONCE
        else:
            yield from _differing(miss, call, name, self.cassette)


def _differing(miss: Miss, call: str, name: str, cassette: str) -> Iterator[str]:
    assert miss.nearest is not None  # noqa: S101 - what differs, differs from a recording
    first, *others = miss.differences
    played = " (already played)" if miss.nearest.played else ""
    more = f", and {len(others)} more" if others else ""
    yield (
        f"No recording matches {call}: {difference_line(first)}{more}; nearest in cassette "
        f"'{cassette}' is {name}{played}."
    )
    yield from (f"  {difference_line(item)}" for item in miss.differences[1:_SHOWN_MAX])
    if len(miss.differences) > _SHOWN_MAX:
        yield f"  and {len(miss.differences) - _SHOWN_MAX} more, all in the receipt"
    theirs = request_of(miss.nearest.interaction).value
    yield f"  nearest: {theirs.method} {_name(theirs.target)}"


def _other_state(miss: Miss, call: str, name: str, cassette: str) -> Iterator[str]:
    first, *others = [_call_of(item.interaction) for item in miss.barriers]
    if miss.barriers[0].played:
        why = f"comes before {first}, which was played already"
    else:
        why = f"comes after {first}, which was not played"
    more = f" (and {len(others)} more)" if others else ""
    place = f"{name} in cassette '{cassette}'"
    yield f"No recording of {call} belongs to this state: {place} {why}{more}."
    yield from (f"  and {other}" for other in others[:_SHOWN_MAX])
    yield _STATE


def _call_of(interaction: Redacted[Interaction]) -> str:
    request = request_of(interaction).value
    return f"{request.method} {_name(request.path)} ({_name(interaction.value.id)})"


def _how_to(cassette: str) -> str:
    return (
        f"To record it: runreel new_episodes --cassette {cassette} --upstream URL, "
        "then make the call again."
    )


def difference_line(item: Difference) -> str:
    """A difference in a line that can steer no terminal; long values are cut."""
    where = f"{item.facet} {excerpt(item.at, _VALUE_CHARS_MAX)}" if item.at else item.facet
    return f"{where}: sent {shown(item.sent)}, recorded {shown(item.recorded)}"


def shown(side: Any, chars_max: int = _VALUE_CHARS_MAX) -> str:
    """A side of a difference for people: its JSON, cut, or that there is nothing."""
    return "nothing" if side is ABSENT else json_excerpt(side, chars_max)


def _name(text: str) -> str:
    return cut(safe_ascii(text[: _VALUE_CHARS_MAX + 1]), _VALUE_CHARS_MAX)


def difference_document(item: Difference) -> dict[str, Any]:
    """A difference as JSON; an absent side is left out."""
    sides = {"sent": item.sent, "recorded": item.recorded}
    shown = {side: value for side, value in sides.items() if value is not ABSENT}
    return {"facet": item.facet, "at": item.at, **shown}
