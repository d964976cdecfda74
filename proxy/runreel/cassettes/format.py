"""The cassette document, format 1: a readable JSON file, and what can name one.

Owns the translation between `Cassette` and its text. A document that somebody may have edited or
made up is refused as a whole, with the JSON path of what is wrong, or trusted as a whole: what is
accepted here is trusted everywhere else. Where the text is kept is a store's business.

A `digest` covers what replay stands on, so that no edit goes unnoticed. It is the SHA-256, in hex,
of pieces in this order, each written as a netstring (its length in decimal digits, a colon, its
bytes, a comma):

    method, target, number of request headers, name and value of each, request body,
    `answered`, `gone` (the client) or the slug of the failure, and unless it failed:
    status, number of response headers, name and value of each, response body

Texts are in latin-1, as on the wire, numbers in decimal digits, bodies the bytes that are replayed.
When something was recorded, how long it took, and what stood before it is not covered: it may be
another for recordings that say the same.

What the first build wrote is read too, and known by its list `redaction`: headers are pairs, and in
place of the digest stands the `sha256` of a response's body. A mixture of both is refused.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from runreel.cassettes import bodies
from runreel.http import strict_json
from runreel.http.messages import NO_RESPONSE, Headers, Interaction, Request, Response, Violation
from runreel.http.strict_json import BadDocument, read_json
from runreel.matching.matchers import MatchOn, check_match_on, in_order
from runreel.redaction.redactor import Redacted, request_of
from runreel.redaction.rules import PLACEHOLDER

FORMAT = 1
GONE = "gone"  # the client of an interaction that had left before the answer


_RULES = "redaction"  # a list of rules, by which a document of the first build is known


def read_document(document: Any) -> "Document":
    """A whole cassette document, from its JSON value.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    first_build = False
    if isinstance(document, dict):
        found = document.get("format", FORMAT)
        if type(found) is not int or found != FORMAT:
            raise BadDocument("/format", f"format {found!r} is not known here, only {FORMAT}")
        first_build = _RULES in document
        for name in ("salt", "incomplete", "upstream_name"):
            if first_build and name in document:
                raise BadDocument(f"/{name}", _NOT_OF_THE_FIRST_BUILD)
    return _validated(Document, document, first_build=first_build)


def read_interaction(document: Any, *, first_build: bool = False) -> Interaction:
    """One interaction's document, from its JSON value; `first_build` says who wrote it.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    found = _validated(_Interaction, document, first_build=first_build)
    return found.value("", first_build=first_build)


def read_request(document: Any) -> Request:
    """One request's document, from its JSON value; also as the first build wrote it.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    headers = document.get("headers") if isinstance(document, dict) else None
    first_build = isinstance(headers, list) and any(isinstance(item, list) for item in headers)
    return _validated(_Request, document, first_build=first_build).value("/body")


_Model = TypeVar("_Model", bound=BaseModel)


def _validated(model: type[_Model], document: Any, *, first_build: bool) -> _Model:
    try:
        return model.model_validate(document, context=first_build)
    except ValidationError as error:
        first = min(error.errors(include_url=False), key=lambda one: not _misspelt(one))
        at = "".join(strict_json.pointer("", step) for step in first["loc"])
        readable = _READABLE.get(first["type"])
        plain = first["msg"].removeprefix("Value error, ")
        reason = plain if readable is None else readable.format(**first.get("ctx", {}))
        if near := _misspelt(first):
            reason = f"unknown member; '{near[0]}' may be meant"
        raise BadDocument(at, reason) from None


def _misspelt(error: ErrorDetails) -> list[str]:
    """The member that is meant, if one is that is not known."""
    if error["type"] != "extra_forbidden":
        return []
    models = (Document, _Interaction, _Request, _Response, _Violation)
    names = [name for model in models for name in model.model_fields]
    return get_close_matches(str(error["loc"][-1]), names, n=1, cutoff=0.75)


_NOT_OF_THE_FIRST_BUILD = (
    "the first build of runreel wrote the rest, as its list `redaction` shows, and never this; "
    "take it out, or write all as today and take `redaction` out"
)
_ONLY_OF_THE_FIRST_BUILD = (
    "only the first build of runreel wrote this, and the rest is written as today; take it out"
)
_A_LINE = "a header is one string, its name and its value, as in 'Content-Type: text/plain'"
_A_PAIR = (
    "a header is an array of its name and its value in what the first build of runreel wrote, and "
    "the rest shows that it did"
)

