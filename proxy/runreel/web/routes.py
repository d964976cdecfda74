"""What a URL means: the proxy's own places, or a call to answer.

Owns the first look at a request: is it for us (Host), which session, which body. Everything
outside `/_runreel/` is the API's, path and query byte for byte. Knows nothing of recordings but
that an engine answers.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from runreel.core.envelope import error_response
from runreel.core.errors import UpstreamFailed
from runreel.core.messages import Request, Response, values
from runreel.engine import Answer, Engine
from runreel.live import LiveSession
from runreel.web import headers
from runreel.web.exchange import TooLarge, cut_off, drop_additions, read_body, write

ADMIN_PREFIX = "/_runreel/"
SESSION_HEADER = "x-runreel-session"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

# A target that can be passed on as it is: no fragment, no space, no byte beyond ASCII.
_TARGET = re.compile(r"/[\x21\x22\x24-\x7e]*")
_INSIDE = re.compile(re.escape(ADMIN_PREFIX) + r"s/([^/?]*)(.*)")  # session, and the real target
_REFUSED_METHODS = frozenset({"CONNECT", "TRACE"})
_NOTHING_HERE = "There is nothing at this place below /_runreel/."
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]@\s,]+)(?::\d+)?")


@dataclass(frozen=True, slots=True)
class Site:
    """What the routes need to know: `hosts` are the names we answer to, in lower case."""

    engine: Engine
    sessions: Mapping[str, LiveSession]
    default: str
    hosts: frozenset[str]
    body_bytes_max: int
    version: str


class Refused(Exception):
    """A request that is answered with one of our own errors before any session sees it."""

    def __init__(self, slug: str, message: str) -> None:
        super().__init__(message)
        self.response = error_response(slug, message)


def application(site: Site) -> web.Application:
    """The aiohttp application for a site."""

    @web.middleware
    async def everything(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001 - called by that name
        try:
            return await _handle(site, request)
        except (UpstreamFailed, ConnectionError):
            return cut_off(request)

    # A middleware sees every request; a route misses targets that are no path (`*`, CONNECT).
    app = web.Application(middlewares=[everything])
    app.on_response_prepare.append(drop_additions)
    return app


async def _handle(site: Site, request: web.Request) -> web.StreamResponse:
    try:
        answer = await _answer(site, request)
    except Refused as refusal:
        answer = Answer(refusal.response, "proxy")
    return await write(request, answer)


async def _answer(site: Site, request: web.Request) -> Answer:
    target = request.raw_path
    if request.method in _REFUSED_METHODS:
        raise Refused("method_not_allowed", f"{request.method} is never passed on.")
    _check_host(site, request)
    if not _TARGET.fullmatch(target):
        raise Refused(
            "bad_request_target",
            "The request target must be a path that begins with '/' and holds no fragment, space "
            "or byte beyond ASCII; escape them with %.",
        )
    named = values(headers.read(request.raw_headers), SESSION_HEADER)
    name = named[0] if named else site.default
    if inside := _INSIDE.fullmatch(target):
        name, target = inside[1], inside[2] if inside[2].startswith("/") else "/" + inside[2]
        if target.startswith(ADMIN_PREFIX):
            raise Refused("admin_unknown", _NOTHING_HERE)
    elif target.startswith(ADMIN_PREFIX):
        return Answer(_admin(site, request.method, target), "proxy")
    return await _call(site, request, name, target)


async def _call(site: Site, request: web.Request, name: str, target: str) -> Answer:
    session = site.sessions.get(name)
    if session is None:
        raise Refused("session_unknown", "There is no session of that name here, or it has ended.")
    arrival = session.state.arrive()
    try:
        body = await read_body(request, site.body_bytes_max)
    except TooLarge:
        raise Refused(
            "body_too_large",
            f"The request body is larger than {site.body_bytes_max:,} bytes; see "
            "limits.request_body_bytes_max.",
        ) from None
    live = Request(request.method, target, headers.read(request.raw_headers), body)
    return await site.engine.answer(session, arrival, live)


def _check_host(site: Site, request: web.Request) -> None:
    named = values(headers.read(request.raw_headers), "host")
    match = _HOST.fullmatch(named[0].strip()) if len(named) == 1 else None
    if match is None or match[1].strip("[]").lower() not in site.hosts:
        raise Refused(
            "misdirected_host",
            "The Host of the request is not one that this proxy answers to; add it to "
            "listen.allowed_hosts.",
        )


def _admin(site: Site, method: str, target: str) -> Response:
    if target.partition("?")[0] != ADMIN_PREFIX + "health" or method not in ("GET", "HEAD"):
        raise Refused("admin_unknown", _NOTHING_HERE)
    session = site.sessions[site.default]
    document = {
        "status": "ok",
        "mode": session.mode.value,
        "cassette": session.cassette,
        "interactions": session.interactions,
        "version": site.version,
    }
    return Response(200, (("Content-Type", "application/json"),), json.dumps(document).encode())
