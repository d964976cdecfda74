"""Cassettes as files: `DIR/NAME.json`, replaced as a whole or not at all.

While a cassette is recorded, its captures wait in a journal beside it, `.NAME.WRITER.PART.journal`
(mode 0600), and a lock keeps a second recorder out. After a crash at any point, file and journal
together hold all that was acknowledged, and what could not be read of them is never removed: a part
that cannot be read to its end is kept as `….journal.torn`. A reader sees one state of both, also
while a recorder moves all from here to there, and never writes.

A failed write is cut off; after a failed sync recording goes on in the next part. What the records
mean is `journal`. Knows nothing of sessions.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runreel.cassettes.format import Cassette, NotACassetteName, check_name, dump, parse
from runreel.cassettes.journal import (
    Flaw,
    Frame,
    Opening,
    Pending,
    Record,
    Result,
    Stored,
    dump_records,
    encode_frame,
    parse_records,
    read_frames,
    recover,
)
from runreel.errors import CassetteBusy, CassetteDamaged, NothingReadable, StartRefused, StoreFailed
from runreel.http.strict_json import BadDocument
from runreel.storage.files import (
    AppendFile,
    make_folders,
    release_lock,
    remove_leftovers,
    replace_file,
    sync,
    take_lock,
)

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
        names = os.listdir(cassette.parent)  # noqa: PTH208 - nobody needs a path of each
    except (FileNotFoundError, NotADirectoryError):
        return []
    stem, begins = cassette.stem, f".{cassette.stem}."
    found = (_NAMED.fullmatch(name) for name in names if name.startswith(begins))
    return sorted(
        Part(match[2], int(match[3]), cassette.parent / match[0])
        for match in found
        if match is not None and match[1] == stem
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


def read_journals(parts: Sequence[Part]) -> tuple[list[Record], list[Tail]]:
    """All records of some journal files, and the ends that cannot be read.

    Raises:
        CassetteDamaged: something bad stands before good frames, or a record is none.
    """
    records: list[Record] = []
    tails: list[Tail] = []
    for part in parts:
        path = part.path
        try:
            reading = read_frames(path.read_bytes())
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
        self._file: AppendFile | None = None
        self._frames = 0  # of the part that are known to be whole
        self._owed = 0  # bytes of the payload that could not be made durable last

    def append(self, records: Sequence[Record]) -> None:
        """Return once the records are durable, all in one frame, or raise StoreFailed."""
        payload = dump_records(records)
        with self._owing(len(payload)):
            file = self._open()
            self._append(file, self._frame(payload))
        self._frames += 1

    def check(self) -> None:
        """Find out whether the next append can be expected to work; begins the part it needs."""
        with self._owing(self._owed):
            file = self._open()
            if self._owed:
                # As large, and no records at all, should it stay there.
                probe = self._frame(b"[" + b" " * self._owed + b"]")
                self._append(file, probe)
                self._cut(file, len(probe))

    def wrote(self, part: Part) -> bool:
        """Whether a part is of this writer."""
        return part.writer == self._writer

    def close(self) -> None:
        """Let go of the file; it stays. What is appended after this goes to the next part."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

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

    def _append(self, file: AppendFile, frame: bytes) -> None:
        try:
            file.append(frame)
        except OSError:
            if file.sound:
                self._cut(file)
            else:
                self.close()
            raise

    def _open(self) -> AppendFile:
        """The current part, begun with its opening record if it is new."""
        if self._file is None:
            make_folders(self._cassette.parent)
            self._part += 1
            name = f".{self._cassette.stem}.{self._writer}.{self._part:04}.journal"
            self._frames = 0
            opening = self._frame(dump_records([self._opening]))
            self._file = AppendFile.begin(self._cassette.parent / name, opening)
            self._frames = 1
        return self._file

    def _cut(self, file: AppendFile, bytes_back: int = 0) -> None:
        """Take back all after the last good frame; a file that cannot be cut is left behind."""
        try:
            file.cut(bytes_back)
        except OSError:
            self.close()

    def _frame(self, payload: bytes) -> bytes:
        return encode_frame(Frame(self._writer, self._frames, payload))


FILE_BYTES_MAX = 512 * 1024 * 1024  # a cassette is held in memory several times over while loading


@dataclass(frozen=True, slots=True)
class Found:
    """A cassette as file and journals hold it together, None if neither holds anything.

    `sha256` is that of the file, `recovered` the sentence about what only the journals hold.
    """

    cassette: Cassette | None
    sha256: str | None
    tails: tuple[Tail, ...]
    recovered: tuple[str, ...] = ()


