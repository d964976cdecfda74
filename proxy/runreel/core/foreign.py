"""What other tools recorded, in one shape, whatever they call its parts.

Owns that shape, and the parts of a URL. What becomes of it is `adoption`.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from runreel.core.messages import Headers

_URL = re.compile(
    r"(?i:(https?))://(?:[^/?#@]*@)?([^/?#@\s\x00-\x20\x7f-\x9f]+)(/[^#]*|\?[^#]*)?(?:#.*)?",
    re.DOTALL,
)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Foreign:
    """One exchange as another tool recorded it.

    `place` says where it stands in its file, as in `interaction 3`. Header values are `str` views
    of bytes where they can be. Bodies are as the file has them, coded or not. `recorded_at` is
    in UTC; `at_ms` are the times of a stream's events; both None where the file does not say.
    """

    place: str
    method: str
    upstream: str
    target: str
    request_headers: Headers
    request_body: bytes
    status: int
    response_headers: Headers
    response_body: bytes
    recorded_at: datetime | None = None
    duration_ms: int = 0
    at_ms: tuple[int, ...] | None = None


def split_url(url: str) -> tuple[str, str] | None:
    """The upstream (scheme://host[:port]) and the target of a URL; None if it is not HTTP."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host, target = found[1].lower(), found[2].lower(), found[3] or "/"
    if not target.startswith("/"):
        target = "/" + target
    # What is not ASCII went over the wire percent-encoded, whatever the tool shows.
    sent = "".join(char if char.isascii() else quote(char) for char in target)
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORT[scheme])}", sent
