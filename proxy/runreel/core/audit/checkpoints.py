"""Checkpoints of an audit log, read and held against the log.

Owns what a checkpoint says and what it proves. Like all that proves a log it must never import
anything of what writes it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import rfc8785

from runreel.core.audit.findings import Finding, Line, Unreadable, json_object

_HASH = re.compile(r"[0-9a-f]{64}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log came to at a time: number and hash of its last entry."""

    at: str
    hash: str
    size: int


def checkpoint_of(content: bytes) -> Checkpoint:
    """The checkpoint that a JSON object says, however it is spelled.

    Raises:
        Unreadable: it says none.
    """
    document = json_object(content)
    match document:
        case {"at": str(at), "hash": str(seal), "size": int(size), **rest}:
            if not rest and _HASH.fullmatch(seal) and size >= 0 and not isinstance(size, bool):
                return Checkpoint(at, seal, size)
    raise Unreadable("is no checkpoint, which has at, hash and size")


def checkpoint_line(checkpoint: Checkpoint) -> str:
    """A checkpoint as text to keep."""
    document: dict[str, Any] = {
        "at": checkpoint.at,
        "hash": checkpoint.hash,
        "size": checkpoint.size,
    }
    return rfc8785.dumps(document).decode("utf-8")


class Checkpoints:
    """The file of checkpoints, read along with the log; the first bad one ends it."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.met = 0
        self.sealed = 0
        self.finding: Finding | None = None
        self._lines = iter(lines)
        self._line: Line | None = None
        self._next: Checkpoint | None = None
        self._advance()

    def compare(self, seq: int, seal: str) -> None:
        """Check what the file says of the entry `seq`, whose hash is `seal`."""
        while self._next is not None and self._next.size == seq:
            if self._next.hash != seal:
                self._stop(differs(self._next, self.sealed))
                return
            self.met += 1
            self.sealed = self._next.size
            self._advance()

    def end(self, seq: int) -> None:
        """Check that the file says nothing of entries after the last one, `seq`."""
        if self._next is not None:
            self._stop(beyond(self._next, seq))

    def _advance(self) -> None:
        line = next(self._lines, None)
        self._line, before, self._next = line, self._next, None
        if line is None:
            return
        try:
            self._next = _sealed(line.content, before)
        except Unreadable as error:
            self._stop(str(error))

    def _stop(self, message: str) -> None:
        if self._line is not None:
            seq = self._next.size if self._next else None
            self.finding = Finding(
                "checkpoint", self._line.file, self._line.number, seq, f"this checkpoint {message}"
            )
        self._next = None


def _sealed(content: bytes, before: Checkpoint | None) -> Checkpoint:
    """The checkpoint of a line of the file, after another one."""
    found = checkpoint_of(content)
    if content != checkpoint_line(found).encode("utf-8") + b"\n":
        raise Unreadable("is not in its canonical form (RFC 8785): it was altered or cut off")
    if not TIME.fullmatch(found.at):
        raise Unreadable("has no time")
    if before is not None and found.size < before.size:
        raise Unreadable(f"counts {found.size:,} entries, after one that counts {before.size:,}")
    return found


def differs(checkpoint: Checkpoint, sealed: int) -> str:
    """The sentence, less its subject, about a hash that is not the log's; up to entry `sealed` an
    earlier checkpoint was met.
    """
    since = f"one after entry {sealed:,}" if sealed else "one before it"
    return (
        f"of {checkpoint.at} has another hash for entry {checkpoint.size:,}: that entry or {since} "
        "was altered, and the log rewritten from there"
    )


def beyond(checkpoint: Checkpoint, seq: int) -> str:
    """The sentence, less its subject, about more entries than the log has."""
    return (
        f"of {checkpoint.at} counts {checkpoint.size:,} entries, but the log ends with entry "
        f"{seq:,}: its end was cut off"
    )
