"""Implementations of the ports that do what a test says."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from runreel.errors import UpstreamFailed
from runreel.http.messages import Headers, Request
from runreel.ports import UpstreamAnswer


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 31, 10, 15, 2, 400_000, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


@dataclass
class Script:
    """One answer: the pieces of its body as they come; `gate` holds its head, `torn` ends it.

    A piece that is an event waits for it; one that is a number lets as many seconds pass.
    """

    pieces: Iterable[bytes | asyncio.Event | float] = ()
    status: int = 200
    headers: Headers = (("Content-Type", "application/json"),)
    gate: asyncio.Event | None = None
    refused: UpstreamFailed | None = None
    torn: UpstreamFailed | None = None


class FakeUpstream:
    """Answers the n-th request with the n-th script; says what it was sent and what was closed."""

    def __init__(self, *scripts: Script, clock: FakeClock | None = None) -> None:
        self.scripts = list(scripts)
        self.sent: list[Request] = []
        self.closed = 0
        self._clock = clock
        self._arrived = asyncio.Condition()

    async def was_sent(self, count: int) -> None:
        """Return once this many requests have come."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.sent) >= count)

    async def send(self, request: Request) -> UpstreamAnswer:
        async with self._arrived:
            script = self.scripts[len(self.sent)]
            self.sent.append(request)
            self._arrived.notify_all()
        if script.gate is not None:
            await script.gate.wait()
        if self._clock is not None:
            self._clock.seconds += 0.25
        if script.refused is not None:
            raise script.refused
        return UpstreamAnswer(script.status, script.headers, self._chunks(script))

    async def _chunks(self, script: Script) -> AsyncGenerator[bytes, None]:
        try:
            for piece in script.pieces:
                if isinstance(piece, bytes):
                    yield piece
                elif isinstance(piece, asyncio.Event):
                    await piece.wait()
                elif self._clock is not None:
                    self._clock.seconds += piece
            if script.torn is not None:
                raise script.torn
        finally:
            self.closed += 1
