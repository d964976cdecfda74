"""What a request touches, and what a write changes for reads.

It follows one rule, whatever API it is:

- A path is read in its plainest spelling (`assistants.operations`). The resource begins at the
  first segment that names a known root collection, so any prefix will do (`/v1`, `/openai`, none).
  From there collections and ids take turns, whatever the ids are, up to the first segment that
  should name a collection and does not: it and all after it are a view of the item before them, or
  an action on it (`cancel`).
- GET, HEAD and OPTIONS read; any other method writes.
- A POST to a collection creates: it covers the list and no item in it. POST /threads/runs, which
  creates a thread with its run, is one to the list of threads.
- Any other write to a collection covers it and everything below.
- Any other write covers the item, everything below it, and the list it stands in.
- What a path does not show stands in a table, `EFFECTS`: a run answers into the messages of its
  thread, and what comes into a vector store changes what it counts.
- Where no segment names a root collection nobody can tell a create from a change: the whole path
  is the item, prefix and all. That covers too much rather than too little.

Knows nothing of recordings, queries or bodies.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from runreel.assistants.operations import COLLECTIONS, ROOTS, plain_segments
from runreel.http.messages import Request

Scope = tuple[str, ...]
Place = tuple[int, ...]  # in any one order, such as that of a file or of arrival

_ROOT_SEGMENTS = 2  # a root collection and an item in it
_SEGMENTS_MAX = 32  # of a resource; what lies deeper is one resource with what lies above it
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_THREAD_WITH_RUN = ("threads", "runs")


@dataclass(frozen=True, slots=True)
class Access:
    """What one request sees or changes.

    A read has a `scope`. A write has an `item`, if that and all below it may have changed, and
    `listed`, if the list of that collection may have; a read has neither. `writes` tells whether it
    may change anything, `cells` where it is found by what it covers (no resource is covered by two
    of them), `has_state` whether what the call is answered depends on what was written before it,
    as far as its path can tell: nobody knows what a write to a path without a known root changes.
    """

    scope: Scope
    item: Scope | None = None
    listed: Scope | None = None
    writes: bool = field(init=False, compare=False, repr=False)
    cells: "tuple[Cell, ...]" = field(init=False, compare=False, repr=False)
    has_state: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Worked out once: a recording keeps its access for as long as it is played.
        object.__setattr__(self, "writes", self.item is not None or self.listed is not None)
        object.__setattr__(self, "cells", _cells(self) if self.writes else ())
        object.__setattr__(self, "has_state", not self.writes or rooted(self.scope))


class Kind(Enum):
    """How a write reaches what it covers."""

    ITEM = "item"  # a resource and all below it
    LIST = "list"  # one resource alone: a list, or an item that counts what a list holds
    SIDE = "side"  # as ITEM, but by an effect: it does not change what stands above a create

    __hash__ = object.__hash__  # each is the only one of its kind, and Enum's own is slow


Cell = tuple[Kind, Scope]

_ANY = "*"
_MESSAGES = ((Kind.SIDE, 2, ("messages",)),)  # of the thread: the assistant's reply comes into it
_COUNTS = ((Kind.LIST, 2, ()), (Kind.LIST, 1, ()))  # of the store, and where stores are listed
# What a write does beyond its path: the path (of any write there or, where `deeper`, below it),
# and what is covered as well: how, by how many of the path's segments and what follows them.
EFFECTS: tuple[tuple[tuple[str, ...], bool, tuple[tuple[Kind, int, Scope], ...]], ...] = (
    (("threads", _ANY, "runs"), False, _MESSAGES),
    (("threads", _ANY, "runs", _ANY, "submit_tool_outputs"), False, _MESSAGES),
    (("threads", _ANY, "runs", _ANY, "cancel"), False, _MESSAGES),
    (("vector_stores", _ANY, "files"), True, _COUNTS),
    (("vector_stores", _ANY, "file_batches"), True, _COUNTS),
)
_EFFECTS_OF = {
    root: tuple(row for row in EFFECTS if row[0][0] == root)
    for root in {row[0][0] for row in EFFECTS}
}


UNRELATED = Access(())  # a read that nothing covers


def base_path_of(path: str) -> str | None:
    """What stands before the resource in a raw path, as `/v1` in `/v1/threads`; None where no
    segment names a root collection.
    """
    before: list[str] = []
    for segment in filter(None, path.split("/")):
        if segment in ROOTS:
            return "".join(f"/{each}" for each in before)
        before.append(segment)
    return None


def _as_it_is(part: Any) -> Any:
    return part


def access_of(request: Request, keep: Callable[[Any], Any] = _as_it_is) -> Access:
    """What a request touches, by its method and path alone. `keep` may give another string or
    tuple for one that is equal, so that many accesses share theirs.
    """
    segments = [keep(segment) for segment in plain_segments(request.path)]
    known = [at for at, segment in enumerate(segments) if segment in ROOTS]
    scope = keep(tuple(segments[known[0] if known else 0 :][:_SEGMENTS_MAX]))
    if request.method in _READS:
        return Access(scope)
    if not known:
        return Access(scope, item=scope, listed=scope[:-1] if scope else None)
    if request.method == "POST" and scope == _THREAD_WITH_RUN:
        return Access(scope[:1], listed=scope[:1])
    named = _named(scope)
    if named % 2:  # it ends with the name of a collection
        create = request.method == "POST"
        return Access(scope, listed=scope) if create else Access(scope, item=scope)
    return Access(scope, item=keep(scope[:named]), listed=keep(scope[: named - 1]))


def _named(scope: Scope) -> int:
    """How many segments name collections and their items, before a view or an action begins."""
    length = 0
    while length < len(scope) and scope[length] in COLLECTIONS:
        length += 2
    return min(length, len(scope))


def is_create(access: Access) -> bool:
    """Whether a write makes something new in a list, and changes no item that was there."""
    return access.item is None and access.listed is not None


def root_of(access: Access) -> Scope | None:
    """The item of a root collection within which a request sees and changes all that it does; None
    where that is more.
    """
    places = (access.scope, *(at for _, at in access.cells))
    roots = {place[:_ROOT_SEGMENTS] for place in places if len(place) >= _ROOT_SEGMENTS}
    enough = len(roots) == 1 and all(len(place) >= _ROOT_SEGMENTS for place in places)
    return roots.pop() if enough and rooted(access.scope) else None


def rooted(scope: Scope) -> bool:
    """Whether a path names what it touches, so that writes can be told apart by it."""
    return bool(scope) and scope[0] in ROOTS


def _cells(write: Access) -> tuple[Cell, ...]:
    found: list[Cell] = []
    if write.item is not None:
        found.append((Kind.ITEM, write.item))
    if write.listed is not None:
        found.append((Kind.LIST, write.listed))
    scope = write.scope
    for path, deeper, covered in _EFFECTS_OF.get(scope[0], ()) if scope else ():
        fits = len(scope) == len(path) or (deeper and len(scope) > len(path))
        if fits and all(wanted in (_ANY, one) for wanted, one in zip(path, scope, strict=False)):
            found += [(kind, scope[:length] + more) for kind, length, more in covered]
    return tuple(found)


def cells_over(scope: Scope) -> Iterator[Cell]:
    """Where the writes are found that cover a resource."""
    yield Kind.LIST, scope
    for length in range(len(scope) + 1):
        yield Kind.ITEM, scope[:length]
        yield Kind.SIDE, scope[:length]


def covers(write: Access, scope: Scope) -> bool:
    """Whether a resource may look otherwise after a write."""
    return any(at == (scope if kind is Kind.LIST else scope[: len(at)]) for kind, at in write.cells)


def changes(write: Access, scope: Scope) -> bool:
    """Whether a write changes a resource itself, or what it stands in."""
    return write.item is not None and scope[: len(write.item)] == write.item


class Writes:
    """Writes by their place in some order, and how many of them cover a read: its epoch."""

    def __init__(self) -> None:
        self._places: dict[Cell, list[Place]] = {}

    def add(self, at: Place, write: Access) -> None:
        """Take in a write; several may stand at one place."""
        for cell in write.cells:
            insort(self._places.setdefault(cell, []), at)

    def before(self, at: Place, read: Access) -> int:
        """How many writes that cover a read stand before a place."""
        found = (self._places.get(cell, ()) for cell in cells_over(read.scope))
        return sum(bisect_left(places, at) for places in found)