_READABLE = {
    "extra_forbidden": "unknown member; this version reads format 1 only",
    "missing": "a member that must be here is missing",
    "model_type": "an object must be here",
    "dict_type": "an object must be here",
    "list_type": "an array must be here",
    "string_type": "a string must be here",
    "int_type": "an integer must be here",
    "int_from_float": "an integer must be here",
    "greater_than_equal": "this number must be {ge} or more",
    "less_than_equal": "this number must be {le} or less",
    "literal_error": "this must be {expected}",
    "string_too_short": "this must not be empty",
    "too_short": "this must not be empty",
}


def header_line(name: str, value: str) -> str:
    """A header as it stands in a document; `read_header_line` gives both back."""
    return f"{name}: {value}"


def read_header_line(line: str) -> tuple[str, str]:
    """The name and the value of a header of a document.

    One space after the colon is none of the value; an editor may have taken it from an empty one.

    Raises:
        ValueError: it is not one, with the reason.
    """
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(_A_LINE)
    return _checked_header(name, value.removeprefix(" "))


def _read_header(item: Any, info: ValidationInfo) -> tuple[str, str]:
    match item:
        case str() if not info.context:
            return read_header_line(item)
        case [str(name), str(value)] if info.context:
            return _checked_header(name, value)
    raise ValueError(_A_PAIR if info.context else _A_LINE)


def _checked_header(name: str, value: str) -> tuple[str, str]:
    if not _NAME_OF_HEADER.fullmatch(name):
        raise ValueError(f"{name!r} is not a header name")
    if _NO_VALUE.search(value):
        raise ValueError(f"the value of {name!r} holds a character that no header may hold")
    return name, value


