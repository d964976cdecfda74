"""What a request touches, and which writes change what a read sees.

Owns the rule by which paths name resources and by which a write covers a read. The rule:

- Segments are raw, empty ones do not count. The resource begins at the first segment that names a
  known root collection, so any prefix will do (`/v1`, `/openai`, none). From there collections and
  ids take turns, whatever the ids are, up to the first segment that should name a collection and
  does not: it and all after it are a view of the item before them, or an action on it (`cancel`).
- GET, HEAD and OPTIONS read; any other method writes.
- A POST to a collection creates: it covers the list and no item in it. (POST /threads/runs creates
  a thread with its run; here it changes a thread named "runs": the list of threads, nothing else.)
- Any other write to a collection covers it and everything below.
- Any other write covers the item, everything below it, and the list it stands in.
- Where no segment names a root collection nobody can tell a create from a change: the whole path
  is the item, prefix and all. That covers too much rather than too little.

Knows nothing of recordings, queries or bodies.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

from runreel.http.messages import Request

Scope = tuple[str, ...]
Place = tuple[int, ...]  # in any one order, such as that of a file or of arrival

_SEGMENTS_MAX = 32  # of a resource; what lies deeper is one resource with what lies above it
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
# Collections that a resource can begin with, and those that only stand below an item.
_ROOTS = frozenset(
    {
        "assistants",
        "files",
        "threads",
        "vector_stores",
        "batches",
        "completions",
        "containers",
        "conversations",
        "evals",
        "jobs",
        "models",
        "responses",
        "uploads",
    }
)
_BELOW = frozenset(
    {"checkpoints", "file_batches", "items", "messages", "parts", "permissions", "runs", "steps"}
)
_COLLECTIONS = _ROOTS | _BELOW


@dataclass(frozen=True, slots=True)
class Access:
    """What one request sees or changes.

    A read has a `scope`. A write has an `item`, if that and all below it may have changed, and
    `listed`, if the list of that collection may have; a read has neither.
    """

    scope: Scope
    item: Scope | None = None
    listed: Scope | None = None

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.item is not None or self.listed is not None


UNRELATED = Access(())  # a read that nothing covers


def access_of(request: Request) -> Access:
    """What a request touches, by its method and raw path alone."""
    segments = [segment for segment in request.path.split("/") if segment]
    known = [at for at, segment in enumerate(segments) if segment in _ROOTS]
    scope = tuple(segments[known[0] if known else 0 :][:_SEGMENTS_MAX])
    if request.method in _READS:
        return Access(scope)
    if not known:
        return Access(scope, item=scope, listed=scope[:-1] if scope else None)
    named = _named(scope)
    if named % 2:  # it ends with the name of a collection
        create = request.method == "POST"
        return Access(scope, listed=scope) if create else Access(scope, item=scope)
    return Access(scope, item=scope[:named], listed=scope[: named - 1])


def _named(scope: Scope) -> int:
    """How many segments name collections and their items, before a view or an action begins."""
    length = 0
    while length < len(scope) and scope[length] in _COLLECTIONS:
        length += 2
    return min(length, len(scope))


def covers(write: Access, read: Access) -> bool:
    """Whether a read may see something else after a write."""
    below = write.item is not None and read.scope[: len(write.item)] == write.item
    return below or (write.listed is not None and read.scope == write.listed)


class Writes:
    """Writes by their place in some order, and how many of them cover a read: its epoch."""

    def __init__(self) -> None:
        self._items: dict[Scope, list[Place]] = {}
        self._lists: dict[Scope, list[Place]] = {}

    def add(self, at: Place, write: Access) -> None:
        """Take in a write; several may stand at one place."""
        for places in self._of(write):
            insort(places, at)

    def remove(self, at: Place, write: Access) -> None:
        """Forget a write that was added there."""
        for places in self._of(write):
            del places[bisect_left(places, at)]

    def before(self, at: Place, read: Access) -> int:
        """How many writes that cover a read stand before a place."""
        found = bisect_left(self._lists.get(read.scope, ()), at)
        for length in range(len(read.scope) + 1):
            found += bisect_left(self._items.get(read.scope[:length], ()), at)
        return found

    def _of(self, write: Access) -> list[list[Place]]:
        found = []
        if write.item is not None:
            found.append(self._items.setdefault(write.item, []))
        if write.listed is not None:
            found.append(self._lists.setdefault(write.listed, []))
        return found
