"""A proxy in a thread of its own, for programs that are not asyncio's: a test runner, a demo.

`Embedded` owns the thread and its event loop. All its methods block and may be called from any
other thread. `Commands` are what another process, a test runner's, may tell it on standard input.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from socket import socket
from tempfile import NamedTemporaryFile
from typing import Any, TextIO, TypeVar

from pydantic import ValidationError

from runreel.cassettes import rewrite
from runreel.cassettes.file_store import FileStore, parts_of, read_file
from runreel.cassettes.format import Cassette, NotACassetteName, check_name
from runreel.cassettes.journal import Journal, Store, Stored
from runreel.cassettes.merge import RULES, interactions, pruned, recording
from runreel.config.loading import load
from runreel.config.settings import Config, Match
from runreel.errors import RunreelError, SessionRefused, StartRefused
from runreel.matching.matchers import MATCH_ON, MatchOn, fingerprint
from runreel.matching.near_miss import UPSTREAM, Rerun
from runreel.matching.resources import access_of
from runreel.ports import SystemClock
from runreel.redaction.redactor import request_of
from runreel.server.app import Default, Running, serving
from runreel.server.listener import RunOptions
from runreel.server.simulated import simulator
from runreel.server.upstream import check_reachable
from runreel.sessions.manager import SessionRequest
from runreel.sessions.modes import DECISIONS, SPELLINGS, Mode
from runreel.simulator.server import Simulator

Result = TypeVar("Result")


class _Nothing:
    """A store of cassettes that are all empty and cannot be written."""

    def names(self) -> list[str]:
        return []

    def load(self, name: str) -> Stored:
        del name
        return Stored(Cassette("none", "openai", MATCH_ON, salt=""), None)

    def mark(self, name: str) -> None:
        del name

    def open_journal(self, name: str, header: Cassette) -> Journal:
        raise StartRefused(f"there is no place for cassette '{name}' of {header.upstream}")


def _wanted(
    id_: str, cassettes: Path | None, cassette: str, mode: str, **more: Any
) -> SessionRequest:
    store: Store = _Nothing() if cassettes is None else FileStore(cassettes)
    return SessionRequest(cassette, SPELLINGS[mode], id_, store, lasts=True, **more)


class Embedded:
    """A proxy on a free port of loopback, at `url` (without base path), until `stop`.

    It has no default session: `use` says what requests mean that name none. The address, mode and
    cassette of the configuration are not looked at. `log` is where misses and problems are told. A
    bound socket may be given as `listener`, so that the URL was known before; it is closed at the
    end. `environment` is as in `RunOptions`.

    Raises:
        RunreelError: it cannot start.
    """

    def __init__(
        self,
        config: Config,
        log: TextIO,
        listener: socket | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        listen = config.listen.model_copy(update={"host": "127.0.0.1", "port": 0})
        self._config = config.model_copy(update={"listen": listen})
        self._options = RunOptions(
            log=log, quiet=True, listener=listener, environment=environment or {}
        )
        self._started: Future[Running] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="runreel", daemon=True)
        self._thread.start()
        self._running = self._started.result()
        self.url = self._running.url

    def open(
        self,
        id: str,  # noqa: A002 - as in `Sessions`
        cassettes: Path | None,
        cassette: str,
        mode: str,
        **more: Any,
    ) -> None:
        """Open a session on a cassette of a folder, None for one that holds nothing, which lasts
        until it is closed; `mode` is any spelling of one, `more` are other members of
        `SessionRequest`.

        Raises:
            RunreelError: as `Sessions.open`.
        """
        self._do(self._running.sessions.open(_wanted(id, cassettes, cassette, mode, **more)))

    def expect(
        self,
        id: str,  # noqa: A002 - as above
        cassettes: Path | None,
        cassette: str,
        mode: str,
        **more: Any,
    ) -> None:
        """Use a session that the first request opens, if there is one; as `open`."""

        async def expect() -> None:
            self._running.sessions.expect(_wanted(id, cassettes, cassette, mode, **more))

        self._do(expect())

    def withdraw(self, id: str) -> bool:  # noqa: A002 - as above
        """Expect a session no longer; whether it was opened meanwhile, so that it is to be closed.

        Raises:
            RunreelError: it was used, and could not be opened.
        """
        return self._do(self._running.sessions.withdraw(id))

    def use(self, id: str | None) -> None:  # noqa: A002 - as above
        """Let requests that name no session go to this one; None refuses them from now on."""

        async def use() -> None:
            self._running.sessions.plain = id

        self._do(use())

    def receipt(self, id: str) -> dict[str, Any]:  # noqa: A002 - as above
        """What an open session has done so far.

        Raises:
            SessionUnknown: there is none of that id.
        """

        async def receipt() -> dict[str, Any]:
            return self._running.sessions.receipt(id)

        return self._do(receipt())

    def close(
        self,
        id: str,  # noqa: A002 - as above
        *,
        discard: bool = False,
        prunes: bool = True,
    ) -> dict[str, Any]:
        """End a session and return its receipt; with `discard` what it recorded is thrown away, and
        unless it `prunes` no recording goes that it only did not ask for.

        Raises:
            RunreelError: as `Sessions.close`.
        """
        return self._do(self._running.sessions.close(id, discard=discard, prunes=prunes))

    def stop(self) -> None:
        """End all sessions and the thread; a second time does nothing.

        Raises:
            RunreelError: a cassette could not be saved.
        """
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._ended.result()

    def _do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for it
            waiting = self._ended if self._started.done() else self._started
            waiting.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with serving(self._config, self._options, Default.NONE) as running:
            self._started.set_result(running)
            await self._stopping.wait()


class Commands:
    """A proxy of which another process disposes: each command is a method, and what it takes and
    returns can be written as JSON. `log` is where misses and problems are told.
    """

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._open: list[str] = []  # and those that are expected
        self._worlds: dict[str, Simulator] = {}
        self._config: Config
        self._proxy: Embedded | None = None

    def answer(self, line: bytes) -> bytes:
        """Do what a line says; that it was refused is an answer, too."""
        told = json.loads(line)
        command: Callable[..., Any] = getattr(self, told["command"])
        try:
            answer = {"answer": command(**told["arguments"])}
        except RunreelError as error:
            answer = {"refused": str(error)}
        return json.dumps(answer).encode("ascii") + b"\n"

    def start(
        self,
        file: str | None,
        environment: Mapping[str, str],
        asked: Mapping[str, Any],
        listener: int,
    ) -> dict[str, Any]:
        """Listen on a bound socket, under the configuration that `load` makes of the others."""
        config = load(None if file is None else Path(file), environment, asked)
        self._config = config
        self._proxy = Embedded(config, self._log, socket(fileno=listener), environment)
        return {
            "mode": config.mode,
            "upstream": config.upstream,
            "cassettes": str(config.cassettes),
            "folder_chosen": "cassettes" in config.model_fields_set,
        }

    def open(
        self,
        id: str,  # noqa: A002 - as above
        cassettes: str,
        cassette: str,
        mode: str,
        rerun: Sequence[str],
        *,
        expected: bool = False,
        match: Mapping[str, Any] | None = None,
        world: str | None = None,
        **wanted: Any,
    ) -> tuple[str, bool]:
        """As `Embedded.open`, where `mode` is a decided one, `rerun` are the words that record
        anew, but for the upstream, `match` has the members of `[match]` in a configuration, and
        `world` is the simulator that the session calls. Requests that name no session go to this
        one. Returns the mode, and whether the session is open: one that is `expected`, and has
        nothing to play, is opened by its first request.

        A cassette that is to be replayed and is not there is an empty one, so that each call is a
        miss, and the first one says why.
        """
        folder = Path(cassettes)
        there = DECISIONS[Mode(mode)].plays and self.is_there(cassettes, [cassette])
        wanted |= {
            "rerun": Rerun((*rerun, f"--runreel-upstream={UPSTREAM}")),
            "match_on": _match_on(match),
            "own_upstream": world and self._world(world),
        }
        where = folder if there or mode != Mode.REPLAY.value else None
        opens = there or not expected
        begin = self._running.open if opens else self._running.expect
        begin(id, where, cassette, mode, **wanted)
        self._open.append(id)
        if opens:
            self._running.use(id)
        return mode, opens

    def withdraw(self, id: str) -> bool:  # noqa: A002 - as above
        """As `Embedded.withdraw`."""
        try:
            opened = self._running.withdraw(id)
        except RunreelError:
            self._open.remove(id)
            raise
        if not opened:
            self._open.remove(id)
        return opened

    def simulate(self, world: str, story: str) -> None:
        """Make a simulator like that of the configuration, whose ids are of that story only."""
        self._worlds[world] = simulator(self._config, SystemClock(), story)

    def take_in(self, world: str, others: Collection[str]) -> None:
        """From here on what exists in other simulators exists in this one too."""
        for other in others:
            self._world(world).take_in(self._world(other))

    def catch_up(self, world: str, cassettes: str, name: str, scope: str | None) -> None:
        """A simulator comes to stand where a story ends: what is played is not sent to it."""
        stored = FileStore(Path(cassettes)).load(name)
        at = self._world(world)
        for item in stored.cassette.interactions if stored else ():
            if item.value.scope == scope:
                at.answer(at.completed(item.value.request))

    def forget(self, world: str) -> None:
        """Nobody calls a simulator any more."""
        self._worlds.pop(world, None)

    def use(self, id: str | None) -> None:  # noqa: A002 - as above
        """As `Embedded.use`."""
        self._running.use(id)

    def receipt(self, id: str) -> dict[str, Any]:  # noqa: A002 - as above
        """As `Embedded.receipt`."""
        return self._running.receipt(id)

    def close(
        self,
        id: str,  # noqa: A002 - as above
        *,
        discard: bool,
        prunes: bool,
    ) -> tuple[dict[str, Any], str | None]:
        """As `Embedded.close`; where the cassette cannot be saved, the last receipt before, and why
        not.
        """
        last = self._running.receipt(id)
        self._open.remove(id)
        try:
            return self._running.close(id, discard=discard, prunes=prunes), None
        except RunreelError as error:
            return last, str(error)

    def checked_name(self, name: str) -> str:
        """The name, if a cassette can have it."""
        try:
            return check_name(name)
        except NotACassetteName as error:
            raise StartRefused(str(error)) from None

    def check_match(self, match: Mapping[str, Any]) -> None:
        """Return if rules of a marker can be meant."""
        _match_on(match)

    def exists(self, file: str) -> bool:
        """Whether there is such a file or folder."""
        return Path(file).exists()

    def is_there(self, cassettes: str, names: Sequence[str]) -> bool:
        """Whether there is one of these cassettes, also if it stands in a journal only."""
        store = FileStore(Path(cassettes))
        return any(
            file.exists() or (parts_of(file) and store.load(name) is not None)
            for name in names
            for file in [Path(cassettes) / f"{name}.json"]
        )

    def first(self, file: str, text: str) -> str:
        """What the first who asked for a file wrote into it; `text` if that is this caller."""
        path = Path(file)
        with NamedTemporaryFile("w", dir=path.parent, encoding="ascii", delete=False) as own:
            own.write(text)
        try:
            os.link(own.name, path)  # whoever reads the file finds all of it
        except FileExistsError:
            return path.read_text(encoding="ascii")
        finally:
            Path(own.name).unlink()
        return text

    def scopes(self, file: str) -> list[str | None]:
        """The stories of which a file holds recordings; none if it cannot be read."""
        try:
            stored = read_file(Path(file))
        except RunreelError:
            return []
        return list({item.value.scope for item in stored.cassette.interactions} if stored else ())

    def drop_scopes(self, file: str, scopes: Collection[str], *, others: bool) -> None:
        """Drop what belongs to some stories out of a file, or with `others` all that does not."""
        path = Path(file)
        if path.exists():
            change = _without(frozenset(scopes), others=others)
            rewrite(FileStore(path.parent), path.stem, change)

    def remove(self, file: str) -> None:
        """Remove a file, if it is there."""
        Path(file).unlink(missing_ok=True)

    def drop_unfinished(self, cassettes: str, name: str) -> None:
        """As `FileStore.drop_unfinished`."""
        FileStore(Path(cassettes)).drop_unfinished(name)

    def try_upstream(self) -> None:
        """Return if the upstream accepts connections; nothing is sent to it."""
        asyncio.run(check_reachable(self._config))

    def stop(self) -> None:
        """End all, keeping nothing of what is under way; a second time does nothing."""
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            for id_ in self._open:
                try:
                    if proxy.withdraw(id_):
                        proxy.close(id_, discard=True)
                except RunreelError:
                    continue  # it ended by itself, or never began
            proxy.stop()

    def _world(self, world: str) -> Simulator:
        found = self._worlds.get(world)
        if found is None:
            raise SessionRefused(
                "what a fixture of several tests made in its simulator was lost with the proxy "
                "that had it; run pytest again"
            )
        return found

    @property
    def _running(self) -> Embedded:
        if self._proxy is None:
            raise StartRefused("the proxy has not been started, or has been stopped")
        return self._proxy


def _match_on(match: Mapping[str, Any] | None) -> MatchOn | None:
    """The rules of a marker.

    Raises:
        StartRefused: they cannot be meant.
    """
    if match is None:
        return None
    try:
        return Match.model_validate(match).match_on
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise StartRefused(f"the marker's match: {place}: {first['msg']}") from None


def _without(scopes: frozenset[str], *, others: bool) -> Callable[[Stored], Cassette | None]:
    """What makes of a cassette one without some stories, or with `others` without all others."""

    def change(stored: Stored) -> Cassette | None:
        cassette = stored.cassette
        kept = [(item.value.scope in scopes) == others for item in cassette.interactions]
        if all(kept):
            return None
        paired = zip(cassette.interactions, kept, strict=True)
        ids = [item.value.id for item, keeps in paired if not keeps]
        recorded = [
            recording(
                item,
                fingerprint(request_of(item), cassette.match_on),
                access_of(request_of(item).value),
            )
            for item in cassette.interactions
        ]
        return replace(cassette, interactions=interactions(pruned(recorded, ids, RULES)))

    return change


def main() -> None:
    """Do as standard input says, a line after the other, until it ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever prints does not answer
    commands = Commands(sys.stderr)
    try:
        for line in sys.stdin.buffer:
            answers.write(commands.answer(line))
            answers.flush()
    except BrokenPipeError:
        pass  # nobody waits for the answer any more
    finally:
        commands.stop()
    sys.stderr.flush()
    os._exit(0)  # nothing is left to be done, and to take all apart lasts longer than a test


if __name__ == "__main__":
    main()
