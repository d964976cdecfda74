"""One writer for many who wait: all that is there to be written goes into one append.

A sync costs the same for one record as for a hundred. So whoever has a record adds it and waits;
while one append is under way, the records that come in meanwhile gather for the next.

    a added, append [a] begins; b and c added; [a] is durable: a goes on; append [b, c] begins …
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from runreel.errors import StoreFailed

Record = TypeVar("Record")
Result = TypeVar("Result")


class GroupCommit(Generic[Record, Result]):
    """Hands records to `append` in the order in which they were added, one append at a time.

    `name` says in messages whose writer it is.

    `append` gives a result for each record, or raises `StoreFailed`: then none of them is written.
    `failed` is told once for each such append how many did not become durable, and why.
    """

    def __init__(
        self,
        name: str,
        append: Callable[[list[Record]], Awaitable[Sequence[Result]]],
        failed: Callable[[int, StoreFailed], None] = lambda _count, _error: None,
    ) -> None:
        self._name = name
        self._append = append
        self._failed = failed
        self._waiting: list[tuple[Record, asyncio.Future[Result]]] = []
        # A task of its own, since a call in its thread outlasts a caller that is gone.
        self._writer: asyncio.Task[None] | None = None

    def add(self, record: Record) -> "asyncio.Future[Result]":
        """Have a record written, soon and after all that was added before; done once it is.

        The future raises StoreFailed if it is not; nobody has to wait for it.
        """
        written: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        written.add_done_callback(_retrieve)
        self._waiting.append((record, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return written

    async def room(self, records_max: int) -> None:
        """Return once fewer records than this wait."""
        while len(self._waiting) >= records_max and self._writer is not None:
            await asyncio.wait([self._writer])

    async def idle(self) -> None:
        """Return once nothing waits any more."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        batch: list[tuple[Record, asyncio.Future[Result]]] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    results = await self._append([record for record, _ in batch])
                except StoreFailed as error:
                    self._fail(batch, error)
                else:
                    for (_, written), result in zip(batch, results, strict=True):
                        if not written.done():  # cancelled
                            written.set_result(result)
        finally:
            # Only what the lines above did not come to: nobody waits for a writer that is gone.
            left = [pair for pair in (*batch, *self._waiting) if not pair[1].done()]
            self._waiting = []
            if left:
                self._fail(left, StoreFailed(f"{self._name}'s writer was stopped"))

    def _fail(
        self, batch: list[tuple[Record, "asyncio.Future[Result]"]], error: StoreFailed
    ) -> None:
        waiting = [written for _, written in batch if not written.done()]
        if waiting:
            self._failed(len(waiting), error)
        for written in waiting:
            written.set_exception(StoreFailed(str(error)))


def _retrieve(written: "asyncio.Future[Result]") -> None:
    # Else asyncio would log that nobody asked for it.
    if not written.cancelled():
        written.exception()