def _matching(pattern: re.Pattern[str], reason: str) -> Callable[[str], str]:
    """A check that a whole text matches."""

    def checked(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(reason)
        return text

    return checked


_NAME_OF_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NO_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_METHOD = re.compile(r"[A-Z][A-Z0-9_-]*")
_TARGET = re.compile(r"/[\x21-\x7e\x80-\xff]*")
_SLUG = re.compile(r"[a-z]+(_[a-z]+)*")
_UPSTREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_SALT = re.compile(r"([0-9a-f]{32})?")
_SEVERITIES = ("error", "advice")
_A_METHOD = "this must be a method in capital letters, as in POST"
_A_SLUG = "this must be a slug, as in upstream_timeout"
_A_SALT = "this must be 32 hex digits"


def _checked_target(target: str) -> str:
    if not _TARGET.fullmatch(target):
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
_Id = Annotated[_Text, Field(min_length=1)]
_Header = Annotated[tuple[str, str], BeforeValidator(_read_header)]


class _Violation(_Part):
    at: _Text
    rule: _Text
    severity: Literal["error", "advice"]
    message: _Text


class _Request(_Part):
    method: Annotated[str, AfterValidator(_matching(_METHOD, _A_METHOD))]
    target: Annotated[str, AfterValidator(_checked_target)]
    headers: list[_Header] = []
    body: dict[str, Any] | None = None

    def value(self, at: str) -> Request:
        return Request(self.method, self.target, tuple(self.headers), _bytes(self.body, at))


class _Response(_Part):
    status: int = Field(ge=200, le=599)
    headers: list[_Header] = []
    body: dict[str, Any] | None = None

    def value(self, at: str, name: str, *, first_build: bool) -> Response:
        form = dict(self.body) if self.body is not None else None
        expected = form.pop("sha256", None) if form else None
        if expected is not None and not first_build:
            raise BadDocument(f"{at}/sha256", _ONLY_OF_THE_FIRST_BUILD)
        restored = _bytes(form, at)
        if expected is not None and hashlib.sha256(restored).hexdigest() != expected:
            raise BadDocument(
                f"{at}/sha256",
                f"the body of {name} is not the one that was recorded; {_IF_ON_PURPOSE}",
            )
        return Response(self.status, tuple(self.headers), restored, bodies.times(form))


_PLACEHOLDER_OF_THE_FIRST_BUILD = "[redacted]"
_IF_ON_PURPOSE = "if you edited it on purpose, delete this member"


class _Interaction(_Part):
    id: _Id
    operation: _Text | None
    recorded_at: str
    duration_ms: int = Field(ge=0)
    scope: _Id | None = None
    after: list[_Id] | None = None
    during: list[_Id] = []
    request: _Request
    response: _Response | None = None
    failed: Annotated[str, AfterValidator(_matching(_SLUG, _A_SLUG))] | None = None
    violations: list[_Violation] = []
    client: Literal["gone"] | None = None
    digest: str | None = None

    def _request(self, at: str, *, first_build: bool) -> Request:
        request = self.request.value(f"{at}/request/body")
        if not first_build:
            return request
        # It says of a secret what is said now, or no request of today would match it.
        return Request(
            request.method,
            request.target.replace(_PLACEHOLDER_OF_THE_FIRST_BUILD, PLACEHOLDER),
            tuple(
                (name, value.replace(_PLACEHOLDER_OF_THE_FIRST_BUILD, PLACEHOLDER))
                for name, value in request.headers
            ),
            request.body.replace(_PLACEHOLDER_OF_THE_FIRST_BUILD.encode(), PLACEHOLDER.encode()),
        )

    def value(self, at: str, *, first_build: bool) -> Interaction:
        try:
            recorded_at = datetime.strptime(f"{self.recorded_at}+0000", "%Y-%m-%dT%H:%M:%SZ%z")
        except ValueError:
            raise BadDocument(
                f"{at}/recorded_at", "a time is written as 2026-03-31T10:15:02Z"
            ) from None
        if first_build and (new := self.model_fields_set & _NEW_MEMBERS):
            raise BadDocument(f"{at}/{min(new)}", _NOT_OF_THE_FIRST_BUILD)
        interaction = Interaction(
            id=self.id,
            operation=self.operation,
            recorded_at=recorded_at.astimezone(UTC),
            duration_ms=self.duration_ms,
            request=self._request(at, first_build=first_build),
            response=self._response(at, first_build=first_build),
            violations=tuple(
                Violation(item.at, item.rule, item.severity, item.message)
                for item in self.violations
            ),
            client_gone=self.client == GONE,
            failed=self.failed,
            after=None if self.after is None else tuple(self.after),
            during=tuple(self.during),
            scope=self.scope,
        )
        if self.digest is not None and self.digest != digest_of(interaction):
            raise BadDocument(
                f"{at}/digest",
                f"the request or the response of {self.id} is not the one that was recorded; "
                f"{_IF_ON_PURPOSE}",
            )
        return interaction

    def _response(self, at: str, *, first_build: bool) -> Response:
        if (self.response is None) == (self.failed is None):
            raise BadDocument(f"{at}/response", "either this or `failed` must be here")
        if self.response is None:
            return NO_RESPONSE
        return self.response.value(f"{at}/response/body", self.id, first_build=first_build)


_NEW_MEMBERS = frozenset({"scope", "after", "during", "failed", "digest"})


def check_upstream_name(text: str) -> str:
    """The text itself, if an upstream can be called so.

    Raises:
        ValueError: it cannot, with what can.
    """
    if not _UPSTREAM_NAME.fullmatch(text):
        raise ValueError(
            "the name of an upstream is a letter or digit and up to 80 of these, '.', '_' or '-'"
        )
    return text


class Document(_Part):
    """A cassette document of format 1."""

    format: Literal[1]
    upstream: _Text
    upstream_name: Annotated[str, AfterValidator(check_upstream_name)] | None = None
    profile: _Text
    match_on: Annotated[list[_Text], Field(min_length=1), AfterValidator(_checked_facets)]
    redaction: list[_Text] | None = None
    salt: Annotated[str, AfterValidator(_matching(_SALT, _A_SALT))] = ""
    incomplete: _Id | None = None
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
            found.append(item.value(at, first_build=self.redaction is not None))
        return tuple(found)


def _bytes(form: dict[str, Any] | None, at: str) -> bytes:
    try:
        return bodies.restore(form)
    except (ValueError, RecursionError) as error:
        raise BadDocument(at, str(error)) from None


SIMULATOR = "simulator"
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._\[\]-]{0,80}"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")


