"""When what a session captured is durable."""

import asyncio
import threading

import pytest

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.core.cassette import Cassette
from runreel.core.errors import StoreFailed
from runreel.core.redaction import Redaction
from runreel.live import LiveSession
from runreel.ports import Stored
from runreel.sessions import SessionSpec, open_session
from runreel.stores.memory import MemoryStore

URL = "https://api.openai.com"


def recording_to(store: MemoryStore) -> LiveSession:
    spec = SessionSpec("default", "default", "record", URL, "openai", Redaction())
    return open_session(spec, store, lambda _: None)


def capture(session: LiveSession, answer: bytes) -> None:
    redaction = Redaction()
    verdict = session.state.ask(session.state.arrive(), redaction.request(a_request()))
    session.state.keep(verdict, an_interaction(response=a_response(answer)))


def _bodies(stored: Stored | None) -> list[bytes]:
    assert stored is not None
    return [item.value.response.body for item in stored.cassette.interactions]


class Slow(MemoryStore):
    """Saves when it is let; counts its writes, and those that overlap."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.let = threading.Event()
        self.writing = 0
        self.most_at_once = 0
        self.counts: list[int] = []

    def save(self, name: str, cassette: Cassette) -> str:
        self.writing += 1
        self.most_at_once = max(self.most_at_once, self.writing)
        self.begun.set()
        assert self.let.wait(10)
        self.writing -= 1
        self.counts.append(len(cassette.interactions))
        return super().save(name, cassette)


async def test_what_is_captured_is_stored_before_the_answer_goes_out() -> None:
    store = MemoryStore()
    session = recording_to(store)
    capture(session, b"one")

    await session.persist()

    stored = store.load("default")
    assert stored is not None
    assert stored.cassette == Cassette(
        upstream=URL,
        profile="openai",
        match_on=("method", "path", "query", "body", "header.openai-beta"),
        redaction=Redaction().names,
        interactions=(an_interaction(response=a_response(b"one")),),
    )
    assert session.sha256 == stored.sha256


async def test_nothing_is_written_when_nothing_was_captured() -> None:
    store = MemoryStore()
    session = recording_to(store)

    await session.close()

    assert store.documents == {}


async def test_a_write_that_failed_is_made_up_for_by_the_next() -> None:
    class Full(MemoryStore):
        full = True

        def save(self, name: str, cassette: Cassette) -> str:
            if self.full:
                raise StoreFailed("no space left")
            return super().save(name, cassette)

    store = Full()
    session = recording_to(store)
    capture(session, b"one")
    with pytest.raises(StoreFailed, match="no space left"):
        await session.persist()

    store.full = False
    capture(session, b"two")
    await session.persist()

    assert _bodies(store.load("default")) == [b"one", b"two"]


async def test_calls_that_wait_share_one_write() -> None:
    store = Slow()
    session = recording_to(store)
    capture(session, b"one")
    first = asyncio.ensure_future(session.persist())
    await asyncio.to_thread(store.begun.wait, 10)

    others = []
    for answer in (b"two", b"three", b"four"):
        capture(session, answer)
        others.append(asyncio.ensure_future(session.persist()))
    await asyncio.sleep(0)
    store.let.set()
    await asyncio.gather(first, *others)

    assert store.counts == [1, 4]


async def test_a_shared_write_that_failed_is_tried_again_by_who_still_waits() -> None:
    class FailsOnce(Slow):
        def save(self, name: str, cassette: Cassette) -> str:
            saved = super().save(name, cassette)
            if len(self.counts) == 2:
                raise StoreFailed("no space left")
            return saved

    store = FailsOnce()
    session = recording_to(store)
    capture(session, b"one")
    calls = [asyncio.ensure_future(session.persist())]
    await asyncio.to_thread(store.begun.wait, 10)

    for answer in (b"two", b"three"):
        capture(session, answer)
        calls.append(asyncio.ensure_future(session.persist()))
    await asyncio.sleep(0)
    store.let.set()
    results = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in results] == [type(None), StoreFailed, type(None)]
    assert store.counts == [1, 3, 3]


async def test_a_client_that_leaves_does_not_let_two_writes_overlap() -> None:
    store = Slow()
    session = recording_to(store)
    capture(session, b"one")
    leaving = asyncio.ensure_future(session.persist())
    await asyncio.to_thread(store.begun.wait, 10)

    leaving.cancel()
    capture(session, b"two")
    staying = asyncio.ensure_future(session.persist())
    closing = asyncio.ensure_future(session.close())
    with pytest.raises(asyncio.CancelledError):
        await leaving
    store.let.set()
    await asyncio.gather(staying, closing)

    assert store.most_at_once == 1
    assert store.counts == [1, 2, 2]
    assert _bodies(store.load("default")) == [b"one", b"two"]


async def test_the_end_drops_what_was_superseded() -> None:
    old = (an_interaction(), an_interaction(name="second"))
    store = MemoryStore()
    store.save("default", a_cassette(*old))
    session = recording_to(store)
    capture(session, b"new")
    await session.persist()
    before = _bodies(store.load("default"))

    await session.close()

    assert before == [b"new", b'{"id": "run_abc123"}']
    assert _bodies(store.load("default")) == [b"new"]
