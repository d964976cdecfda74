"""OpenAI's Assistants API v2 as pydantic models, and what the models of all dialects are made of.

Source: OpenAI's OpenAPI document of 2026-08-21, read with `nullable` honoured (its 3.1 validators
would ignore it and refuse every real run), checked against recorded runs of 2025 and 2026. What it
closes (`additionalProperties: false`) is closed here, and nothing else is. Steps differ from it:
it demands `expired_at` and `metadata`, which no real step has ever had (they have `expires_at`).
The limits of metadata are prose there, not schema.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from runreel.assistants.profile import TAG


class RequestModel(BaseModel):
    """A part of a request: members that nobody documents are wrong."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True)


class Answered(BaseModel):
    """A part of a response, or of a request that may be anything beside: more is welcome."""

    model_config = ConfigDict(extra="allow", strict=True, defer_build=True)


def by_type(value: Any) -> str | None:
    """The tag of an object or a model of it: its `type`; None if it has none that is a string."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return f"{TAG}{kind}" if isinstance(kind, str) else None


class _ByType:
    """Parts a union of models by the words that each allows for its `type`."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        choices = {
            f"{TAG}{name}": handler.generate_schema(member)
            for member in get_args(source)
            for name in get_args(member.model_fields["type"].annotation)
        }
        return core_schema.tagged_union_schema(choices, by_type)


BY_TYPE = _ByType()


def text_or_object(value: Any) -> str:
    """The tag of what is a word or an object."""
    return f"{TAG}object" if isinstance(value, dict) else f"{TAG}text"


def text_or_by_type(value: Any) -> str | None:
    """The tag of what is a word (the bare mark) or an object with a `type`."""
    return by_type(value) if isinstance(value, dict) else TAG


def text_or_parts(value: Any) -> str:
    """The tag of what is a text or a list of parts."""
    return f"{TAG}parts" if isinstance(value, list) else f"{TAG}text"


Item = TypeVar("Item")


class Page(Answered, Generic[Item]):
    """A page of runs or steps."""

    object: Literal["list"]
    data: list[Item]
    first_id: str
    last_id: str
    has_more: bool


class Plain(Answered, Generic[Item]):
    """What is no more than its name: such as a tool without options."""

    type: Item


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


class StepError(LastError):
    """Why a step failed, or a run before there were invalid prompts."""

    code: Literal["server_error", "rate_limit_exceeded"]


class IncompleteDetails(Answered):
    """Why a run is incomplete."""

    reason: Literal["max_completion_tokens", "max_prompt_tokens"] | None = None


CodeInterpreterTool = Plain[Literal["code_interpreter"]]


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


Tool = Annotated[CodeInterpreterTool | FileSearchTool | FunctionTool, BY_TYPE]


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
    | Annotated[Plain[Literal["text"]], Tag("tag:text")]
    | Annotated[Plain[Literal["json_object"]], Tag("tag:json_object")]
    | Annotated[SchemaFormat, Tag("tag:json_schema")],
    Discriminator(text_or_by_type),
]
Tokens = Annotated[int, Field(ge=256)]


class RunBeginning(Answered):
    """What the runs of all dialects begin with; times are Unix seconds."""

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


class RunSettings(RunBeginning):
    """What the runs of the second API have, whatever tools there are."""

    incomplete_details: IncompleteDetails | None
    model: str
    instructions: str
    metadata: dict[str, str] | None
    usage: Usage | None
    temperature: float | None = None
    top_p: float | None = None
    max_prompt_tokens: Tokens | None
    max_completion_tokens: Tokens | None
    truncation_strategy: TruncationStrategy | None
    parallel_tool_calls: bool


class Run(RunSettings):
    """A run on a thread."""

    tools: Annotated[list[Tool], Field(max_length=20)]
    tool_choice: ToolChoice | None
    response_format: ResponseFormat | None


RunList = Page[Run]


class StepToolCalls(Answered, Generic[Item]):
    """Details of a step that called tools."""

    type: Literal["tool_calls"]
    tool_calls: list[Item]


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


