"""The path of one request, from the values that came in to the values that go out.

Owns the order of things: redact, ask, then serve, refuse, forward, capture or compare, then tell
the sinks. Knows no framework and no file; an upstream, a clock and a session are handed to it.
Every request ends in exactly one `Fact`.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace

from runreel import streaming
from runreel.calls import Answer, Call
from runreel.capturing import Capturing
from runreel.core import validation
from runreel.core.envelope import NO_RETRY, error_response, json_response
from runreel.core.errors import StoreFailed, Unredactable, UpstreamFailed, UpstreamFault
from runreel.core.facts import Outcome
from runreel.core.messages import Request, Response, Violation, values
from runreel.core.misses import NO_MATCH, describe
from runreel.core.modes import Action
from runreel.core.operations import recognise
from runreel.core.pace import Latency, plan
from runreel.core.profiles import Profile
from runreel.core.recordable import has_body, recordable_request
from runreel.core.recorder import Checks, Recorder
from runreel.core.redaction import Redacted, Redaction
from runreel.core.session import Verdict
from runreel.core.sse import is_event_stream
from runreel.core.volatile import Rule
from runreel.live import LiveSession
from runreel.ports import Clock, Upstream, UpstreamAnswer
from runreel.verifying import Verifying


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that a body may have: `decoded` of any recorded one, `response` of one kept at all."""

    decoded_bytes_max: int
    response_bytes_max: int


def _stays() -> bool:
    return False


