"""Bodies that go out while they come in, or as if they did.

Owns the passing on of a stream event by event while it is recorded, of a body as it comes, and of
a recording at its pace. Each generator is read to its end even when the client has left: that is
how a recording gets complete, and the others end by themselves then.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from itertools import takewhile

from runreel.calls import Call
from runreel.core.coding import codings
from runreel.core.errors import UpstreamFailed
from runreel.core.facts import Outcome
from runreel.core.messages import Response
from runreel.core.pace import Plan
from runreel.core.sse import Splitter, is_done
from runreel.ports import UpstreamAnswer

AFTER_DONE_S_MAX = 1  # an upstream that has said [DONE] is not waited for any longer

Keep = Callable[[Response | None], Awaitable[bool]]


async def recorded(
    came: UpstreamAnswer, call: Call, bytes_max: int, keep: Keep
) -> AsyncGenerator[bytes, None]:
    """The events of a stream as they come; all is kept before the last of it is passed on.

    The last is the event that says `[DONE]` with what follows, else the end of the body. A stream
    that is torn before is not kept, one of more than `bytes_max` neither; `keep` gets None then.

    Raises:
        UpstreamFailed: the stream was torn before its end.
    """
    tape = _Tape(came, call)
    async with aclosing(came.chunks) as chunks:
        try:
            while tape.size <= bytes_max:
                async with asyncio.timeout(AFTER_DONE_S_MAX if tape.done else None):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                for event in tape.take(chunk):
                    yield event
        except (UpstreamFailed, TimeoutError) as failure:
            if not tape.done:
                call.tell(Outcome.FAILED, came.status, reason=str(failure), upstream=True)
                raise
        tape.end()
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
            if call.gone():
                return
            yield chunk


async def paced(plan: Plan, call: Call) -> AsyncGenerator[bytes, None]:
    """The pieces of a recorded body, each when it is due."""
    for at_ms, piece in plan:
        await call.wait_until(at_ms)
        if call.gone():
            return
        yield piece


class _Tape:
    """What has come of a stream, and what of it must wait until that is kept."""

    def __init__(self, came: UpstreamAnswer, call: Call) -> None:
        self.done = False
        self.size = 0
        self._came = came
        self._call = call
        # A coded stream shows no events; it is passed on as it comes.
        self._splitter = None if codings(came.headers) else Splitter()
        self._pieces: list[bytes] = []
        self._at_ms: list[int] = []
        self._passed = 0

    def take(self, chunk: bytes) -> list[bytes]:
        """The pieces that may be passed on now that this chunk has come."""
        self.size += len(chunk)
        new = [chunk] if self._splitter is None else list(self._splitter.feed(chunk))
        self._add(new)
        if self.done:
            return []
        passed = new
        if self._splitter is not None:
            passed = list(takewhile(lambda piece: not is_done(piece), new))
        self.done = len(passed) < len(new)
        self._passed += len(passed)
        return passed

    def end(self) -> None:
        """Nothing more comes: an event without its end is one too."""
        if self._splitter is not None and (rest := self._splitter.rest()):
            self._add([rest])

    def held(self) -> bytes:
        """What `take` has not given back."""
        return b"".join(self._pieces[self._passed :])

    def response(self) -> Response:
        """All of it."""
        at_ms = None if self._splitter is None else tuple(self._at_ms)
        return Response(self._came.status, self._came.headers, b"".join(self._pieces), at_ms)

    def _add(self, pieces: list[bytes]) -> None:
        self._pieces += pieces
        self._at_ms += [self._call.elapsed_ms()] * len(pieces)
