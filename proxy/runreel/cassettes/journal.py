"""How captures wait, durable, for their cassette, and how they come into it after a crash.

A journal is a row of *frames*, each a line of text, `runreel1 LENGTH CRC32 WRITER SEQUENCE`, the
payload of LENGTH bytes without line feeds, and a line feed. The sequence counts the frames of one
journal from 0, and each is written when the one before it is durable. So an unfinished frame at the
end is what a crash may leave; anything else that is no frame, and a number that does not follow, is
damage and is never repaired in silence.

    frame 0  opening: the head of the cassette        durable
    frame 1  captures a, b                            durable, their replies went out
    frame 2  capture c, torn                          a crash: nobody was told of c
    -> `recover` gives the cassette with a and b, and says that bytes were left out

A payload holds records: an opening, captures, and at the end the result, the SHA-256 of the
cassette file that holds all of them, so that a journal which outlived its merge changes nothing.
Recovery never drops a recording: that is for a session that came to its end. Knows no files.
"""

import contextlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial, reduce
from typing import Any, Protocol

import orjson

from runreel.cassettes.format import (
    SIMULATOR,
    Cassette,
    NativeReader,
    header_document,
    interaction_document,
    one_salt,
    parse_header,
    parse_interaction,
)
from runreel.cassettes.history import Pasts
from runreel.cassettes.merge import RULES, Kept, Recorded, Storing, interactions, recording
from runreel.cassettes.upstreams import same_upstream, upstream_of
from runreel.http.headers import simulated
from runreel.http.messages import Interaction
from runreel.http.strict_json import BadDocument, read_json, read_natively
from runreel.matching.matchers import fingerprint
from runreel.matching.resources import Access, access_of
from runreel.redaction.redactor import Redacted, request_of


@dataclass(frozen=True, slots=True)
class Opening:
    """The first record of a journal file: the header of the cassette it belongs to."""

    header: Cassette


@dataclass(frozen=True, slots=True)
class Pending:
    """A capture on its way into its cassette, with the id that it has there.

    `arrival` is its tick in its session; `replaces` is the id of the recording that it replaces.
    `ended` are the writes of the session whose answers were out since its last capture, with the
    tick of each (the access only of what is no recording); `overlapped` are the ids of calls that
    were under way with it.
    """

    arrival: int
    interaction: Redacted[Interaction]
    replaces: str | None
    ended: tuple[tuple[int, str, Access | None], ...] = ()
    overlapped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FirstBuilt:
    """A capture as the first build wrote it, when writes were counted: no more than an order.

    `played` tells at which arrivals the session had which recordings.
    """

    arrival: int
    interaction: Redacted[Interaction]
    replaces: str | None
    played: tuple[tuple[int, str | None], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The SHA-256 of the cassette file that holds all of a journal, written before the rename."""

    sha256: str


Record = Opening | Pending | FirstBuilt | Result


def dump_records(records: Sequence[Record]) -> bytes:
    """The records that become durable together: one line of JSON without its line feed."""
    documents = [_document(record) for record in records]
    try:
        return orjson.dumps(documents)
    except orjson.JSONEncodeError:  # half a surrogate pair, which only an escape can write
        return json.dumps(documents, separators=(",", ":")).encode("ascii")


_Capture = Callable[[dict[str, Any]], Redacted[Interaction]]


class RecordReader:
    """Reads the records of one journal; what many of them have in common is kept once."""

    def __init__(self) -> None:
        self._reader = NativeReader()

    def records(self, payload: bytes) -> list[Record]:
        """The records of a payload.

        Raises:
            BadDocument: one is none of the three.
        """
        documents, capture = self._documents(payload)
        return [_record(document, capture) for document in documents]

    def captures(self, payload: bytes) -> list[Kept]:
        """What reads the capture in each record of a payload that holds nothing else.

        Raises:
            BadDocument: it does.
        """
        documents, capture = self._documents(payload)
        try:
            return [partial(capture, document["capture"]) for document in documents]
        except (KeyError, TypeError):
            raise BadDocument("", "not a capture") from None

    def _documents(self, payload: bytes) -> tuple[list[Any], _Capture]:
        documents: Any = read_natively(payload, indent=False)
        capture: _Capture = parse_interaction if documents is None else self._capture
        if documents is None:
            with contextlib.suppress(UnicodeDecodeError):
                documents = read_json(payload.decode("utf-8"))
        if not isinstance(documents, list):
            raise BadDocument("", "not a record of a journal")
        return documents, capture

    def _capture(self, document: dict[str, Any]) -> Redacted[Interaction]:
        return self._reader.of_journal(document) or parse_interaction(document)


def parse_records(payload: bytes) -> list[Record]:
    """The records of a payload, as `RecordReader` reads them."""
    return RecordReader().records(payload)


def _document(record: Record) -> dict[str, Any]:
    match record:
        case Opening(header):
            return {"opening": header_document(header)}
        case Result(sha256):
            return {"result": sha256}
        case Pending(arrival, interaction, replaces, ended, overlapped):
            return {
                "capture": interaction_document(interaction, readable=False),
                "arrival": arrival,
                "replaces": replaces,
                "ended": [_write_document(write) for write in ended],
                "overlapped": list(overlapped),
            }
    raise AssertionError(record)  # nobody writes what the first build wrote


def _write_document(write: tuple[int, str, Access | None]) -> dict[str, Any]:
    tick, name, access = write
    document: dict[str, Any] = {"at": tick, "id": name}
    if access is not None:
        document["access"] = [access.scope, access.item, access.listed]
    return document


def _record(document: Any, capture: _Capture) -> Record:
    match document:
        case {"opening": dict(header)}:
            return Opening(parse_header(header))
        case {
            "capture": dict(interaction),
            "arrival": int(arrival),
            "replaces": (str() | None) as replaces,
            "ended": list(writes),
            "overlapped": list(overlapped),
        }:
            ended = tuple(_write(write) for write in writes)
            names = tuple(str(name) for name in overlapped)
            return Pending(arrival, capture(interaction), replaces, ended, names)
        case {
            "capture": dict(interaction),
            "arrival": int(arrival),
            "replaces": (str() | None) as replaces,
            "played": list(pairs),
        }:
            played = tuple(_played(pair) for pair in pairs)
            # Whoever writes digests writes them all; the first build wrote none.
            one = parse_interaction(interaction, first_build="digest" not in interaction)
            return FirstBuilt(arrival, one, replaces, played)
        case {"result": str(sha256)}:
            return Result(sha256)
    raise BadDocument("", "not a record of a journal")


def _write(document: Any) -> tuple[int, str, Access | None]:
    match document:
        case {"at": int(tick), "id": str(name), "access": [list(scope), item, listed]}:
            return tick, name, Access(tuple(scope), _scope(item), _scope(listed))
        case {"at": int(tick), "id": str(name)}:
            return tick, name, None
    raise BadDocument("", "not a record of a journal")


def _scope(document: Any) -> tuple[str, ...] | None:
    return None if document is None else tuple(str(segment) for segment in document)


def _played(pair: Any) -> tuple[int, str | None]:
    match pair:
        case [int(arrival), (str() | None) as name]:
            return arrival, name
    raise BadDocument("", "not a record of a journal")


UNENDED = "its recording did not come to its end"


def recover(
    cassette: Cassette | None, sha256: str | None, records: Sequence[Record]
) -> Cassette | None:
    """The cassette with what its journal holds, or as it is if that is in it already.

    `sha256` is that of the cassette's file. Recordings are found by id: where the file was edited
    since and a counterpart is gone, its capture becomes a new interaction.

    Raises:
        BadDocument: the captures cannot be those of this cassette, or not of one session.
    """
    pending = [record for record in records if isinstance(record, Pending | FirstBuilt)]
    if not pending or Result(sha256 or "") in records:
        return cassette
    openings = [record.header for record in records if isinstance(record, Opening)]
    made_up = any(simulated(record.interaction.value.response) for record in pending)
    header = _header(cassette, openings, made_up=made_up)
    if len({record.arrival for record in pending}) < len(pending):
        raise BadDocument("", "holds captures of two sessions; move one of its files away")

    def entry(item: Redacted[Interaction]) -> Recorded:
        request = request_of(item)
        return recording(item, fingerprint(request, header.match_on), access_of(request.value))

    old = [entry(item) for item in header.interactions]
    storing = Storing(Pasts(old), pending[0].interaction.value.scope, RULES)
    known = {item.id: item.access for item in old}
    first_built = [record for record in pending if isinstance(record, FirstBuilt)]
    if first_built:
        _restore_in_order(storing, first_built, entry, known)
        pending = []
    for record in pending:
        assert isinstance(record, Pending)  # noqa: S101 - of one build, for there is one session
        for tick, name, access in record.ended:
            if found := access or known.get(name):
                storing.ended(tick, name, found)
        one = entry(record.interaction)
        known[one.id] = one.access
        storing.restore(record.arrival, one, record.overlapped, record.replaces)
    recovered = interactions(storing.merged().recordings)
    return replace(header, interactions=recovered, incomplete=UNENDED)


def _restore_in_order(
    storing: Storing[Redacted[Interaction]],
    records: Sequence[FirstBuilt],
    entry: Callable[[Redacted[Interaction]], Recorded],
    known: dict[str, Access],
) -> None:
    """What the first build wrote, in the order of arrival: each call had ended when the next one
    came. Ticks are twice the arrivals, so that an end is between two of them.
    """
    played = {arrival: name for record in records for arrival, name in record.played if name}
    captured = {record.arrival: record for record in records}
    for arrival in sorted({*played, *captured}):
        record = captured.get(arrival)
        if record is None:
            name, access = played[arrival], known.get(played[arrival])
        else:
            one = storing.restore(2 * arrival, entry(record.interaction), (), record.replaces)
            name, access = one.id, one.access if one.received else None
            known[name] = one.access
        if access is not None and access.writes:
            storing.ended(2 * arrival + 1, name, access)


def _header(cassette: Cassette | None, openings: Sequence[Cassette], *, made_up: bool) -> Cassette:
    """The cassette to go on with, under the rules of whoever recorded last: its captures were
    matched and redacted by them.

    What the captures say of their upstream counts: the opening was written before any had come.
    """
    if not openings:
        raise BadDocument("", "has no opening record")
    opening = openings[-1]
    if made_up:
        opening = replace(opening, upstream=SIMULATOR, upstream_name=None)
    found = cassette or opening
    if not same_upstream(upstream_of(found), upstream_of(opening)) or (
        found.profile != opening.profile
    ):
        raise BadDocument("", f"was recorded from {opening.upstream} ({opening.profile})")
    salt = reduce(one_salt, (each.salt for each in openings), found.salt)
    name = opening.upstream_name or found.upstream_name
    return replace(found, match_on=opening.match_on, salt=salt, upstream_name=name)


_MAGIC = b"runreel1 "
_HEAD = re.compile(rb"runreel1 (\d{1,10}) ([0-9a-f]{8}) ([0-9a-f]{16}) (\d{1,12})\n")
_HEAD_BYTES_MAX = 58  # of the longest head, without its line feed


@dataclass(frozen=True, slots=True)
class Frame:
    """One payload; the number `sequence` (from 0) of those that a writer (16 hex digits) wrote."""

    writer: str
    sequence: int
    payload: bytes


class Flaw(Enum):
    """What stands where the next good frame should, if anything does."""

    UNFINISHED = "the beginning of a frame, and then the end"
    SPOILED = "no frame, and nothing good after it"
    DAMAGED = "no frame, before frames that are good"
    MISSING = "a good frame, but not the next one"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a journal of `size` bytes holds: `frames` up to byte `good`, where the flaw is."""

    frames: tuple[Frame, ...]
    good: int
    size: int
    flaw: Flaw | None


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame."""
    head = f"{frame.writer} {frame.sequence}".encode("ascii")
    crc = zlib.crc32(frame.payload, zlib.crc32(head))
    return b"%b%d %08x %b\n%b\n" % (_MAGIC, len(frame.payload), crc, head, frame.payload)


def read_frames(journal: bytes) -> Reading:
    """All frames of a journal, up to what is wrong with it."""
    frames: list[Frame] = []
    at = 0
    while at < len(journal):
        found = frame_at(journal, at)
        if found is None:
            return Reading(tuple(frames), at, len(journal), _flaw(journal, at))
        frame, end = found
        if (frame.writer, frame.sequence) != ((frames or [frame])[0].writer, len(frames)):
            return Reading(tuple(frames), at, len(journal), Flaw.MISSING)
        frames.append(frame)
        at = end
    return Reading(tuple(frames), at, at, None)


def _flaw(journal: bytes, bad: int) -> Flaw:
    if any(frame_at(journal, at) for at in _starts(journal, bad + 1)):
        return Flaw.DAMAGED
    return Flaw.UNFINISHED if _is_unfinished(journal, bad) else Flaw.SPOILED


def _is_unfinished(journal: bytes, at: int) -> bool:
    head = _HEAD.match(journal, at)
    if head is not None:
        return len(journal) < head.end() + int(head[1]) + 1
    rest = journal[at:]
    return (
        len(rest) <= _HEAD_BYTES_MAX
        and b"\n" not in rest
        and rest[: len(_MAGIC)] == _MAGIC[: len(rest)]
    )


def _starts(journal: bytes, begin: int) -> Iterator[int]:
    at = journal.find(_MAGIC, begin)
    while at >= 0:
        yield at
        at = journal.find(_MAGIC, at + 1)


def frame_at(journal: bytes, at: int) -> tuple[Frame, int] | None:
    """The frame that begins at a byte, and where it ends; None if none does."""
    head = _HEAD.match(journal, at)
    if head is None:
        return None
    start, length = head.end(), int(head[1])
    end = start + length
    payload = journal[start:end]
    if len(payload) < length or journal[end : end + 1] != b"\n":
        return None
    known_as = head[3] + b" " + head[4]
    if zlib.crc32(payload, zlib.crc32(known_as)) != int(head[2], 16):
        return None
    return Frame(head[3].decode(), int(head[4]), payload), end + 1


@dataclass(frozen=True, slots=True)
class Stored:
    """A cassette with the SHA-256 (hex) of the very file it was read from, None if it has none.

    `notes` are sentences about what a crash had left beside that file, `place` says where it is.
    """

    cassette: Cassette
    sha256: str | None
    notes: tuple[str, ...] = ()
    place: str | None = None


class Journal(Protocol):
    """The right to record into one cassette, and the place where captures wait for it.

    Methods block; callers on an event loop use a thread, and never two at once. `notes` are
    sentences about what an earlier recorder had left, `place` says where the cassette is or will
    be.
    """

    notes: tuple[str, ...]
    place: str | None

    def append(self, captures: Sequence[Pending]) -> Sequence[Kept] | None:
        """Return once all of them are durable, with what reads each back until `commit` ends; None
        where nothing does.

        Raises:
            StoreFailed: they may not be. What was appended before is untouched, and the next call
                goes to a place that is not known to be broken.
        """
        ...

    def check(self) -> None:
        """Return once the next `append` can be expected to work; at once if the last one did.

        Raises:
            StoreFailed: it cannot.
        """
        ...

    def commit(self, cassette: Cassette | None) -> str | None:
        """Save the cassette that holds all captures and give up the right to record.

        None throws away what was appended, if anything was.

        It is the last call, whether it works or not. Equal content is not written again. Returns
        the SHA-256 of the file, if one was saved.

        Raises:
            StoreFailed: that could not be done; the captures are still in the journal.
        """
        ...


class Store(Protocol):
    """Keeps cassettes by name. Methods block; callers on an event loop use a thread."""

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted."""
        ...

    def load(self, name: str) -> Stored | None:
        """The cassette together with what its journals hold; None if there is neither.

        Never writes.

        Raises:
            CassetteDamaged: something is there but cannot be trusted; names the place.
            NothingReadable: so it is, and a recording may begin without it.
        """
        ...

    def mark(self, name: str) -> object:
        """What is another one when a cassette was written since, and costs next to nothing."""
        ...

    def open_journal(self, name: str, header: Cassette) -> Journal:
        """Begin to record: nobody else can, until `commit` or the end of the process.

        What an earlier recorder left in a journal is in the cassette when this returns; what of it
        cannot be read is kept, and told in the journal's notes. `header`
        is that of the cassette to be, without interactions.

        Raises:
            StartRefused: somebody else records into it, or it cannot be written there.
            CassetteDamaged: something is there but cannot be trusted; names the place.
        """
        ...
