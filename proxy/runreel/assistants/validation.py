"""Validation: findings as data.

Owns the translation of pydantic's errors into `Violation`s, and their severity. Models, wording
and order are a profile's. Never raises for what a message says and never decides whether a
message passes: that is the engine's business.

The findings of a request come in this order, and strict validation answers the first (a profile
whose API lists them answers all): 1. the body is one JSON document, 2. it is an object, 3. its
content in the profile's order, which for `openai` is at each level unknown members (as sent),
required ones, then member by member (as sent): the name, the value's type and size, what is
inside. So with metadata: unknown members, its type, at most 16 pairs, then pair by pair. Advice
comes last.
"""

import json
import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from runreel.assistants.operations import OPERATIONS
from runreel.assistants.profile import TAG, Finding, Profile, Shape, kind_of
from runreel.http import strict_json
from runreel.http.messages import Violation

ERROR, ADVICE = "error", "advice"
FINDINGS_MAX = 100  # of one body or event; nobody reads more
_NAME_MARK = "[key]"  # how pydantic says that an object's member name is meant, not its value


def check_request(
    profile: Profile, operation: str | None, body: bytes, content_type: str | None = None
) -> tuple[Violation, ...]:
    """The findings of a request body, in the order given above; empty where there is no model.

    Of an operation that may name metadata at least these are looked at. `content_type` is the value
    of that header, None if there is none.
    """
    shape = profile.requests.get(operation or "") or _metadata_alone(profile, operation, body)
    if shape is None:
        return ()
    if body and not profile.reads_json(content_type):
        body = json.dumps(body.decode("latin-1")).encode()  # to such an API it is a mere text
    document, findings = _findings(shape, body or profile.empty_bodies.get(operation or "", b""))
    found = [
        Violation(item.at, item.rule, _severity(shape, item), profile.word(item))
        for item in profile.ordered(document, findings)
    ]
    found.sort(key=lambda item: item.severity != ERROR)
    return tuple(found[:FINDINGS_MAX])


def _metadata_alone(profile: Profile, operation: str | None, body: bytes) -> Shape | None:
    known = OPERATIONS.get(operation or "")
    return profile.metadata if body and known is not None and known.names_metadata else None


def check_response(
    profile: Profile, operation: str | None, status: int, body: bytes
) -> tuple[Violation, ...]:
    """The findings of a 2xx response body that is JSON, not a stream; other statuses have none."""
    shape = profile.responses.get(operation or "") if 200 <= status < 300 else None
    return _check_answer(shape, body)


def check_event(profile: Profile, index: int, event: str, data: bytes) -> tuple[Violation, ...]:
    """The findings of one event of a streamed response; `at` begins with `/INDEX/data`."""
    shapes = (shape for beginning, shape in profile.events if event.startswith(beginning))
    return _check_answer(next(shapes, None), data, f"/{index}/data")


def _check_answer(shape: Shape | None, body: bytes, prefix: str = "") -> tuple[Violation, ...]:
    if shape is None:
        return ()
    _, findings = _findings(shape, body)
    return tuple(
        Violation(prefix + item.at, item.rule, _severity(shape, item), item.message)
        for item in findings[:FINDINGS_MAX]
    )


def _severity(shape: Shape, finding: Finding) -> str:
    at = re.sub(r"/[0-9]+(?=/|$)", "/*", finding.at)
    for deviation in shape.deviations:
        if (deviation.at, deviation.rule) == (at, finding.rule):
            return ADVICE if not deviation.only or finding.value in deviation.only else ERROR
    return ERROR


def forbids(violations: tuple[Violation, ...]) -> bool:
    """Whether strict validation stops a message with these findings; advice never does."""
    return any(item.severity == ERROR for item in violations)


# pydantic's error type -> our rule; any type that is not here is about the type of a value.
_RULES = {
    "extra_forbidden": "unknown",
    "missing": "missing",
    "too_long": "max_items",
    "too_short": "min_items",
    "string_too_long": "max_length",
    "greater_than_equal": "minimum",
    "less_than_equal": "maximum",
    "literal_error": "enum",
    "union_tag_invalid": "enum",
}


def _findings(shape: Shape, body: bytes) -> tuple[Any, list[Finding]]:
    """The document in a body (None if there is none), and what is wrong with it."""
    try:
        document = _document(body)
    except (UnicodeDecodeError, strict_json.Unreadable) as error:
        text = f"not one plain JSON document: {error}"
        return None, [Finding("", "json", text, str(error))]
    try:
        shape.model.model_validate(document)
    except ValidationError as error:
        return document, [_translated(item, document) for item in error.errors(include_url=False)]
    return document, []


def _document(body: bytes) -> Any:
    text = body.decode("utf-8")
    document = strict_json.document(text)
    if "\\u" not in text or "\\ud" not in text.lower():
        return document
    # An escaped lone surrogate is one character, but none that a model or a file could hold.
    return json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"))


def _translated(error: ErrorDetails, document: Any) -> Finding:
    if error["type"].startswith("union_tag_"):
        return _of_union(error, document)
    loc = list(error["loc"])
    # A member may be called like the mark; only an error about a name has that name as its input.
    about_name = loc[-1:] == [_NAME_MARK] and loc[-2:-1] == [error["input"]]
    rule, value = _RULES.get(error["type"], "type"), error["input"]
    if rule == "max_length" and about_name:
        rule = "max_name_length"
    if rule == "enum" and not isinstance(value, str):
        rule = "type"
    at = _pointer(loc[:-1] if about_name else loc, document, appends=rule in ("missing", "unknown"))
    if rule == "missing":
        return Finding(at, rule, _MISSING, kind=error["type"])
    message = error["msg"][:1].lower() + error["msg"][1:]
    if rule == "type":
        expected = "expected an object" if error["type"] in _NO_OBJECT else message
        message = f"{expected}, got {kind_of(value)}"
    return Finding(at, rule, message, value, error["type"], error.get("ctx", {}))


_MISSING = "field required"
_NO_OBJECT = ("dict_type", "model_type", "model_attributes_type")


def _of_union(error: ErrorDetails, document: Any) -> Finding:
    """Of a union that parts by `type`: without one that it knows, that member is what is wrong."""
    at, value = _pointer(list(error["loc"]), document, appends=False), error["input"]
    if not isinstance(value, dict):
        return Finding(at, "type", f"expected an object, got {kind_of(value)}", value, "model_type")
    at = strict_json.pointer(at, "type")
    if "type" not in value:
        return Finding(at, "missing", _MISSING, kind="missing")
    kind = value["type"]
    if not isinstance(kind, str):
        message = f"input should be a valid string, got {kind_of(kind)}"
        return Finding(at, "type", message, kind, "string_type")
    *tags, last = (
        f"'{tag}'" for tag in re.findall(f"'{TAG}([^']+)'", error["ctx"]["expected_tags"])
    )
    expected = f"{', '.join(tags)} or {last}"
    context = {"expected": expected}
    return Finding(at, "enum", f"input should be {expected}", kind, "literal_error", context)


def _pointer(loc: list[int | str], document: Any, *, appends: bool) -> str:
    """The JSON pointer of an error: pydantic's location less the union tags it holds."""
    at, value = "", document
    for index, step in enumerate(loc):
        if isinstance(value, list):
            there = isinstance(step, int) and step < len(value)
        else:
            there = isinstance(value, dict) and step in value
        if there:
            at, value = strict_json.pointer(at, step), value[step]
        elif appends and index == len(loc) - 1:
            at = strict_json.pointer(at, step)
    return at