Output = Annotated[Logs | Image, BY_TYPE]


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


StepToolCall = Annotated[CodeCall | SearchCall | StepFunctionCall, BY_TYPE]


StepDetails = Annotated[MessageCreation | StepToolCalls[StepToolCall], BY_TYPE]


class StepBeginning(Answered):
    """What the steps of all dialects begin with; times are Unix seconds."""

    id: str
    object: Literal["thread.run.step"]
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: Literal["message_creation", "tool_calls"]
    status: Literal["in_progress", "cancelled", "failed", "completed", "expired"]


class RunStep(StepBeginning):
    """A step of a run."""

    step_details: StepDetails
    last_error: StepError | None
    expired_at: int | None = None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    metadata: dict[str, str] | None = None
    usage: Usage | None


RunStepList = Page[RunStep]

PAIRS_MAX = 16
NAME_CHARS_MAX = 64  # code points, as the API counts
VALUE_CHARS_MAX = 512


def counted(value: Any, check_pairs: ValidatorFunctionWrapHandler) -> Any:
    """Limit the number of pairs, whatever the pairs are; `max_length` is silent if one is wrong."""
    if not isinstance(value, dict) or len(value) <= PAIRS_MAX:
        return check_pairs(value)
    limit = {"field_type": "Object", "max_length": PAIRS_MAX, "actual_length": len(value)}
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


Metadata = Annotated[
    dict[
        Annotated[str, Field(max_length=NAME_CHARS_MAX)],
        Annotated[str, Field(max_length=VALUE_CHARS_MAX)],
    ],
    WrapValidator(counted),
]


class MetadataAlone(Answered):
    """A request that may name metadata, whatever else is in it."""

    metadata: Metadata | None = None


class ModifyRunRequest(RequestModel):
    """The body of modify run: `{"metadata": {...}}`, `{"metadata": null}` or `{}`."""

    metadata: Metadata | None = None


class CancelRunRequest(RequestModel):
    """The body of cancel run, which has none; an object without members says as much."""


class ToolOutput(Answered):
    """The output of one tool call."""

    tool_call_id: str = ""
    output: str = ""


class SubmitToolOutputsRequest(RequestModel):
    """The body of submit tool outputs."""

    tool_outputs: list[ToolOutput]
    stream: bool | None = None


class ImageFileReference(Answered):
    """An image by its file."""

    file_id: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImageFilePart(Answered):
    """A part of a message: an uploaded image."""

    type: Literal["image_file"]
    image_file: ImageFileReference


class ImageUrlReference(Answered):
    """An image by its URL."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImageUrlPart(Answered):
    """A part of a message: an image elsewhere."""

    type: Literal["image_url"]
    image_url: ImageUrlReference


class TextPart(Answered):
    """A part of a message: text."""

    type: Literal["text"]
    text: str


Part = Annotated[ImageFilePart | ImageUrlPart | TextPart, BY_TYPE]
Content = Annotated[
    Annotated[str, Tag("tag:text")] | Annotated[list[Part], Field(min_length=1), Tag("tag:parts")],
    Discriminator(text_or_parts),
]


class Attachment(Answered):
    """A file of a message."""

    file_id: str
    tools: list[Plain[Literal["code_interpreter", "file_search"]]]


class CreateMessage(RequestModel):
    """A message that comes with a run or a thread."""

    role: Literal["user", "assistant"]
    content: Content
    attachments: list[Attachment] | None = None
    metadata: Metadata | None = None


class CodeFiles(Answered):
    """The files of the code interpreter."""

    file_ids: Annotated[list[str], Field(max_length=20)] = Field(default_factory=list)


class SearchStores(Answered):
    """The vector stores of file search."""

    vector_store_ids: Annotated[list[str], Field(max_length=1)] = Field(default_factory=list)


class ToolResources(Answered):
    """What the tools of a run work on."""

    code_interpreter: CodeFiles = Field(default_factory=CodeFiles)
    file_search: SearchStores = Field(default_factory=SearchStores)


class AutoChunks(RequestModel):
    """The default way of cutting files."""

    type: Literal["auto"]


class ChunkSizes(RequestModel):
    """How large the chunks are and how much they overlap, in tokens."""

    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: int


class StaticChunks(RequestModel):
    """Chunks of a stated size."""

    type: Literal["static"]
    static: ChunkSizes


Chunks = Annotated[AutoChunks | StaticChunks, BY_TYPE]


class NewStore(Answered):
    """A vector store to create with a thread."""

    file_ids: list[str] = Field(default_factory=list)
    chunking_strategy: Chunks = AutoChunks(type="auto")
    metadata: Metadata | None = None


class ThreadSearchStores(SearchStores):
    """The vector stores of a new thread: known ones, or one to create."""

    vector_stores: Annotated[list[NewStore], Field(max_length=1)] = Field(default_factory=list)


class ThreadToolResources(ToolResources):
    """What the tools of a new thread work on."""

    file_search: ThreadSearchStores = Field(default_factory=ThreadSearchStores)


class CreateThread(RequestModel):
    """A thread that comes with a run."""

    messages: list[CreateMessage] = Field(default_factory=list)
    tool_resources: ThreadToolResources | None = None
    metadata: Metadata | None = None


class NewRunBeginning(RequestModel):
    """What the bodies that create a run begin with, whatever tools there are."""

    assistant_id: str
    model: str | None = None
    instructions: str | None = None
    metadata: Metadata | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stream: bool | None = None
    max_prompt_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    truncation_strategy: TruncationStrategy | None = None
    parallel_tool_calls: bool = True


class _NewRun(NewRunBeginning):
    tools: Annotated[list[Tool], Field(max_length=20)] | None = None
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None


class CreateRunRequest(_NewRun):
    """The body of create run."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    additional_instructions: str | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRunRequest(_NewRun):
    """The body of create thread and run."""

    thread: CreateThread = Field(default_factory=CreateThread)
    tool_resources: ToolResources | None = None


class ModifyThread(ModifyRunRequest):
    """The body of modify thread."""

    tool_resources: ToolResources | None = None


class ModifyMessage(ModifyRunRequest):
    """The body of modify message."""


class AssistantSettings(ModifyRunRequest):
    """What the bodies of create and modify assistant have, whatever tools there are."""

    model: str = ""
    name: Annotated[str, Field(max_length=256)] | None = None
    description: Annotated[str, Field(max_length=512)] | None = None
    instructions: Annotated[str, Field(max_length=256_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None


class ModifyAssistant(AssistantSettings):
    """The body of modify assistant."""

    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_resources: ThreadToolResources | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(ModifyAssistant):
    """The body of create assistant."""

    model: str


class CreateConversation(RequestModel):
    """The body of create conversation; what its items may be is not checked."""

    metadata: Metadata | None = None
    items: Annotated[list[dict[str, Any]], Field(max_length=20)] | None = None


class UpdateConversation(RequestModel):
    """The body of update conversation, whose metadata are required."""

    metadata: Metadata | None


class _Made(Answered):
    id: str
    created_at: int
    metadata: dict[str, str] | None


class Thread(_Made):
    """A thread; its tool resources came with v2."""

    object: Literal["thread"]
    tool_resources: dict[str, Any] | None = None


class Message(_Made):
    """A message; what its parts may be is not checked."""

    object: Literal["thread.message"]
    thread_id: str
    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]
    assistant_id: str | None
    run_id: str | None
    attachments: list[dict[str, Any]] | None = None


class AssistantBeginning(_Made):
    """What the assistants of all profiles have; some members came with v2."""

    object: Literal["assistant"]
    name: str | None
    description: str | None
    model: str
    instructions: str | None
    tool_resources: dict[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None


class Assistant(AssistantBeginning):
    """An assistant."""

    tools: Annotated[list[Tool], Field(max_length=128)]
    response_format: ResponseFormat | None = None


class Conversation(_Made):
    """A conversation."""

    object: Literal["conversation"]
