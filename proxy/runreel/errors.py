"""Every error runreel raises on purpose, and what clients are told of one.

    RunreelError
    ├── StartRefused        usage or configuration: exit code 2
    │   ├── CassetteBusy    somebody else records into it
    │   └── CassetteMissing there is none to play
    ├── SessionRefused      a session that cannot be opened as asked
    ├── SessionUnknown      there is no such session: 421
    ├── TooManySessions     503
    ├── CassetteDamaged     a cassette that cannot be trusted: exit code 1
    │   └── NothingReadable
    ├── AuditDamaged        an audit log that cannot be read: exit code 1
    ├── BadFile             a file of another tool that cannot be imported: exit code 1
    ├── StoreFailed         a cassette could not be written: exit code 1
    ├── Unredactable        a secret that cannot be taken out: the interaction is not stored
    └── UpstreamFailed      no usable answer from the upstream: 502, 503 or 504, by its code

Foreign exceptions are translated into these at the edge that meets them, once. Each message is one
sentence that names the thing and, where there is one, the remedy. What a client is told is an
envelope as OpenAI's, by the table of slugs `ERRORS`; foreign bodies never pass through here.
"""

import json
from enum import Enum

from runreel.http.messages import Headers, Response


class RunreelError(Exception):
    """Base of all errors here; `exit_code` is what the command ends with when one stops it."""

    exit_code = 1


class StartRefused(RunreelError):
    """The command line, the configuration or the place to work in cannot be used as asked."""

    exit_code = 2


class CassetteBusy(StartRefused):
    """Somebody else records into the cassette."""


class CassetteMissing(StartRefused):
    """There is no cassette of that name, and the mode does not make one."""


class SessionRefused(RunreelError):
    """A session cannot be opened or ended as asked."""


class SessionUnknown(RunreelError):
    """There is no session of that id, or none for a request that names none."""


class TooManySessions(RunreelError):
    """There are as many sessions as there may be."""


class CassetteDamaged(RunreelError):
    """A stored cassette is not readable as format 1; the message names file and JSON path."""


class NothingReadable(CassetteDamaged):
    """All that is there of a cassette are bytes that cannot be read; it may be recorded anew."""


class AuditDamaged(RunreelError):
    """An audit log that is there cannot be read; the message names file and line."""


class BadFile(RunreelError):
    """A file of another tool that cannot be taken over; the message names file and place."""

    def __init__(self, file: str, place: str, reason: str) -> None:
        super().__init__(": ".join(part for part in (file, place, reason) if part))


class StoreFailed(RunreelError):
    """The store could not make a cassette durable; what was stored before is untouched."""


class Unredactable(RunreelError):
    """A secret stands where it cannot be replaced; the message never holds the secret."""


class UpstreamFault(Enum):
    """Why there is no answer of an upstream: (slug of the error envelope, HTTP status)."""

    UNREACHABLE = ("upstream_unreachable", 502)
    DISCONNECTED = ("upstream_disconnected", 502)
    MALFORMED = ("upstream_malformed", 502)
    TIMEOUT = ("upstream_timeout", 504)
    TOO_MANY = ("too_many_calls", 503)  # not even sent
    STOPPED = ("stopping", 503)  # the proxy did not wait for it any longer


class UpstreamFailed(RunreelError):
    """The upstream gave no complete answer; unless `sent`, nobody even tried to reach it."""

    def __init__(self, fault: UpstreamFault, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.fault = fault
        self.sent = sent and fault is not UpstreamFault.TOO_MANY

    @property
    def seen(self) -> bool:
        """Whether the upstream may have seen the call: not if there was no connection to it."""
        return self.sent and self.fault is not UpstreamFault.UNREACHABLE


# slug -> (status, whether trying again can help)
ERRORS: dict[str, tuple[int, bool]] = {
    "no_matching_interaction": (424, False),
    "interaction_exhausted": (424, False),
    "another_story": (424, False),
    "upstream_unreachable": (502, True),
    "upstream_disconnected": (502, True),
    "upstream_malformed": (502, True),
    "upstream_timeout": (504, True),
    "too_many_calls": (503, True),
    "stopping": (503, True),
    "recording_failed": (503, False),
    "session_unknown": (421, False),
    "session_refused": (400, False),
    "cassette_busy": (409, False),
    "cassette_damaged": (500, False),
    "too_many_sessions": (503, True),
    "unauthorized": (401, False),
    "origin_refused": (403, False),
    "body_too_large": (413, False),
    "headers_too_large": (431, False),
    "request_timeout": (408, True),
    "bad_request": (400, False),
    "bad_request_target": (400, False),
    "misdirected_host": (421, False),
    "method_not_allowed": (405, False),
    "admin_unknown": (404, False),
    "internal_error": (500, False),
    "bad_framing": (400, False),
    "bad_header": (400, False),
    "expectation_failed": (417, False),
    "unknown_transfer_coding": (501, False),
    "http_version_not_supported": (505, False),
    "loop_detected": (508, False),
}
NO_RETRY: Headers = (("x-should-retry", "false"),)  # which all of OpenAI's SDKs obey
_RETRY_SOON: Headers = (("Retry-After", "1"),)
_CHALLENGE: Headers = (("WWW-Authenticate", 'Bearer realm="runreel"'),)
_JSON: Headers = (("Content-Type", "application/json"),)


def error_response(slug: str, message: str) -> Response:
    """The response for a slug of `ERRORS`."""
    status, again = ERRORS[slug]
    error = {"message": message, "type": "runreel_error", "param": None, "code": slug}
    further = {401: _CHALLENGE, 503: _RETRY_SOON if again else ()}.get(status, ())
    return json_response(status, {"error": error}, further + (() if again else NO_RETRY))


def json_response(status: int, document: object, headers: Headers = ()) -> Response:
    """A JSON response; ASCII only, so that no client can misread it."""
    body = json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return Response(status, _JSON + headers, body)
