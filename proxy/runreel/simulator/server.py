"""The simulator as an upstream: a request in, an answer out, no port and no network.

Owns the order in which a request is looked at: path, key, what every request needs, ids, body, then
the operation. How the server speaks that it stands for is told by the profile. One simulator is one
world; requests are taken one after the other.
"""

import hmac
import json
import re
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from urllib.parse import parse_qsl

from runreel import __version__
from runreel.assistants import PROFILES, validation
from runreel.assistants.dialect import Json, Requirement, compact, spelled
from runreel.assistants.profile import Shape
from runreel.assistants.schemas import Answered
from runreel.http.headers import SIMULATOR_PRODUCT, recordable_request
from runreel.http.messages import Headers, Request, values, without
from runreel.ports import Clock, UpstreamAnswer
from runreel.simulator import errors
from runreel.simulator.errors import Problem
from runreel.simulator.operations import (
    SCRIPT,
    SCRIPT_PATH,
    ApiReply,
    ApiRequest,
    Route,
    route,
    routes,
)
from runreel.simulator.world import Ids, Settings, World

_SERVER = ("server", SIMULATOR_PRODUCT + __version__)  # nobody shall take it for the real thing
_JSON: Headers = (("content-type", "application/json"),)
# The SDKs wait so long between two polls, else a second; here nothing comes of waiting.
_POLL_SOON: Headers = (("openai-poll-after-ms", "1"),)
_EVENTS: Headers = (("content-type", "text/event-stream; charset=utf-8"),)


