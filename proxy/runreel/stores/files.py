"""Cassettes as files: `DIR/NAME.json`, replaced as a whole or not at all.

Owns the life of a cassette on disk: the file, the journal beside it while it is recorded, and the
lock that keeps a second recorder out. After a crash at any point, file and journal together hold
all that was acknowledged. Reading never writes, and what could not be read is never removed. Knows
nothing of sessions.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runreel.core.cassette import Cassette, NotACassetteName, check_name, dump, parse
from runreel.core.document import BadDocument
from runreel.core.errors import CassetteDamaged, NothingReadable, StartRefused, StoreFailed
from runreel.core.journal import Opening, Pending, Result, recover
from runreel.ports import Stored
from runreel.stores import journals
from runreel.stores.durable import (
    make_folders,
    release_lock,
    remove_leftovers,
    replace_file,
    sync,
    take_lock,
)

FILE_BYTES_MAX = 512 * 1024 * 1024  # a cassette is held in memory several times over while loading


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
            if (stem := journals.belongs_to(path))
        }
        files |= {path for path in journaled - files if _is_in_journals(_file(path))}
        found = (path.relative_to(self._folder).as_posix() for path in files)
        return sorted(name for name in found if _can_name(name))

    def load(self, name: str) -> Stored | None:
        """The cassette with what its journals hold, or None."""
        found = _together(self._path(name))
        told = [tail.told("a crash cut it, or a recorder is writing it") for tail in found.tails]
        if found.cassette is None:
            if told:
                raise NothingReadable(
                    f"{told[0]}, and nothing else of the cassette is there; record it again, "
                    "which keeps this file aside"
                )
            return None
        return Stored(found.cassette, found.sha256, (*told, *found.recovered))

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
            raise StartRefused(
                f"cassette '{name}' is being recorded by another runreel; stop that one, or record "
                "into another cassette with --cassette NAME"
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

    def _path(self, name: str) -> Path:
        return _file(self._folder / name)


class FileJournal:
    """The right to record into one cassette file."""

    def __init__(self, path: Path, header: Cassette, lock: Path, descriptor: int) -> None:
        self._path = path
        self._files = journals.JournalFiles(path, Opening(header))
        self._lock = lock
        self._descriptor = descriptor
        self._unreadable: set[journals.Part] = set()
        self.notes: tuple[str, ...] = ()

    def append(self, captures: Sequence[Pending]) -> None:
        """Make captures durable."""
        self._files.append(captures)

    def check(self) -> None:
        """Find out whether the next append can be expected to work."""
        self._files.check()

    def commit(self, cassette: Cassette | None) -> str | None:
        """Save the cassette, remove the journal, release the lock."""
        try:
            if cassette is not None:
                return self._save(dump(cassette).encode("utf-8"))
            with suppress(OSError):  # there is nothing in it
                self._remove_parts()
            return None
        finally:
            self.release()

    def take_in(self) -> None:
        """Put what an earlier recorder left into the file, if it is not there yet."""
        found = _together(self._path)
        self._unreadable = {tail.part for tail in found.tails}
        told = (
            f"{tail.told('a crash cut it')}; the file is kept as {journals.aside(tail.part).name}"
            for tail in found.tails
        )
        self.notes = (*told, *found.recovered)
        try:
            remove_leftovers(self._path)
            if found.cassette is None:
                self._remove_parts()  # a journal was opened, and nothing came that can be read
            elif found.recovered:
                self._save(dump(found.cassette).encode("utf-8"))
            elif journals.parts_of(self._path):
                self._save(self._path.read_bytes())
        except OSError as error:
            raise StoreFailed(f"{self._path}: cannot be written: {error.strerror}") from None

    def release(self) -> None:
        """Give up the right; what is in the journal stays there."""
        self._files.close()
        release_lock(self._lock, self._descriptor)

    def _save(self, content: bytes) -> str:
        """Make this the file's content; the journals go once it is known to hold what they do."""
        if len(content) > FILE_BYTES_MAX:
            raise StoreFailed(
                f"{self._path}: would be larger than {FILE_BYTES_MAX:,} bytes; what is new stays "
                "in the journal beside it"
            )
        digest = hashlib.sha256(content).hexdigest()
        try:
            if journals.parts_of(self._path):
                self._files.append([Result(digest)])
            if _holds(self._path, content):
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
        parts = sorted(journals.parts_of(self._path), key=self._files.wrote)
        for some in (parts[:-1], parts[-1:]):
            for part in some:
                if part in self._unreadable:
                    journals.put_aside(part)
                else:
                    part.path.unlink(missing_ok=True)
            if some:
                sync(self._path.parent)


@dataclass(frozen=True, slots=True)
class _Found:
    """A cassette as file and journals hold it together, None if neither holds anything.

    `sha256` is that of the file, `recovered` the sentence about what only the journals hold.
    """

    cassette: Cassette | None
    sha256: str | None
    tails: tuple[journals.Tail, ...]
    recovered: tuple[str, ...] = ()


def _together(path: Path) -> _Found:
    while True:
        before = _standing(path)
        try:
            found = _read(path)
            records, tails = journals.read(_parts(path))
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
        return _Found(cassette, sha256, tuple(tails))
    count = sum(isinstance(record, Pending) for record in records)
    were = "1 interaction was" if count == 1 else f"{count} interactions were"
    return _Found(recovered, sha256, tuple(tails), (f"{path}: {were} still in the journal",))


def _is_in_journals(path: Path) -> bool:
    """Whether a cassette that has no file is there all the same, readable or not."""
    try:
        return _together(path).cassette is not None
    except CassetteDamaged:
        return True


def _standing(path: Path) -> object:
    """What changes when the file is replaced, or a journal is begun or removed."""
    try:
        found = path.stat()
    except OSError:
        return None, _parts(path)
    return (found.st_ino, found.st_mtime_ns), _parts(path)


def _parts(path: Path) -> list[journals.Part]:
    try:
        return journals.parts_of(path)
    except OSError as error:
        raise CassetteDamaged(f"{path.parent}: cannot be read: {error.strerror}") from None


def _read(path: Path) -> Stored | None:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise CassetteDamaged(f"{path}: larger than {FILE_BYTES_MAX:,} bytes, not a cassette")
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CassetteDamaged(f"{path}: cannot be read: {error.strerror}") from None
    try:
        cassette = parse(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise CassetteDamaged(f"{path}: not UTF-8 at byte {error.start}") from None
    except BadDocument as error:
        raise CassetteDamaged(f"{path}: {error}") from None
    return Stored(cassette, hashlib.sha256(content).hexdigest())


def _file(path: Path) -> Path:
    """The file of a cassette, given its folder and its name."""
    return path.with_name(f"{path.name}.json")


def _can_name(text: str) -> bool:
    try:
        check_name(text)
    except NotACassetteName:
        return False
    return True


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False
