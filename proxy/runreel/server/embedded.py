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
from runreel.config.settings import Config
from runreel.matching.near_miss import Rerun
from runreel.server.app import Default, Running, serving
from runreel.server.listener import RunOptions
from runreel.sessions.manager import SessionRequest
from runreel.sessions.modes import SPELLINGS

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
        """Open a session on a cassette of a folder; `mode` is any spelling of one, the others are
        as for `SessionRequest`.

        Raises:
            RunreelError: as `Sessions.open`.
        """
        wanted = SessionRequest(
            cassette, SPELLINGS[mode], id, FileStore(cassettes), prune, scope, barriers, rerun
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
