"""The profile `openai_v1`: OpenAI's first Assistants API as it really answered, 2023 to early 2024.

`incomplete` was not a status yet: such runs were `completed`. It was a server on pydantic 1 behind
OpenAI's envelope, which puts everything that is wrong into one text.
"""

from dataclasses import replace
from typing import Any

from runreel.assistants import openai, openai_errors, pydantic1
from runreel.assistants import openai_v1_schemas as schemas
from runreel.assistants.dialect import ASSISTANTS, Case, Json, as_members, each, event
from runreel.assistants.profile import Deviation, Finding, Refusal, Shape
from runreel.assistants.schemas import Page
from runreel.http.messages import Violation


def _word(finding: Finding) -> str:
    return openai_errors.word(finding) if finding.rule == "json" else pydantic1.word(finding)


def _refuse(*violations: Violation) -> Refusal:
    if violations[0].rule == "json":
        return openai_errors.refusal(violations[0].message, None, None)
    number = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''}"
    lines = [_lines(pydantic1.entry(item)) for item in violations]
    return openai_errors.refusal("\n".join([f"{number} for Request", *lines]), None, None)


def _lines(entry: pydantic1.Entry) -> str:
    place = " -> ".join(str(step) for step in entry.loc)
    limits: dict[str, Any] = {"type": entry.type, **entry.ctx}
    shown = "; ".join(f"{name}={value}" for name, value in limits.items())
    return f"{place}\n  {entry.msg} ({shown})"


_RUN = Shape(
    schemas.Run,
    frozenset(  # runs of v2, which began in April 2024, in recordings of that month
        {Deviation("/file_ids", "missing"), Deviation("/status", "enum", ("incomplete",))}
    ),
)
_STEP = Shape(schemas.RunStep)


_NO_BETA = (
    "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try again by "
    "setting the header 'OpenAI-Beta: assistants=v1'."
)
_MEMBERS = {  # in their order of April 2024
    "assistant": "id object created_at name description model instructions tools file_ids metadata",
    "thread": "id object created_at metadata",
    "thread.message": (
        "id object created_at thread_id role content file_ids assistant_id run_id metadata"
    ),
    "thread.run": (
        "id object created_at assistant_id thread_id status started_at expires_at cancelled_at "
        "failed_at completed_at required_action last_error model instructions tools file_ids "
        "metadata temperature top_p max_completion_tokens max_prompt_tokens truncation_strategy "
        "incomplete_details usage response_format tool_choice"
    ),
}


def _shown(document: Json) -> Json:
    if document.get("status") == "incomplete":
        document = document | {"status": "completed"}
    return as_members(_MEMBERS, document, {"file_ids": []})


OPENAI_V1 = replace(
    openai.OPENAI,
    name="openai_v1",
    requests={
        "createAssistant": Shape(schemas.CreateAssistant),
        "modifyAssistant": Shape(schemas.ModifyAssistant),
        "createThread": Shape(schemas.CreateThread),
        "modifyThread": Shape(schemas.ModifyRunRequest),
        "createMessage": Shape(schemas.CreateMessage),
        "modifyMessage": Shape(schemas.ModifyRunRequest),
        "createRun": Shape(schemas.CreateRunRequest),
        "modifyRun": Shape(schemas.ModifyRunRequest),
        "cancelRun": Shape(schemas.CancelRunRequest),
        "submitToolOuputsToRun": Shape(schemas.SubmitToolOutputsRequest),
        "createThreadAndRun": Shape(schemas.CreateThreadAndRunRequest),
    },
    responses={
        **openai.responses(_RUN, Page[schemas.Run], _STEP, Page[schemas.RunStep]),
        **openai.beside_runs(Shape(schemas.Assistant)),
    },
    events=openai.events(_RUN, _STEP),
    ordered=pydantic1.ordered,
    word=_word,
    refuse=_refuse,
    metadata=Shape(schemas.MetadataAlone),
    dialect=replace(
        openai.OPENAI.dialect,
        operations=ASSISTANTS,
        requires=(openai.needs_beta("assistants=v1"),),
        cases={"no_beta": Case(_NO_BETA, code="invalid_beta")},
        shown=lambda document: each(_shown, document),
        event=lambda name, data: event(name.replace(".incomplete", ".completed"), data),
        converts=True,
    ),
)
