"""The fast lane: plain requests are read and answered here, in front of aiohttp.

Most of what a replayed call costs is HTTP in general. So a connection looks at what comes before
aiohttp does. A *plain* request is whole, of an ordinary method, with a target and headers that
nobody could read in two ways, and a body of a known, moderate length. All else goes to aiohttp
untouched, and nothing has changed when it does.

    POST /v1/threads/t/runs/r HTTP/1.1       the start: which call it is
    Host: … Authorization: … …               the block: the same for every call of a client, so what
                                             it says is worked out once
    {"metadata": {"k": "v"}}                 the body

A plain request that is byte for byte what a recording was asked with, in all that decides a match,
is answered at once, if the engine says that nothing has to be waited for: bytes made ready, in one
write. Any other plain request is answered by `Engine.answer` in a task, and only its reading and
writing are done here. Whether a call goes by the lane or by aiohttp can be seen by nobody: answer,
event, receipt and history are the same (`tests/lane`). Two things are aiohttp's alone: it loses the
good requests that come in one packet with a bad one after them, and it refuses a bad head before
that is whole, where the lane waits `HALF_S_MAX` for the rest.

A connection belongs to the lane while aiohttp has nothing of it in hand. Once something is given to
aiohttp whose end is not known here, the connection is aiohttp's for good.
"""

import asyncio
import re
from collections.abc import Coroutine
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from weakref import WeakSet

from runreel.assistants.operations import recognise
from runreel.engine.call import Answer
from runreel.engine.log import line_of
from runreel.errors import Unredactable, UpstreamFailed, error_response
from runreel.http.headers import has_body, recordable_request
from runreel.http.location import Place
from runreel.http.messages import Headers, Interaction, Request, values
from runreel.matching.matchers import exact_key, said_in_headers, start_line
from runreel.redaction.redactor import COMPRESSED, Redacted, asked_with, request_of
from runreel.redaction.rules import count
from runreel.redaction.secrets import Secrets
from runreel.server import exchange
from runreel.server.admin import ADMIN_PREFIX
from runreel.server.exchange import (
    OURS,
    Connection,
    Held,
    answer_headers,
    head_bytes,
    on_the_wire,
    tell_begin,
)
from runreel.server.gateway import Admitted, Head, Refused, look, without_token
from runreel.server.routes import ServerContext, as_ours, named_in_path, prefix_of
from runreel.sessions.events import Event, Outcome, Refusal
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import OpenSession

HEAD_BYTES_MAX = 8_000  # of a request; aiohttp looks at a larger one, and refuses what is too large
BODY_BYTES_MAX = 65_536  # of a request; a larger one would be read piece by piece
ANSWER_BYTES_MAX = 262_144  # of a recording that is answered at once
HALF_S_MAX = 1  # that a request may lack something, before aiohttp waits for the rest
_A_SECOND = timedelta(seconds=1)
# Remembered of whoever calls; with the largest heads some 20 MB, and 100 MB.
_BLOCKS_MAX = 1_024
_VIEWS_MAX = 4_096  # of all sessions

_START = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*) HTTP/1\.1")
_ADMIN = ADMIN_PREFIX.encode()
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*((?:[!-~](?:[ -~]*[!-~])?)?)[ \t]*")
_LENGTH = re.compile(r"0|[1-9][0-9]{0,8}")
_HEADERS_MAX = 128  # of a request, as aiohttp has it
# What makes a request another one than it seems, or its answer.
_UNUSUAL = frozenset(
    {
        *("content-encoding", "expect", "http2-settings", "origin", "proxy-connection"),
        *("sec-websocket-key1", "transfer-encoding", "upgrade"),
    }
)


@dataclass(slots=True, eq=False)
class Block:
    """What the header lines of a plain request say; `length` is that of the body."""

    length: int
    headers: Headers
    origin: str
    session: str | None


@dataclass(frozen=True, slots=True)
class _View:
    """A block as one session sees it: a request that says nothing else, redacted; what of it
    decides a match; and what must stand nowhere else in the request.
    """

    sent: Redacted[Request]
    decides: bytes
    secrets: Secrets


