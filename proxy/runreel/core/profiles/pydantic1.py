"""How servers on pydantic 1 speak of what is wrong: rubra, and OpenAI's own first Assistants API.

Owns the sentences, their type names and their order. The order is that of the members in the
model, with unknown members after them by name. Knows no envelope.
"""

import re
from itertools import groupby
from typing import Any, NamedTuple

from runreel.core import jsontext
from runreel.core.messages import Violation
from runreel.core.profiles.profile import Finding, located

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
    return jsontext.steps(finding.at)[-1]
