"""The profile `dashscope`: Alibaba's DashScope, whose Assistants API is going away without a date.

It has OpenAI's first API in its own words: prefixes and UUIDs for ids, times in milliseconds, the
id of the request in every body, tokens that go in and out, and errors without an envelope. Nobody
sends an OpenAI-Beta.
"""

from uuid import UUID

from runreel.assistants import dashscope_schemas as schemas
from runreel.assistants import openai, openai_errors
from runreel.assistants.dialect import (
    ASSISTANTS,
    Case,
    Dialect,
    Json,
    as_members,
    compact,
    each,
)
from runreel.assistants.profile import Profile, Refusal, Shape
from runreel.http.messages import Violation

_RUN, _STEP, _PAGE = Shape(schemas.Run), Shape(schemas.RunStep), Shape(schemas.Page)
_MEMBERS = {
    "assistant": "id object created_at name description model instructions tools file_ids metadata",
    "thread": "id object created_at metadata",
    "thread.message": (
        "id object created_at thread_id incomplete_details completed_at incomplete_at role "
        "content assistant_id run_id file_ids metadata"
    ),
    "thread.run": (
        "id object created_at thread_id assistant_id status required_action last_error "
        "expires_at started_at cancelled_at failed_at completed_at model instructions tools "
        "file_ids metadata usage temperature top_p top_k max_tokens truncation_strategy"
    ),
    "thread.run.step": (
        "id object created_at assistant_id thread_id run_id type status step_details last_error "
        "expired_at cancelled_at failed_at completed_at metadata usage"
    ),
}
_CODES = {401: "InvalidApiKey", 404: "NotFound"}
_PREFIXES = {"msg": "message"}


def _new_id(prefix: str, number: int) -> str:
    return f"{_PREFIXES.get(prefix, prefix)}_{UUID(int=number % (1 << 128))}"


def _envelope(status: int, message: str, _: str | None, __: str | None) -> Json:
    return {"code": _CODES.get(status, "InvalidParameter"), "message": message}


def _refuse(*violations: Violation) -> Refusal:
    return Refusal(400, _envelope(400, violations[0].message, None, None))


def _headers(request_id: str) -> tuple[tuple[str, str], ...]:
    return (("req-cost-time", str(int(request_id[:2], 16))), ("x-request-id", _traced(request_id)))


def _traced(request_id: str) -> str:
    return str(UUID(request_id))


def _shown(document: Json) -> Json:
    shown = as_members(_MEMBERS, document, {"file_ids": [], "metadata": {}})
    for name, value in shown.items():
        if name.endswith("_at") and isinstance(value, int):
            shown = shown | {name: value * 1000}
    if shown.get("status") == "incomplete":
        shown = shown | {"status": "completed"}
    if usage := shown.get("usage"):
        names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
        kept = (*names, "total_tokens")
        shown = shown | {"usage": {names.get(name, name): usage[name] for name in kept}}
    return shown


DASHSCOPE = Profile(
    name="dashscope",
    requests={name: Shape(model) for name, model in schemas.REQUESTS.items()},
    responses={
        **openai.responses(_RUN, schemas.Page, _STEP, schemas.Page),
        **dict.fromkeys(("listRuns", "listRunSteps", "listMessages"), _PAGE),
        **dict.fromkeys(("createThread", "getThread", "modifyThread"), Shape(schemas.Thread)),
        **dict.fromkeys(("createMessage", "getMessage", "modifyMessage"), Shape(schemas.Message)),
        **dict.fromkeys(
            ("createAssistant", "getAssistant", "modifyAssistant"), Shape(schemas.Assistant)
        ),
    },
    events=openai.events(_RUN, _STEP),
    empty_bodies={"createThread": b"{}"},
    reads_json=openai_errors.reads_json,
    ordered=openai_errors.ordered,
    word=openai_errors.word,
    refuse=_refuse,
    metadata=Shape(schemas.Metadata),
    dialect=Dialect(
        new_id=_new_id,
        body=compact,
        envelope=_envelope,
        headers=_headers,
        shown=lambda document: each(_shown, document),
        framed=lambda document, request_id: document | {"request_id": _traced(request_id)},
        event=lambda name, data: (
            b"event:%b\ndata:%b\n\n" % (name.replace(".incomplete", ".completed").encode(), data)
        ),
        operations=ASSISTANTS,
        bases=("/api/v1",),
        cases={"bad_key": Case("Invalid API-key provided.", 401)},
    ),
)
