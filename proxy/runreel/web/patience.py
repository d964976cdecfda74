"""How many calls to the upstream are under way, and how long each may take.

Owns the two limits and the end of patience when the proxy stops. Knows nothing of HTTP.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TooMany(Exception):
    """As many calls as allowed are under way."""


class Call:
    """One call: whoever waits for something in it does so `within` its time."""

    def __init__(self, ends_at: float | None) -> None:
        self._ends_at = ends_at
        self._waits: asyncio.Timeout | None = None

    @property
    def over(self) -> bool:
        """Whether its time has run out."""
        return self._ends_at is not None and self._ends_at <= asyncio.get_running_loop().time()

    @asynccontextmanager
    async def within(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Wait at most so long, and never beyond the end of the call.

        Raises:
            TimeoutError: it took longer.
        """
        if self.over:
            raise TimeoutError
        latest = None if seconds is None else asyncio.get_running_loop().time() + seconds
        ends = [at for at in (latest, self._ends_at) if at is not None]
        async with asyncio.timeout_at(min(ends, default=None)) as waits:
            self._waits = waits
            try:
                yield
            finally:
                self._waits = None

    def end(self) -> None:
        """Its time has run out now."""
        self._ends_at = asyncio.get_running_loop().time()
        if self._waits is not None:
            self._waits.reschedule(self._ends_at)


class CallsOut:
    """The calls under way: `most` at once, each for `call_s_max` seconds unless that is None."""

    def __init__(self, most: int, call_s_max: float | None) -> None:
        self.stopped = False
        self._most = most
        self._call_s_max = call_s_max
        self._calls: set[Call] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> Call:
        """One more; see to it that it is given to `end`.

        Raises:
            TooMany: not now.
        """
        if len(self._calls) >= self._most:
            raise TooMany
        now = asyncio.get_running_loop().time()
        call = Call(None if self._call_s_max is None else now + self._call_s_max)
        self._calls.add(call)
        self._idle.clear()
        return call

    def end(self, call: Call) -> None:
        """One less."""
        self._calls.discard(call)
        if not self._calls:
            self._idle.set()

    async def stop(self, patience_s: float) -> None:
        """Return when no call is under way any more, or when those that are have been ended."""
        try:
            async with asyncio.timeout(patience_s):
                await self._idle.wait()
        except TimeoutError:
            pass
        finally:
            self.stopped = True
            for call in self._calls:
                call.end()
