"""The proxy of a test process, and the test that is on it.

Each test has a session with its set-up, and one for its teardown, which nobody can tell to be
complete while the test is judged. Clients find the proxy by an address that is known before
anything listens there. A cassette that no marker names is named after its test: a plain name stands
as it is, any other gets a suffix from its hash, so that tests that differ anywhere never share one,
also where upper and lower case are one. Sockets can be held to this machine; that keeps honest code
honest and is no sandbox. Nothing that takes time is imported before the first test that needs it.
"""

import hashlib
import ipaddress
import re
import socket
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from runreel.errors import StartRefused
from runreel.pytest_plugin.report import Totals, findings, misses
from runreel.wrap.no_proxy import bypass

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


TEARDOWN = ".teardown"  # what ends the name of the cassette of a test's teardown

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.]{0,63}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
_READABLE_CHARS = 48  # of a name that is not plain; with hash and TEARDOWN it stays below 81
_HASH_DIGITS = 10
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)


def cassette_name(module: str, test: Sequence[str]) -> str:
    """The name for a test in a module (its file's name without suffix), given by its classes and
    its own name with parameters, as in `["TestRuns", "test_list[a/b]"]`.
    """
    return f"{segment(module)}/{segment('.'.join(test))}"


def segment(text: str) -> str:
    """A text as one part of a cassette's name; texts that differ never give the same."""
    if _PLAIN.fullmatch(text) and not _collides(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:_HASH_DIGITS]
    readable = _UNSAFE.sub("-", text).strip("-_")[:_READABLE_CHARS].rstrip("-_")
    return f"{readable}-{digest}" if readable else digest


def _collides(text: str) -> bool:
    # Windows takes NUL.json for the device, too.
    stem = text.partition(".")[0]
    return stem in _RESERVED or text.endswith((".", ".json", TEARDOWN))


PLACEHOLDER_KEY = "none-needed"  # the SDKs refuse to start without one
_BASE_PATH = "/v1"


class Address:
    """A port of this machine that is ours from now on; who calls before we listen is refused.

    `set_variables` leads clients there, `release` puts the environment back as it was.
    """

    def __init__(self, base_path: str) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.socket.getsockname()[1]}{base_path}"
        self._before: dict[str, str | None] = {}

    def set_variables(self, environment: MutableMapping[str, str]) -> None:
        """Lead all clients that are made from now on here."""
        changed = bypass(environment) | {"OPENAI_BASE_URL": self.base_url}
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
        self.socket.close()


def base_path(file: Path | None, environment: Mapping[str, str]) -> str:
    """The setting `base_path`, without what a whole configuration takes to load; if it is wrong,
    who loads that will say so.
    """
    if (set_to := environment.get("RUNREEL_BASE_PATH")) is not None:
        return set_to
    if file is None:
        return _BASE_PATH
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8")).get("base_path", _BASE_PATH)
    except (OSError, ValueError):
        return _BASE_PATH
    return told if isinstance(told, str) else _BASE_PATH


if TYPE_CHECKING:
    from runreel.config.settings import Config
    from runreel.matching.near_miss import Rerun
    from runreel.server.embedded import Embedded

FILE_NAME = "runreel.toml"
_IDLE_S_MAX = 1e9  # a test ends when it ends, also in a debugger


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """What the run was asked for; None is for what was not. `root` is the project's folder."""

    root: Path
    mode: str | None = None
    upstream: str | None = None
    cassettes: Path | None = None
    block_sockets: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """A test: where it is, and how it is marked. `unnamed` is its cassette if none was named; one
    that is named may be shared, so that its recordings carry the test's id as their scope. `to_run`
    is its id as seen from the folder in which pytest was started, if that is another.
    """

    id: str
    folder: Path
    unnamed: str
    cassette: str | None = None
    mode: str | None = None
    allow_unplayed: bool = False
    barriers: bool | None = None
    to_run: str = ""

    @property
    def scope(self) -> str | None:
        """The name of its story within its cassette."""
        return self.id if self.cassette else None


@dataclass(slots=True)
class Recording:
    """What a test that uses runreel can see of it, as the fixture `runreel`."""

    base_url: str
    cassette: str
    _proxy: "Embedded" = field(repr=False)
    _session: str = field(repr=False)
    _final: dict[str, Any] | None = field(default=None, repr=False)

    def receipt(self) -> dict[str, Any]:
        """What was served, recorded, missed and left unplayed so far."""
        return self._final or self._proxy.receipt(self._session)


