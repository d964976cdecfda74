"""The cassette document, format 1: a readable JSON file.

Owns the translation between `Cassette` and its text, and what can name one. What a document may
hold is `document`; where the text is kept is a store's business. A document is refused as a whole
or trusted as a whole.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from runreel.core import body
from runreel.core.document import (
    FORMAT,
    GONE,
    Document,
    read_document,
    read_interaction,
    read_json,
)
from runreel.core.facets import MatchOn, in_order
from runreel.core.messages import Interaction, Request
from runreel.core.redaction import Redacted, request_of

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
    form = body.render(value.response.body, value.response.at_ms)
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
