"""The part of a request's path that goes through the upstream.

What must be true before anything is sent (the request may be forwarded, its recording and its audit
can be kept), and what is done with every way in which a call can end: `Capturing` makes an
interaction on disk of an answer, `Verifying` the differences to the one that was recorded. Knows no
framework and no file.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext
from dataclasses import dataclass

from runreel.assistants import validation
from runreel.assistants.profile import Profile
from runreel.cassettes.format import SIMULATOR
from runreel.engine import streaming
from runreel.engine.auditing import Audit, Auditing
from runreel.engine.call import Answer, Call, Turn, Waiting
from runreel.engine.recorder import Check, Exchange, Recorder, name_of, too_large
from runreel.errors import (
    NO_RETRY,
    StoreFailed,
    Unredactable,
    UpstreamFailed,
    error_response,
    json_response,
)
from runreel.http.headers import has_body, is_event_stream, not_the_apis
from runreel.http.messages import NO_RESPONSE, Interaction, Response, Violation, values
from runreel.matching.drift import Drift, Rule, drift, unrecordable
from runreel.matching.near_miss import is_switched_off
from runreel.ports import Upstream, UpstreamAnswer
from runreel.redaction.redactor import Redacted
from runreel.sessions.events import Outcome
from runreel.sessions.modes import Action
from runreel.sessions.session import Verdict


@dataclass(frozen=True, slots=True)
class Capturing:
    """The rules of keeping; `response_bytes_max` is told to whoever sent more."""

    recorder: Recorder
    response_bytes_max: int

    async def keep(
        self,
        call: Call,
        verdict: Verdict | None,
        status: int,
        response: Response | None,
        *,
        received: bool = False,
    ) -> bool:
        """Whether the exchange is kept, on disk unless durability is relaxed; tells why if not.

        `response` is None if its body was larger than is kept. `received` says that the client has
        had its head, though it may have left since.
        """
        gone = call.client_disconnected() and not received
        if gone:
            call.session.state.abandon(call.arrival)
        kept = await self._to_keep(call, verdict, response, gone=gone)
        if not isinstance(kept, str):
            kept = call.session.refuses(kept.value.response) or kept
        reason = kept if isinstance(kept, str) else None
        if verdict is not None and not isinstance(kept, str):
            call.kept = kept
            pending = call.session.state.keep(verdict, kept)
            kept = pending.interaction
            try:
                await call.session.persist(pending)
            except StoreFailed as failure:
                reason = str(failure)
            if gone:  # whatever it changed, it is kept, and never played
                call.session.release(call.arrival)
        call.tell(
            Outcome.NOT_STORED if reason else Outcome.RECORDED,
            status,
            interaction=None if isinstance(kept, str) else kept.value.id,
            reason=reason or ("its client had left" if gone else None),
            upstream=True,
            violations=call.findings if isinstance(kept, str) else kept.value.violations,
        )
        return reason is None

    async def _to_keep(
        self, call: Call, verdict: Verdict | None, response: Response | None, *, gone: bool
    ) -> Redacted[Interaction] | str:
        """The interaction to keep, or the reason why there is none."""
        if response is None:
            return too_large(self.response_bytes_max)
        if verdict is None:
            return call.opaque or ""
        if verdict.unstored is not None:
            return verdict.unstored
        if reason := not_the_apis(response):
            return reason
        if not gone and call.session.state.regresses(verdict, response.status):
            off = is_switched_off(call.session.upstream)
            why = " (OpenAI switched this API off on 2026-08-26)" if off else ""
            return (
                f"upstream_retired: the upstream answers {response.status} where a good recording "
                f"stands{why}; --allow-regress overrides"
            )
        recorded = call.session.as_recorded(response)
        exchange = call.exchange(verdict.fingerprint, recorded, client_gone=gone)
        size = max(len(response.body), len(call.plain.body))
        return await call.aside.run(size, self.recorder.interaction, exchange)


@dataclass(frozen=True, slots=True)
class Verifying:
    """What is told of answers that are not kept; `response_bytes_max` only names the limit."""

    recorder: Recorder
    rule: Rule
    response_bytes_max: int

    async def keep(
        self,
        call: Call,
        verdict: Verdict | None,
        status: int,
        response: Response | None,
        *,
        received: bool = False,
    ) -> None:
        """Tell what there is to tell of an answer; nothing of it is kept.

        `response` is None if its body was larger than is kept, or if nothing is compared with it.
        `received` says that the client has had its head, though it may have left since.
        """
        if verdict is not None and verdict.hit is not None:
            reason = self._not_had(call, response, received=received)
            if reason is None:
                await self._compare(call, verdict, verdict.hit, status, response)
                return
            call.session.release(call.arrival)
            call.tell(
                Outcome.NOT_COMPARED,
                status,
                interaction=verdict.hit.value.id,
                reason=reason,
                upstream=True,
            )
        elif call.session.state.decision.compares:
            call.tell(Outcome.NEW, status, reason=call.opaque, upstream=True)
        else:
            simulated = call.session.upstream == SIMULATOR
            call.tell(Outcome.SIMULATED if simulated else Outcome.FORWARDED, status, upstream=True)

    def _not_had(self, call: Call, response: Response | None, *, received: bool) -> str | None:
        """Why the answer is none to compare, and the recording is for the next equal request."""
        if call.client_disconnected() and not received:
            return "its client had left"
        return None if response is None else not_the_apis(response)

    async def _compare(
        self,
        call: Call,
        verdict: Verdict,
        hit: Redacted[Interaction],
        status: int,
        response: Response | None,
    ) -> None:
        exchange = None
        if response is not None:
            exchange = call.exchange(verdict.fingerprint, response)
        bodies = (call.plain.body, hit.value.response.body, response.body if response else b"")
        drifted, violations = await call.aside.run(
            max(map(len, bodies)), self.found, exchange, hit, call.findings
        )
        call.tell(
            Outcome.COMPARED,
            status,
            interaction=hit.value.id,
            drift=drifted,
            upstream=True,
            violations=violations,
        )

    def found(
        self, exchange: Exchange | None, hit: Redacted[Interaction], checks: tuple[Violation, ...]
    ) -> tuple[tuple[Drift, ...], tuple[Violation, ...]]:
        """How an answer drifts from a recording, and the violations that it has with its request;
        None stands for one that is too large. Of values only, for another process may do it.
        """
        if exchange is None:
            return unrecordable(too_large(self.response_bytes_max)), checks
        answer = self.recorder.interaction(exchange)
        if isinstance(answer, str):
            return unrecordable(answer), checks
        try:
            # The rules of today, and this call's own credential, on both sides.
            recorded = exchange.redaction.interaction(exchange.live, hit.value)
        except Unredactable as error:
            gone = unrecordable(f"the recording cannot be redacted any more: {error}")
            return gone, answer.value.violations
        return drift(recorded, answer, self.rule), answer.value.violations


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """Forwards calls; `auditing` is None if no audit log is kept."""

    upstream: Upstream | None
    profile: Profile
    check_request: Check
    response_bytes_max: int
    capturing: Capturing
    verifying: Verifying
    auditing: Auditing | None
    waiting: Waiting

    async def forward(self, call: Call, verdict: Verdict | None) -> Answer:
        """The upstream's answer, kept as the session's mode says, or one of our own."""
        call.checks = await self._findings_of_request(call)
        if self.check_request == "strict" and validation.forbids(call.checks):
            return self._refuse(call)
        upstream = call.session.own_upstream or self.upstream
        assert upstream is not None  # noqa: S101 - no live mode starts without one
        audit = None
        try:
            await call.session.check()
            if self.auditing is not None:
                audit = await self.auditing.begin(call, upstream)
            with self.waiting.waits(call, verdict):
                answer = await upstream.send(call.live)
                if _streams(call, answer):
                    return await self._stream(call, verdict, audit, answer)
                body, whole = await collected(answer, self.response_bytes_max)
        except StoreFailed as failure:
            return self._fail(call, "recording_failed", str(failure))
        except UpstreamFailed as failure:
            if audit is not None:
                audit.failed(str(failure), seen=failure.seen)
            slug, _ = failure.fault.value
            if failure.seen:
                await self._keep_unanswered(call, verdict, slug)
            return self._fail(call, slug, str(failure), upstream=failure.sent)
        response = Response(answer.status, answer.headers, body)
        kept = response if whole else None
        recorded = await self._keep(call, verdict, audit, answer.status, kept)
        if audit is not None:
            await audit.answered(kept)
        turn = Turn(call.session, call.arrival)
        if whole:
            return Answer(response, "upstream", recorded, turn=turn)
        tail = streaming.passed_on(answer.chunks, call)
        return Answer(response, "upstream", recorded, tail, answer.length, turn)

    async def _keep_unanswered(self, call: Call, verdict: Verdict | None, slug: str) -> None:
        """A write that the upstream may have seen and did not answer may have changed anything: it
        is kept, with the reason in place of an answer, and never played.
        """
        session = call.session
        if verdict is None or verdict.action is not Action.CAPTURE or not verdict.access.writes:
            return
        session.state.abandon(call.arrival)
        exchange = call.exchange(verdict.fingerprint, NO_RESPONSE, failed=slug)
        kept = self.capturing.recorder.interaction(exchange)
        if isinstance(kept, str):
            return
        try:
            pending = session.state.keep(verdict, kept, answered=False)
            await session.shielded(session.persist(pending))
        except StoreFailed:
            session.ended(call.arrival)  # as a write whose recording is missing

    async def _keep(
        self,
        call: Call,
        verdict: Verdict | None,
        audit: Audit | None,
        status: int,
        response: Response | None,
        *,
        received: bool = False,
    ) -> bool | None:
        """Do with an answer what the mode does with it: record it, compare it, or neither."""
        captures = call.session.state.decision.captures
        keeper: Capturing | Verifying = self.capturing if captures else self.verifying
        keeping = keeper.keep(call, verdict, status, response, received=received)
        kept = await call.session.shielded(keeping)
        if kept and audit is not None and call.kept is not None:
            audit.interaction = call.kept.value.id
        return kept

    async def _stream(
        self,
        call: Call,
        verdict: Verdict | None,
        audit: Audit | None,
        answer: UpstreamAnswer,
    ) -> Answer:
        """An answer whose events go out as they come."""
        head = Response(answer.status, answer.headers)
        length = None
        watch = None
        if audit is not None:
            answer, watch = audit.watched(answer)
        if call.session.state.decision.captures or (verdict is not None and verdict.hit):
            tail = self._recorded(call, verdict, audit, answer)
        else:
            await self._keep(call, verdict, audit, answer.status, None)
            tail, length = streaming.passed_on(answer.chunks, call), answer.length
        if audit is not None and watch is not None:
            tail = audit.followed(tail, watch)
        turn = Turn(call.session, call.arrival)
        return Answer(head, "upstream", tail=tail, length=length, turn=turn)

    async def _recorded(
        self, call: Call, verdict: Verdict | None, audit: Audit | None, answer: UpstreamAnswer
    ) -> AsyncGenerator[bytes, None]:
        told = False
        # This begins when the head has gone out, and who has had that does not ask again.
        received = not call.client_disconnected()

        async def kept(response: Response | None) -> bool | None:
            nonlocal told
            told = True
            kept = await self._keep(
                call, verdict, audit, answer.status, response, received=received
            )
            if received:
                call.session.ended(call.arrival)  # the last byte is about to go
            return kept

        reason = "the proxy stopped before the stream was complete"
        limit = self.response_bytes_max
        name = None
        if verdict is not None and verdict.unstored is None:
            name = name_of(call.operation, call.live.method, verdict.fingerprint)
        left = (
            call.session.streaming(call.arrival, call.client_disconnected, name)
            if received
            else nullcontext()
        )
        with left, self.waiting.waits(call, None if received else verdict):
            try:
                async with aclosing(streaming.recorded(answer, call, limit, kept)) as pieces:
                    async for piece in pieces:
                        yield piece
            except UpstreamFailed as failure:
                reason = str(failure)
                raise
            finally:
                if not told:
                    await self._keep_unanswered(call, verdict, "upstream_disconnected")
                    call.session.release(call.arrival)
                    call.tell(Outcome.FAILED, answer.status, reason=reason, upstream=True)

    def _refuse(self, call: Call) -> Answer:
        """What the API itself would say to a request that strict validation does not let pass."""
        call.session.release(call.arrival)
        errors = [
            call.session.redaction.finding(call.live, item)
            for item in call.checks
            if item.severity == validation.ERROR
        ]
        refusal = self.profile.refuse(*errors)
        first = f"{errors[0].at}: {errors[0].rule}"
        call.tell(Outcome.REFUSED, refusal.status, reason=first)
        response = json_response(refusal.status, refusal.body, NO_RETRY)
        return Answer(response, "proxy", _unstored(call))

    def _fail(
        self,
        call: Call,
        slug: str,
        reason: str,
        *,
        upstream: bool = False,
    ) -> Answer:
        """An answer of our own, after which an equal request finds everything as this one did."""
        call.session.release(call.arrival)
        response = error_response(slug, reason)
        call.tell(Outcome.FAILED, response.status, reason=reason, upstream=upstream)
        return Answer(response, "proxy", _unstored(call))

    async def _findings_of_request(self, call: Call) -> tuple[Violation, ...]:
        if self.check_request == "off":
            return ()
        body, named = call.plain.body, values(call.plain.headers, "content-type")
        media_type = named[0] if named else None
        check = validation.check_request
        return await call.aside.run(
            len(body), check, self.profile, call.operation, body, media_type
        )


def _unstored(call: Call) -> bool | None:
    return False if call.session.state.decision.captures else None


def _streams(call: Call, answer: UpstreamAnswer) -> bool:
    return has_body(call.live.method, answer.status) and is_event_stream(answer.headers)


async def collected(answer: UpstreamAnswer, bytes_max: int) -> tuple[bytes, bool]:
    """The whole body and True, or its beginning and False if it has more than `bytes_max`.

    Raises:
        UpstreamFailed: the body ended before it was complete.
    """
    body = bytearray()
    async for chunk in answer.chunks:
        body += chunk
        if len(body) > bytes_max:
            return bytes(body), False
    return bytes(body), True