@dataclass(slots=True)
class TestRun:
    """One go at a test; a rerun is another. `failed` once anything but success was reported."""

    case: Case
    file: Path
    call: Recording
    teardown: Recording
    failed: bool = False


class TestProxy:
    """The only owner of the proxy of a process. Methods raise RunreelError if it cannot be had."""

    def __init__(self, asked: PluginOptions, environment: MutableMapping[str, str]) -> None:
        self.totals = Totals()
        self._asked = asked
        self._environment = environment
        file = asked.root / FILE_NAME
        self._file = file if file.is_file() else None
        self._address: Address | None = None
        self._running: tuple[Config, Embedded] | None = None
        self._guard = Guard() if asked.block_sockets else None
        if self._guard:
            self._guard.install()
        self._blanks: tempfile.TemporaryDirectory[str] | None = None
        self._attempts = 0
        self._open: list[str] = []

    def set_base_url(self) -> None:
        """From now on, clients that are made find the address of this process; nothing starts."""
        if self._address is None:
            self._address = Address(base_path(self._file, self._environment))
            self._address.set_variables(self._environment)

    def begin(self, case: Case) -> TestRun:
        """Open the sessions of a test, and give it all requests."""
        config, proxy = self._proxy()
        name = _checked(case.cassette) if case.cassette else case.unnamed
        folder = self._folder(config) if case.cassette else None
        folder = folder or case.folder / "cassettes"
        mode = _mode(case.mode or config.mode, config)
        if case.cassette is None:
            self._drop_unfinished(folder, name, mode)
        self._attempts += 1
        prune = self._asked.prune and not case.allow_unplayed
        wanted = {
            "prune": prune,
            "scope": case.scope,
            "barriers": case.barriers,
            "rerun": _recorded_anew(case, self._asked),
        }
        call = self._session(folder, name, mode, f"test-{self._attempts}", **wanted)
        resolved = call.receipt()["mode"]
        try:
            after = f"test-{self._attempts}-teardown"
            teardown = self._session(folder, name + TEARDOWN, resolved, after, **wanted)
        except BaseException:
            self._end(call, discard=True)
            raise
        proxy.use(call._session)  # noqa: SLF001 - its own
        return TestRun(case, folder / f"{name}.json", call, teardown)

    def findings(self, attempt: TestRun) -> list[str]:
        """What is wrong with a test that says that all is well."""
        allowed = attempt.case.allow_unplayed
        return findings(attempt.call.receipt(), allow_unplayed=allowed)

    def tear_down(self, attempt: TestRun) -> None:
        """Give the requests to the session of the test's teardown."""
        self._proxy()[1].use(attempt.teardown._session)  # noqa: SLF001 - its own

    def end(self, attempt: TestRun) -> list[str]:
        """End the sessions of a test; what a failed one recorded is thrown away.

        Returns what is wrong with its teardown, which makes it fail too.
        """
        receipt = attempt.teardown.receipt()
        allowed = attempt.case.allow_unplayed
        found = misses(receipt) if attempt.failed else findings(receipt, allow_unplayed=allowed)
        attempt.failed = attempt.failed or bool(found)
        try:
            for reel in (attempt.call, attempt.teardown):
                self._end(reel, discard=attempt.failed)
            if self._asked.prune and not allowed and not attempt.failed:
                _prune_teardown(attempt)
        finally:
            receipts: list[Mapping[str, Any]] = [
                reel.receipt() for reel in (attempt.call, attempt.teardown)
            ]
            whole = not (allowed or self._asked.prune)
            self.totals.add(attempt.case.id, receipts, passed=not attempt.failed, whole=whole)
        return found

    def close(self) -> None:
        """Stop the proxy and put the environment back; what is under way is not kept."""
        if self._running:
            proxy = self._running[1]
            self._running = None
            for session in self._open:
                proxy.close(session, discard=True)
            proxy.stop()
        if self._blanks:
            self._blanks.cleanup()
        if self._guard:
            self._guard.remove()
        if self._address:
            self._address.release(self._environment)
            self._address = None

    def _proxy(self) -> "tuple[Config, Embedded]":
        if self._running is None:
            from runreel.config.loading import load
            from runreel.server.embedded import Embedded

            self.set_base_url()
            assert self._address is not None  # noqa: S101 - as the line above has it
            settings = {
                "mode": self._asked.mode,
                "upstream": self._asked.upstream,
                "cassettes": self._asked.cassettes,
                "limits.session_idle_s_max": _IDLE_S_MAX,
                "audit.enabled": False,  # a test changes nothing that anybody would audit
            }
            config = load(self._file, self._environment, settings)
            if self._guard and config.upstream:
                self._guard.allow(urlsplit(config.upstream).hostname or "")
            log = sys.__stderr__ or sys.stderr
            self._running = (config, Embedded(config, log, listener=self._address.socket))
        return self._running

    def _folder(self, config: "Config") -> Path | None:
        """Where named cassettes are, if that is configured."""
        if "cassettes" in config.model_fields_set:
            return self._asked.root / config.cassettes
        return self._file and self._file.parent / config.cassettes

    def _drop_unfinished(self, folder: Path, name: str, mode: str) -> None:
        """A test that was killed while it was recorded did not pass, so nothing of it is kept."""
        from runreel.cassettes.file_store import FileStore
        from runreel.sessions.modes import DECISIONS, ONCE, Mode

        config, _ = self._proxy()
        if config.upstream is not None and (mode == ONCE or DECISIONS[Mode(mode)].captures):
            for each in (name, name + TEARDOWN):
                FileStore(folder).drop_unfinished(each)

    def _session(
        self, folder: Path, name: str, mode: str, session: str, **wanted: Any
    ) -> Recording:
        """Open a session; what else is `wanted` is as for `Embedded.open`."""
        from runreel.cassettes.file_store import FileStore

        config, proxy = self._proxy()
        plays = mode == "replay" or (mode == "once" and config.upstream is None)
        if plays and FileStore(folder).load(name) is None:
            folder = self._blank(name)  # so that each call is a miss, and the first one says why
            mode = "replay"
        proxy.open(session, folder, name, mode, **wanted)
        self._open.append(session)
        assert self._address is not None  # noqa: S101 - it was there before the proxy was
        return Recording(self._address.base_url, name, proxy, session)

    def _end(self, reel: Recording, *, discard: bool) -> None:
        session = reel._session  # noqa: SLF001 - its own
        reel._final = reel.receipt()  # noqa: SLF001 - if closing fails, this is what is known
        self._open.remove(session)
        reel._final = reel._proxy.close(session, discard=discard)  # noqa: SLF001 - its own

    def _blank(self, name: str) -> Path:
        from runreel.cassettes.format import Cassette, dump
        from runreel.matching.matchers import MATCH_ON

        if self._blanks is None:
            self._blanks = tempfile.TemporaryDirectory(prefix="runreel-")
        folder = Path(self._blanks.name)
        path = folder / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(Cassette("none", "openai", MATCH_ON, salt="")), encoding="utf-8")
        return folder


