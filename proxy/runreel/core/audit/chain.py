"""The chain of entries: each carries the hash of the one before.

Owns the bytes of a line (the RFC 8785 form of an entry) and of a checkpoint, and the hash over
them. Knows nothing of files.
"""

import hashlib
from dataclasses import dataclass, replace

import rfc8785

from runreel.core.audit.entries import NO_HASH, Entry, entry_document


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain ends: number and hash of its last entry."""

    seq: int = 0
    hash: str = NO_HASH


def chained(link: Link, draft: Entry) -> Entry:
    """The draft as the entry after `link`."""
    entry = replace(draft, seq=link.seq + 1, prev=link.hash)
    return replace(entry, hash=digest(entry))


def digest(entry: Entry) -> str:
    """SHA-256 (hex) over the RFC 8785 form of an entry without its hash."""
    document = entry_document(entry)
    del document["hash"]
    return hashlib.sha256(rfc8785.dumps(document)).hexdigest()


def line(entry: Entry) -> bytes:
    """An entry as it stands in a file."""
    return rfc8785.dumps(entry_document(entry)) + b"\n"


def checkpoint(at: str, link: Link) -> bytes:
    """A line of the file of checkpoints; `at` is a time as entries have it."""
    return rfc8785.dumps({"at": at, "hash": link.hash, "size": link.seq}) + b"\n"
