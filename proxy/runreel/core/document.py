"""What a cassette document may hold, checked as it comes in.

Owns the reading of a document that somebody may have edited or made up: every refusal names the
JSON path. What is accepted here is trusted everywhere else. How a document is written is
`cassette`.
"""

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from runreel.core import body, jsontext
from runreel.core.facets import check_match_on
from runreel.core.messages import Headers, Interaction, Request, Response, Violation

FORMAT = 1
GONE = "gone"  # the client of an interaction that had left before the answer
_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})


class BadDocument(ValueError):
    """A document that is not a cassette of format 1: `at` is a JSON path, `reason` a sentence."""

    def __init__(self, at: str, reason: str) -> None:
        super().__init__(f"{at}: {reason}" if at else reason)
        self.at = at
        self.reason = reason


class _NotPlain(ValueError):
    """JSON that readers of different languages take for different things, or refuse."""


def read_json(text: str) -> Any:
    """The JSON value of a document.

    Raises:
        BadDocument: broken JSON, a member that stands twice, NaN or Infinity, nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadDocument("", "nested too deeply") from None
    except _NotPlain:
        raise BadDocument(*_flaw(text)) from None
    except ValueError as error:
        raise BadDocument("", f"not readable as JSON: {error}") from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotPlain
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise _NotPlain


def _flaw(text: str) -> tuple[str, str]:
    """Where the first thing stands that is not plain JSON, and what it is."""
    seen: set[str] = set()
    for span in jsontext.spans(text):
        token = text[span.start : span.end]
        if span.kind == "scalar" and token in _CONSTANTS:
            return span.at, f"{token} is not JSON"
        if span.kind == "name" and span.at in seen:
            return span.at, "this member stands twice in its object"
        seen.add(span.at)
    raise AssertionError("the reader refused a document without a flaw")


def read_document(document: Any) -> "Document":
    """A whole cassette document, from its JSON value.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    if isinstance(document, dict):
        found = document.get("format", FORMAT)
        if type(found) is not int or found != FORMAT:
            raise BadDocument("/format", f"format {found!r} is not known here, only {FORMAT}")
    return _validated(Document, document)


def read_interaction(document: Any) -> Interaction:
    """One interaction's document, from its JSON value.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return _validated(_Interaction, document).value("")


def read_request(document: Any) -> Request:
    """One request's document, from its JSON value.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return _validated(_Request, document).value("/body")


_Model = TypeVar("_Model", bound=BaseModel)


def _validated(model: type[_Model], document: Any) -> _Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = "".join(jsontext.pointer("", step) for step in first["loc"])
        readable = _READABLE.get(first["type"])
        plain = first["msg"].removeprefix("Value error, ")
        reason = plain if readable is None else readable.format(**first.get("ctx", {}))
        raise BadDocument(at, reason) from None


_READABLE = {
    "extra_forbidden": "unknown member; this version reads format 1 only",
    "missing": "a member that must be here is missing",
    "model_type": "an object must be here",
    "dict_type": "an object must be here",
    "list_type": "an array must be here",
    "tuple_type": "a header is an array of its name and its value",
    "too_long": "a header is an array of its name and its value",
    "string_type": "a string must be here",
    "int_type": "an integer must be here",
    "int_from_float": "an integer must be here",
    "greater_than_equal": "this number must be {ge} or more",
    "less_than_equal": "this number must be {le} or less",
    "literal_error": "this must be {expected}",
    "string_pattern_mismatch": "this must be a method in capital letters, as in POST",
    "string_too_short": "this must not be empty",
}


def _checked_header(pair: tuple[str, str]) -> tuple[str, str]:
    name, value = pair
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise ValueError(f"{name!r} is not a header name")
    if re.search(r"[^\t\x20-\x7e\x80-\xff]", value):
        raise ValueError(f"the value of {name!r} holds a character that no header may hold")
    return pair


