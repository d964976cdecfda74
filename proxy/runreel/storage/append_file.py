"""A file that only grows: under the journal of a cassette and under the audit log.

What is known of such a file is how many bytes of it are `durable`. Behind them may stand `loose`
bytes, written and not yet synced, and after a failure anything at all. Three rules make that safe:

- What was begun is durable with its name, or it is not there.
- A write that failed is cut off: the file goes back to what is known.
- A sync that failed is never tried again: the kernel may have dropped the pages and would say that
  all is well. The file is no longer `sound`; whoever appends goes on in the next one.

    begin "a" | append "b": write, sync -> durable 2 | append "c": write fails -> cut back to 2

Raises OSError as it comes. Knows nothing of what the bytes mean.
"""

import os
from pathlib import Path

from runreel.storage.files import NEW_FILE, is_at, let_go, sync, sync_data, write_all

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
