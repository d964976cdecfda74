"""Sockets that reach this machine only, for a run that must prove that nothing was live.

Owns what counts as this machine. It covers all that goes through Python's `socket`; it keeps honest
code honest and is no sandbox.
"""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})
_CONNECTS = ("connect", "connect_ex", "sendto", "sendmsg")
_RESOLVES = ("getaddrinfo", "gethostbyname", "gethostbyname_ex")


class SocketBlocked(RuntimeError):
    """A test tried to reach another machine; not an OSError, so that no client tries again."""


class Guard:
    """Lets sockets reach loopback, and hosts that were allowed by name, from `install` on."""

    def __init__(self) -> None:
        self._hosts: set[str] = set()
        self._addresses: set[str] = set()
        self._before: list[tuple[Any, str, Any]] = []

    def allow(self, host: str) -> None:
        """Let this host be reached too, under every address that its name has."""
        self._hosts.add(host.lower())

    def install(self) -> None:
        """Begin."""
        for name in _CONNECTS:
            self._replace(socket.socket, name, self._connecting)
        for name in _RESOLVES:
            self._replace(socket, name, self._resolving)

    def remove(self) -> None:
        """End; all is as it was before."""
        while self._before:
            place, name, was = self._before.pop()
            if was is None:
                delattr(place, name)
            else:
                setattr(place, name, was)

    def _replace(self, place: Any, name: str, guarded: Callable[[Any], Any]) -> None:
        self._before.append((place, name, vars(place).get(name)))
        setattr(place, name, guarded(getattr(place, name)))

    def _connecting(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def checked(sock: socket.socket, *arguments: Any, **named: Any) -> Any:
            self._check(sock.family, _address(real.__name__, arguments))
            return real(sock, *arguments, **named)

        return checked

    def _resolving(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def checked(host: Any, *arguments: Any, **named: Any) -> Any:
            text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
            if text and not self._may_reach(text):
                raise SocketBlocked(_sentence(f"look up {text}"))
            found = real(host, *arguments, **named)
            if text and text.lower() in self._hosts and isinstance(found, list):
                self._addresses |= {entry[4][0] for entry in found}
            return found

        return checked

    def _check(self, family: int, address: Any) -> None:
        if address is None or family not in (socket.AF_INET, socket.AF_INET6):
            return  # already connected, and checked then; or a family that stays on this machine
        if not self._may_reach(str(address[0])):
            raise SocketBlocked(_sentence(f"reach {address[0]} port {address[1]}"))

    def _may_reach(self, host: str) -> bool:
        return is_loopback(host) or host.lower() in self._hosts or host in self._addresses


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an address, is this machine."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.lower() in _NAMES
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _address(call: str, arguments: tuple[Any, ...]) -> Any:
    """Where a call goes; None if the socket is connected already."""
    if call == "sendto":
        return arguments[-1]
    if call == "sendmsg":
        return arguments[3] if len(arguments) > 3 else None
    return arguments[0]


def _sentence(what: str) -> str:
    return f"a test tried to {what}, and --runreel-block-sockets lets sockets reach loopback only"