class NotACassetteName(ValueError):
    """The text cannot name a cassette; the message says what can."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Cassette:
    """A recording: where it came from, how it is matched, and its interactions in order.

    `upstream_name` is what its upstream is called by whoever recorded it, if it was given a name.
    `salt` (32 hex digits, random and public) goes into the placeholders of what was redacted, and
    stays for as long as the cassette does; it is empty where none was needed yet. `incomplete` is
    a sentence that says what is missing, if anything is known to be.
    """

    upstream: str
    profile: str
    match_on: MatchOn
    salt: str
    interactions: Sequence[Redacted[Interaction]] = ()
    incomplete: str | None = None
    upstream_name: str | None = None


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
            f"{text!r} cannot name a cassette; use letters, digits, '.', '_', '-', "
            "'[' and ']', beginning with a letter or digit, at most 81 in a row, with '/' between "
            "folders"
        )
    return text


def one_salt(first: str, second: str) -> str:
    """The salt of what two recordings become together: the one there is, or that of both.

    Raises:
        BadDocument: they have two, so placeholders of equal values would differ.
    """
    if first and second and first != second:
        raise BadDocument(
            "",
            "was recorded with another salt, so its placeholders would not match; keep the two "
            "under names of their own",
        )
    return first or second


def dump(cassette: Cassette) -> str:
    """The document: UTF-8, LF, two-space indent, final newline. Equal cassettes, equal text.

    What stands before the interactions has one line for each member, so that a reader sees them.
    """
    return b"".join(dumped(cassette, cassette.interactions)).decode("utf-8")


def dumped(header: Cassette, interactions: Iterable[Redacted[Interaction]]) -> Iterator[bytes]:
    """The same document in pieces: the head, one for each of some interactions, and the end.

    Raises:
        UnicodeEncodeError: a text holds a lone surrogate, which no file could.
    """
    head = (
        f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)},\n"
        for name, value in header_document(header).items()
    )
    opening = ("{\n" + "".join(head) + _INTERACTIONS).encode("utf-8")
    before = opening + b"[\n"
    for item in interactions:
        yield before + _piece(interaction_document(item))
        before = b",\n"
    yield opening + b"[]\n}\n" if before != b",\n" else _AFTER


_INTERACTIONS = '  "interactions": '
_BETWEEN = b"\n    },\n"  # two interactions
_AFTER = b"\n  ]\n}\n"  # the last one
_LEVELS = 2  # of the document, above an interaction


def _piece(document: dict[str, Any]) -> bytes:
    natively = strict_json.written_natively(document, indent=True, levels=_LEVELS, finite=True)
    if natively is not None:
        return natively
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return ("    " + text.replace("\n", "\n    ")).encode("utf-8")


def header_document(cassette: Cassette) -> dict[str, Any]:
    """A cassette's document without its interactions."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "upstream": cassette.upstream,
        **({} if cassette.upstream_name is None else {"upstream_name": cassette.upstream_name}),
        "profile": cassette.profile,
        "match_on": list(cassette.match_on),
    }
    if cassette.salt:
        document["salt"] = cassette.salt
    if cassette.incomplete is not None:
        document["incomplete"] = cassette.incomplete
    return document


def interaction_document(
    interaction: Redacted[Interaction], *, readable: bool = True
) -> dict[str, Any]:
    """One interaction as it stands in a document; unless it is to be `readable`, its bodies are
    texts and it has no digest, which takes less time.
    """
    value = interaction.value
    form = bodies.render if readable else bodies.plain
    document: dict[str, Any] = {
        "id": value.id,
        "operation": value.operation,
        "recorded_at": _written_time(value.recorded_at),
        "duration_ms": value.duration_ms,
    }
    if value.scope is not None:
        document["scope"] = value.scope
    if value.after is not None:
        document["after"] = list(value.after)
    if value.during:
        document["during"] = list(value.during)
    document["request"] = request_document(request_of(interaction), form)
    if value.failed is None:
        document["response"] = _response_document(value.response, form)
    else:
        document["failed"] = value.failed
    if value.violations:
        document["violations"] = [
            {"at": item.at, "rule": item.rule, "severity": item.severity, "message": item.message}
            for item in value.violations
        ]
    if value.client_gone:
        document["client"] = GONE
    if readable:
        document["digest"] = digest_of(value)
    return document


