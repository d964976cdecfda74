"""The audit log as files: `metadata.jsonl`, those before it, `checkpoints.log`, `actor.key`.

Owns the chain from one entry to the next, the checkpoints, and the right to append: one writer, by
a lock that a crash releases. A start concludes what the last one left open. Knows nothing of
requests; what entries say is `core.audit`.
"""

import errno
import os
import secrets
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from runreel.core.audit.chain import Link, chained, checkpoint, line
from runreel.core.audit.entries import UNKNOWN, Entry
from runreel.core.errors import StartRefused, StoreFailed
from runreel.stores.audit_file import AuditFile
from runreel.stores.audit_reading import (
    CURRENT,
    cut_torn_line,
    last_link,
    rejoined,
    rotated,
    unconcluded,
    unmet_checkpoint,
)
from runreel.stores.durable import (
    NEW_FILE,
    is_at,
    let_go,
    make_folders,
    release_lock,
    sync,
    take_lock,
    write_all,
)

CHECKPOINTS = "checkpoints.log"
KEY = "actor.key"
KEY_BYTES = 32
_LOCK = ".metadata.lock"
_STOPPED = "runreel stopped before the answer was known"
_ADD = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Sizes:
    """When the next file begins, in bytes, and the next checkpoint is due, in entries."""

    rotate_bytes: int
    checkpoint_entries: int


