"""The part of a request's path that goes through the upstream.

Owns what must be true before anything is sent (the request may be forwarded, its recording and its
audit can be kept), and what is done with every way in which a call can end. Knows no framework and
no file.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace

from runreel import streaming
from runreel.auditing import Audit, Auditing
from runreel.calls import Answer, Call
from runreel.capturing import Capturing
from runreel.core import validation
from runreel.core.envelope import NO_RETRY, error_response, json_response
from runreel.core.errors import StoreFailed, UpstreamFailed
from runreel.core.facts import Outcome
from runreel.core.messages import Response, Violation, values
from runreel.core.profiles import Profile
from runreel.core.recordable import has_body
from runreel.core.recorder import Check, name_of
from runreel.core.redaction import Redaction
from runreel.core.session import Verdict
from runreel.core.sse import is_event_stream
from runreel.live import LiveSession
from runreel.ports import Upstream, UpstreamAnswer
from runreel.verifying import Verifying


class Waiting:
    """The calls that wait for their answers, with what they took."""

    def __init__(self) -> None:
        self._verdicts: dict[Call, Verdict] = {}

    @contextmanager
    def waits(self, call: Call, verdict: Verdict | None) -> Iterator[None]:
        """While a call waits, what it has taken is free if its client leaves."""
        if verdict is not None:
            self._verdicts[call] = verdict
        try:
            yield
        finally:
            self._verdicts.pop(call, None)

    def free_what_clients_left(self, session: LiveSession) -> None:
        """Give back what calls under way would replace if nobody waits for them any more.

        A client that timed out asks again at once, and its answer is the one to keep.
        """
        for call, verdict in self._verdicts.items():
            if call.session is session and call.gone():
                session.state.give_back(verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """Forwards calls; `auditing` is None if no audit log is kept."""

    upstream: Upstream | None
    redaction: Redaction
    profile: Profile
    check_request: Check
    response_bytes_max: int
    capturing: Capturing
    verifying: Verifying
    auditing: Auditing | None
    waiting: Waiting

    async def forward(self, call: Call, verdict: Verdict | None) -> Answer:
        """The upstream's answer, kept as the session's mode says, or one of our own."""
        call = replace(call, checks=self._findings_of_request(call))
        if self.check_request == "strict" and validation.forbids(call.checks):
            return self._refuse(call, verdict)
        assert self.upstream is not None  # noqa: S101 - no live mode starts without one
        audit = None
        try:
            await call.session.check()
            if self.auditing is not None:
                audit = await self.auditing.begin(call, self.upstream)
            with self.waiting.waits(call, verdict):
                came = await self.upstream.send(call.live)
                if _streams(call, came):
                    return await self._stream(call, verdict, audit, came)
                body, whole = await streaming.collected(came, self.response_bytes_max)
        except StoreFailed as failure:
            return self._fail(call, verdict, "recording_failed", str(failure))
        except UpstreamFailed as failure:
            if audit is not None:
                audit.failed(str(failure), seen=failure.seen)
            slug, _ = failure.fault.value
            return self._fail(call, verdict, slug, str(failure), upstream=failure.sent)
        response = Response(came.status, came.headers, body)
        kept = response if whole else None
        recorded = await self._keep(call, verdict, audit, came.status, kept)
        if audit is not None:
            await audit.came(kept)
        if whole:
            return Answer(response, "upstream", recorded)
        tail = streaming.passed_on(came.chunks, call)
        return Answer(response, "upstream", recorded, tail, came.length)

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
        kept = await call.session.see_through(keeping)
        if kept and audit is not None and verdict is not None:
            audit.interaction = name_of(call.operation, call.live.method, verdict.fingerprint)
        return kept

    async def _stream(
        self,
        call: Call,
        verdict: Verdict | None,
        audit: Audit | None,
        came: UpstreamAnswer,
    ) -> Answer:
        """An answer whose events go out as they come."""
        head = Response(came.status, came.headers)
        length = None
        watch = None
        if audit is not None:
            came, watch = audit.watched(came)
        if call.session.state.decision.captures or (verdict is not None and verdict.hit):
            tail = self._recorded(call, verdict, audit, came)
        else:
            await self._keep(call, verdict, audit, came.status, None)
            tail, length = streaming.passed_on(came.chunks, call), came.length
        if audit is not None and watch is not None:
            tail = audit.followed(tail, watch)
        return Answer(head, "upstream", tail=tail, length=length)

    async def _recorded(
        self, call: Call, verdict: Verdict | None, audit: Audit | None, came: UpstreamAnswer
    ) -> AsyncGenerator[bytes, None]:
        told = False
        # This begins when the head has gone out, and who has had that does not ask again.
        received = not call.gone()

        async def kept(response: Response | None) -> bool | None:
            nonlocal told
            told = True
            return await self._keep(call, verdict, audit, came.status, response, received=received)

        reason = "the proxy stopped before the stream was complete"
        limit = self.response_bytes_max
        with self.waiting.waits(call, None if received else verdict):
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

    def _refuse(self, call: Call, verdict: Verdict | None) -> Answer:
        """What the API itself would say to a request that strict validation does not let pass."""
        if verdict is not None:
            call.session.state.give_back(verdict)
        errors = [
            self.redaction.finding(call.live, item)
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
        return Answer(response, "proxy", _unstored(call))

    def _findings_of_request(self, call: Call) -> tuple[Violation, ...]:
        if self.check_request == "off":
            return ()
        named = values(call.plain.headers, "content-type")
        return validation.check_request(
            self.profile, call.operation, call.plain.body, named[0] if named else None
        )


def _unstored(call: Call) -> bool | None:
    return False if call.session.state.decision.captures else None


def _streams(call: Call, came: UpstreamAnswer) -> bool:
    return has_body(call.live.method, came.status) and is_event_stream(came.headers)
