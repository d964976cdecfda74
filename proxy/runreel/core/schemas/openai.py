"""OpenAI's Assistants API v2 as it really answered, for the profile `openai`.

Source: OpenAI's OpenAPI document of 2026-08-21, read with `nullable` honoured (its 3.1 validators
would ignore it and refuse every real run), checked against recorded runs of 2025 and 2026. Unknown
members of a response are welcome, of a request they are not.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import InitErrorDetails

METADATA_PAIRS_MAX = 16
METADATA_NAME_CHARS_MAX = 64  # code points, as the API counts
METADATA_VALUE_CHARS_MAX = 512


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Answered(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


def _counted(value: Any, check_pairs: ValidatorFunctionWrapHandler) -> Any:
    """Limit the number of pairs, whatever the pairs are; `max_length` is silent if one is wrong."""
    if not isinstance(value, dict) or len(value) <= METADATA_PAIRS_MAX:
        return check_pairs(value)
    limit = {"field_type": "Object", "max_length": METADATA_PAIRS_MAX, "actual_length": len(value)}
    wrong = [InitErrorDetails(type="too_long", ctx=limit, input=value)]
    try:
        check_pairs(value)
    except ValidationError as error:
        wrong += [
            InitErrorDetails(
                type=item["type"], loc=item["loc"], ctx=item.get("ctx", {}), input=item["input"]
            )
            for item in error.errors(include_url=False)
        ]
    raise ValidationError.from_exception_data("metadata", wrong)


class ModifyRunRequest(_Sent):
    """The body of modify run: `{"metadata": {...}}`, `{"metadata": null}` or `{}`."""

    metadata: (
        Annotated[
            dict[
                Annotated[str, Field(max_length=METADATA_NAME_CHARS_MAX)],
                Annotated[str, Field(max_length=METADATA_VALUE_CHARS_MAX)],
            ],
            WrapValidator(_counted),
        ]
        | None
    ) = None


class FunctionCall(_Answered):
    """The function that a tool call names."""

    name: str
    arguments: str


class ToolCall(_Answered):
    """A tool call that waits for its output."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class ToolCalls(_Answered):
    """The calls of a required action."""

    tool_calls: list[ToolCall]


class RequiredAction(_Answered):
    """What a run in `requires_action` waits for."""

    type: Literal["submit_tool_outputs"]
    submit_tool_outputs: ToolCalls


class LastError(_Answered):
    """Why a run failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteDetails(_Answered):
    """Why a run is incomplete."""

    reason: Literal["max_completion_tokens", "max_prompt_tokens"] | None = None


class CodeInterpreterTool(_Answered):
    """The code interpreter."""

    type: Literal["code_interpreter"]


class RankingOptions(_Answered):
    """How file search ranks."""

    ranker: Literal["auto", "default_2024_08_21"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)]


class FileSearchOptions(_Answered):
    """Overrides for file search."""

    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    ranking_options: RankingOptions | None = None


class FileSearchTool(_Answered):
    """File search."""

    type: Literal["file_search"]
    file_search: FileSearchOptions | None = None


class FunctionObject(_Answered):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(_Answered):
    """A function as a tool."""

    type: Literal["function"]
    function: FunctionObject


Tool = Annotated[CodeInterpreterTool | FileSearchTool | FunctionTool, Field(discriminator="type")]


class Usage(_Answered):
    """Tokens used; null until the run has ended."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class TruncationStrategy(_Answered):
    """How the thread is cut before the run."""

    type: Literal["auto", "last_messages"]
    last_messages: Annotated[int, Field(ge=1)] | None = None


class NamedFunction(_Answered):
    """A function by its name."""

    name: str


class NamedToolChoice(_Answered):
    """A tool that the model has to use."""

    type: Literal["function", "code_interpreter", "file_search"]
    function: NamedFunction | None = None


class JsonSchemaFormat(_Answered):
    """The schema of `json_schema` output."""

    name: str
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(_Answered):
    """The format the model must answer in."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None


def _text_or_object(value: Any) -> str:
    return "object" if isinstance(value, dict) else "text"


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("text")]
    | Annotated[NamedToolChoice, Tag("object")],
    Discriminator(_text_or_object),
]
AnyResponseFormat = Annotated[
    Annotated[Literal["auto"], Tag("text")] | Annotated[ResponseFormat, Tag("object")],
    Discriminator(_text_or_object),
]
Tokens = Annotated[int, Field(ge=256)]


class Run(_Answered):
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
    response_format: AnyResponseFormat | None


# Where recorded runs and the documentation's own examples are known to differ from the document:
# (JSON pointer, rule). Worth a remark, never an error.
KNOWN_DEVIATIONS = frozenset(
    {
        ("/instructions", "type"),  # null in runs of 2023 and 2024 and in every example
        ("/max_prompt_tokens", "minimum"),  # 16 seen
        ("/max_completion_tokens", "minimum"),
        *(
            (f"/{member}", "missing")  # came after November 2023
            for member in (
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
        ),
    }
)
