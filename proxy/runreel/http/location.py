"""Where a redirect leads: the Location of one server, as it reads at another place.

A recording keeps what the upstream sent, so that it can be replayed at any address; each answer is
read so on its way out, and so is what comes into a cassette from another place than the rest.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from runreel.http.messages import Headers

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_ABSOLUTE = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#]*)(.*)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def default_port(scheme: str) -> int | None:
    """The port of URLs of a scheme that name none; None if nobody knows."""
    return _DEFAULT_PORTS.get(scheme)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader finds a server's root: `origin` as it addresses it, empty if it did not say,
    and the `prefix` of all paths there.
    """

    origin: str
    prefix: str


def place_of(url: str) -> Place:
    """The place that is the root of a server's own URL."""
    parts = urlsplit(url)
    return Place(f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/"))


def relocated(headers: Headers, upstream: str, place: Place) -> Headers:
    """The headers with each Location below the upstream's URL turned into that of a place."""
    return tuple(
        (name, _relocated(value, upstream, place) if name.lower() == "location" else value)
        for name, value in headers
    )


def _relocated(location: str, upstream: str, place: Place) -> str:
    base = urlsplit(upstream)
    root = base.path.rstrip("/")
    if absolute := _ABSOLUTE.fullmatch(location):
        scheme, authority, rest = (absolute[1] or base.scheme).lower(), absolute[2], absolute[3]
        if (scheme, _plain(authority, scheme)) != (base.scheme, _plain(base.netloc, base.scheme)):
            return location
        origin = place.origin
    else:
        rest, origin = location, ""
    below = rest.removeprefix(root)
    inside = rest.startswith(root) and below[:1] in ("", "/", "?", "#")
    if not inside or (not absolute and not rest.startswith("/")):
        return location
    return origin + place.prefix + (below if below.startswith("/") else "/" + below)


def _plain(authority: str, scheme: str) -> str:
    return authority.lower().removesuffix(":").removesuffix(f":{default_port(scheme)}")
