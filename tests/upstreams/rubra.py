"""rubra v0.0, an Assistants-compatible server with a dialect of its own, as far as it is known.

Routes stand at the root and nobody needs a key. What it answers was read off the real backend:
compact JSON with a length, errors in FastAPI's `detail`, metadata that is merged and never checked.
"""

import json
import re
from typing import Any

from servers import Received, http

Json = dict[str, Any]

_RUN_PATH = re.compile(r"/threads/([^/]+)/runs/([^/]+)")
_RUNS_PATH = re.compile(r"/threads/([^/]+)/runs")
_NOT_A_DICT = ("value is not a valid dict", "type_error.dict")
_CREATE_FIELDS = ("assistant_id", "model", "instructions", "tools", "metadata")


class Rubra:
    """Answers for a `RawUpstream`; threads and runs are counted from 1 in their ids."""

    def __init__(self) -> None:
        self._threads: list[str] = []
        self._runs: dict[tuple[str, str], Json] = {}

    def __call__(self, received: Received) -> bytes:
        try:
            return _json(200, self._answer(received))
        except _Refused as refusal:
            return refusal.answer

    def _answer(self, received: Received) -> Json:
        method, path = received.method, received.target.partition("?")[0]
        if path == "/threads":
            if method != "POST":
                raise _Refused(_not_allowed("POST"))
            return self._create_thread()
        plain = path.removesuffix("/")
        runs, run = _RUNS_PATH.fullmatch(plain), _RUN_PATH.fullmatch(plain)
        if not runs and not run:
            raise _Refused(_detail(404, "Not Found"))
        if plain != path:
            raise _Refused(_redirect(received, plain))
        if runs:
            if method != "POST":
                raise _Refused(_not_allowed("POST"))
            return self._create_run(runs[1], received)
        assert run is not None
        if method not in ("GET", "POST"):
            raise _Refused(_not_allowed("GET"))
        sent = _body(received, ("metadata",)) if method == "POST" else {}
        found = self._runs.get((run[1], run[2]))
        if found is None:
            text = f"Run with ID '{run[2]}' in thread '{run[1]}' not found"
            raise _Refused(_detail(404, text))
        found["metadata"].update(sent.get("metadata") or {})
        return found

    def _create_thread(self) -> Json:
        self._threads.append(f"thread_{len(self._threads) + 1:06x}")
        return {
            "_id": f"{len(self._threads):024x}",
            "id": self._threads[-1],
            "object": "thread",
            "created_at": 1708966800,
            "metadata": {},
        }

    def _create_run(self, thread: str, received: Received) -> Json:
        sent = _body(received, _CREATE_FIELDS)
        if "assistant_id" not in sent:
            raise _Refused(
                _invalid(["body", "assistant_id"], "field required", "value_error.missing")
            )
        name = f"run_{len(self._runs) + 1:06x}"
        moments = ("expires_at", "started_at", "cancelled_at", "failed_at", "completed_at")
        self._runs[thread, name] = {
            "_id": f"{len(self._runs) + 1:024x}",
            "id": name,
            "object": "thread.run",
            "created_at": 1708966801,
            "thread_id": thread,
            "assistant_id": sent["assistant_id"],
            "status": "queued",
            "required_action": None,
            "last_error": None,
            **dict.fromkeys(moments),
            "model": sent.get("model") or "gpt-4-1106-preview",
            "instructions": sent.get("instructions") or "",
            "tools": sent.get("tools") or [],
            "file_ids": [],
            "metadata": dict(sent.get("metadata") or {}),
        }
        return self._runs[thread, name]


class _Refused(Exception):
    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


def _body(received: Received, fields: tuple[str, ...]) -> Json:
    """The body as an object of these fields, checked as far as `metadata` goes."""
    if not received.body:
        raise _Refused(_invalid(["body"], "field required", "value_error.missing"))
    if received.values("content-type") not in ([], ["application/json"]):
        raise _Refused(_invalid(["body"], *_NOT_A_DICT))
    try:
        sent = json.loads(received.body)
    except json.JSONDecodeError as error:
        problem = {
            "type": "json_invalid",
            "loc": ["body", error.pos],
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": error.msg},
        }
        raise _Refused(_detail(422, [problem])) from None
    if sent == []:
        return {}  # as pydantic 1 makes a dict of it
    if not isinstance(sent, dict):
        raise _Refused(_invalid(["body"], *_NOT_A_DICT))
    if not isinstance(sent.get("metadata"), dict | None):
        raise _Refused(_invalid(["body", "metadata"], *_NOT_A_DICT))
    for name in sent:
        if name not in fields:
            loc = ["body", name]
            raise _Refused(_invalid(loc, "extra fields not permitted", "value_error.extra"))
    return sent


def _invalid(loc: list[str], message: str, kind: str) -> bytes:
    return _detail(422, [{"loc": loc, "msg": message, "type": kind}])


def _detail(status: int, detail: Any) -> bytes:
    return _json(status, {"detail": detail})


def _not_allowed(allowed: str) -> bytes:
    return _json(405, {"detail": "Method Not Allowed"}, ("allow", allowed))


def _redirect(received: Received, path: str) -> bytes:
    origin = f"http://{received.values('host')[0]}"
    return http(307, [*_head(), ("location", origin + path)])


def _json(status: int, document: Json, *more: tuple[str, str]) -> bytes:
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return http(status, [*_head(), *more, ("content-type", "application/json")], body)


def _head() -> list[tuple[str, str]]:
    return [("date", "Mon, 26 Feb 2024 17:00:00 GMT"), ("server", "uvicorn")]
