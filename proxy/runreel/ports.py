"""What has more than one implementation and no owner: the upstream and the clock.

Each method states its obligation; the fakes that tests use are implementations like any other.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from runreel.http.messages import Headers, Request, values


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """The head of an answer, and its body as it comes in.

    Whoever holds it closes `chunks` (`aclosing`), which ends the exchange. Reading raises
    `UpstreamFailed` if the body ends before it is complete.
    """

    status: int
    headers: Headers
    chunks: AsyncGenerator[bytes, None]

    @property
    def framed(self) -> bool:
        """Whether its end can be told from that of a connection that broke."""
        return self.length is not None or bool(values(self.headers, "transfer-encoding"))

    @property
    def length(self) -> int | None:
        """The length of the body in bytes, if it was announced."""
        lengths = values(self.headers, "content-length")
        chunked = values(self.headers, "transfer-encoding")
        return int(lengths[0]) if lengths and not chunked and lengths[0].isdecimal() else None


class Upstream(Protocol):
    """The API that calls are forwarded to."""

    async def send(self, request: Request) -> UpstreamAnswer:
        """Send a request as it is and return once the head of the answer is there.

        Sends once: a request that may have arrived is never repeated.

        Raises:
            UpstreamFailed: there was no answer.
        """
        ...


class Clock(Protocol):
    """Time, so that tests can hold it."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds of `monotonic`."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    monotonic = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)
