"""Validation: findings as data.

Owns the translation of pydantic's errors into `Violation`s, and their order. Models and wording
are a profile's. Never raises for what a message says and never decides whether a
message passes: that is the engine's business. The findings of a request come in this order, and
strict validation answers the first:

1. the body is one JSON document, 2. it is an object, 3. it has no unknown member (as sent),
4. `metadata` is an object, 5. it has at most 16 pairs, 6. pair by pair (as sent): the name is at
most 64 characters, the value is a string, the value is at most 512 characters.
"""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from runreel.core import jsontext
from runreel.core.messages import Violation
from runreel.core.profiles import Finding, Profile, kind_of

ERROR, ADVICE = "error", "advice"
_NAME_MARK = "[key]"  # how pydantic says that an object's member name is meant, not its value


def check_request(profile: Profile, operation: str | None, body: bytes) -> tuple[Violation, ...]:
    """The findings of a request body, in the order given above; empty where there is no model."""
    model = profile.requests.get(operation or "")
    if model is None:
        return ()
    findings = sorted(_findings(model, body), key=_request_order(body))
    return tuple(_violation(item, ERROR, profile.word(item)) for item in findings)


def check_response(
    profile: Profile, operation: str | None, status: int, body: bytes
) -> tuple[Violation, ...]:
    """The findings of a 2xx response body; other statuses have no model."""
    model = profile.responses.get(operation or "") if 200 <= status < 300 else None
    if model is None:
        return ()
    known = profile.known_deviations
    return tuple(
        _violation(item, ADVICE if (item.at, item.rule) in known else ERROR, item.message)
        for item in _findings(model, body)
    )


def _violation(finding: Finding, severity: str, message: str) -> Violation:
    return Violation(_storable(finding.at), finding.rule, severity, _storable(message))


def _storable(text: str) -> str:
    # A lone surrogate (from an escape in a name) is no text that a file in UTF-8 can hold.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def forbids(violations: tuple[Violation, ...]) -> bool:
    """Whether strict validation stops a message with these findings; advice never does."""
    return any(item.severity == ERROR for item in violations)


# pydantic's error type -> our rule; any type that is not here is about the type of a value.
_RULES = {
    "extra_forbidden": "unknown",
    "missing": "missing",
    "too_long": "max_items",
    "string_too_long": "max_length",
    "greater_than_equal": "minimum",
    "less_than_equal": "maximum",
    "literal_error": "enum",
    "union_tag_invalid": "enum",
}


def _findings(model: type[BaseModel], body: bytes) -> list[Finding]:
    try:
        document = jsontext.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, jsontext.Unreadable) as error:
        return [Finding("", "json", f"not one plain JSON document: {error}")]
    if not isinstance(document, dict):
        return [Finding("", "type", f"expected an object, got {kind_of(document)}", document)]
    try:
        model.model_validate(document)
    except ValidationError as error:
        return [_translated(item, document) for item in error.errors(include_url=False)]
    return []


def _translated(error: ErrorDetails, document: Any) -> Finding:
    loc = list(error["loc"])
    about_name = loc[-1] == _NAME_MARK
    rule = _RULES.get(error["type"], "type")
    if about_name and rule == "max_length":
        rule = "max_name_length"
    at = _pointer(loc[:-1] if about_name else loc, document, appends=rule == "missing")
    value = None if rule == "missing" else error["input"]
    return Finding(at, rule, _message(error, rule), value)


def _message(error: ErrorDetails, rule: str) -> str:
    text = error["msg"][:1].lower() + error["msg"][1:]
    return f"{text}, got {kind_of(error['input'])}" if rule == "type" else text


def _pointer(loc: list[int | str], document: Any, *, appends: bool) -> str:
    """The JSON pointer of an error: pydantic's location less the union tags it holds."""
    at, value = "", document
    for index, step in enumerate(loc):
        children = dict(enumerate(value)) if isinstance(value, list) else value
        if isinstance(children, dict) and step in children:
            at, value = jsontext.pointer(at, step), children[step]
        elif appends and index == len(loc) - 1:
            at = jsontext.pointer(at, step)
    return at


def _request_order(body: bytes) -> Callable[[Finding], tuple[int, int, int]]:
    """The place of a finding of modify run in the documented order."""
    try:
        document = jsontext.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, jsontext.Unreadable):
        document = None
    members = list(document) if isinstance(document, dict) else []
    metadata = document.get("metadata") if isinstance(document, dict) else None
    names = list(metadata) if isinstance(metadata, dict) else []

    def place(finding: Finding) -> tuple[int, int, int]:
        steps = jsontext.steps(finding.at)
        if len(steps) < 2:
            unknown = finding.rule == "unknown"
            return (0 if unknown else 1, members.index(steps[0]) if steps else 0, 0)
        return (2, names.index(steps[1]), 0 if finding.rule == "max_name_length" else 1)

    return place
