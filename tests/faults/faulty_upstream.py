"""An upstream that fails in the ways of real networks, and counts what it was sent."""

import asyncio
import gzip
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANSWER = b'{"id": "run_abc123"}'
WHOLE = HEAD + b"Content-Length: 20\r\n\r\n" + ANSWER
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BAD_GZIP = gzip.compress(ANSWER, mtime=0)[:-9] + b"no checksum"

Fault = Callable[[asyncio.StreamWriter], Awaitable[None]]


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with a reset instead of an orderly end."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset_before_the_head(writer: asyncio.StreamWriter) -> None:
    _reset(writer)


async def reset_in_the_head(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD[:20])
    await writer.drain()
    _reset(writer)


async def reset_after_the_head(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 20\r\n\r\n")
    await writer.drain()
    _reset(writer)


async def stall_before_the_head(writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


async def stall_in_the_head(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD[:20])
    await writer.wait_closed()


async def stall_in_the_body(writer: asyncio.StreamWriter) -> None:
    writer.write(WHOLE[:-1])
    await writer.wait_closed()


async def short_length(writer: asyncio.StreamWriter) -> None:
    writer.write(WHOLE[:-1])
    writer.close()


async def cut_chunk(writer: asyncio.StreamWriter) -> None:
    writer.write(CHUNKED + b"14\r\n" + ANSWER[:-1])
    writer.close()


async def no_last_chunk(writer: asyncio.StreamWriter) -> None:
    writer.write(CHUNKED + b"14\r\n" + ANSWER + b"\r\n")
    writer.close()


async def bad_gzip(writer: asyncio.StreamWriter) -> None:
    length = b"Content-Length: %d\r\n\r\n" % len(BAD_GZIP)
    writer.write(HEAD + b"Content-Encoding: gzip\r\n" + length + BAD_GZIP)


async def one_byte_at_a_time(writer: asyncio.StreamWriter) -> None:
    for byte in WHOLE:
        writer.write(bytes([byte]))
        await writer.drain()


async def one_byte_at_a_time_for_ever(writer: asyncio.StreamWriter) -> None:
    writer.write(CHUNKED)
    while not writer.is_closing():
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(0)  # as long as the connection stands


def closes_soon_after(ticks: int) -> Fault:
    """A good answer, and the end of the connection when the next request may be on its way."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        writer.write(WHOLE)
        for _ in range(ticks):
            await asyncio.sleep(0)
        writer.close()

    return fault


@dataclass
class FaultyUpstream:
    """Reads each request whole, notes it, and then does what `fault` says."""

    fault: Fault
    url: str = ""
    received: list[bytes] = field(default_factory=list)
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self.serve(reader, writer))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                self.received.append(await reader.readexactly(length))
                await self.fault(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the proxy may leave at any time
        finally:
            writer.close()


@asynccontextmanager
async def faulty_upstream(fault: Fault) -> AsyncIterator[FaultyUpstream]:
    upstream = FaultyUpstream(fault)
    server = await asyncio.start_server(upstream.accept, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()
        for task in upstream.serving:  # a loop that ends under one of them makes noise
            task.cancel()
        await asyncio.gather(*upstream.serving, return_exceptions=True)
