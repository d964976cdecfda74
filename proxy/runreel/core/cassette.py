"""The cassette document, format 1: a readable JSON file.

Owns the translation between `Cassette` and its text, and all checks of a document that comes in.
Where the text is kept is a store's business. A document is refused as a whole or trusted as a
whole: every refusal names the JSON path.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from runreel.core import body, jsontext
from runreel.core.facets import facet
from runreel.core.messages import Headers, Interaction, Request, Response, Violation
from runreel.core.redaction import Redacted, request_of

FORMAT = 1
SIMULATOR = "simulator"
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")


class NotACassetteName(ValueError):
    """The text cannot name a cassette; the message says what can."""


class BadDocument(ValueError):
    """A document that is not a cassette of format 1: `at` is a JSON path, `reason` a sentence."""

    def __init__(self, at: str, reason: str) -> None:
        super().__init__(f"{at}: {reason}" if at else reason)


@dataclass(frozen=True, slots=True)
class Cassette:
    """A recording: where it came from, how it is matched, and its interactions in order."""

    upstream: str
    profile: str
    match_on: tuple[str, ...]
    redaction: tuple[str, ...]
    interactions: tuple[Redacted[Interaction], ...] = ()


def check_name(text: str) -> str:
    """The text itself, if it can name a cassette.

    Raises:
        NotACassetteName: with what to write instead.
    """
    if text.endswith(".json"):
        shorter = text.removesuffix(".json")
        raise NotACassetteName(
            f"{text!r} looks like a file; a cassette is named without folder and suffix, "
            f"as in {shorter.rpartition('/')[2]!r} (its folder is set with --cassettes)"
        )
    if not _NAME.fullmatch(text):
        raise NotACassetteName(
            f"{text!r} cannot name a cassette; use letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit, with '/' between folders"
        )
    return text


def dump(cassette: Cassette) -> str:
    """The document: UTF-8, LF, two-space indent, final newline. Equal cassettes, equal text."""
    document = {
        "format": FORMAT,
        "upstream": cassette.upstream,
        "profile": cassette.profile,
        "match_on": list(cassette.match_on),
        "redaction": list(cassette.redaction),
        "interactions": [interaction_document(item) for item in cassette.interactions],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


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
    form = body.render(value.response.body)
    if form is not None:
        digest = hashlib.sha256(value.response.body).hexdigest()
        document["response"]["body"] = {**form, "sha256": digest}
    if value.violations:
        document["violations"] = [
            {"at": item.at, "rule": item.rule, "severity": item.severity, "message": item.message}
            for item in value.violations
        ]
    return document


def request_document(request: Redacted[Request]) -> dict[str, Any]:
    """A request as it stands in a document, a receipt, or the input of `explain`."""
    value = request.value
    document: dict[str, Any] = {
        "method": value.method,
        "target": value.target,
        "headers": [list(pair) for pair in value.headers],
    }
    form = body.render(value.body)
    if form is not None:
        document["body"] = form
    return document


def parse(text: str) -> Cassette:
    """The cassette that a document holds.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique_members)
    except RecursionError:
        raise BadDocument("", "nested too deeply") from None
    except ValueError as error:
        raise BadDocument("", f"not readable as JSON: {error}") from None
    if isinstance(document, dict) and document.get("format", FORMAT) != FORMAT:
        raise BadDocument(
            "/format", f"format {document['format']!r} is not known here, only {FORMAT}"
        )
    try:
        return _Document.model_validate(document).cassette()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = "".join(jsontext.pointer("", step) for step in first["loc"])
        raise BadDocument(at, _READABLE.get(first["type"], first["msg"])) from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the member {name!r} stands twice in one object")
        members[name] = value
    return members


_READABLE = {
    "extra_forbidden": "unknown member; this version reads format 1 only",
    "missing": "a member that must be here is missing",
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


def _checked_facets(names: list[str]) -> list[str]:
    for name in names:
        facet(name)
    return names


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Header = Annotated[tuple[str, str], Field(strict=False), AfterValidator(_checked_header)]


class _Violation(_Part):
    at: str
    rule: str
    severity: Literal["error", "advice"]
    message: str


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
        return Response(self.status, _pairs(self.headers), restored)


class _Interaction(_Part):
    id: str = Field(min_length=1)
    operation: str | None
    recorded_at: str
    duration_ms: int = Field(ge=0)
    request: _Request
    response: _Response
    violations: list[_Violation] = []

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
        )


class _Document(_Part):
    format: Literal[1]
    upstream: str
    profile: str
    match_on: Annotated[list[str], Field(min_length=1), AfterValidator(_checked_facets)]
    redaction: list[str]
    interactions: list[_Interaction]

    def cassette(self) -> Cassette:
        seen: set[str] = set()
        interactions = []
        for index, item in enumerate(self.interactions):
            at = f"/interactions/{index}"
            if item.id in seen:
                raise BadDocument(f"{at}/id", f"the id {item.id!r} stands twice")
            seen.add(item.id)
            interactions.append(Redacted(item.value(at)))
        return Cassette(
            upstream=self.upstream,
            profile=self.profile,
            match_on=tuple(self.match_on),
            redaction=tuple(self.redaction),
            interactions=tuple(interactions),
        )


def _pairs(headers: list[tuple[str, str]]) -> Headers:
    return tuple((name, value) for name, value in headers)


def _bytes(form: dict[str, Any] | None, at: str) -> bytes:
    try:
        return body.restore(form)
    except (ValueError, RecursionError) as error:
        raise BadDocument(at, str(error)) from None
