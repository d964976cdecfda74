"""What a URL means: the proxy's own places, or a call to answer.

Owns which session a request is for, and which body it has; whether it may be answered at all is
`gateway`'s to say. Everything outside `/_runreel/` is the API's, path and query byte for byte.
Knows nothing of recordings but that an engine answers.
"""

import asyncio
import re
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler

from runreel.cassettes.format import SIMULATOR
from runreel.engine.call import Answer
from runreel.engine.engine import Engine
from runreel.errors import RunreelError, SessionUnknown, Unredactable, UpstreamFailed
from runreel.http.headers import simulated
from runreel.http.location import Place, relocated
from runreel.http.messages import Headers, Request, Response, values, without
from runreel.redaction.redactor import Redaction
from runreel.server.admin import ADMIN_PREFIX, NOTHING_HERE, Admin, AdminRequest, slug_of
from runreel.server.exchange import (
    Connection,
    Held,
    TooLarge,
    cut_off,
    drop_additions,
    has_left,
    raw_pairs,
    read_body,
    write,
)
from runreel.server.gateway import (
    ALLOWANCES,
    Admitted,
    Head,
    Identity,
    Refused,
    granted,
    look,
    via,
    without_token,
)
from runreel.sessions.events import Refusal
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import Sessions

SESSION_HEADER = "x-runreel-session"

_INSIDE = re.compile(re.escape(ADMIN_PREFIX) + r"s/([^/?]*)(.*)")  # session, and the real target


def named_in_path(target: str) -> tuple[str | None, str]:
    """The session that a target names, if it does, and the target of the API."""
    inside = _INSIDE.fullmatch(target)
    if inside is None:
        return None, target
    return inside[1], inside[2] if inside[2].startswith("/") else "/" + inside[2]


def is_administration(target: str | None) -> bool:
    """Whether a target is one of ours, and no call of the API."""
    return target is not None and named_in_path(target)[1].startswith(ADMIN_PREFIX)


def prefix_of(session: str) -> str:
    """What stands before the targets of a session that is named in the path."""
    return f"{ADMIN_PREFIX}s/{session}"


def _unique_name() -> str:
    return f"runreel-{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class ServerContext:
    """What the routes need to know: `hosts` are the names we answer to, in lower case, `origins`
    those of pages that may call, `scheme` is that of our own URL, and `token` what a client of the
    API must show (None: nothing).

    `refused` is told of each request that ends before a session sees it, without what `redaction`
    takes out. A body may take `body_read_s_max` seconds to come in.
    `name` is ours in Via. No two have the same, so that one runreel may stand before another.
    """

    engine: Engine
    sessions: Sessions
    admin: Admin
    hosts: frozenset[str]
    body_bytes_max: int
    body_read_s_max: float
    refused: Callable[[Refusal], None]
    redaction: Redaction
    origins: frozenset[str] = frozenset()
    scheme: str = "http"
    token: str | None = None
    name: str = field(default_factory=_unique_name)

    @property
    def identity(self) -> Identity:
        """Who we are to what comes in."""
        return Identity(self.name, self.hosts, self.origins, self.scheme)


