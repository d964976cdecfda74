"""The first look at a request: what a gateway must refuse, answer itself, or pass on changed.

Owns the rules of RFC 9110 and 9112 that concern one hop and need no more than the head. Pure: raw
values in, a decision out. What it leaves to others: the fields of one connection are dropped where
messages are sent (`messages.end_to_end`), and so are trailers: aiohttp reads and discards them, in
both directions, and nobody ever merges them into the headers.
"""

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass

from runreel.errors import error_response
from runreel.http.messages import Headers, Response, values, without
from runreel.server.exchange import can_be_written

_VERSIONS = frozenset({(1, 0), (1, 1)})
_REFUSED_METHODS = frozenset({"CONNECT", "TRACE"})
_AUTHORITY = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@\s,]+)(?::\d+)?")
# A target that can be passed on as it is: no fragment, no space, no byte beyond ASCII.
_PATH = re.compile(r"/[\x21\x22\x24-\x7e]*")
_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)")
_COUNT = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request as it came; `version` is that of HTTP, as in (1, 1)."""

    method: str
    target: str
    version: tuple[int, int]
    headers: Headers


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are: the `name` we sign with in Via, the `hosts` we answer to, in lower case, the
    `origins` whose pages may call us, as browsers write them, and the `scheme` of our own URL.
    """

    name: str
    hosts: frozenset[str]
    origins: frozenset[str] = frozenset()
    scheme: str = "http"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be answered.

    `target` begins with a slash, `authority` is how the client calls us (None: HTTP/1.0 need not),
    by `scheme`, `headers` are those to pass on, and `waits` tells that the body comes only after a
    100.
    """

    target: str
    authority: str | None
    headers: Headers
    waits: bool
    scheme: str = "http"

    @property
    def origin(self) -> str:
        """Our own URL as the client has it, empty if it did not say."""
        return f"{self.scheme}://{self.authority}" if self.authority else ""


class Refused(Exception):
    """A request that is answered with one of our own errors before any session sees it."""

    def __init__(self, slug: str, message: str) -> None:
        super().__init__(message)
        self.slug = slug
        self.response = error_response(slug, message)


def look(head: Head, us: Identity) -> Admitted | Response:
    """The request as we take it, or the answer where a gateway must give it.

    Raises:
        Refused: by the first rule that it breaks.
    """
    if head.version not in _VERSIONS:
        raise Refused("http_version_not_supported", "This proxy speaks HTTP/1.1 and HTTP/1.0 only.")
    if head.method in _REFUSED_METHODS:
        raise Refused("method_not_allowed", f"{head.method} is never passed on.")
    _check_framing(head)
    target, authority = _place(head, us)
    if (preflight := _of_pages(head, authority, us)) is not None:
        return preflight
    _check_bytes(head)
    waits = _expects_100(head)
    if us.name in _words(values(head.headers, "via")):
        raise Refused(
            "loop_detected",
            "This request came through this proxy before: the upstream leads back to it.",
        )
    passed = head.headers
    if head.method == "OPTIONS" and _COUNT.fullmatch(left := _max_forwards(head)):
        if int(left) == 0:
            return Response(204)
        passed = _counted(passed, int(left) - 1)
    if not _PATH.fullmatch(target):
        raise Refused(
            "bad_request_target",
            "The request target must be a path that begins with '/' and holds no fragment, space "
            "or byte beyond ASCII; escape them with %.",
        )
    return Admitted(target, authority, (*passed, via(us.name, head.version)), waits, us.scheme)


# What says on answers which pages may read them.
ALLOWANCES = (
    "Access-Control-Allow-Origin",
    "Access-Control-Allow-Credentials",
    "Access-Control-Expose-Headers",
)


def granted(headers: Headers, origins: frozenset[str]) -> Headers:
    """The headers that let the page that sent a request read its answer; none if none may."""
    found = values(headers, "origin")
    if len(found) != 1 or found[0] not in origins:
        return ()
    return (
        ("Access-Control-Allow-Origin", found[0]),
        ("Access-Control-Expose-Headers", "*"),
        ("Vary", "Origin"),
    )


def _of_pages(head: Head, authority: str | None, us: Identity) -> Response | None:
    """Return if a request comes from no page of another site, or from one that may call; the
    answer, if it only asks whether it may.

    A browser says where its page comes from. Any page could send a form, or text, to an address of
    this machine, and with it spend the key that the proxy adds.

    Raises:
        Refused: the page may not.
    """
    headers = head.headers
    asks = head.method == "OPTIONS" and values(headers, "access-control-request-method")
    if allowed := granted(headers, us.origins):
        return Response(204, (*allowed[:1], *_allowances(headers), *allowed[2:])) if asks else None
    ours = _plain(authority or "")
    # Before a plain one something else may speak https for us, as at the edge of a container.
    schemes = {us.scheme, "https"}
    foreign = any(_authority_of(origin, schemes) != ours for origin in values(headers, "origin"))
    sites = {value.strip().lower() for value in values(headers, "sec-fetch-site")}
    if foreign or asks or "cross-site" in sites:
        raise Refused(
            "origin_refused",
            "A page of another origin may not call this proxy; name its origin in "
            "listen.cors_origins to allow it.",
        )
    return None


def _allowances(headers: Headers) -> Headers:
    """What a preflight is told: that all it asks for may be sent."""
    pairs = (
        ("Access-Control-Allow-Methods", "access-control-request-method"),
        ("Access-Control-Allow-Headers", "access-control-request-headers"),
        ("Access-Control-Allow-Private-Network", "access-control-request-private-network"),
    )
    found = ((name, ", ".join(values(headers, asked))) for name, asked in pairs)
    return (
        *((name, value) for name, value in found if value),
        ("Access-Control-Max-Age", "600"),
    )


def _authority_of(origin: str, schemes: Collection[str]) -> str | None:
    """Host and port of an origin of one of these schemes, as `_plain` writes them; else None."""
    scheme, found, authority = origin.partition("://")
    return _plain(authority) if found and scheme in schemes else None


def _plain(authority: str) -> str:
    return re.sub(r":(?:80|443)?$", "", authority.lower())


_TOKEN_HEADERS = ("authorization", "api-key", "x-api-key")  # where SDKs send their key


def without_token(headers: Headers, token: str) -> Headers:
    """The headers of a client that may use the API, less those that say so: `token` is ours, and
    goes no further.

    Raises:
        Refused: none of them holds the token.
    """
    holding = frozenset(
        name
        for name in _TOKEN_HEADERS
        for value in values(headers, name)
        if same_token(value.removeprefix("Bearer ") if name == "authorization" else value, token)
    )
    if not holding:
        raise Refused(
            "unauthorized",
            "This proxy asks for the token of listen.client_token; send it as the API key, as in "
            "'Authorization: Bearer TOKEN'.",
        )
    return without(headers, frozenset(_TOKEN_HEADERS))


def same_token(sent: str, token: str) -> bool:
    """Whether two tokens are equal; the time it takes tells nothing of either."""
    pair = [hashlib.sha256(text.strip().encode()).digest() for text in (sent, token)]
    return hmac.compare_digest(*pair)


def via(name: str, version: tuple[int, int] = (1, 1)) -> tuple[str, str]:
    """The field that says a message came through us, and by which version of HTTP we got it."""
    return "Via", f"{version[0]}.{version[1]} {name}"


def _check_framing(head: Head) -> None:
    """Refuse what others may read as another length than we do; aiohttp does most of this.

    aiohttp refuses two lengths, a length beside a coding, and a last coding that is not `chunked`.
    """
    if not values(head.headers, "transfer-encoding"):
        return
    codings = [word.lower() for word in _elements(values(head.headers, "transfer-encoding"))]
    if head.version == (1, 0):
        raise Refused("bad_framing", "HTTP/1.0 has no Transfer-Encoding; send a Content-Length.")
    if codings[-1:] != ["chunked"] or "chunked" in codings[:-1]:
        raise Refused(
            "bad_framing",
            "The last coding in Transfer-Encoding must be chunked, and it must be there once.",
        )
    if len(codings) > 1:
        raise Refused(
            "unknown_transfer_coding",
            "The only coding that Transfer-Encoding may name here is chunked.",
        )


def _place(head: Head, us: Identity) -> tuple[str, str | None]:
    """The target without its authority, and the authority, of which a target's own counts."""
    absolute = _ABSOLUTE.fullmatch(head.target)
    named = values(head.headers, "host")
    if absolute:
        scheme, authority, target = absolute.groups()
        ours = scheme.lower() == us.scheme and _is_ours(authority, us.hosts)
        target = target if target.startswith("/") else "/" + target
    elif not named and head.version == (1, 0):
        return head.target, None
    else:
        target, authority = head.target, named[0] if named else ""
        ours = len(named) == 1 and _is_ours(authority, us.hosts)
    if not ours:
        raise Refused(
            "misdirected_host",
            "The Host of the request is not one that this proxy answers to; add it to "
            "listen.allowed_hosts.",
        )
    return target, authority


