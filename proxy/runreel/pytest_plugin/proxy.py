"""The proxy of a pytest process, and the test that is on it.

Each test has a session with its set-up, and one for its teardown, which nobody can tell to be
complete while the test is judged. Clients find the proxy by an address that is known before
anything listens there. A cassette that no marker names is named after its test: a plain name stands
as it is, any other gets a suffix from its hash, so that tests that differ anywhere never share one,
also where upper and lower case are one. Sockets can be held to this machine; that keeps honest code
honest and is no sandbox. Whatever takes time, or touches files while a test may have replaced
them, is done by the proxy, in a process of its own.
"""

import hashlib
import ipaddress
import re
import socket
import tomllib
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runreel.errors import RunreelError, StartRefused, StoreFailed
from runreel.pytest_plugin.process import ProxyProcess, ProxySettings
from runreel.pytest_plugin.report import Totals, findings, misses
from runreel.sessions.modes import DECISIONS, ONCE, SPELLINGS, Mode
from runreel.text import counted
from runreel.wrap import bypass

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

    `set_variables` leads clients there, `taken` gives the socket away to who listens, `release`
    puts the environment back as it was.
    """

    def __init__(self, base_path: str) -> None:
        self._socket: socket.socket | None = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._name = self._socket.getsockname()
        # Who listens after another has ended finds connections of that one; not before `bind`,
        # which may then choose a port that somebody else has, and does not listen on yet.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.base_url = f"http://127.0.0.1:{self._name[1]}{base_path}"
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
        if self._socket is not None:
            self._socket.close()


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


FILE_NAME = "runreel.toml"


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
    _proxy: ProxyProcess = field(repr=False)
    _session: str = field(repr=False)
    _mode: str = field(repr=False)
    _final: dict[str, Any] | None = field(default=None, repr=False)

    def receipt(self) -> dict[str, Any]:
        """What was served, recorded, missed and left unplayed so far."""
        return self._final or self._proxy.receipt(self._session)

    def last(self) -> dict[str, Any] | None:
        """The receipt when it was closed; None if nobody knows it."""
        return self._final


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
        self._running: ProxyProcess | None = None
        self._guard = Guard() if asked.block_sockets else None
        if self._guard:
            self._guard.install()
        self._attempts = 0

    def set_base_url(self) -> None:
        """From now on, clients that are made find the address of this process; nothing starts."""
        if self._address is None:
            self._address = Address(base_path(self._file, self._environment))
            self._address.set_variables(self._environment)

    def check(self, cases: Sequence[Case]) -> None:
        """Return if all these tests can be begun as far as can be known before, and the upstream,
        if one of them may need it, accepts connections.

        Raises:
            RunreelError: the first reason why not, and how many more tests have one.
        """
        if not cases:
            return
        proxy = self._proxy()
        if not all(case.mode for case in cases):
            _mode(proxy.settings.mode, proxy.settings)  # where it is wrong, no test is at fault
        wrong: list[str] = []
        places: list[_Place] = []
        for case in cases:
            try:
                places.append(self._place(case))
            except RunreelError as error:
                wrong.append(f"{case.id}: {error}")
        if wrong:
            more = f" (and {counted(len(wrong) - 1, 'more test')})" if len(wrong) > 1 else ""
            raise StartRefused(wrong[0] + more)
        self._check_folder(places, named=any(case.cassette for case in cases))
        if any(place.live or (place.once and not proxy.exists(place.file)) for place in places):
            proxy.try_upstream()

    def begin(self, case: Case) -> TestRun:
        """Open the sessions of a test, and give it all requests."""
        proxy = self._proxy()
        place = self._place(case)
        folder, name, mode = place.folder, place.name, place.mode
        if case.cassette is None:
            self._drop_unfinished(place)
        self._attempts += 1
        prune = self._asked.prune and not case.allow_unplayed
        wanted = {
            "prune": prune,
            "scope": case.scope,
            "barriers": case.barriers,
            "rerun": _recorded_anew(case, self._asked),
        }
        call = self._session(folder, name, mode, f"test-{self._attempts}", **wanted)
        try:
            after = f"test-{self._attempts}-teardown"
            teardown = self._session(folder, name + TEARDOWN, call._mode, after, **wanted)  # noqa: SLF001 - its own
        except BaseException:
            self._end(call, discard=True)
            raise
        proxy.use(call._session)  # noqa: SLF001 - its own
        return TestRun(case, place.file, call, teardown)

    def findings(self, attempt: TestRun) -> list[str]:
        """What is wrong with a test that says that all is well."""
        allowed = attempt.case.allow_unplayed
        return findings(attempt.call.receipt(), allow_unplayed=allowed)

    def tear_down(self, attempt: TestRun) -> None:
        """Give the requests to the session of the test's teardown."""
        attempt.teardown._proxy.use(attempt.teardown._session)  # noqa: SLF001 - its own

    def end(self, attempt: TestRun) -> list[str]:
        """End the sessions of a test; what a failed one recorded is thrown away.

        Returns what is wrong with its teardown, which makes it fail too.
        """
        allowed = attempt.case.allow_unplayed
        try:
            receipt = attempt.teardown.receipt()
        except RunreelError as error:
            found = [str(error)]
        else:
            found = misses(receipt) if attempt.failed else findings(receipt, allow_unplayed=allowed)
        attempt.failed = attempt.failed or bool(found)
        for reel in (attempt.call, attempt.teardown):
            try:
                self._end(reel, discard=attempt.failed)
            except RunreelError as error:
                attempt.failed = True
                found += [str(error)] if str(error) not in found else []
        if self._asked.prune and not allowed and not attempt.failed:
            _prune_teardown(attempt)
        known = [reel.last() for reel in (attempt.call, attempt.teardown)]
        receipts: list[Mapping[str, Any]] = [receipt for receipt in known if receipt is not None]
        whole = not (allowed or self._asked.prune)
        self.totals.add(attempt.case.id, receipts, passed=not attempt.failed, whole=whole)
        return found

    def holds(self, attempt: TestRun) -> bool:
        """Whether the cassette of a test is there; if nobody can say, it is not missed."""
        try:
            return attempt.call._proxy.exists(attempt.file)  # noqa: SLF001 - its own
        except RunreelError:
            return True

    def close(self) -> None:
        """Stop the proxy and put the environment back; what is under way is not kept."""
        if self._running:
            with suppress(RunreelError):  # it has stopped by itself
                self._running.stop()
            self._running = None
        if self._guard:
            self._guard.remove()
        if self._address:
            self._address.release(self._environment)
            self._address = None

    def _proxy(self) -> ProxyProcess:
        """The one that runs; a new one where the last has ended."""
        if self._running is None or self._running.gone:
            self.set_base_url()
            assert self._address is not None  # noqa: S101 - as the line above has it
            folder = self._asked.cassettes
            asked = {
                "mode": self._asked.mode,
                "upstream": self._asked.upstream,
                "cassettes": folder and str(folder),
                "audit.enabled": False,  # a test changes nothing that anybody would audit
            }
            listener = self._address.taken()
            self._running = ProxyProcess(self._file, self._environment, asked, listener)
            if self._guard and (upstream := self._running.settings.upstream):
                self._guard.allow(urlsplit(upstream).hostname or "")
        return self._running

    def _place(self, case: Case) -> "_Place":
        proxy = self._proxy()
        mode = _mode(case.mode or proxy.settings.mode, proxy.settings)
        name = proxy.checked_name(case.cassette) if case.cassette else case.unnamed
        folder = self._folder(proxy.settings) if case.cassette else None
        return _Place(folder or case.folder / "cassettes", name, mode)

    def _folder(self, settings: ProxySettings) -> Path | None:
        """Where named cassettes are, if that is configured."""
        if settings.folder_chosen:
            return self._asked.root / settings.cassettes
        return self._file and self._file.parent / settings.cassettes

    def _check_folder(self, places: Sequence["_Place"], *, named: bool) -> None:
        """What somebody chose must be there, unless it can be made by recording."""
        settings = self._proxy().settings
        folder = self._folder(settings) if settings.folder_chosen else None
        if folder is None or folder.is_dir() or not (named or self._asked.cassettes):
            return
        if folder.exists() or not any(place.captures for place in places):
            raise StartRefused(
                f"there is no folder {folder}, in which named cassettes should be; name the one "
                "that has them with --runreel-cassettes=DIR, or record them: pytest "
                "--runreel-mode=once --runreel-upstream=URL"
            )

    def _drop_unfinished(self, place: "_Place") -> None:
        """A test that was killed while it was recorded did not pass, so nothing of it is kept."""
        if place.captures:
            for each in (place.name, place.name + TEARDOWN):
                self._proxy().drop_unfinished(place.folder, each)

    def _session(
        self, folder: Path, name: str, mode: str, session: str, **wanted: Any
    ) -> Recording:
        """Open a session; what else is `wanted` is as for `Embedded.open`."""
        proxy = self._proxy()
        resolved = proxy.open(session, folder, name, mode, **wanted)
        assert self._address is not None  # noqa: S101 - it was there before the proxy was
        return Recording(self._address.base_url, name, proxy, session, resolved)

    def _end(self, reel: Recording, *, discard: bool) -> None:
        closed = reel._proxy.close(reel._session, discard=discard)  # noqa: SLF001 - its own
        reel._final, problem = closed  # noqa: SLF001 - its own
        if problem is not None:
            raise StoreFailed(problem)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a test's cassette is, and in which mode, as it is spelled canonically."""

    folder: Path
    name: str
    mode: str

    @property
    def file(self) -> Path:
        """The cassette's file."""
        return self.folder / f"{self.name}.json"

    @property
    def once(self) -> bool:
        """Whether it is recorded if it is not there."""
        return self.mode == ONCE

    @property
    def live(self) -> bool:
        """Whether the upstream is reached in any case."""
        return not self.once and DECISIONS[Mode(self.mode)].live

    @property
    def captures(self) -> bool:
        """Whether it may be recorded."""
        return self.once or DECISIONS[Mode(self.mode)].captures


