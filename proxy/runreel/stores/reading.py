"""What there is of a cassette on disk: its file and the journals beside it, read together.

Owns that a reader sees one state of both, also while a recorder moves all from here to there. Never
writes. What becomes of what it found is `files`.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from runreel.core.cassette import Cassette, parse
from runreel.core.document import BadDocument
from runreel.core.errors import CassetteDamaged
from runreel.core.journal import Pending, recover
from runreel.ports import Stored
from runreel.stores import journals

FILE_BYTES_MAX = 512 * 1024 * 1024  # a cassette is held in memory several times over while loading


@dataclass(frozen=True, slots=True)
class Found:
    """A cassette as file and journals hold it together, None if neither holds anything.

    `sha256` is that of the file, `recovered` the sentence about what only the journals hold.
    """

    cassette: Cassette | None
    sha256: str | None
    tails: tuple[journals.Tail, ...]
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


def _parts(path: Path) -> list[journals.Part]:
    try:
        return journals.parts_of(path)
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
