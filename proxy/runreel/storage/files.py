"""Bytes on disk that survive a crash: files that are replaced, and files that only grow.

A file is *replaced* whole: written beside its place, synced, renamed, its folder synced; a crash at
any point leaves the old or the new.

Of a file that only *grows*, under a journal and under the audit log, it is known how many bytes are
`durable`. Behind them may stand `loose` bytes, written and not yet synced, and after a failure
anything at all. Three rules make that safe:

- What was begun is durable with its name, or it is not there.
- A write that failed is cut off: the file goes back to what is known.
- A sync that failed is never tried again: the kernel may have dropped the pages and would say that
  all is well. The file is no longer `sound`; whoever appends goes on in the next one.

    begin "a" | append "b": write, sync -> durable 2 | append "c": write fails -> cut back to 2

Raises OSError as it comes; its callers translate. Knows nothing of what the bytes mean.
"""

import contextlib
import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Self

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


_WRITE_BYTES = 1_048_576  # at once, of a file that is written in pieces


class Successor:
    """A file that is written beside another, in whose place it is put, whole and durable; left
    before that, it is gone. `mode` are its permissions, less the umask.
    """

    def __init__(self, path: Path, mode: int = 0o666) -> None:
        make_folders(path.parent)
        self._path = path
        self._temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}.tmp"
        self._descriptor: int | None = os.open(self._temporary, NEW_FILE, mode)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        let_go(descriptor)
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write some pieces, few of which are in hand at a time."""
        waiting: list[bytes] = []
        size = 0
        for piece in pieces:
            waiting.append(piece)
            size += len(piece)
            if size >= _WRITE_BYTES:
                write_all(self._open(), b"".join(waiting))
                waiting, size = [], 0
        write_all(self._open(), b"".join(waiting))

    def put_in_place(self) -> None:
        """What was written stands in the place of the other, durable with its name."""
        os.fsync(self._open())
        self._temporary.replace(self._path)
        os.close(self._open())
        self._descriptor = None
        sync(self._path.parent)

    def _open(self) -> int:
        assert self._descriptor is not None  # noqa: S101 - it is used within its own block
        return self._descriptor


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Put a file in the place of another, whole and durable."""
    with Successor(path, mode) as successor:
        successor.write([content])
        successor.put_in_place()


def remove_leftovers(path: Path) -> None:
    """Remove what a crash left of replacing a file; for whoever alone may replace it."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}\.tmp")
    for entry in path.parent.iterdir():
        if ours.fullmatch(entry.name):
            entry.unlink(missing_ok=True)


def make_folders(folder: Path) -> None:
    """Make a folder and its parents, each durable in its own parent."""
    if not folder.is_dir():
        make_folders(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        sync(folder.parent)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of it, however many calls that takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync_data(descriptor: int) -> None:
    """Make what was written to a file durable, with its length."""
    getattr(os, "fdatasync", os.fsync)(descriptor)  # not every system has it


def sync(path: Path) -> None:
    """Make a file durable, or what was created, renamed or removed in a folder."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(descriptor)


def take_lock(path: Path, *, wait: bool = False) -> int | None:
    """A descriptor that holds the lock file, or None if another process does, unless that is to be
    waited for; a crash lets go.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # The last holder may have removed the file between our two calls: then try again.
            if is_at(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def release_lock(path: Path, descriptor: int) -> None:
    """Remove the lock file while it is still held, and let go; never that of somebody else."""
    with contextlib.suppress(OSError):
        if is_at(path, descriptor):
            path.unlink()
    let_go(descriptor)


def is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one that stands at its path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return False


def let_go(descriptor: int) -> None:
    """Close a descriptor; all that was to be durable is, so a failure says nothing."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


LOOSE_BYTES_MAX = 65_536  # that are written and not durable; more are made so
_AS_IT_IS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class AppendFile:
    """An open file to append to; its first `durable` bytes are on disk."""

    def __init__(self, path: Path, descriptor: int, durable: int) -> None:
        self.path = path
        self.durable = durable
        self.loose = b""
        self.sound = True
        self._descriptor = descriptor

    @classmethod
    def begin(cls, path: Path, content: bytes) -> "AppendFile":
        """A new file that begins so, durable with its name; nothing is left of one that fails."""
        descriptor = os.open(path, NEW_FILE | os.O_APPEND, 0o600)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
            sync(path.parent)
        except OSError:
            let_go(descriptor)
            path.unlink(missing_ok=True)  # nothing in it was acknowledged
            raise
        return cls(path, descriptor, len(content))

    @classmethod
    def go_on(cls, path: Path) -> "AppendFile":
        """The file that is there, all of it durable."""
        descriptor = os.open(path, _AS_IT_IS)
        try:
            os.fsync(descriptor)
            return cls(path, descriptor, os.fstat(descriptor).st_size)
        except OSError:
            let_go(descriptor)
            raise

    def append(self, content: bytes, *, durable: bool = True) -> None:
        """Add bytes; if `durable`, they and all before are on disk then, or none of them counts."""
        write_all(self._descriptor, content)
        if durable or len(self.loose) + len(content) > LOOSE_BYTES_MAX:
            self._sync()
            self.durable += len(self.loose) + len(content)
            self.loose = b""
        else:
            self.loose += content

    def settle(self) -> None:
        """Make what is loose durable."""
        self._sync()
        self.durable += len(self.loose)
        self.loose = b""

    def cut(self, bytes_back: int = 0) -> None:
        """Take back all that is not durable, and so many of the durable bytes."""
        os.ftruncate(self._descriptor, self.durable - bytes_back)
        self.durable -= bytes_back

    def is_there(self) -> bool:
        """Whether this is still the file that stands at its path."""
        return is_at(self.path, self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        let_go(self._descriptor)

    def _sync(self) -> None:
        self.sound = False
        sync_data(self._descriptor)
        self.sound = True
