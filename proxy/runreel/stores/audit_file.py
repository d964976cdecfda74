"""The current file of an audit log: lines are added at its end, and nothing is ever changed.

Owns what is durable of it, and what happens when a write or a sync fails: the file is cut back to
what is known to be durable, and the next one goes on from there; a sync that failed is never tried
again on that file. Raises OSError as it comes. Knows nothing of what a line says.
"""

import contextlib
import os
from pathlib import Path

from runreel.stores.audit_reading import next_rotated
from runreel.stores.durable import NEW_FILE, is_at, let_go, sync, sync_data, write_all

LOOSE_BYTES_MAX = 65_536  # that are written and not durable; more are made so
_AS_IT_IS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class AuditFile:
    """Appends to `path`; when that has `rotate_bytes`, or failed, it is renamed and begun anew."""

    def __init__(self, path: Path, rotate_bytes: int) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._descriptor: int | None = None
        self._durable = 0  # bytes
        self._loose = b""  # what follows them: in the file, though perhaps not on the disk
        self._broken = False  # bytes may follow that are no part of the log
        self._unfinished = False  # a file was begun, and could be neither finished nor removed

    def go_on(self) -> None:
        """Take up the file that is there, if one is."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            self._descriptor = os.open(self._path, _AS_IT_IS)
        if self._descriptor is not None:
            self._broken = True  # until it is known to be durable
            os.fsync(self._descriptor)
            self._durable = os.fstat(self._descriptor).st_size
            self._broken = False

    def is_there(self) -> bool:
        """Whether what stands at the path is the file that is written, or nothing if none is."""
        if self._descriptor is None:
            return self._unfinished or not self._path.exists()
        return is_at(self._path, self._descriptor)

    def append(self, content: bytes, *, durable: bool) -> None:
        """Add lines; if `durable`, they and all before are on disk then, or none of them is."""
        try:
            descriptor = self._usable()
            write_all(descriptor, content)
            if durable or len(self._loose) + len(content) > LOOSE_BYTES_MAX:
                sync_data(descriptor)
                self._durable += len(self._loose) + len(content)
                self._loose = b""
            else:
                self._loose += content
        except OSError:
            self._broken = True
            raise

    def close(self) -> None:
        """Let go of the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            let_go(descriptor)

    def _usable(self) -> int:
        full = self._durable + len(self._loose) >= self._rotate_bytes
        if self._descriptor is not None and (self._broken or full):
            self._put_away(self._descriptor)
        return self._begun() if self._descriptor is None else self._descriptor

    def _put_away(self, descriptor: int) -> None:
        if self._broken:
            os.ftruncate(descriptor, self._durable)  # what was loose is written again
        else:
            sync_data(descriptor)
            self._durable += len(self._loose)
            self._loose = b""
        if self._durable:
            self._path.rename(next_rotated(self._path.parent))
        else:
            self._path.unlink()
        self.close()

    def _begun(self) -> int:
        if self._unfinished:
            self._path.unlink(missing_ok=True)
        descriptor = os.open(self._path, NEW_FILE | os.O_APPEND, 0o600)
        self._unfinished = True
        try:
            write_all(descriptor, self._loose)
            os.fsync(descriptor)
            sync(self._path.parent)
        except OSError:
            let_go(descriptor)
            self._path.unlink(missing_ok=True)
            raise
        self._unfinished = self._broken = False
        self._durable, self._loose = len(self._loose), b""
        self._descriptor = descriptor
        return descriptor
