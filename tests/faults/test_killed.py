"""SIGKILL at any moment of recording under load: what a client was told is recorded, replays."""

import os
import signal
import sys
from pathlib import Path

import pytest

from faults.killing import kill_again_and_again
from faults.recording_under_load import Traffic, judge, replayed
from processes import run, runreel

REWRITING = (sys.executable, str(Path(__file__).with_name("rewriting_store.py")))


@pytest.mark.parametrize("seed", [1, 2])
async def test_ten_kills_of_one_cassette_lose_nothing_that_was_acknowledged(
    tmp_path: Path, seed: int
) -> None:
    async with Traffic(seed) as traffic:
        wrong = await kill_again_and_again(tmp_path, traffic, 10)

    assert wrong == []
    assert len(traffic.acknowledged) > 50


async def test_the_same_kills_find_a_store_that_rewrites_in_place(tmp_path: Path) -> None:
    """A kill finds it three times out of four; that thirty do not is beyond all chance."""
    async with Traffic(1) as traffic:
        wrong = await kill_again_and_again(tmp_path, traffic, 30, REWRITING)

    assert wrong[0].startswith("kill ")
    assert wrong[1].startswith("unreadable: ")


@pytest.mark.parametrize("mode", ["record", "new_episodes"])
async def test_a_second_recorder_is_refused_until_the_first_one_is_gone_even_by_a_kill(
    tmp_path: Path, mode: str
) -> None:
    async with Traffic(1) as traffic:
        arguments = (mode, "--upstream", traffic.upstream.url)
        async with runreel(*arguments, cwd=tmp_path) as first:
            async with traffic.wire(first.url) as wire:
                await traffic.ask(wire)
            second = run(*arguments, "--port", "0", cwd=tmp_path)
            offline = await replayed(tmp_path, traffic)
            os.kill(first.process.pid, signal.SIGKILL)
            await first.end()
        async with runreel(*arguments, cwd=tmp_path) as third:
            ready = third.ready_line
            await third.stop()

        assert (second.code, second.out) == (2, "")
        assert second.err == (
            "runreel: error: cassette 'default' is being recorded by another runreel or session; "
            "end that one, or record into another cassette with --cassette NAME\n"
        )
        assert offline == []
        assert ready == f"runreel: {mode} 'default' (1 interaction) at {third.url}\n"
        assert [path.name for path in (tmp_path / "cassettes").iterdir()] == ["default.json"]
        assert judge(tmp_path / "cassettes", traffic) == []
