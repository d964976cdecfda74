"""The dialects that a simulator speaks: OpenAI's and rubra's.

Owns what differs between them: paths, ids, layout, headers, members, errors and what is checked
at the door. What happens is the same in both.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runreel.core.messages import Headers
from runreel.core.profiles import Profile
from runreel.simulator import errors, ids, rendering, sent
from runreel.simulator.documents import Json
from runreel.simulator.errors import Problem

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
    shown: Callable[[Json], Json]
    error: Callable[[Problem], tuple[int, Any, Headers]]
    headers: Callable[[str], Headers]
    lacks: frozenset[str]
    at_root_only: bool
    door: bool
    merges: bool
    free: bool
    converts: bool


def _same(document: Json) -> Json:
    return document


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
        profile=sent.OPENAI_READ,
        id_alphabet=ids.OPENAI_ALPHABET,
        id_chars=ids.OPENAI_CHARS,
        body=rendering.indented,
        shown=_same,
        error=errors.openai,
        headers=_openai_headers,
        lacks=frozenset(),
        at_root_only=False,
        door=True,
        merges=False,
        free=False,
        converts=False,
    ),
    "rubra": Dialect(
        profile=sent.RUBRA_READ,
        id_alphabet=ids.RUBRA_ALPHABET,
        id_chars=ids.RUBRA_CHARS,
        body=rendering.compact,
        shown=_as_rubra,
        error=errors.rubra,
        headers=lambda _: (),
        lacks=frozenset(
            {"listRuns", "cancelRun", "submitToolOuputsToRun", "createThreadAndRun", "modifyThread"}
        ),
        at_root_only=True,
        door=False,
        merges=True,
        free=True,
        converts=True,
    ),
}
