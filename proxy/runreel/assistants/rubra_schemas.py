"""rubra's models: what its server takes and answers.

Source: its own models, and the server as it was run. It answers null where its schema says integer
or object; metadata is any JSON; there is no `incomplete`, no `usage`, and no limit on metadata.
"""

from typing import Annotated, Any, Generic, Literal

from pydantic import Field

from runreel.assistants.pydantic1 import Closed, Mapping, Taken, Text
from runreel.assistants.schemas import (
    BY_TYPE,
    Answered,
    CodeCall,
    Item,
    MessageCreation,
    Plain,
    RequiredAction,
    RunBeginning,
    StepBeginning,
    StepError,
    StepToolCalls,
)


class ModifyRunRequest(Closed):
    """The body of modify run; its metadata are merged into those of the run."""

    metadata: Mapping | None = None


class TakenPlain(Taken, Generic[Item]):
    """A tool that is no more than its name."""

    type: Item


class TakenFunctionObject(Taken):
    """A function that the model may call."""

    description: Text | None = None
    name: Text
    parameters: Mapping


class TakenFunction(Taken):
    """A function as a tool."""

    type: Literal["function"]
    function: TakenFunctionObject


# Its members are tried one by one, and each tells what is wrong.
TakenTool = Annotated[
    TakenPlain[Literal["code_interpreter"]]
    | TakenPlain[Literal["retrieval"]]
    | TakenFunction
    | TakenPlain[Literal["browser"]],
    Field(union_mode="left_to_right"),
]


class CreateRunRequest(Closed):
    """The body of create run."""

    assistant_id: Text
    model: Text | None = None
    instructions: Text | None = None
    tools: Annotated[list[TakenTool], Field(max_length=20)] | None = None
    metadata: Mapping | None = None


class Metadata(Taken):
    """A request that may name metadata, whatever else is in it."""

    metadata: Mapping | None = None


class ModifyAssistant(Metadata):
    """The body of modify assistant."""

    model: Text | None = None
    name: Text | None = None
    description: Text | None = None
    instructions: Text | None = None
    tools: Annotated[list[TakenTool], Field(max_length=128)] | None = None


class CreateAssistant(ModifyAssistant):
    """The body of create assistant."""

    model: Text


class NewMessage(Metadata):
    """A message, whose content is always one text."""

    role: Literal["user", "assistant"] = "user"
    content: Text


class CreateThread(Metadata):
    """The body of create thread."""

    messages: list[NewMessage] | None = None


class FunctionObject(Answered):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any]


class FunctionTool(Answered):
    """A function as a tool."""

    type: Literal["function"]
    function: FunctionObject


Tool = Annotated[Plain[Literal["code_interpreter", "retrieval", "browser"]] | FunctionTool, BY_TYPE]
OldStatus = Literal[
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "expired",
]


class _OfMongo(Answered):
    mongo_id: Annotated[str | None, Field(alias="_id")] = None


class Run(RunBeginning, _OfMongo):
    """A run on a thread."""

    status: OldStatus
    required_action: RequiredAction | None = None
    last_error: StepError | None = None
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    model: str
    instructions: str
    tools: Annotated[list[Tool], Field(max_length=20)]
    file_ids: list[str]
    metadata: dict[str, Any]


class RetrievalCall(Answered):
    """A call of retrieval; what is in it is not documented."""

    id: str
    type: Literal["retrieval"]
    retrieval: dict[str, Any]


class CalledFunction(Answered):
    """A function that the model called."""

    name: str
    arguments: str
    output: str | None = None


class StepFunctionCall(Answered):
    """A call of a function."""

    id: str
    type: Literal["function"]
    function: CalledFunction


StepToolCall = Annotated[CodeCall | RetrievalCall | StepFunctionCall, BY_TYPE]
StepDetails = Annotated[MessageCreation | StepToolCalls[StepToolCall], BY_TYPE]


class RunStep(StepBeginning):
    """A step of a run."""

    step_details: StepDetails
    last_error: StepError | None = None
    expired_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    metadata: dict[str, Any] | None = None
