"""What a journal says, and how it becomes part of its cassette.

Owns the three records of a journal (opening, capture, result) and `recover`, the pure merge of a
cassette with the journal that a crash left beside it. Its bytes are `frames`, its files a store's.
Recovery never drops a recording: that is for a session that came to its end.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from runreel.core.cassette import (
    SIMULATOR,
    Cassette,
    header_document,
    interaction_document,
    parse_header,
    parse_interaction,
)
from runreel.core.document import BadDocument, read_json
from runreel.core.facets import fingerprint
from runreel.core.filing import Entry
from runreel.core.merging import merge
from runreel.core.messages import Interaction
from runreel.core.recordable import simulated
from runreel.core.redaction import Redacted, request_of
from runreel.core.resources import UNRELATED, access_of


@dataclass(frozen=True, slots=True)
class Opening:
    """The first record of a journal file: the header of the cassette it belongs to."""

    header: Cassette


@dataclass(frozen=True, slots=True)
class Pending:
    """A capture on its way into its cassette.

    `arrival` orders it within its session; `replaces` is the id of its counterpart. `played` is
    what became of the session's recordings since its last capture: at which arrival it took which
    id, or that it gave it back (None). `barriers` tells whether states count in that session.
    """

    arrival: int
    interaction: Redacted[Interaction]
    replaces: str | None
    played: tuple[tuple[int, str | None], ...] = ()
    barriers: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """The SHA-256 of the cassette file that holds all of a journal, written before the rename."""

    sha256: str


Record = Opening | Pending | Result


def dump_records(records: Sequence[Record]) -> bytes:
    """The records that become durable together: one line of JSON without its line feed."""
    documents = [_document(record) for record in records]
    return json.dumps(documents, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def parse_records(payload: bytes) -> list[Record]:
    """The records of a payload.

    Raises:
        BadDocument: one is none of the three.
    """
    try:
        documents = read_json(payload.decode("ascii"))
    except UnicodeDecodeError:
        documents = None
    if not isinstance(documents, list):
        raise BadDocument("", "not a record of a journal")
    return [_record(document) for document in documents]


def _document(record: Record) -> dict[str, Any]:
    match record:
        case Opening(header):
            return {"opening": header_document(header)}
        case Result(sha256):
            return {"result": sha256}
        case Pending(arrival, interaction, replaces, played, barriers):
            return {
                "capture": interaction_document(interaction),
                "arrival": arrival,
                "replaces": replaces,
                "played": [list(pair) for pair in played],
                "barriers": barriers,
            }


def _record(document: Any) -> Record:
    match document:
        case {"opening": dict(header)}:
            return Opening(parse_header(header))
        case {
            "capture": dict(interaction),
            "arrival": int(arrival),
            "replaces": (str() | None) as replaces,
            "played": list(pairs),
            "barriers": bool(barriers),
        }:
            played = tuple(_played(pair) for pair in pairs)
            return Pending(arrival, parse_interaction(interaction), replaces, played, barriers)
        case {"result": str(sha256)}:
            return Result(sha256)
    raise BadDocument("", "not a record of a journal")


def _played(pair: Any) -> tuple[int, str | None]:
    match pair:
        case [int(arrival), (str() | None) as name]:
            return arrival, name
    raise BadDocument("", "not a record of a journal")


def recover(
    cassette: Cassette | None, sha256: str | None, records: Sequence[Record]
) -> Cassette | None:
    """The cassette with what its journal holds, or as it is if that is in it already.

    `sha256` is that of the cassette's file. Recordings are found by id: where the file was edited
    since and a counterpart is gone, its capture becomes a new interaction.

    Raises:
        BadDocument: the captures cannot be those of this cassette, or not of one session.
    """
    pending = [record for record in records if isinstance(record, Pending)]
    if not pending or Result(sha256 or "") in records:
        return cassette
    openings = [record.header for record in records if isinstance(record, Opening)]
    made_up = any(simulated(record.interaction.value.response) for record in pending)
    header = _header(cassette, openings, made_up=made_up)
    if len({record.arrival for record in pending}) < len(pending):
        raise BadDocument("", "holds captures of two sessions; move one of its files away")
    barriers = all(record.barriers for record in pending)

    def entry(item: Redacted[Interaction]) -> Entry:
        request = request_of(item)
        access = access_of(request.value) if barriers else UNRELATED
        return Entry(fingerprint(request, header.match_on), item, access)

    old = tuple(entry(item) for item in header.interactions)
    places = {entry.interaction.value.id: at for at, entry in enumerate(old)}
    own = {record.arrival: record.replaces for record in pending}
    known = dict(pair for record in pending for pair in record.played) | own
    taken = {arrival: places[name] for arrival, name in known.items() if name in places}
    captures = {record.arrival: entry(record.interaction) for record in pending}
    merged = merge(old, captures, taken)
    return replace(header, interactions=tuple(entry.interaction for entry in merged))


def _header(cassette: Cassette | None, openings: Sequence[Cassette], *, made_up: bool) -> Cassette:
    """The cassette to go on with, under the rules of whoever recorded last: its captures were
    matched and redacted by them.

    What the captures say of their upstream counts: the opening was written before any had come.
    """
    if not openings:
        raise BadDocument("", "has no opening record")
    opening = replace(openings[-1], upstream=SIMULATOR) if made_up else openings[-1]
    found = cassette or opening
    if (found.upstream, found.profile) != (opening.upstream, opening.profile):
        raise BadDocument("", f"was recorded from {opening.upstream} ({opening.profile})")
    return replace(found, match_on=opening.match_on, redaction=opening.redaction)
