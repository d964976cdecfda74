"""Run steps of OpenAI's Assistants API v2.

Source and reading are those of the run. The document demands `expired_at` and `metadata`, which no
real step has ever had (they have `expires_at`): here they may be absent.
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from runreel.core.schemas.openai import Usage
from runreel.core.schemas.shapes import Answered, by_type


class CreatedMessage(Answered):
    """The message that a step wrote."""

    message_id: str


class MessageCreation(Answered):
    """Details of a step that wrote a message."""

    type: Literal["message_creation"]
    message_creation: CreatedMessage


class Logs(Answered):
    """Text that code wrote."""

    type: Literal["logs"]
    logs: str


class ImageFile(Answered):
    """A file with an image."""

    file_id: str


class Image(Answered):
    """An image that code made."""

    type: Literal["image"]
    image: ImageFile


Output = Annotated[
    Annotated[Logs, Tag("tag:logs")] | Annotated[Image, Tag("tag:image")], Discriminator(by_type)
]


class Code(Answered):
    """Code that ran, and what came out."""

    input: str
    outputs: list[Output]


class CodeCall(Answered):
    """A call of the code interpreter."""

    id: str
    type: Literal["code_interpreter"]
    code_interpreter: Code


class Ranking(Answered):
    """How a search was ranked."""

    ranker: Literal["auto", "default_2024_08_21"]
    score_threshold: Annotated[float, Field(ge=0, le=1)]


class FoundText(Answered):
    """A piece of a file that was found."""

    type: Literal["text"] | None = None
    text: str | None = None


class Found(Answered):
    """A file that was found; `content` only if it was asked for."""

    file_id: str
    file_name: str
    score: Annotated[float, Field(ge=0, le=1)]
    content: list[FoundText] | None = None


class Search(Answered):
    """What a file search used and found."""

    ranking_options: Ranking | None = None
    results: list[Found] | None = None


class SearchCall(Answered):
    """A call of file search."""

    id: str
    type: Literal["file_search"]
    file_search: Search


class CalledFunction(Answered):
    """A function that the model called; its output is null until it was submitted."""

    name: str
    arguments: str
    output: str | None


class StepFunctionCall(Answered):
    """A call of a function."""

    id: str
    type: Literal["function"]
    function: CalledFunction


StepToolCall = Annotated[
    Annotated[CodeCall, Tag("tag:code_interpreter")]
    | Annotated[SearchCall, Tag("tag:file_search")]
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


class StepError(Answered):
    """Why a step failed."""

    code: Literal["server_error", "rate_limit_exceeded"]
    message: str


class RunStep(Answered):
    """A step of a run; times are Unix seconds."""

    id: str
    object: Literal["thread.run.step"]
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: Literal["message_creation", "tool_calls"]
    status: Literal["in_progress", "cancelled", "failed", "completed", "expired"]
    step_details: StepDetails
    last_error: StepError | None
    expired_at: int | None = None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    metadata: dict[str, str] | None = None
    usage: Usage | None


class RunStepList(Answered):
    """A page of run steps; both ids are null when it is empty."""

    object: Literal["list"]
    data: list[RunStep]
    first_id: str
    last_id: str
    has_more: bool
