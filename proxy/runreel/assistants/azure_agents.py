"""The profile `azure_agents`: Azure AI Foundry's "Agents (classic)", to 2027-03-31.

It is OpenAI's API behind a gateway, which has its own envelope and wants an `api-version`. Nobody
sends an OpenAI-Beta; agents are assistants on the wire. The API begins at a project, or, for older
SDKs, at a workspace of Azure Machine Learning.
"""

from dataclasses import replace
from uuid import UUID

from runreel.assistants import azure_agents_schemas as schemas
from runreel.assistants import openai, openai_errors
from runreel.assistants.dialect import ASSISTANTS, Case, Json, Requirement, each
from runreel.assistants.profile import Deviation, Shape
from runreel.assistants.schemas import (
    CancelRunRequest,
    ModifyMessage,
    ModifyRunRequest,
    Page,
)

_BASES = (
    "/api/projects/[^/]+",
    "/agents/v1[.]0/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+/workspaces/[^/]+",
)
_NEW_TOOLS = Deviation("/tools/*/type", "enum")  # it gets more of them, and calls them previews
_OWN_ERRORS = Deviation("/last_error/code", "enum")  # such as its content filter's
_RUN = Shape(
    schemas.Run,
    frozenset(
        {
            *openai.RUN.deviations,
            _NEW_TOOLS,
            _OWN_ERRORS,
            Deviation("/tool_choice/type", "enum"),
            Deviation("/required_action/type", "enum", ("submit_tool_approval",)),
        }
    ),
)
_STEP = Shape(
    schemas.RunStep,
    frozenset(
        {
            _OWN_ERRORS,
            Deviation("/step_details/tool_calls/*/type", "enum"),
            Deviation("/step_details/tool_calls/*/function/output", "missing"),
            Deviation("/step_details/type", "enum", ("activities",)),
            Deviation("/type", "enum", ("activities",)),
        }
    ),
)
_NEW_RUN = openai.OPENAI.requests["createRun"].deviations | {_NEW_TOOLS}

# What the gateway says itself; the rest comes from OpenAI's API behind it.
_GATEWAY = ("BadRequest", "PermissionDenied", "404")
_CASES = {
    "no_api_version": Case("Missing required query parameter: api-version", code="BadRequest"),
    "bad_key": Case(
        "Principal does not have access to API/Operation.", 401, code="PermissionDenied"
    ),
    "no_route": Case("Resource not found", 404, code="404"),
}


def _envelope(status: int, message: str, param: str | None, code: str | None) -> Json:
    if code in _GATEWAY:
        return {"error": {"code": code, "message": message}}
    return openai_errors.envelope(status, message, param, code)


def _headers(request_id: str) -> tuple[tuple[str, str], ...]:
    trace = str(UUID(request_id))
    return (
        ("apim-request-id", trace),
        ("openai-organization", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
        ("openai-processing-ms", str(int(request_id[:2], 16))),
        ("openai-version", "2020-10-01"),
        ("request-context", f"appId=cid-v1:{trace}"),
        ("x-ms-middleware-request-id", trace),
        ("x-ms-region", "West US"),
        ("x-request-id", request_id),
        ("x-request-time", f"0.{int(request_id[:3], 16)}"),
    )


def _shown(document: Json) -> Json:
    return {name: value for name, value in document.items() if name != "reasoning_effort"}


AZURE_AGENTS = replace(
    openai.OPENAI,
    name="azure_agents",
    requests={
        "createAssistant": Shape(schemas.CreateAssistant, frozenset({_NEW_TOOLS})),
        "modifyAssistant": Shape(schemas.ModifyAssistant, frozenset({_NEW_TOOLS})),
        "createThread": Shape(schemas.CreateThread),
        "modifyThread": Shape(schemas.ModifyThread),
        "createMessage": Shape(schemas.CreateMessage),
        "modifyMessage": Shape(ModifyMessage),
        "createRun": Shape(schemas.CreateRunRequest, _NEW_RUN),
        "modifyRun": Shape(ModifyRunRequest),
        "cancelRun": Shape(CancelRunRequest),
        "submitToolOuputsToRun": Shape(schemas.SubmitToolOutputsRequest),
        "createThreadAndRun": Shape(schemas.CreateThreadAndRunRequest, _NEW_RUN),
    },
    responses={
        **openai.responses(_RUN, Page[schemas.Run], _STEP, Page[schemas.RunStep]),
        **openai.beside_runs(Shape(schemas.Assistant, frozenset({_NEW_TOOLS}))),
    },
    events=openai.events(_RUN, _STEP),
    dialect=replace(
        openai.OPENAI.dialect,
        envelope=_envelope,
        headers=_headers,
        shown=lambda document: each(_shown, document),
        operations=ASSISTANTS | {"listThreads"},
        bases=_BASES,
        requires=(Requirement("query", "api-version", "", "no_api_version"),),
        cases=_CASES,
    ),
)
