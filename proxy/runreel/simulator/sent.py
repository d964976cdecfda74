"""Bodies of the requests that only the simulator reads: assistants, threads, messages.

Owns their models, and the profiles that have them beside the run operations', so that limits and
texts have one home.
"""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from runreel.core.profiles import OPENAI, RUBRA, Profile, Shape
from runreel.core.schemas.metadata import Metadata
from runreel.core.schemas.openai import ResponseFormat, Tool
from runreel.core.schemas.openai_requests import (
    CreateMessage,
    CreateThread,
    ThreadToolResources,
    ToolResources,
)
from runreel.core.schemas.pydantic1 import Mapping, Taken, Text
from runreel.core.schemas.rubra import TakenTool
from runreel.core.schemas.shapes import Answered, Sent


class OnlyMetadata(Sent):
    """The body of modify message."""

    metadata: Metadata | None = None


class ModifyThread(OnlyMetadata):
    """The body of modify thread."""

    tool_resources: ToolResources | None = None


class ModifyAssistant(OnlyMetadata):
    """The body of modify assistant."""

    model: str = ""
    name: Annotated[str, Field(max_length=256)] | None = None
    description: Annotated[str, Field(max_length=512)] | None = None
    instructions: Annotated[str, Field(max_length=256_000)] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_resources: ThreadToolResources | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    reasoning_effort: str | None = None
    response_format: ResponseFormat | None = None


class CreateAssistant(ModifyAssistant):
    """The body of create assistant."""

    model: str


class Script(Answered):
    """The body of the call that scripts a run: an object; `scripts` says what may be in it."""


class RubraMetadata(Taken):
    """The body of rubra's modify message."""

    metadata: Mapping | None = None


class RubraModifyAssistant(RubraMetadata):
    """The body of rubra's modify assistant."""

    model: Text | None = None
    name: Text | None = None
    description: Text | None = None
    instructions: Text | None = None
    tools: Annotated[list[TakenTool], Field(max_length=128)] | None = None


class RubraCreateAssistant(RubraModifyAssistant):
    """The body of rubra's create assistant."""

    model: Text


class RubraMessage(RubraMetadata):
    """A message in rubra's dialect, whose content is always one text."""

    role: Literal["user", "assistant"] = "user"
    content: Text


class RubraCreateThread(RubraMetadata):
    """The body of rubra's create thread."""

    messages: list[RubraMessage] | None = None


_OWN: dict[str, type[BaseModel]] = {
    "createAssistant": CreateAssistant,
    "modifyAssistant": ModifyAssistant,
    "createThread": CreateThread,
    "modifyThread": ModifyThread,
    "createMessage": CreateMessage,
    "modifyMessage": OnlyMetadata,
    "scriptNextRun": Script,
}
# Limits are not known; what more may be sent is passed over.
_OF_RUBRA: dict[str, type[BaseModel]] = {
    "createAssistant": RubraCreateAssistant,
    "modifyAssistant": RubraModifyAssistant,
    "createThread": RubraCreateThread,
    "createMessage": RubraMessage,
    "modifyMessage": RubraMetadata,
    "scriptNextRun": Script,
}


def _with(profile: Profile, **models: type[BaseModel]) -> Profile:
    shapes = {name: Shape(model) for name, model in models.items()}
    empty = {"createThread": b"{}"}
    return replace(
        profile,
        requests={**profile.requests, **shapes},
        empty_bodies={**profile.empty_bodies, **empty},
    )


OPENAI_READ = _with(OPENAI, **_OWN)
RUBRA_READ = _with(RUBRA, **_OF_RUBRA)
