"""rubra v0.0's Assistants API: what it takes, and what it answers.

Source: its own models, and the server as it was run. It answers null where its schema says integer
or object; metadata is any JSON; there is no `incomplete`, no `usage`, and no limit on metadata.
Listing, cancelling and submitting are not there at all.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from runreel.core.schemas.openai_steps import CodeCall, MessageCreation
from runreel.core.schemas.pydantic1 import Closed, Mapping, Taken, Text
from runreel.core.schemas.shapes import Answered, by_type


class ModifyRunRequest(Closed):
    """The body of modify run; its metadata are merged into those of the run."""

    metadata: Mapping | None = None


class TakenCode(Taken):
    """The code interpreter."""

    type: Literal["code_interpreter"]


class TakenRetrieval(Taken):
    """Retrieval."""

    type: Literal["retrieval"]


class TakenFunctionObject(Taken):
    """A function that the model may call."""

    description: Text | None = None
    name: Text
    parameters: Mapping


class TakenFunction(Taken):
    """A function as a tool."""

    type: Literal["function"]
    function: TakenFunctionObject


class TakenBrowser(Taken):
    """The browser."""

    type: Literal["browser"]


# Its members are tried one by one, and each tells what is wrong.
TakenTool = Annotated[
    TakenCode | TakenRetrieval | TakenFunction | TakenBrowser, Field(union_mode="left_to_right")
]


class CreateRunRequest(Closed):
    """The body of create run."""

    assistant_id: Text
    model: Text | None = None
    instructions: Text | None = None
    tools: Annotated[list[TakenTool], Field(max_length=20)] | None = None
    metadata: Mapping | None = None


class PlainTool(Answered):
    """A tool that is no more than its name."""

    type: Literal["code_interpreter", "retrieval", "browser"]


class FunctionObject(Answered):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any]


class FunctionTool(Answered):
    """A function as a tool."""

    type: Literal["function"]
    function: FunctionObject


Tool = Annotated[
    Annotated[PlainTool, Tag("tag:code_interpreter")]
    | Annotated[PlainTool, Tag("tag:retrieval")]
    | Annotated[PlainTool, Tag("tag:browser")]
    | Annotated[FunctionTool, Tag("tag:function")],
    Discriminator(by_type),
]


class FunctionCall(Answered):
    """The function that a tool call names."""

    name: str
    arguments: str


class ToolCall(Answered):
    """A tool call that waits for its output."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class ToolCalls(Answered):
    """The calls of a required action."""

    tool_calls: list[ToolCall]


class RequiredAction(Answered):
    """What a run in `requires_action` waits for."""

    type: Literal["submit_tool_outputs"]
    submit_tool_outputs: ToolCalls


class LastError(Answered):
    """Why a run or a step failed."""

    code: Literal["server_error", "rate_limit_exceeded"]
    message: str


class Run(Answered):
    """A run on a thread; times are Unix seconds."""

    mongo_id: Annotated[str | None, Field(alias="_id")] = None
    id: str
    object: Literal["thread.run"]
    created_at: int
    thread_id: str
    assistant_id: str
    status: Literal[
        "queued",
        "in_progress",
        "requires_action",
        "cancelling",
        "cancelled",
        "failed",
        "completed",
        "expired",
    ]
    required_action: RequiredAction | None = None
    last_error: LastError | None = None
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


StepToolCall = Annotated[
    Annotated[CodeCall, Tag("tag:code_interpreter")]
    | Annotated[RetrievalCall, Tag("tag:retrieval")]
    | Annotated[StepFunctionCall, Tag("tag:function")],
    Discriminator(by_type),
]


class StepToolCalls(Answered):
    """Details of a step that called tools."""

    type: Literal["tool_calls"]
    tool_calls: list[StepToolCall]


StepDetails = Annotated[
    Annotated[MessageCreation, Tag("tag:message_creation")]
    | Annotated[StepToolCalls, Tag("tag:tool_calls")],
    Discriminator(by_type),
]


class RunStep(Answered):
    """A step of a run."""

    id: str
    object: Literal["thread.run.step"]
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: Literal["message_creation", "tool_calls"]
    status: Literal["in_progress", "cancelled", "failed", "completed", "expired"]
    step_details: StepDetails
    last_error: LastError | None = None
    expired_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    metadata: dict[str, Any] | None = None


class RunStepList(Answered):
    """A page of run steps; both ids are empty texts when it is empty."""

    object: Literal["list"]
    data: list[RunStep]
    first_id: str
    last_id: str
    has_more: bool
