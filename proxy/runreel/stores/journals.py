"""Journals as files: `.NAME.WRITER.PART.journal` beside the cassette, mode 0600.

Owns appending, what happens when that fails, and reading back what a crash left. A write that
failed is cut off; a sync that failed is never tried again on that file: recording goes on in the
next part. A part that cannot be read to its end is kept under another name, `….journal.torn`. Knows
nothing of sessions; what the records mean is `core.journal`.
"""

import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runreel.core import frames
from runreel.core.document import BadDocument
from runreel.core.errors import CassetteDamaged, StoreFailed
from runreel.core.frames import Flaw
from runreel.core.journal import Opening, Record, dump_records, parse_records
from runreel.stores.durable import NEW_FILE, let_go, make_folders, sync, sync_data, write_all

_NAMED = re.compile(r"\.(.+)\.([0-9a-f]{16})\.([0-9]{4,})\.journal")
_FATAL = {
    Flaw.DAMAGED: "before frames that are whole",
    Flaw.MISSING: "where at least one frame is missing",
}


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One journal file; parts sort by writer, and then as they were written."""

    writer: str
    number: int
    path: Path


def parts_of(cassette: Path) -> list[Part]:
    """The journal files beside a cassette, in order. Raises OSError as it comes."""
    try:
        paths = list(cassette.parent.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    named = ((path, _NAMED.fullmatch(path.name)) for path in paths)
    return sorted(
        Part(match[2], int(match[3]), path)
        for path, match in named
        if match is not None and match[1] == cassette.stem
    )


def belongs_to(path: Path) -> str | None:
    """The last segment of the name of the cassette that a journal file belongs to."""
    match = _NAMED.fullmatch(path.name)
    return match[1] if match else None


@dataclass(frozen=True, slots=True)
class Tail:
    """The last `size` bytes of a part, which cannot be read; `at` is where they begin."""

    part: Part
    at: int
    size: int
    unfinished: bool

    def told(self, because: str) -> str:
        """A sentence about it; `because` says why it may be unfinished."""
        what = f"an unfinished frame ({because})" if self.unfinished else "damaged"
        return (
            f"{self.part.path}: the last {self.size} bytes, from byte {self.at}, are {what} and "
            "were left out"
        )


def read(parts: Sequence[Part]) -> tuple[list[Record], list[Tail]]:
    """All records of some journal files, and the ends that cannot be read.

    Raises:
        CassetteDamaged: something bad stands before good frames, or a record is none.
    """
    records: list[Record] = []
    tails: list[Tail] = []
    for part in parts:
        path = part.path
        try:
            reading = frames.read(path.read_bytes())
        except OSError as error:
            raise CassetteDamaged(f"{path}: cannot be read: {error.strerror}") from None
        if reading.flaw in _FATAL:
            raise CassetteDamaged(
                f"{path}: damaged at byte {reading.good}, {_FATAL[reading.flaw]}; restore the "
                "file, or move it away to go on without what it holds"
            )
        try:
            for frame in reading.frames:
                records += parse_records(frame.payload)
        except BadDocument as error:
            raise CassetteDamaged(f"{path}: {error}") from None
        if reading.flaw is not None:
            unfinished = reading.flaw is Flaw.UNFINISHED
            tails.append(Tail(part, reading.good, reading.size - reading.good, unfinished))
    return records, tails


def put_aside(part: Part) -> None:
    """Keep a part, of which not all could be read, where nothing reads it."""
    part.path.replace(aside(part))


def aside(part: Part) -> Path:
    """Where a part is kept that could not be read to its end."""
    return part.path.with_name(f"{part.path.name}.torn")


class JournalFiles:
    """Appends to the journal of one cassette, in as many parts as failures make necessary."""

    def __init__(self, cassette: Path, opening: Opening) -> None:
        self._cassette = cassette
        self._opening = opening
        self._writer = secrets.token_hex(8)
        self._part = 0
        self._descriptor: int | None = None
        self._frames = 0  # of the part that are known to be whole
        self._good = 0  # bytes of them
        self._owed = 0  # bytes of the payload that could not be made durable last

    def append(self, records: Sequence[Record]) -> None:
        """Return once the records are durable, all in one frame, or raise StoreFailed."""
        payload = dump_records(records)
        with self._owing(len(payload)):
            descriptor = self._open()
            frame = self._frame(payload)
            self._write(descriptor, frame)
        self._frames += 1
        self._good += len(frame)

    def check(self) -> None:
        """Find out whether the next append can be expected to work; begins the part it needs."""
        with self._owing(self._owed):
            descriptor = self._open()
            if self._owed:
                # As large, and no records at all, should it stay there.
                self._write(descriptor, self._frame(b"[" + b" " * self._owed + b"]"))
                self._cut()

    def wrote(self, part: Part) -> bool:
        """Whether a part is of this writer."""
        return part.writer == self._writer

    def close(self) -> None:
        """Let go of the file; it stays. What is appended after this goes to the next part."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            let_go(descriptor)

    @contextmanager
    def _owing(self, size: int) -> Iterator[None]:
        self._owed = size
        try:
            yield
        except OSError as error:
            raise StoreFailed(
                f"{self._cassette.parent}: the journal cannot be written: {error.strerror}"
            ) from None
        self._owed = 0

    def _write(self, descriptor: int, content: bytes) -> None:
        try:
            write_all(descriptor, content)
        except OSError:
            self._cut()
            raise
        try:
            sync_data(descriptor)
        except OSError:
            # The pages may be gone, and the next sync would say that all is well.
            self.close()
            raise

    def _open(self) -> int:
        """The current part, begun with its opening record if it is new."""
        if self._descriptor is not None:
            return self._descriptor
        make_folders(self._cassette.parent)
        self._part += 1
        name = f".{self._cassette.stem}.{self._writer}.{self._part:04}.journal"
        path = self._cassette.parent / name
        descriptor = os.open(path, NEW_FILE | os.O_APPEND, 0o600)
        self._frames = 0
        opening = self._frame(dump_records([self._opening]))
        try:
            write_all(descriptor, opening)
            os.fsync(descriptor)
            sync(path.parent)
        except OSError:
            let_go(descriptor)
            path.unlink(missing_ok=True)  # nothing in it was acknowledged
            raise
        self._descriptor = descriptor
        self._frames = 1
        self._good = len(opening)
        return descriptor

    def _cut(self) -> None:
        """Take back all after the last good frame; a file that cannot be cut is left behind."""
        if self._descriptor is None:
            return
        try:
            os.ftruncate(self._descriptor, self._good)
        except OSError:
            self.close()

    def _frame(self, payload: bytes) -> bytes:
        return frames.encode(frames.Frame(self._writer, self._frames, payload))