@lru_cache(maxsize=1024)  # many calls are made in one second
def _written_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


_Form = Callable[[bytes, tuple[int, ...] | None], dict[str, Any] | None]


def request_document(request: Redacted[Request], render: _Form = bodies.render) -> dict[str, Any]:
    """A request as it stands in a document, a receipt, or the input of `explain`."""
    value = request.value
    document: dict[str, Any] = {
        "method": value.method,
        "target": value.target,
        "headers": [header_line(*pair) for pair in value.headers],
    }
    form = render(value.body, None)
    if form is not None:
        document["body"] = form
    return document


def _response_document(response: Response, render: _Form) -> dict[str, Any]:
    document: dict[str, Any] = {
        "status": response.status,
        "headers": [header_line(*pair) for pair in response.headers],
    }
    form = render(response.body, response.at_ms)
    if form is not None:
        document["body"] = form
    return document


def digest_of(interaction: Interaction) -> str:
    """The digest of what replay stands on, as the head of this module describes it."""
    request, response = interaction.request, interaction.response
    outcome = interaction.failed or (GONE if interaction.client_gone else "answered")
    method, target = request.method.encode("latin-1"), request.target.encode("latin-1")
    covered = b"%d:%b,%d:%b,%b%d:%b,%d:%b," % (
        *(len(method), method, len(target), target, _header_netstrings(request.headers)),
        *(len(request.body), request.body, len(outcome), outcome.encode("ascii")),
    )
    if interaction.failed is None:
        covered += b"%b%b%d:%b," % (
            *(_netstring(b"%d" % response.status), _header_netstrings(response.headers)),
            *(len(response.body), response.body),
        )
    return hashlib.sha256(covered).hexdigest()


def _netstring(piece: bytes) -> bytes:
    return b"%d:%b," % (len(piece), piece)


@lru_cache(maxsize=1024)  # many recordings have the same ones
def _header_netstrings(headers: Headers) -> bytes:
    texts = (text.encode("latin-1") for pair in headers for text in pair)
    return b"".join(map(_netstring, (b"%d" % len(headers), *texts)))


def check_storable(interaction: Redacted[Interaction]) -> None:
    """Return if a cassette with this interaction could be read back.

    Raises:
        BadDocument: it could not: an upstream can send what no cassette may hold, such as the
            status 999 or a control character in a header.
    """
    value = interaction.value
    if not _is_plain(value):
        check_exchange(value.request, None if value.failed else value.response)
        read_interaction(interaction_document(interaction))


def _is_plain(value: Interaction) -> bool:
    """Whether any cassette may hold an interaction, as a look at its parts tells: most can be read
    back, and to try it takes longer than all else that is done with them. Bodies always can.
    """
    request, response = value.request, value.response
    texts = (value.id, value.operation, *(text for one in value.violations for text in _said(one)))
    return (
        value.failed is None
        and response.at_ms is None
        and 200 <= response.status <= 599
        and value.recorded_at.year >= _FOUR_DIGITS
        and _METHOD.fullmatch(request.method) is not None
        and _TARGET.fullmatch(request.target) is not None
        and all(_is_a_header(*pair) for pair in (*request.headers, *response.headers))
        and all(text is None or text.isascii() for text in texts)
    )


_FOUR_DIGITS = 1000  # of a year


@lru_cache(maxsize=4096)
def _is_a_header(name: str, value: str) -> bool:
    return _NAME_OF_HEADER.fullmatch(name) is not None and not _NO_VALUE.search(value)


def _said(violation: Violation) -> tuple[str, str, str]:
    return violation.at, violation.rule, violation.message


def check_exchange(request: Request, response: Response | None) -> None:
    """Return if a cassette may hold these but for their bodies.

    Raises:
        BadDocument: with the JSON path below an interaction of what it may not hold.
    """
    # As pairs: in a line, the colon of a name that is none would be taken for the end of it.
    document = {"method": request.method, "target": request.target}
    _checked_side(_Request, "/request", document, request.headers)
    if response is not None:
        _checked_side(_Response, "/response", {"status": response.status}, response.headers)


