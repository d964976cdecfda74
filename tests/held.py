"""Live sessions over a store whose journals do as they are told."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from builders import a_request, a_response, an_interaction
from memory_store import MemoryJournal, MemoryStore
from runreel.cassettes.format import Cassette
from runreel.cassettes.journal import Pending, Store
from runreel.redaction.redactor import Redaction
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import SessionSpec, open_session

URL = "https://api.openai.com"


class HeldStore(MemoryStore):
    """A store whose journals do as they are told, and tell what they were asked.

    `asked` are the calls with the bodies of their captures. A call waits until `let` is set;
    `begun` is set when it does. `failures` are what the next calls raise, if they do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, list[bytes]]] = []
        self.failures: list[Exception | None] = []
        self.begun = threading.Event()
        self.let = threading.Event()
        self.let.set()
        self.at_work = 0
        self.most_at_once = 0

    def open_journal(self, name: str, header: Cassette) -> MemoryJournal:
        super().open_journal(name, header)
        return HeldJournal(self, name, header)

    def holds(self) -> None:
        """From here on calls wait."""
        self.begun.clear()
        self.let.clear()

    def call(self, what: str, captures: Sequence[Pending] = ()) -> None:
        bodies = [capture.interaction.value.response.body for capture in captures]
        self.asked.append((what, bodies))
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        self.begun.set()
        assert self.let.wait(10)
        self.at_work -= 1
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure


class HeldJournal(MemoryJournal):
    _store: HeldStore

    def append(self, captures: Sequence[Pending]) -> None:
        self._store.call("append", captures)
        super().append(captures)

    def check(self) -> None:
        self._store.call("check")

    def commit(self, cassette: Cassette | None) -> str | None:
        self._store.call("commit")
        return super().commit(cassette)


def recording_to(
    store: Store,
    mode: str = "record",
    *,
    relaxed: bool = False,
    warn: Callable[[str], None] = lambda _: None,
    salt: str = "",
    accept_incomplete: bool = False,
) -> LiveSession:
    spec = SessionSpec("default", "default", mode, URL, "openai", Redaction(), relaxed=relaxed)
    spec = replace(spec, salt=salt, accept_incomplete=accept_incomplete)
    return open_session(spec, store, lambda _: None, warn)


def capture(session: LiveSession, answer: bytes) -> Pending:
    verdict = session.state.ask(session.state.arrive(), Redaction().request(a_request()))
    return session.state.keep(verdict, an_interaction(response=a_response(answer)))


def persisting(session: LiveSession, *answers: bytes) -> list[asyncio.Future[None]]:
    calls = [session.persist(capture(session, answer)) for answer in answers]
    return [asyncio.ensure_future(call) for call in calls]


async def begun(store: HeldStore) -> None:
    assert await asyncio.to_thread(store.begun.wait, 10)


async def turns() -> None:
    """Let everybody who can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def bodies(store: MemoryStore) -> list[bytes]:
    stored = store.load("default")
    found = stored.cassette.interactions if stored else ()
    return [item.value.response.body for item in found]
