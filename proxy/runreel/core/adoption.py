"""Recordings of other tools, taken over as if they were live traffic.

Owns the step from a `Foreign` to an interaction of a cassette: the same recordable form, validation
and redaction that live traffic goes through. Knows nothing of files or of the formats that they are
in.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property

from runreel.core import validation
from runreel.core.cassette import Cassette
from runreel.core.coding import codings
from runreel.core.document import BadDocument, read_interaction
from runreel.core.errors import Unredactable
from runreel.core.facets import MATCH_ON, Fingerprint, MatchOn, fingerprint
from runreel.core.foreign import Foreign
from runreel.core.messages import (
    Headers,
    Interaction,
    Request,
    Response,
    Violation,
    values,
    without,
)
from runreel.core.operations import recognise
from runreel.core.profiles import PROFILES, Profile
from runreel.core.recordable import recordable_request, recordable_response
from runreel.core.recorder import Check, Exchange, Recorder
from runreel.core.redaction import Redacted, Redaction, renamed
from runreel.core.rules import PLACEHOLDER

# Which dialect a recording of OpenAI is in, by its OpenAI-Beta header.
PROFILE_OF_BETA = {"assistants=v1": "openai_v1", "assistants=v2": "openai"}
MIXED_PROFILE = "openai"  # of a cassette that holds several dialects

# What tools put in the place of a secret: it stays where it shows up, and is no secret.
_PLACEHOLDER_VALUE = re.compile(r"(?:[A-Za-z]+ +)?<[^<>]+>")
_PLACEHOLDER_IN_QUERY = re.compile(r"(?:<|%3[Cc])[^<>&%]+(?:>|%3[Ee])")
# How a coded body begins; one that does not was decoded by the tool, which left the header.
_BEGINS = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True, slots=True)
class Adopted:
    """A recording taken over: `left_out` credential headers are not in it, and `blanked` counts
    the places where a placeholder stands now.
    """

    interaction: Redacted[Interaction]
    fingerprint: Fingerprint
    profile: str
    left_out: int
    blanked: int


@dataclass(frozen=True)
class Adoption:
    """The rules of taking over: those of recording and of matching, with a `profile` for who does
    not say.
    """

    redaction: Redaction
    profile: Profile
    check_request: Check
    check_response: Check
    decoded_bytes_max: int
    match_on: MatchOn = MATCH_ON

    def adopt(self, foreign: Foreign, otherwise: datetime) -> Adopted | str:
        """The recording as a cassette keeps it, or a sentence that says why it does not.

        `otherwise` is the time of recordings that do not tell theirs.

        Raises:
            BadDocument: it cannot have been an exchange, or a body cannot be decoded.
        """
        if 100 <= foreign.status < 200:
            return f"status {foreign.status} is not the final answer"
        _check_wire(foreign)
        request, response = self._messages(foreign)
        live = replace(request, target=_PLACEHOLDER_IN_QUERY.sub("", request.target))
        plain = recordable_request(request, self.decoded_bytes_max)
        try:
            redacted = self.redaction.request(plain, live)
        except Unredactable as problem:
            return f"it cannot be redacted: {problem}"
        matched_by = fingerprint(redacted, self.match_on)
        profile = profile_of(plain.headers, self.profile)
        operation = recognise(foreign.method, plain.path)
        name = operation.name if operation else None
        recorder = Recorder(self.redaction, profile, self.check_response, self.decoded_bytes_max)
        kept = recorder.interaction(
            Exchange(
                live=live,
                plain=plain,
                operation=name,
                fingerprint=matched_by,
                checks=self._findings_of_request(profile, name, plain),
                response=response,
                recorded_at=_time_of(foreign, otherwise),
                duration_ms=foreign.duration_ms,
            )
        )
        if isinstance(kept, str):
            return kept
        before = _blanks(
            plain, recordable_response(foreign.method, response, self.decoded_bytes_max)
        )
        after = _blanks(kept.value.request, kept.value.response)
        return Adopted(kept, matched_by, profile.name, self._left_out(foreign), after - before)

    def _findings_of_request(
        self, profile: Profile, operation: str | None, plain: Request
    ) -> tuple[Violation, ...]:
        if self.check_request == "off":
            return ()
        media_type = next(iter(values(plain.headers, "content-type")), None)
        return validation.check_request(profile, operation, plain.body, media_type)

    def _messages(self, foreign: Foreign) -> tuple[Request, Response]:
        """Both messages as they came over the wire, less what the tool did to them.

        Raises:
            BadDocument: a body is coded and cannot be decoded.
        """
        limit = self.decoded_bytes_max
        headers = self._without_placeholders(foreign.request_headers)
        request = Request(foreign.method, foreign.target, headers, foreign.request_body)
        plain = recordable_request(request, limit)
        if plain.body and codings(plain.headers):
            headers = _decoded_already(headers, plain.body, "/request/body", limit)
            request = replace(request, headers=headers)
        headers = self._without_placeholders(foreign.response_headers)
        response = Response(foreign.status, headers, foreign.response_body, foreign.at_ms)
        answer = recordable_response(foreign.method, response, limit)
        if answer.body and codings(answer.headers):
            headers = _decoded_already(headers, answer.body, "/response/body", limit)
            response = replace(response, headers=headers)
            answer = recordable_response(foreign.method, response, limit)
        said, there = len(foreign.at_ms or ()), len(answer.at_ms or ())
        if said and there and said != there:
            raise BadDocument("/response/body", f"it has {said} times for {there} events")
        return request, response

    def _without_placeholders(self, headers: Headers) -> Headers:
        return tuple(
            (name, value)
            for name, value in headers
            if name.lower() not in self._secret_headers or not _PLACEHOLDER_VALUE.fullmatch(value)
        )

    def _left_out(self, foreign: Foreign) -> int:
        headers = (*foreign.request_headers, *foreign.response_headers)
        return sum(name.lower() in self._secret_headers for name, _ in headers)

    @cached_property
    def _secret_headers(self) -> frozenset[str]:
        return frozenset(name.removeprefix("header.") for name in self.redaction.names)


def profile_of(headers: Headers, configured: Profile) -> Profile:
    """The profile of a request: which of OpenAI's dialects its OpenAI-Beta header asks for.

    A configured profile that is none of these was chosen because the server only looks like OpenAI.
    """
    if configured.name not in PROFILE_OF_BETA.values():
        return configured
    listed = (value.split(",") for value in values(headers, "openai-beta"))
    tokens = (token.strip() for line in listed for token in line)
    named = (PROFILE_OF_BETA[token] for token in tokens if token in PROFILE_OF_BETA)
    return PROFILES[next(named, configured.name)]


def assemble(
    upstream: str, redaction: Redaction, adopted: Sequence[Adopted], match_on: MatchOn = MATCH_ON
) -> Cassette:
    """The cassette of what was taken over, in this order; ids of repeats get a number."""
    numbers: Counter[str] = Counter()
    interactions = []
    for one in adopted:
        name = one.interaction.value.id
        numbers[name] += 1
        again = f"{name}-{numbers[name]}"
        interactions.append(renamed(one.interaction, name if numbers[name] == 1 else again))
    profiles = {one.profile for one in adopted}
    return Cassette(
        upstream=upstream,
        profile=profiles.pop() if len(profiles) == 1 else MIXED_PROFILE,
        match_on=match_on,
        redaction=redaction.names,
        interactions=tuple(interactions),
    )


def _check_wire(foreign: Foreign) -> None:
    """Return if it can have been an exchange, by the rules of a cassette.

    Raises:
        BadDocument: a status, header, method or target that no cassette may hold.
    """
    read_interaction(
        {
            "id": foreign.place,
            "operation": None,
            "recorded_at": "2000-01-01T00:00:00Z",
            "duration_ms": foreign.duration_ms,
            "request": {
                "method": foreign.method,
                "target": foreign.target,
                "headers": list(foreign.request_headers),
            },
            "response": {"status": foreign.status, "headers": list(foreign.response_headers)},
        }
    )


def _decoded_already(headers: Headers, body: bytes, at: str, bytes_max: int) -> Headers:
    """The headers without the coding that the tool has undone.

    Raises:
        BadDocument: it has not.
    """
    applied = codings(headers)
    start = _BEGINS.get(applied[-1])
    try:
        coded = body.startswith(start) if start else not body.decode("utf-8")
    except UnicodeDecodeError:
        coded = True
    if coded:
        raise BadDocument(
            at, f"its coding {', '.join(applied)} cannot be undone within {bytes_max:,} bytes"
        )
    return without(headers, frozenset({"content-encoding"}))


def _time_of(foreign: Foreign, otherwise: datetime) -> datetime:
    if foreign.recorded_at is not None:
        return foreign.recorded_at
    for text in values(foreign.response_headers, "date"):
        try:
            return parsedate_to_datetime(text).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return otherwise


def _blanks(*messages: Request | Response) -> int:
    texts = (
        text
        for message in messages
        for text in (*(value for _, value in message.headers), message.body.decode("latin-1"))
    )
    targets = (message.target for message in messages if isinstance(message, Request))
    return sum(text.count(PLACEHOLDER) for text in (*texts, *targets))
