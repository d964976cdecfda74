"""The proxy of a test process, and the test or fixture that is on it.

One process has one proxy and one URL, for clients of any scope; a request names no session, so it
belongs to whatever runs when it comes in, wherever its client was made. What runs is a stack: the
test at the bottom, above it a fixture of wider scope while it is set up or torn down. Each has a
session of its own. With one client of the module, and `room` a fixture of module scope:

    test_a begins     [test_a]                  test_it/test_a.json
    room is set up    [test_a, room.setup]      test_it/room.setup.json, also for test_b alone
    test_a's calls    [test_a]
    test_a's end      [test_a.teardown]         test_it/test_a.teardown.json
    test_b            [test_b] …
    room is torn down [test_b.teardown, room.teardown]

A session other than a test's own is opened by the first call in it. Tests that name one cassette
have each their own story in it (`scope`). `once` asks whether a cassette was there when the run
began: the processes of a run share a folder in which the first to ask writes it down (`RunFacts`).
At the end each hands on what it counted, which tests name which file, and how these were played;
what that amounts to is said once, for all (`report`). Where the simulator is the upstream, each
story has one of its own, with the objects of the fixtures that it uses, so that no id depends on
other tests.

Whatever takes time, or touches files while a test may have replaced them, is done by the proxy, in
a process of its own.
"""

import hashlib
import os
import secrets
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol
from urllib.parse import urlsplit

from runreel.errors import RunreelError, StartRefused, StoreFailed
from runreel.pytest_plugin.names import SETUP, TEARDOWN
from runreel.pytest_plugin.process import ProxyProcess, ProxySettings
from runreel.pytest_plugin.report import (
    Totals,
    findings,
    is_shared,
    misses,
    nothing_done,
    sent_nothing,
)
from runreel.pytest_plugin.sockets import Address, Guard, base_path, certificates
from runreel.sessions.modes import DECISIONS, ONCE, SPELLINGS, Mode
from runreel.text import counted

FILE_NAME = "runreel.toml"
SIMULATOR = "simulator"
_BUSY_S_MAX = 60.0  # that a worker of pytest-xdist waits for another one's recording


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
    """A test or a wide fixture: where it is, and how it is marked. `unnamed` is its cassette if
    none was named; one that is named may be shared, so that its recordings carry the test's id as
    their scope. `match` has the members of `[match]` in a configuration. `to_run` is what pytest is
    told to run it, as seen from the folder in which it was started, if that is not the id.
    """

    id: str
    folder: Path
    unnamed: str
    cassette: str | None = None
    mode: str | None = None
    allow_unplayed: bool = False
    barriers: bool | None = None
    match: Mapping[str, Any] | None = None
    to_run: str = ""

    @property
    def scope(self) -> str | None:
        """The name of its story within its cassette."""
        return self.id if self.cassette else None


class SharedFiles(Protocol):
    """Files that several processes use at once, whatever a test has made of its own."""

    def exists(self, file: Path) -> bool:
        """Whether there is such a file."""
        ...

    def first(self, file: Path, text: str) -> str:
        """What the first who asked for a file wrote into it."""
        ...


class RunFacts:
    """What the processes of a run know together; `folder` is theirs, None if there is one process.

    The first to ask writes down what it finds, the others read that; `files` does so.
    """

    def __init__(self, folder: Path | None, files: Callable[[], SharedFiles]) -> None:
        self._folder = folder
        self._files = files
        self._me = secrets.token_hex(16)
        self._known: dict[str, bool] = {}

    def existed(self, file: Path, exists: Callable[[], bool]) -> bool:
        """Whether a cassette was there when the run began; `exists` whether it is there now."""
        name = _fact("existed", file)
        if name not in self._known:
            found = str(int(exists()))
            self._known[name] = self._first(name, found) == "1"
        return self._known[name]

    def claim(self, file: Path) -> bool:
        """Whether a cassette has been recorded by nobody else in this run; from now on it has."""
        if self.claimed(file):
            return False
        name = _fact("recorded", file)
        self._known[name] = True
        return self._first(name, self._me) == self._me

    def claimed(self, file: Path) -> bool:
        """Whether a cassette has been recorded in this run."""
        name = _fact("recorded", file)
        return name in self._known or (
            self._folder is not None and self._files().exists(self._folder / name)
        )

    def _first(self, name: str, text: str) -> str:
        return text if self._folder is None else self._files().first(self._folder / name, text)


