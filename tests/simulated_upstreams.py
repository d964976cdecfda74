"""Upstreams on a port, with or without TLS, that behave as the simulator of a profile does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from runreel.http.headers import is_event_stream
from runreel.http.messages import Headers, Request
from runreel.simulator.server import Options, Simulator
from servers import Received, http
from simulating import HeldClock


class Simulated:
    """What a `RawUpstream` answers in place of a server of a profile."""

    def __init__(self, profile: str) -> None:
        self._simulator = Simulator(Options(profile=profile), HeldClock())

    def __call__(self, received: Received) -> bytes | AsyncIterator[bytes]:
        headers = tuple(received.headers)
        reply = self._simulator.answer(
            Request(received.method, received.target, headers, received.body)
        )
        if is_event_stream(reply.headers):
            return _chunked(reply.headers, reply.pieces)
        return http(reply.status, [*reply.headers], b"".join(reply.pieces))


async def _chunked(headers: Headers, pieces: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    yield f"HTTP/1.1 200 OK\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode("latin-1")
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


@asynccontextmanager
async def in_front_of(url: str, tls: ssl.SSLContext) -> AsyncIterator[str]:
    """A port that speaks TLS and passes all on to a server of plain http; its URL."""
    place = urlsplit(url)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # either side may leave at any time
    finally:
        writer.close()
