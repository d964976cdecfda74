"""Cassettes as files: `DIR/NAME.json`, replaced as a whole or not at all.

Owns all file access. A write goes to a temporary file in the same folder, is fsynced, renamed over
the old file, and the folder is fsynced: after a crash either the old or the new file is there,
whole. Reading never writes. Knows nothing of sessions.
"""

import contextlib
import errno
import hashlib
import os
import secrets
from pathlib import Path

from runreel.core.cassette import Cassette, NotACassetteName, check_name, dump, parse
from runreel.core.document import BadDocument
from runreel.core.errors import CassetteDamaged, StartRefused, StoreFailed
from runreel.ports import Stored

FILE_BYTES_MAX = 512 * 1024 * 1024  # a cassette is held in memory several times over while loading


class FileStore:
    """Cassettes below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """The names of all stored cassettes, sorted."""
        files = (path for path in self._folder.rglob("*.json") if path.is_file())
        names = (path.relative_to(self._folder).with_suffix("").as_posix() for path in files)
        return sorted(name for name in names if _can_name(name))

    def load(self, name: str) -> Stored | None:
        """The cassette, or None if there is no such file."""
        path = self._path(name)
        try:
            if path.stat().st_size > FILE_BYTES_MAX:
                raise CassetteDamaged(
                    f"{path}: larger than {FILE_BYTES_MAX:,} bytes, not a cassette"
                )
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

    def check_writable(self, name: str) -> None:
        """Try what `save` will do, without touching the cassette."""
        folder = self._path(name).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / _temporary(".probe")
            os.close(os.open(probe, _CREATE, 0o666))
            probe.unlink()
        except OSError as error:
            raise StartRefused(
                f"cassettes cannot be written to {folder} ({error.strerror}); choose a writable "
                "folder with --cassettes DIR, or use replay, which writes nothing"
            ) from None

    def save(self, name: str, cassette: Cassette) -> str:
        """Replace the file atomically and durably; equal content is left as it is."""
        path = self._path(name)
        content = dump(cassette).encode("utf-8")
        digest = hashlib.sha256(content).hexdigest()
        try:
            if not _holds(path, content):
                _make_folders(path.parent)
                _replace(path, content)
        except OSError as error:
            raise StoreFailed(f"{path}: cannot be written: {error.strerror}") from None
        return digest

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def _can_name(text: str) -> bool:
    try:
        check_name(text)
    except NotACassetteName:
        return False
    return True


_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)


def _temporary(name: str) -> str:
    return f".{name}.{secrets.token_hex(8)}.tmp"


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except FileNotFoundError:
        return False


def _make_folders(folder: Path) -> None:
    if not folder.is_dir():
        _make_folders(folder.parent)
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
        _sync_folder(folder.parent)


def _replace(path: Path, content: bytes) -> None:
    temporary = path.parent / _temporary(path.name)
    descriptor = os.open(temporary, _CREATE, 0o666)
    try:
        try:
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(descriptor)
