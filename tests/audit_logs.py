"""Audit logs for tests, written from the format alone: nothing here is the writer's.

The canonical form is that of Python's own JSON, which for these texts is RFC 8785's.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

NO_HASH = "0" * 64
ACTORS = tuple(f"hmac-sha256:{digit * 32}" for digit in "abc")


def canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def at(seq: int) -> str:
    """The time of an entry: 03:00:00 on 22 November 2026, and a second for each entry."""
    minutes, seconds = divmod(seq, 60)
    return f"2026-11-22T{3 + minutes // 60:02}:{minutes % 60:02}:{seconds:02}.000Z"


def a_document(seq: int, **given: Any) -> dict[str, Any]:
    """An entry, less its place in a chain: an observation of nothing, but for what is given."""
    return {
        "seq": seq,
        "at": at(seq),
        "kind": "observation",
        "operation": "getRun",
        "thread_id": "thread_abc123",
        "run_id": "run_abc123",
        "actor": ACTORS[0],
        "client": "OpenAI/Python 3.54.0",
        "before": "unknown",
        "requested": None,
        "after": "unknown",
        "changes": [],
        "effect": None,
        "status": 200,
        "interaction": None,
        "intent": None,
        "reason": None,
        "session": "default",
        "upstream": "http://127.0.0.1:8000",
    } | given


def a_change(
    seq: int, before: Any, requested: Any, after: Any, effect: str = "applied", **given: Any
) -> list[dict[str, Any]]:
    """Intent and outcome of a change, as entries `seq` and `seq + 1`."""
    what = {"operation": "modifyRun", "before": before, "requested": requested} | given
    intent = a_document(seq, **what | {"kind": "intent", "status": None, "after": None})
    outcome = what | {"kind": "outcome", "after": after, "effect": effect, "intent": seq}
    return [intent, a_document(seq + 1, **outcome)]


def chained(documents: Iterable[dict[str, Any]], prev: str = NO_HASH) -> list[dict[str, Any]]:
    """The documents as a chain, each with `prev` and `hash`."""
    found = []
    for document in documents:
        linked = document | {"prev": prev}
        linked.pop("hash", None)
        prev = hashlib.sha256(canonical(linked)).hexdigest()
        found.append(linked | {"hash": prev})
    return found


def lines(documents: Iterable[dict[str, Any]]) -> list[bytes]:
    return [canonical(document) + b"\n" for document in documents]


def checkpoint(document: dict[str, Any]) -> bytes:
    """A line of the file of checkpoints, made right after an entry."""
    fields = {"at": document["at"], "hash": document["hash"], "size": document["seq"]}
    return canonical(fields) + b"\n"


def written(
    folder: Path, documents: Sequence[dict[str, Any]], checkpoints: Sequence[int] = ()
) -> Path:
    """Documents that are not chained yet as the log of a folder; `checkpoints` are sizes."""
    linked = chained(documents)
    folder.mkdir(exist_ok=True)
    (folder / "metadata.jsonl").write_bytes(b"".join(lines(linked)))
    if checkpoints:
        seals = (checkpoint(linked[size - 1]) for size in checkpoints)
        (folder / "checkpoints.log").write_bytes(b"".join(seals))
    return folder


def busy(entries: int) -> list[dict[str, Any]]:
    """A log with something of everything: changes of two runs, reads, and texts of all kinds."""
    documents: list[dict[str, Any]] = []
    while len(documents) < entries:
        seq = len(documents) + 1
        run = {"run_id": f"run_{seq % 4 // 2}", "actor": ACTORS[seq % 3]}
        if seq % 5 == 0:
            documents.append(a_document(seq, after={"stage": "grün \u202e\t"}, **run))
        else:
            old, new = {"stage": f"v{seq}"}, {"stage": f"v{seq + 1}", "note": 'a "quote" \\'}
            documents += a_change(seq, old, new, new, **run)
    return documents[:entries]
