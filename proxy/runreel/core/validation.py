"""Validation: findings as data.

Owns the translation of pydantic's errors into `Violation`s, and their order. Models and wording
are a profile's. Never raises for what a message says and never decides whether a
message passes: that is the engine's business. The findings of a request come in this order, and
strict validation answers the first:

1. the body is one JSON document, 2. it is an object, 3. it has no unknown member (as sent),
4. `metadata` is an object, 5. it has at most 16 pairs, 6. pair by pair (as sent): the name is at
most 64 characters, the value is a string, the value is at most 512 characters.
"""

import json
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
    document, findings = _findings(model, body)
    findings.sort(key=_request_order(document))
    return tuple(Violation(item.at, item.rule, ERROR, profile.word(item)) for item in findings)


def check_response(
    profile: Profile, operation: str | None, status: int, body: bytes
) -> tuple[Violation, ...]:
    """The findings of a 2xx response body; other statuses have no model."""
    model = profile.responses.get(operation or "") if 200 <= status < 300 else None
    if model is None:
        return ()
    _, findings = _findings(model, body)
    return tuple(
        Violation(item.at, item.rule, _severity(profile, item), item.message) for item in findings
    )


def _severity(profile: Profile, finding: Finding) -> str:
    known = (finding.at, finding.rule) in profile.known_deviations
    # A known deviation of type is a null; any other type would be news.
    return ADVICE if known and (finding.rule != "type" or finding.value is None) else ERROR


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


def _findings(model: type[BaseModel], body: bytes) -> tuple[Any, list[Finding]]:
    """The document in a body (None if there is none), and what is wrong with it."""
    try:
        document = _document(body)
    except (UnicodeDecodeError, jsontext.Unreadable) as error:
        return None, [Finding("", "json", f"not one plain JSON document: {error}")]
    if not isinstance(document, dict):
        wrong = Finding("", "type", f"expected an object, got {kind_of(document)}", document)
        return document, [wrong]
    try:
        model.model_validate(document)
    except ValidationError as error:
        return document, [_translated(item, document) for item in error.errors(include_url=False)]
    return document, []


def _document(body: bytes) -> Any:
    text = body.decode("utf-8")
    document = jsontext.loads(text)
    if "\\ud" not in text.lower():
        return document
    # An escaped lone surrogate is one character, but none that a model or a file could hold.
    return json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))


def _translated(error: ErrorDetails, document: Any) -> Finding:
    loc = list(error["loc"])
    # A member may be called like the mark; only an error about a name has that name as its input.
    about_name = loc[-1] == _NAME_MARK and loc[-2:-1] == [error["input"]]
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
        if isinstance(value, list):
            there = isinstance(step, int) and step < len(value)
        else:
            there = isinstance(value, dict) and step in value
        if there:
            at, value = jsontext.pointer(at, step), value[step]
        elif appends and index == len(loc) - 1:
            at = jsontext.pointer(at, step)
    return at


def _request_order(document: Any) -> Callable[[Finding], tuple[int, int, int]]:
    """The place of a finding of modify run in the documented order."""
    members = _places(document)
    names = _places(document.get("metadata") if isinstance(document, dict) else None)

    def place(finding: Finding) -> tuple[int, int, int]:
        match jsontext.steps(finding.at):
            case ("metadata", name):
                return (3, names[name], 0 if finding.rule == "max_name_length" else 1)
            case ("metadata",) if finding.rule != "unknown":
                return (2, 0, 0)
            case (name,):
                return (1, members[name], 0)
        return (0, 0, 0)

    return place


def _places(value: Any) -> dict[str, int]:
    return {name: place for place, name in enumerate(value)} if isinstance(value, dict) else {}
