"""Bodies that go out while they come in, or as if they did.

Owns the passing on of a stream event by event while it is recorded, of a body as it comes, and of
a recording at its pace. Each generator is read to its end even when the client has left: that is
how a recording gets complete, and the others end by themselves then.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from itertools import takewhile

from runreel.engine.call import Call, Plan
from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.encoding import StreamDecoder
from runreel.http.headers import codings
from runreel.http.messages import Response
from runreel.http.sse import Splitter, is_done
from runreel.ports import UpstreamAnswer

AFTER_DONE_S_MAX = 1  # an upstream that has said [DONE] is not waited for any longer
AFTER_LEAVING_S_MAX = 600  # nor one whose client has left; a run expires after ten minutes

_CUT_OFF = "The upstream closed the connection in the middle of an event."
_GOES_ON = "The client had left, and the upstream's stream went on for 10 minutes more."

# What to do with the answer (None: it was too large).
Keep = Callable[[Response | None], Awaitable[bool | None]]


async def recorded(
    answer: UpstreamAnswer, call: Call, bytes_max: int, keep: Keep
) -> AsyncGenerator[bytes, None]:
    """The events of a stream as they come; all is kept before the last of it is passed on.

    The last is the event that says `[DONE]` with what follows, else the end of the body. A stream
    that is torn before is not kept, one of more than `bytes_max` neither; `keep` gets None then.

    Raises:
        UpstreamFailed: the stream was torn before its end.
    """
    tape = _Tape(answer, call, bytes_max)
    ended = False
    async with aclosing(answer.chunks) as chunks:
        try:
            while tape.size <= bytes_max:
                async with tape.patience():
                    chunk = await anext(chunks, None)
                if chunk is None:
                    ended = True
                    break
                for piece in tape.take(chunk):
                    yield piece
        except TimeoutError:
            if not tape.done:
                raise UpstreamFailed(UpstreamFault.TIMEOUT, _GOES_ON) from None
        except UpstreamFailed:
            if not tape.done:
                raise
        tape.end(by_itself=ended)
        whole = tape.size <= bytes_max
        await keep(tape.response() if whole else None)
        yield tape.held()
        if not whole:
            async for chunk in passed_on(chunks, call):
                yield chunk


async def passed_on(chunks: AsyncGenerator[bytes, None], call: Call) -> AsyncGenerator[bytes, None]:
    """The chunks as they come, for as long as somebody is there to get them.

    Raises:
        UpstreamFailed: the body ended before it was complete.
    """
    async with aclosing(chunks):
        async for chunk in chunks:
            if call.client_disconnected():
                return
            yield chunk


async def paced(plan: Plan, call: Call) -> AsyncGenerator[bytes, None]:
    """The pieces of a recorded body, each when it is due."""
    for place, (at_ms, piece) in enumerate(plan, start=1):
        await call.wait_until(at_ms)
        if call.client_disconnected():
            return
        if place == len(plan):
            call.session.ended(call.arrival)  # who has got all of it may ask again
        yield piece


class _Tape:
    """What has come of a stream, and what of it must wait until that is kept."""

    def __init__(self, answer: UpstreamAnswer, call: Call, bytes_max: int) -> None:
        self.done = False
        self.size = 0
        self._came = answer
        self._call = call
        # A coded stream is passed on as it comes, and decoded to see its events.
        applied = codings(answer.headers)
        self._unpacker = StreamDecoder(applied, bytes_max) if applied else None
        self._splitter = Splitter()
        self._pieces: list[bytes] = []
        self._at_ms: list[int] = []
        self._passed = 0
        self._ends: dict[float, float] = {}  # of patience by its seconds, in the loop's time

    @asynccontextmanager
    async def patience(self) -> AsyncIterator[None]:
        """Wait for more, but not for ever if nobody needs it any longer.

        Raises:
            TimeoutError: enough was waited.
        """
        now = asyncio.get_running_loop().time()
        for reason, patience_s in (
            (self.done, AFTER_DONE_S_MAX),
            (self._call.client_disconnected(), AFTER_LEAVING_S_MAX),
        ):
            if reason:
                self._ends.setdefault(patience_s, now + patience_s)
        end = min(self._ends.values(), default=None)
        if end is not None and end <= now:
            raise TimeoutError
        async with asyncio.timeout_at(end):
            yield

    def take(self, chunk: bytes) -> list[bytes]:
        """The pieces that may be passed on now that this chunk has come."""
        self.size += len(chunk)
        plain = chunk if self._unpacker is None else self._unpacker.feed(chunk)
        events = list(self._splitter.feed(plain))
        pieces = events if self._unpacker is None else [chunk]
        self._at_ms += [self._call.elapsed_ms()] * len(events)
        self._pieces += pieces
        if self.done:
            return []
        before = list(takewhile(lambda event: not is_done(event), events))
        self.done = len(before) < len(events)
        if self._unpacker is None:
            pieces = before
        elif self.done:
            pieces = []
        self._passed += len(pieces)
        return pieces

    def end(self, *, by_itself: bool) -> None:
        """Nothing more is looked at: an event without its end is one too, unless it was cut off.

        `by_itself` says that the upstream has ended its body.

        Raises:
            UpstreamFailed: it was.
        """
        rest = self._splitter.rest()
        if not rest:
            return
        whole = self.done or self._came.framed or rest.endswith(b"\r")
        if by_itself and not whole:
            raise UpstreamFailed(UpstreamFault.DISCONNECTED, _CUT_OFF)
        self._at_ms.append(self._call.elapsed_ms())
        if self._unpacker is None:
            self._pieces.append(rest)

    def held(self) -> bytes:
        """What `take` has not given back."""
        return b"".join(self._pieces[self._passed :])

    def response(self) -> Response:
        """All of it."""
        body = b"".join(self._pieces)
        return Response(self._came.status, self._came.headers, body, tuple(self._at_ms))
