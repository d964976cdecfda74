"""Half a recording says so in its cassette, and `once` records it anew."""

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from runreel.config.loading import load
from runreel.server.listener import RunOptions
from runreel.wrap.command import Wrapping, wrapped
from servers import Proxy, RawUpstream, Received, like_openai
from wrapping import program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def incomplete(folder: Path) -> Any:
    return json.loads((folder / "default.json").read_text()).get("incomplete")


async def around(folder: Path, mode: str, upstream: str, text: str, **settings: Any) -> str:
    """Run a program behind a proxy; what the log said."""
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    usual = {"cassettes": folder, "listen.port": 0, "audit.enabled": False}
    config = load(None, {}, usual | {"mode": mode, "upstream": upstream} | dotted)
    log = io.StringIO()
    await wrapped(config, RunOptions(log=log, quiet=True), Wrapping(program(text), {}), print)
    return log.getvalue()


@pytest.mark.parametrize(
    ("ends", "code"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), signal.SIGKILL)", 137)]
)
async def test_what_a_command_recorded_that_failed_is_recorded_anew_by_once(
    folder: Path, ends: str, code: int
) -> None:
    async with RawUpstream() as upstream:
        await around(folder, "record", upstream.url, f"modify('a'); {ends}")
        assert incomplete(folder) == f"the command ended with exit code {code}"

        log = await around(folder, "once", upstream.url, "modify('a'); modify('b')")
        assert incomplete(folder) is None
        assert len(upstream.received) == 3
        assert (
            f"cassette 'default' is incomplete: the command ended with exit code {code}; mode once "
            "records it anew (--accept-incomplete replays it)"
        ) in log

        await around(folder, "once", upstream.url, "modify('a'); modify('b')")
        assert len(upstream.received) == 3


async def test_half_a_recording_that_is_accepted_is_replayed(folder: Path) -> None:
    async with RawUpstream() as upstream:
        await around(folder, "record", upstream.url, "modify('a'); sys.exit(7)")
        accepted = {"replay__accept_incomplete": True}
        log = await around(folder, "once", upstream.url, "modify('a')", **accepted)

        assert len(upstream.received) == 1
    assert incomplete(folder) == "the command ended with exit code 7"
    assert "cassette 'default' is incomplete: the command ended with exit code 7\n" in log


async def test_a_command_that_failed_in_a_replay_marks_nothing(folder: Path) -> None:
    async with RawUpstream() as upstream:
        await around(folder, "record", upstream.url, "modify('a')")
        before = (folder / "default.json").read_bytes()
        await around(folder, "replay", upstream.url, "modify('a'); sys.exit(7)")
        await around(folder, "new_episodes", upstream.url, "modify('a'); sys.exit(7)")
    assert (folder / "default.json").read_bytes() == before


async def test_a_call_without_an_answer_makes_half_a_recording_until_the_next_whole_one(
    proxy: Proxy, tmp_path: Path
) -> None:
    silent = [True, False]

    def answer(received: Received) -> bytes | None:
        return None if silent.pop() else like_openai(received)

    async def get(url: str) -> int:
        async with aiohttp.ClientSession() as client, client.get(url + "/v1/threads/t/runs") as got:
            return got.status

    async with RawUpstream(answer=answer) as upstream:
        async with proxy(mode="record", upstream=upstream.url) as running:
            assert [await get(running.url), await get(running.url)] == [200, 502]
        assert incomplete(tmp_path) == "of its calls 1 failed"
        silent.append(False)
        async with proxy(mode="record", upstream=upstream.url) as running:
            assert await get(running.url) == 200
    assert incomplete(tmp_path) is None
