"""The models of OpenAI's first Assistants API, 2023 to early 2024.

Source: recorded runs of November 2023 and April 2024, and the documents of the time. The members
that came in between are optional. `incomplete` was not a status yet.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WrapValidator

from runreel.assistants import schemas as limits
from runreel.assistants.pydantic1 import Closed, Taken, Text, mapping, text
from runreel.assistants.rubra_schemas import OldStatus, RetrievalCall
from runreel.assistants.schemas import (
    BY_TYPE,
    CodeCall,
    CodeInterpreterTool,
    FunctionTool,
    IncompleteDetails,
    MessageCreation,
    Plain,
    RequiredAction,
    RunBeginning,
    StepBeginning,
    StepError,
    StepFunctionCall,
    StepToolCalls,
    Usage,
)

Tool = Annotated[CodeInterpreterTool | Plain[Literal["retrieval"]] | FunctionTool, BY_TYPE]


class Run(RunBeginning):
    """A run on a thread, from before there was `incomplete`."""

    status: OldStatus
    required_action: RequiredAction | None = None
    last_error: StepError | None
    model: str
    instructions: str | None
    tools: Annotated[list[Tool], Field(max_length=20)]
    file_ids: list[str]
    metadata: dict[str, str] | None
    usage: Usage | None = None
    incomplete_details: IncompleteDetails | None = None


StepToolCall = Annotated[CodeCall | RetrievalCall | StepFunctionCall, BY_TYPE]
StepDetails = Annotated[MessageCreation | StepToolCalls[StepToolCall], BY_TYPE]


class RunStep(StepBeginning):
    """A step of a run."""

    step_details: StepDetails
    last_error: StepError | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    metadata: dict[str, str] | None = None
    usage: Usage | None = None


Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=limits.NAME_CHARS_MAX)],
        Annotated[str, Field(max_length=limits.VALUE_CHARS_MAX), BeforeValidator(text)],
    ],
    WrapValidator(limits.counted),
    BeforeValidator(mapping),
]


class MetadataAlone(Taken):
    """A request that may name metadata, whatever else is in it."""

    metadata: Metadata | None = None


class ModifyRunRequest(Closed):
    """The body of modify run."""

    metadata: Metadata | None = None


class CancelRunRequest(Closed):
    """The body of cancel run, which has none."""


class ToolOutput(Taken):
    """The output of one tool call."""

    tool_call_id: Text | None = None
    output: Text | None = None


class SubmitToolOutputsRequest(Closed):
    """The body of submit tool outputs."""

    tool_outputs: list[ToolOutput]
    stream: bool | None = None


class CreateMessage(Closed):
    """A message that comes with a run or a thread."""

    role: Literal["user", "assistant"]
    content: Text
    file_ids: Annotated[list[Text], Field(max_length=10)] | None = None
    metadata: Metadata | None = None


class CreateThread(Closed):
    """A thread that comes with a run."""

    messages: list[CreateMessage] | None = None
    metadata: Metadata | None = None


class _NewRun(Closed):
    assistant_id: Text
    model: Text | None = None
    instructions: Text | None = None
    tools: Annotated[list[Tool], Field(max_length=20)] | None = None
    metadata: Metadata | None = None
    # These came with streaming and token limits, in the last weeks of v1.
    stream: bool | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: dict[str, Any] | None = None
    tool_choice: Any = None
    response_format: Any = None


class CreateRunRequest(_NewRun):
    """The body of create run."""

    additional_instructions: Text | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRunRequest(_NewRun):
    """The body of create thread and run."""

    thread: CreateThread | None = None


class ModifyAssistant(ModifyRunRequest):
    """The body of modify assistant."""

    model: Text | None = None
    name: Annotated[Text, Field(max_length=256)] | None = None
    description: Annotated[Text, Field(max_length=512)] | None = None
    instructions: Annotated[Text, Field(max_length=32_768)] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    file_ids: Annotated[list[Text], Field(max_length=20)] | None = None


class CreateAssistant(ModifyAssistant):
    """The body of create assistant."""

    model: Text


class Assistant(limits.AssistantBeginning):
    """An assistant, which may retrieve and has files of its own."""

    tools: Annotated[list[Tool], Field(max_length=128)]
