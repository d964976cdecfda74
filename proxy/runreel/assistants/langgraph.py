"""The profile `langgraph`: LangGraph's server, for the metadata of its threads only.

A thread's metadata are changed by PATCH and merged; they are any JSON, and without the limits of
OpenAI. There is nothing here that changes a run, and what a graph does on a thread is not checked.
"""

from datetime import UTC, datetime
from uuid import UUID

from runreel.assistants import langgraph_schemas as schemas
from runreel.assistants import openai_errors
from runreel.assistants.dialect import NOT_FOUND, Case, Dialect, Json, compact
from runreel.assistants.profile import Profile, Refusal, Shape
from runreel.http.messages import Violation

_THREAD = Shape(schemas.Thread)
_CASES = {
    "no_thread": Case("Thread with ID {id} not found", NOT_FOUND),
    "thread_exists": Case("Thread with ID {id} already exists", 409),
    "no_route": Case("Not Found", NOT_FOUND),
}


def _shown(document: Json) -> Json | None:
    if document["object"] != "thread":
        return None  # of a deletion it says nothing
    made = document["created_at"]
    return {
        "thread_id": document["id"],
        "created_at": _time(made),
        "updated_at": _time(document.get("updated_at") or made),
        "metadata": document["metadata"],
        "status": "idle",
        "config": {},
        "values": None,
        "interrupts": {},
    }


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _refuse(*violations: Violation) -> Refusal:
    return Refusal(422, {"detail": violations[0].message})


LANGGRAPH = Profile(
    name="langgraph",
    requests={"createThread": Shape(schemas.CreateThread), "patchThread": Shape(schemas.Metadata)},
    responses=dict.fromkeys(("createThread", "getThread", "patchThread"), _THREAD),
    events=(),
    empty_bodies={"createThread": b"{}"},
    reads_json=openai_errors.reads_json,
    ordered=openai_errors.ordered,
    word=openai_errors.word,
    refuse=_refuse,
    metadata=Shape(schemas.Metadata),
    dialect=Dialect(
        new_id=lambda _, number: str(UUID(int=number % (1 << 128))),
        body=compact,
        envelope=lambda _, message, __, ___: {"detail": message},
        shown=_shown,
        operations=frozenset({"createThread", "getThread", "patchThread", "deleteThread"}),
        bases=("",),
        cases=_CASES,
        merges=True,
        dated=True,
    ),
)
