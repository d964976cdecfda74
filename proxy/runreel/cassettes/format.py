"""What a cassette document may hold, checked as it comes in.

Owns the reading of a document that somebody may have edited or made up: every refusal names the
JSON path. What is accepted here is trusted everywhere else. How a document is written is
`cassette`.

The cassette document, format 1: a readable JSON file.

Owns the translation between `Cassette` and its text, and what can name one. What a document may
hold is `document`; where the text is kept is a store's business. A document is refused as a whole
or trusted as a whole.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from runreel.cassettes import bodies
from runreel.http import strict_json
from runreel.http.messages import Headers, Interaction, Request, Response, Violation
from runreel.http.strict_json import BadDocument, read_json
from runreel.matching.matchers import MatchOn, check_match_on, in_order
from runreel.redaction.redactor import Redacted, request_of

FORMAT = 1
GONE = "gone"  # the client of an interaction that had left before the answer


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
        at = "".join(strict_json.pointer("", step) for step in first["loc"])
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
        return Response(self.status, _pairs(self.headers), restored, bodies.times(form))


class _Interaction(_Part):
    id: Annotated[_Text, Field(min_length=1)]
    operation: _Text | None
    recorded_at: str
    duration_ms: int = Field(ge=0)
    request: _Request
    response: _Response
    violations: list[_Violation] = []
    client: Literal["gone"] | None = None
    after: list[_Text] | None = None
    during: list[_Text] = []
    scope: _Text | None = None

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
            after=None if self.after is None else tuple(self.after),
            during=tuple(self.during),
            scope=self.scope,
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
        return bodies.restore(form)
    except (ValueError, RecursionError) as error:
        raise BadDocument(at, str(error)) from None


SIMULATOR = "simulator"
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")


class NotACassetteName(ValueError):
    """The text cannot name a cassette; the message says what can."""


@dataclass(frozen=True, slots=True)
class Cassette:
    """A recording: where it came from, how it is matched, and its interactions in order."""

    upstream: str
    profile: str
    match_on: MatchOn
    redaction: tuple[str, ...]
    interactions: tuple[Redacted[Interaction], ...] = ()


def check_name(text: str) -> str:
    """The text itself, if it can name a cassette.

    Raises:
        NotACassetteName: with what to write instead.
    """
    if text.endswith(".json"):
        shorter = text.removesuffix(".json")
        fitting = shorter if _NAME.fullmatch(shorter) else re.split(r"[/\\]", shorter)[-1]
        example = f", as in {fitting!r}" if _NAME.fullmatch(fitting) else ""
        raise NotACassetteName(
            f"{text!r} looks like a file; a cassette is named without its suffix, below the "
            f"folder that --cassettes sets{example}"
        )
    if not _NAME.fullmatch(text):
        raise NotACassetteName(
            f"{text!r} cannot name a cassette; use letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit, at most 81 in a row, with '/' between folders"
        )
    return text


def dump(cassette: Cassette) -> str:
    """The document: UTF-8, LF, two-space indent, final newline. Equal cassettes, equal text."""
    document = header_document(cassette)
    document["interactions"] = [interaction_document(item) for item in cassette.interactions]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def header_document(cassette: Cassette) -> dict[str, Any]:
    """A cassette's document without its interactions."""
    return {
        "format": FORMAT,
        "upstream": cassette.upstream,
        "profile": cassette.profile,
        "match_on": list(cassette.match_on),
        "redaction": list(cassette.redaction),
    }


def interaction_document(interaction: Redacted[Interaction]) -> dict[str, Any]:
    """One interaction as it stands in a document."""
    value = interaction.value
    document: dict[str, Any] = {
        "id": value.id,
        "operation": value.operation,
        "recorded_at": value.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "duration_ms": value.duration_ms,
        "request": request_document(request_of(interaction)),
        "response": {
            "status": value.response.status,
            "headers": [list(pair) for pair in value.response.headers],
        },
    }
    form = bodies.render(value.response.body, value.response.at_ms)
    if form is not None:
        digest = hashlib.sha256(value.response.body).hexdigest()
        document["response"]["body"] = {**form, "sha256": digest}
    if value.violations:
        document["violations"] = [
            {"at": item.at, "rule": item.rule, "severity": item.severity, "message": item.message}
            for item in value.violations
        ]
    if value.client_gone:
        document["client"] = GONE
    if value.after is not None:
        document["after"] = list(value.after)
    if value.during:
        document["during"] = list(value.during)
    if value.scope is not None:
        document["scope"] = value.scope
    return document


def request_document(request: Redacted[Request]) -> dict[str, Any]:
    """A request as it stands in a document, a receipt, or the input of `explain`."""
    value = request.value
    document: dict[str, Any] = {
        "method": value.method,
        "target": value.target,
        "headers": [list(pair) for pair in value.headers],
    }
    form = bodies.render(value.body)
    if form is not None:
        document["body"] = form
    return document


def check_storable(interaction: Redacted[Interaction]) -> None:
    """Return if a cassette with this interaction could be read back.

    Raises:
        BadDocument: it could not: an upstream can send what no cassette may hold, such as the
            status 999 or a control character in a header.
    """
    read_interaction(interaction_document(interaction))


def parse(text: str) -> Cassette:
    """The cassette that a document holds.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return _cassette(read_document(read_json(text)))


def parse_header(header: dict[str, Any]) -> Cassette:
    """The cassette of a `header_document`, without interactions.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return _cassette(read_document(header | {"interactions": []}))


def parse_interaction(document: dict[str, Any]) -> Redacted[Interaction]:
    """The interaction of an `interaction_document`.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return Redacted(read_interaction(document))


def _cassette(document: Document) -> Cassette:
    return Cassette(
        upstream=document.upstream,
        profile=document.profile,
        match_on=in_order(document.match_on),
        redaction=tuple(document.redaction),
        interactions=tuple(Redacted(value) for value in document.values()),
    )