def _is_ours(authority: str, hosts: frozenset[str]) -> bool:
    match = _AUTHORITY.fullmatch(authority)
    return match is not None and match[1].strip("[]").lower() in hosts


def _check_bytes(head: Head) -> None:
    if not can_be_written(head.headers):
        raise Refused(
            "bad_header",
            "A header holds bytes that are not UTF-8, which could not be passed on as they are.",
        )


def _expects_100(head: Head) -> bool:
    expected = {word.lower() for word in _elements(values(head.headers, "expect"))}
    if head.version == (1, 0) or not expected:  # HTTP/1.0 has no 100 to send
        return False
    if expected != {"100-continue"}:
        raise Refused(
            "expectation_failed", "The only expectation that Expect may name here is 100-continue."
        )
    return True


def _max_forwards(head: Head) -> str:
    """The one value of Max-Forwards; without meaning if there are more."""
    found = values(head.headers, "max-forwards")
    return found[0] if len(found) == 1 else ""


def _counted(pairs: Headers, left: int) -> Headers:
    return tuple(
        (name, str(left) if name.lower() == "max-forwards" else value) for name, value in pairs
    )


def _elements(fields: tuple[str, ...]) -> list[str]:
    """The members of a header that is a list, whether in one field or in many."""
    return [word for field in fields for part in field.split(",") if (word := part.strip(" \t"))]


def _words(fields: tuple[str, ...]) -> set[str]:
    return {word for field in fields for word in re.split(r"[\s,]+", field)}
