"""The audit log as files: `metadata.jsonl`, those before it, `checkpoints.log`, `actor.key`.

Lines are added at the end of the current file, and nothing is ever changed. When a write or a sync
fails, the file is cut back to what is known to be durable and the next one goes on from there; a
sync that failed is never tried again on that file. There is one writer, by a lock that a crash
releases. A start cuts off a line that a crash has torn, and concludes what the last writer left
open. Only a line without its end is torn: a whole one that is no entry was altered, and stays where
whoever verifies the log will find it.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from runreel.audit.entries import (
    UNKNOWN,
    Entry,
    Link,
    chained,
    checkpoint,
    digest,
    entry_line,
    parse_entry,
)
from runreel.errors import StartRefused, StoreFailed
from runreel.storage.files import (
    AppendFile,
    is_at,
    make_folders,
    release_lock,
    sync,
    take_lock,
    write_all,
)

CURRENT = "metadata.jsonl"
SEARCHED_BYTES_MAX = 268_435_456  # of the newest files, for intents without outcomes
_ROTATED = re.compile(r"metadata\.(\d{6,})\.jsonl")
_TORN = re.compile(r".+\.(\d+)\.torn")


def rotated(folder: Path) -> list[Path]:
    """The files before the current one, oldest first."""
    found = ((path, _ROTATED.fullmatch(path.name)) for path in folder.iterdir())
    numbered = sorted((int(match[1]), path) for path, match in found if match)
    return [path for _, path in numbered]


def _newest_first(folder: Path) -> list[Path]:
    """All files of entries that are there."""
    files = (folder / CURRENT, *reversed(rotated(folder)))
    return [path for path in files if path.exists()]


def next_rotated(folder: Path) -> Path:
    """Where the current file goes when the next one begins."""
    last = rotated(folder)[-1:]
    match = _ROTATED.fullmatch(last[0].name) if last else None
    return folder / f"metadata.{int(match[1]) + 1 if match else 1:06}.jsonl"


def cut_torn_line(path: Path) -> str | None:
    """Keep what stands after the last line feed in a file of its own; a sentence about it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return _put_aside(path, content, content.rfind(b"\n") + 1)


def last_link(folder: Path) -> tuple[Link, str | None]:
    """Where the chain ends; and a sentence if it ends with lines that are no entries.

    Each of those counts as one in the link, which holds the hash of the last entry: the chain goes
    on, and neither with those lines nor with any others in their place is it ever whole again.

    Raises:
        StartRefused: there are lines, and none is an entry.
    """
    bad = 0
    for path in _newest_first(folder):
        for line in _lines_from_the_end(path):
            if entry := _entry_of(line):
                return Link(entry.seq + bad, entry.hash), _altered(folder, bad) if bad else None
            bad += 1
    if bad:
        raise StartRefused(
            f"{folder / CURRENT}: holds no entry of an audit log; restore it, or set audit.path to "
            "another folder"
        )
    return Link(), None


def rejoined(folder: Path, found: Link, lost: Link) -> tuple[Link, str | None]:
    """Where the chain goes on whose file was gone for a while, if it ended with `lost`.

    If that entry is not there any more, the next one fits to nothing that is, and there is a
    sentence about it. `found` is where the chain ends that is there now.
    """
    sealed = b'"hash":"%b"' % lost.hash.encode("ascii")
    if not lost.seq or any(sealed in path.read_bytes() for path in _newest_first(folder)):
        return found, None
    return Link(max(found.seq, lost.seq), lost.hash), (
        f"{folder / CURRENT}: goes on after entry {lost.seq}, which is not there any more; put "
        "back what was removed, or runreel audit verify names the gap"
    )


def unmet_checkpoint(folder: Path, checkpoints: Path, link: Link) -> str | None:
    """A sentence if the last checkpoint does not fit the log, which ends with `link`."""
    try:
        last = checkpoints.read_bytes().splitlines()[-1:]
    except FileNotFoundError:
        return None
    if not last or _is_met(folder, last[0], link):
        return None
    return (
        f"{checkpoints}: the last checkpoint does not fit the log, which was cut off, rolled back "
        "or rewritten since, or it was altered itself; runreel audit verify names the place"
    )


def _is_met(folder: Path, line: bytes, link: Link) -> bool:
    document = _object_of(line)
    size, seal = document.get("size"), document.get("hash")
    if size == link.seq:
        return bool(seal == link.hash)
    if not isinstance(size, int) or size > link.seq:
        return False
    numbered = b'"seq":%d,' % size
    for path in _newest_first(folder):
        for each in _lines_from_the_end(path):
            entry = _object_of(each) if numbered in each else {}
            if entry.get("seq") == size:
                return bool(entry.get("hash") == seal)
    return False