@dataclass(frozen=True, slots=True)
class _Ready:
    """The answer of one recording: its `head` but for the date."""

    head: bytes
    body: bytes
    status: int
    interaction: str
    redacted: int


@dataclass(slots=True, eq=False)
class _Hit:
    """What is ready for requests that are byte for byte `start` (the first line without the prefix
    of a session) and `body`, below headers that say what `view` has.
    """

    view: _View
    start: bytes
    body: bytes
    request: Redacted[Request]
    operation: str | None
    position: int = -1  # of the recording that answered last
    ready: _Ready | None = None
    event: Event | None = None  # the last


@dataclass(slots=True, eq=False, weakref_slot=True)
class _Prepared:
    """What is ready of one session: views by block, answers by position, and by the position of the
    recording that they equal what came last; None where there is none.
    """

    views: dict[Block, _View | None] = field(default_factory=dict)
    answers: dict[int, _Ready | None] = field(default_factory=dict)
    hits: dict[int, _Hit] = field(default_factory=dict)


class Lane:
    """What all connections of a proxy share."""

    def __init__(self, context: ServerContext) -> None:
        self.context = context
        self.engine = context.engine
        self.sessions = context.sessions
        self.half_s = min(HALF_S_MAX, context.body_read_s_max)
        self._us = context.identity
        self.blocks: dict[bytes, Block | None] = {}
        self._prepared = WeakSet[_Prepared]()  # of the sessions that are open
        self._views = 0
        self._second = self._next_second = datetime.min.replace(tzinfo=UTC)
        self._date = b""

    def block(self, lines: bytes) -> Block | None:
        """What the header lines of a request say; None if it is not plain."""
        try:
            return self.blocks[lines]
        except KeyError:
            if len(self.blocks) >= _BLOCKS_MAX:
                self.blocks.clear()
            found = self.blocks[lines] = self._read(lines)
            return found

    def _read(self, lines: bytes) -> Block | None:
        fields = [_FIELD.fullmatch(line) for line in lines.split(b"\r\n")]
        pairs = tuple((one[1].decode(), one[2].decode()) for one in fields if one)
        named = {name.lower(): value for name, value in pairs}
        length = named.get("content-length", "0")
        if (
            len(named) < len(fields)  # one is not plain, or stands twice
            or len(fields) > _HEADERS_MAX
            or not _UNUSUAL.isdisjoint(named)
            or named.get("connection", "keep-alive").lower() != "keep-alive"
            or not _LENGTH.fullmatch(length)
            or int(length) > min(BODY_BYTES_MAX, self.context.body_bytes_max)
        ):
            return None
        try:
            admitted = look(Head("POST", "/", (1, 1), pairs), self._us)
            assert isinstance(admitted, Admitted)  # noqa: S101 - only OPTIONS is answered at once
            headers = admitted.headers
            if self.context.token is not None:
                headers = without_token(headers, self.context.token)
        except Refused:
            return None
        session = named.get("x-runreel-session")
        return Block(int(length), headers, admitted.origin, session)

    def hit(
        self,
        found: OpenSession,
        block: Block,
        start: bytes,
        body: bytes,
        by: asyncio.Transport,
        now_s: float,
    ) -> bytes | None:
        """The whole answer to a request, if a recording can give it at once; else None, and nothing
        has changed. `start` is its first line, with the target within the session; `now_s` is on
        the monotonic clock.
        """
        session, engine = found.session, self.engine
        state = session.state
        if not state.exact:
            return None
        prepared: _Prepared = found.prepared or self._prepare(found)
        view = prepared.views.get(block) or self._view(prepared, session, block)
        if view is None:
            return None
        like = state.exact.get(exact_key(start, view.decides, body))
        if like is None:
            return None
        hit = prepared.hits.get(like)
        if hit is None or hit.view is not view or hit.start != start or hit.body != body:
            hit = _hit(prepared, view, like, start, body, session)
            if hit is None:
                return None
        position = engine.at_once(session, like, by.is_closing, by, now_s)
        if position is None:
            return None
        now = engine.clock.now()
        ready, event = hit.ready, hit.event
        if position != hit.position or ready is None or event is None:
            ready = _ready(prepared, position, session)
            if ready is None:
                return None
            event = _event(hit, ready, session.name, now)
            hit.position, hit.ready, hit.event = position, ready, event
        state.play(like, position)
        event.at = now
        session.tell(event)
        return b"".join((ready.head, self._date_line(now), ready.body))

    def _prepare(self, found: OpenSession) -> _Prepared:
        prepared = found.prepared = _Prepared()
        self._prepared.add(prepared)
        return prepared

    def _view(self, prepared: _Prepared, session: LiveSession, block: Block) -> _View | None:
        """A block as a session sees it; None if nothing may be told of it."""
        if block not in prepared.views:
            self._make_room()
            prepared.views[block] = _view(session, block)
        return prepared.views[block]

    def _make_room(self) -> None:
        self._views += 1
        if self._views > _VIEWS_MAX:
            self._views = 1
            for prepared in self._prepared:
                prepared.views.clear()

    def date(self, now: datetime) -> bytes:
        """The time as answers have it."""
        return self._date_line(now)[6:-4]

    def _date_line(self, now: datetime) -> bytes:
        """The same as the last header of a head, with what ends that."""
        if not self._second <= now < self._next_second:
            self._second = now.replace(microsecond=0)
            self._next_second = self._second + _A_SECOND
            self._date = f"Date: {format_datetime(now, usegmt=True)}\r\n\r\n".encode()
        return self._date


