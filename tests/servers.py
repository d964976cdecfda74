"""Upstreams for tests, on raw sockets: what they were sent is kept byte for byte."""

import asyncio
import gzip
import inspect
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Self

from runreel.server.app import Running

# Start a proxy in this process; see the fixture `proxy`.
Proxy = Callable[..., AbstractAsyncContextManager[Running]]

RUN: dict[str, Any] = {
    "id": "run_abc123",
    "object": "thread.run",
    "created_at": 1699075072,
    "assistant_id": "asst_abc123",
    "thread_id": "thread_abc123",
    "status": "completed",
    "started_at": 1699075072,
    "expires_at": None,
    "cancelled_at": None,
    "failed_at": None,
    "completed_at": 1699075073,
    "required_action": None,
    "last_error": None,
    "model": "gpt-4o",
    "instructions": "Be brief.",
    "tools": [{"type": "code_interpreter"}],
    "tool_resources": {},
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "reasoning_effort": None,
    "max_completion_tokens": 1000,
    "max_prompt_tokens": 1000,
    "truncation_strategy": {"type": "auto", "last_messages": None},
    "incomplete_details": None,
    "usage": {"prompt_tokens": 123, "completion_tokens": 456, "total_tokens": 579},
    "response_format": "auto",
    "tool_choice": "auto",
    "parallel_tool_calls": True,
}


@dataclass
class Received:
    """One request as it came: the raw head and the raw body (chunked bodies still framed)."""

    head: bytes
    body: bytes

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def headers(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines if line)
        return [(name, value.strip()) for name, _, value in pairs]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


def http(status: int, headers: list[tuple[str, str]], body: bytes = b"") -> bytes:
    """A response with its length; give no Content-Length in `headers`."""
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def like_openai(received: Received) -> bytes:
    """Modify run as OpenAI answered it: two-space JSON, gzipped, with its headers."""
    sent = json.loads(received.body) if received.body else {}
    run = RUN | {"metadata": sent.get("metadata") or {}}
    headers = [
        ("Date", "Tue, 31 Mar 2026 10:15:02 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
        ("openai-organization", "user-jxm65ijkzc1qrfhc"),
        ("x-request-id", "req_0123456789abcdef0123456789abcdef"),
        ("CF-RAY", "826276f9caa323be-LHR"),
        ("Set-Cookie", "__cf_bm=abcdefghijklmnopqrstuvwxyz; path=/; HttpOnly"),
    ]
    return http(200, headers, gzip.compress(json.dumps(run, indent=2).encode(), mtime=0))


class Cut(bytes):
    """Bytes of an answer after which the upstream closes the connection."""


Answered = bytes | AsyncIterator[bytes] | None


@dataclass
class RawUpstream:
    """Answers each request with the bytes that `answer` makes, at once or piece by piece; `None`
    closes without a word. With `tls` it speaks https.

    `deserted` are the requests whose sender had hung up when their answer was ready.
    """

    answer: Callable[[Received], Answered | Awaitable[Answered]] = like_openai
    received: list[Received] = field(default_factory=list)
    deserted: list[Received] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        self._server.close()
        self._server.close_clients() if hasattr(self._server, "close_clients") else None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (received := await _read(reader)) is not None:
                self.received.append(received)
                answer = self.answer(received)
                if inspect.isawaitable(answer):
                    answer = await answer
                if reader.at_eof() or reader.exception():
                    self.deserted.append(received)
                if answer is None:
                    break
                pieces = _all_of(answer) if isinstance(answer, bytes) else answer
                async for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                if isinstance(piece, Cut):
                    break
        except ConnectionError:
            pass  # the proxy may leave at any time
        finally:
            writer.close()


async def _all_of(answer: bytes) -> AsyncIterator[bytes]:
    yield answer


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    received = Received(head[:-2], b"")
    if received.values("transfer-encoding"):
        received.body = await _read_chunked(reader)
    elif lengths := received.values("content-length"):
        received.body = await reader.readexactly(int(lengths[0]))
    return received


async def _read_chunked(reader: asyncio.StreamReader) -> bytes:
    raw = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(line, 16) + 2)
        raw += line + chunk
        if int(line, 16) == 0:
            return raw
