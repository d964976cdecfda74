"""A proxy in a thread of its own, for programs that are not asyncio's: a test runner, a demo.

`Embedded` owns the thread and its event loop. All its methods block and may be called from any
other thread. `Commands` are what another process, a test runner's, may tell it on standard input.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any, TextIO, TypeVar

from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette, NotACassetteName, check_name, dump
from runreel.config.loading import load
from runreel.config.settings import Config
from runreel.errors import RunreelError, StartRefused
from runreel.matching.matchers import MATCH_ON
from runreel.matching.near_miss import UPSTREAM, Rerun
from runreel.server.app import Default, Running, serving
from runreel.server.listener import RunOptions
from runreel.server.upstream import check_reachable
from runreel.sessions.manager import SessionRequest
from runreel.sessions.modes import SPELLINGS, Mode

Result = TypeVar("Result")


class Embedded:
    """A proxy on a free port of loopback, at `url` (without base path), until `stop`.

    It has no default session: `use` says what requests mean that name none. The address, mode and
    cassette of the configuration are not looked at. `log` is where misses and problems are told. A
    bound socket may be given as `listener`, so that the URL was known before; it is closed at the
    end.

    Raises:
        RunreelError: it cannot start.
    """

    def __init__(self, config: Config, log: TextIO, listener: socket | None = None) -> None:
        listen = config.listen.model_copy(update={"host": "127.0.0.1", "port": 0})
        self._config = config.model_copy(update={"listen": listen})
        self._options = RunOptions(log=log, quiet=True, listener=listener)
        self._started: Future[Running] = Future()
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="runreel", daemon=True)
        self._thread.start()
        self._running = self._started.result()
        self.url = self._running.url

    def open(
        self,
        id: str,  # noqa: A002 - as in `Sessions`
        cassettes: Path,
        cassette: str,
        mode: str,
        *,
        prune: bool = False,
        scope: str | None = None,
        barriers: bool | None = None,
        rerun: Rerun | None = None,
    ) -> None:
        """Open a session on a cassette of a folder, which lasts until it is closed; `mode` is any
        spelling of one, the others are as for `SessionRequest`.

        Raises:
            RunreelError: as `Sessions.open`.
        """
        wanted = SessionRequest(
            cassette,
            SPELLINGS[mode],
            id,
            FileStore(cassettes),
            prune,
            scope,
            barriers,
            rerun,
            lasts=True,
        )
        self._do(self._running.sessions.open(wanted))

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

    def close(self, id: str, *, discard: bool = False) -> dict[str, Any]:  # noqa: A002 - as above
        """End a session and return its receipt; with `discard` what it recorded is thrown away.

        Raises:
            RunreelError: as `Sessions.close`.
        """
        return self._do(self._running.sessions.close(id, discard=discard))

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
        self._open: list[str] = []
        self._blanks: TemporaryDirectory[str] | None = None
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
        self._proxy = Embedded(config, self._log, listener=socket(fileno=listener))
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
        **wanted: Any,
    ) -> str:
        """As `Embedded.open`, where `rerun` are the words that record anew, but for the upstream;
        returns the mode that the session is in.

        A cassette that is to be replayed and is not there is an empty one, so that each call is a
        miss, and the first one says why.
        """
        folder = Path(cassettes)
        if mode == Mode.REPLAY.value and FileStore(folder).load(cassette) is None:
            folder = self._blank(cassette)
        anew = Rerun((*rerun, f"--runreel-upstream={UPSTREAM}"))
        self._running.open(id, folder, cassette, mode, rerun=anew, **wanted)
        self._open.append(id)
        return str(self._running.receipt(id)["mode"])

    def use(self, id: str | None) -> None:  # noqa: A002 - as above
        """As `Embedded.use`."""
        self._running.use(id)

    def receipt(self, id: str) -> dict[str, Any]:  # noqa: A002 - as above
        """As `Embedded.receipt`."""
        return self._running.receipt(id)

    def close(self, id: str, *, discard: bool) -> tuple[dict[str, Any], str | None]:  # noqa: A002 - as above
        """As `Embedded.close`; where the cassette cannot be saved, the last receipt before, and why
        not.
        """
        last = self._running.receipt(id)
        self._open.remove(id)
        try:
            return self._running.close(id, discard=discard), None
        except RunreelError as error:
            return last, str(error)

    def checked_name(self, name: str) -> str:
        """The name, if a cassette can have it."""
        try:
            return check_name(name)
        except NotACassetteName as error:
            raise StartRefused(str(error)) from None

    def exists(self, file: str) -> bool:
        """Whether there is such a file or folder."""
        return Path(file).exists()

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
                    proxy.close(id_, discard=True)
                except RunreelError:
                    continue  # it ended by itself
            proxy.stop()
        if self._blanks is not None:
            self._blanks.cleanup()

    def _blank(self, name: str) -> Path:
        """The folder of an empty cassette of that name, which lasts as long as the proxy."""
        if self._blanks is None:
            self._blanks = TemporaryDirectory(prefix="runreel-")
        path = Path(self._blanks.name) / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(Cassette("none", "openai", MATCH_ON, salt="")), encoding="utf-8")
        return Path(self._blanks.name)

    @property
    def _running(self) -> Embedded:
        if self._proxy is None:
            raise StartRefused("the proxy has not been started, or has been stopped")
        return self._proxy


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


if __name__ == "__main__":
    main()
