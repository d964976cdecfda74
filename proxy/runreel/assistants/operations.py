"""What a method and a path name: the resources that carry metadata, and the operations on them.

`RESOURCES` is the table, one row for each kind of resource; a new one is one row more. From it
come the operations, what of a request is validated as metadata, what the audit log says, and how
paths are read. Operations have OpenAI's operationIds, spelling included, where there are any.

A path is recognised by how it ends, so any prefix before `/threads/` will do; an id may be
anything that is not empty. However a path is spelled, it is read by one rule (`plain_segments`),
which all share that ask what a path means; the bytes on the wire, and what is matched, stay as
they were sent.

- What need not be percent-encoded is itself (RFC 3986, 6.2.2.2), other escapes are upper case.
- The parameters of a segment (`;v=1`) are no part of it; dot segments are resolved, and empty ones
  do not count.
- From the first segment on that names a root collection, names and ids take turns. Where a name is
  due its case does not matter, and an encoded slash or a backslash is a slash; in an id it is a
  part of the id.

What no server is known to read so, but some might (`loosely`), is for the audit log alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from urllib.parse import unquote

ID = "{id}"
_THREADS = "threads"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing that carries metadata.

    `path` is the end of that of an item, `shown_as` the member `object` with which an API shows
    one. `create`, `list`, `get` and `modify` name its operations (None: there is none); `modify` is
    by POST, PATCH or PUT, unless PATCH is an operation of its own, `patch`.
    """

    kind: str
    path: tuple[str, ...]
    shown_as: str
    create: str | None
    list: str | None
    get: str
    modify: str
    patch: str | None = None


RUN = Resource(
    kind="run",
    path=("threads", ID, "runs", ID),
    shown_as="thread.run",
    create="createRun",
    list="listRuns",
    get="getRun",
    modify="modifyRun",
)
RESOURCES = (
    RUN,
    Resource(
        kind="thread",
        path=("threads", ID),
        shown_as="thread",
        create="createThread",
        list="listThreads",
        get="getThread",
        modify="modifyThread",
        patch="patchThread",  # LangGraph's, and its only one
    ),
    Resource(
        kind="message",
        path=("threads", ID, "messages", ID),
        shown_as="thread.message",
        create="createMessage",
        list="listMessages",
        get="getMessage",
        modify="modifyMessage",
    ),
    Resource(
        kind="assistant",
        path=("assistants", ID),
        shown_as="assistant",
        create="createAssistant",
        list="listAssistants",
        get="getAssistant",
        modify="modifyAssistant",
    ),
    Resource(
        kind="vector_store",
        path=("vector_stores", ID),
        shown_as="vector_store",
        create="createVectorStore",
        list="listVectorStores",
        get="getVectorStore",
        modify="modifyVectorStore",
    ),
    Resource(
        kind="conversation",
        path=("conversations", ID),
        shown_as="conversation",
        create="createConversation",
        list=None,
        get="getConversation",
        modify="updateConversation",
    ),
    Resource(
        kind="chat_completion",
        path=("chat", "completions", ID),
        shown_as="chat.completion",
        create=None,  # it is most of what is called, and its metadata can be changed at any time
        list="listChatCompletions",
        get="getChatCompletion",
        modify="updateChatCompletion",
    ),
)
BY_KIND: Mapping[str, Resource] = {resource.kind: resource for resource in RESOURCES}


