"""The simulator as an upstream: a request in, an answer out, no port and no network.

Owns the order in which a request is looked at: key, beta header, path, ids, body, then the
operation. One simulator is one world; requests are taken one after the other.
"""

import hmac
import json
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field, replace

from runreel import __version__
from runreel.assistants import validation
from runreel.http.headers import SIMULATOR_PRODUCT, recordable_request
from runreel.http.messages import Headers, Request, values, without
from runreel.ports import Clock, UpstreamAnswer
from runreel.simulator import dialects
from runreel.simulator.dialects import DIALECTS, ID_PREFIXES, Ids
from runreel.simulator.errors import Problem, masked
from runreel.simulator.operations import ApiReply, ApiRequest, Route, route, routes
from runreel.simulator.world import Settings, World

_SERVER = ("server", SIMULATOR_PRODUCT + __version__)  # nobody shall take it for the real thing
_JSON: Headers = (("content-type", "application/json"),)
# The SDKs wait so long between two polls, else a second; here nothing comes of waiting.
_POLL_SOON: Headers = (("openai-poll-after-ms", "1"),)
_EVENTS: Headers = (("content-type", "text/event-stream; charset=utf-8"),)


@dataclass(frozen=True, slots=True)
class Options:
    """A simulator: a key of `DIALECTS`, the path where its API begins, the seed of its ids, the
    only key that it takes (None: any), the bytes that a decoded request may have. It takes every
    request to have `headers`, in place of the client's own.
    """

    dialect: str = "openai"
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

    def __init__(self, status: int, document: object) -> None:
        super().__init__(status)
        self.status = status
        self.document = document


class Simulator:
    """An `Upstream` that makes up its answers."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._dialect = dialect = DIALECTS[options.dialect]
        seed = str(options.seed)
        settings = options.settings
        settings = replace(
            settings,
            merges=settings.merges or dialect.merges,
            free=settings.lenient or dialect.free,
            calls="submitToolOuputsToRun" not in dialect.lacks,
        )
        self._world = World(settings, Ids(seed, dialect.id_alphabet, dialect.id_chars))
        self._request_ids = Ids(seed, "0123456789abcdef", 32)

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
            body = self._dialect.body(invalid.document)
            return Reply(invalid.status, _JSON + headers, (body,))
        except Problem as problem:
            status, document, more = self._dialect.error(problem)
            body = b"" if document is None else self._dialect.body(document)
            return Reply(status, _JSON + more + headers, (body,))
        if told.events is None:
            shown = self._dialect.shown(told.document)
            soon = _POLL_SOON if self._moves_by_polls and shown["object"] == "thread.run" else ()
            return Reply(200, _JSON + soon + headers, (self._dialect.body(shown),))
        events = tuple(dialects.event(name, document) for name, document in told.events)
        return Reply(200, _EVENTS + headers, (*events, dialects.DONE))

    def _told(self, request: Request) -> ApiReply:
        found = self._found(request)
        if self._dialect.door and found.operation != "scriptNextRun":
            self._check_door(request, found)
        body = {}
        if request.method == "POST":
            body = self._body(request, found.operation)
        ids = tuple(value for _, value in found.ids)
        self._world.begin()
        try:
            return found.perform(self._world, ApiRequest(ids, request.query, body))
        except Problem:
            self._world.take_back()  # what was refused did not happen, not even in part
            raise

    def _found(self, request: Request) -> Route:
        path = request.path
        base = "" if self._dialect.at_root_only else self._options.base_path
        below = path.removeprefix(base) if path.startswith(f"{base}/") else path
        known = [item for item in routes(below) if item.operation not in self._dialect.lacks]
        if self._dialect.at_root_only:
            _check_as_fastapi(request, known)
        return route(request.method, path, known)

    def _check_door(self, request: Request, found: Route) -> None:
        key = self._options.api_key
        if key is not None:
            given = (values(request.headers, "authorization") or ("",))[0].removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), key.encode()):
                raise Problem("bad_key", key=masked(given))
        if self._world.settings.lenient:
            return
        if "assistants=v2" not in ",".join(values(request.headers, "openai-beta")):
            raise Problem("no_beta")
        for param, value in found.ids:
            prefix = ID_PREFIXES[param]
            if not value.startswith(prefix):
                raise Problem("malformed_id", param=param, id=value, prefix=prefix)

    def _body(self, request: Request, operation: str) -> dict[str, object]:
        profile = self._dialect.profile
        named = values(request.headers, "content-type")
        findings = validation.check_request(
            profile, operation, request.body, named[0] if named else None
        )
        if validation.forbids(findings):
            wrong = [item for item in findings if item.severity == validation.ERROR]
            refusal = profile.refuse(*wrong)
            raise _Invalid(refusal.status, refusal.body)
        body = json.loads(request.body or b"{}")
        if self._dialect.converts and (shape := profile.requests.get(operation)):
            plain = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
            return shape.model.model_validate(plain).model_dump(exclude_unset=True)
        return body if isinstance(body, dict) else {}


def _check_as_fastapi(request: Request, known: list[Route]) -> None:
    """What rubra's framework says of paths that it has, asked for in another way."""
    if not known and request.path.endswith("/") and routes(request.path.rstrip("/")):
        raise Problem("slash", location=request.path.rstrip("/"))
    if known and request.method not in [item.method for item in known]:
        raise Problem("no_method", allow=known[0].method)


async def _one_by_one(pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece
