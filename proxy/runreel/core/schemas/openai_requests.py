"""Requests of OpenAI's Assistants API v2.

Source: OpenAI's OpenAPI document of 2026-08-21, read with `nullable` honoured; the limits of
metadata are from its prose. What the document closes (`additionalProperties: false`) is closed
here, and nothing else is.
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from runreel.core.schemas.metadata import Metadata
from runreel.core.schemas.openai import ResponseFormat, Tokens, Tool, ToolChoice, TruncationStrategy
from runreel.core.schemas.shapes import Answered, Sent, by_type, text_or_parts


class ModifyRunRequest(Sent):
    """The body of modify run: `{"metadata": {...}}`, `{"metadata": null}` or `{}`."""

    metadata: Metadata | None = None


class CancelRunRequest(Sent):
    """The body of cancel run, which has none; an object without members says as much."""


class ToolOutput(Answered):
    """The output of one tool call."""

    tool_call_id: str = ""
    output: str = ""


class SubmitToolOutputsRequest(Sent):
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


Part = Annotated[
    Annotated[ImageFilePart, Tag("tag:image_file")]
    | Annotated[ImageUrlPart, Tag("tag:image_url")]
    | Annotated[TextPart, Tag("tag:text")],
    Discriminator(by_type),
]
Content = Annotated[
    Annotated[str, Tag("tag:text")] | Annotated[list[Part], Field(min_length=1), Tag("tag:parts")],
    Discriminator(text_or_parts),
]


class AttachmentTool(Answered):
    """A tool that an attachment is added to."""

    type: Literal["code_interpreter", "file_search"]


class Attachment(Answered):
    """A file of a message."""

    file_id: str
    tools: list[AttachmentTool]


class CreateMessage(Sent):
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


class AutoChunks(Sent):
    """The default way of cutting files."""

    type: Literal["auto"]


class ChunkSizes(Sent):
    """How large the chunks are and how much they overlap, in tokens."""

    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: int


class StaticChunks(Sent):
    """Chunks of a stated size."""

    type: Literal["static"]
    static: ChunkSizes


Chunks = Annotated[
    Annotated[AutoChunks, Tag("tag:auto")] | Annotated[StaticChunks, Tag("tag:static")],
    Discriminator(by_type),
]


class NewStore(Answered):
    """A vector store to create with a thread."""

    file_ids: list[str] = Field(default_factory=list)
    chunking_strategy: Chunks = AutoChunks(type="auto")
    metadata: Metadata | None = None


class ThreadSearchStores(SearchStores):
    """The vector stores of a new thread: known ones, or one to create."""

    vector_stores: Annotated[list[NewStore], Field(max_length=1)] = Field(default_factory=list)


class ThreadToolResources(Answered):
    """What the tools of a new thread work on."""

    code_interpreter: CodeFiles = Field(default_factory=CodeFiles)
    file_search: ThreadSearchStores = Field(default_factory=ThreadSearchStores)


class CreateThread(Sent):
    """A thread that comes with a run."""

    messages: list[CreateMessage] = Field(default_factory=list)
    tool_resources: ThreadToolResources | None = None
    metadata: Metadata | None = None


class _NewRun(Sent):
    assistant_id: str
    model: str | None = None
    instructions: str | None = None
    tools: Annotated[list[Tool], Field(max_length=20)] | None = None
    metadata: Metadata | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stream: bool | None = None
    max_prompt_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    truncation_strategy: TruncationStrategy | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool = True
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
