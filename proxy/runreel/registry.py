"""The sessions of a process: opened, closed, expired.

The only owner of live ones. Whether a session may start, and with which cassette, is `sessions`;
what is done with a request is `engine`. Knows stores and readers of facts as values handed to it,
and nothing of HTTP.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from runreel.core.errors import RunreelError, SessionRefused, SessionUnknown, TooManySessions
from runreel.core.facts import Fact
from runreel.live import LiveSession
from runreel.ports import Clock, Sink, Store
from runreel.sessions import DEFAULT, SessionSpec, open_session

CLOSING_S_MAX = 30  # that calls under way may take once their session is to end
TOLD_MAX = 10_000  # ended sessions of which all receipts are kept for the one of the process
_WRONG = ("missed", "not_stored", "failed", "drift", "unplayed")  # members that are not empty then
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


class Counting(Protocol):
    """A reader of the facts of one session, which can say what they amount to."""

    def __call__(self, fact: Fact) -> None:
        """Take one fact."""
        ...

    def document(self, session: LiveSession) -> dict[str, Any]:
        """The receipt so far, as JSON."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session to open; `mode` is a canonical spelling.

    Without an `id` one is made up; without a `store` its cassette is where all the others are.
    With `prune` recordings go that a recording session was not asked for, whatever others do.
    """

    cassette: str
    mode: str
    id: str | None = None
    store: Store | None = None
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many sessions there may be besides the default one, and how long one may be idle."""

    sessions_max: int
    idle_s_max: float