def _checked_target(target: str) -> str:
    if not re.fullmatch(r"/[\x21-\x7e\x80-\xff]*", target):
        raise ValueError("a target begins with '/' and holds no space or control character")
    return target


def _checked_text(text: str) -> str:
    if not text.isascii():
        text.encode("utf-8")  # an escaped lone surrogate is a ValueError: no file could hold it
    return text


def _checked_facets(names: list[str]) -> list[str]:
    check_match_on(names)
    return names


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Text = Annotated[str, AfterValidator(_checked_text)]
_Header = Annotated[tuple[str, str], Field(strict=False), AfterValidator(_checked_header)]


class _Violation(_Part):
    at: _Text
    rule: _Text
    severity: Literal["error", "advice"]
    message: _Text


class _Request(_Part):
    method: str = Field(pattern=r"^[A-Z][A-Z0-9_-]*$")
    target: Annotated[str, AfterValidator(_checked_target)]
    headers: list[_Header] = []
    body: dict[str, Any] | None = None

    def value(self, at: str) -> Request:
        return Request(self.method, self.target, _pairs(self.headers), _bytes(self.body, at))


class _Response(_Part):
    status: int = Field(ge=200, le=599)
    headers: list[_Header] = []
    body: dict[str, Any] | None = None

    def value(self, at: str, name: str) -> Response:
        form = dict(self.body) if self.body is not None else None
        expected = form.pop("sha256", None) if form else None
        restored = _bytes(form, at)
        if expected is not None and hashlib.sha256(restored).hexdigest() != expected:
            raise BadDocument(
                f"{at}/sha256",
                f"the body of {name} is not the one that was recorded; "
                "if you edited it on purpose, delete this member",
            )
        return Response(self.status, _pairs(self.headers), restored, body.times(form))


class _Interaction(_Part):
    id: Annotated[_Text, Field(min_length=1)]
    operation: _Text | None
    recorded_at: str
    duration_ms: int = Field(ge=0)
    request: _Request
    response: _Response
    violations: list[_Violation] = []
    client: Literal["gone"] | None = None

    def value(self, at: str) -> Interaction:
        try:
            recorded_at = datetime.strptime(f"{self.recorded_at}+0000", "%Y-%m-%dT%H:%M:%SZ%z")
        except ValueError:
            raise BadDocument(
                f"{at}/recorded_at", "a time is written as 2026-03-31T10:15:02Z"
            ) from None
        return Interaction(
            id=self.id,
            operation=self.operation,
            recorded_at=recorded_at.astimezone(UTC),
            duration_ms=self.duration_ms,
            request=self.request.value(f"{at}/request/body"),
            response=self.response.value(f"{at}/response/body", self.id),
            violations=tuple(
                Violation(item.at, item.rule, item.severity, item.message)
                for item in self.violations
            ),
            client_gone=self.client == GONE,
        )


class Document(_Part):
    """A cassette document of format 1."""

    format: Literal[1]
    upstream: _Text
    profile: _Text
    match_on: Annotated[list[_Text], Field(min_length=1), AfterValidator(_checked_facets)]
    redaction: list[_Text]
    interactions: list[_Interaction]

    def values(self) -> tuple[Interaction, ...]:
        """The interactions, in order.

        Raises:
            BadDocument: two have one id, or a body or a time is not what it should be.
        """
        seen: set[str] = set()
        found = []
        for index, item in enumerate(self.interactions):
            at = f"/interactions/{index}"
            if item.id in seen:
                raise BadDocument(f"{at}/id", f"the id {item.id!r} stands twice")
            seen.add(item.id)
            found.append(item.value(at))
        return tuple(found)


def _pairs(headers: list[tuple[str, str]]) -> Headers:
    return tuple((name, value) for name, value in headers)


def _bytes(form: dict[str, Any] | None, at: str) -> bytes:
    try:
        return body.restore(form)
    except (ValueError, RecursionError) as error:
        raise BadDocument(at, str(error)) from None
