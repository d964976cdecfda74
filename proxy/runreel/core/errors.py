"""Every error runreel raises on purpose.

    RunreelError
    ├── StartRefused        usage or configuration: exit code 2
    │   └── CassetteBusy    somebody else records into it
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
sentence that names the thing and, where there is one, the remedy.
"""

from enum import Enum


class RunreelError(Exception):
    """Base of all errors here; `exit_code` is what the command ends with when one stops it."""

    exit_code = 1


class StartRefused(RunreelError):
    """The command line, the configuration or the place to work in cannot be used as asked."""

    exit_code = 2


class CassetteBusy(StartRefused):
    """Somebody else records into the cassette."""


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
