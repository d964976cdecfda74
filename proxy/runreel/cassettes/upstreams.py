"""Which upstreams are one, so that recordings of both may stand in one cassette.

A URL says where a server is reached, not which one it is: on this machine its port is often chance,
and a colleague's machine has another name. So a cassette may give its upstream a name.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from runreel.cassettes.format import SIMULATOR, Cassette
from runreel.http.location import LOOPBACK_NAMES, default_port


@dataclass(frozen=True, slots=True)
class UpstreamId:
    """An upstream: the `url` it is reached by, without secrets, or `SIMULATOR`; and what it is
    called, if it was given a `name`.
    """

    url: str
    name: str | None = None


def upstream_of(cassette: Cassette) -> UpstreamId:
    """The upstream that a cassette was recorded from."""
    return UpstreamId(cassette.upstream, cassette.upstream_name)


def same_upstream(recorded: UpstreamId, live: UpstreamId) -> bool:
    """Whether what comes from `live` belongs to what was `recorded`.

    The simulator is nothing but itself, whatever it is called. Two names decide; a name that is new
    says of the URL before it that it was this one. Else the URLs do, where all of this machine are
    one that differ in name and port alone.
    """
    if SIMULATOR in (recorded.url, live.url):
        return recorded.url == live.url
    if live.name is not None:
        return recorded.name in (None, live.name)
    return _place(recorded.url) == _place(live.url)


def _place(url: str) -> tuple[str, ...]:
    """What tells the server of one URL from that of another."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # somebody wrote it into a cassette by hand
        return (url,)
    path = parts.path.rstrip("/")
    if host in LOOPBACK_NAMES:
        return (parts.scheme, "loopback", path)
    return (parts.scheme, host, str(port or default_port(parts.scheme)), path)