def _view(session: LiveSession, block: Block) -> _View | None:
    live = Request("POST", "/", block.headers)
    try:
        sent = session.redaction.request(recordable_request(live, BODY_BYTES_MAX), live)
    except Unredactable:
        return None  # nothing is known of it that may be told; all is for the engine to say
    decides = said_in_headers(sent, session.state.match_on)
    return _View(sent, decides, session.redaction.secrets_of(live))


def _hit(
    prepared: _Prepared, view: _View, like: int, start: bytes, body: bytes, session: LiveSession
) -> _Hit | None:
    """What is ready for a request whose key is that of the recording at `like`; None if it is
    another one all the same, or not for the lane.
    """
    last, recorded = prepared.hits.get(like), request_of(session.state.recorded(like))
    again = last is not None and last.start == start and last.body == body
    if last is None or not again or last.view.decides != view.decides:
        plain = _START.fullmatch(start)
        if plain is None or plain[2].startswith(_ADMIN):
            return None
        said = said_in_headers(recorded, session.state.match_on)
        asks = start_line(recorded.value), said, recorded.value.body
        if asks != (start, view.decides, body):
            return None
    if last is None or not again or last.view.secrets is not view.secrets:
        # The client's own credentials stand nowhere in its request, so that redacted it is what the
        # recording has. What is compressed may hold them too: that is for the engine to find out.
        text = f"{start.decode('latin-1')}\n{body.decode('latin-1')}"
        if body.startswith(COMPRESSED) or view.secrets.occur_in(text):
            return None
    request = asked_with(recorded, view.sent)
    known = recognise(request.value.method, request.value.path)
    operation = known.name if known else None
    hit = prepared.hits[like] = _Hit(view, start, recorded.value.body, request, operation)
    return hit


def _event(hit: _Hit, ready: _Ready, session: str, now: datetime) -> Event:
    event = Event(
        now,
        session,
        Outcome.SERVED,
        hit.request.value.method,
        hit.operation,
        ready.status,
        0,
        hit.request,
        ready.interaction,
        redacted=ready.redacted,
    )
    event.line = line_of(event)
    return event


def _ready(prepared: _Prepared, position: int, session: LiveSession) -> _Ready | None:
    """The answer of a recording, if it is plain as well."""
    if position not in prepared.answers:
        prepared.answers[position] = _made_ready(session.state.recorded(position).value)
    return prepared.answers[position]


