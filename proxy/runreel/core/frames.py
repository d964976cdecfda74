"""Journal frames: how captures wait, durable, for their cassette.

Owns the bytes of a journal and the judgement of a damaged one. A frame is a line of text
(`runreel1 LENGTH CRC32 WRITER SEQUENCE`), the payload of LENGTH bytes without line feeds, and a
line feed. The sequence counts the frames of one journal from 0, and each is written when the one
before it is durable. So an unfinished frame at the end is what a crash may leave; anything else
that is no frame, and a number that does not follow, is damage and is never repaired in silence.
Knows nothing of files or of what a payload says.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

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


def encode(frame: Frame) -> bytes:
    """The bytes of a frame."""
    head = f"{frame.writer} {frame.sequence}".encode("ascii")
    crc = zlib.crc32(frame.payload, zlib.crc32(head))
    return b"%b%d %08x %b\n%b\n" % (_MAGIC, len(frame.payload), crc, head, frame.payload)


def read(journal: bytes) -> Reading:
    """All frames of a journal, up to what is wrong with it."""
    frames: list[Frame] = []
    at = 0
    while at < len(journal):
        found = _frame_at(journal, at)
        if found is None:
            return Reading(tuple(frames), at, len(journal), _flaw(journal, at))
        frame, end = found
        if (frame.writer, frame.sequence) != ((frames or [frame])[0].writer, len(frames)):
            return Reading(tuple(frames), at, len(journal), Flaw.MISSING)
        frames.append(frame)
        at = end
    return Reading(tuple(frames), at, at, None)


def _flaw(journal: bytes, bad: int) -> Flaw:
    if any(_frame_at(journal, at) for at in _starts(journal, bad + 1)):
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


def _frame_at(journal: bytes, at: int) -> tuple[Frame, int] | None:
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
