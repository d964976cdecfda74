"""The models of Azure AI Foundry's classic agents: OpenAI's, with more tools.

Source: the SDK azure-ai-agents, 1.1 and the betas of 1.2, and recordings of 2025 and of the older
path. What is in the configuration of a tool of Azure's own is not checked, nor are files: they may
be elsewhere in Azure. Agents are called assistants on the wire.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from runreel.assistants.schemas import (
    BY_TYPE,
    Answered,
    AssistantBeginning,
    AssistantSettings,
    CodeCall,
    CodeInterpreterTool,
    Content,
    FileSearchTool,
    FunctionTool,
    MessageCreation,
    Metadata,
    ModifyRunRequest,
    NamedFunction,
    NewRunBeginning,
    Plain,
    RequestModel,
    RunSettings,
    SchemaFormat,
    SearchCall,
    StepBeginning,
    StepError,
    StepFunctionCall,
    StepToolCalls,
    ToolOutput,
    Usage,
    text_or_by_type,
    text_or_object,
)

AzureName = Literal[
    "azure_ai_search",
    "azure_function",
    "bing_custom_search",
    "bing_grounding",
    "browser_automation",
    "computer_use_preview",
    "connected_agent",
    "deep_research",
    "fabric_dataagent",
    "mcp",
    "openapi",
    "sharepoint_grounding",
]
Tool = Annotated[CodeInterpreterTool | FileSearchTool | FunctionTool | Plain[AzureName], BY_TYPE]
Tools = Annotated[list[Tool], Field(max_length=128)]


class NamedToolChoice(Answered):
    """A tool that the model has to use."""

    type: Literal["function", "code_interpreter", "file_search"] | AzureName
    function: NamedFunction | None = None


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("tag:text")]
    | Annotated[NamedToolChoice, Tag("tag:object")],
    Discriminator(text_or_object),
]
ResponseFormat = Annotated[
    Annotated[Literal["auto", "none"], Tag("tag:")]
    | Annotated[Plain[Literal["text"]], Tag("tag:text")]
    | Annotated[Plain[Literal["json_object"]], Tag("tag:json_object")]
    | Annotated[SchemaFormat, Tag("tag:json_schema")],
    Discriminator(text_or_by_type),
]


class Run(RunSettings):
    """A run on a thread."""

    tools: Tools
    tool_choice: ToolChoice | None
    response_format: ResponseFormat | None


class AzureCall(Answered):
    """A call of a tool of Azure's own; what is in it is not checked."""

    id: str
    type: AzureName


StepToolCall = Annotated[CodeCall | SearchCall | StepFunctionCall | AzureCall, BY_TYPE]
StepDetails = Annotated[MessageCreation | StepToolCalls[StepToolCall], BY_TYPE]


class RunStep(StepBeginning):
    """A step of a run."""

    step_details: StepDetails
    last_error: StepError | None
    expired_at: int | None = None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    metadata: dict[str, str] | None = None
    usage: Usage | None = None


class Assistant(AssistantBeginning):
    """An agent."""

    tools: Tools
    response_format: ResponseFormat | None = None


class CreateMessage(RequestModel):
    """A message; its files may be in an asset store."""

    role: Literal["user", "assistant"]
    content: Content
    attachments: list[dict[str, Any]] | None = None
    metadata: Metadata | None = None


class ModifyThread(ModifyRunRequest):
    """The body of modify thread."""

    tool_resources: dict[str, Any] | None = None


class CreateThread(ModifyThread):
    """The body of create thread."""

    messages: list[CreateMessage] | None = None


class ModifyAssistant(AssistantSettings):
    """The body of modify agent."""

    tools: Tools | None = None
    tool_resources: dict[str, Any] | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(ModifyAssistant):
    """The body of create agent."""

    model: str


class _NewRun(NewRunBeginning):
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    tool_resources: dict[str, Any] | None = None
    response_format: ResponseFormat | None = None


class CreateRunRequest(_NewRun):
    """The body of create run."""

    additional_instructions: str | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRunRequest(_NewRun):
    """The body of create thread and run."""

    thread: CreateThread | None = None


class SubmitToolOutputsRequest(RequestModel):
    """The body of submit tool outputs; approvals are for tools on MCP servers."""

    tool_outputs: list[ToolOutput] | None = None
    tool_approvals: list[dict[str, Any]] | None = None
    stream: bool | None = None
