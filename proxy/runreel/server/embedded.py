"""A proxy in a thread of its own, for programs that are not asyncio's: a test runner, a demo.

Owns the thread and its event loop. All methods block and may be called from any other thread.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from socket import socket
from typing import Any, TextIO, TypeVar

from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette
from runreel.cassettes.journal import Journal, Store, Stored
from runreel.config.settings import Config
from runreel.errors import StartRefused
from runreel.matching.matchers import MATCH_ON
from runreel.ports import SystemClock
from runreel.server.app import Running, serving
from runreel.server.listener import RunOptions
from runreel.server.upstream import simulator
from runreel.sessions.manager import SessionRequest
from runreel.sessions.modes import SPELLINGS
from runreel.simulator.server import Simulator

Result = TypeVar("Result")


class _Nothing:
    """A store of cassettes that are all empty and cannot be written."""

    def names(self) -> list[str]:
        return []

    def load(self, name: str) -> Stored:
        del name
        return Stored(Cassette("none", "openai", MATCH_ON, salt=""), None)

    def open_journal(self, name: str, header: Cassette) -> Journal:
        raise StartRefused(f"there is no place for cassette '{name}' of {header.upstream}")


def _wanted(
    id_: str, cassettes: Path | None, cassette: str, mode: str, **more: Any
) -> SessionRequest:
    store: Store = _Nothing() if cassettes is None else FileStore(cassettes)
    return SessionRequest(cassette, SPELLINGS[mode], id_, store, **more)


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
        cassettes: Path | None,
        cassette: str,
        mode: str,
        **more: Any,
    ) -> None:
        """Open a session on a cassette of a folder, None for one that holds nothing; `mode` is any
        spelling of one, `more` are other members of `SessionRequest`.

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

    def simulator(self, story: str) -> Simulator:
        """A simulator like that of the configuration, whose ids are of that story only."""
        return simulator(self._config, SystemClock(), story)

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
        async with serving(self._config, self._options, default=False) as running:
            self._started.set_result(running)
            await self._stopping.wait()