def application(context: ServerContext) -> web.Application:
    """The aiohttp application for a site."""

    @web.middleware
    async def everything(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001 - called by that name
        try:
            return await _handle(context, request)
        except (UpstreamFailed, ConnectionError):
            return cut_off(request)

    # A middleware sees every request; a route misses targets that are no path (`*`, CONNECT). The
    # route is there to keep aiohttp from asking for a body before anybody has looked at the head.
    app = web.Application(middlewares=[everything])
    app.router.add_route("*", "/{path:.*}", _unreached, expect_handler=_ask_later)
    app.on_response_prepare.append(drop_additions)
    return app


async def _unreached(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


async def _ask_later(_: web.Request) -> None:
    return


async def _handle(context: ServerContext, request: web.Request) -> web.StreamResponse:
    head = Head(
        request.method,
        request.raw_path,
        (request.version.major, request.version.minor),
        raw_pairs(request.raw_headers),
    )
    allowed = granted(head.headers, context.origins)
    try:
        with ExitStack() as held:
            answer = await _answer(context, request, head, held)
            return await write(request, _readable(answer, allowed))
    except Refused as refusal:
        context.refused(told(context.redaction, request, refusal.slug))
        answer = _readable(Answer(refusal.response, "proxy"), allowed)
        return await write(request, answer, last=True)


def told(redaction: Redaction, request: web.BaseRequest, code: str) -> Refusal:
    """What may be said of a request that went no further: of its query the names, and nothing that
    is secret.
    """
    live = Request(request.method, request.raw_path, raw_pairs(request.raw_headers))
    named = values(live.headers, "host")
    names = "&".join(pair.partition("=")[0] for pair in live.query.split("&") if pair)
    shown = Request(
        live.method,
        f"{live.path}?{names}" if names else live.path,
        tuple(("Host", host) for host in named[:1]),
    )
    try:
        found = redaction.request(shown, live).value
    except Unredactable:
        return Refusal(code, live.method)
    target = f"{found.target.replace('&', '=…&')}=…" if names else found.target
    hosts = values(found.headers, "host") if code == _WRONG_HOST else ()
    return Refusal(code, live.method, target, hosts[0] if hosts else None)


_WRONG_HOST = "misdirected_host"
_OF_PAGES = frozenset(name.lower() for name in ALLOWANCES)


def _readable(answer: Answer, allowed: Headers) -> Answer:
    """The answer as the page that asked may read it; what an upstream says of pages is of its own
    address.
    """
    if not allowed or (answer.response.status == 204 and answer.source == "proxy"):
        return answer
    headers = (*without(answer.response.headers, _OF_PAGES), *allowed)
    return replace(answer, response=replace(answer.response, headers=headers))


async def _answer(
    context: ServerContext, request: web.Request, head: Head, held: ExitStack
) -> Answer:
    """What to send; until it is sent, `held` keeps its session open."""
    admitted = look(head, context.identity)
    if isinstance(admitted, Response):
        # To pass it on, or it was a page that asks whether it may call.
        why = "preflight" if admitted.headers else "max_forwards"
        context.refused(told(context.redaction, request, why))
        return Answer(admitted, "proxy")
    target, before = admitted.target, ""
    named = values(head.headers, SESSION_HEADER)
    inside, target = named_in_path(target)
    name = named[0] if named and inside is None else inside
    if inside is not None:
        before = prefix_of(inside)
        if target.startswith(ADMIN_PREFIX):
            raise Refused("admin_unknown", NOTHING_HERE)
    elif target.startswith(ADMIN_PREFIX):
        return Answer(await _admin(context, request, admitted, head.headers), "proxy")
    elif len(named) > 1:
        raise Refused("session_unknown", "The request names a session more than once.")
    if context.token is not None:
        admitted = replace(admitted, headers=without_token(admitted.headers, context.token))
    assert isinstance(request.protocol, Connection)  # noqa: S101 - the listener makes no others
    begun = request.protocol.taken()
    if begun is not None:
        held.callback(context.sessions.used, begun.found)
        session = begun.found.session
    else:
        session = await _session(context, name, held)
    answer = await _call(context, session, request, admitted, target, begun)
    return as_ours(answer, context, session, Place(admitted.origin, before))


async def _session(context: ServerContext, name: str | None, held: ExitStack) -> LiveSession:
    try:
        await context.sessions.open_if_expected(name)
        return held.enter_context(context.sessions.using(name))
    except SessionUnknown as error:
        raise Refused("session_unknown", str(error)) from None
    except RunreelError as error:
        raise Refused(slug_of(error), str(error)) from None


async def _admin(
    context: ServerContext, request: web.Request, admitted: Admitted, passed: Headers
) -> Response:
    read = partial(_body, context, request, admitted)
    ask = AdminRequest(request.method, admitted.target, admitted.origin, passed, read)
    return await context.admin.answer(ask)


async def _call(
    context: ServerContext,
    session: LiveSession,
    request: web.Request,
    admitted: Admitted,
    target: str,
    begun: Held | None,
) -> Answer:
    waited_s = asyncio.get_running_loop().time() - begun.since if begun is not None else 0
    arrival = begun.arrival if begun is not None else None
    if arrival is None:
        arrival = session.arrive()
    try:
        body = await _body(context, request, admitted, waited_s)
        live = Request(request.method, target, admitted.headers, body)
        left = partial(has_left, request)
        return await context.engine.answer(session, arrival, live, left, request.transport)
    except BaseException:
        session.release(arrival)  # nothing comes of it
        raise


async def _body(
    context: ServerContext, request: web.Request, admitted: Admitted, waited_s: float = 0
) -> bytes:
    try:
        async with asyncio.timeout(context.body_read_s_max - waited_s):
            return await read_body(request, context.body_bytes_max, waits=admitted.waits)
    except TimeoutError:
        raise Refused(
            "request_timeout",
            f"The request body did not come in within {context.body_read_s_max:g} seconds; see "
            "limits.request_body_read_s_max.",
        ) from None
    except web.RequestPayloadError:
        raise Refused("bad_request", "The request body is not valid HTTP.") from None
    except ConnectionError:
        context.refused(Refusal("client_gone", request.method))  # there is nobody to answer
        raise
    except TooLarge:
        raise Refused(
            "body_too_large",
            f"The request body is larger than {context.body_bytes_max:,} bytes; see "
            "limits.request_body_bytes_max.",
        ) from None


def as_ours(answer: Answer, context: ServerContext, session: LiveSession, place: Place) -> Answer:
    """An answer of the API as it leaves here: its redirects lead here, and it says it came by."""
    if answer.source == "proxy":
        return answer
    upstream = session.recorded_from if answer.source == "replay" else session.upstream
    here = upstream == SIMULATOR
    response, source = answer.response, answer.source
    passed = response.headers
    if values(passed, "location"):
        passed = relocated(passed, "" if here else upstream, place)
    if source == "upstream":
        passed = passed if here else (*passed, via(context.name))
        source = "simulator" if simulated(response) else "upstream"
    if passed is response.headers and source == answer.source:
        return answer
    response = Response(response.status, passed, response.body, response.at_ms)
    return replace(answer, source=source, response=response)
