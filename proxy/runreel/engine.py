"""The path of one request, from the values that came in to the values that go out.

Owns the order of things: redact, ask, then serve, refuse, forward or capture, then tell the sinks.
Knows no framework and no file; an upstream, a clock and a session are handed to it. Every request
ends in exactly one `Fact`.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Literal

from runreel.core import validation
from runreel.core.cassette import check_storable
from runreel.core.document import BadDocument
from runreel.core.envelope import NO_RETRY, error_response, json_response
from runreel.core.errors import StoreFailed, Unredactable, UpstreamFailed
from runreel.core.facets import digest
from runreel.core.facts import Fact, Outcome
from runreel.core.messages import Headers, Interaction, Request, Response, Violation, values
from runreel.core.misses import NO_MATCH, describe
from runreel.core.modes import Action
from runreel.core.operations import recognise
from runreel.core.profiles import Profile
from runreel.core.recordable import recordable_request, recordable_response
from runreel.core.redaction import Redacted, Redaction
from runreel.core.session import Verdict
from runreel.live import LiveSession
from runreel.ports import Clock, Upstream, UpstreamAnswer

Check = Literal["off", "warn", "strict"]
Source = Literal["replay", "upstream", "proxy"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets. `recorded` is None unless the session captures.

    `body` is the whole body, or with `tail` its beginning; then `length` is its length in bytes if
    the upstream announced one. `undo` is for whoever could not even send the head.
    """

    response: Response
    source: Source
    recorded: bool | None = None
    tail: AsyncGenerator[bytes, None] | None = None
    length: int | None = None
    undo: tuple[LiveSession, Verdict] | None = None

    def unsent(self) -> None:
        """The client left before the head: a recording that was to be served is unplayed again."""
        if self.undo:
            session, verdict = self.undo
            session.state.give_back(verdict)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that a body may have: `decoded` of any recorded one, `response` of one kept at all."""

    decoded_bytes_max: int
    response_bytes_max: int


@dataclass(frozen=True, slots=True)
class _Call:
    """One request on its way; `sent` is None if it cannot be redacted, and `opaque` says why."""

    session: LiveSession
    arrival: int
    live: Request
    sent: Redacted[Request] | None
    plain: Request
    operation: str | None
    started: float
    opaque: str | None = None
    checks: tuple[Violation, ...] = ()


class Engine:
    """Answers requests; one for all sessions of a process."""

    def __init__(
        self,
        *,
        upstream: Upstream | None,
        clock: Clock,
        redaction: Redaction,
        profile: Profile,
        check_request: Check,
        check_response: Check,
        limits: Limits,
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._redaction = redaction
        self._profile = profile
        self._check_request = check_request
        self._check_response = check_response
        self._limits = limits

    async def answer(self, session: LiveSession, arrival: int, request: Request) -> Answer:
        """The answer to a request that took its place in the order of arrival before."""
        call = self._read(session, arrival, request)
        if call.sent is None:
            decision = session.state.decision
            if not decision.on_miss.live:
                return self._refuse_opaque(call)
            return await self._forward(call, None)
        verdict = session.state.ask(arrival, call.sent)
        match verdict.action:
            case Action.SERVE:
                return self._serve(call, verdict)
            case Action.REFUSE:
                return self._refuse(call, verdict)
            case Action.FORWARD | Action.CAPTURE:
                return await self._forward(call, verdict)

    def _read(self, session: LiveSession, arrival: int, request: Request) -> _Call:
        plain = recordable_request(request, self._limits.decoded_bytes_max)
        operation = recognise(request.method, request.path)
        sent: Redacted[Request] | None = None
        opaque = None
        try:
            sent = self._redaction.request(plain, request)
        except Unredactable as error:
            opaque = f"the request cannot be redacted: {error}"
        return _Call(
            session=session,
            arrival=arrival,
            live=request,
            sent=sent,
            plain=plain,
            operation=operation.name if operation else None,
            started=self._clock.monotonic(),
            opaque=opaque,
        )

    def _serve(self, call: _Call, verdict: Verdict) -> Answer:
        assert verdict.hit is not None  # noqa: S101 - SERVE comes with a hit, by the session's contract
        interaction = verdict.hit.value
        self._tell(call, Outcome.SERVED, interaction.response.status, interaction=interaction.id)
        return Answer(interaction.response, "replay", undo=(call.session, verdict))

    def _refuse(self, call: _Call, verdict: Verdict) -> Answer:
        miss = verdict.miss
        assert miss is not None and call.sent is not None  # noqa: S101 - as above
        message = describe(miss, call.sent, call.session.cassette)
        response = error_response(miss.code, message)
        self._tell(call, Outcome.MISSED, response.status, miss=miss)
        return Answer(response, "proxy")

    def _refuse_opaque(self, call: _Call) -> Answer:
        message = f"No recording matches: {call.opaque}, so it was compared with nothing."
        response = error_response(NO_MATCH, message)
        self._tell(call, Outcome.MISSED, response.status, reason=call.opaque)
        return Answer(response, "proxy")

    async def _forward(self, call: _Call, verdict: Verdict | None) -> Answer:
        captures = call.session.state.decision.captures
        unstored = False if captures else None
        call = replace(call, checks=self._findings_of_request(call))
        if self._check_request == "strict" and validation.forbids(call.checks):
            if verdict is not None:
                call.session.state.give_back(verdict)
            first = self._redaction.finding(call.live, call.checks[0])
            refusal = self._profile.refuse(first)
            self._tell(call, Outcome.REFUSED, refusal.status, reason=f"{first.at}: {first.rule}")
            return Answer(json_response(refusal.status, refusal.body, NO_RETRY), "proxy", unstored)
        assert self._upstream is not None  # noqa: S101 - no live mode starts without one
        try:
            came = await self._upstream.send(call.live)
            body, whole = await self._collect(came)
        except UpstreamFailed as failure:
            if verdict is not None:
                call.session.state.give_back(verdict)
            slug, status = failure.fault.value
            self._tell(call, Outcome.FAILED, status, reason=str(failure), upstream=True)
            return Answer(error_response(slug, str(failure)), "proxy", unstored)
        response = Response(came.status, came.headers, body)
        recorded = await self._capture(call, verdict, response, whole) if captures else None
        if not captures:
            self._tell(call, Outcome.FORWARDED, response.status, upstream=True)
        if whole:
            return Answer(response, "upstream", recorded)
        return Answer(response, "upstream", recorded, came.chunks, _length(came.headers))

    async def _collect(self, came: UpstreamAnswer) -> tuple[bytes, bool]:
        """The body and True, or its beginning and False if it is beyond the limit."""
        body = bytearray()
        async for chunk in came.chunks:
            body += chunk
            if len(body) > self._limits.response_bytes_max:
                return bytes(body), False
        return bytes(body), True

    async def _capture(
        self, call: _Call, verdict: Verdict | None, response: Response, whole: bool
    ) -> bool:
        """Whether the exchange is on disk now; says why if it is not."""
        reason = None
        kept: Redacted[Interaction] | None = None
        if not whole:
            limit = self._limits.response_bytes_max
            reason = f"the response is larger than limits.response_body_bytes_max ({limit:,} bytes)"
        elif verdict is None:
            reason = call.opaque
        elif call.session.state.regresses(verdict, response.status):
            reason = (
                f"upstream_retired: the upstream answers {response.status} where a good recording "
                "stands (OpenAI switched this API off on 2026-08-26); --allow-regress overrides"
            )
        else:
            kept, reason = self._interaction(call, verdict, response)
        if kept is not None and verdict is not None:
            call.session.state.keep(verdict, kept)
            try:
                await call.session.persist()
            except StoreFailed as failure:
                reason = str(failure)
        self._tell(
            call,
            Outcome.NOT_STORED if reason else Outcome.RECORDED,
            response.status,
            interaction=kept.value.id if kept else None,
            reason=reason,
            upstream=True,
            violations=len(kept.value.violations) if kept else 0,
        )
        return reason is None

    def _interaction(
        self, call: _Call, verdict: Verdict, response: Response
    ) -> tuple[Redacted[Interaction] | None, str | None]:
        """The interaction to keep, or None and the reason."""
        plain = recordable_response(call.live.method, response, self._limits.decoded_bytes_max)
        findings: tuple[Violation, ...] = ()
        if self._check_response != "off":
            findings = validation.check_response(
                self._profile, call.operation, plain.status, plain.body
            )
        if self._check_response == "strict" and validation.forbids(findings):
            error = next(item for item in findings if item.severity == validation.ERROR)
            first = self._redaction.finding(call.live, error)
            return None, f"strict response validation: {first.at or 'the body'}: {first.rule}"
        interaction = Interaction(
            id=f"{call.operation or call.live.method}-{digest(verdict.fingerprint)}",
            operation=call.operation,
            recorded_at=self._clock.now().replace(microsecond=0),
            duration_ms=self._elapsed_ms(call),
            request=call.plain,
            response=plain,
            violations=call.checks + findings,
        )
        try:
            redacted = self._redaction.interaction(call.live, interaction)
            check_storable(redacted)
        except Unredactable as error:
            return None, f"it cannot be redacted: {error}"
        except BadDocument as error:
            return None, f"no cassette may hold it: {error}"
        return redacted, None

    def _findings_of_request(self, call: _Call) -> tuple[Violation, ...]:
        if self._check_request == "off":
            return ()
        return validation.check_request(self._profile, call.operation, call.plain.body)

    def _elapsed_ms(self, call: _Call) -> int:
        return round((self._clock.monotonic() - call.started) * 1000)

    def _tell(
        self,
        call: _Call,
        outcome: Outcome,
        status: int,
        *,
        upstream: bool = False,
        **details: object,
    ) -> None:
        call.session.tell(
            Fact(
                at=self._clock.now(),
                session=call.session.id,
                outcome=outcome,
                method=call.live.method,
                operation=call.operation,
                status=status,
                duration_ms=self._elapsed_ms(call),
                request=call.sent,
                upstream_called=upstream,
                **details,  # type: ignore[arg-type]  # the optional members of Fact, by name
            )
        )


def _length(headers: Headers) -> int | None:
    lengths = values(headers, "content-length")
    chunked = values(headers, "transfer-encoding")
    return int(lengths[0]) if lengths and not chunked and lengths[0].isdecimal() else None
