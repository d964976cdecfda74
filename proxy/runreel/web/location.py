"""Where a redirect leads: the upstream's Location, as a client of ours must read it.

Pure. A recording keeps what the upstream sent, so that it can be replayed at any address; this is
done to each answer on its way out.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from runreel.core.messages import Headers

_ABSOLUTE = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#]*)(.*)")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client finds the upstream's root: `origin` as it addresses us, empty if it did not
    say, and the `prefix` of its session's URL, if it uses one.
    """

    origin: str
    prefix: str


def relocated(headers: Headers, upstream: str, place: Place) -> Headers:
    """The headers with each Location below the upstream's URL turned into ours for the same."""
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
    return authority.lower().removesuffix(":").removesuffix(_DEFAULT_PORTS.get(scheme, ":"))
