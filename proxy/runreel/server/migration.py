"""`verify --map`: a cassette's calls, played against another API through a map of calls.

There is no client: each recorded call goes through the engine as if one had sent it, in recorded
order and one after the other, so that the audit log, the log and the receipt tell it as they tell
any call. What stands in place of the upstream is `MappedUpstream`, which sends the call as the map
has it and gives the answer back in terms of the recorded call. How two answers differ is `drift`.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace

from runreel.cassettes.file_store import FileStore
from runreel.config.settings import Config
from runreel.engine.forwarding import collected
from runreel.errors import RunreelError, UpstreamFailed, UpstreamFault
from runreel.http.headers import Trait, drop, is_event_stream, recordable_response
from runreel.http.messages import Headers, Interaction, Request, Response, values, without
from runreel.matching.call_map import CallMap, Ids, Step, made_by
from runreel.ports import Clock, SystemClock, Upstream, UpstreamAnswer
from runreel.redaction.redactor import Redacted, request_of
from runreel.server.app import Parts, composed, exit_code
from runreel.server.listener import RunOptions
from runreel.sessions.events import Event, Outcome
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import DEFAULT, SessionRequest
from runreel.sessions.modes import Mode


class MappedUpstream:
    """The upstream as the recorded API: of `sent`, the call that is being played, it makes what
    `step` says; other calls have no place there.
    """

    def __init__(self, upstream: Upstream, ids: Ids, config: Config, clock: Clock) -> None:
        self.sent: Request | None = None
        self.step: Step | None = None
        self._upstream = upstream
        self._ids = ids
        self._limits = config.limits
        self._clock = clock

    async def send(self, request: Request) -> UpstreamAnswer:
        """Send the call that is being played, and turn its answer back."""
        if request is not self.sent or self.step is None:
            why = "The map has no rule for a call that the cassette does not hold."
            raise UpstreamFailed(UpstreamFault.UNREACHABLE, why, sent=False)
        step = self.step
        again = step.rule.again
        for left in range(again.at_most if again else 0, -1, -1):
            answer = await self._upstream.send(step.request)
            if is_event_stream(answer.headers):
                return replace(answer, chunks=self._learning(answer, step))
            body, whole = await collected(answer, self._limits.response_body_bytes_max)
            if not whole:
                return UpstreamAnswer(answer.status, answer.headers, _pieces(body, answer.chunks))
            plain = self._plain(step.request, Response(answer.status, answer.headers, body))
            if not left or not step.waits(plain) or again is None:
                break
            await self._clock.sleep(again.every_ms / 1000)
        headers = drop(answer.headers, Trait.FRAMING | Trait.HOP_BY_HOP)
        if not values(plain.headers, "content-encoding"):
            headers = without(headers, frozenset({"content-encoding"}))
        return UpstreamAnswer(plain.status, headers, _pieces(step.turned(plain, self._ids)))

    def _plain(self, request: Request, answer: Response) -> Response:
        return recordable_response(request.method, answer, self._limits.decoded_body_bytes_max)

    async def _learning(self, answer: UpstreamAnswer, step: Step) -> AsyncGenerator[bytes, None]:
        """The chunks of a stream; at its end it is known what it made."""
        read = bytearray()
        async with aclosing(answer.chunks) as chunks:
            async for chunk in chunks:
                if len(read) <= self._limits.response_body_bytes_max:
                    read += chunk
                yield chunk
        whole = Response(answer.status, answer.headers, bytes(read))
        step.learn_from_stream(self._plain(step.request, whole), self._ids)


async def _pieces(
    first: bytes, rest: AsyncGenerator[bytes, None] | None = None
) -> AsyncGenerator[bytes, None]:
    yield first
    if rest is not None:
        async with aclosing(rest) as pieces:
            async for piece in pieces:
                yield piece


async def verify_by_map(config: Config, options: RunOptions, call_map: CallMap) -> int:
    """Play the configured cassette against the upstream; returns the exit code, as `run` does.

    Raises:
        RunreelError: it cannot be done, or no call could be compared.
    """
    async with composed(config, options) as parts:
        stored = FileStore(config.cassettes).load(config.cassette)
        await _Playing(parts, call_map).all_of(stored.cassette.interactions if stored else ())
        parts.end_well()
    receipt = parts.sessions.summary() or {"sessions": []}
    if not any(item.get("compared") for item in (receipt, *receipt["sessions"])):
        raise RunreelError(
            f"no call of cassette '{config.cassette}' was compared; the log says of each call why"
        )
    return exit_code(receipt)


class _Playing:
    """A cassette on its way through a map; ids are carried through all of its stories."""

    def __init__(self, parts: Parts, call_map: CallMap) -> None:
        self._parts = parts
        self._map = call_map
        self._ids = Ids(call_map.ids)
        self._clock = SystemClock()
        key = parts.options.environment.get(call_map.key_from or "")
        self._key: Headers = (("Authorization", f"Bearer {key}"),) if key else ()

    async def all_of(self, items: Sequence[Redacted[Interaction]]) -> None:
        """Play each story, one after the other, those calls first that are of none.

        Raises:
            StartRefused: there is no such cassette, or no upstream.
        """
        scopes = dict.fromkeys((None, *(item.value.scope for item in items)))
        for number, scope in enumerate(scopes):
            await self._story(scope, number, [one for one in items if one.value.scope == scope])

    async def _story(
        self, scope: str | None, number: int, items: Sequence[Redacted[Interaction]]
    ) -> None:
        config = self._parts.config
        upstream = MappedUpstream(self._parts.upstream, self._ids, config, self._clock)
        session = await self._parts.sessions.open(
            SessionRequest(
                config.cassette,
                Mode.VERIFY.value,
                DEFAULT if scope is None else f"story-{number}",
                scope=scope,
                barriers=False,
                name=scope,
                own_upstream=upstream,
                lasts=True,
            )
        )
        for item in items:
            step = self._map.step(item.value, config.base_path, self._ids)
            if isinstance(step, str):
                self._ids.learn(made_by(item.value), {})
                session.tell(self._not_played(session, item, step))
            else:
                await self._play(session, upstream, item, step)

    async def _play(
        self,
        session: LiveSession,
        upstream: MappedUpstream,
        item: Redacted[Interaction],
        step: Step,
    ) -> None:
        sent = _with(item.value.request, self._key)
        upstream.sent = sent
        upstream.step = replace(step, request=_with(step.request, self._key))
        engine = self._parts.context.engine
        answer = await engine.answer(session, session.arrive(), sent)
        if answer.turn is not None:
            answer.turn.began()
        if answer.tail is not None:
            with suppress(UpstreamFailed):  # which the engine has told
                async for _ in answer.tail:
                    pass
        if answer.turn is not None:
            answer.turn.ended()
        if answer.source == "proxy":  # there was no answer, so nothing is known to have been made
            step.learn({}, self._ids)

    def _not_played(self, session: LiveSession, item: Redacted[Interaction], reason: str) -> Event:
        return Event(
            at=self._clock.now(),
            session=session.name,
            outcome=Outcome.NOT_COMPARED,
            method=item.value.request.method,
            operation=item.value.operation,
            status=item.value.response.status,
            duration_ms=0,
            request=request_of(item),
            interaction=item.value.id,
            reason=reason,
        )


def _with(request: Request, headers: Headers) -> Request:
    return replace(request, headers=request.headers + headers)