def _recorded_anew(case: Case, asked: PluginOptions) -> list[str]:
    """The words that record a test anew, from the folder in which pytest was started; its upstream
    is for the proxy to add.
    """
    words = ["pytest", case.to_run or case.id, "--runreel-mode=record", "--runreel-prune"]
    if asked.cassettes is not None:
        words.append(f"--runreel-cassettes={asked.cassettes}")
    return words


def _prune_teardown(attempt: TestRun) -> None:
    """A session that recorded nothing saves nothing; here that means that no call is left."""
    call, teardown = attempt.call.receipt(), attempt.teardown.receipt()
    if teardown["mode"] == "record" and call["recorded"] and not teardown["requests"]:
        file = attempt.file.with_name(f"{attempt.file.stem}{TEARDOWN}.json")
        attempt.call._proxy.remove(file)  # noqa: SLF001 - its own


def _mode(asked: str, settings: ProxySettings) -> str:
    """The mode, spelled canonically; `once` where nothing can be recorded is `replay`.

    Raises:
        StartRefused: it is none, or it needs an upstream that is not there.
    """
    mode = SPELLINGS.get(asked)
    if mode is None:
        raise StartRefused(f"there is no mode {asked!r}; there are {', '.join(SPELLINGS)}")
    if settings.upstream is not None:
        return mode
    if mode == ONCE:
        return Mode.REPLAY.value
    if DECISIONS[Mode(mode)].live:
        raise StartRefused(
            f"mode {mode} goes live and needs an upstream; give one with --runreel-upstream=URL"
        )
    return mode
