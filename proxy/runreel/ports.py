"""What has more than one implementation: the store, the upstream, the clock, the sink of facts.

Each method states its obligation; `tests/stores/test_contract.py` holds every store to it. The
fakes that tests use are implementations like any other.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runreel.core.cassette import Cassette
from runreel.core.facts import Fact
from runreel.core.messages import Headers, Request


@dataclass(frozen=True, slots=True)
class Stored:
    """A cassette with the SHA-256 (hex) of the very file it was read from or written to."""

    cassette: Cassette
    sha256: str


class Store(Protocol):
    """Keeps cassettes by name. Methods block; callers on an event loop use a thread."""

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted."""
        ...

    def load(self, name: str) -> Stored | None:
        """The cassette, or None if there is none of that name. Never writes.

        Raises:
            CassetteDamaged: it is there but cannot be trusted; names the place.
        """
        ...

    def check_writable(self, name: str) -> None:
        """Return if `save` can be expected to work.

        Raises:
            StartRefused: it cannot; names the place and the remedy.
        """
        ...

    def save(self, name: str, cassette: Cassette) -> str:
        """Make the cassette durable, replacing what was there as a whole; return its SHA-256.

        Equal content is not written again. After an error the old content is untouched.

        Raises:
            StoreFailed: it could not be made durable.
        """
        ...


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """The head of an answer, and its body as it comes in.

    Whoever holds it closes `chunks` (`aclosing`), which ends the exchange. Reading raises
    `UpstreamFailed` if the body ends before it is complete.
    """

    status: int
    headers: Headers
    chunks: AsyncGenerator[bytes, None]


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


class Sink(Protocol):
    """A reader of the stream of facts."""

    def __call__(self, fact: Fact) -> None:
        """Take one fact; must not raise and must not block."""
        ...
