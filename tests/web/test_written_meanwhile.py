"""A cassette that is written while it is played."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest

import runreel.server.app
from builders import a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.format import dump
from runreel.server.app import Running
from servers import Proxy
from wire import exchange, get, post

ASK = a_request(b"", "/v1/threads/t/runs/r", "GET", ())
REWIND = post("/_runreel/sessions/default/rewind", b"")
NOTICED = (
    "note cassette 'default' was written since it was read; POST /_runreel/sessions/default/rewind "
    "reads it anew, and --watch does so at once\n"
)


def written(folder: Path, answer: bytes) -> None:
    """As an editor does it: a new file in the place of the old one."""
    cassette = a_cassette(an_interaction(ASK, a_response(answer), name="one"))
    new = folder / "new"
    new.write_text(dump(cassette), encoding="utf-8")
    new.replace(folder / "default.json")


async def answered(running: Running) -> tuple[int, bytes]:
    found = await exchange(running.url, get(ASK.target))
    return found.status, found.body


async def until(happened: Callable[[], bool], running: Running) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await exchange(running.url, get("/_runreel/health"))


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runreel.server.app, "LOOK_EVERY_S", 0.01)


async def test_it_is_told_once_and_played_as_it_was_until_it_is_rewound(
    proxy: Proxy, tmp_path: Path, log: io.StringIO
) -> None:
    written(tmp_path, b'{"id": "old"}')
    async with proxy(mode="replay", replay__repeat="last") as running:
        before = await answered(running)
        written(tmp_path, b'{"id": "new"}')
        await until(lambda: NOTICED in log.getvalue(), running)
        told = await answered(running)
        rewound = await exchange(running.url, REWIND)
        after = await answered(running)

    assert rewound.status == 200
    assert (before, told, after) == (
        (200, b'{"id": "old"}'),
        (200, b'{"id": "old"}'),
        (200, b'{"id": "new"}'),
    )
    assert log.getvalue().count(NOTICED) == 1


async def test_a_rewind_reads_it_anew_though_nobody_has_looked_yet(
    proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runreel.server.app, "LOOK_EVERY_S", 3600)
    written(tmp_path, b'{"id": "old"}')
    async with proxy(mode="replay") as running:
        before = await answered(running)
        written(tmp_path, b'{"id": "new"}')
        await exchange(running.url, REWIND)
        after = await answered(running)

    assert (before[1], after[1]) == (b'{"id": "old"}', b'{"id": "new"}')


async def test_with_watch_it_is_read_anew_at_once_and_its_receipt_goes_on(
    proxy: Proxy, tmp_path: Path, log: io.StringIO
) -> None:
    written(tmp_path, b'{"id": "old"}')
    async with proxy(mode="replay", replay__watch=True) as running:
        before = await answered(running)
        written(tmp_path, b'{"id": "new"}')
        told = "note cassette 'default' was written since, and is read anew\n"
        await until(lambda: told in log.getvalue(), running)
        after = await answered(running)
        receipt = running.receipt()

    assert (before[1], after[1]) == (b'{"id": "old"}', b'{"id": "new"}')
    assert (receipt["served"], receipt["unplayed"]) == (2, [])


async def test_one_that_cannot_be_read_is_told_and_the_old_one_goes_on(
    proxy: Proxy, tmp_path: Path, log: io.StringIO
) -> None:
    written(tmp_path, b'{"id": "old"}')
    async with proxy(mode="replay", replay__watch=True, replay__repeat="last") as running:
        await answered(running)
        (tmp_path / "default.json").write_text("{")
        told = "; cassette 'default' is still played as it was\n"
        await until(lambda: told in log.getvalue(), running)
        after = await answered(running)
        refused = await exchange(running.url, REWIND)

    assert after == (200, b'{"id": "old"}')
    assert refused.status == 500
    assert b"not readable as JSON" in refused.body
    assert log.getvalue().count(told) == 1


async def test_a_recording_session_does_not_look_at_what_it_will_write(
    proxy: Proxy, tmp_path: Path, log: io.StringIO
) -> None:
    written(tmp_path, b'{"id": "old"}')
    settings = {"mode": "new_episodes", "upstream": "https://api.openai.com", "replay__watch": True}
    async with proxy(**settings) as running:
        written(tmp_path, b'{"id": "new"}')
        for _ in range(20):
            await exchange(running.url, get("/_runreel/health"))
        found = await answered(running)

    assert found == (200, b'{"id": "old"}')
    assert "read anew" not in log.getvalue()
