"""An upstream that has been switched off, as OpenAI's was: no good recording falls to its 404."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from builders import FAKE_KEY
from leaks import leaks
from servers import Proxy, RawUpstream, Received, http
from wire import Reply, exchange, get, post

RUN = "/v1/threads/thread_abc123/runs/run_abc123"
KEY = (("Authorization", f"Bearer {FAKE_KEY}"),)
GONE = b'{"error": {"message": "not here any more"}}'
CAME_BACK = " came back as 404 or 410: "


def run(status: str) -> bytes:
    return b'{"id": "run_abc123", "status": "%s"}' % status.encode()


def polls() -> Any:
    """An upstream's answers while a run completes."""
    statuses = iter(("queued", "in_progress", "completed"))
    return lambda _: http(200, [], run(next(statuses)))


def gone(status: int) -> Any:
    return lambda _: http(status, [("Content-Type", "application/json")], GONE)


async def ask(url: str, count: int) -> list[Reply]:
    return [await exchange(url, get(RUN, KEY)) for _ in range(count)]


def bodies(folder: Path) -> list[Any]:
    document = json.loads((folder / "default.json").read_text(encoding="utf-8"))
    return [item["response"]["body"].get("json") for item in document["interactions"]]


def told(log: io.StringIO) -> list[str]:
    """The log's lines about the upstream as a whole, without their time."""
    return [line[9:] for line in log.getvalue().splitlines() if CAME_BACK in line]


@pytest.mark.parametrize("status", [404, 410])
async def test_no_recording_of_a_poll_falls_to_an_upstream_that_is_gone(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, tmp_path: Path, status: int
) -> None:
    upstream.answer = polls()
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await ask(running.url, 3)
    before = (tmp_path / "default.json").read_bytes()

    upstream.answer = gone(status)
    async with proxy(mode="record", upstream=upstream.url) as running:
        refused = await ask(running.url, 3)
        receipt = running.receipt()
    async with proxy(mode="replay") as running:
        replayed = await ask(running.url, 3)

    assert [(reply.status, reply.body) for reply in refused] == [(status, GONE)] * 3
    assert [reply.values("x-runreel-recorded") for reply in refused] == [["no"]] * 3
    assert (receipt["recorded"], receipt["not_stored"]) == (0, 3)
    reason = (
        f"(upstream_retired: the upstream answers {status} where a good recording stands; "
        "--allow-regress overrides)"
    )
    assert log.getvalue().count(reason) == 3
    assert (tmp_path / "default.json").read_bytes() == before
    assert [reply.body for reply in replayed] == [reply.body for reply in recorded]
    assert [reply.body for reply in replayed] == [
        run("queued"),
        run("in_progress"),
        run("completed"),
    ]


async def test_an_upstream_that_goes_in_the_middle_takes_only_what_it_answered(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = polls()
    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask(running.url, 3)
    answers = iter((http(200, [], run("cancelling")), http(404, [], GONE), http(404, [], GONE)))
    upstream.answer = lambda _: next(answers)

    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask(running.url, 3)

    assert [body["status"] for body in bodies(tmp_path)] == [
        "cancelling",
        "in_progress",
        "completed",
    ]


async def test_allow_regress_lets_it_replace_them(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, tmp_path: Path
) -> None:
    upstream.answer = polls()
    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask(running.url, 3)

    upstream.answer = gone(404)
    async with proxy(mode="record", upstream=upstream.url, allow_regress=True) as running:
        replies = await ask(running.url, 3)

    assert [reply.values("x-runreel-recorded") for reply in replies] == [["yes"]] * 3
    assert bodies(tmp_path) == [{"error": {"message": "not here any more"}}] * 3
    assert "upstream_retired" not in log.getvalue()


async def test_a_404_where_nothing_good_stands_is_recorded_like_any_answer(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = gone(404)
    async with proxy(mode="record", upstream=upstream.url) as running:
        live = await ask(running.url, 1)

    async with proxy(mode="replay") as running:
        replayed = await ask(running.url, 1)

    assert live[0].values("x-runreel-recorded") == ["yes"]
    assert (replayed[0].status, replayed[0].body) == (404, GONE)


@pytest.mark.parametrize("mode", ["record", "new_episodes", "passthrough"])
async def test_when_all_that_was_forwarded_is_gone_the_log_says_why_early_and_at_the_end(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, mode: str
) -> None:
    upstream.answer = gone(404)

    async with proxy(mode=mode, upstream=upstream.url) as running:
        await ask(running.url, 2)
        after_two = told(log)
        await ask(running.url, 2)
        after_four = told(log)

    remedy = (
        f"clients call / (--base-path), so calls go to paths of {upstream.url}; is that where "
        "this API begins? The path before it belongs to --upstream. And does the API speak the "
        "profile openai?"
    )
    early = f"problem All 3 calls to {upstream.url}{CAME_BACK}"
    late = f"problem All 4 calls to {upstream.url}{CAME_BACK}"
    assert after_two == []
    assert after_four == [early + remedy]
    assert told(log) == [early + remedy, late + remedy]
    assert log.getvalue().splitlines()[-1][9:] == late + remedy
    assert not leaks(FAKE_KEY, log.getvalue().encode())


async def test_one_answer_of_another_kind_is_a_sign_of_life(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO
) -> None:
    def lively(received: Received) -> bytes:
        return http(400 if received.method == "POST" else 404, [], GONE)

    upstream.answer = lively
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(RUN, b'{"metadata":{}}'))
        await ask(running.url, 4)

    assert told(log) == []


async def test_a_replay_of_nothing_but_404_says_nothing_of_any_upstream(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO
) -> None:
    upstream.answer = gone(404)
    async with proxy(mode="record", upstream=upstream.url) as running:
        await ask(running.url, 4)
    while_recording = told(log)

    async with proxy(mode="replay", upstream=upstream.url) as running:
        replies = await ask(running.url, 4)

    assert [reply.status for reply in replies] == [404] * 4
    assert len(while_recording) == 2
    assert told(log) == while_recording
