"""The end of a live session: what was captured becomes the cassette."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from builders import a_cassette, an_interaction
from held import HeldStore, begun, bodies, capture, persisting, recording_to, turns
from memory_store import MemoryStore
from runreel.cassettes.format import dump
from runreel.errors import StoreFailed
from runreel.http.messages import Interaction
from runreel.redaction.redactor import Redacted
from runreel.sessions import live

FULL = "no space left on device"


async def test_nothing_is_stored_when_nothing_was_captured() -> None:
    store = HeldStore()
    session = recording_to(store)

    await session.close()

    assert store.documents == {}
    assert session.sha256 is None
    recording_to(store)


async def test_what_still_waits_is_written_first() -> None:
    store = HeldStore()
    store.holds()
    session = recording_to(store)
    calls = persisting(session, b"one")
    await begun(store)

    calls += persisting(session, b"two")
    closing = asyncio.ensure_future(session.close())
    await turns()
    store.let.set()
    await asyncio.gather(closing, *calls)

    assert store.asked == [("append", [b"one"]), ("append", [b"two"]), ("commit", [])]
    assert bodies(store) == [b"one", b"two"]
    assert store.most_at_once == 1


async def test_it_tells_the_sha256_of_the_file() -> None:
    store = MemoryStore()
    session = recording_to(store)
    await session.persist(capture(session, b"one"))

    await session.close()

    stored = store.load("default")
    assert stored is not None
    assert session.sha256 == stored.sha256 is not None


async def test_a_second_time_does_nothing() -> None:
    store = HeldStore()
    session = recording_to(store)
    await session.persist(capture(session, b"one"))

    await session.close()
    await session.close()

    assert [what for what, _ in store.asked] == ["append", "commit"]


async def test_a_failure_is_told_once_and_gives_up_the_right_to_record() -> None:
    store = HeldStore()
    store.failures = [None, StoreFailed(FULL)]
    session = recording_to(store)
    await session.persist(capture(session, b"one"))

    with pytest.raises(StoreFailed, match=FULL):
        await session.close()
    await session.close()

    assert bodies(store) == [b"one"]


async def test_what_comes_after_the_end_is_told_so_and_touches_nothing() -> None:
    store = HeldStore()
    session = recording_to(store)
    await session.close()

    with pytest.raises(StoreFailed, match="the recording has ended"):
        await session.persist(capture(session, b"late"))

    assert [what for what, _ in store.asked] == ["commit"]


async def test_a_check_after_the_end_touches_nothing_either() -> None:
    store = HeldStore()
    store.failures = [StoreFailed(FULL)]
    session = recording_to(store)
    with pytest.raises(StoreFailed):
        await session.persist(capture(session, b"one"))
    await session.close()

    await session.check()

    assert [what for what, _ in store.asked] == ["append", "commit"]


async def test_a_capture_that_could_not_be_made_durable_is_saved_at_the_end() -> None:
    store = HeldStore()
    store.failures = [StoreFailed(FULL), None, None]
    session = recording_to(store)
    with pytest.raises(StoreFailed):
        await session.persist(capture(session, b"one"))
    await session.persist(capture(session, b"two"))
    before = bodies(store)

    await session.close()

    assert before == [b"two"]
    assert bodies(store) == [b"one", b"two"]


async def test_the_end_drops_what_was_superseded() -> None:
    store = MemoryStore()
    store.documents["default"] = dump(a_cassette(an_interaction(), an_interaction(name="second")))
    session = recording_to(store)
    await session.persist(capture(session, b"new"))
    before = bodies(store)

    await session.close()

    assert before == [b"new", b'{"id": "run_abc123"}']
    assert bodies(store) == [b"new"]


async def test_one_that_takes_long_is_told_again_and_again_until_it_is_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "SAVING_TOLD_S", 0)
    monkeypatch.setattr(live, "SAVING_TOLD_AGAIN_S", 0)
    store, told = HeldStore(), asyncio.Queue[str]()
    session = recording_to(store)
    await session.persist(capture(session, b"one"))
    store.holds()

    closing = asyncio.ensure_future(session.close(note=told.put_nowait))
    lines = [await told.get(), await told.get()]
    store.let.set()
    await closing

    assert lines == ["cassette 'default' is being saved, 1 interactions"] * 2
    assert bodies(store) == [b"one"]


@pytest.mark.parametrize("alone", [True, False])
async def test_a_session_that_is_alone_is_put_together_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    store = MemoryStore()
    session = recording_to(store)
    await session.persist(capture(session, b"one"))
    merged, threads = session.state.merged, list[threading.Thread]()

    def noted(**options: bool) -> Sequence[Redacted[Interaction]]:
        threads.append(threading.current_thread())
        return merged(**options)

    monkeypatch.setattr(session.state, "merged", noted)

    await session.close(alone=alone)

    assert [thread is threading.main_thread() for thread in threads] == [not alone]
    assert bodies(store) == [b"one"]
