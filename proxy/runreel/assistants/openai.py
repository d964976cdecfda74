"""The profile `openai`: OpenAI's Assistants API v2 as it really answered, from April 2024 on.

With it go its conversations, which live on and take metadata by the same rules.
"""

from pydantic import BaseModel

from runreel.assistants import openai_errors, schemas
from runreel.assistants.dialect import (
    ASSISTANTS,
    CONVERSATIONS,
    Dialect,
    Requirement,
    indented,
    spelled,
)
from runreel.assistants.profile import Deviation, Profile, Shape, listed

_NEVER_ENFORCED = (  # 16 was accepted in 2024
    Deviation("/max_prompt_tokens", "minimum"),
    Deviation("/max_completion_tokens", "minimum"),
)
_NEWER_MEMBERS = (  # they came after November 2023
    "incomplete_details",
    "max_completion_tokens",
    "max_prompt_tokens",
    "parallel_tool_calls",
    "required_action",
    "response_format",
    "tool_choice",
    "truncation_strategy",
    "usage",
)
_EMPTY_PAGE = (Deviation("/first_id", "type", (None,)), Deviation("/last_id", "type", (None,)))
_ANSWERED_A_RUN = (
    *("createRun", "getRun", "modifyRun", "cancelRun"),
    *("submitToolOuputsToRun", "createThreadAndRun"),
)


def beside_runs(assistant: Shape) -> dict[str, Shape]:
    """What OpenAI answers of assistants, threads and messages, by operation."""
    thread, message = Shape(schemas.Thread), Shape(schemas.Message)
    return {
        **dict.fromkeys(("createAssistant", "getAssistant", "modifyAssistant"), assistant),
        **dict.fromkeys(("createThread", "getThread", "modifyThread", "patchThread"), thread),
        **dict.fromkeys(("createMessage", "getMessage", "modifyMessage"), message),
        "listMessages": listed(schemas.Page[schemas.Message], message, *_EMPTY_PAGE),
    }


def responses(
    run: Shape, runs: type[BaseModel], step: Shape, steps: type[BaseModel]
) -> dict[str, Shape]:
    """What OpenAI answers, by operation; `runs` and `steps` are pages."""
    return dict.fromkeys(_ANSWERED_A_RUN, run) | {
        "listRuns": listed(runs, run, *_EMPTY_PAGE),
        "listRunSteps": listed(steps, step, *_EMPTY_PAGE),
        "getRunStep": step,
    }


def events(run: Shape, step: Shape) -> tuple[tuple[str, Shape | None], ...]:
    """What OpenAI tells in a stream, by the beginning of an event's name."""
    return (("thread.run.step.delta", None), ("thread.run.step.", step), ("thread.run.", run))


RUN = Shape(
    schemas.Run,
    frozenset(
        {
            # null in runs of 2023 and 2024 and in every example of the documentation
            Deviation("/instructions", "type", (None,)),
            *_NEVER_ENFORCED,
            *(Deviation(f"/{name}", "missing") for name in _NEWER_MEMBERS),
        }
    ),
)
_STEP = Shape(schemas.RunStep)

_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
ID_PREFIXES = {  # parameter of a path -> how its ids begin
    "assistant_id": "asst",
    "thread_id": "thread",
    "message_id": "msg",
    "run_id": "run",
    "step_id": "step",
    "conversation_id": "conv",
}


def headers(request_id: str) -> tuple[tuple[str, str], ...]:
    """What OpenAI's answers have in their heads."""
    return (("openai-version", "2020-10-01"), ("x-request-id", f"req_{request_id}"))


def needs_beta(version: str) -> Requirement:
    """That a version of the Assistants API is asked for; conversations are no part of it."""
    return Requirement("header", "openai-beta", version, "no_beta", CONVERSATIONS)


OPENAI = Profile(
    name="openai",
    requests={
        "createAssistant": Shape(schemas.CreateAssistant),
        "modifyAssistant": Shape(schemas.ModifyAssistant),
        "createThread": Shape(schemas.CreateThread),
        "modifyThread": Shape(schemas.ModifyThread),
        "createMessage": Shape(schemas.CreateMessage),
        "modifyMessage": Shape(schemas.ModifyMessage),
        "createRun": Shape(schemas.CreateRunRequest, frozenset(_NEVER_ENFORCED)),
        "modifyRun": Shape(schemas.ModifyRunRequest),
        "cancelRun": Shape(schemas.CancelRunRequest),
        "submitToolOuputsToRun": Shape(schemas.SubmitToolOutputsRequest),
        "createThreadAndRun": Shape(schemas.CreateThreadAndRunRequest, frozenset(_NEVER_ENFORCED)),
        "createConversation": Shape(schemas.CreateConversation),
        "updateConversation": Shape(schemas.UpdateConversation),
    },
    responses={
        **responses(RUN, schemas.RunList, _STEP, schemas.RunStepList),
        **beside_runs(Shape(schemas.Assistant)),
        **dict.fromkeys(CONVERSATIONS - {"deleteConversation"}, Shape(schemas.Conversation)),
    },
    events=events(RUN, _STEP),
    empty_bodies=dict.fromkeys(("cancelRun", "createThread", "createConversation"), b"{}"),
    reads_json=openai_errors.reads_json,
    ordered=openai_errors.ordered,
    word=openai_errors.word,
    refuse=openai_errors.refuse,
    metadata=Shape(schemas.MetadataAlone),
    dialect=Dialect(
        new_id=spelled(_CHARACTERS, 24),
        body=indented,
        envelope=openai_errors.envelope,
        headers=headers,
        operations=ASSISTANTS | CONVERSATIONS,
        requires=(needs_beta("assistants=v2"),),
        id_prefixes=ID_PREFIXES,
    ),
)
