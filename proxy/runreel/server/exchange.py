"""The edge to aiohttp: a client's connection, and the translation of messages into values and back.

Header fields are views of raw bytes in latin-1 here, and UTF-8 where aiohttp writes them. An answer
has one framing, computed here, and nothing is added but what HTTP demands of a gateway. Trailers
are dropped. What is no HTTP, or too much of it, is answered with our own error, which quotes
nothing of what came in. Leans on three names inside aiohttp, each held by a test. Knows nothing of
recordings.
"""

import asyncio
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from multidict import CIMultiDict

from runreel.engine.call import Answer, Turn
from runreel.errors import error_response
from runreel.http.headers import Trait, drop, has_body, response_headers
from runreel.http.messages import Headers, Response
from runreel.sessions.manager import OpenSession


def raw_pairs(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The pairs as they came, in order."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)


def to_multidict(headers: Headers) -> CIMultiDict[str]:
    """The pairs for aiohttp, so that bytes leave as they came.

    That holds where `can_be_written`. Any other byte beyond ASCII leaves as the UTF-8 of its
    latin-1 character: an upstream's answer is too good to be withheld for it.
    """
    return CIMultiDict((name, _text(value)) for name, value in headers)


def can_be_written(headers: Headers) -> bool:
    """Whether all of them leave byte for byte: aiohttp writes no byte beyond ASCII but UTF-8."""
    try:
        for name, value in headers:
            (name + value).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True


def field_bytes(field: tuple[str, str]) -> tuple[bytes, bytes]:
    """A header as it leaves, its name and its value."""
    name, value = field
    return name.encode("latin-1"), _text(value).encode()


def _text(value: str) -> str:
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


SOURCE_HEADER = "X-Runreel-Source"
RECORDED_HEADER = "X-Runreel-Recorded"
REDACTED_HEADER = "X-Runreel-Redacted"
STALL_S_MAX = 60  # that a client may take nothing of what is sent to it


class TooLarge(Exception):
    """The request's body is larger than the limit."""


async def read_body(request: web.BaseRequest, bytes_max: int, *, waits: bool) -> bytes:
    """The whole body as it came, still with its content coding.

    If the client `waits` to be asked for it, it is, but never for a body that is too large.

    Raises:
        TooLarge: as soon as that is known.
    """
    if (request.content_length or 0) > bytes_max:
        raise TooLarge
    if waits and request.body_exists:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # of the answer, which has not begun
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise TooLarge
    return bytes(body)


async def write(
    request: web.BaseRequest, answer: Answer, *, last: bool = False
) -> web.StreamResponse:
    """Send an answer; a tail that fails half-way ends the connection, so it cannot look whole.

    After the `last` answer of a connection nothing is read from it: what follows may not be what it
    seems. An answer to a request whose body was not read is the last one anyway.
    """
    if request.version not in (HttpVersion10, HttpVersion11):
        # aiohttp answers in the version it was asked in, and has no other way to tell it ours.
        request._cache["version"] = HttpVersion11  # noqa: SLF001 - see above
    response = _head(request, answer)
    if last or not request.content.at_eof():
        response.force_close()
    turn = answer.turn
    try:
        async with aclosing(answer.tail or nothing()) as chunks:
            there = await _reaches(request, response.prepare(request))
            if turn is not None:
                tell_begin(turn, answer, there=there)
            if answer.response.body and has_body(request.method, answer.response.status):
                there = there and await _reaches(request, response.write(answer.response.body))
            async for chunk in chunks:
                there = there and await _reaches(request, response.write(chunk))
            if there:
                await _reaches(request, response.write_eof())
    finally:
        if turn is not None:
            turn.ended()
    return response


def tell_begin(turn: Turn, answer: Answer, *, there: bool) -> None:
    """Say whether the client was there to get the first byte."""
    if not there:
        turn.unsent()
        return
    turn.began()
    if answer.tail is None:  # what is left goes at once, and who has got it may ask again
        turn.ended()


async def _reaches(request: web.BaseRequest, sending: Awaitable[object]) -> bool:
    """Whether the client was there to get what was sent; one that takes nothing is let go."""
    try:
        async with asyncio.timeout(STALL_S_MAX):
            await sending
    except ConnectionError:
        return False
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        return False
    return True


def has_left(request: web.BaseRequest) -> bool:
    """Whether the client has closed its connection, so that no answer reaches it."""
    transport = request.transport
    return transport is None or transport.is_closing()


def cut_off(request: web.BaseRequest) -> web.StreamResponse:
    """End the connection where it is, so that what was sent of an answer cannot look whole.

    The value is what aiohttp wants to see; none of it is sent.
    """
    transport = request.transport
    if transport is not None:
        if request.version < HttpVersion11:
            # Its answers may end with the connection; only a reset tells that this one was torn.
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, linger)
            if transport.get_extra_info("sslcontext") is not None:
                transport.abort()  # else TLS would say that this was all
        transport.close()
    return web.StreamResponse()


