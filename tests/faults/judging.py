"""How a proxy is put to the rules: its connections, its errors, and a clock that jumps."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from wire import Reply, Wire

T = TypeVar("T")
PATIENCE_S = 30.0  # for what a proxy that breaks a rule never does


async def soon(awaitable: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await awaitable
    except TimeoutError:
        raise AssertionError("it never came") from None


def later(seconds: float) -> None:
    """Let the clock of the event loop jump; what was to happen by then happens at once."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]


def is_ours(reply: Reply, status: int, code: str) -> None:
    assert reply.status == status
    assert reply.values("content-type") == ["application/json"]
    assert reply.values("server") == []
    error = json.loads(reply.body)["error"]
    assert (error["type"], error["code"]) == ("runreel_error", code)


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[Wire]:
    """A connection that is gone when the check ends, however it ends."""
    wire = await Wire.open(url)
    try:
        yield wire
    finally:
        wire.writer.transport.abort()
