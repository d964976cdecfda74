"""APIs that come after Assistants, as small as tests need them: each stores what it is sent."""

import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from servers import Received, http

JSON = [("Content-Type", "application/json")]
Document = dict[str, Any]


def answered(status: int, document: Document) -> bytes:
    return http(status, JSON, json.dumps(document).encode())


def unknown(what: str) -> bytes:
    return answered(404, {"error": {"message": f"No {what} found.", "code": "not_found"}})


@dataclass
class Responses:
    """Conversations and responses; a response is in progress for as many reads as `slow` says."""

    slow: int = 0
    conversations: dict[str, Document] = field(default_factory=dict)
    responses: dict[str, Document] = field(default_factory=dict)
    seen: list[tuple[str, str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __call__(self, received: Received) -> bytes:
        sent: Any = json.loads(received.body) if received.body else None
        self.seen.append((received.method, received.target, sent))
        self.keys |= {*received.values("authorization")}
        match received.method, *received.target.split("/")[2:]:
            case "POST", "conversations":
                return self._made(self.conversations, "conv", "conversation", sent)
            case method, "conversations", name:
                return self._conversation(method, name, sent)
            case "POST", "responses":
                if "model" not in sent:
                    return answered(400, {"error": {"message": "model is required"}})
                if sent["conversation"] not in self.conversations or "metadata" not in sent:
                    return unknown("conversation")
                made = {**sent, "conversation": {"id": sent["conversation"]}, "status": "queued"}
                return self._made(self.responses, "resp", "response", made)
            case "POST", "responses", name, "cancel":
                self.responses[name]["status"] = "cancelled"
                return answered(200, self.responses[name])
            case "GET", "responses", name if name in self.responses:
                found = self.responses[name]
                if found["status"] != "cancelled":
                    found["status"] = "in_progress" if self.slow > 0 else "completed"
                self.slow -= 1
                return answered(200, found)
        return unknown("such thing")

    def _made(self, kind: dict[str, Document], prefix: str, name: str, sent: Document) -> bytes:
        id_ = f"{prefix}_{next(self._numbers):024}"
        kind[id_] = {"id": id_, "object": name, "created_at": 1764000000, **sent}
        return answered(200, kind[id_])

    def _conversation(self, method: str, name: str, sent: Document | None) -> bytes:
        found = self.conversations.get(name)
        if found is None:
            return unknown("conversation")
        if method == "POST" and sent is not None:
            found["metadata"] = sent["metadata"]
        if method == "DELETE":
            del self.conversations[name]
            return answered(200, {"id": name, "object": "conversation.deleted", "deleted": True})
        return answered(200, found)


@dataclass
class Assistants:
    """Threads and runs below a `prefix`; what it makes is numbered from `first` on. With `classic`
    as Azure has them: every call names the version, and none a beta. A run is in progress for as
    many reads as `slow` says; `spoilt` are members of its runs that are otherwise.
    """

    prefix: str = "/v1"
    first: int = 1
    classic: bool = False
    slow: int = 0
    spoilt: Document = field(default_factory=dict)
    made: dict[str, Document] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    def __call__(self, received: Received) -> bytes:
        self.seen.append(f"{received.method} {received.target}")
        place = urlsplit(received.target)
        beta = bool(received.values("openai-beta"))
        if (beta, place.query) != ((False, "api-version=v1") if self.classic else (True, "")):
            return answered(400, {"error": {"message": "This is no call of this API."}})
        sent = json.loads(received.body) if received.body else {}
        path = place.path.removeprefix(self.prefix).strip("/").split("/")
        if not place.path.startswith(self.prefix) or not {*path[1::2]} <= {*self.made, "runs"}:
            return unknown("such thing")
        return self._answered(received.method, path, sent)

    def _answered(self, method: str, path: list[str], sent: Document) -> bytes:
        match method, *path:
            case "POST", ("assistants" | "threads") as kind:
                return answered(200, self._new(kind[:-1].replace("assistant", "asst"), sent))
            case "POST", "threads", thread, "runs":
                told = {"thread_id": thread, "status": "queued", **sent, **self.spoilt}
                run = self._new("run", told)
                return stream(run) if sent.get("stream") else answered(200, run)
            case "POST", "threads", _, "runs", run, "cancel":
                self.made[run]["status"] = "cancelled"
                return answered(200, self.made[run])
            case "POST", *_, name:
                self.made[name]["metadata"] = sent["metadata"]
                return answered(200, self.made[name])
            case "GET", *_, "runs", run:
                self._go_on(self.made[run])
                return answered(200, self.made[run])
            case "GET", *_, name:
                return answered(200, self.made[name])
            case "DELETE", *_, name:
                del self.made[name]
                return answered(200, {"id": name, "object": "thread.deleted", "deleted": True})
        return unknown("such thing")

    def _new(self, prefix: str, sent: Document) -> Document:
        id_ = f"{prefix}_{self.first + len(self.made):024}"
        self.made[id_] = {"id": id_, "created_at": 1764000000, "metadata": {}} | sent
        return self.made[id_]

    def _go_on(self, run: Document) -> None:
        if run["status"] in ("queued", "in_progress"):
            run["status"] = "in_progress" if self.slow > 0 else "completed"
        self.slow -= 1


def stream(run: Document) -> bytes:
    """A stream that tells of a run from its creation to its end."""
    events = [(name, run | {"status": name}) for name in ("queued", "completed")]
    texts = [f"event: thread.run.created\ndata: {json.dumps(run)}\n\n"]
    texts += [f"event: thread.run.{name}\ndata: {json.dumps(told)}\n\n" for name, told in events]
    texts.append("event: done\ndata: [DONE]\n\n")
    return http(200, [("Content-Type", "text/event-stream")], "".join(texts).encode())
