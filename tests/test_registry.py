"""Sessions of a process, without HTTP."""

import asyncio
from typing import Any

import pytest

from builders import a_cassette, an_interaction
from fakes import FakeClock
from memory_store import MemoryStore
from runreel.cassettes.format import dump
from runreel.engine.receipt import Receipt
from runreel.errors import SessionRefused, SessionUnknown, StartRefused, TooManySessions
from runreel.redaction.redactor import Redaction
from runreel.sessions import manager
from runreel.sessions.manager import SessionLimits, SessionRequest, Sessions, SessionSpec

SPEC = SessionSpec(
    id="default",
    cassette="default",
    mode="replay",
    upstream="https://api.openai.com",
    profile="openai",
    redaction=Redaction(),
)


class House:
    """Sessions over a store in memory, a clock that stands, and what was warned of."""

    def __init__(self, sessions_max: int = 10, live: Any = None) -> None:
        self.store = MemoryStore()
        self.store.documents["default"] = dump(a_cassette())
        self.clock = FakeClock()
        self.warned: list[str] = []
        self.sessions = Sessions(
            SPEC,
            self.store,
            counting=Receipt,
            sinks=(),
            live=live or self._nothing,
            clock=self.clock,
            limits=SessionLimits(sessions_max, idle_s_max=60),
            warn=self.warned.append,
        )

    async def _nothing(self) -> None:
        return

    async def open(
        self, id_: str, mode: str = "replay", cassette: str = "default", *, lasts: bool = False
    ) -> None:
        await self.sessions.open(SessionRequest(cassette, mode, id_, lasts=lasts))


async def test_requests_without_a_session_go_to_the_default_one_once_it_is_open() -> None:
    house = House()
    await house.open("other")
    with pytest.raises(SessionUnknown), house.sessions.using(None):
        pass
    await house.open("default")

    with house.sessions.using(None) as session:
        assert session.id == "default"


async def test_a_session_that_lasts_has_no_idle_end() -> None:
    house = House()
    await house.open("mine", lasts=True)
    house.clock.seconds += 1e12

    await house.sessions.expire()

    assert (house.sessions.names(), house.warned) == (["mine"], [])


async def test_an_idle_session_ends_and_the_default_one_never() -> None:
    house = House()
    for name in ("default", "idle", "used"):
        await house.open(name)
    house.clock.seconds += 40
    with house.sessions.using("used"):
        pass
    house.clock.seconds += 30

    await house.sessions.expire()

    assert house.sessions.names() == ["default", "used"]
    assert house.warned == [
        "session 'idle' was not used for 60 s and has ended; what it recorded is saved"
    ]


async def test_a_session_with_a_call_under_way_is_not_idle() -> None:
    house = House()
    await house.open("busy")
    with house.sessions.using("busy"):
        house.clock.seconds += 1_000
        await house.sessions.expire()
        assert house.sessions.names() == ["busy"]

    await house.sessions.expire()

    assert house.sessions.names() == ["busy"]  # it was used a moment ago


async def test_ending_a_session_waits_for_its_calls_and_takes_no_new_ones() -> None:
    house = House()
    await house.open("busy")
    with house.sessions.using("busy"):
        closing = asyncio.ensure_future(house.sessions.close("busy"))
        for _ in range(5):
            await asyncio.sleep(0)
        with pytest.raises(SessionUnknown), house.sessions.using("busy"):
            pass
        assert not closing.done()

    assert (await closing)["session"] == "busy"


async def test_a_session_is_ended_and_told_of_though_whoever_ends_it_is_stopped() -> None:
    house = House()
    for name, mode, cassette in (("default", "replay", "default"), ("busy", "record", "new")):
        await house.open(name, mode, cassette)
    with house.sessions.using("busy"):
        closing = asyncio.ensure_future(house.sessions.close("busy"))
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
    assert house.store.recorders == {"new"}

    await house.sessions.close_all()

    summary = house.sessions.summary()
    assert summary is not None
    assert [item["session"] for item in summary["sessions"]] == ["busy"]
    assert house.store.recorders == set()


async def test_calls_that_take_too_long_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "CLOSING_S_MAX", 0)
    house = House()
    await house.open("busy")

    with house.sessions.using("busy"):
        await house.sessions.close("busy")

    assert house.warned == ["session 'busy' was ended while calls of it were under way"]


async def test_of_two_that_open_the_same_id_at_once_one_is_refused() -> None:
    house = House()

    outcomes = await asyncio.gather(house.open("x"), house.open("x"), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), SessionRefused]
    assert house.sessions.names() == ["x"]


async def test_one_session_too_many_is_refused_and_the_default_one_does_not_count() -> None:
    house = House(sessions_max=2)
    for name in ("default", "a", "b"):
        await house.open(name)

    with pytest.raises(TooManySessions, match=r"There are 2 sessions"):
        await house.open("c")

    await house.sessions.close("a")
    await house.open("c")
    assert house.sessions.names() == ["default", "b", "c"]


async def test_a_live_session_whose_upstream_cannot_be_opened_lets_go_of_its_cassette() -> None:
    async def refuse() -> None:
        raise StartRefused("no such authority")

    house = House(live=refuse)

    with pytest.raises(StartRefused, match="no such authority"):
        await house.open("x", "record", "new")

    assert (house.sessions.names(), house.store.recorders) == ([], set())


async def test_a_session_that_replays_never_asks_for_the_upstream() -> None:
    async def refuse() -> None:
        raise StartRefused("no such authority")

    house = House(live=refuse)

    await house.open("x", "once")

    assert house.sessions.names() == ["x"]


async def test_the_summary_keeps_every_session_of_an_id_that_was_used_again() -> None:
    house = House()
    for name in ("default", "x"):
        await house.open(name)
    await house.sessions.close("x")
    await house.open("x")

    summary = house.sessions.summary()

    assert summary is not None
    assert [item["session"] for item in summary["sessions"]] == ["x", "x"]


async def test_the_summary_is_cut_where_it_would_grow_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(manager, "TOLD_MAX", 2)
    house = House()
    for name in ("early", "default", "a", "b", "c", "d"):
        await house.open(name)
        if name != "default":
            await house.sessions.close(name)

    summary = house.sessions.summary()

    assert summary is not None
    # One that ended before the default one began would stay for ever where none ever begins.
    assert [item["session"] for item in summary["sessions"]] == ["a", "b"]
    (said,) = house.warned
    assert said == (
        "2 sessions have ended; from here on the receipt of this process holds only those in which "
        "something went wrong"
    )


async def test_what_went_wrong_is_told_however_many_sessions_there_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(manager, "TOLD_MAX", 1)
    house = House()
    house.store.documents["one"] = dump(a_cassette(an_interaction()))
    await house.open("default")
    for name, cassette in (("a", "default"), ("b", "one"), ("c", "default")):
        await house.open(name, cassette=cassette)
        await house.sessions.close(name)

    summary = house.sessions.summary()

    assert summary is not None
    assert [(item["session"], item["unplayed"]) for item in summary["sessions"]] == [
        ("a", []),
        ("b", ["modifyRun-00000000"]),
    ]


async def test_without_a_default_session_there_is_no_summary() -> None:
    house = House()
    await house.open("x")

    assert house.sessions.summary() is None
