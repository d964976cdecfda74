"""What of a message is worth recording.

Owns the step from the wire to a recording, the same for what is recorded and for what is looked
up: end-to-end headers without noise, and the decoded body. Live traffic goes on unchanged; secrets
are somebody else's business (`redaction`).
"""

from runreel.http.encoding import codings, decode
from runreel.http.messages import (
    FRAMING,
    HOP_BY_HOP,
    Headers,
    Request,
    Response,
    end_to_end,
    values,
    without,
)
from runreel.http.sse import is_event_stream, split

# Differs between clients, versions and moments, and never decides an answer (contract 1.1).
NOISE = frozenset(
    {
        "accept-encoding",
        "expect",
        "idempotency-key",
        "max-forwards",
        "traceparent",
        "tracestate",
        "via",
        "x-runreel-session",
    }
)
SOURCE_HEADER = "x-runreel-source"
OURS = frozenset({"x-runreel-recorded", SOURCE_HEADER})  # on answers, written anew each time
SIMULATOR_PRODUCT = "runreel-simulator/"  # and its version, in `Server`
_SIMULATED = ("X-Runreel-Source", "simulator")
_NOISE_OF_RESPONSES = OURS | {"via"}
_NOISE_PREFIX = "x-stainless-"
_BODILESS_STATUS = frozenset({204, 304})


def never_recorded(name: str) -> bool:
    """Whether a header of that name (lower case) is noise in every request."""
    return name in NOISE | HOP_BY_HOP | FRAMING or name.startswith(_NOISE_PREFIX)


def recordable_request(request: Request, bytes_max: int) -> Request:
    """The request as it is matched and stored; a body that cannot be decoded stays as it came."""
    headers = tuple(
        pair for pair in end_to_end(request.headers) if not never_recorded(pair[0].lower())
    )
    headers, body = _decoded(headers, request.body, bytes_max)
    return Request(request.method, request.target, headers, body)


def recordable_response(method: str, response: Response, bytes_max: int) -> Response:
    """The response as it is stored; a body that cannot be decoded stays as it came."""
    headers = without(response_headers(method, response), _NOISE_OF_RESPONSES)
    if simulated(response):
        headers = (*headers, _SIMULATED)
    if not has_body(method, response.status):
        return Response(response.status, headers)
    decoded, body = _decoded(headers, response.body, bytes_max)
    return Response(response.status, decoded, body, _times(response, decoded, body))


def not_the_apis(response: Response) -> str | None:
    """Why an answer is none of the API, if it is not: another runreel says that it made it."""
    if "proxy" in values(response.headers, SOURCE_HEADER):
        return "the upstream is a runreel too, and this answer is its own, not the API's"
    return None


def simulated(response: Response) -> bool:
    """Whether the simulator made it, by whatever way it came and wherever it is stored.

    It says so twice: a runreel on the way sets its own source, another gateway its own `Server`.
    """
    return "simulator" in values(response.headers, SOURCE_HEADER) or any(
        product.startswith(SIMULATOR_PRODUCT) for product in values(response.headers, "server")
    )


def response_headers(method: str, response: Response) -> Headers:
    """The headers to pass on: end-to-end, and the length of the body that HEAD does without.

    A 304 could have one too, but need not (RFC 9110 8.6), and aiohttp sends none.
    """
    headers = end_to_end(response.headers)
    if method != "HEAD" or response.status in _BODILESS_STATUS:
        return headers
    lengths = values(response.headers, "content-length")[:1]
    return headers + tuple(("Content-Length", length) for length in lengths)


def has_body(method: str, status: int) -> bool:
    """Whether a response to this method with this status has a body at all (RFC 9110 6.4.1)."""
    return method != "HEAD" and status not in _BODILESS_STATUS


def _times(response: Response, headers: Headers, body: bytes) -> tuple[int, ...] | None:
    """The times of a stream; all are 0 where nobody looked when its events came."""
    if not body or not is_event_stream(headers) or codings(headers):
        return None
    count = len(split(body))
    if response.at_ms is not None and len(response.at_ms) == count:
        return response.at_ms
    return (0,) * count


def _decoded(headers: Headers, body: bytes, bytes_max: int) -> tuple[Headers, bytes]:
    applied = codings(headers)
    if not applied:
        return headers, body
    decoded = decode(body, applied, bytes_max)
    if decoded is None:
        return headers, body
    return without(headers, frozenset({"content-encoding"})), decoded
