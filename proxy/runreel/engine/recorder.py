"""From an exchange that took place to the interaction that is kept of it.

Owns the decision whether an exchange may be kept at all: it must satisfy strict validation, if
that is on, lose every secret, and be readable back. Pure: when and where it is kept is the
session's business.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Literal

from runreel.assistants import validation
from runreel.assistants.profile import Profile
from runreel.cassettes.format import check_storable
from runreel.errors import Unredactable
from runreel.http import sse
from runreel.http.headers import recordable_response
from runreel.http.messages import NO_RESPONSE, Interaction, Request, Response, Violation
from runreel.http.strict_json import BadDocument
from runreel.matching.matchers import Fingerprint, digest
from runreel.redaction.redactor import Redacted, Redaction

Check = Literal["off", "warn", "strict"]


@dataclass(frozen=True, slots=True)
class Checks:
    """How requests and responses are validated."""

    request: Check
    response: Check


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer: `live` and `response` as on the wire, `sent` as it is matched
    and stored; `redaction` is that of the cassette it may go into.

    With `client_gone` nobody was there any more to receive the answer; with `failed`, the slug of
    an error, there was none, and `response` is `NO_RESPONSE`.
    """

    live: Request
    sent: Redacted[Request]
    operation: str | None
    fingerprint: Fingerprint
    checks: tuple[Violation, ...]
    response: Response
    recorded_at: datetime
    duration_ms: int
    redaction: Redaction
    client_gone: bool = False
    failed: str | None = None


def too_large(bytes_max: int) -> str:
    """Why an answer cannot be kept that has more than so many bytes."""
    return f"the response is larger than limits.response_body_bytes_max ({bytes_max:,} bytes)"


def name_of(operation: str | None, method: str, fingerprint: Fingerprint) -> str:
    """The id of an interaction, but for the number of those with the same fingerprint."""
    return f"{operation or method}-{digest(fingerprint)}"


@dataclass(frozen=True, slots=True)
class Recorder:
    """The rules of keeping; `decoded_bytes_max` limits what a compressed body may decode to."""

    profile: Profile
    check_response: Check
    decoded_bytes_max: int

    def interaction(self, exchange: Exchange) -> Redacted[Interaction] | str:
        """The interaction to keep, or a sentence that says why there is none."""
        live = exchange.live
        plain = NO_RESPONSE
        findings: tuple[Violation, ...] = ()
        if exchange.failed is None:
            plain = recordable_response(live.method, exchange.response, self.decoded_bytes_max)
            findings = self._findings(exchange, plain)
        if self.check_response == "strict" and validation.forbids(findings):
            error = next(item for item in findings if item.severity == validation.ERROR)
            first = exchange.redaction.finding(live, error)
            return f"strict response validation: {first.at or 'the body'}: {first.rule}"
        interaction = Interaction(
            id=name_of(exchange.operation, live.method, exchange.fingerprint),
            operation=exchange.operation,
            recorded_at=exchange.recorded_at.replace(microsecond=0),
            duration_ms=exchange.duration_ms,
            request=exchange.sent.value,
            response=plain,
            violations=exchange.checks + findings,
            client_gone=exchange.client_gone,
            failed=exchange.failed,
        )
        try:
            redacted = exchange.redaction.interaction(live, interaction, exchange.sent)
            check_storable(redacted)
        except Unredactable as problem:
            return f"it cannot be redacted: {problem}"
        except BadDocument as problem:
            return f"no cassette may hold it: {problem}"
        return redacted

    def _findings(self, exchange: Exchange, plain: Response) -> tuple[Violation, ...]:
        if self.check_response == "off":
            return ()
        if plain.at_ms is None or plain.status >= 300:
            return validation.check_response(
                self.profile, exchange.operation, plain.status, plain.body
            )
        return tuple(islice(self._findings_of_events(plain), validation.FINDINGS_MAX))

    def _findings_of_events(self, stream: Response) -> Iterator[Violation]:
        for index, event in enumerate(sse.split(stream.body)):
            parts = None if sse.is_done(event) else sse.around_data(event)
            if parts is not None:
                name = sse.name_of(event)
                yield from validation.check_event(self.profile, index, name, parts[1])
