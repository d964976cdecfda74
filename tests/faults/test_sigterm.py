"""SIGTERM under load: a clean end in time, with all that was acknowledged in the cassette."""

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from faults.recording_under_load import Fuse, Traffic, judge, replayed
from processes import Ended, Serving, runreel
from servers import Received

STOPS_WITHIN_S = 10


async def stopped_under_load(proxy: Serving, traffic: Traffic) -> Ended:
    """How the proxy ended that was asked to stop after a hundred recordings."""
    asked = asyncio.Event()

    def ask_to_stop() -> None:
        os.kill(proxy.process.pid, signal.SIGTERM)
        asked.set()

    traffic.fuse = Fuse("answers", 100, ask_to_stop)
    load = asyncio.ensure_future(traffic.load(proxy.url))
    await asked.wait()
    ended = await asyncio.wait_for(proxy.end(), STOPS_WITHIN_S)
    await load
    return ended


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Whether any call is under way at that moment is chance.
WAITS = r"(runreel: waiting for \d+ calls? \(\d s\); Ctrl-C again to stop now\n)?"


@pytest.mark.parametrize("mode", ["record", "new_episodes"])
async def test_a_stop_under_load_keeps_what_was_acknowledged_and_leaves_only_the_cassette(
    tmp_path: Path, mode: str
) -> None:
    async with Traffic(1) as traffic:
        async with runreel(
            mode, "--no-audit", "--quiet", "--upstream", traffic.upstream.url, cwd=tmp_path
        ) as proxy:
            ended = await stopped_under_load(proxy, traffic)

        assert ended.code == 0
        assert re.fullmatch(WAITS, ended.err)
        assert names(tmp_path / "cassettes") == ["default.json"]
        assert len(traffic.acknowledged) >= 100
        assert traffic.refused == []
        assert judge(tmp_path / "cassettes", traffic) == []
        assert await replayed(tmp_path, traffic) == []


async def test_an_upstream_that_never_answers_does_not_hold_up_a_stop_under_load(
    tmp_path: Path,
) -> None:
    async with Traffic(1) as traffic:
        answer, never = traffic.upstream.answer, asyncio.Event()

        async def hold(received: Received) -> bytes | None:
            if len(traffic.upstream.received) == 50:
                await never.wait()
                return None
            answered = answer(received)
            assert isinstance(answered, bytes)
            return answered

        traffic.upstream.answer = hold
        async with runreel(
            "record", "--no-audit", "--quiet", "--upstream", traffic.upstream.url, cwd=tmp_path
        ) as proxy:
            ended = await stopped_under_load(proxy, traffic)
        never.set()

        assert ended.code == 0
        assert names(tmp_path / "cassettes") == ["default.json"]
        assert judge(tmp_path / "cassettes", traffic) == []
