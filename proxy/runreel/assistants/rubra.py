"""The profile `rubra`: rubra v0.0, an Assistants-compatible server on FastAPI and pydantic 1.

Source: its own models, and the server as it was run. It answers null where its schema says integer
or object; metadata is any JSON; there is no `incomplete`, no `usage`, and no limit on metadata.
Listing, cancelling and submitting are not there at all.

Here too is what every server on pydantic 1 does, OpenAI's own first Assistants API among them. It
reads requests more kindly than JSON schema would: a number or a boolean where a text is expected,
and anything that Python's `dict()` takes (an empty list, an empty text, a list of pairs) for an
object. It has its own sentences and type names for what is wrong, in the order of the members in
the model, with unknown members after them by name.
"""

import re
from itertools import groupby
from typing import Annotated, Any, Generic, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from runreel.assistants.profile import Finding, Profile, Refusal, Shape, located
from runreel.assistants.schemas import (
    BY_TYPE,
    Answered,
    CodeCall,
    Item,
    MessageCreation,
    Page,
    Plain,
    RequiredAction,
    RunBeginning,
    StepBeginning,
    StepError,
    StepToolCalls,
)
from runreel.http import strict_json
from runreel.http.messages import Violation

NO_JSON = "JSON decode error: "


class Entry(NamedTuple):
    """One finding as pydantic 1 reports it; `ctx` is empty where there is no limit to tell."""

    loc: tuple[str | int, ...]
    msg: str
    type: str
    ctx: dict[str, Any]


# pydantic 2's name for an error -> pydantic 1's sentence; what is not here is about an object.
_SENTENCES = {
    "extra_forbidden": "extra fields not permitted",
    "missing": "field required",
    "string_type": "str type expected",
    "string_too_short": "ensure this value has at least {min_length} characters",
    "string_too_long": "ensure this value has at most {max_length} characters",
    "bool_type": "value could not be parsed to a boolean",
    "bool_parsing": "value could not be parsed to a boolean",
    "int_type": "value is not a valid integer",
    "int_parsing": "value is not a valid integer",
    "int_from_float": "value is not a valid integer",
    "float_type": "value is not a valid float",
    "float_parsing": "value is not a valid float",
    "list_type": "value is not a valid list",
    "too_short": "ensure this value has at least {min_length} items",
    "too_long": "ensure this value has at most {max_length} items",
    "greater_than_equal": "ensure this value is greater than or equal to {ge}",
    "less_than_equal": "ensure this value is less than or equal to {le}",
}
_LIMIT = r"(?P<limit_value>\d+)"
_TYPES = tuple(
    (re.compile(sentence), name)
    for sentence, name in (
        ("extra fields not permitted", "value_error.extra"),
        ("field required", "value_error.missing"),
        ("none is not an allowed value", "type_error.none.not_allowed"),
        ("str type expected", "type_error.str"),
        ("value could not be parsed to a boolean", "type_error.bool"),
        ("value is not a valid integer", "type_error.integer"),
        ("value is not a valid float", "type_error.float"),
        ("value is not a valid list", "type_error.list"),
        (
            "value is not a valid enumeration member; permitted: (?P<enum_values>.+)",
            "type_error.enum",
        ),
        (f"ensure this value has at least {_LIMIT} characters", "value_error.any_str.min_length"),
        (f"ensure this value has at most {_LIMIT} characters", "value_error.any_str.max_length"),
        (f"ensure this value has at least {_LIMIT} items", "value_error.list.min_items"),
        (f"ensure this value has at most {_LIMIT} items", "value_error.list.max_items"),
        (f"ensure this value is greater than or equal to {_LIMIT}", "value_error.number.not_ge"),
        (f"ensure this value is less than or equal to {_LIMIT}", "value_error.number.not_le"),
    )
)


def word(finding: Finding) -> str:
    """Pydantic 1's sentence for a finding of a request."""
    if finding.rule == "json":
        return f"{NO_JSON}{finding.value}"
    if finding.rule == "type" and finding.value is None:
        return "none is not an allowed value" if finding.at else "field required"
    if finding.rule == "enum":
        permitted = ", ".join(re.findall(r"'[^']*'", finding.context["expected"]))
        return f"value is not a valid enumeration member; permitted: {permitted}"
    sentence = _SENTENCES.get(finding.kind, "value is not a valid dict")
    return sentence.format(**finding.context)


