"""What sockets of tests find and reach: the address of their proxy, and nothing but this machine.

Clients find the proxy by an address that is known before anything listens there (`Address`).
Sockets can be held to this machine (`Guard`); that keeps honest code honest and is no sandbox.
"""

import ipaddress
import socket
import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runreel.errors import StartRefused
from runreel.wrap import bypass

PLACEHOLDER_KEY = "none-needed"  # the SDKs refuse to start without one
_BASE_PATH = "/v1"


class Address:
    """A port of this machine that is ours from now on; who calls before we listen is refused.

    `set_variables` leads clients there, `taken` gives the socket away to who listens, `release`
    puts the environment back as it was. `pem` are the certificates that clients must trust, None if
    plain http is spoken there.
    """

    def __init__(self, base_path: str, pem: str | None = None) -> None:
        self._socket: socket.socket | None = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._name = self._socket.getsockname()
        # Who listens after another has ended finds connections of that one; not before `bind`,
        # which may then choose a port that somebody else has, and does not listen on yet.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        scheme = "http" if pem is None else "https"
        self.base_url = f"{scheme}://127.0.0.1:{self._name[1]}{base_path}"
        self._pem = pem
        self._folder: TemporaryDirectory[str] | None = None  # of the authorities to trust
        self._before: dict[str, str | None] = {}

    def taken(self) -> socket.socket:
        """The socket to listen on, bound; whoever takes it closes it.

        Raises:
            StartRefused: it was taken before, and somebody else has the port by now.
        """
        bound, self._socket = self._socket, None
        if bound is not None:
            return bound
        again = socket.socket()
        try:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(self._name)
        except OSError as error:
            again.close()
            raise StartRefused(
                f"the port {self._name[1]} of the tests' proxy was lost when that ended "
                f"({error.strerror}); run pytest again"
            ) from None
        return again

    def set_variables(self, environment: MutableMapping[str, str]) -> None:
        """Lead all clients that are made from now on here.

        Raises:
            StartRefused: they cannot be made to trust what they find.
        """
        changed = bypass(environment) | {"OPENAI_BASE_URL": self.base_url}
        if self._pem is not None:
            from runreel.tls.trust import trusting  # noqa: PLC0415 - few need it

            self._folder = TemporaryDirectory(prefix="runreel-")
            changed |= trusting(environment, self._pem, Path(self._folder.name))
        if not environment.get("OPENAI_API_KEY"):
            changed["OPENAI_API_KEY"] = PLACEHOLDER_KEY
        self._before = {name: environment.get(name) for name in changed}
        environment.update(changed)

    def release(self, environment: MutableMapping[str, str]) -> None:
        """Undo it all."""
        for name, value in self._before.items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
        self._before = {}
        if self._folder is not None:
            self._folder.cleanup()
        if self._socket is not None:
            self._socket.close()


def base_path(file: Path | None, environment: Mapping[str, str]) -> str:
    """The setting `base_path`, without what a whole configuration takes to load; if it is wrong,
    who loads that will say so.
    """
    if (set_to := environment.get("RUNREEL_BASE_PATH")) is not None:
        return set_to
    told = _written(file).get("base_path", _BASE_PATH)
    return told if isinstance(told, str) else _BASE_PATH


def certificates(file: Path | None, environment: Mapping[str, str]) -> str | None:
    """What clients must trust, as PEM; None if plain http is spoken. The whole configuration is
    loaded only where it says something of TLS.

    Raises:
        StartRefused: it is wrong, or there is no certificate.
    """
    listen = _written(file).get("listen")
    told = {
        *(listen if isinstance(listen, dict) else ()),
        *(f"{key}{value}" for key, value in environment.items() if key.startswith(_LISTEN)),
    }
    if not any("tls" in text.lower() for text in told):
        return None
    from runreel.config.loading import load  # noqa: PLC0415 - it takes time, and few need it
    from runreel.ports import SystemClock  # noqa: PLC0415 - so does this
    from runreel.server.tls import certified  # noqa: PLC0415 - so does this

    config = load(file, environment, {})
    found = certified(config.listen, environment, SystemClock().now())
    return found.pem if found else None


_LISTEN = "RUNREEL_LISTEN"


def _written(file: Path | None) -> dict[str, Any]:
    """What stands in a file of settings; nothing if it cannot be read."""
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


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