class AuditLog:
    """The audit log in a folder; `now` gives the time as entries have it.

    `notes` are sentences for whoever runs it; who tells them empties the list.
    """

    def __init__(self, folder: Path, sizes: Sizes, now: Callable[[], str]) -> None:
        self.notes: list[str] = []
        self._folder = folder
        self._now = now
        self._every = sizes.checkpoint_entries
        self._rotate_bytes = sizes.rotate_bytes
        self._file = AuditFile(self.path, sizes.rotate_bytes)
        self._lock: int | None = None
        self._key = b""
        self._link: Link | None = None  # None: what is there was not read yet
        self._lost: Link | None = None  # where the chain was when its file was found to be gone
        self._checkpointed = 0  # up to which entry

    @property
    def path(self) -> Path:
        """The file that entries are appended to."""
        return self._folder / CURRENT

    def open(self) -> None:
        """Take the right to append, and conclude what a crash has left open.

        If nothing can be written there now, that is a note, and the next `append` tries again.

        Raises:
            StartRefused: somebody else writes it, or what is there cannot be continued.
        """
        try:
            self._opened()
        except OSError as error:
            self.notes.append(f"{self._failed(error)}; until it can, changes are refused")
        except BaseException:
            self._let_go()
            raise

    def key(self) -> bytes:
        """The secret under which actors are named.

        Raises:
            StoreFailed: there is none yet, and none could be made.
        """
        try:
            self._opened()
        except (OSError, StartRefused) as error:
            raise self._failed(error) from None
        return self._key

    def append(self, drafts: Sequence[Entry], *, durable: bool) -> tuple[Entry, ...]:
        """Chain the drafts and write them; if `durable`, they and all before are on disk then.

        Raises:
            StoreFailed: none of them is in the log, for one because file or lock is not at its path
                any more, where others may write by now. The next call goes to a new file.
        """
        try:
            return self._append(self._opened(), drafts, durable=durable)
        except (OSError, StartRefused) as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Make all of it durable, write a checkpoint and give up the right to append.

        Raises:
            StoreFailed: it is not, or there is no checkpoint.
        """
        try:
            if self._link is not None and self._link.seq:
                self._check_place()
                self._file.append(b"", durable=True)
                self._checkpoint(self._link)
        except OSError as error:
            raise self._failed(error) from None
        finally:
            self._let_go()

    def _opened(self) -> Link:
        if self._link is not None:
            self._check_place()
            return self._link
        make_folders(self._folder)
        if self._lock is not None and not is_at(self._folder / _LOCK, self._lock):
            self._let_go()
        if self._lock is None:
            self._lock = take_lock(self._folder / _LOCK)
        if self._lock is None:
            raise StartRefused(
                f"{self.path} is being written by another runreel; stop that one, set audit.path "
                "to another folder, or go without with --no-audit"
            )
        if not self._key or self._lost is not None:
            self._key, told = _key_in(self._folder, self._key)
            self.notes += filter(None, (told,))
        torn = (cut_torn_line(self.path), cut_torn_line(self._folder / CHECKPOINTS))
        self.notes += filter(None, torn)
        link, altered = last_link(self._folder)
        self.notes += filter(None, (altered,))
        self._file.go_on()
        if self._lost is None:
            unmet = unmet_checkpoint(self._folder, self._folder / CHECKPOINTS, link)
            self.notes += filter(None, (unmet,))
            self._checkpointed = link.seq
            self._conclude(link)
        else:  # what is open is still under way, here
            link, missing = rejoined(self._folder, link, self._lost)
            self.notes += filter(None, (missing,))
        self._link, self._lost = self._link or link, None
        return self._link

    def _check_place(self) -> None:
        """Raise OSError, and begin anew the next time, if others may write the log by now."""
        lock = self._folder / _LOCK
        if self._lock is None or not is_at(lock, self._lock):
            gone = lock.name
        elif not self._file.is_there():
            gone = CURRENT
        else:
            return
        self._let_go()
        self._file = AuditFile(self.path, self._rotate_bytes)
        self._link, self._lost = None, self._link
        raise OSError(errno.ESTALE, f"{gone} was removed or replaced while runreel ran")

    def _conclude(self, link: Link) -> None:
        left = unconcluded(self._folder)
        if not left:
            return
        at = self._now()
        self._append(link, [_unknown(intent, at) for intent in left], durable=True)
        were = "1 change was" if len(left) == 1 else f"{len(left)} changes were"
        self.notes.append(
            f"{self.path}: {were} under way when runreel was stopped; what became of it is logged "
            f"as unknown (entry {', '.join(str(intent.seq) for intent in left)})"
        )

    def _append(self, link: Link, drafts: Sequence[Entry], *, durable: bool) -> tuple[Entry, ...]:
        entries: list[Entry] = []
        for draft in drafts:
            entries.append(chained(link, draft))
            link = Link(entries[-1].seq, entries[-1].hash)
        due = link.seq - self._checkpointed >= self._every
        self._file.append(b"".join(map(line, entries)), durable=durable or due)
        self._link = link
        if due:
            with suppress(OSError):  # the next entry tries again
                self._checkpoint(link)
        return tuple(entries)

    def _checkpoint(self, link: Link) -> None:
        descriptor = os.open(self._folder / CHECKPOINTS, _ADD, 0o600)
        size = os.fstat(descriptor).st_size
        try:
            try:
                write_all(descriptor, checkpoint(self._now(), link))
            except OSError:
                os.ftruncate(descriptor, size)
                raise
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if not size:
            sync(self._folder)
        self._checkpointed = link.seq

    def _let_go(self) -> None:
        self._file.close()
        lock, self._lock = self._lock, None
        if lock is not None:
            release_lock(self._folder / _LOCK, lock)

    def _failed(self, error: OSError | StartRefused) -> StoreFailed:
        if isinstance(error, StartRefused):
            return StoreFailed(str(error))
        return StoreFailed(f"{self.path}: the audit log cannot be written: {error.strerror}")


def _unknown(intent: Entry, at: str) -> Entry:
    return replace(
        intent,
        at=at,
        kind="outcome",
        after=UNKNOWN,
        effect="unknown",
        intent=intent.seq,
        reason=_STOPPED,
    )


def _key_in(folder: Path, ours: bytes) -> tuple[bytes, str | None]:
    """The key, `ours` or a new one if there is none; and a sentence if it is odd."""
    path = folder / KEY
    with suppress(FileNotFoundError):
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise StartRefused(
                f"{path}: is not {KEY_BYTES} bytes long; restore it, or move it away to name "
                "actors anew from here on"
            )
        mode = stat.S_IMODE(path.stat().st_mode)
        return key, None if mode & 0o077 == 0 else (
            f"{path}: others than its owner may use it (mode {mode:o}), and find out which actor "
            "has a key that they know; chmod 600 it"
        )
    key = ours or secrets.token_bytes(KEY_BYTES)
    temporary = folder / f".{KEY}.{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, NEW_FILE, 0o600)
    try:
        write_all(descriptor, key)
        os.fsync(descriptor)
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        let_go(descriptor)
    sync(folder)
    if ours or (not (folder / CURRENT).exists() and not rotated(folder)):
        return key, None
    return key, (
        f"{path}: was gone and is made anew; from here on an actor has another name than in the "
        "entries before"
    )