@dataclass(frozen=True, slots=True)
class Options:
    """A simulator: the name of a profile, the path where its API begins, the seed of its ids, the
    only key that it takes (None: any), the bytes that a decoded request may have. It takes every
    request to have `headers`, in place of the client's own.
    """

    profile: str = "openai"
    base_path: str = "/v1"
    seed: int | str = 0
    api_key: str | None = None
    request_bytes_max: int = 67_108_864
    headers: Headers = ()
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as bytes; more than one piece are the events of a stream."""

    status: int
    headers: Headers
    pieces: tuple[bytes, ...]


class _Invalid(Exception):
    """A body that the profile refuses."""

    def __init__(self, status: int, document: Json) -> None:
        super().__init__(status)
        self.status = status
        self.document = document


class Script(Answered):
    """The body of the call that scripts a run: an object; `world` says what may be in it."""


class Simulator:
    """An `Upstream` that makes up its answers."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        profile = PROFILES[options.profile]
        self._dialect = dialect = profile.dialect
        self._profile = replace(profile, requests={**profile.requests, SCRIPT: Shape(Script)})
        self._operations = dialect.operations | {SCRIPT}
        bases = dialect.bases or (re.escape(options.base_path),)
        self._bases = [re.compile(f"(?:{base})(?=/)") for base in bases]
        seed = str(options.seed)
        settings = replace(
            options.settings,
            merges=options.settings.merges or dialect.merges,
            free=options.settings.lenient or dialect.free,
            calls="submitToolOuputsToRun" in dialect.operations,
            gaps=dialect.gaps,
            dated=dialect.dated,
        )
        self._world = World(settings, Ids(seed, dialect.new_id))
        self._request_ids = Ids(seed, spelled("0123456789abcdef", 32))

    @property
    def _moves_by_polls(self) -> bool:
        return self._world.settings.status_s is None

    def take_in(self, other: "Simulator") -> None:
        """From here on what exists in another simulator exists here too."""
        self._world.take_in(other._world)  # noqa: SLF001 - of its own kind

    async def send(self, request: Request) -> UpstreamAnswer:
        """The answer to a request; it never fails."""
        reply = self.answer(self.completed(request))
        return UpstreamAnswer(reply.status, reply.headers, _one_by_one(reply.pieces))

    def completed(self, request: Request) -> Request:
        """A request with the headers that every one is taken to have."""
        added = self._options.headers
        own = without(request.headers, frozenset(name.lower() for name, _ in added))
        return replace(request, headers=own + added)

    def answer(self, request: Request) -> Reply:
        """The answer to a request as bytes."""
        if self._moves_by_polls:
            self._world.time += 1
        else:
            self._world.time = self._clock.now().timestamp()
        name = self._request_ids.new("req").removeprefix("req_")
        headers = (*self._dialect.headers(name), _SERVER)
        try:
            told = self._told(recordable_request(request, self._options.request_bytes_max))
        except _Invalid as invalid:
            body = self._framed(invalid.document, name)
            return Reply(invalid.status, _JSON + headers, (body,))
        except Problem as problem:
            status, document, more = errors.refusal(self._dialect, problem)
            body = b"" if document is None else self._framed(document, name)
            return Reply(status, _JSON + more + headers, (body,))
        if told.events is None:
            shown = self._dialect.shown(told.document)
            if shown is None:
                return Reply(204, headers, ())
            run = told.document["object"] == "thread.run"
            soon = _POLL_SOON if self._moves_by_polls and run else ()
            return Reply(200, _JSON + soon + headers, (self._framed(shown, name),))
        event = self._dialect.event
        events = tuple(event(kind, self._told_in_stream(item, name)) for kind, item in told.events)
        return Reply(200, _EVENTS + headers, (*events, event("done", b"[DONE]")))

    def _framed(self, document: Json, request_id: str) -> bytes:
        return self._dialect.body(self._dialect.framed(document, request_id))

    def _told_in_stream(self, document: Json, request_id: str) -> bytes:
        shown = self._dialect.shown(document) or {}
        return compact(self._dialect.framed(shown, request_id))

    def _told(self, request: Request) -> ApiReply:
        found = self._found(request)
        if found.operation != SCRIPT:
            self._check_door(request, found)
        body = {}
        if request.method in ("POST", "PATCH"):
            body = self._body(request, found.operation)
        ids = tuple(value for _, value in found.ids)
        self._world.begin()
        try:
            return found.perform(self._world, ApiRequest(ids, request.query, body))
        except Problem:
            self._world.take_back()  # what was refused did not happen, not even in part
            raise

    def _found(self, request: Request) -> Route:
        known = routes(self._below_base(request.path), self._operations)
        if self._dialect.strays:
            self._check_stray(request, known)
        return route(request.method, request.path, known)

    def _below_base(self, path: str) -> str:
        """What of a path is below the base of the API; empty if it is elsewhere."""
        for base in self._bases:
            if match := base.match(path):
                return path[match.end() :]
        anywhere = not self._dialect.bases or path == SCRIPT_PATH
        return path if anywhere else ""

    def _check_stray(self, request: Request, known: list[Route]) -> None:
        """Refuse a path that is there, asked for in another way, as FastAPI does."""
        straight = request.path.rstrip("/")
        if not known and straight != request.path and routes(straight, self._operations):
            raise Problem("slash", location=straight)
        if known and request.method not in [item.method for item in known]:
            raise Problem("no_method", allow=known[0].method)

    def _check_door(self, request: Request, found: Route) -> None:
        key = self._options.api_key
        if key is not None:
            given = (values(request.headers, "authorization") or ("",))[0].removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), key.encode()):
                raise Problem("bad_key", key=errors.masked(given))
        if self._world.settings.lenient:
            return
        for needed in self._dialect.requires:
            if found.operation not in needed.except_for and not _has(request, needed):
                raise Problem(needed.case)
        for param, value in found.ids:
            prefix = self._dialect.id_prefixes.get(param, "")
            if not value.startswith(prefix):
                raise Problem("malformed_id", param=param, id=value, prefix=prefix)

    def _body(self, request: Request, operation: str) -> Json:
        named = values(request.headers, "content-type")
        findings = validation.check_request(
            self._profile, operation, request.body, named[0] if named else None
        )
        if validation.forbids(findings):
            wrong = [item for item in findings if item.severity == validation.ERROR]
            refusal = self._profile.refuse(*wrong)
            raise _Invalid(refusal.status, refusal.body)
        if named and named[0].lower().startswith("multipart/"):
            return _form(named[0], request.body)
        body = json.loads(request.body or b"{}")
        if self._dialect.converts and (shape := self._profile.requests.get(operation)):
            plain = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
            return shape.model.model_validate(plain).model_dump(exclude_unset=True)
        return body if isinstance(body, dict) else {}


def _form(content_type: str, body: bytes) -> Json:
    """The fields of a form; of its file the name and the size in bytes."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    found: Json = {}
    for part in message_from_bytes(head + body).walk():
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if name := part.get_filename():
            found |= {"filename": name, "bytes": len(content)}
        else:
            label = part.get_param("name", header="content-disposition")
            found[str(label)] = content.decode("utf-8", "replace")
    return found


def _has(request: Request, needed: Requirement) -> bool:
    """Whether a request has what is needed."""
    if needed.place == "query":
        given = [value for name, value in parse_qsl(request.query) if name == needed.name]
    else:
        given = [*values(request.headers, needed.name)]
    return bool(given) and needed.value in ",".join(given)


async def _one_by_one(pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece
