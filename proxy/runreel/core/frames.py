"""Journal frames: how captures wait, durable, for their cassette.

Owns the bytes of a journal and the judgement of a damaged one. A frame is a line of text
(`runreel1 LENGTH CRC32 WRITER SEQUENCE`), the payload of LENGTH bytes without line feeds, and a
line feed. It is written when the one before it is durable. So a bad frame with nothing good after
it was torn by a crash and can be cut; a bad frame before good ones is damage and is never repaired
in silence. Knows nothing of files or of what a payload says.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_MAGIC = b"runreel1 "
_HEAD = re.compile(rb"runreel1 (\d{1,10}) ([0-9a-f]{8}) ([0-9a-f]{16}) (\d{1,12})\n")


@dataclass(frozen=True, slots=True)
class Frame:
    """One payload, known by its writer (16 hex digits) and sequence number (from 0)."""

    writer: str
    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """What a journal holds: `frames` up to byte `good`, of `size`.

    `damaged_at` is the offset of a bad frame that good ones follow, else None.
    """

    frames: tuple[Frame, ...]
    good: int
    size: int
    damaged_at: int | None

    @property
    def torn_bytes(self) -> int:
        """Bytes after the last good frame."""
        return 0 if self.damaged_at is not None else self.size - self.good


def encode(frame: Frame) -> bytes:
    """The bytes of a frame."""
    head = f"{frame.writer} {frame.sequence}".encode("ascii")
    crc = zlib.crc32(frame.payload, zlib.crc32(head))
    return b"%b%d %08x %b\n%b\n" % (_MAGIC, len(frame.payload), crc, head, frame.payload)


def read(journal: bytes) -> Reading:
    """All frames of a journal, and what is wrong with it."""
    frames: list[Frame] = []
    at = 0
    while at < len(journal):
        found = _frame_at(journal, at)
        if found is None:
            return Reading(tuple(frames), at, len(journal), _damaged(journal, at))
        frame, at = found
        frames.append(frame)
    return Reading(tuple(frames), at, at, None)


def _damaged(journal: bytes, bad: int) -> int | None:
    """The offset `bad` if any good frame starts after it."""
    return bad if any(_frame_at(journal, at) for at in _starts(journal, bad + 1)) else None


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
