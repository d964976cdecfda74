"""The translation between aiohttp and values, both ways.

Owns how a request is read and how an answer is written: raw header pairs, raw target, one framing
computed here, nothing added but what HTTP demands. Knows nothing of recordings.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aiohttp import ClientConnectionResetError, web
from multidict import CIMultiDict

from runreel.core.messages import Headers
from runreel.core.recordable import has_body, response_headers
from runreel.engine import Answer

SOURCE_HEADER = "X-Runreel-Source"
RECORDED_HEADER = "X-Runreel-Recorded"


class TooLarge(Exception):
    """The request's body is larger than the limit."""


async def read_body(request: web.BaseRequest, bytes_max: int) -> bytes:
    """The whole body as it came, still with its content coding.

    Raises:
        TooLarge: as soon as that is known.
    """
    if (request.content_length or 0) > bytes_max:
        raise TooLarge
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > bytes_max:
            raise TooLarge
    return bytes(body)


def read_headers(request: web.BaseRequest) -> Headers:
    """The raw header pairs, in order."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers
    )


async def write(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send an answer; a tail that fails half-way ends the connection, so it cannot look whole."""
    response = _head(request, answer)
    async with aclosing(answer.tail or _nothing()) as chunks:
        try:
            await response.prepare(request)
        except ClientConnectionResetError:
            answer.unsent()
            return response
        if has_body(request.method, answer.response.status):
            if answer.response.body:
                await response.write(answer.response.body)
            async for chunk in chunks:
                await response.write(chunk)
        await response.write_eof()
    return response


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""  # makes this a generator


class _Verbatim(web.StreamResponse):
    """A response that goes out with the headers it was given, less what aiohttp would add."""

    def __init__(self, status: int, headers: CIMultiDict[str]) -> None:
        super().__init__(status=status, headers=headers)
        self.unwanted = {"Server", "Content-Type"} - {name.title() for name in headers}


async def drop_additions(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """Take back what aiohttp adds to a response; runs when its headers are complete."""
    if isinstance(response, _Verbatim):
        for name in response.unwanted:
            response.headers.popall(name, None)


def _head(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    headers = CIMultiDict(response_headers(request.method, answer.response))
    headers[SOURCE_HEADER] = answer.source
    if answer.recorded is not None:
        headers[RECORDED_HEADER] = "yes" if answer.recorded else "no"
    response = _Verbatim(answer.response.status, headers)
    if has_body(request.method, answer.response.status):
        if answer.tail is None:
            response.content_length = len(answer.response.body)
        elif answer.length is not None:
            response.content_length = answer.length
    return response
