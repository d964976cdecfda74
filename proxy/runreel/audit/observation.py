"""What a request asks of metadata, and whose metadata an answer shows.

Which requests are about metadata says the table of `assistants.operations`: each that changes a
resource or makes one, whether it names metadata or not, and each read that shows resources. Of a
request that makes several things at once (a thread with messages, a run with its thread) only the
metadata of the one that the operation is named for are looked at.

It is read the same way of live traffic and of recorded interactions: both come redacted. An answer
is first reduced to what shows resources (`essence`), so that redaction looks at little; a stream is
watched while it passes (`Watch`). What is not there, or cannot be written in the log, is `UNKNOWN`
or None with a reason.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import rfc8785

from runreel.assistants.operations import (
    BY_KIND,
    OPERATIONS,
    Does,
    Operation,
    below,
    fits,
    ids_of,
    loosely,
    plain_segments,
    recognise,
)
from runreel.audit.entries import UNKNOWN, Known, Metadata, ResourceId, canonical, is_plain
from runreel.http import sse, strict_json
from runreel.http.encoding import StreamDecoder
from runreel.http.headers import codings, is_event_stream
from runreel.http.messages import Request, Response, without
from runreel.redaction.redactor import Redacted
from runreel.redaction.rules import read_segment

METADATA_BYTES_MAX = 65_536  # of one resource, as RFC 8785 JSON; 16 keys of OpenAI's have less
SHOWN_MAX = 1_000  # resources that one answer shows

CREATING = frozenset(name for name, each in OPERATIONS.items() if each.does is Does.CREATE)
MODIFYING = frozenset(name for name, each in OPERATIONS.items() if each.does is Does.MODIFY)
NAMES_METADATA = CREATING | MODIFYING
_SHOWN = ("id", "object", "metadata", *(f"{kind}_id" for kind in BY_KIND))
_THREADS = "threads"
_METADATA, _ESCAPE = b"metadata", b"\\u"  # one of them is in a body that names metadata


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a method and a path mean for metadata: an operation that changes or shows them, and the
    path in the plainest spelling. If `loose`, it only looks like that operation; if `conditional`,
    only where the body names metadata.
    """

    operation: Operation
    path: str
    loose: bool = False
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What a request is about; `reason` says why `requested` is None although there may be one.

    If `loose`, nobody knows whether the upstream takes it for that.
    """

    resource: ResourceId
    thread_id: str | None
    requested: Metadata | None = None
    reason: str | None = None
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A resource as an answer shows it; `metadata` is UNKNOWN if none can be written."""

    resource: ResourceId
    thread_id: str | None
    metadata: Known


def meant(request: Request, operation: str | None = None) -> Meaning | None:
    """What a request may mean by its method and path, however that is spelled; None if it has
    nothing to do with metadata. An `operation` that is known already counts.
    """
    method, path = request.method, request.path
    found = OPERATIONS.get(operation or "") or recognise(method, path)
    if found is not None:
        plain = _joined(plain_segments(path))
        return Meaning(found, plain) if found.changes or found.shows else None
    near = loosely(method, path)
    if near is not None:
        return Meaning(near[0], _joined(near[1]), loose=True)
    near = below(method, path)
    return near and Meaning(near[0], _joined(near[1]), loose=True, conditional=True)


def _joined(segments: Sequence[str]) -> str:
    return "/" + "/".join(segments)


def holds(meaning: Meaning, body: bytes) -> bool:
    """Whether a request with that body, decoded, means what its path says."""
    if not meaning.conditional:
        return True
    if _METADATA not in body and _ESCAPE not in body:
        return False
    document = _read(body)
    return "metadata" in document if isinstance(document, dict) else _METADATA in body


def unnamed(meaning: Meaning) -> ChangeRequest:
    """A request of which nothing but the kind of its resource can be told."""
    assert meaning.operation.resource is not None  # noqa: S101 - what changes or shows has one
    resource = ResourceId(meaning.operation.resource.kind, None)
    return ChangeRequest(resource, None, loose=meaning.loose)


def asked(meaning: Meaning, request: Redacted[Request]) -> ChangeRequest:
    """What a request asks; its path may be that of the meaning."""
    operation, bare = meaning.operation, unnamed(meaning)
    requested, reason = _requested(operation, request.value.body)
    segments = _segments(meaning, request.value)
    thread = name = None
    if fits(operation, segments):  # else a pattern of the user's ate the path
        thread, name = (each and read_segment(each) for each in ids_of(operation, segments))
    return replace(
        bare,
        resource=bare.resource._replace(id=name),
        thread_id=thread,
        requested=requested,
        reason=reason,
    )


def _segments(meaning: Meaning, request: Request) -> Sequence[str]:
    if meaning.loose:
        near = loosely(request.method, request.path) or below(request.method, request.path)
        return near[1] if near is not None else ()
    return plain_segments(request.path)


def essence(response: Response, kind: str) -> Response:
    """The answer less everything that shows no resource of a kind; its body is plain JSON, or
    empty.

    `response` is decoded, as it is recorded. JSON pointers into resources and lists of them stay
    true.
    """
    items, listed = _shown_in(response, kind)
    less = [_less(item) for item in items]
    document = {"data": less} if listed else less[0]
    body = json.dumps(document).encode("ascii") if document else b""
    return Response(response.status, response.headers, body)