def _checked_side(model: type[_Part], at: str, document: dict[str, Any], headers: Headers) -> None:
    pairs = [list(pair) for pair in headers]
    try:
        _validated(model, document | {"headers": pairs}, first_build=True)
    except BadDocument as error:
        raise BadDocument(at + error.at, error.reason) from None


def parse(text: str) -> Cassette:
    """The cassette that a document holds.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return _whole(read_document(read_json(text)))


def parse_header(header: dict[str, Any]) -> Cassette:
    """The cassette of a `header_document`, without interactions.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return _whole(read_document(header | {"interactions": []}))


def parse_interaction(
    document: dict[str, Any], *, first_build: bool = False
) -> Redacted[Interaction]:
    """The interaction of an `interaction_document`; `first_build` says who wrote it.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    return Redacted(read_interaction(document, first_build=first_build))


def _whole(document: Document) -> Cassette:
    return _cassette(document, tuple(Redacted(value) for value in document.values()))


def read_chunks(chunks: Iterable[bytes]) -> Cassette | None:
    """The cassette that a document holds, whose text comes in chunks, as `parse` would have it: one
    interaction is in hand at a time, and most are read natively.

    None where the document is laid out otherwise than `dump` does, or `parse` may refuse it: that
    alone says what is wrong with one.
    """
    reader = NativeReader()
    interactions: list[Redacted[Interaction]] = []
    seen: set[str] = set()
    try:
        pieces = _split(iter(chunks))
        document = read_document(read_json((next(pieces) + _AFTER).decode("utf-8")))
        if document.redaction is not None:
            return None
        for piece in pieces:
            value = reader.interaction(piece)
            if value is None:
                value = read_interaction(read_json(piece.decode("utf-8")))
            interactions.append(Redacted(value))
            seen.add(value.id)
    except (BadDocument, UnicodeDecodeError):
        return None
    if len(seen) < len(interactions):
        return None
    return _cassette(document, tuple(interactions))


_HEAD_BYTES_MAX = 1_000_000  # of what stands before the interactions


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The head of a document, up to the bracket before its interactions, and each of those.

    A line feed stands in no string of JSON. So where all pieces are JSON, and the head is with the
    end of the document, the whole is what they say.

    Raises:
        BadDocument: it is not laid out so.
    """
    opening = f"\n{_INTERACTIONS}[\n".encode()
    text = b""
    while (begin := text.find(opening)) < 0:
        chunk = next(chunks, b"")
        if not chunk or len(text) > _HEAD_BYTES_MAX:
            raise BadDocument("", "not in pieces")
        text += chunk
    begin += len(opening)
    yield text[:begin]
    looked = begin
    while True:
        while (end := text.find(_BETWEEN, looked)) >= 0:
            yield text[begin : end + _BETWEEN.index(b",")]
            begin = looked = end + len(_BETWEEN)
        chunk = next(chunks, b"")
        if not chunk:
            break
        text, looked = text[begin:] + chunk, max(0, len(text) - begin - len(_BETWEEN))
        begin = 0
    if not text.endswith(_AFTER, begin):
        raise BadDocument("", "not in pieces")
    yield text[begin : -len(_AFTER)]


