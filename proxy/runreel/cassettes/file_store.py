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
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runreel.cassettes.format import (
    Cassette,
    NotACassetteName,
    check_name,
    dump,
    dumped,
    parse,
    read_chunks,
)
from runreel.cassettes.journal import (
    Flaw,
    Frame,
    Opening,
    Pending,
    Record,
    RecordReader,
    Result,
    Stored,
    dump_records,
    encode_frame,
    frame_at,
    read_frames,
    recover,
)
from runreel.cassettes.merge import Kept
from runreel.errors import CassetteBusy, CassetteDamaged, NothingReadable, StartRefused, StoreFailed
from runreel.http.messages import Interaction
from runreel.http.strict_json import BadDocument, line_of
from runreel.redaction.redactor import Redacted
from runreel.storage.files import (
    AppendFile,
    Successor,
    let_go,
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
    reader = RecordReader()
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
                records += reader.records(frame.payload)
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


_OF_ONE_FRAME_MAX = 65_536  # captures that can be told apart in a frame
_FRAMES_READ_MAX = 64  # whose captures are in hand while all are read back, in about their order
_READ_BYTES = 262_144  # at once, of a frame; most are smaller


class _FrameReader:
    """Reads captures back from one part of a journal, wherever the file of it may be by now."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._records = RecordReader()
        self._read: dict[int, list[Kept]] = {}  # by the place of the frame

    @classmethod
    def of(cls, path: Path) -> "_FrameReader | None":
        """A reader of a part; None if it cannot be read."""
        try:
            return cls(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return None

    def capture(self, at: int, index: int) -> Redacted[Interaction]:
        """One of the captures of the frame at a byte.

        Raises:
            StoreFailed: it cannot be read.
        """
        try:
            captures = self._read.get(at)
            if captures is None:
                if len(self._read) >= _FRAMES_READ_MAX:
                    del self._read[next(iter(self._read))]
                captures = self._read[at] = self._records.captures(self._frame(at).payload)
            return captures[index]()
        except (OSError, BadDocument):
            raise StoreFailed(
                f"{self._path}: what was recorded cannot be read back from byte {at}; the next "
                "recording into the cassette takes in what can be read of it"
            ) from None

    def _frame(self, at: int) -> Frame:
        content = b""
        while piece := os.pread(
            self._descriptor, max(_READ_BYTES, len(content)), at + len(content)
        ):
            content += piece
            if found := frame_at(content, 0):
                return found[0]
        raise BadDocument("", "no frame")

    def close(self) -> None:
        """Let go of the file."""
        let_go(self._descriptor)


class _InFrame:
    """One capture of a journal; called, it is read back."""

    __slots__ = ("_place", "_reader")

    def __init__(self, reader: _FrameReader, place: int) -> None:
        self._reader = reader
        self._place = place

    def __call__(self) -> Redacted[Interaction]:
        return self._reader.capture(*divmod(self._place, _OF_ONE_FRAME_MAX))


class JournalFiles:
    """Appends to the journal of one cassette, in as many parts as failures make necessary."""

    def __init__(self, cassette: Path, opening: Opening) -> None:
        self._cassette = cassette
        self._opening = opening
        self._writer = secrets.token_hex(8)
        self._part = 0
        self._file: AppendFile | None = None
        self._frames = 0  # of the part that are known to be whole
        self._readers: dict[Path, _FrameReader | None] = {}  # by part
        self._owed = 0  # bytes of the payload that could not be made durable last

    def append(self, records: Sequence[Record]) -> Sequence[Kept] | None:
        """Return once the records are durable, all in one frame, or raise StoreFailed; with what
        reads each capture back until `forget`, if that can be.
        """
        payload = dump_records(records)
        with self._owing(len(payload)):
            file = self._open()
            at = file.durable
            self._append(file, self._frame(payload))
        self._frames += 1
        if file.path not in self._readers:
            self._readers[file.path] = _FrameReader.of(file.path)
        reader = self._readers[file.path]
        if reader is None or len(records) > _OF_ONE_FRAME_MAX:
            return None
        return [_InFrame(reader, at * _OF_ONE_FRAME_MAX + index) for index in range(len(records))]

    def forget(self) -> None:
        """What was appended cannot be read back any more."""
        for reader in self._readers.values():
            if reader is not None:
                reader.close()
        self._readers.clear()

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


FILE_BYTES_MAX = 512 * 1024 * 1024  # one laid out by hand is held several times while it is read
_CHUNK_BYTES = 1_048_576  # of a file that are read at once


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
    return (found.st_ino, found.st_mtime_ns, found.st_size), _parts(path)


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
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            _check_size(path, os.fstat(file.fileno()).st_size)
            cassette = read_chunks(_chunks(file, digest))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CassetteDamaged(f"{path}: cannot be read: {error.strerror}") from None
    if cassette is not None:
        return Stored(cassette, digest.hexdigest())
    return _read_whole(path)


def _chunks(file: BinaryIO, digest: "hashlib._Hash") -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
        yield chunk


def _read_whole(path: Path) -> Stored | None:
    content = content_of(path)
    if content is None:
        return None
    text = ""
    try:
        text = content.decode("utf-8-sig")  # some editors begin a file with a byte order mark
        cassette = parse(text)
    except UnicodeDecodeError as error:
        raise CassetteDamaged(f"{path}: not UTF-8 at byte {error.start}") from None
    except BadDocument as error:
        place = f", {line_of(text, error.at)}" if error.at else ""
        raise CassetteDamaged(f"{path}{place}: {error}") from None
    return Stored(cassette, hashlib.sha256(content).hexdigest())


def content_of(path: Path) -> bytes | None:
    """The bytes of a file that may be a cassette; None if it is not there.

    Raises:
        CassetteDamaged: it is too large or cannot be read.
    """
    try:
        _check_size(path, path.stat().st_size)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CassetteDamaged(f"{path}: cannot be read: {error.strerror}") from None


def _check_size(path: Path, size: int) -> None:
    if size > FILE_BYTES_MAX:
        raise CassetteDamaged(f"{path}: larger than {FILE_BYTES_MAX:,} bytes, not a cassette")


class FileStore:
    """Cassettes below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, _Seen] = {}

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
        found = self._together(name)
        told = [tail.told("a crash cut it, or a recorder is writing it") for tail in found.tails]
        if found.cassette is None:
            if told:
                raise NothingReadable(
                    f"{told[0]}, and nothing else of the cassette is there; record it again, "
                    "which keeps this file aside"
                )
            return None
        return Stored(found.cassette, found.sha256, (*told, *found.recovered), str(path))

    def mark(self, name: str) -> object:
        """The file's identity, time and size, and the journals beside it."""
        return _standing(self._path(name))

    def open_journal(self, name: str, header: Cassette) -> "FileJournal":
        """Take the lock, take in what an earlier recorder left, and begin to record."""
        path = self._path(name)
        lock, descriptor = self._locked(name, path)
        journal = FileJournal(path, header, lock, descriptor)
        try:
            journal.take_in(self._together(name))
        except StoreFailed as error:
            journal.release()
            raise StartRefused(f"what an earlier recording left cannot be saved: {error}") from None
        except BaseException:
            journal.release()
            raise
        return journal

    def take_over(self, name: str, change: Callable[[str], Cassette | None]) -> bool:
        """Put what `change` makes of the text of a cassette's file in its place, though nobody
        could load it; whether it made anything of it.

        Raises:
            StartRefused: there is no such file, it is being recorded, or it cannot be written.
            CassetteDamaged: it is no text, or a journal beside it belongs to it as it was.
            BadDocument: as `change`.
            StoreFailed: it could not be written; what was there is untouched.
        """
        path = self._path(name)
        lock, descriptor = self._locked(name, path)
        try:
            content = content_of(path)
            if content is None:
                raise StartRefused(f"{path}: there is no such file")
            if _parts(path):
                raise CassetteDamaged(
                    f"{path}: a recording left a journal beside it, for the file as it was; undo "
                    f"the edit, run runreel cassette upgrade {name}, and edit it then"
                )
            changed = change(content.decode("utf-8-sig"))
            if changed is not None:
                replace_file(path, dump(changed).encode("utf-8"))
        except UnicodeDecodeError as error:
            raise CassetteDamaged(f"{path}: not UTF-8 at byte {error.start}") from None
        except OSError as error:
            raise StoreFailed(f"{path}: cannot be written: {error.strerror}") from None
        finally:
            release_lock(lock, descriptor)
        return changed is not None

    def _locked(self, name: str, path: Path) -> tuple[Path, int]:
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
        return lock, descriptor

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

    def _together(self, name: str) -> Found:
        """As `together`; not read again while what was read is in use and nothing has changed."""
        path = self._path(name)
        seen = self._seen.get(name)
        if seen is not None and (cassette := seen.cassette()) and seen.standing == _standing(path):
            return Found(cassette, seen.sha256, ())
        self._seen.pop(name, None)
        before = _standing(path)
        found = together(path)
        if found.cassette and found.sha256 and before == _standing(path) and _is_settled(path):
            self._seen[name] = _Seen(before, weakref.ref(found.cassette), found.sha256)
        return found

    def _path(self, name: str) -> Path:
        return _file(self._folder / name)


