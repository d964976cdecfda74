"""A log whose lines can be waited for."""

import asyncio
import io


class WatchedLog(io.StringIO):
    """Where a proxy writes its log lines, in the event loop of the test."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        self._written.set()
        return super().write(text)

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()

    async def has(self, count: int) -> None:
        while len(self.lines) < count:
            self._written.clear()
            await self._written.wait()
