"""A proxy on raw sockets that is careful but for one mistake, each of a kind that proxies make.

It keeps what aiohttp would keep for anybody, so that a rule that is broken is broken by the mistake
and by nothing else. One request per connection; bodies are read whole.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit

Fields = list[tuple[bytes, bytes]]


class Mistake(Enum):
    """What the proxy does wrong."""

    # with any fields
    FIELDS_IN_A_DICT = "of the fields of one name the last one is kept"
    FIELDS_JOINED = "fields of one name become one, with commas"
    FIELDS_SORTED = "fields are sorted"
    TEXT_BY_TWO_CODINGS = "fields are read as Latin-1 and written as UTF-8"
    # with requests
    ALL_THAT_IS_LISTED_GOES = "whatever Connection lists is dropped"
    LENGTH_BEFORE_CODING = "a length counts even beside a transfer coding"
    LENGTH_AS_A_NUMBER = "a length is whatever reads as a number, and the first one counts"
    CHUNKED_ANYWHERE = "chunked counts wherever it stands in the codings"
    NO_LOOK_AT_HOST = "a request needs no Host, and may have two"
    HOST_ALWAYS = "a request needs a Host in any version"
    TARGET_AS_IT_CAME = "an absolute target is passed on as one"
    # with answers
    FIRST_ANSWER_IS_FINAL = "what comes first is the answer"
    HEAD_AS_IT_CAME = "the head of an answer is passed on without a look at its lines"
    TRAILERS_ARE_FIELDS = "trailers are put among the fields"
    WHATEVER_CAME = "what came before the connection broke is the body"
    LENGTH_OF_WHAT_IS_HERE = "the length is that of the body in hand"
    ALWAYS_CHUNKED = "everything is sent in chunks"


class _Refused(Exception):
    """With the status of the answer."""


def _values(fields: Fields, name: bytes) -> list[bytes]:
    return [value for key, value in fields if key.lower() == name]


def _without(fields: Fields, *names: bytes) -> Fields:
    return [(name, value) for name, value in fields if name.lower() not in names]


class _Careful:
    """One exchange at a time, with its mistake."""

    def __init__(self, base: str, mistake: Mistake | None) -> None:
        self._upstream = urlsplit(base)
        self._mistake = mistake

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(await self._exchange(reader))
            await writer.drain()
        except _Refused as refused:
            writer.write(b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\n\r\n" % refused.args[0])
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            writer.close()

    async def _exchange(self, client: asyncio.StreamReader) -> bytes:
        request = await self._request(client)
        reader, writer = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        try:
            writer.write(request)
            return await self._answer(reader, request.startswith(b"HEAD "))
        except (ConnectionError, asyncio.IncompleteReadError):
            raise _Refused(502) from None
        finally:
            writer.transport.abort()

    async def _request(self, client: asyncio.StreamReader) -> bytes:
        line, fields, _ = await self._head(client)
        method, target, version = line.split(b" ")
        self._look_at_host(_values(fields, b"host"), version)
        body = await self._request_body(client, fields)
        if self._mistake is not Mistake.TARGET_AS_IT_CAME:
            target = re.sub(rb"(?i)^http://[^/]*", b"", target)
        fields = _without(fields, b"host", b"content-length", b"transfer-encoding")
        fields.append((b"Host", self._upstream.netloc.encode()))
        if body:
            fields.append((b"Content-Length", b"%d" % len(body)))
        listed = b",".join(_values(fields, b"connection")).lower().replace(b" ", b"").split(b",")
        if self._mistake is not Mistake.ALL_THAT_IS_LISTED_GOES:
            listed = [name for name in listed if name.startswith(b"x-")]
        return self._written(
            b"%b %b HTTP/1.1" % (method, target), _without(fields, b"connection", *listed), body
        )

    def _look_at_host(self, hosts: list[bytes], version: bytes) -> None:
        if self._mistake is Mistake.NO_LOOK_AT_HOST:
            return
        needed = version == b"HTTP/1.1" or self._mistake is Mistake.HOST_ALWAYS
        if len(hosts) > 1 or (needed and not hosts):
            raise _Refused(400)

    async def _request_body(self, client: asyncio.StreamReader, fields: Fields) -> bytes:
        lengths, codings = _values(fields, b"content-length"), _values(fields, b"transfer-encoding")
        if lengths and codings:
            if self._mistake is not Mistake.LENGTH_BEFORE_CODING:
                raise _Refused(400)
            codings = []
        if codings:
            anywhere = self._mistake is Mistake.CHUNKED_ANYWHERE and b"chunked" in codings[0]
            if codings != [b"chunked"] and not anywhere:
                raise _Refused(400)
            return (await self._chunks(client))[0]
        if self._mistake is not Mistake.LENGTH_AS_A_NUMBER and (
            len(lengths) > 1 or not all(length.isdigit() for length in lengths)
        ):
            raise _Refused(400)
        return await client.readexactly(int(lengths[0])) if lengths else b""

    async def _answer(self, upstream: asyncio.StreamReader, to_head: bool) -> bytes:
        line, fields, head = await self._head(upstream)
        while line.split(b" ")[1] < b"200" and self._mistake is not Mistake.FIRST_ANSWER_IS_FINAL:
            line, fields, head = await self._head(upstream)
        body, trailers = b"", Fields()
        empty = to_head or line.split(b" ")[1] in (b"100", b"204", b"304")
        if not empty:
            body, trailers = await self._answer_body(upstream, fields)
        if self._mistake is Mistake.HEAD_AS_IT_CAME:
            return head + body
        if self._mistake is Mistake.TRAILERS_ARE_FIELDS:
            fields += trailers
        if self._mistake is Mistake.ALWAYS_CHUNKED:
            fields = _without(fields, b"content-length", b"transfer-encoding")
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
            return self._written(line, [*fields, (b"Transfer-Encoding", b"chunked")], body)
        if not empty or self._mistake is Mistake.LENGTH_OF_WHAT_IS_HERE:
            fields = _without(fields, b"content-length", b"transfer-encoding")
            fields.append((b"Content-Length", b"%d" % len(body)))
        return self._written(line, fields, body)

    async def _answer_body(
        self, upstream: asyncio.StreamReader, fields: Fields
    ) -> tuple[bytes, Fields]:
        lengths, codings = _values(fields, b"content-length"), _values(fields, b"transfer-encoding")
        if lengths and codings and self._mistake is not Mistake.LENGTH_BEFORE_CODING:
            raise _Refused(502)
        if not lengths and codings:
            return await self._chunks(upstream)
        if not lengths:
            return await upstream.read(), []
        try:
            return await upstream.readexactly(int(lengths[0])), []
        except asyncio.IncompleteReadError as torn:
            if self._mistake is not Mistake.WHATEVER_CAME:
                raise
            return torn.partial, []

    async def _chunks(self, reader: asyncio.StreamReader) -> tuple[bytes, Fields]:
        body = b""
        try:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            _, trailers, _ = await self._head(reader, line=b"")
        except asyncio.IncompleteReadError:
            if self._mistake is not Mistake.WHATEVER_CAME:
                raise
            return body, []
        return body, trailers

    async def _head(
        self, reader: asyncio.StreamReader, line: bytes | None = None
    ) -> tuple[bytes, Fields, bytes]:
        """The first line, unless it is given, the fields, and everything as it came."""
        came = first = b"" if line is not None else await reader.readuntil(b"\n")
        fields = Fields()
        while (one := await reader.readuntil(b"\n")).strip():
            came += one
            name, _, value = one.partition(b":")
            fields.append((name, value.strip()))
        return first.rstrip(b"\r\n"), self._collected(fields), came + one

    def _collected(self, fields: Fields) -> Fields:
        if self._mistake is Mistake.FIELDS_IN_A_DICT:
            return list(dict(fields).items())
        if self._mistake is Mistake.FIELDS_JOINED:
            return [(name, b", ".join(_values(fields, name.lower()))) for name in dict(fields)]
        if self._mistake is Mistake.FIELDS_SORTED:
            return sorted(fields)
        return fields

    def _written(self, line: bytes, fields: Fields, body: bytes) -> bytes:
        lines = [line, *(name + b": " + value for name, value in fields), b"", b""]
        head = b"\r\n".join(lines)
        if self._mistake is Mistake.TEXT_BY_TWO_CODINGS:
            head = head.decode("latin-1").encode()
        return head + body


@asynccontextmanager
async def mistaken_proxy(base: str, mistake: Mistake | None) -> AsyncIterator[str]:
    """The URL of a proxy that forwards to `base` with this mistake, or with none."""
    server = await asyncio.start_server(_Careful(base, mistake).serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