def together(path: Path) -> Found:
    """What is there of the cassette of a file.

    Raises:
        CassetteDamaged: something cannot be trusted; names the place.
    """
    while True:
        before = _standing(path)
        try:
            found = read_file(path)
            records, tails = read_journals(_parts(path))
        except CassetteDamaged:
            if _standing(path) == before:
                raise
        else:
            # A recorder may have ended meanwhile, and moved all from here to there.
            if _standing(path) == before:
                break
    cassette = found.cassette if found else None
    sha256 = found.sha256 if found else None
    try:
        recovered = recover(cassette, sha256, records)
    except BadDocument as error:
        raise CassetteDamaged(f"{path}: the journal beside it {error}") from None
    if recovered is cassette:
        return Found(cassette, sha256, tuple(tails))
    count = sum(isinstance(record, Pending) for record in records)
    were = "1 interaction was" if count == 1 else f"{count} interactions were"
    return Found(recovered, sha256, tuple(tails), (f"{path}: {were} still in the journal",))


def is_in_journals(path: Path) -> bool:
    """Whether a cassette that has no file is there all the same, readable or not."""
    try:
        return together(path).cassette is not None
    except CassetteDamaged:
        return True


def _standing(path: Path) -> object:
    """What changes when the file is replaced, or a journal is begun or removed."""
    try:
        found = path.stat()
    except OSError:
        return None, _parts(path)
    return (found.st_ino, found.st_mtime_ns), _parts(path)


def _parts(path: Path) -> list[Part]:
    try:
        return parts_of(path)
    except OSError as error:
        raise CassetteDamaged(f"{path.parent}: cannot be read: {error.strerror}") from None


