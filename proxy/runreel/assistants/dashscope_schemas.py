"""The models of Alibaba's DashScope, as far as its documents and its SDK tell.

Times are milliseconds. An older answer has an empty object or 0 where a newer one has null. Which
tools there are is open: plug-ins have names of their own. Limits of metadata are documented
nowhere, nor is what may be in them, and members beyond the documented ones are taken.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from runreel.assistants.rubra_schemas import OldStatus
from runreel.assistants.schemas import (
    Answered,
    FunctionCall,
    MessageCreation,
    StepBeginning,
    StepToolCalls,
    ToolOutput,
)


def filled(value: Any) -> Any:
    """None for an empty object; anything else as it is."""
    return None if value == {} else value


class Tool(Answered):
    """A tool by its name, with whatever it needs."""

    type: str


class CalledTool(Answered):
    """A call of a function, whose id may be empty."""

    id: str
    type: str
    function: FunctionCall | None = None


class ToolCalls(Answered):
    """The calls of a required action."""

    tool_calls: list[CalledTool]


class RequiredAction(Answered):
    """What a run in `requires_action` waits for."""

    type: Literal["submit_tool_outputs"]
    submit_tool_outputs: ToolCalls


class RunError(Answered):
    """Why a run or a step failed."""

    code: str
    message: str


class Usage(Answered):
    """Tokens used."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class _Made(Answered):
    id: str
    created_at: int
    metadata: dict[str, Any] | None = None


class Run(_Made):
    """A run on a thread; what came with newer answers is optional."""

    object: Literal["thread.run"]
    thread_id: str
    assistant_id: str
    status: OldStatus
    required_action: Annotated[RequiredAction | None, BeforeValidator(filled)] = None
    last_error: Annotated[RunError | None, BeforeValidator(filled)] = None
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    model: str
    instructions: str | None
    tools: list[Tool]
    file_ids: list[str] | None = None
    usage: Annotated[Usage | None, BeforeValidator(filled)] = None


class RunStep(StepBeginning):
    """A step of a run."""

    step_details: Annotated[
        MessageCreation | StepToolCalls[CalledTool], Field(union_mode="left_to_right")
    ]
    last_error: Annotated[RunError | None, BeforeValidator(filled)] = None
    metadata: dict[str, Any] | None = None
    usage: Annotated[Usage | None, BeforeValidator(filled)] = None


class Thread(_Made):
    """A thread."""

    object: Literal["thread"]


class Message(_Made):
    """A message."""

    object: Literal["thread.message"]
    thread_id: str
    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]


class Assistant(_Made):
    """An assistant."""

    object: Literal["assistant"]
    model: str
    tools: list[Tool] | None = None


class Page(Answered):
    """A page of anything."""

    data: list[dict[str, Any]]


class Metadata(Answered):
    """The body of every modification; the SDK sends null for no metadata."""

    metadata: dict[str, Any] | None = None


class NewMessage(Metadata):
    """A message, alone or with a new thread."""

    role: Literal["user", "assistant"]
    content: str | list[dict[str, Any]]


class CreateThread(Metadata):
    """The body of create thread, for which the SDK sends an empty text if there is nothing."""

    messages: list[NewMessage] | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing(cls, value: Any) -> Any:
        return {} if value == "" else value


class ModifyAssistant(Metadata):
    """The body of modify assistant."""

    model: str | None = None
    name: str | None = None
    description: str | None = None
    instructions: str | None = None
    tools: list[Tool] | None = None
    file_ids: list[str] | None = None


class CreateAssistant(ModifyAssistant):
    """The body of create assistant."""

    model: str


class CreateRunRequest(Metadata):
    """The body of create run."""

    assistant_id: str
    model: str | None = None
    instructions: str | None = None
    additional_instructions: str | None = None
    tools: list[Tool] | None = None
    stream: bool | None = None


class CreateThreadAndRunRequest(CreateRunRequest):
    """The body of create thread and run."""

    thread: CreateThread | None = None


class SubmitToolOutputsRequest(Answered):
    """The body of submit tool outputs."""

    tool_outputs: list[ToolOutput]
    stream: bool | None = None


REQUESTS: dict[str, type[BaseModel]] = {
    "createAssistant": CreateAssistant,
    "modifyAssistant": ModifyAssistant,
    "createThread": CreateThread,
    "modifyThread": Metadata,
    "createMessage": NewMessage,
    "modifyMessage": Metadata,
    "createRun": CreateRunRequest,
    "modifyRun": Metadata,
    "submitToolOuputsToRun": SubmitToolOutputsRequest,
    "createThreadAndRun": CreateThreadAndRunRequest,
}
