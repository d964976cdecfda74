"""Requests, candidates and misses, for tests of what a miss says."""

import json

from builders import a_request, an_interaction
from runreel.http.messages import Request
from runreel.matching.matchers import MATCH_ON, Fingerprint, fingerprint
from runreel.matching.near_miss import (
    BEHIND,
    NO_MATCH,
    UPSTREAM,
    Candidate,
    Miss,
    Missed,
    Origin,
    Rerun,
    nearest_to,
)
from runreel.redaction.redactor import Redacted, Redaction, request_of

HOW_TO = (
    "To record it anew, run the program again behind: "
    "runreel record --cassette default --upstream http://127.0.0.1:8000"
)
PLACE = Origin(
    "cassettes/default.json",
    "http://127.0.0.1:8000",
    rerun=Rerun(("runreel", "record", "--cassette", "default", "--upstream", UPSTREAM), BEHIND),
)


def redacted(request: Request) -> Redacted[Request]:
    return Redaction().request(request)


def fingerprint_of(request: Request) -> Fingerprint:
    return fingerprint(redacted(request), MATCH_ON)


def a_candidate(request: Request, name: str = "one", *, played: bool = False) -> Candidate:
    interaction = an_interaction(request, name=name)
    return Candidate(fingerprint(request_of(interaction), MATCH_ON), interaction, played)


def a_miss(sent: Request, *candidates: Candidate, code: str = NO_MATCH) -> Miss:
    return nearest_to(fingerprint_of(sent), code, candidates)


def nearest_name(miss: Miss) -> str | None:
    return miss.nearest.interaction.value.id if miss.nearest else None


def with_stage(stage: str) -> Request:
    return a_request(json.dumps({"metadata": {"stage": stage}}).encode())


def told(miss: Miss, sent: Request) -> Missed:
    """It, of a request to the cassette `default`, in the place above."""
    return Missed(miss, redacted(sent), "default", origin=PLACE)