@dataclass(slots=True)
class _Open:
    session: LiveSession
    receipt: Counting
    used_at: float
    calls: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class Sessions:
    """All sessions of a process; not for threads other than the one of its event loop.

    `plain` names the session of requests that name none; None refuses them. It is the default one
    from when that is opened. `live` is awaited before a session starts that can reach the upstream.
    """

    def __init__(
        self,
        template: SessionSpec,
        store: Store,
        *,
        counting: Callable[[], Counting],
        sinks: tuple[Sink, ...],
        live: Callable[[], Awaitable[None]],
        clock: Clock,
        bounds: Bounds,
        warn: Callable[[str], None],
    ) -> None:
        self.plain: str | None = None
        self._template = template
        self._store = store
        self._counting = counting
        self._sinks = sinks
        self._live = live
        self._clock = clock
        self._bounds = bounds
        self._warn = warn
        self._open: dict[str, _Open] = {}
        self._opening: set[str] = set()
        self._closing: set[asyncio.Task[dict[str, Any]]] = set()
        self._ended: list[dict[str, Any]] = []  # receipts, in the order of their ends

    def names(self) -> list[str]:
        """The ids of the sessions that are open, in the order they were opened."""
        return list(self._open)

    def get(self, id: str) -> LiveSession:  # noqa: A002 - as in `LiveSession`
        """An open session.

        Raises:
            SessionUnknown: there is none of that id.
        """
        return self._found(id).session

    @contextmanager
    def using(self, id: str | None) -> Iterator[LiveSession]:  # noqa: A002 - as above
        """A session while it answers a request; None is for one that names none.

        Raises:
            SessionUnknown: there is none of that id.
        """
        wanted = self.plain if id is None else id
        if wanted is None:
            raise SessionUnknown("The request names no session, and there is no default one now.")
        found = self._found(wanted)
        found.calls += 1
        try:
            yield found.session
        finally:
            found.calls -= 1
            found.used_at = self._clock.monotonic()
            if not found.calls:
                found.idle.set()

    async def open(self, wanted: Wanted) -> LiveSession:
        """Open a session.

        Raises:
            SessionRefused: its id cannot be one, or is taken.
            TooManySessions: there are as many as there may be.
            StartRefused: as `open_session`.
            CassetteDamaged: likewise.
            Unredactable: likewise.
        """
        id_ = self._free(wanted.id)
        self._opening.add(id_)
        try:
            store = wanted.store or self._store
            spec = replace(
                self._template,
                id=id_,
                cassette=wanted.cassette,
                mode=wanted.mode,
                prune=wanted.prune or self._template.prune,
            )
            receipt = self._counting()
            session = await asyncio.to_thread(
                open_session, spec, store, self._teller(receipt), self._warn
            )
        finally:
            self._opening.discard(id_)
        self._open[id_] = _Open(session, receipt, self._clock.monotonic())
        if id_ == DEFAULT:
            self.plain = id_
        try:
            if session.state.decision.live:
                await self._live()
        except BaseException:
            await self.close(id_, discard=True)
            raise
        for note in session.notes:
            self._warn(note)
        return session

    def receipt(self, id: str) -> dict[str, Any]:  # noqa: A002 - as above
        """What an open session has done so far.

        Raises:
            SessionUnknown: there is none of that id.
        """
        found = self._found(id)
        return found.receipt.document(found.session)

    def summary(self) -> dict[str, Any] | None:
        """The receipt of the process: that of its default session, the others' in `sessions`."""
        told = [*self._ended, *map(self.receipt, self._open)]
        others = [document for document in told if document["session"] != DEFAULT]
        default = next((document for document in told if document["session"] == DEFAULT), None)
        return default and default | {"sessions": others}

    async def close(self, id: str, *, discard: bool = False) -> dict[str, Any]:  # noqa: A002 - as above
        """End a session and return its receipt; its cassette is saved, or with `discard` left as
        it was. Calls under way may take `CLOSING_S_MAX` to end. It ends even if the caller is
        stopped.

        Raises:
            SessionUnknown: there is none of that id.
            StoreFailed: the cassette could not be saved; the session has ended all the same.
        """
        found = self._found(id)
        del self._open[id]
        if self.plain == id:
            self.plain = None
        closing = asyncio.create_task(self._end(id, found, discard=discard))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        return await asyncio.shield(closing)

    async def _end(self, id_: str, found: _Open, *, discard: bool) -> dict[str, Any]:
        found.idle.clear()
        if found.calls:
            try:
                async with asyncio.timeout(CLOSING_S_MAX):
                    await found.idle.wait()
            except TimeoutError:
                self._warn(f"session '{id_}' was ended while calls of it were under way")
        try:
            await found.session.close(discard=discard)
        finally:
            document = found.receipt.document(found.session)
            self._keep(document)
        return document

    async def close_all(self) -> None:
        """End all sessions, the default one last.

        Raises:
            RunreelError: a cassette could not be saved. All the sessions have ended.
        """
        # Those first that are being ended: whoever asked for it may be gone.
        ends = await asyncio.gather(*self._closing, return_exceptions=True)
        failed = [end for end in ends if isinstance(end, RunreelError)]
        for id_ in sorted(self._open, key=DEFAULT.__eq__):
            try:
                await self.close(id_)
            except RunreelError as error:
                failed.append(error)
        for other in failed[:-1]:
            self._warn(str(other))
        if failed:
            raise failed[-1]

    async def expire(self) -> None:
        """Close the sessions that have been idle for too long, never the default one."""
        latest = self._clock.monotonic() - self._bounds.idle_s_max
        for id_, found in list(self._open.items()):
            if id_ == DEFAULT or found.calls or found.used_at > latest:
                continue
            self._warn(
                f"session '{id_}' was not used for {self._bounds.idle_s_max:g} s and has ended; "
                "what it recorded is saved"
            )
            try:
                await self.close(id_)
            except RunreelError as error:
                self._warn(f"session '{id_}': {error}")

    def _found(self, id_: str) -> _Open:
        found = self._open.get(id_)
        if found is None:
            raise SessionUnknown("There is no session of that name here, or it has ended.")
        return found

    def _free(self, wanted: str | None) -> str:
        taken = self._open.keys() | self._opening
        if len(taken - {DEFAULT}) >= self._bounds.sessions_max and wanted != DEFAULT:
            raise TooManySessions(
                f"There are {self._bounds.sessions_max:,} sessions; end one, or see "
                "limits.sessions_max."
            )
        id_ = secrets.token_hex(8) if wanted is None else wanted
        if not _ID.fullmatch(id_):
            raise SessionRefused(
                "The id of a session is a letter or digit and up to 80 of these, '.', '_' or '-'."
            )
        if id_ in taken:
            raise SessionRefused(f"There is a session '{id_}' already; choose another id.")
        return id_

    def _keep(self, document: dict[str, Any]) -> None:
        if document["session"] != DEFAULT:
            if DEFAULT not in self._open:  # there will be no receipt of the process
                return
            if len(self._ended) >= TOLD_MAX and not any(map(document.get, _WRONG)):
                return
            if len(self._ended) == TOLD_MAX - 1:
                self._warn(
                    f"{TOLD_MAX:,} sessions have ended; from here on the receipt of this process "
                    "holds only those in which something went wrong"
                )
        self._ended.append(document)

    def _teller(self, receipt: Counting) -> Sink:
        def tell(fact: Fact) -> None:
            for sink in (receipt, *self._sinks):
                sink(fact)

        return tell
