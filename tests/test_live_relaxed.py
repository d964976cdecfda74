"""Relaxed durability: replies do not wait for the disk, and what it could not take is told."""

import asyncio
import gc
from contextlib import suppress
from typing import Any

import pytest

from held import HeldStore, begun, bodies, capture, persisting, recording_to
from runreel.errors import StoreFailed

FULL = "no space left on device"


async def test_a_reply_does_not_wait_for_its_capture() -> None:
    store = HeldStore()
    store.holds()
    session = recording_to(store, relaxed=True)

    async with asyncio.timeout(5):  # the store is held until after this
        await session.persist(capture(session, b"one"))
    early = bodies(store)
    store.let.set()
    await session.close()

    assert early == []
    assert store.asked == [("append", [b"one"]), ("commit", [])]
    assert bodies(store) == [b"one"]


async def test_a_failure_is_known_to_the_next_request() -> None:
    store = HeldStore()
    store.failures = [StoreFailed(FULL), StoreFailed(FULL)]
    session = recording_to(store, relaxed=True)
    await session.persist(capture(session, b"one"))
    await session._commits.idle()

    with pytest.raises(StoreFailed, match=FULL):
        await session.check()


async def test_a_failure_that_nobody_waits_for_is_no_unhandled_error() -> None:
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: unhandled.append(what))
    store = HeldStore()
    store.failures = [StoreFailed(FULL)]
    session = recording_to(store, relaxed=True)

    await session.persist(capture(session, b"one"))
    await session.close()
    gc.collect()

    assert unhandled == []
    assert bodies(store) == [b"one"]


async def test_a_failure_is_told_at_once_and_once() -> None:
    warnings: list[str] = []
    store = HeldStore()
    store.holds()
    store.failures = [StoreFailed(FULL), None]
    session = recording_to(store, relaxed=True, warn=warnings.append)
    calls = persisting(session, b"one", b"two")
    await asyncio.gather(*calls)
    await begun(store)
    early = list(warnings)

    store.let.set()
    await session._commits.idle()
    await session.check()

    assert early == []
    (warning,) = warnings
    assert warning == (
        f"2 interactions were answered but not put on disk: {FULL}; runreel tries again when it "
        "stops"
    )
    assert session.undurable == 2


@pytest.mark.parametrize(("at_the_end", "undurable"), [(None, 0), (StoreFailed(FULL), 1)])
async def test_what_could_not_be_put_on_disk_may_be_at_the_end(
    at_the_end: StoreFailed | None, undurable: int
) -> None:
    store = HeldStore()
    store.failures = [None, StoreFailed(FULL), at_the_end]
    session = recording_to(store, relaxed=True)
    for answer in (b"one", b"two"):
        await session.persist(capture(session, answer))
        await session._commits.idle()
    before = session.undurable

    with suppress(StoreFailed):
        await session.close()

    assert (before, session.undurable) == (1, undurable)


async def test_nobody_is_warned_of_what_a_reply_says() -> None:
    warnings: list[str] = []
    store = HeldStore()
    store.failures = [StoreFailed(FULL)]
    session = recording_to(store, warn=warnings.append)

    with pytest.raises(StoreFailed):
        await session.persist(capture(session, b"one"))

    assert warnings == []
    assert session.undurable == 0