class NativeReader:
    """Reads interactions as they are written here; what many have in common is kept once."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._headers: dict[tuple[str, ...], Headers] = {}
        self._times: dict[str, datetime] = {}

    def interaction(self, piece: bytes) -> Interaction | None:
        """The interaction of a piece, None where that needs a second look."""
        document = strict_json.read_natively(piece, levels=_LEVELS)
        return self._value(document)

    def of_journal(self, document: Any) -> Redacted[Interaction] | None:
        """The interaction of an `interaction_document` whose JSON has been read, likewise."""
        value = self._value(document)
        return None if value is None else Redacted(value)

    def _value(self, document: Any) -> Interaction | None:
        if type(document) is not dict or not document.keys() <= _PLAIN_MEMBERS:
            return None
        try:
            value = self._interaction(document)
        except (KeyError, TypeError, ValueError):
            return None
        digest = document.get("digest")
        return value if digest is None or digest == digest_of(value) else None

    def _interaction(self, document: dict[str, Any]) -> Interaction:
        operation, failed = document["operation"], document.get("failed")
        compared = document.get("digest") is not None
        duration_ms = document["duration_ms"]
        if type(duration_ms) is not int or duration_ms < 0:
            raise ValueError
        if failed is not None and ("response" in document or not _SLUG.fullmatch(failed)):
            raise ValueError
        return Interaction(
            _filled(document["id"]),
            None if operation is None else self._shared(operation),
            self._time(document["recorded_at"]),
            duration_ms,
            self._request(document["request"], compared=compared),
            NO_RESPONSE
            if failed is not None
            else self._response(document["response"], compared=compared),
            self._violations(document["violations"]) if "violations" in document else (),
            "client" in document and _is_gone(document["client"]),
            failed,
            self._ids(document["after"]) if "after" in document else None,
            self._ids(document["during"]) if "during" in document else (),
            self._shared(_filled(document["scope"])) if "scope" in document else None,
        )

    def _violations(self, documents: list[dict[str, Any]]) -> tuple[Violation, ...]:
        return tuple(map(_plain_violation, _listed(documents)))

    def _request(self, document: dict[str, Any], *, compared: bool) -> Request:
        target, body = document["target"], document.get("body")
        if not document.keys() <= _REQUEST_MEMBERS or not _TARGET.fullmatch(target):
            raise ValueError
        method = self._shared(document["method"])
        if not _METHOD.fullmatch(method):
            raise ValueError
        content = _restored(body, compared=compared)
        return Request(method, target, self._pairs(document["headers"]), content)

    def _response(self, document: dict[str, Any], *, compared: bool) -> Response:
        status, body = document["status"], document.get("body")
        if not document.keys() <= _RESPONSE_MEMBERS or type(status) is not int:
            raise ValueError
        if not 200 <= status <= 599:
            raise ValueError
        headers = self._pairs(document["headers"])
        return Response(status, headers, _restored(body, compared=compared), bodies.times(body))

    def _pairs(self, lines: list[str]) -> Headers:
        key = tuple(_listed(lines))
        found = self._headers.get(key)
        if found is None:
            found = tuple(self._pair(line) for line in key)
            if len(self._headers) < _KEPT_MAX:
                self._headers[key] = found
        return found

    def _pair(self, line: str) -> tuple[str, str]:
        if type(line) is not str:
            raise TypeError
        name, value = read_header_line(line)
        return self._shared(name), self._shared(value)

    def _time(self, text: str) -> datetime:
        found = self._times.get(text)
        if found is None:
            if not _TIME.fullmatch(text):
                raise ValueError
            found = datetime.fromisoformat(text)
            if len(self._times) < _KEPT_MAX:
                self._times[text] = found
        return found

    def _ids(self, names: list[str]) -> tuple[str, ...]:
        return tuple(map(_filled, _listed(names)))

    def _shared(self, text: str) -> str:
        if type(text) is not str:
            raise TypeError
        kept = self._texts.get(text)
        if kept is None:
            kept = text
            if len(self._texts) < _KEPT_MAX:
                self._texts[text] = text
        return kept


_KEPT_MAX = 10_000  # texts, blocks of headers and times of a cassette that are kept once
_PLAIN_MEMBERS = frozenset(_Interaction.model_fields)
_REQUEST_MEMBERS = frozenset(_Request.model_fields)
_RESPONSE_MEMBERS = frozenset(_Response.model_fields)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def _filled(text: str) -> str:
    if type(text) is not str or not text:
        raise TypeError
    return text


def _listed(items: list[Any]) -> list[Any]:
    if type(items) is not list:
        raise TypeError
    return items


def _restored(body: dict[str, Any] | None, *, compared: bool) -> bytes:
    if body is not None and type(body) is not dict:
        raise TypeError
    return bodies.restore(body, compared=compared)


def _plain_violation(document: dict[str, Any]) -> Violation:
    found = Violation(**document)
    severity = found.severity in _SEVERITIES
    if not severity or not all(type(text) is str for text in document.values()):
        raise ValueError
    return found


def _is_gone(client: str) -> bool:
    if client != GONE:
        raise ValueError
    return True


def _cassette(document: Document, interactions: tuple[Redacted[Interaction], ...]) -> Cassette:
    return Cassette(
        upstream=document.upstream,
        profile=document.profile,
        match_on=in_order(document.match_on),
        salt=document.salt,
        interactions=interactions,
        incomplete=document.incomplete,
        upstream_name=document.upstream_name,
    )
