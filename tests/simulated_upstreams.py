"""Upstreams on a port, with or without TLS, that behave as the simulator of a profile does."""

from collections.abc import AsyncIterator

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
