"""What a request asks of a run's metadata, and which runs an answer shows.

It is read the same way of live traffic and of recorded interactions: both come redacted. An answer
is first reduced to what shows runs (`essence`), so that redaction looks at little; a stream is
watched while it passes (`Watch`). What is not there, or cannot be written in the log, is `UNKNOWN`
or None with a reason.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import rfc8785

from runreel.assistants.operations import recognise
from runreel.audit.entries import UNKNOWN, Known, Metadata, canonical, is_plain
from runreel.http import sse, strict_json
from runreel.http.encoding import StreamDecoder
from runreel.http.headers import codings, is_event_stream
from runreel.http.messages import Request, Response, without
from runreel.redaction.redactor import Redacted
from runreel.redaction.rules import read_segment

METADATA_BYTES_MAX = 65_536  # of one run, as RFC 8785 JSON; 16 keys of OpenAI's have less
RUNS_MAX = 1_000  # that one answer shows

CHANGING = frozenset(
    {"createRun", "createThreadAndRun", "modifyRun", "cancelRun", "submitToolOuputsToRun"}
)
SHOWING = frozenset({"getRun", "listRuns"})
CREATING = frozenset({"createRun", "createThreadAndRun"})
NAMES_METADATA = frozenset({"createRun", "createThreadAndRun", "modifyRun"})
# Where thread and run stand among the segments of a path, from its end.
_PLACES = {
    "createThreadAndRun": (None, None),
    "createRun": (-2, None),
    "listRuns": (-2, None),
    "getRun": (-3, -1),
    "modifyRun": (-3, -1),
    "cancelRun": (-4, -2),
    "submitToolOuputsToRun": (-4, -2),
}
_RUN = "thread.run"
_SHOWN = ("id", "object", "thread_id", "metadata")
_ENCODED = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile("[A-Za-z0-9._~-]")  # RFC 3986, 2.3


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What a request is about; `reason` says why `requested` is None although there may be one."""

    thread_id: str | None
    run_id: str | None
    requested: Metadata | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A run as an answer shows it; `metadata` is UNKNOWN if it has none that can be written."""

    thread_id: str | None
    run_id: str
    metadata: Known


def meant(request: Request) -> str | None:
    """The operation that a server may take a request for, however its path is spelled."""
    found = recognise(request.method, plain_path(request.path))
    return found.name if found else None


def plain_path(path: str) -> str:
    """A path in the plainest of all the spellings that servers take for the same one.

    Encoded characters that need not be are themselves (RFC 3986, 6.2.2.2), dot segments are gone,
    and so are empty ones. So nobody hides a change of a run from whoever asks for its id.
    """
    segments: list[str] = []
    for segment in _ENCODED.sub(_decoded, path).split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(segment)
    return "/" + "/".join(segments)


def _decoded(encoded: re.Match[str]) -> str:
    char = chr(int(encoded[1], 16))
    return char if _UNRESERVED.fullmatch(char) else encoded[0].upper()


def asked(operation: str, request: Redacted[Request]) -> ChangeRequest:
    """What a request asks; `operation` is one of `CHANGING` or `SHOWING`."""
    requested, reason = _requested(operation, request.value.body)
    path = plain_path(request.value.path)
    found = recognise(request.value.method, path)
    if found is None or found.name != operation:  # a pattern of the user's ate the path
        return ChangeRequest(None, None, requested, reason)
    thread, run = _PLACES[operation]
    segments = path.split("/")
    return ChangeRequest(
        read_segment(segments[thread]) if thread is not None else None,
        read_segment(segments[run]) if run is not None else None,
        requested,
        reason,
    )


def essence(response: Response) -> Response:
    """The answer less everything that shows no run; its body is plain JSON, or empty.

    `response` is decoded, as it is recorded. JSON pointers into runs and lists of runs stay true.
    """
    items, listed = _shown_in(response)
    less = [_less(item) for item in items]
    document = {"data": less} if listed else less[0]
    body = json.dumps(document).encode("ascii") if document else b""
    return Response(response.status, response.headers, body)


def runs(request: ChangeRequest, response: Redacted[Response]) -> tuple[Run, ...]:
    """The runs that an answer shows, be it whole or an `essence`; none unless it is a 2xx."""
    if not 200 <= response.value.status < 300:
        return ()
    items, _ = _shown_in(response.value)
    found = (_run(request, item) for item in items)
    return tuple(run for run in found if run is not None)


def one_run(request: ChangeRequest, shown: tuple[Run, ...]) -> Run | None:
    """The run that a request was about, if an answer shows it."""
    named = (run for run in shown if request.run_id in (None, run.run_id))
    return next(named, None)


def _requested(operation: str, body: bytes) -> tuple[Metadata | None, str | None]:
    if operation not in NAMES_METADATA or not body:
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


def _shown_in(response: Response) -> tuple[list[Any], bool]:
    """The JSON values that may be runs, and whether the answer was a list of them.

    Of a stream it is the last run in its events.
    """
    if response.at_ms is not None or (
        is_event_stream(response.headers) and not response.body.startswith(b"{")
    ):
        document = next(_runs_of_stream(response.body), None)
    else:
        document = _read(response.body)
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        return document["data"][:RUNS_MAX], True
    return [document], False


def _runs_of_stream(body: bytes) -> Iterator[Any]:
    """The runs in the events, the last first."""
    for event in reversed(sse.split(body)):
        parts = sse.around_data(event) if b'"thread.run"' in event else None
        document = None if parts is None else _read(parts[1])
        if isinstance(document, dict) and document.get("object") == _RUN:
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


def _run(request: ChangeRequest, item: Any) -> Run | None:
    if not isinstance(item, dict) or not _is_text(item.get("id")):
        return None
    if item.get("object", _RUN) != _RUN or "metadata" not in item:
        return None
    thread = item.get("thread_id")
    name = item["id"]
    if request.run_id is not None and unquote(request.run_id) == name:
        name = request.run_id  # as the path says it, which may be percent-encoded
    metadata = {} if item["metadata"] is None else item["metadata"]
    known = metadata if isinstance(metadata, dict) and _writable(metadata) else UNKNOWN
    return Run(thread if _is_text(thread) else request.thread_id, name, known)


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
    """Looks at a stream; at no event of more than `bytes_max`, and at nothing after it."""

    def __init__(self, head: Response, bytes_max: int) -> None:
        self.ended = False  # whether it said that it is complete
        self.status = head.status
        self._head = head
        self._bytes_max = bytes_max
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
            if b'"thread.run"' in event:
                self._last = event
            self.ended = self.ended or sse.is_done(event)

    def response(self) -> Response:
        """The answer, with the last event that holds a run for its body."""
        headers = without(self._head.headers, frozenset({"content-encoding"}))
        return Response(self._head.status, headers, self._last)
