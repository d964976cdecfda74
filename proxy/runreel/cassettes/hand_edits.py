"""Cassettes that people edit: one interaction as a text of its own, and edits that are taken over.

A digest says that an interaction is the one that was recorded. Whoever edits one on purpose says so
with `accepted`, or edits it by `text_of` and `edited`; its digest is then that of what is there.
Knows no file and no editor.
"""

import json
from dataclasses import replace
from typing import Any

from runreel.cassettes.check import Finding, check
from runreel.cassettes.format import (
    Cassette,
    digest_of,
    dump,
    interaction_document,
    parse,
    parse_interaction,
)
from runreel.http.messages import Interaction
from runreel.http.strict_json import BadDocument, line_of, read_json
from runreel.redaction.redactor import Redacted, Redaction


def accepted(text: str) -> tuple[Cassette, tuple[str, ...]]:
    """The cassette of a document as if it had been recorded so, and the ids of the interactions
    that were edited.

    Raises:
        BadDocument: it is wrong in another way than that; with the JSON path.
    """
    document = read_json(text)
    edited: list[str] = []
    items = document.get("interactions") if isinstance(document, dict) else None
    for item in items if isinstance(items, list) else ():
        digest = item.pop("digest", None) if isinstance(item, dict) else None
        if digest is None:
            continue
        value = _read(item)
        if value is not None and digest != digest_of(value):
            edited.append(value.id)
    return parse(json.dumps(document)), tuple(edited)


def _read(document: Any) -> Interaction | None:
    try:
        return parse_interaction(document).value
    except BadDocument:
        return None  # the whole says where


def text_of(interaction: Redacted[Interaction]) -> str:
    """An interaction as a person edits it: as in the file, without its digest."""
    document = interaction_document(interaction)
    document.pop("digest", None)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def edited(cassette: Cassette, id_: str, text: str) -> Cassette:
    """The cassette with what a text says in the place of one of its interactions.

    Raises:
        BadDocument: it says none, or one of another id, which others may name as their past.
    """
    document = read_json(text)
    if isinstance(document, dict):
        document.pop("digest", None)
    try:
        found = parse_interaction(document)
    except BadDocument as error:
        raise BadDocument(error.at, f"{error.reason} ({line_of(text, error.at)})") from None
    if found.value.id != id_:
        place = line_of(text, "/id")
        raise BadDocument("/id", f"it stays '{id_}', by which others may know it ({place})")
    items = tuple(found if item.value.id == id_ else item for item in cassette.interactions)
    return replace(cassette, interactions=items)


def secrets_in(cassette: Cassette, ids: tuple[str, ...], redaction: Redaction) -> list[Finding]:
    """What looks like a secret in some interactions, or would be taken out of them."""
    found = check(dump(cassette), redaction)
    no_secrets = ("history", "violation")
    return [one for one in found if one.id in ids and not one.rule.startswith(no_secrets)]
