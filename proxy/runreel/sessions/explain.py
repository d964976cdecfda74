"""Why a request matches a recording, or does not.

Owns `explain`: what rules did to a request, how the recordings of a cassette rank beside it, and
what a replay that begins with it would answer. All of it comes from the code that matches: a new
`Session` is asked, and what rules did is the difference between fingerprints with and without them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from runreel.cassettes.format import Cassette
from runreel.http.headers import recordable_request
from runreel.http.messages import Request, without
from runreel.matching.json_diff import ABSENT, Difference, differences, readable
from runreel.matching.matchers import Fingerprint, MatchOn, fingerprint, is_ignore_rule, matcher
from runreel.matching.near_miss import (
    NOWHERE,
    Miss,
    Missed,
    Origin,
    Ranked,
    difference_document,
    ranking,
)
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.modes import DECISIONS, Mode
from runreel.sessions.session import Manner, Session

_TEXTS = ("path", "query", "body")  # the matchers in which something can be blanked


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a session: see `Session`. A coded body may decode to `decoded_bytes_max`."""

    match_on: MatchOn
    redaction: Redaction
    barriers: bool
    decoded_bytes_max: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule did: `at` is a place of a matcher, as in `Difference`."""

    rule: str
    facet: str
    at: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say of a request and a cassette.

    `redacted` and `ignored` are what the rules did to the request, `candidates` the recordings that
    resemble it most, of `recordings` in all. `served` is the id of what replay would answer with,
    else `miss` is there.
    """

    request: Redacted[Request]
    fingerprint: Fingerprint
    redacted: tuple[Effect, ...]
    ignored: tuple[Effect, ...]
    candidates: tuple[Ranked, ...]
    recordings: int
    served: str | None
    miss: Miss | None

    def missed(self, cassette: str, origin: Origin = NOWHERE) -> Missed | None:
        """The miss as it is told of a cassette of that name, if there is one."""
        return Missed(self.miss, self.request, cassette, origin=origin) if self.miss else None


def explain(
    live: Request, cassette: Cassette, rules: Rules, candidates_max: int | None
) -> Explanation:
    """What becomes of a request, as a client sends it, that is the first one of a replay.

    Raises:
        Unredactable: it, or a recording, has a secret that cannot be taken out.
    """
    plain = recordable_request(live, rules.decoded_bytes_max)
    rules = replace(rules, redaction=rules.redaction.salted(cassette.salt))
    request = rules.redaction.request(plain, live)
    session = Session(
        cassette.interactions,
        DECISIONS[Mode.REPLAY],
        rules.match_on,
        rules.redaction,
        manner=Manner(barriers=rules.barriers),
    )
    recordings = tuple(session.candidates())  # before one of them is played
    verdict = session.ask(session.arrive(), request)
    return Explanation(
        request=request,
        fingerprint=verdict.fingerprint,
        redacted=tuple(_redacted(live, plain, request.value, rules.redaction)),
        ignored=tuple(_ignored(request, rules.match_on)),
        candidates=tuple(islice(ranking(verdict.fingerprint, recordings), candidates_max)),
        recordings=len(recordings),
        served=verdict.hit.value.id if verdict.hit else None,
        miss=verdict.miss,
    )


def _ignored(request: Redacted[Request], match_on: MatchOn) -> Iterator[Effect]:
    matchers = [entry for entry in match_on if not is_ignore_rule(entry)]
    whole = fingerprint(request, matchers)
    for rule in filter(is_ignore_rule, match_on):
        for item in differences(whole, fingerprint(request, (*matchers, rule))):
            yield Effect(rule, item.facet, item.at)


def _redacted(
    live: Request, plain: Request, clean: Request, redaction: Redaction
) -> Iterator[Effect]:
    stay = frozenset(name.lower() for name, _ in clean.headers)
    for name in dict.fromkeys(name.lower() for name, _ in without(plain.headers, stay)):
        yield Effect(f"header.{name}", f"header.{name}", "")
    left = (pair for pair in plain.headers if pair[0].lower() in stay)
    for (name, value), (_, blanked) in zip(left, clean.headers, strict=True):
        if value != blanked:
            for rule in redaction.found_in(value, live, header=True):
                yield Effect(rule, f"header.{name.lower()}", "")
    for name in _TEXTS:
        text = matcher(name)
        whole = text(plain)
        for item in differences(((name, whole),), ((name, text(clean)),)):
            if item.recorded is not ABSENT:  # else its place may hold what must not be told
                yield from _effects(item, live, whole, redaction)


def _effects(item: Difference, live: Request, whole: str, redaction: Redaction) -> Iterator[Effect]:
    if (named := redaction.rule_of_place(item.facet, item.at)) is not None:
        yield Effect(named, item.facet, item.at)
        return
    text = item.sent if isinstance(item.sent, str) else whole
    for rule in redaction.found_in(text, live) or redaction.found_in(whole, live):
        yield Effect(rule, item.facet, item.at)


def explanation_document(
    found: Explanation, match_on: MatchOn, cassette: str, origin: Origin = NOWHERE
) -> dict[str, Any]:
    """An explanation as JSON; a matcher or a side that is absent is left out."""
    missed = found.missed(cassette, origin)
    return {
        "cassette": cassette,
        "match_on": list(match_on),
        "request": {
            name: value
            for name, text in found.fingerprint
            if (value := readable(name, text)) is not ABSENT
        },
        "redacted": [_effect_document(item) for item in found.redacted],
        "ignored": [_effect_document(item) for item in found.ignored],
        "recordings": found.recordings,
        "candidates": [_candidate_document(item) for item in found.candidates],
        "served": found.served,
        "code": missed.code if missed else None,
        "message": missed.message() if missed else None,
        "missed": missed.document() if missed else None,
    }


def _effect_document(item: Effect) -> dict[str, str]:
    return {"rule": item.rule, "facet": item.facet, "at": item.at}


def _candidate_document(item: Ranked) -> dict[str, Any]:
    recorded = item.candidate.interaction.value
    return {
        "id": recorded.id,
        "method": recorded.request.method,
        "target": recorded.request.target,
        "facets": [
            {
                "facet": name,
                "equal": not found,
                "differences": [difference_document(each) for each in found],
            }
            for name, found in by_facet(item)
        ],
    }


def by_facet(item: Ranked) -> Iterator[tuple[str, list[Difference]]]:
    """Every matcher that was compared, with the differences in it."""
    for name, _ in item.candidate.fingerprint:
        yield name, [each for each in item.differences if each.facet == name]
