"""The values that everything here passes around: requests, responses, interactions.

Owns their shape and the handling of raw header pairs. Knows nothing of JSON, redaction or any
framework. Header names and values, and targets, are `str` views of raw bytes in latin-1, so every
byte has exactly one character and comes back as it was.
"""

from dataclasses import dataclass
from datetime import datetime

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: `target` is path and query exactly as sent, `body` its bytes."""

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The raw path, never decoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The raw query without its question mark; empty when there is none."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response, with the whole body in hand.

    `at_ms` is there for a stream of events: for each event of the body (`sse.split` of it decoded),
    how many milliseconds after the request it came.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    at_ms: tuple[int, ...] | None = None


NO_RESPONSE = Response(0)  # of a request to which nobody answered


@dataclass(frozen=True, slots=True)
class Violation:
    """A validation finding: data on an interaction, never an exception.

    `at` is a JSON pointer into the request or response body (empty: the body itself), `rule` a
    short name such as `type`, `severity` is `error` or `advice` (a known and harmless deviation).
    """

    at: str
    rule: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True)
class Interaction:
    """One request with its response, as recorded; bodies are decoded, headers end-to-end.

    `id` names it within its cassette, `recorded_at` is in UTC with whole seconds. With
    `client_gone` nobody received the response. With `failed`, the slug of an error such as
    `upstream_timeout`, the upstream gave none that is whole, `response` is `NO_RESPONSE`, and
    nobody knows whether the request was carried out.

    `after` are the ids of the latest writes of its past (none: `()`), None where the order of the
    file says it; `during` those of the writes that overlapped it; `scope` names its story.
    """

    id: str
    operation: str | None
    recorded_at: datetime
    duration_ms: int
    request: Request
    response: Response
    violations: tuple[Violation, ...] = ()
    client_gone: bool = False
    failed: str | None = None
    after: tuple[str, ...] | None = None
    during: tuple[str, ...] = ()
    scope: str | None = None

    @property
    def never_served(self) -> bool:
        """Whether it is kept as evidence only: nobody had its answer, or there was none."""
        return self.client_gone or self.failed is not None


def values(headers: Headers, name: str) -> tuple[str, ...]:
    """All values of the header `name` (any case), in order."""
    wanted, length = name.lower(), len(name)
    return tuple([value for key, value in headers if len(key) == length and key.lower() == wanted])


def without(headers: Headers, names: frozenset[str]) -> Headers:
    """The headers less those in `names` (lower case)."""
    return tuple([pair for pair in headers if pair[0].lower() not in names])
