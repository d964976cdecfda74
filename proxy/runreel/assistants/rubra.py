"""The profile `rubra`: rubra v0.0, an Assistants-compatible server on FastAPI and pydantic 1.

Listing, cancelling and submitting are not there at all. Metadata are merged, whatever they are.
"""

import hashlib

from runreel.assistants import pydantic1
from runreel.assistants import rubra_schemas as schemas
from runreel.assistants.dialect import (
    ASSISTANTS,
    NOT_FOUND,
    Case,
    Dialect,
    Json,
    as_members,
    compact,
    each,
    spelled,
)
from runreel.assistants.profile import Profile, Shape
from runreel.assistants.schemas import Page

_RUN, _STEP = Shape(schemas.Run), Shape(schemas.RunStep)
_MEMBERS = {
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
    "file": "id bytes created_at filename object purpose status status_details",
}
# What it says where another API would say null.
_NEVER_NULL: dict[str, Json] = {
    "thread.message": {"assistant_id": "", "run_id": ""},
    "list": {"first_id": "", "last_id": ""},
}


def _shown(document: Json) -> Json:
    kind = document.get("object", "")
    if kind == "thread.run":
        document = document | {"expires_at": None}  # whatever the run's status
    if kind not in _MEMBERS:
        return document
    mongo = hashlib.sha256(document["id"].encode("utf-8", "replace")).hexdigest()[:24]
    known = as_members(_MEMBERS, document, {"file_ids": [], "metadata": {}})
    return {"_id": mongo} | _without_nulls(known)


def _without_nulls(document: Json) -> Json:
    said = _NEVER_NULL.get(document.get("object", ""), {})
    return document | {name: value for name, value in said.items() if document.get(name) is None}


_CASES = {
    "no_run": Case("Run with ID '{id}' in thread '{thread}' not found", NOT_FOUND),
    "no_thread": Case("Thread not found", NOT_FOUND),
    "no_thread_of_run": Case("Run with ID '{run}' in thread '{id}' not found", NOT_FOUND),
    "no_steps": Case("Run with ID '{id}' not found", NOT_FOUND),
    "no_route": Case("Not Found", NOT_FOUND),
}
_REQUESTS = {
    "createAssistant": Shape(schemas.CreateAssistant),
    "modifyAssistant": Shape(schemas.ModifyAssistant),
    "createThread": Shape(schemas.CreateThread),
    "createMessage": Shape(schemas.NewMessage),
    "modifyMessage": Shape(schemas.Metadata),
    "createRun": Shape(schemas.CreateRunRequest),
    "modifyRun": Shape(schemas.ModifyRunRequest),
}

RUBRA = Profile(
    name="rubra",
    requests=_REQUESTS,
    responses={
        "createRun": _RUN,
        "getRun": _RUN,
        "modifyRun": _RUN,
        "listRunSteps": Shape(Page[schemas.RunStep]),
        "getRunStep": _STEP,
    },
    events=(),
    empty_bodies={"createRun": b"null", "modifyRun": b"null", "createThread": b"{}"},
    reads_json=pydantic1.reads_json,
    ordered=pydantic1.ordered,
    word=pydantic1.word,
    refuse=pydantic1.refuse,
    metadata=Shape(schemas.Metadata),
    dialect=Dialect(
        new_id=spelled("0123456789abcdef", 6),
        body=compact,
        envelope=lambda _, message, __, ___: {"detail": message},
        shown=lambda document: _without_nulls(each(_shown, document)),
        operations=ASSISTANTS
        - {"listRuns", "cancelRun", "submitToolOuputsToRun", "createThreadAndRun", "modifyThread"}
        | {"createFile"},
        bases=("",),
        cases=_CASES,
        merges=True,
        free=True,
        converts=True,
        strays=True,
        gaps=True,
    ),
)
