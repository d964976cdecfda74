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
ANOTHER_STORY = "another_story"

_COMPARED_CHARS_MAX = 1_000_000  # of candidates that are compared member by member: some 0.3 s
_SHOWN_MAX = 12  # differences in a message; the receipt has them all
_STATE = (
    "A recording answers only after the very writes that had been made when it was recorded; "
    "--no-barriers plays by request and order alone, for those who replay parts of a cassette on "
    "purpose."
)
_ONCE = (
    "Each recording answers once, in recorded order; --repeat last lets the last one answer again."
)
_ONCE_AGAIN = "POST /_runreel/sessions/ID/rewind makes all of them answer again."
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
class Unmet:
    """What keeps a recording that matches from answering, in terms of writes.

    `unplayed` were made before it when it was recorded and were not played; `played` were played,
    and not made before it; `missing` are ids that the cassette does not hold. `overlapped`: it was
    recorded while another call was under way, and `order` is how these came then. `unrecorded`: a
    write was passed on that no recording knows. `unordered`: its list was entered in another way
    than recorded. `twins`: equal requests are recorded in several states, so that workers that make
    them cannot be told apart. `repeats`: --repeat last is on.
    """

    unplayed: tuple[Candidate, ...] = ()
    played: tuple[Candidate, ...] = ()
    missing: tuple[str, ...] = ()
    overlapped: bool = False
    order: tuple[Candidate, ...] = ()
    unrecorded: bool = False
    unordered: bool = False
    twins: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing to serve: `code` says which kind; `nearest` is None on an empty cassette.

    `differences` is empty when the nearest recording does match but was played already, or belongs
    to another state; then `unmet` says by which writes. `repeated` is how many times in a row it
    has answered again, `repeats` whether it may at all.
    """

    code: str
    nearest: Candidate | None = None
    differences: tuple[Difference, ...] = ()
    unmet: Unmet | None = None
    repeated: int = 0
    repeats: bool = False


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
    number of equal matchers. So another body for the same run is nearer than this body for another.
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
        none = self.request is None or self.miss.repeated or self.code == ANOTHER_STORY
        remedy = () if none else (_how_to(self.cassette),)
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
        if miss.code == ANOTHER_STORY:
            yield _another_story(call, self.cassette)
            yield from () if miss.unmet is None else _reasons(miss.unmet)
            return
        if miss.nearest is None:
            yield f"No recording matches {call}: cassette '{self.cassette}' is empty."
            return
        name = _name(miss.nearest.interaction.value.id)
        if miss.repeated:
            yield (
                f"The last recording of {call} in cassette '{self.cassette}', {name}, has answered "
                f"again {miss.repeated:,} times in a row; the client seems to be in a loop."
            )
        elif miss.unmet is not None:
            yield from _other_state(miss.unmet, call, name, self.cassette)
        elif miss.code == EXHAUSTED:
            yield (
                f"Every recording of {call} in cassette '{self.cassette}' was played already, the "
                f"last as {name}."
            )
            yield _ONCE_AGAIN if miss.repeats else _ONCE
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


def _another_story(call: str, cassette: str) -> str:
    return (
        f"{call} belongs to another story than cassette '{cassette}' tells, and was not sent: the "
        "upstream would no longer stand where the cassette ends. Record this scenario anew, or "
        "under a name of its own."
    )


def _other_state(unmet: Unmet, call: str, name: str, cassette: str) -> Iterator[str]:
    first, *others = _reasons(unmet)
    yield f"No recording of {call} belongs to this state: {name} in cassette '{cassette}' {first}."
    yield from (f"  {reason}" for reason in others)
    if unmet.twins:
        yield (
            "Equal requests of several workers cannot be told apart; a header that each of them "
            "sends with a value of its own, named in match.headers, tells them apart."
        )
    if unmet.repeats:
        yield (
            "A program that was cut off between two equal writes may mean either; "
            "POST /_runreel/sessions/ID/rewind begins anew."
        )
    yield _STATE


def _reasons(unmet: Unmet) -> list[str]:
    """Why a recording cannot answer, each without a full stop."""
    reasons = []
    if unmet.unplayed:
        reasons.append(f"was recorded after {_listed(unmet.unplayed)}, not played here")
    if unmet.played:
        words = "was recorded before" if not unmet.overlapped else "was not recorded after"
        reasons.append(f"{words} {_listed(unmet.played)}, played here already")
    if unmet.unplayed and unmet.played:
        reasons.append("the writes may be the same ones in another order")
    if unmet.missing:
        names = ", ".join(map(_name, unmet.missing[:_SHOWN_MAX]))
        reasons.append(f"was recorded after writes that the cassette does not hold ({names})")
    if unmet.unrecorded:
        reasons.append("a write was passed on to the upstream that is no recording")
    if unmet.unordered:
        reasons.append("its list was added to in another order than it was recorded in")
    if unmet.overlapped:
        calls = [_call_of(item.interaction) for item in unmet.order[:_SHOWN_MAX]]
        then = f" (in the order {', '.join(calls)})" if calls[1:] else ""
        reasons.append(f"calls overlapped when this was recorded{then}, and came in another now")
    return reasons or ["stands in the recorded order where this session has been already"]


def _listed(writes: tuple[Candidate, ...]) -> str:
    first, *others = [_call_of(item.interaction) for item in writes]
    return first + (f" (and {len(others)} more)" if others else "")


def _call_of(interaction: Redacted[Interaction]) -> str:
    request = request_of(interaction).value
    return f"{request.method} {_name(request.path)} ({_name(interaction.value.id)})"


def _how_to(cassette: str) -> str:
    return (
        f"To record it: runreel new_episodes --cassette {cassette} --upstream URL, "
        "then run the program again."
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
