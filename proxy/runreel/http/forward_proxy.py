"""A forward proxy of the user's network: as its URL names it, and whether the environment has one.

What goes through it, and how, is `connections`.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from runreel.http.location import LOOPBACK_NAMES


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """A proxy of the user's network; `authorization` is what Proxy-Authorization says to it."""

    host: str
    port: int
    authorization: str | None

    @classmethod
    def at(cls, url: str) -> "HttpProxy":
        """The proxy of a URL as `upstream_options.proxy` has it."""
        parts = urlsplit(url)
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(pair.encode()).decode()}"
        return cls(parts.hostname or "", parts.port or 80, authorization)

    @property
    def url(self) -> str:
        """Its URL, without credentials."""
        return f"http://{bracketed(self.host)}:{self.port}"


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


# The variables that name a proxy for a scheme, as most programs take them.
_VARIABLES = {"http": ("http_proxy", "HTTP_PROXY"), "https": ("https_proxy", "HTTPS_PROXY")}


def proxy_hint(upstream: str, environment: Mapping[str, str]) -> str | None:
    """What to say where the environment names a proxy for an upstream and none is configured: none
    is ever taken by itself. None where it names none, or exempts the upstream, or that is of this
    machine.
    """
    place = urlsplit(upstream)
    host = place.hostname or ""
    named = next((name for name in _VARIABLES.get(place.scheme, ()) if environment.get(name)), None)
    if named is None or host in LOOPBACK_NAMES:
        return None
    exempt = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if any(_exempts(entry.strip().lower(), host) for entry in exempt.split(",")):
        return None
    return (
        f"{named} is set and not looked at: calls go to {place.hostname} directly; set "
        "upstream_options.proxy if they have to go through a proxy"
    )


def _exempts(entry: str, host: str) -> bool:
    name = entry.partition(":")[0].lstrip("*.")
    return entry == "*" or bool(name and (host == name or host.endswith(f".{name}")))
