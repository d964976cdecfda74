"""One entry of the audit log: which metadata of what, as it was, as asked, as it came out.

A line of the log is an entry in its RFC 8785 form. Each carries the hash of the one before, so that
none can be altered, taken out or put in without altering all that follow.
"""

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, NamedTuple, get_args

import orjson
import rfc8785

from runreel.http.strict_json import BadDocument

UNKNOWN: Literal["unknown"] = "unknown"
NO_HASH = "0" * 64  # before the first entry

Kind = Literal["intent", "outcome", "observation"]
Effect = Literal["applied", "partly_applied", "not_applied", "refused", "unknown"]
Turn = Literal["added", "changed", "removed"]
Metadata = dict[str, Any]
# UNKNOWN: nobody looked; None: there is none to look at.
Known = Metadata | Literal["unknown"] | None


RUN = "run"


class ResourceId(NamedTuple):
    """What an entry is about: a kind of `assistants.operations`, and the id, None if not known."""

    kind: str
    id: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one key; `old` is None if it was not there, or if nobody knows."""

    key: str
    change: Turn
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log; everything in it is redacted.

    `seq` counts from 1 through all files; `at` is UTC with milliseconds, as text; `intent` is the
    `seq` that an outcome concludes. `seq` is 0, `prev` and `hash` are empty until it is chained.
    `resource` is None in entries of the time when all were about runs: see `about`.
    """

    at: str
    kind: Kind
    operation: str
    thread_id: str | None
    run_id: str | None
    actor: str | None
    client: str | None
    before: Known
    requested: Metadata | None = None
    after: Known
    changes: tuple[Change, ...] = ()
    effect: Effect | None = None
    status: int | None = None
    interaction: str | None = None
    intent: int | None = None
    reason: str | None = None
    session: str
    upstream: str
    resource: ResourceId | None = None
    seq: int = 0
    prev: str = ""
    hash: str = ""

    @property
    def about(self) -> ResourceId:
        """What it is about."""
        return self.resource or ResourceId(RUN, self.run_id)


MEMBERS: tuple[str, ...] = tuple(field.name for field in fields(Entry))
_TYPES: dict[str, tuple[type, ...]] = {name: (str, type(None)) for name in MEMBERS} | {
    **dict.fromkeys(("at", "kind", "operation", "session", "upstream", "prev", "hash"), (str,)),
    "seq": (int,),  # and no bool, which is one to isinstance
    "intent": (int, type(None)),
    "status": (int, type(None)),
    "before": (dict, str, type(None)),
    "requested": (dict, type(None)),
    "after": (dict, str, type(None)),
    "changes": (list,),
    "resource": (dict,),
}
_OPTIONAL = frozenset({"resource"})
_ONE_OF: dict[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "effect": get_args(Effect),
    "before": (UNKNOWN,),
    "after": (UNKNOWN,),
}
_TURNS = get_args(Turn)
_OF_A_CHANGE = tuple(field.name for field in fields(Change))


def entry_document(entry: Entry) -> dict[str, Any]:
    """The JSON value of an entry, with all members that it has."""
    document = {name: getattr(entry, name) for name in MEMBERS}
    document["changes"] = [
        {name: getattr(change, name) for name in _OF_A_CHANGE} for change in entry.changes
    ]
    if entry.resource is None:
        del document["resource"]
    else:
        document["resource"] = entry.resource._asdict()
    return document


def parse_entry(document: Any) -> Entry:
    """The entry of a JSON value.

    Raises:
        BadDocument: with the JSON path of what is wrong.
    """
    if not isinstance(document, dict):
        raise BadDocument("", "an entry is an object")
    if document.keys() | _OPTIONAL != _TYPES.keys():
        raise _misnamed(document)
    for name, value in document.items():
        if type(value) not in _TYPES[name] or not _fits(name, value):
            raise BadDocument(f"/{name}", "an entry holds no such value here")
    changes = tuple(_change(index, each) for index, each in enumerate(document["changes"]))
    resource = _resource(document["resource"]) if "resource" in document else None
    return Entry(**document | {"changes": changes, "resource": resource})


def _misnamed(document: dict[str, Any]) -> BadDocument:
    for name in MEMBERS:
        if name not in document and name not in _OPTIONAL:
            return BadDocument(f"/{name}", "this member is missing")
    name = next(name for name in document if name not in _TYPES)
    return BadDocument("", f"an entry has no member {name!r}")


def _resource(document: dict[str, Any]) -> ResourceId:
    match document:
        case {"kind": str(kind), "id": str() | None as name, **rest} if not rest:
            return ResourceId(kind, name)
    raise BadDocument("/resource", "a resource has kind and id")


def _change(index: int, document: Any) -> Change:
    if not isinstance(document, dict) or document.keys() != set(_OF_A_CHANGE):
        raise BadDocument(f"/changes/{index}", f"a change has {', '.join(_OF_A_CHANGE)}")
    if not isinstance(document["key"], str) or document["change"] not in _TURNS:
        raise BadDocument(f"/changes/{index}", "an entry holds no such value here")
    return Change(**document)


def _fits(name: str, value: Any) -> bool:
    if type(value) is int:
        return value >= 1
    return name not in _ONE_OF or type(value) is not str or value in _ONE_OF[name]


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain ends: number and hash of its last entry."""

    seq: int = 0
    hash: str = NO_HASH


def chained(link: Link, draft: Entry) -> Entry:
    """The draft as the entry after `link`."""
    seq = link.seq + 1
    found = _digest(entry_document(draft) | {"seq": seq, "prev": link.hash})
    return replace(draft, seq=seq, prev=link.hash, hash=found)


def digest(entry: Entry) -> str:
    """SHA-256 (hex) over the RFC 8785 form of an entry without its hash."""
    return _digest(entry_document(entry))


def _digest(document: dict[str, Any]) -> str:
    del document["hash"]
    return hashlib.sha256(canonical(document)).hexdigest()


def entry_line(entry: Entry) -> bytes:
    """An entry as it stands in a file."""
    return canonical(entry_document(entry)) + b"\n"


def checkpoint(at: str, link: Link) -> bytes:
    """A line of the file of checkpoints; `at` is a time as entries have it."""
    return canonical({"at": at, "hash": link.hash, "size": link.seq}) + b"\n"


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a value.

    Raises:
        ValueError: it has none.
    """
    if is_plain(value):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return rfc8785.dumps(value)


_INT_MAX = 2**53 - 1


def is_plain(value: Any) -> bool:
    """Whether orjson writes a value as RFC 8785 wants it: no number but small integers, nothing but
    ASCII that can be printed, whose order is that of its bytes.
    """
    match value:
        case str():
            return value.isascii() and value.isprintable()
        case None | bool():
            return True
        case int():
            return -_INT_MAX <= value <= _INT_MAX
        case dict():
            return all(type(name) is str and is_plain(name) for name in value) and all(
                map(is_plain, value.values())
            )
        case list() | tuple():
            return all(map(is_plain, value))
    return False