def unconcluded(folder: Path) -> list[Entry]:
    """The intents without outcomes in the newest files, in their order."""
    concluded: set[int] = set()
    found: list[Entry] = []
    left = SEARCHED_BYTES_MAX
    for path in _newest_first(folder):
        if left <= 0:
            break
        left -= path.stat().st_size
        for line in _lines_from_the_end(path):
            document = {} if b'"kind":"observation"' in line else _object_of(line)
            concludes, seq = document.get("intent"), document.get("seq")
            if isinstance(concludes, int):
                concluded.add(concludes)
            elif document.get("kind") == "intent" and isinstance(seq, int) and seq not in concluded:
                with suppress(ValueError):  # no entry: for whoever verifies the log
                    found.append(parse_entry(document))
    return found[::-1]


def _lines_from_the_end(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    end = len(content) - content.endswith(b"\n")
    while end > 0:
        start = content.rfind(b"\n", 0, end) + 1
        yield content[start:end]
        end = start - 1


def _object_of(line: bytes) -> dict[str, Any]:
    """The JSON object of a line; an empty one if it is none."""
    try:
        document = orjson.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _entry_of(line: bytes) -> Entry | None:
    """The entry of a line, if it is one and was not altered."""
    try:
        entry = parse_entry(orjson.loads(line))
        return entry if digest(entry) == entry.hash else None
    except ValueError:
        return None


def _altered(folder: Path, lines: int) -> str:
    which = "last line is no entry" if lines == 1 else f"last {lines} lines are no entries"
    return (
        f"{folder / CURRENT}: the {which} of an audit log: altered since, or put there by somebody "
        "else; nothing was removed, and runreel audit verify names the place"
    )


def _put_aside(path: Path, content: bytes, end: int) -> str | None:
    if end == len(content):
        return None
    numbers = (_TORN.fullmatch(each.name) for each in path.parent.iterdir())
    number = max((int(match[1]) for match in numbers if match), default=0) + 1
    torn = path.with_name(f"{path.name}.{number}.torn")
    AppendFile.begin(torn, content[end:]).close()
    os.truncate(path, end)
    sync(path)
    return (
        f"{path}: the last {len(content) - end} bytes, from byte {end}, are no whole entry (a "
        f"crash while it was written) and were moved to {torn.name}"
    )


class AuditFile:
    """Appends to `path`; when that has `rotate_bytes`, or failed, it is renamed and begun anew."""

    def __init__(self, path: Path, rotate_bytes: int) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._file: AppendFile | None = None
        self._left = b""  # what was loose in a file that failed: written again in the next
        self._broken = False  # bytes may follow that are no part of the log
        self._unfinished = False  # a file was begun, and could be neither finished nor removed

    def go_on(self) -> None:
        """Take up the file that is there, if one is."""
        self.close()
        with suppress(FileNotFoundError):
            self._file = AppendFile.go_on(self._path)
            self._broken = False

    def is_there(self) -> bool:
        """Whether what stands at the path is the file that is written, or nothing if none is."""
        if self._file is None:
            return self._unfinished or not self._path.exists()
        return self._file.is_there()

    def append(self, content: bytes, *, durable: bool) -> None:
        """Add lines; if `durable`, they and all before are on disk then, or none of them is."""
        try:
            self._usable().append(content, durable=durable)
        except OSError:
            self._broken = True
            raise

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _usable(self) -> AppendFile:
        file = self._file
        full = file is not None and file.durable + len(file.loose) >= self._rotate_bytes
        if file is not None and (self._broken or full):
            self._put_away(file)
        return self._begun() if self._file is None else self._file

    def _put_away(self, file: AppendFile) -> None:
        if self._broken:
            file.cut()
            self._left = file.loose
        else:
            file.settle()
        if file.durable:
            self._path.rename(next_rotated(self._path.parent))
        else:
            self._path.unlink()
        self.close()

    def _begun(self) -> AppendFile:
        if self._unfinished:
            self._path.unlink(missing_ok=True)
        self._unfinished = True
        self._file = AppendFile.begin(self._path, self._left)
        self._unfinished = self._broken = False
        self._left = b""
        return self._file


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
        self._file.append(b"".join(map(entry_line, entries)), durable=durable or due)
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
    AppendFile.begin(temporary, key).close()
    try:
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync(folder)
    if ours or (not (folder / CURRENT).exists() and not rotated(folder)):
        return key, None
    return key, (
        f"{path}: was gone and is made anew; from here on an actor has another name than in the "
        "entries before"
    )