async def nothing() -> AsyncGenerator[bytes, None]:
    """A tail without anything."""
    return
    yield b""  # makes this a generator


class _Verbatim(web.StreamResponse):
    """A response that goes out with the headers it was given, less what aiohttp would add."""

    def __init__(self, status: int, fields: CIMultiDict[str]) -> None:
        super().__init__(status=status, headers=fields)
        self.unwanted = {"Server", "Content-Type"} - {name.title() for name in fields}


async def drop_additions(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """Take back what aiohttp adds to a response; runs when its headers are complete."""
    if isinstance(response, _Verbatim):
        for name in response.unwanted:
            response.headers.popall(name, None)


def answer_headers(method: str, answer: Answer) -> Headers:
    """The headers that an answer leaves with, but for its framing and its date."""
    # An upstream may be another runreel: what its answer was to it says nothing of ours.
    fields = drop(response_headers(method, answer.response), Trait.OURS)
    fields += ((SOURCE_HEADER, answer.source),)
    if answer.recorded is not None:
        fields += ((RECORDED_HEADER, "yes" if answer.recorded else "no"),)
    if answer.redacted:
        fields += ((REDACTED_HEADER, str(answer.redacted)),)
    return fields


def head_bytes(status: int, headers: Headers) -> bytes:
    """The beginning of an answer on the wire, as aiohttp writes it, to which more can be added."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = "".join(f"{name}: {_text(value)}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}".encode()


def _head(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    fields = to_multidict(answer_headers(request.method, answer))
    response = _Verbatim(answer.response.status, fields)
    if has_body(request.method, answer.response.status):
        if answer.tail is None:
            response.content_length = len(answer.response.body)
        elif answer.length is not None:
            response.content_length = answer.length
    return response


# (slug, message) of what can be wrong with a request that has no handler yet, or lost it.
_NOT_HTTP = ("bad_request", "The request is not valid HTTP.")
_TOO_LARGE = (
    "headers_too_large",
    "The request line or a header is longer than 8,190 bytes, or there are more than 128 headers.",
)
OURS = ("internal_error", "The proxy failed at this request; its log says where.")
_TOO_MANY_HEADERS = "Too many headers received"  # aiohttp has no kind of its own for it


class NotHttp(web.RequestPayloadError):
    """The body of a request turned out to be no valid HTTP."""


@dataclass(slots=True)
class Held:
    """A request of which only the head has come: it has its session, and its place there, if that
    depends on the order of arrival. `since` is in the loop's time.
    """

    method: str
    found: OpenSession
    arrival: int | None
    since: float


class Connection(web.RequestHandler):
    """One connection of a client; `refused` is told the slug of what was refused here."""

    __slots__ = ("_refused",)

    def __init__(self, *args: object, refused: Callable[[str], None], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as aiohttp has them
        self._refused = refused

    def taken(self) -> Held | None:
        """What is known already of the request that begins, for whoever answers it."""
        return None

    def data_received(self, data: bytes) -> None:
        """Take in what the client sent.

        When the body of the request under way turns invalid, aiohttp tells only the next handler,
        and the one that reads it would wait for ever.
        """
        super().data_received(data)
        broken = self._messages and not isinstance(self._messages[-1][0], RawRequestMessage)
        if broken and self._current_request and not self._current_request.content.is_eof():
            self._current_request.content.set_exception(NotHttp())
            self._current_request.content.feed_eof()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - quotes the request
    ) -> web.StreamResponse:
        """Answer what no handler could, and end the connection.

        The value is what aiohttp wants to see; none of it is sent.
        """
        if isinstance(exc, HttpProcessingError):
            slug, text = _TOO_LARGE if _too_large(exc) else _NOT_HTTP
            self._refused(slug)
        else:
            slug, text = OURS
            self.log_exception("Error handling request", exc_info=exc)
        if self.transport is not None and request.writer.output_size == 0:
            self.transport.write(on_the_wire(error_response(slug, text)))
        self.force_close()
        return web.StreamResponse(status=status)


def _too_large(error: HttpProcessingError) -> bool:
    return isinstance(error, LineTooLong) or (
        isinstance(error, BadHttpMessage) and error.message == _TOO_MANY_HEADERS
    )


def on_the_wire(response: Response) -> bytes:
    """An answer of our own that is the last one of its connection."""
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        *(f"{name}: {value}" for name, value in response.headers),
        "X-Runreel-Source: proxy",
        f"Content-Length: {len(response.body)}",
        "Connection: close",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + response.body