def _recorded_anew(case: Case, asked: PluginOptions) -> "Rerun":
    """How a test is recorded anew, from the folder in which pytest was started."""
    from runreel.matching.near_miss import UPSTREAM, Rerun

    words = ["pytest", case.to_run or case.id, "--runreel-mode=record", "--runreel-prune"]
    if asked.cassettes is not None:
        words.append(f"--runreel-cassettes={asked.cassettes}")
    return Rerun((*words, f"--runreel-upstream={UPSTREAM}"))


def _prune_teardown(attempt: TestRun) -> None:
    """A session that recorded nothing saves nothing; here that means that no call is left."""
    call, teardown = attempt.call.receipt(), attempt.teardown.receipt()
    if teardown["mode"] == "record" and call["recorded"] and not teardown["requests"]:
        attempt.file.with_name(f"{attempt.file.stem}{TEARDOWN}.json").unlink(missing_ok=True)


def _checked(name: str) -> str:
    from runreel.cassettes.format import NotACassetteName, check_name

    try:
        return check_name(name)
    except NotACassetteName as error:
        raise StartRefused(str(error)) from None


def _mode(asked: str, config: "Config") -> str:
    """The mode, spelled canonically.

    Raises:
        StartRefused: it is none, or it needs an upstream that is not there.
    """
    from runreel.sessions.modes import DECISIONS, ONCE, SPELLINGS, Mode

    mode = SPELLINGS.get(asked)
    if mode is None:
        raise StartRefused(f"there is no mode {asked!r}; there are {', '.join(SPELLINGS)}")
    if mode != ONCE and DECISIONS[Mode(mode)].live and config.upstream is None:
        raise StartRefused(
            f"mode {mode} goes live and needs an upstream; give one with --runreel-upstream=URL"
        )
    return mode