def read_file(path: Path) -> Stored | None:
    """The cassette of one file, without what a journal beside it may hold; None if it is not there.

    Raises:
        CassetteDamaged: it is there but cannot be trusted; names the place.
    """
    content = content_of(path)
    if content is None:
        return None
    try:
        cassette = parse(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CassetteDamaged(f"{path}: not UTF-8 at byte {error.start}") from None
    except BadDocument as error:
        raise CassetteDamaged(f"{path}: {error}") from None
    return Stored(cassette, sha256_of(content))


def content_of(path: Path) -> bytes | None:
    """The bytes of a file that may be a cassette; None if it is not there.

    Raises:
        CassetteDamaged: it is too large or cannot be read.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise CassetteDamaged(f"{path}: larger than {FILE_BYTES_MAX:,} bytes, not a cassette")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CassetteDamaged(f"{path}: cannot be read: {error.strerror}") from None


def sha256_of(content: bytes) -> str:
    """The SHA-256 of a file's content, in hex."""
    return hashlib.sha256(content).hexdigest()


class FileStore:
    """Cassettes below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted; one may be in a journal only."""
        files = {path.with_suffix("") for path in self._folder.rglob("*.json") if path.is_file()}
        journaled = {
            path.with_name(stem)
            for path in self._folder.rglob(".*.journal")
            if (stem := belongs_to(path))
        }
        files |= {path for path in journaled - files if is_in_journals(_file(path))}
        found = (path.relative_to(self._folder).as_posix() for path in files)
        return sorted(name for name in found if _can_name(name))

    def load(self, name: str) -> Stored | None:
        """The cassette with what its journals hold, or None."""
        path = self._path(name)
        found = together(path)
        told = [tail.told("a crash cut it, or a recorder is writing it") for tail in found.tails]
        if found.cassette is None:
            if told:
                raise NothingReadable(
                    f"{told[0]}, and nothing else of the cassette is there; record it again, "
                    "which keeps this file aside"
                )
            return None
        return Stored(found.cassette, found.sha256, (*told, *found.recovered), str(path))

    def open_journal(self, name: str, header: Cassette) -> "FileJournal":
        """Take the lock, take in what an earlier recorder left, and begin to record."""
        path = self._path(name)
        lock = path.with_name(f".{path.stem}.lock")
        try:
            make_folders(path.parent)
            descriptor = take_lock(lock)
        except OSError as error:
            raise StartRefused(
                f"cassettes cannot be written to {path.parent} ({error.strerror}); choose a "
                "writable folder with --cassettes DIR, or use replay, which writes nothing"
            ) from None
        if descriptor is None:
            raise CassetteBusy(
                f"cassette '{name}' is being recorded by another runreel or session; end that one, "
                "or record into another cassette with --cassette NAME"
            )
        journal = FileJournal(path, header, lock, descriptor)
        try:
            journal.take_in()
        except StoreFailed as error:
            journal.release()
            raise StartRefused(f"what an earlier recording left cannot be saved: {error}") from None
        except BaseException:
            journal.release()
            raise
        return journal

    def drop_unfinished(self, name: str) -> None:
        """Remove what a recorder left in journals when it was killed; its owner wants none of it.

        What a live one is writing stays.

        Raises:
            StartRefused: it cannot be removed.
        """
        path = self._path(name)
        lock = path.with_name(f".{path.stem}.lock")
        try:
            if parts_of(path) and (descriptor := take_lock(lock)) is not None:
                try:
                    for part in parts_of(path):
                        part.path.unlink()
                finally:
                    release_lock(lock, descriptor)
        except OSError as error:
            raise StartRefused(
                f"what an earlier recording left beside {path} cannot be removed ({error.strerror})"
            ) from None

    def _path(self, name: str) -> Path:
        return _file(self._folder / name)


class FileJournal:
    """The right to record into one cassette file."""

    def __init__(self, path: Path, header: Cassette, lock: Path, descriptor: int) -> None:
        self._path = path
        self._files = JournalFiles(path, Opening(header))
        self._lock = lock
        self._descriptor = descriptor
        self._sha256: str | None = None  # of the file, when this recording began
        self._unreadable: set[Part] = set()
        self._appended = False
        self.notes: tuple[str, ...] = ()

    def append(self, captures: Sequence[Pending]) -> None:
        """Make captures durable."""
        self._appended = True
        self._files.append(captures)

    def check(self) -> None:
        """Find out whether the next append can be expected to work."""
        self._files.check()

    def commit(self, cassette: Cassette | None) -> str | None:
        """Save the cassette, remove the journal, release the lock."""
        try:
            if cassette is not None:
                content = dump(cassette).encode("utf-8")
                self._check_nobody_else_wrote(content)
                return self._save(content)
            try:
                self._remove_parts()
            except OSError as error:
                if self._appended:
                    raise StoreFailed(
                        f"{self._path}: what was to be thrown away is still in the journal beside "
                        f"it: {error.strerror}"
                    ) from None
            return None
        finally:
            self.release()

    def take_in(self) -> None:
        """Put what an earlier recorder left into the file, if it is not there yet."""
        found = together(self._path)
        self._unreadable = {tail.part for tail in found.tails}
        told = (
            f"{tail.told('a crash cut it')}; the file is kept as {aside(tail.part).name}"
            for tail in found.tails
        )
        self.notes = (*told, *found.recovered)
        self._sha256 = found.sha256
        try:
            remove_leftovers(self._path)
            if found.cassette is None:
                self._remove_parts()  # a journal was opened, and nothing came that can be read
            elif found.recovered:
                self._sha256 = self._save(dump(found.cassette).encode("utf-8"))
            elif parts_of(self._path):
                self._sha256 = self._save(self._path.read_bytes())
        except OSError as error:
            raise StoreFailed(f"{self._path}: cannot be written: {error.strerror}") from None

    def release(self) -> None:
        """Give up the right; what is in the journal stays there."""
        self._files.close()
        release_lock(self._lock, self._descriptor)

    def _check_nobody_else_wrote(self, content: bytes) -> None:
        """Return if saving this overwrites nothing that the recording does not know."""
        try:
            there = _content(self._path)
        except OSError as error:
            raise StoreFailed(f"{self._path}: cannot be read: {error.strerror}") from None
        if there != content and self._sha256 != (None if there is None else sha256_of(there)):
            raise StoreFailed(
                f"{self._path}: was changed by somebody else during the recording, so it is not "
                "overwritten; the recording is in the journal beside it, and the next recording "
                "into this cassette puts both together when it starts"
            )

    def _save(self, content: bytes) -> str:
        """Make this the file's content; the journals go once it is known to hold what they do."""
        if len(content) > FILE_BYTES_MAX:
            raise StoreFailed(
                f"{self._path}: would be larger than {FILE_BYTES_MAX:,} bytes; what is new stays "
                "in the journal beside it"
            )
        digest = sha256_of(content)
        try:
            if parts_of(self._path):
                self._files.append([Result(digest)])
            if _content(self._path) == content:
                sync(self._path)  # whoever put it there may not have come that far
                sync(self._path.parent)
            else:
                replace_file(self._path, content)
            self._files.close()  # what is appended after this needs a part that stays
            self._remove_parts()
        except OSError as error:
            raise StoreFailed(f"{self._path}: cannot be written: {error.strerror}") from None
        return digest

    def _remove_parts(self) -> None:
        """Remove the journals, last the one that says that the others are in the file already.

        Bytes that could not be read are in no file yet, and are kept.
        """
        parts = sorted(parts_of(self._path), key=self._files.wrote)
        for some in (parts[:-1], parts[-1:]):
            for part in some:
                if part in self._unreadable:
                    put_aside(part)
                else:
                    part.path.unlink(missing_ok=True)
            if some:
                sync(self._path.parent)


def _file(path: Path) -> Path:
    """The file of a cassette, given its folder and its name."""
    return path.with_name(f"{path.name}.json")


def _can_name(text: str) -> bool:
    try:
        check_name(text)
    except NotACassetteName:
        return False
    return True


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
