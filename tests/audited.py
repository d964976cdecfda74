"""Values and helpers for tests of the audit log."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import rfc8785

from runreel.audit.entries import Entry, Link, chained
from runreel.audit.store import AuditLog
from runreel.errors import StoreFailed

AT = "2026-03-31T10:15:02.400Z"


def an_entry(**members: Any) -> Entry:
    """An intent of a modify run, not chained yet."""
    usual = Entry(
        at="2026-03-31T10:15:02.400Z",
        kind="intent",
        operation="modifyRun",
        thread_id="thread_abc123",
        run_id="run_abc123",
        actor=None,
        client=None,
        before="unknown",
        requested={"stage": "a"},
        after=None,
        changes=(),
        effect=None,
        status=None,
        interaction=None,
        intent=None,
        reason=None,
        session="default",
        upstream="https://api.openai.com",
    )
    return replace(usual, **members)


def log_in(folder: Path) -> list[dict[str, Any]]:
    """All entries in a folder's log, after a check of the chain that shares nothing with it."""
    rotated = sorted(folder.glob("metadata.*.jsonl"))
    current = [path for path in (folder / "metadata.jsonl",) if path.exists()]
    entries: list[dict[str, Any]] = []
    prev = "0" * 64
    for path in (*rotated, *current):
        for line in path.read_bytes().splitlines(keepends=True):
            entry = json.loads(line)
            assert line == rfc8785.dumps(entry) + b"\n"
            less = {name: value for name, value in entry.items() if name != "hash"}
            assert entry["prev"] == prev
            assert entry["hash"] == hashlib.sha256(rfc8785.dumps(less)).hexdigest()
            assert entry["seq"] == len(entries) + 1
            prev = entry["hash"]
            entries.append(entry)
    return entries


@dataclass
class MemoryAuditLog:
    """An audit log in memory; while `broken` is a sentence nothing can be appended."""

    broken: str | None = None
    entries: list[Entry] = field(default_factory=list)
    appends: list[tuple[int, bool]] = field(default_factory=list)  # how many, durable
    notes: list[str] = field(default_factory=list)
    closed: bool = False

    def key(self) -> bytes:
        return b"k" * 32

    def append(self, drafts: Sequence[Entry], *, durable: bool) -> tuple[Entry, ...]:
        if self.broken is not None:
            raise StoreFailed(self.broken)
        self.appends.append((len(drafts), durable))
        start = len(self.entries)
        for draft in drafts:
            last = self.entries[-1] if self.entries else None
            self.entries.append(chained(Link(last.seq, last.hash) if last else Link(), draft))
        return tuple(self.entries[start:])

    def close(self) -> None:
        self.closed = True


def write(log: AuditLog, *stages: str, durable: bool = True) -> None:
    """Append an observation for each."""
    for each in stages:
        log.append([an_entry(kind="observation", after={"stage": each})], durable=durable)


def stages(folder: Path) -> list[str]:
    """What the observations of a folder's log say."""
    return [entry["after"]["stage"] for entry in log_in(folder)]
