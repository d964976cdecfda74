"""The dialects that a simulator speaks: OpenAI's and rubra's.

Here is what differs between them: paths, ids, layout, headers, members, errors and what is checked
at the door; what happens is the same in both. Ids are shaped like the API's own, and the same in
every run of the same script: each is made of the seed, the kind of thing, what it belongs to and
its number there, so threads that are used at the same time do not change each other's ids.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from runreel.assistants.openai import OPENAI
from runreel.assistants.profile import Profile, Shape
from runreel.assistants.rubra import RUBRA, Mapping, Taken, TakenTool, Text
from runreel.assistants.schemas import (
    Answered,
    CreateMessage,
    CreateThread,
    ModifyRunRequest,
    ResponseFormat,
    ThreadToolResources,
    Tool,
    ToolResources,
)
from runreel.http.messages import Headers
from runreel.simulator import errors
from runreel.simulator.documents import Json
from runreel.simulator.errors import Problem

OPENAI_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
OPENAI_CHARS = 24
RUBRA_ALPHABET = "0123456789abcdef"
RUBRA_CHARS = 6


@dataclass(slots=True)
class Ids:
    """Makes ids; `seed` is any text."""

    seed: str
    alphabet: str = OPENAI_ALPHABET
    chars: int = OPENAI_CHARS
    _made: dict[str, Counter[str]] = field(default_factory=dict)

    def new(self, prefix: str, parent: str = "") -> str:
        """The next id of a kind (`run`) below a parent (`thread_…`), as in `run_` and 24 chars."""
        made = self._made.setdefault(parent, Counter())
        made[prefix] += 1
        name = f"{self.seed}\n{prefix}\n{parent}\n{made[prefix]}"
        number = int.from_bytes(hashlib.sha512(name.encode("utf-8", "backslashreplace")).digest())
        text = ""
        for _ in range(self.chars):
            number, digit = divmod(number, len(self.alphabet))
            text += self.alphabet[digit]
        return f"{prefix}_{text}"

    def forget(self, parent: str) -> None:
        """Nothing will be made below that parent any more."""
        self._made.pop(parent, None)


class ModifyThread(ModifyRunRequest):
    """The body of modify thread."""

    tool_resources: ToolResources | None = None


class ModifyAssistant(ModifyRunRequest):
    """The body of modify assistant."""

    model: str = ""
    name: Annotated[str, Field(max_length=256)] | None = None
    description: Annotated[str, Field(max_length=512)] | None = None
    instructions: Annotated[str, Field(max_length=256_000)] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_resources: ThreadToolResources | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(ModifyAssistant):
    """The body of create assistant."""

    model: str


class Script(Answered):
    """The body of the call that scripts a run: an object; `scripts` says what may be in it."""


class RubraMetadata(Taken):
    """The body of rubra's modify message."""

    metadata: Mapping | None = None


class RubraModifyAssistant(RubraMetadata):
    """The body of rubra's modify assistant."""

    model: Text | None = None
    name: Text | None = None
    description: Text | None = None
    instructions: Text | None = None
    tools: Annotated[list[TakenTool], Field(max_length=128)] | None = None


class RubraCreateAssistant(RubraModifyAssistant):
    """The body of rubra's create assistant."""

    model: Text


class RubraMessage(RubraMetadata):
    """A message in rubra's dialect, whose content is always one text."""

    role: Literal["user", "assistant"] = "user"
    content: Text


class RubraCreateThread(RubraMetadata):
    """The body of rubra's create thread."""

    messages: list[RubraMessage] | None = None


_OWN: dict[str, type[BaseModel]] = {
    "createAssistant": CreateAssistant,
    "modifyAssistant": ModifyAssistant,
    "createThread": CreateThread,
    "modifyThread": ModifyThread,
    "createMessage": CreateMessage,
    "modifyMessage": ModifyRunRequest,
    "scriptNextRun": Script,
}
# Limits are not known; what more may be sent is passed over.
_OF_RUBRA: dict[str, type[BaseModel]] = {
    "createAssistant": RubraCreateAssistant,
    "modifyAssistant": RubraModifyAssistant,
    "createThread": RubraCreateThread,
    "createMessage": RubraMessage,
    "modifyMessage": RubraMetadata,
    "scriptNextRun": Script,
}