def _made_ready(recorded: Interaction) -> _Ready | None:
    """None for a stream, and for what depends on how the client calls us."""
    method, response = recorded.request.method, recorded.response
    if (
        recorded.never_served
        or response.at_ms is not None
        or len(response.body) > ANSWER_BYTES_MAX
        or values(response.headers, "location")
        or values(response.headers, "date")
        or not has_body(method, response.status)
    ):
        return None
    altered = count(response.body)
    answer = Answer(response, "replay", redacted=altered)
    length = ("Content-Length", str(len(response.body)))
    head = head_bytes(response.status, (*answer_headers(method, answer), length))
    return _Ready(head, response.body, response.status, recorded.id, altered)


class LaneConnection(Connection):
    """A connection that looks for plain requests before aiohttp does."""

    __slots__ = (
        *("_begun", "_block", "_half", "_half_since", "_held", "_lane", "_lines", "_task"),
        *("_theirs", "_timer"),
    )

    def __init__(self, *args: object, lane: Lane, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as aiohttp has them
        self._lane = lane
        self._theirs = False  # aiohttp's for good
        # What stood between first line and body last time, and what it said.
        self._lines = b"none"
        self._block: Block | None = None
        self._half = b""  # what has come of a request, or after the one in the task
        self._half_since: float | None = None  # when the first of it came
        self._begun = False  # whether anything was sent of the answer under way
        self._held: Held | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent."""
        if self._theirs or not data:
            super().data_received(data)
            return
        if self._half:
            data = self._half + data
            self._half = b""
        if self._task is not None:
            self._wait_with(data)
            return
        left = b"" if self._hits(data) else self._take(data)
        if left:
            super().data_received(left)

    def _hits(self, data: bytes) -> bool:
        """Whether this was one request, whole and below headers that came before, that was answered
        at once; else nothing has changed. It is the short way through `_take`.
        """
        lane, transport = self._lane, self.transport
        first = data.find(b"\r\n")
        if not data.startswith(self._lines, first) and not self._knows(data, first):
            return False
        block, begins = self._block, first + len(self._lines)
        if (
            block is None
            or len(data) != begins + block.length
            or begins > HEAD_BYTES_MAX
            or self._held is not None
            or transport is None
            or not self._is_ours()
        ):
            return False
        found = lane.sessions.at_hand(block.session)
        if found is None:
            return False
        now_s = lane.engine.clock.monotonic()
        answer = lane.hit(found, block, data[:first], data[begins:], transport, now_s)
        if answer is None:
            return False
        self._next_keepalive_close_time = now_s + self._keepalive_timeout
        transport.write(answer)
        if self._paused:
            found.calls += 1
            self._begin(self._taken_in(found))
        else:
            found.used_at = now_s
        return True

    def _knows(self, data: bytes, first: int) -> bool:
        """Whether a request has headers that came before on any connection, if not the last time on
        this one; its first line ends at `first`.
        """
        end = data.find(b"\r\n\r\n")
        block = self._lane.blocks.get(data[first + 2 : end])
        if block is None:
            return False
        self._block, self._lines = block, data[first : end + 4]
        return True

    def _wait_with(self, data: bytes) -> None:
        """Keep what came while a request is being answered."""
        self._half = data
        if len(data) > BODY_BYTES_MAX and self.transport is not None:
            self.transport.pause_reading()

    def _take(self, data: bytes) -> bytes:
        """Answer the plain requests; what is left is aiohttp's."""
        while data:
            end = data.find(b"\r\n\r\n")
            if not self._is_ours() or (end < 0 and len(data) > HEAD_BYTES_MAX):
                return self._give(data)
            if end < 0:
                return self._keep(data)
            first = data.find(b"\r\n")
            start = _START.fullmatch(data, 0, first)
            block = self._lane.block(data[first + 2 : end]) if first < end else None
            if start is None or block is None or end > HEAD_BYTES_MAX:
                return self._give(data)
            whole = end + 4 + block.length
            asked = self._asked(start, block)
            if asked is None and len(data) != whole:
                return self._give(data)
            if asked is not None and len(data) < whole:
                self._hold(asked)
                return self._keep(data)
            self._half_since = None
            if asked is None:
                return data  # it is whole, and there is nothing more: the next is for us again
            self._answer(asked, block, data[end + 4 : whole])
            data = data[whole:]
            if data and self._task is not None:
                self._wait_with(data)
                return b""
        return b""

    def _is_ours(self) -> bool:
        """Whether aiohttp has nothing of this connection in hand."""
        waiter = self._waiter
        idle = not waiter.done() if waiter is not None else not self._request_count  # not begun yet
        return idle and not (self._messages or self._close or self._force_close)

    def _give(self, data: bytes) -> bytes:
        """From here on the connection is aiohttp's."""
        self._theirs = True
        return data

    def _keep(self, data: bytes) -> bytes:
        """Wait for what is lacking, but not for long: that is aiohttp's business."""
        self._half = data
        if self._half_since is None:
            self._half_since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_at(self._half_since + self._lane.half_s, self._waited)
        return b""

    def _waited(self) -> None:
        # One timer serves many requests: it is set anew, not cancelled.
        self._timer = None
        if self._half_since is None or self.transport is None:
            return
        ends = self._half_since + self._lane.half_s
        if ends > self._loop.time():
            self._timer = self._loop.call_at(ends, self._waited)
            return
        data, self._half = self._half, b""
        super().data_received(self._give(data))

    def _asked(self, start: re.Match[bytes], block: Block) -> "_Asked | None":
        """The call that a request makes; None where it is not one of an open session."""
        method, target = start.groups()
        name, prefix = block.session, ""
        if target.startswith(_ADMIN):
            name, inside = named_in_path(target.decode("ascii"))
            if name is None or inside.startswith(ADMIN_PREFIX):
                return None
            target, prefix = inside.encode("ascii"), prefix_of(name)
        found = self._held.found if self._held else self._lane.sessions.at_hand(name)
        return None if found is None else _Asked(found, method, target, prefix)

    def _hold(self, asked: "_Asked") -> None:
        """Give a request its place, whose head has come and whose body has not."""
        if self._held is None:
            session = asked.found.session
            arrival = session.arrive() if session.state.decision.captures else None
            asked.found.calls += 1
            now = self._loop.time()
            self._held = Held(asked.method.decode("ascii"), asked.found, arrival, now)

    def taken(self) -> Held | None:
        """A request whose head came here first."""
        held, self._held = self._held, None
        return held

    def _answer(self, asked: "_Asked", block: Block, body: bytes) -> None:
        """Answer a whole request, at once or in a task."""
        assert self.transport is not None  # noqa: S101 - it is what the request came by
        found, start = asked.found, b"%b %b HTTP/1.1" % (asked.method, asked.target)
        now_s = self._lane.engine.clock.monotonic()
        answer = self._lane.hit(found, block, start, body, self.transport, now_s)
        self._next_keepalive_close_time = now_s + self._keepalive_timeout
        held = self.taken()
        if held is None:
            found.calls += 1
        if answer is not None:
            self.transport.write(answer)
            if self._paused:
                self._begin(self._taken_in(found))
            else:
                self._lane.sessions.used(found)
            return
        arrival = held.arrival if held is not None else None
        if arrival is None:
            arrival = found.session.arrive()
        method, target = asked.method.decode("ascii"), asked.target.decode("ascii")
        live = Request(method, target, block.headers, body)
        place = Place(block.origin, asked.prefix)
        self._begin(self._call(found, arrival, live, place))

    def _begin(self, answering: Coroutine[None, None, None]) -> None:
        """Take in nothing more before it has come to its end."""
        self._begun = False
        self._task = self._loop.create_task(answering)
        self._task.add_done_callback(self._done)

    async def _taken_in(self, found: OpenSession) -> None:
        """Wait until the client has taken in an answer that was sent."""
        try:
            await self._drained()
        finally:
            self._lane.sessions.used(found)

    async def _call(self, found: OpenSession, arrival: int, live: Request, place: Place) -> None:
        context, session = self._lane.context, found.session
        try:
            try:
                answer = await context.engine.answer(
                    session, arrival, live, self._has_left, self.transport
                )
            except BaseException:
                session.release(arrival)  # nothing comes of it
                raise
            await self._send(live.method, as_ours(answer, context, session, place))
        except (UpstreamFailed, ConnectionError):
            if self.transport is not None:  # what was sent cannot look whole
                self.transport.close()
        finally:
            context.sessions.used(found)

    def _has_left(self) -> bool:
        return self.transport is None or self.transport.is_closing()

    async def _send(self, method: str, answer: Answer) -> None:
        """Send an answer, as `exchange.write` does."""
        response, turn = answer.response, answer.turn
        shows = has_body(method, response.status)
        headers = answer_headers(method, answer)
        length = len(response.body) if answer.tail is None else answer.length
        if shows and length is not None:
            headers += (("Content-Length", str(length)),)
        elif shows:
            headers += (("Transfer-Encoding", "chunked"),)
        if not values(headers, "date"):
            date = self._lane.date(self._lane.context.engine.clock.now())
            headers += (("Date", date.decode()),)
        head = head_bytes(response.status, headers) + b"\r\n"
        body = response.body if shows else b""
        try:
            async with aclosing(answer.tail) if answer.tail is not None else _WHOLE as chunks:
                there = self._sends(head + (_framed(body, length) if body else b""))
                if turn is not None:
                    tell_begin(turn, answer, there=there)
                there = there and await self._drained()
                if chunks is None:
                    return
                async for chunk in chunks:
                    if there and chunk and shows:
                        there = await self._reaches(_framed(chunk, length))
                if there and shows and length is None:
                    await self._reaches(b"0\r\n\r\n")
        finally:
            if turn is not None:
                turn.ended()

    def _sends(self, sent: bytes) -> bool:
        """Whether the client was there to be sent something."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        transport.write(sent)
        self._begun = True
        return True

    async def _reaches(self, sent: bytes) -> bool:
        """Whether the client was there to get what was sent."""
        return self._sends(sent) and await self._drained()

    async def _drained(self) -> bool:
        """Whether the client takes in what was sent to it; one that takes nothing is let go."""
        if not self._paused:
            return True
        try:
            async with asyncio.timeout(exchange.STALL_S_MAX):
                await self._drain_helper()
        except ConnectionError:
            return False
        except TimeoutError:
            if self.transport is not None:
                self.transport.abort()
            return False
        return not self._has_left()

    def _done(self, task: asyncio.Task[None]) -> None:
        """Go on with what came meanwhile."""
        self._task = None
        error = None if task.cancelled() else task.exception()
        transport = self.transport
        if error is not None:
            self._fail(error)
        if transport is None or transport.is_closing():
            return  # nothing more is answered, though what was sent may still be on its way
        if task.cancelled() or self._close or self._force_close:
            transport.close()
            return
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        data, self._half = self._half, b""
        if len(data) > BODY_BYTES_MAX:
            transport.resume_reading()
        if data:
            self.data_received(data)

    def _fail(self, error: BaseException) -> None:
        """What no handler could answer ends the connection."""
        self.log_exception("Error handling request", exc_info=error)
        if self.transport is not None and not self._begun:
            self.transport.write(on_the_wire(error_response(*OURS)))
        self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client has left, or was let go."""
        held = self.taken()
        if held is not None:
            self._lane.sessions.used(held.found)
            if held.arrival is not None:
                held.found.session.release(held.arrival)
            if not self._close:  # it is not we who left
                self._lane.context.refused(Refusal("client_gone", held.method))
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _process_keepalive(self) -> None:
        if self._task is not None or self._held is not None:  # to aiohttp it looks idle
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        super()._process_keepalive()

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - aiohttp's
        """Let the call under way come to its end, or cut it off after a time."""
        for last in (False, True):
            if self._task is not None:
                if last:
                    self._task.cancel()
                await asyncio.wait([self._task], timeout=timeout)
        await super().shutdown(timeout)


_WHOLE: nullcontext[None] = nullcontext()  # what is sent with the head is all


def _framed(chunk: bytes, length: int | None) -> bytes:
    """A piece of a body as it is sent, if its length is known and if not."""
    return chunk if length is not None else b"%x\r\n%b\r\n" % (len(chunk), chunk)


@dataclass(slots=True)
class _Asked:
    """A call of a session: `prefix` stands before its target if the path names the session."""

    found: OpenSession
    method: bytes
    target: bytes
    prefix: str
