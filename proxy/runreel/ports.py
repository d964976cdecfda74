"""What has more than one implementation: store, audit log, upstream, clock, sink of facts.

Each method states its obligation; `tests/stores/test_contract.py` holds every store to it. The
fakes that tests use are implementations like any other.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from runreel.core.audit.entries import Entry
from runreel.core.cassette import Cassette
from runreel.core.facts import Fact
from runreel.core.journal import Pending
from runreel.core.messages import Headers, Request, values


@dataclass(frozen=True, slots=True)
class Stored:
    """A cassette with the SHA-256 (hex) of the very file it was read from, None if it has none.

    `notes` are sentences about what a crash had left beside that file.
    """

    cassette: Cassette
    sha256: str | None
    notes: tuple[str, ...] = ()


class Journal(Protocol):
    """The right to record into one cassette, and the place where captures wait for it.

    Methods block; callers on an event loop use a thread, and never two at once. `notes` are
    sentences about what an earlier recorder had left.
    """

    notes: tuple[str, ...]

    def append(self, captures: Sequence[Pending]) -> None:
        """Return once all of them are durable.

        Raises:
            StoreFailed: they may not be. What was appended before is untouched, and the next call
                goes to a place that is not known to be broken.
        """
        ...

    def check(self) -> None:
        """Return once the next `append` can be expected to work; at once if the last one did.

        Raises:
            StoreFailed: it cannot.
        """
        ...

    def commit(self, cassette: Cassette | None) -> str | None:
        """Save the cassette that holds all captures and give up the right to record.

        None throws away what was appended, if anything was.

        It is the last call, whether it works or not. Equal content is not written again. Returns
        the SHA-256 of the file, if one was saved.

        Raises:
            StoreFailed: that could not be done; the captures are still in the journal.
        """
        ...


class Store(Protocol):
    """Keeps cassettes by name. Methods block; callers on an event loop use a thread."""

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted."""
        ...

    def load(self, name: str) -> Stored | None:
        """The cassette together with what its journals hold; None if there is neither.

        Never writes.

        Raises:
            CassetteDamaged: something is there but cannot be trusted; names the place.
            NothingReadable: so it is, and a recording may begin without it.
        """
        ...

    def open_journal(self, name: str, header: Cassette) -> Journal:
        """Begin to record: nobody else can, until `commit` or the end of the process.

        What an earlier recorder left in a journal is in the cassette when this returns; what of it
        cannot be read is kept, and told in the journal's notes. `header`
        is that of the cassette to be, without interactions.

        Raises:
            StartRefused: somebody else records into it, or it cannot be written there.
            CassetteDamaged: something is there but cannot be trusted; names the place.
        """
        ...


class Ledger(Protocol):
    """The audit log, and the right to append to it.

    Methods block; callers on an event loop use a thread, and never two at once. `notes` are
    sentences for whoever runs it; who tells them empties the list.
    """

    notes: list[str]

    def key(self) -> bytes:
        """The secret under which actors are named; the same for as long as the log is kept.

        Raises:
            StoreFailed: there is none.
        """
        ...

    def append(self, drafts: Sequence[Entry], *, durable: bool) -> tuple[Entry, ...]:
        """The drafts as entries of the chain, in order; `durable`: they and all before are on disk.

        Raises:
            StoreFailed: none of them is in the log; the next call may work.
        """
        ...

    def close(self) -> None:
        """Make all durable and give up the right to append; the last call.

        Raises:
            StoreFailed: not all of it is durable.
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


class Sink(Protocol):
    """A reader of the stream of facts."""

    def __call__(self, fact: Fact) -> None:
        """Take one fact; must not raise and must not block."""
        ...