def _with(profile: Profile, **models: type[BaseModel]) -> Profile:
    shapes = {name: Shape(model) for name, model in models.items()}
    empty = {"createThread": b"{}"}
    return replace(
        profile,
        requests={**profile.requests, **shapes},
        empty_bodies={**profile.empty_bodies, **empty},
    )


OPENAI_READ = _with(OPENAI, **_OWN)
RUBRA_READ = _with(RUBRA, **_OF_RUBRA)


DONE = b"event: done\ndata: [DONE]\n\n"


def indented(document: Any) -> bytes:
    """JSON with two spaces."""
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def compact(document: Any) -> bytes:
    """JSON in one line."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def event(name: str, document: Any) -> bytes:
    """One event of a stream, with the blank line that ends it."""
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), compact(document))


# parameter of a path -> how its ids begin
ID_PREFIXES = {
    "assistant_id": "asst",
    "thread_id": "thread",
    "message_id": "msg",
    "run_id": "run",
    "step_id": "step",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect.

    `lacks` are operations; `door` is whether key, beta and ids count; `converts` whether a value
    of another type is taken for what it may mean, as pydantic 1 does.
    """

    profile: Profile
    id_alphabet: str
    id_chars: int
    body: Callable[[Any], bytes]
    error: Callable[[Problem], tuple[int, Any, Headers]]
    headers: Callable[[str], Headers]
    shown: Callable[[Json], Json] = lambda document: document
    lacks: frozenset[str] = frozenset()
    at_root_only: bool = False
    door: bool = False
    merges: bool = False
    free: bool = False
    converts: bool = False


def _openai_headers(request_id: str) -> Headers:
    return (("openai-version", "2020-10-01"), ("x-request-id", f"req_{request_id}"))


_RUBRA_MEMBERS = {
    "assistant": "id object created_at name description model instructions tools file_ids metadata",
    "thread": "id object created_at metadata",
    "thread.message": (
        "id object created_at thread_id role content assistant_id run_id file_ids metadata"
    ),
    "thread.run": (
        "id object created_at thread_id assistant_id status required_action last_error expires_at "
        "started_at cancelled_at failed_at completed_at model instructions tools file_ids metadata"
    ),
    "thread.run.step": (
        "id object created_at assistant_id thread_id run_id type status step_details last_error "
        "expired_at cancelled_at failed_at completed_at metadata"
    ),
}


def _as_rubra(document: Json) -> Json:
    kind = document.get("object")
    if kind == "list":
        pages = {name: document[name] or "" for name in ("first_id", "last_id")}
        return document | {"data": [_as_rubra(item) for item in document["data"]]} | pages
    if kind not in _RUBRA_MEMBERS:
        return document
    known = {"file_ids": [], "metadata": {}, **document}
    mongo = hashlib.sha256(document["id"].encode("utf-8", "replace")).hexdigest()[:24]
    members = _RUBRA_MEMBERS[kind].split()
    return {"_id": mongo} | {name: known.get(name) for name in members}


DIALECTS = {
    "openai": Dialect(
        profile=OPENAI_READ,
        id_alphabet=OPENAI_ALPHABET,
        id_chars=OPENAI_CHARS,
        body=indented,
        error=errors.openai,
        headers=_openai_headers,
        door=True,
    ),
    "rubra": Dialect(
        profile=RUBRA_READ,
        id_alphabet=RUBRA_ALPHABET,
        id_chars=RUBRA_CHARS,
        body=compact,
        shown=_as_rubra,
        error=errors.rubra,
        headers=lambda _: (),
        lacks=frozenset(
            {"listRuns", "cancelRun", "submitToolOuputsToRun", "createThreadAndRun", "modifyThread"}
        ),
        at_root_only=True,
        merges=True,
        free=True,
        converts=True,
    ),
}
