"""OpenAI's Assistants API v2 as it really answered: the run, and what it is made of.

Source: OpenAI's OpenAPI document of 2026-08-21, read with `nullable` honoured (its 3.1 validators
would ignore it and refuse every real run), checked against recorded runs of 2025 and 2026. Steps
and requests stand in modules of their own.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from runreel.core.schemas.shapes import Answered, by_type, text_or_by_type, text_or_object


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
    """Why a run failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteDetails(Answered):
    """Why a run is incomplete."""

    reason: Literal["max_completion_tokens", "max_prompt_tokens"] | None = None


class CodeInterpreterTool(Answered):
    """The code interpreter."""

    type: Literal["code_interpreter"]


class RankingOptions(Answered):
    """How file search ranks."""

    ranker: Literal["auto", "default_2024_08_21"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)]


class FileSearchOptions(Answered):
    """Overrides for file search."""

    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None


class FileSearchTool(Answered):
    """File search."""

    type: Literal["file_search"]
    file_search: FileSearchOptions | None = None


class FunctionObject(Answered):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Answered):
    """A function as a tool."""

    type: Literal["function"]
    function: FunctionObject


Tool = Annotated[
    Annotated[CodeInterpreterTool, Tag("tag:code_interpreter")]
    | Annotated[FileSearchTool, Tag("tag:file_search")]
    | Annotated[FunctionTool, Tag("tag:function")],
    Discriminator(by_type),
]


class Usage(Answered):
    """Tokens used; null until the run has ended."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class TruncationStrategy(Answered):
    """How the thread is cut before the run."""

    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Field(ge=1)] | None = None


class NamedFunction(Answered):
    """A function by its name."""

    name: str


class NamedToolChoice(Answered):
    """A tool that the model has to use."""

    type: Literal["function", "code_interpreter", "file_search"]
    function: NamedFunction | None = None


class JsonSchemaFormat(Answered):
    """The schema of `json_schema` output."""

    name: str
    description: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class TextFormat(Answered):
    """Plain text."""

    type: Literal["text"]


class JsonObjectFormat(Answered):
    """Any JSON object."""

    type: Literal["json_object"]


class SchemaFormat(Answered):
    """JSON after a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchemaFormat


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("tag:text")]
    | Annotated[NamedToolChoice, Tag("tag:object")],
    Discriminator(text_or_object),
]
ResponseFormat = Annotated[
    Annotated[Literal["auto"], Tag("tag:")]
    | Annotated[TextFormat, Tag("tag:text")]
    | Annotated[JsonObjectFormat, Tag("tag:json_object")]
    | Annotated[SchemaFormat, Tag("tag:json_schema")],
    Discriminator(text_or_by_type),
]
Tokens = Annotated[int, Field(ge=256)]


class Run(Answered):
    """A run on a thread; times are Unix seconds."""

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
        "incomplete",
        "expired",
    ]
    required_action: RequiredAction | None
    last_error: LastError | None
    expires_at: int | None
    started_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    incomplete_details: IncompleteDetails | None
    model: str
    instructions: str
    tools: Annotated[list[Tool], Field(max_length=20)]
    metadata: dict[str, str] | None
    usage: Usage | None
    temperature: float | None = None
    top_p: float | None = None
    max_prompt_tokens: Tokens | None
    max_completion_tokens: Tokens | None
    truncation_strategy: TruncationStrategy | None
    tool_choice: ToolChoice | None
    parallel_tool_calls: bool
    response_format: ResponseFormat | None


class RunList(Answered):
    """A page of runs."""

    object: Literal["list"]
    data: list[Run]
    first_id: str
    last_id: str
    has_more: bool
