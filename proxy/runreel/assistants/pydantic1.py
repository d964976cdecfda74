"""What every server on FastAPI and pydantic 1 does with a request, OpenAI's first API among them.

It reads requests more kindly than JSON schema would: a number or a boolean where a text is
expected, and anything that Python's `dict()` takes (an empty list, an empty text, a list of pairs)
for an object. It has its own sentences and type names for what is wrong, in the order of the
members in the model, with unknown members after them by name.
"""

import re
from itertools import groupby
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from runreel.assistants.profile import Finding, Refusal, located
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


_READ = re.compile(r"(?P<error>.*): line \d+ column \d+ \(char (?P<char>\d+)\)")


def refuse(*violations: Violation) -> Refusal:
    """FastAPI lists every finding."""
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


def reads_json(content_type: str | None) -> bool:
    """FastAPI's rule: no content type at all will do, one that is not JSON's will not."""
    if not content_type:
        return True
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )
