"""A live session: pure state (`core.session`) with the cassette it is saved to.

Owns when captures are durable. Knows its store as a port only; how a session is opened is
`sessions`, what is done with a request is `engine`.
"""

import asyncio
from collections.abc import Callable

from runreel.core.cassette import Cassette
from runreel.core.facts import Fact
from runreel.core.modes import Mode
from runreel.core.session import Session
from runreel.ports import Store


class LiveSession:
    """One session with its cassette."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - it is the session's id everywhere else too
        mode: Mode,
        cassette: str,
        state: Session,
        header: Cassette,
        sha256: str | None,
        store: Store,
        tell: Callable[[Fact], None],
    ) -> None:
        self.id = id
        self.mode = mode
        self.cassette = cassette
        self.state = state
        self.tell = tell
        self.sha256 = sha256
        self._header = header
        self._store = store
        self._lock = asyncio.Lock()
        self._wanted = 0
        self._saved = 0

    @property
    def interactions(self) -> int:
        """How many interactions the cassette holds now."""
        return len(self.state.merged())

    async def persist(self) -> None:
        """Return once all that is captured by now is durable; calls that wait share one write.

        Raises:
            StoreFailed: it is not; the next call tries again with everything.
        """
        self._wanted += 1
        # A write in its thread goes on when its caller is cancelled, and holds the lock until then:
        # two at once could leave the older state on disk.
        await asyncio.shield(self._persist(self._wanted))

    async def _persist(self, mine: int) -> None:
        async with self._lock:
            if self._saved < mine:
                upto = self._wanted
                await self._save(final=False)
                self._saved = upto

    async def close(self) -> None:
        """Write the final state of the cassette, if anything was captured."""
        async with self._lock:
            if self.state.captured:
                await self._save(final=True)

    async def _save(self, *, final: bool) -> None:
        cassette = Cassette(
            upstream=self._header.upstream,
            profile=self._header.profile,
            match_on=self._header.match_on,
            redaction=self._header.redaction,
            interactions=self.state.merged(final=final),
        )
        self.sha256 = await asyncio.to_thread(self._store.save, self.cassette, cassette)