_SETTLED_NS = 2 * 10**9  # a file written so long ago has another time if it is written again


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file was when it was read, and what was read: for as long as that is in use."""

    standing: object
    cassette: weakref.ref[Cassette]
    sha256: str


def _is_settled(path: Path) -> bool:
    """Whether a file holds all of its cassette, and would show it if it were written again."""
    try:
        written_ns = path.stat().st_mtime_ns
    except OSError:
        return False
    # The file system's clock, whatever time it is for a session.
    return not _parts(path) and time.time_ns() - written_ns > _SETTLED_NS


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

    def append(self, captures: Sequence[Pending]) -> Sequence[Kept] | None:
        """Make captures durable."""
        self._appended = True
        return self._files.append(captures)

    def check(self) -> None:
        """Find out whether the next append can be expected to work."""
        self._files.check()

    def commit(self, cassette: Cassette | None) -> str | None:
        """Save the cassette, remove the journal, release the lock."""
        try:
            if cassette is not None:
                return self._save(cassette, self._check_nobody_else_wrote)
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

    def take_in(self, found: Found) -> None:
        """Put what an earlier recorder left into the file, if it is not there yet."""
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
                self._sha256 = self._save(found.cassette)
            elif found.sha256 is not None and parts_of(self._path):
                self._settle(found.sha256)
        except OSError as error:
            raise StoreFailed(f"{self._path}: cannot be written: {error.strerror}") from None

    def release(self) -> None:
        """Give up the right; what is in the journal stays there."""
        self._files.close()
        self._files.forget()
        release_lock(self._lock, self._descriptor)

    def _check_nobody_else_wrote(self, there: str | None) -> None:
        """Return if saving over a file of that SHA-256 overwrites nothing that is not known."""
        if there != self._sha256:
            raise StoreFailed(
                f"{self._path}: was changed by somebody else during the recording, so it is not "
                "overwritten; the recording is in the journal beside it, and the next recording "
                "into this cassette puts both together when it starts"
            )

    def _save(
        self, cassette: Cassette, check: Callable[[str | None], None] = lambda _there: None
    ) -> str:
        """Make this the file's content, if what is there passes a check; the journals go once it is
        known to hold what they do.
        """
        digest = hashlib.sha256()
        try:
            with Successor(self._path) as successor:
                pieces = dumped(cassette, cassette.interactions)
                successor.write(_measured(self._path, pieces, digest))
                sha256, there = digest.hexdigest(), self._sha256_there()
                if there != sha256:
                    check(there)
                    self._append_result(sha256)
                    successor.put_in_place()
                    self._drop_journals()
                    return sha256
            self._settle(sha256)  # equal content is not written again
        except OSError as error:
            raise StoreFailed(f"{self._path}: cannot be written: {error.strerror}") from None
        return sha256

    def _sha256_there(self) -> str | None:
        """The SHA-256 of the file as it is now; None if there is none."""
        try:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"{self._path}: cannot be read: {error.strerror}") from None

    def _settle(self, sha256: str) -> None:
        """The file that is there, of that SHA-256, holds what the journals do."""
        self._append_result(sha256)
        sync(self._path)  # whoever put it there may not have come that far
        sync(self._path.parent)
        self._drop_journals()

    def _append_result(self, sha256: str) -> None:
        if parts_of(self._path):
            self._files.append([Result(sha256)])

    def _drop_journals(self) -> None:
        self._files.close()  # what is appended after this needs a part that stays
        self._remove_parts()

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


def _measured(path: Path, pieces: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    """The pieces of a file, which go into a digest; raises StoreFailed where they are too large."""
    size = 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if size > FILE_BYTES_MAX:
            raise StoreFailed(
                f"{path}: would be larger than {FILE_BYTES_MAX:,} bytes; what is new stays in the "
                "journal beside it"
            )
        yield piece