class Does(Enum):
    """What an operation does with its resource."""

    CREATE = "create"
    LIST = "list"
    GET = "get"
    MODIFY = "modify"
    ACT = "act"  # a change that names no metadata
    OTHER = "other"  # nothing to do with metadata; there is no resource

    __hash__ = object.__hash__  # each is the only one of its kind, and Enum's own is slow


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `methods` are those that it goes by, `pattern` is the end of its path."""

    name: str
    methods: tuple[str, ...]
    pattern: tuple[str, ...]
    does: Does
    resource: Resource | None = None

    @property
    def changes(self) -> bool:
        """Whether it may change something that carries metadata, or make it."""
        return self.does in (Does.CREATE, Does.MODIFY, Does.ACT)

    @property
    def names_metadata(self) -> bool:
        """Whether its request may say what metadata shall be."""
        return self.does in (Does.CREATE, Does.MODIFY)

    @property
    def shows(self) -> bool:
        """Whether it is a read whose answer shows metadata."""
        return self.does in (Does.GET, Does.LIST)


_POST, _GET = ("POST",), ("GET",)


def operations_of(resource: Resource) -> Iterator[Operation]:
    """The operations that a row of the table stands for."""
    item, collection = resource.path, resource.path[:-1]
    if resource.create is not None:
        yield Operation(resource.create, _POST, collection, Does.CREATE, resource)
    if resource.list is not None:
        yield Operation(resource.list, _GET, collection, Does.LIST, resource)
    yield Operation(resource.get, _GET, item, Does.GET, resource)
    if resource.patch is None:
        yield Operation(resource.modify, ("POST", "PATCH", "PUT"), item, Does.MODIFY, resource)
    else:
        yield Operation(resource.modify, ("POST", "PUT"), item, Does.MODIFY, resource)
        yield Operation(resource.patch, ("PATCH",), item, Does.MODIFY, resource)


# What no row says by itself.
_BESIDE = (
    Operation("cancelRun", _POST, (*RUN.path, "cancel"), Does.ACT, RUN),
    Operation("submitToolOuputsToRun", _POST, (*RUN.path, "submit_tool_outputs"), Does.ACT, RUN),
    Operation("createThreadAndRun", _POST, ("threads", "runs"), Does.CREATE, RUN),
    Operation("listRunSteps", _GET, (*RUN.path, "steps"), Does.OTHER),
    Operation("getRunStep", _GET, (*RUN.path, "steps", ID), Does.OTHER),
    # LangGraph's, which stand where others have ids.
    Operation("streamRun", _POST, ("threads", ID, "runs", "stream"), Does.CREATE, RUN),
    Operation("waitForRun", _POST, ("threads", ID, "runs", "wait"), Does.CREATE, RUN),
    Operation("searchThreads", _POST, ("threads", "search"), Does.OTHER),
    Operation("countThreads", _POST, ("threads", "count"), Does.OTHER),
    Operation("searchAssistants", _POST, ("assistants", "search"), Does.OTHER),
    Operation("countAssistants", _POST, ("assistants", "count"), Does.OTHER),
)
OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        *(operation for resource in RESOURCES for operation in operations_of(resource)),
        *_BESIDE,
    )
}

Ends = Mapping[tuple[str, str], tuple[Operation, ...]]  # a method and a name -> the longest first


def _ends(place: int) -> Ends:
    """The operations by the name in the last place of their patterns, or the last but one."""
    found: dict[tuple[str, str], list[Operation]] = {}
    for operation in OPERATIONS.values():
        is_name = operation.pattern[-1] != ID
        if is_name == (place == -1):
            for method in operation.methods:
                found.setdefault((method, operation.pattern[place]), []).append(operation)
    return {
        end: tuple(sorted(some, key=lambda each: -len(each.pattern))) for end, some in found.items()
    }


_WITH_NAME, _WITH_ID = _ends(-1), _ends(-2)


def recognise(method: str, path: str) -> Operation | None:
    """The operation that a method and a raw path name, or None for any other call."""
    found = None if _is_odd(path) else _ended(method, path.split("/"))
    return found or _ended(method, plain_segments(path))


def _ended(method: str, segments: Sequence[str]) -> Operation | None:
    """The operation of the longest pattern with which a path ends; names come before ids."""
    length = len(segments)
    if length < 1:
        return None
    found = None
    for operation in _WITH_NAME.get((method, segments[-1]), ()):
        if length >= len(operation.pattern) and _fits(segments, operation.pattern):
            found = operation
            break
    if length > 1:
        for operation in _WITH_ID.get((method, segments[-2]), ()):
            if found is not None and len(found.pattern) >= len(operation.pattern):
                break
            if length >= len(operation.pattern) and _fits(segments, operation.pattern):
                return operation
    return found


def _fits(segments: Sequence[str], pattern: tuple[str, ...]) -> bool:
    for segment, part in zip(reversed(segments), reversed(pattern), strict=False):
        if segment != part and (part != ID or not segment):
            return False
    return True


def fits(operation: Operation, segments: Sequence[str]) -> bool:
    """Whether a path ends with the names of an operation, given its segments; ids may be empty."""
    if len(segments) < len(operation.pattern):
        return False
    ends = zip(reversed(segments), reversed(operation.pattern), strict=False)
    return all(part in (ID, _name(segment)) for segment, part in ends)


def ids_of(operation: Operation, segments: Sequence[str]) -> tuple[str | None, str | None]:
    """The ids of the thread and of the resource that a path names, given its segments; None where
    it names none.
    """
    found = [
        segment or None
        for segment, part in zip(reversed(segments), reversed(operation.pattern), strict=False)
        if part == ID
    ]
    item = operation.resource.path if operation.resource else ()
    is_item = bool(item) and operation.pattern[: len(item)] == item
    in_thread = operation.pattern[0] == _THREADS
    return found[-1] if found and in_thread else None, found[0] if found and is_item else None


def _collections(resource: Resource) -> tuple[str, ...]:
    """The names in a row's path behind which an id stands."""
    path = resource.path
    return tuple(path[at - 1] for at, part in enumerate(path) if part == ID)


# Collections that a resource can begin with, and those that only stand below an item: of the table,
# and of what carries no metadata that could be changed.
ROOTS = frozenset(
    {
        *(_collections(resource)[0] for resource in RESOURCES),
        *("batches", "containers", "evals", "files", "jobs", "models", "responses", "uploads"),
    }
)
_BELOW = frozenset(
    {
        *(name for resource in RESOURCES for name in _collections(resource)[1:]),
        *("checkpoints", "file_batches", "items", "parts", "permissions", "steps"),
    }
)
COLLECTIONS = ROOTS | _BELOW
_METADATA = "metadata"  # as some may call what an item has of it
_NAMES = {
    *COLLECTIONS,
    *(part for each in OPERATIONS.values() for part in each.pattern if part != ID),
    _METADATA,
}
_KNOWN = {name: name for name in _NAMES}  # each is kept once, however many paths name it
_SPELLINGS_MAX = 1_024  # of odd paths that are remembered; each has at most a request line's length


