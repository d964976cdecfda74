"""The admin API below `/_runreel/`: health, and sessions that programs open and close.

Owns its URLs and JSON, who may use it, and which status an error has here. What a session is, is
`manager`. None of it reaches the upstream.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from runreel.cassettes.format import check_name
from runreel.errors import (
    CassetteBusy,
    CassetteDamaged,
    RunreelError,
    SessionUnknown,
    StartRefused,
    StoreFailed,
    TooManySessions,
    json_response,
)
from runreel.http.messages import Headers, Response, values
from runreel.http.strict_json import BadDocument, read_json
from runreel.server.gateway import Refused, same_token
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import DEFAULT, SessionRequest, Sessions
from runreel.sessions.modes import SPELLINGS

ADMIN_PREFIX = "/_runreel/"
_SESSIONS = ADMIN_PREFIX + "sessions"
_REWIND = "/rewind"
_JSON: Headers = (("Content-Type", "application/json"),)
NOTHING_HERE = "There is nothing at this place below /_runreel/."
# The first that fits; what a caller can mend comes before what is wrong here.
_SLUGS: tuple[tuple[type[RunreelError], str], ...] = (
    (CassetteBusy, "cassette_busy"),
    (SessionUnknown, "session_unknown"),
    (TooManySessions, "too_many_sessions"),
    (StoreFailed, "recording_failed"),
    (CassetteDamaged, "cassette_damaged"),
    (StartRefused, "session_refused"),
    (RunreelError, "session_refused"),
)


def _mode(text: str) -> str:
    if text not in SPELLINGS:
        raise ValueError(f"must be one of {', '.join(SPELLINGS)}")
    return SPELLINGS[text]


class _SessionBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    cassette: Annotated[str, AfterValidator(check_name)]
    mode: Annotated[str, AfterValidator(_mode)] | None = None
    id: str | None = None
    scope: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    barriers: bool | None = None


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """A request to the admin API; `origin` is how its sender addresses us, if it said so."""

    method: str
    target: str
    origin: str
    headers: Headers
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Admin:
    """What the admin API needs to know: `token` is None if everybody on this machine may use it,
    `base_path` is where clients find the API.
    """

    sessions: Sessions
    token: str | None
    base_path: str
    version: str

    async def answer(self, ask: AdminRequest) -> Response:
        """The answer to a request.

        Raises:
            Refused: it may not be asked, or cannot be done.
        """
        path, _, query = ask.target.partition("?")
        if path == ADMIN_PREFIX + "health" and ask.method in ("GET", "HEAD"):
            return Response(200, _JSON, orjson.dumps(self._health()))
        self._check_token(ask)
        name = path.removeprefix(_SESSIONS + "/")
        try:
            if path == _SESSIONS and ask.method == "GET":
                return json_response(200, {"sessions": [*map(self._shown, self._all())]})
            if path == _SESSIONS and ask.method == "POST":
                return await self._open(ask)
            if name != path and ask.method == "POST" and name.endswith(_REWIND):
                await self.sessions.rewind(name.removesuffix(_REWIND))
                return json_response(200, self.sessions.receipt(name.removesuffix(_REWIND)))
            if name != path and ask.method == "GET":
                return json_response(200, self.sessions.receipt(name))
            if name != path and ask.method == "DELETE":
                return await self._close(name, query)
        except RunreelError as error:
            raise Refused(slug_of(error), str(error)) from None
        raise Refused("admin_unknown", NOTHING_HERE)

    def _health(self) -> dict[str, Any]:
        plain = self.sessions.plain
        # One that is expected is there once somebody uses it.
        session = self.sessions.get(plain) if plain in self.sessions.names() else None
        return {
            "status": "ok",
            "mode": session and session.mode.value,
            "cassette": session and session.cassette,
            "interactions": session and session.interactions,
            "version": self.version,
        }

    def _all(self) -> list[LiveSession]:
        return [self.sessions.get(name) for name in self.sessions.names()]

    def _shown(self, session: LiveSession) -> dict[str, Any]:
        return {"id": session.id, "cassette": session.cassette, "mode": session.mode.value}

    async def _open(self, ask: AdminRequest) -> Response:
        try:
            # Not by pydantic: of a member that stands twice it takes the last.
            asked = _SessionBody.model_validate(read_json((await ask.read()).decode("utf-8")))
        except (UnicodeDecodeError, BadDocument) as error:
            raise Refused(
                "session_refused", f"A session cannot be opened: the body: {error}."
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            at = ".".join(map(str, first["loc"])) or "the body"
            raise Refused(
                "session_refused", f"A session cannot be opened: {at}: {first['msg']}."
            ) from None
        mode = asked.mode or self.sessions.mode
        wanted = SessionRequest(
            asked.cassette, mode, asked.id, scope=asked.scope, barriers=asked.barriers
        )
        session = await self.sessions.open(wanted)
        base_url = f"{ask.origin}{ADMIN_PREFIX}s/{session.id}{self.base_path}"
        shown = self._shown(session)
        return json_response(201, {"id": shown.pop("id"), "base_url": base_url, **shown})

    async def _close(self, name: str, query: str) -> Response:
        if name == DEFAULT:
            raise Refused("session_refused", "The default session ends with runreel.")
        options = dict(parse_qsl(query, keep_blank_values=True))
        discard = options.pop("discard", "false")
        if options or discard not in ("true", "false"):
            raise Refused("session_refused", "A session ends with ?discard=true or without it.")
        return json_response(200, await self.sessions.close(name, discard=discard == "true"))

    def _check_token(self, ask: AdminRequest) -> None:
        if self.token is None:
            return
        sent = values(ask.headers, "authorization")
        scheme, _, token = (sent[0] if len(sent) == 1 else "").partition(" ")
        if not same_token(token, self.token) or scheme.lower() != "bearer":
            raise Refused(
                "unauthorized",
                "The admin API needs the header 'Authorization: Bearer TOKEN' with the token of "
                "listen.admin_token.",
            )


def slug_of(error: RunreelError) -> str:
    """The code of an answer that says why a session cannot be had."""
    return next(slug for kind, slug in _SLUGS if isinstance(error, kind))