def _fact(kind: str, file: Path) -> str:
    return f"{kind}-{hashlib.sha256(str(file).encode('utf-8', 'surrogateescape')).hexdigest()}"


@dataclass(slots=True, eq=False)
class Recording:
    """A session as the plugin has it; a test sees `base_url`, `cassette` and `receipt()` of it, as
    the fixture `runreel`. One that is `expected` is opened by the first call. `final` is its last
    receipt, None while it lasts or if nobody knows it.
    """

    base_url: str
    cassette: str
    proxy: ProxyProcess = field(repr=False)
    session: str = field(repr=False)
    file: Path = field(repr=False)
    mode: str = field(repr=False)
    expected: bool = field(default=False, repr=False)
    refused: str | None = field(default=None, repr=False)  # why it could not be opened
    final: dict[str, Any] | None = field(default=None, repr=False)

    def receipt(self) -> dict[str, Any]:
        """What was served, recorded, missed and left unplayed so far."""
        self.is_used()
        return self.proxy.receipt(self.session) if self.final is None else self.final

    def is_used(self) -> bool:
        """Whether the session was opened; one that was not by now will not be."""
        if self.expected and self.final is None:
            try:
                self.expected = not self.proxy.withdraw(self.session)
            except RunreelError as error:
                self.refused = str(error)
            if self.expected:
                self.final = nothing_done(self.mode, self.cassette)
        return not self.expected

    def wrong(self, *, passed: bool, allow_unplayed: bool, scope: str | None = None) -> list[str]:
        """What is wrong with it; if its test did not pass anyhow, only what that may come of. What
        several tests are answered from is judged when all of them have run.
        """
        try:
            receipt = self.receipt()
        except RunreelError as error:
            return [str(error)]
        if self.refused is not None:
            return [self.refused]
        if not passed:
            return misses(receipt)
        return findings(receipt, allow_unplayed=allow_unplayed or is_shared(scope, receipt))


@dataclass(slots=True, eq=False)
class TestRun:
    """One go at a test; a rerun is another. `failed` once anything but success was reported, or
    `skipped`. `world` is the simulator that it calls; `lost` says why it has no session for its
    teardown.
    """

    case: Case
    folder: Path
    name: str
    mode: str
    call: Recording
    uses: frozenset[str]
    teardown: Recording | None = None
    world: str | None = None
    settled: bool = False
    called: bool = False  # whether a wide fixture that it uses did
    failed: bool = False
    skipped: bool = False
    lost: str | None = None
    threads: frozenset[threading.Thread] = frozenset()  # that ran before it, or are a fixture's

    @property
    def file(self) -> Path:
        """The cassette of its calls."""
        return self.folder / f"{self.name}.json"

    @property
    def current(self) -> Recording:
        """The session of its calls by now."""
        return self.teardown or self.call

    def receipts(self) -> list[Mapping[str, Any]]:
        """Those of its sessions that are known, once it has ended."""
        known = [reel.final for reel in (self.call, self.teardown) if reel is not None]
        return [receipt for receipt in known if receipt is not None]


@dataclass(slots=True, eq=False)
class FixtureRun:
    """A fixture of wider scope than a test, from its set-up to the end of its teardown.

    `label` tells its parameters, and those of the fixtures that it uses; `lost` says why it has no
    session for its teardown.
    """

    case: Case
    argname: str
    label: str
    mode: str
    reel: Recording
    world: str | None
    failed: bool = False
    lost: str | None = None
    called: bool = False