def plain_segments(path: str) -> Sequence[str]:
    """The segments of a raw path in the plainest of all spellings that servers take for the same.

    So nobody hides a change of a run from whoever asks for its id.
    """
    if _is_odd(path):
        return _plain(path)
    segments: list[str] = []
    for segment in path.split("/"):
        name = _KNOWN.get(segment)
        if name is None:
            if segment.lower() in _KNOWN:
                return _plain(path)
            name = segment
        if name:
            segments.append(name)
    return segments


def _is_odd(path: str) -> bool:
    """Whether a path may have a plainer spelling, but for the case of its names."""
    return (
        "%" in path
        or "//" in path
        or "/." in path
        or ";" in path
        or "\\" in path
        or path[-1:] == "/"
    )


_ENCODED = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")  # RFC 3986, 2.3
_SEPARATOR = re.compile(r"/|\\|%2F|%5C")


def _decoded(encoded: re.Match[str]) -> str:
    char = chr(int(encoded[1], 16))
    return char if _UNRESERVED.fullmatch(char) else encoded[0].upper()


@lru_cache(maxsize=_SPELLINGS_MAX)
def _plain(path: str) -> tuple[str, ...]:
    reading = _Reading()
    for segment in _ENCODED.sub(_decoded, path).split("/"):
        if reading.expects_name:
            for piece in _SEPARATOR.split(segment):
                reading.take(piece)
        else:
            reading.take(segment)
    if reading.root is None:  # nobody knows where names stand
        return _resolved(_ENCODED.sub(_decoded, path).split("/"))
    return tuple(reading.segments)


def _resolved(segments: Sequence[str]) -> tuple[str, ...]:
    """Segments less their parameters, less dot segments and empty ones."""
    found: list[str] = []
    for segment in segments:
        bare = segment.partition(";")[0]
        if bare == "..":
            del found[-1:]
        elif bare not in ("", "."):
            found.append(_KNOWN.get(bare, bare))
    return tuple(found)


class _Reading:
    """A path as far as it is read; `root` is where its resource begins, once one does."""

    def __init__(self) -> None:
        self.segments: list[str] = []
        self.root: int | None = None

    @property
    def expects_name(self) -> bool:
        """Whether the next segment is a name, or may be one."""
        return self.root is None or (len(self.segments) - self.root) % 2 == 0

    def take(self, segment: str) -> None:
        """Read the next segment."""
        bare = segment.partition(";")[0]
        if bare == "..":
            del self.segments[-1:]
            if self.root is not None and len(self.segments) <= self.root:
                self.root = None
        elif bare not in ("", "."):
            name = _KNOWN.get(bare.lower()) if self.expects_name else None
            if self.root is None and name in ROOTS:
                self.root = len(self.segments)
            self.segments.append(name or bare)


_DECODINGS_MAX = 3  # times that something may be encoded and still be looked at
_NO_PART_OF_A_NAME = re.compile("[^a-z0-9_]+")
_NO_ID = "-"  # an empty one
_NO_CHANGES = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})


Near = tuple[Operation, tuple[str, ...]]  # what a path may mean, and its segments


def loosely(method: str, path: str) -> Near | None:
    """The change of metadata that some server might take a request for.

    It is one that names no operation: spelled in a way that no server is known to read, or by a
    method that none is known to change things by, or with `/metadata` behind an item. Deleting a
    thing is no change of its metadata.
    """
    for reading in _loose_readings(method, path):
        names = [_name(segment) for segment in reading]
        length = len(names) - (names[-1:] == [_METADATA])
        found = _ended("POST", names[:length])
        if found is not None:
            return (found, reading[:length]) if found.changes else None
    return None


def below(method: str, path: str) -> Near | None:
    """The change of the last item that a path goes through: what a request that names no operation
    may mean if it names metadata.
    """
    for reading in _loose_readings(method, path):
        names = [_name(segment) for segment in reading]
        for length in range(len(names) - 1, 0, -1):
            found = _ended("POST", names[:length])
            if found is not None and found.does is Does.MODIFY:
                return found, reading[:length]
    return None


def _loose_readings(method: str, path: str) -> tuple[tuple[str, ...], ...]:
    """The segments that some server might find in the path of a change; first the likelier ones."""
    if method.upper() in _NO_CHANGES:
        return ()
    text = path
    for _ in range(_DECODINGS_MAX):
        text = unquote(text, "latin-1")
    raw = [segment.partition(";")[0] for segment in _SEPARATOR.split(text)]
    return _resolved(raw), tuple(raw[1:])  # an empty id is one to some


def _name(segment: str) -> str:
    """The name that is in a segment, whatever stands around it; an id stays as it is."""
    bare = _NO_PART_OF_A_NAME.sub("", segment.lower())
    return _KNOWN.get(bare, segment or _NO_ID)
