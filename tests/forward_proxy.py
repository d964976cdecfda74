"""A forward proxy as companies have them: it takes whole requests and CONNECT, and counts both."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from servers import Received, http


@dataclass
class ForwardProxy:
    """Goes where it is told, with a `password` only for whoever shows it; with `says`, it answers
    CONNECT with those bytes and does nothing. `asked` are the heads that came, `passed` every byte.
    """

    password: str | None = None  # `Basic …`, as it is sent
    says: bytes | None = None
    asked: list[Received] = field(default_factory=list)
    passed: bytearray = field(default_factory=bytearray)
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        serving = [*self._serving]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        # Cancelled at the end, which asyncio would log.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._answer(reader, writer)
        writer.close()
        self._serving.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.passed += head
        received = Received(head[:-2], b"")
        self.asked.append(received)
        if self.password not in (None, *received.values("proxy-authorization")):
            challenge = [("Proxy-Authenticate", 'Basic realm="test"')]
            writer.write(http(407, challenge, b"who are you?"))
        elif received.method != "CONNECT":
            await self._pass_on(received, reader, writer)
        elif self.says is not None:
            writer.write(self.says)
        else:
            host, _, port = received.target.rpartition(":")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._both_ways(host, int(port), reader, writer)

    async def _pass_on(
        self, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        place = urlsplit(received.target)
        path = received.target.removeprefix(f"{place.scheme}://{place.netloc}")
        ends_here = ("proxy-authorization", "connection")
        kept = [pair for pair in received.headers if pair[0].lower() not in ends_here]
        lines = [f"{received.method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in kept)]
        head = "\r\n".join((*lines, "", "")).encode("latin-1")
        await self._both_ways(place.hostname or "", place.port or 80, reader, writer, head)

    async def _both_ways(
        self,
        host: str,
        port: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        first: bytes = b"",
    ) -> None:
        theirs, ours = await asyncio.open_connection(host, port)
        ours.write(first)

        async def back() -> None:
            while answer := await theirs.read(65_536):
                writer.write(answer)

        try:
            async with asyncio.TaskGroup() as both:
                answers = both.create_task(back())
                while sent := await reader.read(65_536):
                    self.passed += sent
                    ours.write(sent)
                answers.cancel()
        finally:
            ours.close()
