"""What OpenAI's API says of a wrong request: sentences, codes and the order of findings.

The sentences about metadata were seen on the wire; the others are of the same family, as the API's
validator words them elsewhere. Servers that have OpenAI's behind them say the same.
"""

import re
from typing import Any

from runreel.assistants.profile import Finding, Refusal, kind_of, located
from runreel.http import strict_json
from runreel.http.messages import Violation

_EXPECTED = {
    "string_type": "a string",
    "bool_type": "a boolean",
    "int_type": "an integer",
    "float_type": "a decimal",
    "list_type": "an array of objects",
    "union_tag_not_found": "an object",
}
_DECIMALS = ("temperature", "top_p")
_STRING_ARRAYS = ("file_ids", "vector_store_ids")


def word(finding: Finding) -> str:
    """OpenAI's own sentence for a finding of a request."""
    param = _param(finding.at)
    match finding.rule:
        case "json":
            return (
                "We could not parse the JSON body of your request: it is not one plain JSON "
                f"document: {finding.value}."
            )
        case "unknown":
            return f"Unknown parameter: '{param}'."
        case "missing":
            return f"Missing required parameter: '{param}'."
        case "enum":
            return f"Invalid value: '{finding.value}'. Supported values are: {_values(finding)}."
        case "minimum" | "maximum":
            return _beyond(finding, param)
        case "max_items" | "min_items" | "max_length" | "max_name_length":
            return _too_long(finding, param)
        case _ if not param:
            return f"Invalid request body: {finding.message} instead."
    got = kind_of(finding.value)
    return f"Invalid type for '{param}': expected {_expected(finding)}, but got {got} instead."


def _expected(finding: Finding) -> str:
    name = _name(finding.at)
    if finding.kind == "literal_error":
        return f"one of {_values(finding, 'or')}"
    if name in _STRING_ARRAYS:
        return "an array of strings"
    return _EXPECTED.get(finding.kind, "a metadata object" if name == "metadata" else "an object")


def _beyond(finding: Finding, param: str) -> str:
    above = finding.rule == "maximum"
    side, sign, limit = ("above maximum", "<=", "le") if above else ("below minimum", ">=", "ge")
    return (
        f"Invalid '{param}': {_number(finding.at)} {side} value. Expected a value {sign} "
        f"{finding.context[limit]:g}, but got {finding.value} instead."
    )


def _too_long(finding: Finding, param: str) -> str:
    limit = finding.context.get("max_length")
    if finding.rule == "min_items":
        return (
            f"Invalid '{param}': empty array. Expected an array with minimum length "
            f"{finding.context['min_length']}, but got an empty array instead."
        )
    size = len(finding.value)
    if finding.rule == "max_name_length":
        parent, name = _param(finding.at.rpartition("/")[0]), finding.value
        return (
            f"Invalid property name in '{parent}': '{name[:3]}...{name[-3:]}' is too long. "
            f"Expected a string with maximum length {limit}, but got a string with length {size} "
            "instead."
        )
    if isinstance(finding.value, dict):
        return (
            f"Invalid '{param}': too many properties. Expected an object with at most {limit} "
            f"properties, but got an object with {size} properties instead."
        )
    what = "array" if isinstance(finding.value, list) else "string"
    article = "an" if what == "array" else "a"
    return (
        f"Invalid '{param}': {what} too long. Expected {article} {what} with maximum length "
        f"{limit}, but got {article} {what} with length {size} instead."
    )


def _values(finding: Finding, last: str = "and") -> str:
    some: list[str] = re.findall(r"'[^']*'", finding.context["expected"])
    final = some.pop()
    if not some:
        return final
    return f"{', '.join(some)}{',' if len(some) > 1 else ''} {last} {final}"


def _number(at: str) -> str:
    return "decimal" if _name(at) in _DECIMALS else "integer"


def _name(at: str) -> str:
    return (strict_json.steps(at) or ("",))[-1]


def _param(at: str) -> str:
    """A pointer as OpenAI writes it: `tools[0].function.name`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in located(at))
    return "".join(steps).removeprefix(".")


def reads_json(_: str | None) -> bool:
    """OpenAI's API reads every body as JSON, whatever it is called."""
    return True


def refuse(*violations: Violation) -> Refusal:
    """OpenAI answers the first finding only."""
    first = violations[0]
    return refusal(first.message, _param(first.at) or None, _code(first))


def refusal(message: str, param: str | None, code: str | None) -> Refusal:
    """A refusal in OpenAI's envelope."""
    return Refusal(400, envelope(400, message, param, code))


def envelope(_: int, message: str, param: str | None, code: str | None) -> dict[str, Any]:
    """OpenAI's envelope of an error, whatever its status."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return {"error": error}


def _code(violation: Violation) -> str:
    match violation.rule:
        case "minimum":
            return f"{_number(violation.at)}_below_min_value"
        case "maximum":
            return f"{_number(violation.at)}_above_max_value"
        case "max_items":
            of_object = _name(violation.at) == "metadata"
            return "object_above_max_properties" if of_object else "array_above_max_length"
    return _CODES[violation.rule]


_CODES = {
    "json": "invalid_json",
    "type": "invalid_type",
    "unknown": "unknown_parameter",
    "missing": "missing_required_parameter",
    "enum": "invalid_value",
    "min_items": "empty_array",
    "max_length": "string_above_max_length",
    "max_name_length": "property_name_above_max_length",
}


def ordered(document: Any, findings: list[Finding]) -> list[Finding]:
    """The documented order: at each level unknown members, missing ones, then the others as sent.

    A name comes before its value, and what is wrong with a value before what is wrong inside.
    """
    places: dict[str, dict[str, int]] = {}

    def place(finding: Finding) -> tuple[int, ...]:
        key: tuple[int, ...] = ()
        at, value = "", document
        for step in strict_json.steps(finding.at):
            if at not in places:
                places[at] = _places(value)
            index = places[at].get(step, 0)
            at = strict_json.pointer(at, step)
            value = _child(value, step)
            key = (*key, *_rank(finding, index, last=at == finding.at))
        return key

    return sorted(findings, key=place)


def _rank(finding: Finding, index: int, *, last: bool) -> tuple[int, int, int]:
    match finding.rule if last else None:
        case "unknown":
            return (0, 0, 0)  # as sent: so they come from pydantic, and sorting is stable
        case "missing":
            return (1, 0, 0)
        case None:
            return (2, index, 1)
    return (2, index, 0)


def _places(value: Any) -> dict[str, int]:
    names = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    return {str(name): place for place, name in enumerate(names)}


def _child(value: Any, step: str) -> Any:
    if isinstance(value, list):
        return value[int(step)] if step.isdecimal() and int(step) < len(value) else None
    return value.get(step) if isinstance(value, dict) else None
