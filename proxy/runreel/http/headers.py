"""What is known of a header by its name alone, and what of a message is worth recording.

`HEADERS` is the one table of names: recording, merging, `cassette diff`, verify, redaction and the
upstream read their part of it, so that no two of them can disagree. A name that is not there has no
trait: it is passed on, stored, compared.

From the table follows the step from the wire to a recording, the same for what is recorded and for
what is looked up: end-to-end headers without noise, and the decoded body. Live traffic goes on
unchanged; values of secrets are `redaction`'s business.
"""

from enum import Flag, auto
from functools import lru_cache

from runreel.http.encoding import decode
from runreel.http.messages import Headers, Request, Response, values, without
from runreel.http.sse import split


class Trait(Flag):
    """What can be true of a header, whatever its value."""

    HOP_BY_HOP = auto()  # describes one connection, never the message (RFC 9110 7.6.1)
    FRAMING = auto()  # computed anew on each side, whatever a Connection header says of it
    UNLISTABLE = auto()  # a sender may not strip it from us by listing it in Connection
    ENDS_HERE = auto()  # for us alone: no upstream gets it
    OF_BODY = auto()  # means the body or the attempt: a read in place of a write goes without it
    OURS = auto()  # our own mark on answers: what an upstream's says is nothing of ours
    RELAY = auto()  # written by whoever stands in between: in no recorded answer
    NOISE = auto()  # differs between clients, versions and moments: in no recorded request
    NEVER_STORED = auto()  # no secret, but it belongs to the moment and not to the answer
    SECRET = auto()  # a credential, or who owns it: left out, and looked for everywhere else
    HARMLESS = auto()  # the configuration may add it without its value becoming a secret
    VOLATILE = auto()  # differs between two equal answers, and decides nothing
    COMPARED = auto()  # says something of the API: verify compares it


_HOP, _FRAME, _NOISE, _SECRET = Trait.HOP_BY_HOP, Trait.FRAMING, Trait.NOISE, Trait.SECRET
_VOLATILE, _HARMLESS, _COMPARED = Trait.VOLATILE, Trait.HARMLESS, Trait.COMPARED

HEADERS: dict[str, Trait] = {
    "accept": _HARMLESS,
    "accept-encoding": _HARMLESS | _NOISE,
    "accept-language": _HARMLESS,
    "age": _VOLATILE,
    "allow": _COMPARED,
    "alt-svc": _VOLATILE,
    "api-key": _SECRET,
    "apim-request-id": _VOLATILE,  # Azure API Management
    "astra-api-token": _SECRET,  # astra-assistants, as the two llm-param-aws
    "authorization": _SECRET | Trait.UNLISTABLE,
    "cf-cache-status": _VOLATILE,
    "cf-ray": _SECRET | _VOLATILE,
    "connection": _HOP,
    "content-encoding": Trait.OF_BODY,
    "content-length": _FRAME | Trait.OF_BODY | Trait.UNLISTABLE,
    "content-type": _HARMLESS | _COMPARED | Trait.OF_BODY,
    "cookie": _SECRET,
    "date": Trait.NEVER_STORED | _VOLATILE,
    "deprecation": _COMPARED,
    "expect": _NOISE | Trait.ENDS_HERE | Trait.OF_BODY,  # of a 100: the body is in hand
    "host": _FRAME | Trait.UNLISTABLE,
    "idempotency-key": _NOISE | Trait.OF_BODY,
    "keep-alive": _HOP,
    "llm-param-aws-access-key-id": _SECRET,
    "llm-param-aws-secret-access-key": _SECRET,
    "location": _COMPARED,
    "max-forwards": _NOISE,
    "nel": _VOLATILE,
    "ocp-apim-subscription-key": _SECRET,  # Azure API Management
    "openai-beta": _HARMLESS,
    "openai-organization": _SECRET,
    "openai-processing-ms": _VOLATILE,
    "openai-project": _SECRET,
    "openai-version": _COMPARED,
    "proxy-authenticate": _HOP,
    "proxy-authorization": _HOP | _SECRET,
    "proxy-connection": _HOP,
    "report-to": _VOLATILE,
    "req-arrive-time": _VOLATILE,  # DashScope, as the two like it
    "req-cost-time": _VOLATILE,
    "request-context": _VOLATILE,  # Azure
    "request-id": _VOLATILE,
    "resp-start-time": _VOLATILE,
    "retry-after": _COMPARED,
    "server": _VOLATILE,
    "server-timing": _VOLATILE,
    "set-cookie": _SECRET | _VOLATILE,
    "sunset": _COMPARED,
    "te": _HOP,
    "traceparent": _NOISE,
    "tracestate": _NOISE,
    "trailer": _HOP,
    "transfer-encoding": _HOP,
    "upgrade": _HOP,
    "user-agent": _HARMLESS | _VOLATILE,
    # By our own name in it loops are noticed, so nobody may strip it.
    "via": _NOISE | Trait.RELAY | Trait.UNLISTABLE,
    "www-authenticate": _COMPARED,
    "x-aml-cluster": _VOLATILE,  # Azure
    "x-api-key": _SECRET,
    "x-ms-client-request-id": _NOISE | _VOLATILE,  # Azure's SDKs, as the next
    "x-ms-useragent": _NOISE,
    "x-openai-proxy-wasm": _VOLATILE,
    "x-request-id": _VOLATILE,
    "x-request-time": _VOLATILE,  # Azure
    "x-runreel-recorded": Trait.OURS | Trait.RELAY,
    "x-runreel-redacted": Trait.OURS | Trait.RELAY,
    "x-runreel-session": _NOISE | Trait.ENDS_HERE,
    "x-runreel-source": Trait.OURS | Trait.RELAY,
    "x-should-retry": _COMPARED,
}
# The same for all names that begin so.
PREFIXES: dict[str, Trait] = {
    "x-dashscope-sdk-": _NOISE,
    "x-envoy-": _VOLATILE,
    "x-ms-": _VOLATILE,  # Azure: which call it was, for whoever looks for it in a log
    "x-ratelimit-": _VOLATILE,
    "x-stainless-": _NOISE,  # what the SDKs say of themselves
}
_PREFIXES = tuple(PREFIXES)
_NONE = Trait(0)


@lru_cache(maxsize=1024)
def traits(name: str) -> Trait:
    """All that is known of a header of that name (lower case)."""
    found = HEADERS.get(name, _NONE)
    if name.startswith(_PREFIXES):
        found |= next(PREFIXES[prefix] for prefix in _PREFIXES if name.startswith(prefix))
    return found


def has(name: str, any_of: Trait) -> bool:
    """Whether a header of that name (lower case) has one of these traits."""
    return bool(traits(name) & any_of)


def named(any_of: Trait) -> frozenset[str]:
    """The names in the table with one of these traits; a trait of `PREFIXES` has more."""
    return frozenset(name for name, trait in HEADERS.items() if trait & any_of)


def drop(headers: Headers, any_of: Trait) -> Headers:
    """The headers less those with one of these traits."""
    return tuple([pair for pair in headers if not _has(pair[0], any_of)])


@lru_cache(maxsize=4096)
def _has(name: str, any_of: Trait) -> bool:
    return bool(traits(name.lower()) & any_of)


@lru_cache(maxsize=256)
def end_to_end(headers: Headers) -> Headers:
    """The headers a gateway may pass on: no hop-by-hop field, none that Connection lists.

    Neither are there trailers among them: they are not read as headers in the first place.
    """
    listed = frozenset(
        name
        for value in values(headers, "connection")
        for token in value.split(",")
        if not has(name := token.strip().lower(), Trait.UNLISTABLE)
    )
    return without(drop(headers, _HOP | _FRAME), listed)


SOURCE_HEADER = "x-runreel-source"
SIMULATOR_PRODUCT = "runreel-simulator/"  # and its version, in `Server`
_SIMULATED = ("X-Runreel-Source", "simulator")
MEDIA_TYPE_OF_EVENTS = "text/event-stream"
_BODILESS_STATUS = frozenset({204, 304})


def recordable_request(request: Request, bytes_max: int) -> Request:
    """The request as it is matched and stored; a body that cannot be decoded stays as it came."""
    headers, body = _decoded(_recordable(request.headers), request.body, bytes_max)
    return Request(request.method, request.target, headers, body)


@lru_cache(maxsize=256)  # a client sends the same ones with every call
def _recordable(headers: Headers) -> Headers:
    return drop(end_to_end(headers), Trait.NOISE)


def recordable_response(method: str, response: Response, bytes_max: int) -> Response:
    """The response as it is stored; a body that cannot be decoded stays as it came."""
    headers = drop(response_headers(method, response), Trait.RELAY)
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


def is_event_stream(headers: Headers) -> bool:
    """Whether a message with these headers is a stream of events."""
    found = values(headers, "content-type")
    return bool(found) and found[0].partition(";")[0].strip().lower() == MEDIA_TYPE_OF_EVENTS


def codings(headers: Headers) -> tuple[str, ...]:
    """The codings applied to a body, in the order they were applied, without `identity`."""
    listed = (
        token.strip().lower()
        for value in values(headers, "content-encoding")
        for token in value.split(",")
    )
    return tuple(token for token in listed if token not in ("", "identity"))


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
