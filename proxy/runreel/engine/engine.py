"""The path of one request, from the values that came in to the values that go out.

Owns the order of things: redact, ask, then serve or refuse, then tell the sinks; all that reaches
the upstream is `forwarding`. Knows no framework and no file; what it needs is handed to it.
Every request ends in exactly one `Event`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from runreel.assistants.operations import recognise
from runreel.assistants.profile import Profile
from runreel.engine import streaming
from runreel.engine.auditing import Auditing
from runreel.engine.call import AT_ONCE_BYTES_MAX, Answer, Aside, Call, Turn, Waiting, plan
from runreel.engine.forwarding import Capturing, Forwarding, Verifying
from runreel.engine.recorder import Checks, Recorder
from runreel.errors import Unredactable, error_response
from runreel.http.headers import recordable_request
from runreel.http.messages import Request
from runreel.matching.drift import Rule
from runreel.matching.matchers import Fingerprint, MatchOn, fingerprint, remember
from runreel.matching.near_miss import NO_MATCH, Miss, Missed
from runreel.ports import Clock, Upstream
from runreel.redaction.redactor import Redacted, Redaction
from runreel.redaction.rules import count
from runreel.sessions.events import Outcome
from runreel.sessions.live import LiveSession
from runreel.sessions.modes import Action, Latency
from runreel.sessions.session import Verdict


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes that a body may have: `decoded` of any recorded one, `response` of one kept at all."""

    decoded_bytes_max: int
    response_bytes_max: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that was looked at: `plain` as it would be stored but for its secrets, `sent`
    without them, or None and `opaque` says why; of a large one there is its fingerprint.
    """

    plain: Request
    sent: Redacted[Request] | None
    opaque: str | None
    print: Fingerprint | None


def look_at(
    request: Request, redaction: Redaction, match_on: MatchOn, decoded_bytes_max: int
) -> Seen:
    """All that takes long, if a request is large, before anybody is asked what to do with it."""
    plain = recordable_request(request, decoded_bytes_max)
    try:
        sent = redaction.request(plain, request)
    except Unredactable as error:
        return Seen(plain, None, f"the request cannot be redacted: {error}", None)
    large = len(sent.value.body) > AT_ONCE_BYTES_MAX
    return Seen(plain, sent, None, fingerprint(sent, match_on) if large else None)


def _stays() -> bool:
    return False


class Engine:
    """Answers requests; one for all sessions of a process.

    `profile` is asked for the profile when the first call goes live: its models take long to make.
    """

    def __init__(  # noqa: PLR0913 - keyword-only wiring, each of them a part of the path
        self,
        *,
        upstream: Upstream | None,
        clock: Clock,
        profile: Callable[[], Profile],
        checks: Checks,
        limits: Limits,
        rule: Rule,
        latency: Latency = "none",
        order_wait_ms: int = 150,
        auditing: Auditing | None = None,
        aside: Aside | None = None,
    ) -> None:
        self.clock = clock
        self._aside = aside or Aside()
        self._limits = limits
        self._latency = latency
        self._order_wait_s = order_wait_ms / 1000
        self._waiting = Waiting()
        self._profile = profile
        self._upstream = upstream
        self._checks = checks
        self._rule = rule
        self._auditing = auditing

    @cached_property
    def _forwarding(self) -> Forwarding:
        profile, checks, limits = self._profile(), self._checks, self._limits
        recorder = Recorder(profile, checks.response, limits.decoded_bytes_max)
        # What a recording says is compared, right or wrong.
        lenient = replace(recorder, check_response="off" if checks.response == "off" else "warn")
        return Forwarding(
            upstream=self._upstream,
            profile=profile,
            check_request=checks.request,
            response_bytes_max=limits.response_bytes_max,
            capturing=Capturing(recorder, limits.response_bytes_max),
            verifying=Verifying(lenient, self._rule, limits.response_bytes_max),
            auditing=self._auditing,
            waiting=self._waiting,
        )

    def at_once(
        self,
        session: LiveSession,
        like: int,
        client_disconnected: Callable[[], bool],
        connection: object,
        now_s: float,
    ) -> int | None:
        """The position of the recording that answers a request which is equal to that of the one at
        `like`, if nothing has to be waited for, and no other call is under way; else None. Nothing
        of the session has changed so far. It is `now_s` on the monotonic clock; the rest is as for
        `answer`.
        """
        if self._waiting.calls or self._latency != "none":
            return None
        others = session.others_at_work(connection, client_disconnected, now_s)
        return session.state.at_once(like, self._order_wait_s > 0, others)

    async def answer(
        self,
        session: LiveSession,
        arrival: int,
        request: Request,
        client_disconnected: Callable[[], bool] = _stays,
        connection: object = None,
    ) -> Answer:
        """The answer to a request that took its place in the order of arrival before.

        `client_disconnected` tells at any time whether the client has left. A call to the upstream
        is finished all the same. `connection` is what the request came by: others may have to come
        first.
        """
        call = await self._read(session, arrival, request, client_disconnected, connection)
        if call.sent is None:
            decision = session.state.decision
            if not decision.on_miss.live:
                session.release(arrival)
                return await self._refuse_opaque(call)
            session.state.pass_on(arrival, request)
            return await self._forwarding.forward(call, None)
        self._waiting.free_what_clients_left(session)
        verdict = await self._verdict(call, call.sent)
        match verdict.action:
            case Action.SERVE:
                return await self._serve(call, verdict)
            case Action.REFUSE:
                return await self._refuse(call, verdict)
            case Action.FORWARD | Action.CAPTURE | Action.COMPARE:
                return await self._forwarding.forward(call, verdict)

    async def _verdict(self, call: Call, sent: Redacted[Request]) -> Verdict:
        """What the session says, when the calls have come that were before this one."""
        session = call.session
        others = session.others_at_work(call.connection, call.client_disconnected, call.started)
        may_wait = self._order_wait_s > 0
        while True:
            verdict = session.state.ask(
                call.arrival, sent, may_wait=may_wait, others_at_work=others
            )
            if not verdict.waits:
                session.wake()
                return verdict
            may_wait = await self._waited(call)

    async def _waited(self, call: Call) -> bool:
        """Wait for another call; whether there is time to wait for one more."""
        await call.session.changed(self._time_left_s(call))
        return self._time_left_s(call) > 0 and not call.client_disconnected()

    def _time_left_s(self, call: Call) -> float:
        return call.started + self._order_wait_s - self.clock.monotonic()

    async def _read(
        self,
        session: LiveSession,
        arrival: int,
        request: Request,
        client_disconnected: Callable[[], bool],
        connection: object,
    ) -> Call:
        started = self.clock.monotonic()
        match_on = session.state.match_on
        rules = (session.redaction, match_on, self._limits.decoded_bytes_max)
        seen = await self._aside.run(len(request.body), look_at, request, *rules)
        if seen.print is not None and seen.sent is not None:
            remember(seen.sent, match_on, seen.print)
        operation = recognise(request.method, request.path)
        return Call(
            session=session,
            arrival=arrival,
            live=request,
            sent=seen.sent,
            plain=seen.plain,
            operation=operation.name if operation else None,
            clock=self.clock,
            started=started,
            client_disconnected=client_disconnected,
            connection=connection,
            opaque=seen.opaque,
            aside=self._aside,
        )

    async def _serve(self, call: Call, verdict: Verdict) -> Answer:
        assert verdict.hit is not None  # noqa: S101 - SERVE comes with a hit, by the session's contract
        interaction = verdict.hit.value
        response = interaction.response
        pieces = plan(interaction, self._latency)
        tail = None
        may_wait = self._order_wait_s > 0
        while call.session.state.holds_back(call.arrival, may_wait=may_wait):
            may_wait = await self._waited(call)
        if len(pieces) > 1:
            response, tail = replace(response, body=b""), streaming.paced(pieces, call)
        else:
            with self._waiting.waits(call, verdict):
                await call.wait_until(pieces[0][0])
        altered = count(interaction.response.body)
        call.tell(Outcome.SERVED, response.status, interaction=interaction.id, redacted=altered)
        turn = Turn(call.session, call.arrival, served=True)
        return Answer(response, "replay", tail=tail, turn=turn, redacted=altered)

    async def _refuse(self, call: Call, verdict: Verdict) -> Answer:
        assert verdict.miss is not None  # noqa: S101 - REFUSE comes with a miss, likewise
        return await self._missed(call, call.session.missed(verdict.miss, call.sent))

    async def _refuse_opaque(self, call: Call) -> Answer:
        missed = call.session.missed(Miss(NO_MATCH), None, call.opaque)
        return await self._missed(call, missed)

    async def _missed(self, call: Call, missed: Missed) -> Answer:
        message = await call.aside.run(len(call.plain.body), missed.message)
        response = error_response(missed.code, message)
        call.tell(Outcome.MISSED, response.status, missed=missed, reason=missed.opaque)
        return Answer(response, "proxy")