class Engine:
    """Answers requests; one for all sessions of a process."""

    def __init__(
        self,
        *,
        upstream: Upstream | None,
        clock: Clock,
        redaction: Redaction,
        profile: Profile,
        checks: Checks,
        limits: Limits,
        rule: Rule,
        latency: Latency = "none",
    ) -> None:
        self._upstream = upstream
        self._clock = clock
        self._redaction = redaction
        self._profile = profile
        self._check_request = checks.request
        self._limits = limits
        self._latency = latency
        self._waiting: dict[Call, Verdict] = {}  # for their answers
        recorder = Recorder(redaction, profile, checks.response, limits.decoded_bytes_max)
        self._capturing = Capturing(recorder, limits.response_bytes_max)
        # What a recording says is compared, right or wrong.
        lenient = replace(recorder, check_response="off" if checks.response == "off" else "warn")
        self._verifying = Verifying(lenient, rule, limits.response_bytes_max)

    async def answer(
        self,
        session: LiveSession,
        arrival: int,
        request: Request,
        gone: Callable[[], bool] = _stays,
    ) -> Answer:
        """The answer to a request that took its place in the order of arrival before.

        `gone` tells at any time whether the client has left. A call to the upstream is finished
        all the same.
        """
        call = self._read(session, arrival, request, gone)
        if call.sent is None:
            decision = session.state.decision
            if not decision.on_miss.live:
                return self._refuse_opaque(call)
            return await self._forward(call, None)
        self._free_what_clients_left(session)
        verdict = session.state.ask(arrival, call.sent)
        match verdict.action:
            case Action.SERVE:
                return await self._serve(call, verdict)
            case Action.REFUSE:
                return self._refuse(call, verdict)
            case Action.FORWARD | Action.CAPTURE | Action.COMPARE:
                return await self._forward(call, verdict)

    def _free_what_clients_left(self, session: LiveSession) -> None:
        """Give back what calls under way would replace if nobody waits for them any more.

        A client that timed out asks again at once, and its answer is the one to keep.
        """
        for call, verdict in self._waiting.items():
            if call.session is session and call.gone():
                session.state.give_back(verdict)

    def _read(
        self, session: LiveSession, arrival: int, request: Request, gone: Callable[[], bool]
    ) -> Call:
        plain = recordable_request(request, self._limits.decoded_bytes_max)
        operation = recognise(request.method, request.path)
        sent: Redacted[Request] | None = None
        opaque = None
        try:
            sent = self._redaction.request(plain, request)
        except Unredactable as error:
            opaque = f"the request cannot be redacted: {error}"
        return Call(
            session=session,
            arrival=arrival,
            live=request,
            sent=sent,
            plain=plain,
            operation=operation.name if operation else None,
            clock=self._clock,
            started=self._clock.monotonic(),
            gone=gone,
            opaque=opaque,
        )

    async def _serve(self, call: Call, verdict: Verdict) -> Answer:
        assert verdict.hit is not None  # noqa: S101 - SERVE comes with a hit, by the session's contract
        interaction = verdict.hit.value
        response = interaction.response
        pieces = plan(interaction, self._latency)
        tail = None
        if len(pieces) > 1:
            response, tail = replace(response, body=b""), streaming.paced(pieces, call)
        else:
            with self._waits(call, verdict):
                await call.wait_until(pieces[0][0])
        call.tell(Outcome.SERVED, response.status, interaction=interaction.id)
        return Answer(response, "replay", tail=tail, undo=(call.session, verdict))

    @contextmanager
    def _waits(self, call: Call, verdict: Verdict | None) -> Iterator[None]:
        """While a call waits, what it has taken is free if its client leaves."""
        if verdict is not None:
            self._waiting[call] = verdict
        try:
            yield
        finally:
            self._waiting.pop(call, None)

    def _refuse(self, call: Call, verdict: Verdict) -> Answer:
        miss = verdict.miss
        assert miss is not None and call.sent is not None  # noqa: S101 - as above
        message = describe(miss, call.sent, call.session.cassette)
        response = error_response(miss.code, message)
        call.tell(Outcome.MISSED, response.status, miss=miss)
        return Answer(response, "proxy")

    def _refuse_opaque(self, call: Call) -> Answer:
        message = f"No recording matches: {call.opaque}, so it was compared with nothing."
        response = error_response(NO_MATCH, message)
        call.tell(Outcome.MISSED, response.status, reason=call.opaque)
        return Answer(response, "proxy")

    async def _forward(self, call: Call, verdict: Verdict | None) -> Answer:
        captures = call.session.state.decision.captures
        unstored = False if captures else None
        call = replace(call, checks=self._findings_of_request(call))
        if self._check_request == "strict" and validation.forbids(call.checks):
            if verdict is not None:
                call.session.state.give_back(verdict)
            errors = [
                self._redaction.finding(call.live, item)
                for item in call.checks
                if item.severity == validation.ERROR
            ]
            refusal = self._profile.refuse(*errors)
            first = f"{errors[0].at}: {errors[0].rule}"
            call.tell(Outcome.REFUSED, refusal.status, reason=first)
            return Answer(json_response(refusal.status, refusal.body, NO_RETRY), "proxy", unstored)
        try:
            await call.session.check()
            with self._waits(call, verdict):
                came = await self._sent(call)
                if _streams(call, came):
                    return await self._stream(call, verdict, came)
                body, whole = await streaming.collected(came, self._limits.response_bytes_max)
        except StoreFailed as failure:
            return self._fail(call, verdict, "recording_failed", str(failure))
        except UpstreamFailed as failure:
            called = failure.fault is not UpstreamFault.TOO_MANY
            return self._fail(call, verdict, failure.fault.value[0], str(failure), upstream=called)
        response = Response(came.status, came.headers, body)
        recorded = await self._keep(call, verdict, came.status, response if whole else None)
        if whole:
            return Answer(response, "upstream", recorded)
        return Answer(
            response, "upstream", recorded, streaming.passed_on(came.chunks, call), came.length
        )

    async def _sent(self, call: Call) -> UpstreamAnswer:
        assert self._upstream is not None  # noqa: S101 - no live mode starts without one
        return await self._upstream.send(call.live)

    async def _keep(
        self,
        call: Call,
        verdict: Verdict | None,
        status: int,
        response: Response | None,
        *,
        received: bool = False,
    ) -> bool | None:
        """Do with an answer what the mode does with it: record it, compare it, or neither."""
        captures = call.session.state.decision.captures
        keeper: Capturing | Verifying = self._capturing if captures else self._verifying
        keeping = keeper.keep(call, verdict, status, response, received=received)
        return await call.session.see_through(keeping)

    async def _stream(self, call: Call, verdict: Verdict | None, came: UpstreamAnswer) -> Answer:
        """An answer whose events go out as they come."""
        head = Response(came.status, came.headers)
        if call.session.state.decision.captures or (verdict is not None and verdict.hit):
            return Answer(head, "upstream", tail=self._recorded(call, verdict, came))
        await self._keep(call, verdict, came.status, None)
        passed = streaming.passed_on(came.chunks, call)
        return Answer(head, "upstream", tail=passed, length=came.length)

    async def _recorded(
        self, call: Call, verdict: Verdict | None, came: UpstreamAnswer
    ) -> AsyncGenerator[bytes, None]:
        told = False
        # This begins when the head has gone out, and who has had that does not ask again.
        received = not call.gone()

        async def kept(response: Response | None) -> bool | None:
            nonlocal told
            told = True
            return await self._keep(call, verdict, came.status, response, received=received)

        reason = "the proxy stopped before the stream was complete"
        limit = self._limits.response_bytes_max
        with self._waits(call, None if received else verdict):
            try:
                async with aclosing(streaming.recorded(came, call, limit, kept)) as pieces:
                    async for piece in pieces:
                        yield piece
            except UpstreamFailed as failure:
                reason = str(failure)
                raise
            finally:
                if not told:
                    if verdict is not None:
                        call.session.state.give_back(verdict)
                    call.tell(Outcome.FAILED, came.status, reason=reason, upstream=True)

    def _fail(
        self,
        call: Call,
        verdict: Verdict | None,
        slug: str,
        reason: str,
        *,
        upstream: bool = False,
    ) -> Answer:
        """An answer of our own, after which an equal request finds everything as this one did."""
        if verdict is not None:
            call.session.state.give_back(verdict)
        response = error_response(slug, reason)
        call.tell(Outcome.FAILED, response.status, reason=reason, upstream=upstream)
        captures = call.session.state.decision.captures
        return Answer(response, "proxy", False if captures else None)

    def _findings_of_request(self, call: Call) -> tuple[Violation, ...]:
        if self._check_request == "off":
            return ()
        named = values(call.plain.headers, "content-type")
        return validation.check_request(
            self._profile, call.operation, call.plain.body, named[0] if named else None
        )


def _streams(call: Call, came: UpstreamAnswer) -> bool:
    return has_body(call.live.method, came.status) and is_event_stream(came.headers)
