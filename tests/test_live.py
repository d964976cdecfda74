"""When what a session captured is durable, and who waits for it."""

import asyncio

import pytest

from builders import a_cassette, a_response, an_interaction
from held import URL, HeldStore, begun, bodies, capture, persisting, recording_to, turns
from memory_store import MemoryStore
from runreel.cassettes.format import Cassette, dump
from runreel.errors import StoreFailed
from runreel.sessions.modes import Mode

FULL = "no space left on device"


class TestWriting:
    async def test_what_is_captured_is_durable_when_its_reply_may_go(self) -> None:
        store = HeldStore()
        store.holds()
        session = recording_to(store)

        (call,) = persisting(session, b"one")
        await begun(store)
        await turns()
        before = call.done()
        store.let.set()
        await call

        assert not before
        stored = store.load("default")
        assert stored is not None
        assert stored.cassette == Cassette(
            upstream=URL,
            profile="openai",
            match_on=("method", "path", "query", "body", "header.openai-beta"),
            salt="",
            interactions=(an_interaction(response=a_response(b"one")),),
            incomplete="its recording did not come to its end",  # which it has not yet
        )
        assert store.documents == {}

    async def test_captures_that_wait_share_one_append(self) -> None:
        store = HeldStore()
        store.holds()
        session = recording_to(store)
        calls = persisting(session, b"one")
        await begun(store)

        calls += persisting(session, b"two", b"three", b"four")
        await turns()
        store.let.set()
        await asyncio.gather(*calls)

        assert store.asked == [("append", [b"one"]), ("append", [b"two", b"three", b"four"])]

    async def test_captures_of_the_same_moment_share_the_first(self) -> None:
        store = HeldStore()
        session = recording_to(store)

        await asyncio.gather(*persisting(session, b"one", b"two"))

        assert store.asked == [("append", [b"one", b"two"])]

    async def test_who_waits_for_an_append_that_failed_is_told_and_nobody_else(self) -> None:
        store = HeldStore()
        store.holds()
        store.failures = [StoreFailed(FULL), None]
        session = recording_to(store)
        calls = persisting(session, b"one", b"two")
        await begun(store)

        calls += persisting(session, b"three")
        await turns()
        store.let.set()
        results = await asyncio.gather(*calls, return_exceptions=True)

        assert [str(result) for result in results] == [FULL, FULL, "None"]
        assert [type(result) for result in results[:2]] == [StoreFailed, StoreFailed]
        assert results[0] is not results[1]
        assert bodies(store) == [b"three"]

    async def test_a_client_that_leaves_takes_nothing_with_it(self) -> None:
        store = HeldStore()
        store.holds()
        session = recording_to(store)
        calls = persisting(session, b"one")
        await begun(store)
        calls += persisting(session, b"two", b"three")
        await turns()

        calls[0].cancel()
        calls[1].cancel()
        await turns()
        store.let.set()
        results = await asyncio.gather(*calls, return_exceptions=True)

        assert [type(result) for result in results[:2]] == [asyncio.CancelledError] * 2
        assert results[2] is None
        assert store.asked == [("append", [b"one"]), ("append", [b"two", b"three"])]
        assert store.most_at_once == 1

    async def test_what_is_being_kept_is_kept_though_its_caller_is_stopped(self) -> None:
        session = recording_to(HeldStore())
        begun, let = asyncio.Event(), asyncio.Event()
        kept: list[str] = []

        async def keep() -> None:
            begun.set()
            await let.wait()
            kept.append("all of it")

        caller = asyncio.create_task(session.shielded(keep()))
        await begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        closing = asyncio.create_task(session.close())
        await turns()
        early = closing.done()
        let.set()
        await closing

        assert (early, kept) == (False, ["all of it"])

    async def test_nobody_waits_for_ever_for_a_writer_that_broke(self) -> None:
        store = HeldStore()
        store.holds()
        store.failures = [MemoryError("a fault of ours")]
        session = recording_to(store)
        calls = persisting(session, b"one")
        await begun(store)

        calls += persisting(session, b"two")
        await turns()
        store.let.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.gather(*persisting(session, b"three"))

        assert [str(result) for result in results] == ["the journal's writer was stopped"] * 2
        assert bodies(store) == [b"three"]


class TestChecking:
    async def test_before_the_first_request_it_is_found_out_once(self) -> None:
        store = HeldStore()
        store.failures = [StoreFailed(FULL), None]
        session = recording_to(store)

        with pytest.raises(StoreFailed, match=FULL):
            await session.check()
        await session.check()
        await session.check()

        assert [what for what, _ in store.asked] == ["check", "check"]

    async def test_nothing_is_checked_after_an_append_that_worked(self) -> None:
        store = HeldStore()
        session = recording_to(store)
        await session.persist(capture(session, b"one"))

        await session.check()

        assert store.asked == [("append", [b"one"])]

    async def test_it_does_not_wait_for_an_append_that_is_under_way(self) -> None:
        store = HeldStore()
        session = recording_to(store)
        await session.check()
        store.holds()
        calls = persisting(session, b"one")
        await begun(store)

        await session.check()

        assert not calls[0].done()
        store.let.set()
        await calls[0]

    async def test_after_a_failure_requests_are_refused_until_a_check_works(self) -> None:
        store = HeldStore()
        store.failures = [StoreFailed(FULL), StoreFailed(FULL), StoreFailed(FULL), None]
        session = recording_to(store)
        with pytest.raises(StoreFailed):
            await session.persist(capture(session, b"one"))

        for _ in range(2):
            with pytest.raises(StoreFailed, match=FULL):
                await session.check()
        await session.check()
        await session.check()

        assert [what for what, _ in store.asked] == ["append", "check", "check", "check"]

    async def test_requests_of_the_same_moment_share_one_check(self) -> None:
        store = HeldStore()
        store.failures = [StoreFailed(FULL), StoreFailed(FULL)]
        session = recording_to(store)
        with pytest.raises(StoreFailed):
            await session.persist(capture(session, b"one"))

        results = await asyncio.gather(*(session.check() for _ in range(3)), return_exceptions=True)

        assert [type(result) for result in results] == [StoreFailed] * 3
        assert [what for what, _ in store.asked] == ["append", "check"]

    async def test_a_client_that_leaves_does_not_let_two_calls_overlap(self) -> None:
        store = HeldStore()
        store.failures = [StoreFailed(FULL), None, None]
        session = recording_to(store)
        with pytest.raises(StoreFailed):
            await session.persist(capture(session, b"one"))
        store.holds()
        leaving = asyncio.ensure_future(session.check())
        await begun(store)

        leaving.cancel()
        calls = persisting(session, b"two")
        await turns()
        store.let.set()
        await asyncio.gather(*calls)

        assert leaving.cancelled()
        assert [what for what, _ in store.asked] == ["append", "check", "append"]
        assert store.most_at_once == 1

    async def test_a_session_that_keeps_nothing_has_nothing_to_check(self) -> None:
        store = MemoryStore()
        store.documents["default"] = dump(a_cassette(an_interaction()))

        session = recording_to(store, "replay")

        await session.check()
        assert session.mode is Mode.REPLAY
