"""An end that says it: what a stop tells, and how it can be hurried."""

import asyncio
import json
import signal
from pathlib import Path

from builders import TARGET
from processes import runreel
from servers import RawUpstream, Received, http, like_openai
from wire import exchange, get, post


def stage(name: str, key: str = "stage") -> bytes:
    return post(TARGET, b'{"metadata":{"%s":"%s"}}' % (key.encode(), name.encode()))


async def test_a_recording_ends_with_its_file_and_what_became_of_it(
    tmp_path: Path, upstream: RawUpstream
) -> None:
    arguments = ("record", "--no-audit", "--upstream", upstream.url)
    other = http(200, [("Content-Type", "application/json")], b'{"id":"run_abc123"}')
    async with runreel(*arguments, cwd=tmp_path) as process:
        for name in ("a", "b", "c"):
            await exchange(process.url, stage(name))
        await exchange(process.url, get("/v1/models"))
        await process.stop(signal.SIGINT)
    async with runreel(*arguments, "-v", cwd=tmp_path) as process:
        await exchange(process.url, stage("a"))
        upstream.answer = lambda _: other
        await exchange(process.url, stage("b"))
        await exchange(process.url, stage("d"))
        ended = await process.stop(signal.SIGINT)

    assert [line for line in ended.err.splitlines() if line.startswith("runreel")] == [
        (
            "runreel: record 'default': 0 served, 3 recorded, 0 missed, 0 unplayed, 0 not stored, "
            "3 upstream calls"
        ),
        (
            "runreel:   cassette: cassettes/default.json: 1 new, 1 replaced, 1 unchanged, "
            "1 dropped, 1 not asked for again"
        ),
    ]
    assert (ended.code, ended.out) == (0, "")


async def test_what_was_not_stored_is_told_with_the_reason(
    tmp_path: Path, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(200, [("Content-Type", "application/json")], b"{}")
    (tmp_path / "runreel.toml").write_text('[validation]\nresponse = "strict"\n')
    async with runreel("record", "--no-audit", "--upstream", upstream.url, cwd=tmp_path) as process:
        await exchange(process.url, stage("a"))
        ended = await process.stop()

    first, *rest = [line for line in ended.err.splitlines() if line.startswith("runreel")]
    assert "0 recorded, 0 missed, 0 unplayed, 1 not stored" in first
    assert rest[0] == (
        "runreel:   cassette: cassettes/default.json is not written, since nothing was recorded"
    )
    assert rest[1].startswith(f"runreel:   not stored: POST {TARGET}: ")


async def test_a_quiet_end_is_silent(tmp_path: Path, upstream: RawUpstream) -> None:
    arguments = ("passthrough", "--quiet", "--no-audit", "--upstream", upstream.url)
    async with runreel(*arguments, cwd=tmp_path) as process:
        await exchange(process.url, get("/v1/x"))
        ended = await process.stop()

    assert (ended.out, ended.err) == ("", "")


async def test_ctrl_c_in_the_middle_of_a_call_says_so_and_a_second_one_ends_it_now(
    tmp_path: Path, upstream: RawUpstream
) -> None:
    arrived, never = asyncio.Event(), asyncio.Event()

    async def hold(received: Received) -> bytes:
        arrived.set()
        await never.wait()
        return like_openai(received)

    upstream.answer = hold
    async with runreel("record", "--no-audit", "--upstream", upstream.url, cwd=tmp_path) as process:
        call = asyncio.ensure_future(exchange(process.url, stage("a")))
        await arrived.wait()
        process.ask_to_stop(signal.SIGINT)
        waiting = await process.log_line()
        process.ask_to_stop(signal.SIGINT)
        reply = await call
        ended = await process.end()
    never.set()

    assert waiting == "runreel: waiting for 1 call (5 s); Ctrl-C again to stop now\n"
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (503, "stopping")
    assert ended.code == 0
    assert "1 failed" in ended.err
    assert "Traceback" not in ended.err