def shown(request: ChangeRequest, response: Redacted[Response]) -> tuple[Shown, ...]:
    """The resources of the kind that a request is about which an answer shows, be it whole or an
    `essence`; none unless it is a 2xx.
    """
    if not 200 <= response.value.status < 300:
        return ()
    items, _ = _shown_in(response.value, request.resource.kind)
    found = (_shown_as(request, item) for item in items)
    return tuple(each for each in found if each is not None)


def the_one(request: ChangeRequest, found: tuple[Shown, ...]) -> Shown | None:
    """The resource that a request was about, if an answer shows it."""
    named = (each for each in found if request.resource.id in (None, each.resource.id))
    return next(named, None)


def _requested(operation: Operation, body: bytes) -> tuple[Metadata | None, str | None]:
    if not operation.names_metadata or not body:
        return None, None
    try:
        document = strict_json.document(body.decode("utf-8"))
    except ValueError:
        return None, "the request's body cannot be read as JSON"
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if metadata is None:
        return None, None
    if not isinstance(metadata, dict):
        return None, "the request's metadata is no object"
    if not _writable(metadata):
        return None, "the request's metadata cannot be written in the log"
    return metadata, None


def _shown_in(response: Response, kind: str) -> tuple[list[Any], bool]:
    """The JSON values that may be resources of a kind, and whether the answer was a list of them.

    Of a stream it is the last one in its events.
    """
    if response.at_ms is not None or (
        is_event_stream(response.headers) and not response.body.startswith(b"{")
    ):
        document = next(_in_stream(response.body, kind), None)
    else:
        document = _read(response.body)
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        return document["data"][:SHOWN_MAX], True
    return [document], False


def _mark(kind: str) -> bytes:
    """What an event has in it that shows a resource of a kind."""
    return f'"{BY_KIND[kind].shown_as}"'.encode("ascii")


def _in_stream(body: bytes, kind: str) -> Iterator[Any]:
    """The resources of a kind in the events, the last first."""
    mark = _mark(kind)
    for event in reversed(sse.split(body)):
        parts = sse.around_data(event) if mark in event else None
        document = None if parts is None else _read(parts[1])
        if isinstance(document, dict) and document.get("object") == BY_KIND[kind].shown_as:
            yield document


def _read(body: bytes) -> Any:
    """A JSON value; None if it is none."""
    try:
        return strict_json.document(body.decode("utf-8"))
    except ValueError:
        return None


def _less(item: Any) -> Any:
    if not isinstance(item, dict):
        return None
    return {name: item[name] for name in _SHOWN if name in item}


def _shown_as(request: ChangeRequest, item: Any) -> Shown | None:
    row, asked_for = BY_KIND[request.resource.kind], request.resource.id
    if not isinstance(item, dict) or "metadata" not in item:
        return None
    name: Any = item.get("id", item.get(f"{row.kind}_id"))  # the latter as LangGraph has it
    if not _is_text(name) or item.get("object", row.shown_as) != row.shown_as:
        return None
    if asked_for is not None and unquote(asked_for) == name:
        name = asked_for  # as the path says it, which may be percent-encoded
    metadata = {} if item["metadata"] is None else item["metadata"]
    known = metadata if isinstance(metadata, dict) and _writable(metadata) else UNKNOWN
    return Shown(ResourceId(row.kind, name), _thread_of(request, item, name), known)


def _thread_of(request: ChangeRequest, item: dict[str, Any], name: str) -> str | None:
    """The thread that a resource of the name is, or stands in."""
    path = BY_KIND[request.resource.kind].path
    if path[0] != _THREADS:
        return None
    thread = item.get("thread_id")
    if len(path) == 2:
        return name
    return thread if _is_text(thread) else request.thread_id


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and _writable({"": value})


def _writable(metadata: Metadata) -> bool:
    """Whether readers of all languages would read back what RFC 8785 writes of it."""
    try:
        written = canonical(metadata)
        if is_plain(metadata):
            return len(written) <= METADATA_BYTES_MAX
        return (
            len(written) <= METADATA_BYTES_MAX
            and rfc8785.dumps(strict_json.loads(written.decode("utf-8"))) == written
        )
    except (ValueError, RecursionError):
        return False


class Watch:
    """Looks at a stream for resources of a kind; at no event of more than `bytes_max`, and at
    nothing after it.
    """

    def __init__(self, head: Response, bytes_max: int, kind: str) -> None:
        self.ended = False  # whether it said that it is complete
        self.status = head.status
        self._head = head
        self._bytes_max = bytes_max
        self._mark = _mark(kind)
        applied = codings(head.headers)
        self._unpacker = StreamDecoder(applied, bytes_max) if applied else None
        self._splitter = sse.Splitter()
        self._last = b""
        self._open = 0  # bytes of the event that is not whole

    def feed(self, chunk: bytes) -> None:
        """Look at what has come."""
        if self._open > self._bytes_max:
            return
        self._open += len(chunk)
        plain = chunk if self._unpacker is None else self._unpacker.feed(chunk)
        for event in self._splitter.feed(plain):
            self._open = 0
            if self._mark in event:
                self._last = event
            self.ended = self.ended or sse.is_done(event)

    def response(self) -> Response:
        """The answer, with the last event that shows such a resource for its body."""
        headers = without(self._head.headers, frozenset({"content-encoding"}))
        return Response(self._head.status, headers, self._last)
