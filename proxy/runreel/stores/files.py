"""Cassettes as files: `DIR/NAME.json`, replaced as a whole or not at all.

Owns the life of a cassette on disk: the file, the journal beside it while it is recorded, and the
lock that keeps a second recorder out. After a crash at any point, file and journal together hold
all that was acknowledged, and what could not be read of them is never removed. Knows nothing of
sessions.
"""

from collections.abc import Sequence
from pathlib import Path

from runreel.core.cassette import Cassette, NotACassetteName, check_name, dump
from runreel.core.errors import CassetteBusy, NothingReadable, StartRefused, StoreFailed
from runreel.core.journal import Opening, Pending, Result
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
from runreel.stores.reading import FILE_BYTES_MAX, is_in_journals, sha256_of, together


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
        files |= {path for path in journaled - files if is_in_journals(_file(path))}
        found = (path.relative_to(self._folder).as_posix() for path in files)
        return sorted(name for name in found if _can_name(name))

    def load(self, name: str) -> Stored | None:
        """The cassette with what its journals hold, or None."""
        found = together(self._path(name))
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
            if journals.parts_of(path) and (descriptor := take_lock(lock)) is not None:
                try:
                    for part in journals.parts_of(path):
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
        self._files = journals.JournalFiles(path, Opening(header))
        self._lock = lock
        self._descriptor = descriptor
        self._sha256: str | None = None  # of the file, when this recording began
        self._unreadable: set[journals.Part] = set()
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
            f"{tail.told('a crash cut it')}; the file is kept as {journals.aside(tail.part).name}"
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
            elif journals.parts_of(self._path):
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
            if journals.parts_of(self._path):
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
        parts = sorted(journals.parts_of(self._path), key=self._files.wrote)
        for some in (parts[:-1], parts[-1:]):
            for part in some:
                if part in self._unreadable:
                    journals.put_aside(part)
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
