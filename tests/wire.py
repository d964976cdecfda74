"""A client on a raw socket, for tests that look at bytes."""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

ANY_CERTIFICATE = ssl.create_default_context()  # for tests of what is said, not to whom
ANY_CERTIFICATE.check_hostname = False
ANY_CERTIFICATE.verify_mode = ssl.CERT_NONE


@dataclass
class Reply:
    """One response as it came, its body without framing."""

    head: bytes
    body: bytes
    framing: str  # "length", "chunked", "close" or "none"

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return [(name, value.strip()) for name, _, value in pairs]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Wire:
    """One connection to a proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, url: str) -> "Wire":
        parts = urlsplit(url)
        tls = ANY_CERTIFICATE if parts.scheme == "https" else None
        return cls(*await asyncio.open_connection(parts.hostname, parts.port, ssl=tls))

    async def send(self, raw: bytes, *, method: str | None = None) -> Reply:
        """Send raw bytes and read one response; `method` defaults to the first word."""
        self.writer.write(raw)
        await self.writer.drain()
        return await self.read(method or raw.split(b" ", 1)[0].decode())

    async def read(self, method: str = "GET") -> Reply:
        head = (await self.reader.readuntil(b"\r\n\r\n"))[:-2]
        reply = Reply(head, b"", "none")
        if method == "HEAD" or reply.status in (204, 304) or reply.status < 200:
            return reply
        if reply.values("transfer-encoding"):
            reply.framing = "chunked"
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                reply.body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        elif lengths := reply.values("content-length"):
            reply.framing = "length"
            reply.body = await self.reader.readexactly(int(lengths[0]))
        else:
            reply.framing = "close"
            reply.body = await self.reader.read()
        return reply

    async def read_to_the_end(self) -> bytes:
        """Everything that comes until the proxy closes the connection, framing included."""
        return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ssl.SSLError):  # of what it did not take
            await self.writer.wait_closed()


def post(
    path: str,
    body: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),),
    host: str = "localhost",
) -> bytes:
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(
    path: str,
    headers: tuple[tuple[str, str], ...] = (),
    method: str = "GET",
    host: str = "localhost",
) -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


async def exchange(url: str, raw: bytes, method: str | None = None) -> Reply:
    """One request on a connection of its own."""
    wire = await Wire.open(url)
    try:
        return await wire.send(raw, method=method)
    finally:
        await wire.close()
