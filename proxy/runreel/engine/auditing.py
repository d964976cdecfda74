"""What is audited of one request on its way through the engine.

An intent is durable before its change is forwarded, every intent gets an outcome whatever becomes
of the call, and everything said is redacted. What is said is written by `audit.writer`.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

from runreel.assistants.operations import BY_KIND
from runreel.audit import observation
from runreel.audit.entries import UNKNOWN, Entry
from runreel.audit.history import ChangeResult, Occasion
from runreel.audit.observation import ChangeRequest, Meaning, Shown, Watch
from runreel.audit.writer import AuditLog, AuditWriter, Concluded, Intended, Observed
from runreel.engine.call import AT_ONCE_BYTES_MAX, Call
from runreel.errors import Unredactable, UpstreamFailed
from runreel.http.headers import Trait, drop, recordable_response
from runreel.http.messages import Interaction, Request, Response, values
from runreel.ports import Upstream, UpstreamAnswer
from runreel.redaction.redactor import Redacted, Redaction, response_of

_STOPPED = "runreel stopped before the answer was known"
_TOO_LARGE = "the answer is larger than limits.response_body_bytes_max"
_LEFT = "the stream was not read to its end"
_READ_FIRST = "read by runreel before a change (audit.fetch_before)"


@dataclass(frozen=True, slots=True)
class Rules:
    """`upstream` is its name in entries, `fetch_before` whether a resource is read before a change.

    `decoded_bytes_max` and `response_bytes_max` limit the bodies that are looked at.
    """

    upstream: str
    fetch_before: bool
    decoded_bytes_max: int
    response_bytes_max: int


@dataclass(frozen=True, slots=True)
class _Asking:
    """What of a call says what it asks."""

    meaning: Meaning
    live: Request
    plain: Request
    sent: Redacted[Request] | None
    opaque: str | None
    redaction: Redaction


def _bare(call: Call, meaning: Meaning) -> _Asking:
    return _Asking(meaning, call.live, call.plain, call.sent, call.opaque, call.session.redaction)


def _asked(call: _Asking) -> ChangeRequest | None:
    """What a call asks of metadata; None if it has nothing to do with them after all."""
    meaning = call.meaning
    if not observation.holds(meaning, call.plain.body):
        return None
    if call.sent is not None and meaning.path == call.plain.path:
        return observation.asked(meaning, call.sent)
    # Spelled plainly it may show a secret that was not to be seen before.
    bare = Request(call.plain.method, meaning.path)
    try:
        named = observation.asked(meaning, call.redaction.request(bare, call.live))
    except Unredactable:
        named = observation.unnamed(meaning)
    if call.sent is None:
        return replace(named, reason=call.opaque)
    said = observation.asked(meaning, call.sent)
    return replace(named, requested=said.requested, reason=said.reason)


class Auditing:
    """Audits the calls of a process; `tell` gets a sentence when something is wrong or new."""

    def __init__(self, log: AuditLog, rules: Rules, tell: Callable[[str], None]) -> None:
        self._rules = rules
        self._writer = AuditWriter(log, tell)
        self._open: set[Audit] = set()

    async def begin(self, call: Call, upstream: Upstream) -> "Audit | None":
        """The audit of a call that is about to be forwarded; None if it says nothing of metadata.

        Returns once its intent is durable, if the call may change anything.

        Raises:
            StoreFailed: it is not: the call must not be forwarded.
        """
        meaning = observation.meant(call.plain)
        if meaning is None:
            return None
        asked = await call.aside.run(len(call.plain.body), _asked, _bare(call, meaning))
        if asked is None:
            return None
        operation = meaning.operation
        if call.operation != operation.name:
            call = replace(call, operation=operation.name)
        audit = Audit(call, asked, self._rules, self._writer)
        if operation.changes:
            if self._rules.fetch_before and operation.name in observation.MODIFYING:
                await self._read_first(audit, upstream)
            await audit.intend()
        self._open.add(audit)
        audit.at_end = self._open.discard
        return audit

    async def close(self) -> None:
        """Conclude what is under way, write all of it, and give up the log.

        Raises:
            StoreFailed: not all of it is on disk.
        """
        for audit in list(self._open):
            audit.failed(_STOPPED)
        await self._writer.close()

    async def _read_first(self, audit: "Audit", upstream: Upstream) -> None:
        """Look at a resource of which nothing is known; if that fails, the intent says so."""
        asked, live = audit.asked, audit.call.live
        kind = asked.resource.kind
        if asked.loose or self._writer.known(asked) != UNKNOWN:
            return
        read = replace(
            audit.call,
            live=Request("GET", live.path, drop(live.headers, Trait.OF_BODY)),
            operation=BY_KIND[kind].get,
        )
        reading = Audit(read, asked, self._rules, self._writer)
        try:
            answer = await upstream.send(read.live)
            body = await _beginning(answer, self._rules.response_bytes_max)
        except UpstreamFailed as failure:
            why = str(failure)
        else:
            response = Response(answer.status, answer.headers, body)
            if observation.the_one(asked, await reading.answered(response, reason=_READ_FIRST)):
                return
            why = f"it was answered {answer.status}, without the {_words(kind)}"
        audit.unread = f"the {_words(kind)} could not be read before: {why}"


@dataclass(eq=False, slots=True)
class Audit:
    """One call in the log; the first that is said of how it ended counts.

    `interaction` is the id of its recording, once it has one; `unread` says why its resource could
    not be read before it.
    """

    call: Call
    asked: ChangeRequest
    _rules: Rules
    _writer: AuditWriter
    interaction: str | None = None
    unread: str | None = None
    at_end: "Callable[[Audit], None] | None" = None
    _intent: Entry | None = None
    _ended: bool = False

    async def intend(self) -> None:
        """Return once the intent is durable, or raise StoreFailed."""
        reason = "; ".join(filter(None, (self.asked.reason, self.unread))) or None
        asked = replace(self.asked, reason=reason)
        said = Intended(self.call.live.headers, self._occasion(), asked)
        self._intent = await self._writer.say(said)

    async def answered(
        self, response: Response | None, *, reason: str | None = None
    ) -> tuple[Shown, ...]:
        """An answer came, whole as on the wire; None if it was too large to look at.

        Returns the resources that it shows.
        """
        await self._writer.room()
        if response is None:
            self.failed(_TOO_LARGE)
            return ()
        size, kept, problem = len(response.body), self.call.kept, None
        if kept is not None and size <= AT_ONCE_BYTES_MAX:  # it was redacted for its recording
            shown = observation.shown(self.asked, response_of(kept))
        else:
            watched = self._watched(response)
            shown, problem = await self.call.aside.run(size, _shown, self.asked, watched)
        self._end(response.status, shown, problem or reason)
        return shown

    def failed(self, reason: str, *, seen: bool = True) -> None:
        """There was no answer, or none that was whole; unless `seen`, nobody was asked."""
        self._end(None, (), reason, seen=seen)

    def watched(self, answer: UpstreamAnswer) -> tuple[UpstreamAnswer, "Watch"]:
        """A stream, and who looks at it while it is read."""
        head = Response(answer.status, answer.headers)
        watch = Watch(head, self._rules.response_bytes_max, self.asked.resource.kind)

        async def chunks() -> AsyncGenerator[bytes, None]:
            async with aclosing(answer.chunks):
                async for chunk in answer.chunks:
                    watch.feed(chunk)
                    yield chunk

        return replace(answer, chunks=chunks()), watch

    async def followed(
        self, tail: AsyncGenerator[bytes, None], watch: Watch
    ) -> AsyncGenerator[bytes, None]:
        """The stream as it goes out; however it ends, the call is concluded by what was seen."""
        reason: str | None = _LEFT
        try:
            async with aclosing(tail):
                async for piece in tail:
                    yield piece
            reason = None if watch.ended else _LEFT
        except UpstreamFailed as failure:
            reason = str(failure)
            raise
        finally:
            shown, problem = _shown(self.asked, self._watched(watch.response()))
            self._end(watch.status, shown, problem or reason)

    def _end(
        self,
        status: int | None,
        shown: tuple[Shown, ...],
        reason: str | None,
        *,
        seen: bool = True,
    ) -> None:
        if self._ended:
            return
        self._ended = True
        if self.at_end is not None:
            self.at_end(self)
        result = ChangeResult(self.call.clock.now(), status, shown, self.interaction, reason, seen)
        if self._intent is not None:
            self._writer.say(Concluded(self._intent, self.asked, result))
        elif shown:
            self._writer.say(Observed(self.call.live.headers, self._occasion(), result))

    def _occasion(self) -> Occasion:
        clients = values(self.call.sent.value.headers, "user-agent") if self.call.sent else ()
        return Occasion(
            at=self.call.clock.now(),
            operation=self.call.operation or "",
            actor=None,  # named by whoever has the key
            client=clients[0] if clients else None,
            session=self.call.session.id,
            upstream=self._rules.upstream,
        )

    def _watched(self, response: Response) -> "_Watched":
        rules, call = self._rules, self.call
        now = call.clock.now()
        return _Watched(call.live, response, call.session.redaction, rules.decoded_bytes_max, now)


@dataclass(frozen=True, slots=True)
class _Watched:
    """An answer of which the resources are to be seen, and all that it takes."""

    live: Request
    response: Response
    redaction: Redaction
    decoded_bytes_max: int
    at: datetime


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _shown(asked: ChangeRequest, watched: _Watched) -> tuple[tuple[Shown, ...], str | None]:
    """The resources that an answer shows, redacted; or none, and why."""
    live = watched.live
    plain = recordable_response(live.method, watched.response, watched.decoded_bytes_max)
    bare = Request(live.method, "/")
    essence = observation.essence(plain, asked.resource.kind)
    seen = Interaction("", None, watched.at, 0, bare, essence)
    try:
        redacted = watched.redaction.interaction(live, seen)
    except Unredactable as error:
        return (), f"the answer cannot be redacted: {error}"
    return observation.shown(asked, response_of(redacted)), None


async def _beginning(answer: UpstreamAnswer, bytes_max: int) -> bytes:
    body = bytearray()
    async with aclosing(answer.chunks) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > bytes_max:
                break
    return bytes(body)