def entry(violation: Violation) -> Entry:
    """A violation with a sentence of `word`, as pydantic 1 reports it."""
    loc = ("body", *located(violation.at))
    for sentence, name in _TYPES:
        if match := sentence.fullmatch(violation.message):
            ctx = {key: _limit(key, text) for key, text in match.groupdict().items()}
            return Entry(loc, violation.message, name, ctx)
    return Entry(loc, violation.message, "type_error.dict", {})


def _limit(key: str, text: str) -> Any:
    return re.findall(r"'([^']*)'", text) if key == "enum_values" else int(text)


def ordered(_: Any, findings: list[Finding]) -> list[Finding]:
    """Findings as pydantic 1 meets them; they come from pydantic 2, which differs in two things.

    It takes unknown members as sent, and asks each member of a union about a null.
    """
    found: list[Finding] = []
    for parent, group in groupby(findings, key=_parent_of_unknown):
        members = list(group)
        found += members if parent is None else sorted(members, key=_name)
    nulls = {item.at: item for item in reversed(found) if _is_null(item)}
    return [item for item in found if not _is_null(item) or item is nulls[item.at]]


def _is_null(finding: Finding) -> bool:
    return finding.rule == "type" and finding.value is None


def _parent_of_unknown(finding: Finding) -> str | None:
    return finding.at.rpartition("/")[0] if finding.rule == "unknown" else None


def _name(finding: Finding) -> str:
    return strict_json.steps(finding.at)[-1]


def text(value: Any) -> Any:
    """A number or a boolean as text; anything else as it is."""
    return str(value) if isinstance(value, bool | int | float) else value


def mapping(value: Any) -> Any:
    """What `dict()` takes, as a dict; anything else as it is."""
    if value is None or isinstance(value, dict):
        return value
    try:
        return dict(value)
    except (TypeError, ValueError):
        return value


Text = Annotated[str, BeforeValidator(text)]
Mapping = Annotated[dict[str, Any], BeforeValidator(mapping)]


class Taken(BaseModel):
    """A part of a request in which more members are ignored."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _as_mapping(cls, value: Any) -> Any:
        return mapping(value)


class Closed(Taken):
    """A part of a request in which members that nobody documents are wrong."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class MetadataAlone(Taken):
    """A request that may name metadata, whatever else is in it."""

    metadata: Mapping | None = None


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


_READ = re.compile(r"(?P<error>.*): line \d+ column \d+ \(char (?P<char>\d+)\)")


def _refuse(*violations: Violation) -> Refusal:
    return Refusal(422, {"detail": [_detail(item) for item in violations]})


def _detail(violation: Violation) -> dict[str, Any]:
    if violation.rule == "json":
        return _no_json(violation.message.removeprefix(NO_JSON))
    loc, msg, name, ctx = entry(violation)
    detail = {"loc": list(loc), "msg": msg, "type": name}
    return detail | {"ctx": ctx} if ctx else detail


def _no_json(error: str) -> dict[str, Any]:
    read = _READ.fullmatch(error)
    return {
        "type": "json_invalid",
        "loc": ["body", int(read["char"]) if read else 0],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": read["error"] if read else error},
    }


def _reads_json(content_type: str | None) -> bool:
    """FastAPI's rule: no content type at all will do, one that is not JSON's will not."""
    if not content_type:
        return True
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )


_RUN, _STEP = Shape(Run), Shape(RunStep)
_REQUESTS = {
    "createRun": Shape(CreateRunRequest),
    "modifyRun": Shape(ModifyRunRequest),
}

RUBRA = Profile(
    name="rubra",
    requests=_REQUESTS,
    responses={
        "createRun": _RUN,
        "getRun": _RUN,
        "modifyRun": _RUN,
        "listRunSteps": Shape(Page[RunStep]),
        "getRunStep": _STEP,
    },
    events=(),
    empty_bodies=dict.fromkeys(_REQUESTS, b"null"),
    reads_json=_reads_json,
    ordered=ordered,
    word=word,
    refuse=_refuse,
    metadata=Shape(MetadataAlone),
)
