"""What happens on a client's connection before and beside the requests on it.

Owns the answers to what is no HTTP, or too much of it: our own error envelope, which quotes nothing
of what came in. Leans on three names inside aiohttp, each held by a test.
"""

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import http_parser, web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong

from runreel.core.envelope import error_response
from runreel.core.errors import StartRefused
from runreel.core.messages import Response

# (slug, message) of what can be wrong with a request that has no handler yet, or lost it.
_NOT_HTTP = ("bad_request", "The request is not valid HTTP.")
_TOO_LARGE = (
    "headers_too_large",
    "The request line or a header is longer than 8,190 bytes, or there are more than 128 headers.",
)
_OURS = ("internal_error", "The proxy failed at this request; its log says where.")
_TOO_MANY_HEADERS = "Too many headers received"  # aiohttp has no kind of its own for it


def check_parser() -> None:
    """Return if requests will be read by the parser that all of this was tried with.

    Raises:
        StartRefused: aiohttp fell back to the one in Python, where most of its holes were.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartRefused(
            "aiohttp runs without its compiled parser; unset AIOHTTP_NO_EXTENSIONS, or install a "
            "build of aiohttp for this platform"
        )


class NotHttp(web.RequestPayloadError):
    """The body of a request turned out to be no valid HTTP."""


class Connection(web.RequestHandler):
    """One connection of a client; `refused` is told the slug of what was refused here."""

    __slots__ = ("_refused",)

    def __init__(self, *args: object, refused: Callable[[str], None], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]  # as aiohttp has them
        self._refused = refused

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
            slug, text = _OURS
            self.log_exception("Error handling request", exc_info=exc)
        if self.transport is not None and request.writer.output_size == 0:
            self.transport.write(_on_the_wire(error_response(slug, text)))
        self.force_close()
        return web.StreamResponse(status=status)


def _too_large(error: HttpProcessingError) -> bool:
    return isinstance(error, LineTooLong) or (
        isinstance(error, BadHttpMessage) and error.message == _TOO_MANY_HEADERS
    )


def _on_the_wire(response: Response) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        *(f"{name}: {value}" for name, value in response.headers),
        "X-Runreel-Source: proxy",
        f"Content-Length: {len(response.body)}",
        "Connection: close",
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + response.body
