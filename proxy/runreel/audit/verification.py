"""The proof that an audit log is whole and unaltered.

Proved are each line, the chain of them, the checkpoints, an anchor kept elsewhere, and that each
intent has one outcome. This was written from the format alone and must never import anything of
what writes the log: a mistake there would prove itself right here.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import rfc8785

LINE_BYTES_MAX = 4 * 1024 * 1024  # of an entry; five metadata objects of 64 KiB are far below


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file with its number from 1; `content` ends with the LF if there is one."""

    file: str
    number: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where; `seq` is the number of the entry in question, if it is about one.

    `kind` tells tampering or damage (`entry`, `missing`, `checkpoint`, `anchor`) from a change
    that nobody has finished (`open_intent`).
    """

    kind: Literal["entry", "missing", "checkpoint", "anchor", "open_intent"]
    file: str
    line: int | None
    seq: int | None
    message: str


class Unreadable(ValueError):
    """Not what it should be; the message is a sentence without its subject."""


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        Unreadable: it is none.
    """
    try:
        document = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 at byte {error.start + 1}") from None
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("is no JSON object")
    return document


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
    return rfc8785.dumps(asdict(checkpoint)).decode("utf-8")


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


OPEN_MAX = 100_000  # intents that wait for their outcome at once
NO_HASH = "0" * 64  # before the first entry

MEMBERS = (  # in the order of their names, as RFC 8785 has them
    "actor",
    "after",
    "at",
    "before",
    "changes",
    "client",
    "effect",
    "hash",
    "intent",
    "interaction",
    "kind",
    "operation",
    "prev",
    "reason",
    "requested",
    "resource",
    "run_id",
    "seq",
    "session",
    "status",
    "thread_id",
    "upstream",
)
_NOT_IN_ALL = frozenset({"resource"})  # the first entries, all of runs, went without
_KINDS = ("intent", "observation", "outcome")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a whole log: `size` and `hash` are those of its last good entry, written
    `at`; `met` counts the checkpoints that it meets, `sealed` is the size at the last of them.
    """

    size: int
    hash: str
    at: str | None
    met: int
    sealed: int
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Chain:
    """How far a log was followed: its last good entry, and the intents without an outcome yet."""

    seq: int = 0
    hash: str = NO_HASH
    at: str | None = None
    open: dict[int, tuple[str, int]] = field(default_factory=dict)

    def follow(self, line: Line) -> Finding | None:
        """Take the next line; what is wrong with it if it is not the entry that is due."""
        due = self.seq + 1
        try:
            entry = _entry(line.content)
            self._link(entry, due)
            self._pair(entry, line)
        except Unreadable as error:
            return Finding("entry", line.file, line.number, due, f"entry {due} {error}")
        self.seq, self.hash, self.at = due, entry["hash"], entry["at"]
        return None

    def _link(self, entry: dict[str, Any], due: int) -> None:
        if entry["seq"] != due or isinstance(entry["seq"], bool):
            raise Unreadable(
                f"says to be entry {entry['seq']!r} where entry {due} is due: entries were taken "
                "out, put in, or moved"
            )
        if entry["prev"] != self.hash:
            raise Unreadable("does not follow from the entry before: one of the two was altered")

    def _pair(self, entry: dict[str, Any], line: Line) -> None:
        kind, concludes = entry["kind"], entry["intent"]
        if kind == "outcome":
            if not isinstance(concludes, int) or self.open.pop(concludes, None) is None:
                raise Unreadable(
                    f"is the outcome of entry {concludes!r}, which is no intent that waits for one"
                )
        elif concludes is not None:
            raise Unreadable("is no outcome, but says which intent it concludes")
        if kind == "intent":
            self.open[entry["seq"]] = (line.file, line.number)
            if len(self.open) > OPEN_MAX:
                raise Unreadable(f"makes more than {OPEN_MAX:,} intents without an outcome")


def verify(
    lines: Iterable[Line], checkpoints: Iterable[Line], anchor: Checkpoint | None = None
) -> Verdict:
    """Follow a whole log; memory does not grow with it.

    The first bad entry ends the search: what comes after it proves nothing.
    """
    chain, known = Chain(), Checkpoints(checkpoints)
    findings = _followed(lines, known, anchor, chain)
    if not any(finding.kind == "entry" for finding in findings):
        findings += [
            Finding("open_intent", file, line, seq, _OPEN)
            for seq, (file, line) in chain.open.items()
        ]
    return Verdict(chain.seq, chain.hash, chain.at, known.met, known.sealed, tuple(findings))


_OPEN = (
    "this change has no outcome: runreel is still at it, or was killed; its next start closes the "
    "books"
)


def _followed(
    lines: Iterable[Line], known: Checkpoints, anchor: Checkpoint | None, chain: Chain
) -> list[Finding]:
    """What is wrong: of the entries at most the first, of the checkpoints at most the first."""
    bad: Finding | None = None
    known.compare(chain.seq, chain.hash)
    anchored = _anchored(anchor, chain, known.sealed)
    for line in lines:
        bad = chain.follow(line)
        if bad is not None:
            break
        known.compare(chain.seq, chain.hash)
        anchored = anchored or _anchored(anchor, chain, known.sealed)
    if bad is None:
        known.end(chain.seq)
        if anchor is not None and anchor.size > chain.seq:
            message = f"the anchor {beyond(anchor, chain.seq)}"
            anchored = Finding("anchor", "", None, anchor.size, message)
    return [finding for finding in (bad, known.finding, anchored) if finding is not None]


def _anchored(anchor: Checkpoint | None, chain: Chain, sealed: int) -> Finding | None:
    if anchor is None or anchor.size != chain.seq or anchor.hash == chain.hash:
        return None
    message = f"the anchor {differs(anchor, 0 if anchor.size == sealed else sealed)}"
    return Finding("anchor", "", None, anchor.size, message)


def _entry(content: bytes) -> dict[str, Any]:
    """The document of a line, with the hash that it should have."""
    if len(content) > LINE_BYTES_MAX:
        raise Unreadable(f"is longer than {LINE_BYTES_MAX:,} bytes")
    if not content.endswith(b"\n"):
        raise Unreadable("has no end of line: it was cut off, or is just being written")
    document = json_object(content)
    for name in MEMBERS:
        if name not in document and name not in _NOT_IN_ALL:
            raise Unreadable(f"lacks the member {name}")
    names = [name for name in MEMBERS if name in document]
    if len(document) > len(names):
        raise Unreadable("has a member that no entry has")
    pairs = [(name, f'"{name}":'.encode("ascii") + _canonical(document[name])) for name in names]
    if content != b"{" + b",".join(pair for _, pair in pairs) + b"}\n":
        raise Unreadable("is not in its canonical form (RFC 8785): it was altered")
    hashed = b"{" + b",".join(pair for name, pair in pairs if name != "hash") + b"}"
    if document["hash"] != hashlib.sha256(hashed).hexdigest():
        raise Unreadable("does not have the hash that it says: it was altered")
    if document["kind"] not in _KINDS:
        raise Unreadable(f"is of no kind that there is: {document['kind']!r}")
    if not isinstance(document["at"], str) or not TIME.fullmatch(document["at"]):
        raise Unreadable("has no time")
    return document


def _canonical(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except (ValueError, RecursionError):
        raise Unreadable("holds a value that has no canonical form (RFC 8785)") from None