class TestProxy:
    """The only owner of the proxy of a process. Methods raise RunreelError if it cannot be had."""

    def __init__(self, asked: PluginOptions, environment: MutableMapping[str, str]) -> None:
        self.totals = Totals()
        self.files: set[Path] = set()  # of cassettes that were named in this run
        self.closed = False
        self._asked = asked
        self._environment = environment
        file = asked.root / FILE_NAME
        self._file = file if file.is_file() else None
        self._address: Address | None = None
        self._refused: RunreelError | None = None  # why clients could not call it
        self._running: ProxyProcess | None = None
        self._guard = Guard() if asked.block_sockets else None
        if self._guard:
            self._guard.install()
        self._facts = RunFacts(None, self._proxy)
        self._busy_s_max = 0.0
        self._sessions = 0  # that were opened or expected so far, but for those of teardowns
        self._worlds = 0  # simulators that there have been so far
        self._stack: list[Recording] = []  # whose calls are made now: the last one's
        self._test: TestRun | None = None
        self._fixtures: list[FixtureRun] = []  # set up now, in that order
        self._recorded: set[tuple[Path, str | None]] = set()  # file and scope, in this run
        self._strangers: list[threading.Thread] = []  # that outlived their tests

    def set_base_url(self) -> None:
        """From now on, clients that are made find the address of this process; nothing starts."""
        if self._address is not None:
            return
        try:
            self._lead_to(certificates(self._file, self._environment))
        except RunreelError as error:  # it is told when a test needs the proxy
            self._refused = error
            self._lead_to(None)

    def _lead_to(self, pem: str | None) -> None:
        address = Address(base_path(self._file, self._environment), pem)
        try:
            address.set_variables(self._environment)
        except RunreelError:
            address.release(self._environment)
            raise
        self._address = address

    def prepare(self) -> ProxyProcess:
        """A process for the proxy, which is ready sooner the sooner this is called."""
        if self._running is None or self._running.gone:
            self.set_base_url()
            assert self._address is not None  # noqa: S101 - as the line above has it
            self._running = ProxyProcess(self._environment, self._address.taken())
        return self._running

    def share(self, folder: Path) -> None:
        """There are several processes in this run, which have a folder together."""
        self._facts = RunFacts(folder, self._proxy)
        self._busy_s_max = _BUSY_S_MAX

    def label(self, argname: str, parameter: str, uses: Iterable[str]) -> str:
        """What tells a fixture from itself with other parameters; `uses` are those it asks for."""
        wanted = frozenset(uses)
        return parameter + "".join(
            fixture.label for fixture in self._fixtures if fixture.argname in wanted - {argname}
        )

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
                if case.match is not None:
                    proxy.check_match(case.match)
            except RunreelError as error:
                wrong.append(f"{case.id}: {error}")
        if wrong:
            more = f" (and {counted(len(wrong) - 1, 'more test')})" if len(wrong) > 1 else ""
            raise StartRefused(wrong[0] + more)
        self._check_folder(places, named=any(case.cassette for case in cases))
        if any(place.live or (place.once and not _is_there(proxy, place)) for place in places):
            proxy.try_upstream()

    def place(self, case: Case) -> tuple[Path, str]:
        """The folder and the name of a test's cassette."""
        proxy = self._proxy()
        name = proxy.checked_name(case.cassette) if case.cassette else case.unnamed
        folder = self._folder(proxy.settings) if case.cassette else None
        return folder or case.folder / "cassettes", name

    def begin(self, case: Case, uses: Collection[str]) -> TestRun:
        """Open the session of a test that uses some fixtures, and give it all requests."""
        threads = frozenset(threading.enumerate())
        place = self._place(case)
        folder, name = place.folder, place.name
        mode = self._decided(case, place, (name, name + TEARDOWN))
        world = self._world(case, name, ())
        if world is not None and mode == Mode.NEW_EPISODES.value:
            self._proxy().catch_up(world, folder, name, case.scope)
        call = self._enter(case, folder, name, mode, world, expected=False)
        self._test = TestRun(
            case, folder, name, call.mode, call, frozenset(uses), world=world, threads=threads
        )
        return self._test

    def settle(self) -> None:
        """The wide fixtures of the test are those that are set up by now: what they made is there
        for its calls. Before that there may be some with other parameters.
        """
        run = self._test
        if run is not None and not run.settled:
            run.settled = True
            if run.world is not None:
                self._take_in(run.world, run.uses)

    def findings(self, run: TestRun) -> list[str]:
        """What is wrong with a test that says that all is well."""
        allowed = run.case.allow_unplayed
        return run.call.wrong(passed=True, allow_unplayed=allowed, scope=run.case.scope)

    def tear_down(self, run: TestRun) -> None:
        """Give the requests to the session of the test's teardown."""
        run.called = any(each.called for each in self._fixtures if each.argname in run.uses)
        self._leave(run.call)
        name = run.name + TEARDOWN
        try:
            run.teardown = self._enter(run.case, run.folder, name, run.mode, run.world, of=run.call)
        except RunreelError as error:  # fixtures clean up all the same, and `end` says so
            run.lost = str(error)

    def end(self, run: TestRun) -> list[str]:
        """End the sessions of a test; what a failed one recorded is thrown away.

        Returns what is wrong with its teardown, which makes it fail too.
        """
        self._leave(run.current)
        self._test = None
        allowed = run.case.allow_unplayed or run.skipped
        found = [run.lost] if run.lost is not None else []
        if run.teardown is not None:
            found += run.teardown.wrong(
                passed=not run.failed, allow_unplayed=allowed, scope=run.case.scope
            )
        run.failed = run.failed or bool(found)
        for reel in (run.call, run.teardown):
            try:
                if reel is not None:
                    self._end(run.case, reel, discard=run.failed, whole=not run.skipped)
            except RunreelError as error:
                run.failed = True
                found += [str(error)] if str(error) not in found else []
        self._forget(run.call, run.world)
        self._count(run)
        return found

    def holds(self, reel: Recording) -> bool:
        """Whether a cassette is there; if nobody can say, it is not missed."""
        try:
            return reel.proxy.exists(reel.file)
        except RunreelError:
            return True

    def set_up(self, case: Case, argname: str, label: str, uses: Collection[str]) -> FixtureRun:
        """Give all requests to a wide fixture that is being set up."""
        place = self._place(case)
        folder, name = place.folder, place.name
        mode = self._decided(case, place, (name + SETUP, name + TEARDOWN))
        self._check_recorded_once(case, folder / f"{name}{SETUP}.json", mode)
        world = self._world(case, name + SETUP, uses)
        if world is not None and mode in (Mode.REPLAY.value, Mode.NEW_EPISODES.value):
            self._proxy().catch_up(world, folder, name + SETUP, None)
        reel = self._enter(case, folder, name + SETUP, mode, world)
        fixture = FixtureRun(case, argname, label, mode, reel, world)
        self._fixtures.append(fixture)
        return fixture

    def is_set_up(self, fixture: FixtureRun, *, failed: bool, skipped: bool) -> list[str]:
        """A wide fixture is set up, or failed; returns what is wrong with it."""
        found = self._end_phase(fixture, failed=failed, partly=skipped)
        callers = [each for each in self._fixtures if each.reel in self._stack]
        for caller in (*callers, self._test if self._test and self._test.settled else None):
            if caller is not None and caller.world is not None and fixture.world is not None:
                try:
                    fixture.reel.proxy.take_in(caller.world, [fixture.world])
                except RunreelError as error:
                    fixture.failed = True
                    found.append(str(error))
        if self._test is not None:
            self._test.threads |= frozenset(threading.enumerate())
        return found

    def clean_up(self, fixture: FixtureRun) -> None:
        """Give all requests to a wide fixture that is being torn down."""
        try:
            folder, name = self.place(fixture.case)
            fixture.reel = self._enter(
                fixture.case, folder, name + TEARDOWN, fixture.mode, fixture.world
            )
        except RunreelError as error:  # it cleans up all the same, and `is_cleaned_up` says so
            fixture.lost = str(error)

    def is_cleaned_up(self, fixture: FixtureRun) -> list[str]:
        """A wide fixture is no more; returns what is wrong with its teardown."""
        self._fixtures.remove(fixture)
        if fixture.lost is not None:
            return [fixture.lost]
        found = self._end_phase(fixture, failed=fixture.failed, partly=False)
        self._forget(fixture.reel, fixture.world)
        return found

    def strangers(self) -> list[str]:
        """A sentence if a thread of a test that has ended may be calling into this one."""
        left = sorted(thread.name for thread in self._strangers if thread.is_alive())
        if not left:
            return []
        return [f"Threads of tests that have ended are still running: {', '.join(left)}."]

    def close(self) -> None:
        """Stop the proxy and put the environment back; what is under way is not kept."""
        self.closed = True
        if self._running:
            with suppress(RunreelError):  # it has stopped by itself
                self._running.stop()
            self._running = None
        if self._guard:
            self._guard.remove()
        if self._address:
            self._address.release(self._environment)
            self._address = None

    def scopes(self, file: Path) -> set[str | None]:
        """The stories of which a file holds recordings; none if it cannot be read."""
        return self._proxy().scopes(file)

    def drop_scopes(self, file: Path, scopes: Collection[str], *, others: bool = False) -> None:
        """Drop what belongs to some stories out of a file, or with `others` all that does not."""
        self._proxy().drop_scopes(file, scopes, others=others)

    def _proxy(self) -> ProxyProcess:
        """The one that runs; a new one where the last has ended."""
        running = self.prepare()
        if self._refused is not None:
            raise self._refused
        if not running.started:
            folder = self._asked.cassettes
            asked = {
                "mode": self._asked.mode,
                "upstream": self._asked.upstream,
                "cassettes": folder and str(folder),
                "audit.enabled": False,  # a test changes nothing that anybody would audit
            }
            running.start(self._file, self._environment, asked)
            if self._guard and (upstream := running.settings.upstream):
                self._guard.allow(urlsplit(upstream).hostname or "")
        return running

    def _place(self, case: Case) -> "_Place":
        settings = self._proxy().settings
        mode = _mode(case.mode or settings.mode, settings)
        folder, name = self.place(case)
        return _Place(folder, name, mode)

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

    def _decided(self, case: Case, place: "_Place", names: tuple[str, ...]) -> str:
        """What is done with the cassettes of a test or fixture: its mode, `once` decided."""
        proxy = self._proxy()
        if place.captures and case.cassette is None:
            # A test that was killed while it was recorded did not pass: nothing of it is kept.
            for name in names:
                proxy.drop_unfinished(place.folder, name)
        if not place.once:
            return place.mode
        existed = self._facts.existed(
            place.folder / f"{names[0]}.json", lambda: proxy.is_there(place.folder, names)
        )
        decided = Mode.REPLAY if existed else Mode.RECORD
        return decided.value

    def _world(self, case: Case, name: str, uses: Collection[str]) -> str | None:
        """The simulator for one story, if that is the upstream, with what its fixtures made."""
        proxy = self._proxy()
        if proxy.settings.upstream != SIMULATOR:
            return None
        self._worlds += 1
        world = f"world-{self._worlds}"
        proxy.simulate(world, f"{name}\n{case.scope or ''}")
        self._take_in(world, uses)
        return world

    def _take_in(self, world: str, uses: Collection[str]) -> None:
        used = [each.world for each in self._fixtures if each.argname in uses]
        if others := [other for other in used if other is not None]:
            self._proxy().take_in(world, others)

    def _forget(self, reel: Recording, world: str | None) -> None:
        if world is not None:
            with suppress(RunreelError):  # it went with its proxy
                reel.proxy.forget(world)

    def _check_recorded_once(self, case: Case, file: Path, mode: str) -> None:
        """What tests were recorded with must be what they are played with.

        Raises:
            StartRefused: a fixture was recorded in this run, and would be again.
        """
        upstream = self._proxy().settings.upstream
        captures = DECISIONS[Mode(mode)].captures
        if captures and upstream != SIMULATOR and self._facts.claimed(file):
            raise StartRefused(_SET_UP_AGAIN.format(case.id))

    def _enter(
        self,
        case: Case,
        folder: Path,
        name: str,
        mode: str,
        world: str | None,
        *,
        expected: bool = True,
        of: Recording | None = None,
    ) -> Recording:
        """Give all requests to a session, which the first of them opens if it is `expected` and has
        nothing to play. The session of a teardown is where that `of` the test is.
        """
        proxy = of.proxy if of is not None else self._proxy()
        file = folder / f"{name}.json"
        self.files.add(file)
        if of is None:
            self._sessions += 1
        session = f"{of.session}-teardown" if of is not None else f"test-{self._sessions}"
        wanted = self._wanted(case, name, file)
        in_mode, is_open = proxy.open(
            session, folder, name, mode, world=world, expected=expected, **wanted
        )
        assert self._address is not None  # noqa: S101 - it was there before the proxy was
        base_url = self._address.base_url
        reel = Recording(base_url, name, proxy, session, file, in_mode, not is_open)
        self._stack.append(reel)
        return reel

    def _wanted(self, case: Case, name: str, file: Path) -> dict[str, Any]:
        again = (file, case.scope) in self._recorded  # nothing goes that this run has recorded
        return {
            "prune": self._asked.prune and not case.allow_unplayed and not again,
            "scope": case.scope,
            "barriers": case.barriers,
            "match": case.match,
            "name": case.id + _phase_of(name),
            "busy_s_max": self._busy_s_max,
            "rerun": _recorded_anew(case, self._asked),
        }

    def _leave(self, reel: Recording) -> None:
        """Requests belong to what ran before."""
        if reel in self._stack:
            self._stack.remove(reel)
        if not self.closed:
            top = self._stack[-1] if self._stack else None
            with suppress(RunreelError):  # whoever is judged by a lost session is told so
                (top or reel).proxy.use(None if top is None else top.session)

    def _end_phase(self, fixture: FixtureRun, *, failed: bool, partly: bool) -> list[str]:
        """End what a wide fixture does now; `partly` if it was skipped before its end."""
        reel, case = fixture.reel, fixture.case
        self._leave(reel)
        found = reel.wrong(passed=not failed, allow_unplayed=case.allow_unplayed or partly)
        if not found and not failed and reel.receipt()["recorded"] and fixture.world is None:
            again = not self._facts.claim(reel.file)
            found = [_SET_UP_AGAIN.format(case.id)] if again else []
        fixture.failed = failed or bool(found)
        try:
            self._end(case, reel, discard=fixture.failed, whole=not partly)
        except RunreelError as error:
            fixture.failed = True
            found += [str(error)] if str(error) not in found else []
        if (receipt := reel.final) is not None:
            fixture.called = fixture.called or not sent_nothing(receipt)
            self.totals.add_fixture(receipt)
        return found

    def _end(self, case: Case, reel: Recording, *, discard: bool, whole: bool) -> None:
        """Close a session; `whole` if all was done that its test or fixture does."""
        if not reel.is_used():
            if reel.mode == Mode.RECORD.value and whole and not discard and case.cassette is None:
                self._end_unused(case, reel)
            return
        closed = reel.proxy.close(reel.session, discard=discard, prunes=whole)
        reel.final, problem = closed
        if problem is not None:
            raise StoreFailed(problem)
        if reel.final["recorded"]:
            self._recorded.add((reel.file, case.scope))

    def _end_unused(self, case: Case, reel: Recording) -> None:
        """A session that recorded nothing saves nothing: what an older one had is left behind."""
        if self._asked.prune and not case.allow_unplayed:
            reel.proxy.remove(reel.file)
        elif reel.final is not None and reel.proxy.exists(reel.file):
            reel.final["not_rerecorded"] = [reel.cassette]

    def _count(self, run: TestRun) -> None:
        allowed, receipts = run.case.allow_unplayed, run.receipts()
        passed = not run.failed
        for thread in still_at_work(run.threads):
            self._strangers.append(thread)
            self.totals.threads.append(f"{run.case.id} ({thread.name})")
        whole = not (allowed or self._asked.prune or run.skipped)
        self.totals.add(run.case.id, receipts, passed=passed, whole=whole, called=run.called)
        if run.case.cassette is not None:
            judged = passed and not run.skipped and not allowed
            for reel in (run.call, run.teardown):
                if reel is not None and (receipt := reel.final) is not None:
                    self.totals.add_share(str(reel.file), run.case.id, receipt, judged=judged)


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


_SET_UP_AGAIN = (
    "fixture {0} was recorded in this run already, and tests have what it made then; record with "
    "-p no:xdist, in the order of the modules, or from --runreel-upstream=simulator"
)


def _phase_of(name: str) -> str:
    ends = ((SETUP, " (set-up)"), (TEARDOWN, " (teardown)"))
    return next((told for end, told in ends if name.endswith(end)), "")


def _is_there(proxy: ProxyProcess, place: _Place) -> bool:
    return proxy.is_there(place.folder, (place.name, place.name + TEARDOWN))


def still_at_work(before: Collection[threading.Thread]) -> list[threading.Thread]:
    """The threads that began after some others and still run; idle ones of pools do not count."""
    frames = sys._current_frames()  # noqa: SLF001 - there is no other way to see what they do
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and thread.is_alive() and thread.name != "runreel"
        if not _waits_in_pool(frames.get(thread.ident or 0))
    ]


def _waits_in_pool(frame: FrameType | None) -> bool:
    """Whether a thread does nothing but wait for work of a pool."""
    if frame is None:
        return True
    name = frame.f_code.co_filename.replace(os.sep, "/")
    return name.endswith("concurrent/futures/thread.py") and frame.f_code.co_name == "_worker"


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
