"""What a recording proxy passes on, or answers itself, without recording it."""

import json
from pathlib import Path

import pytest

from servers import RUN, Proxy, RawUpstream, http
from wire import exchange, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'


@pytest.mark.parametrize("mode", ["record", "new_episodes", "passthrough"])
@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b'{"metadata":"a"}', "metadata", "invalid_type"),
        (b'{"metadata":{"a":1}}', "metadata.a", "invalid_type"),
        (b'{"metadata":', None, "invalid_json"),
    ],
)
async def test_strict_request_validation_answers_before_anything_is_forwarded(
    proxy: Proxy, upstream: RawUpstream, mode: str, body: bytes, param: str | None, code: str
) -> None:
    async with proxy(mode=mode, upstream=upstream.url, validation__request="strict") as running:
        reply = await exchange(running.url, post(PATH, body))

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], error["code"]) == (param, code)
    assert reply.values("x-should-retry") == ["false"]
    assert reply.values("x-runreel-source") == ["proxy"]
    assert (upstream.connections, upstream.received) == (0, [])


async def test_strict_response_validation_passes_on_and_does_not_store(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    bad = json.dumps(RUN | {"id": 7}).encode()
    upstream.answer = lambda _: http(200, [], bad)

    async with proxy(
        mode="record", upstream=upstream.url, validation__response="strict"
    ) as running:
        reply = await exchange(running.url, post(PATH, BODY))
        receipt = running.receipt()

    assert (reply.status, reply.body) == (200, bad)
    assert reply.values("x-runreel-recorded") == ["no"]
    assert (receipt["recorded"], receipt["not_stored"]) == (0, 1)
    assert not (tmp_path / "default.json").exists()


@pytest.mark.parametrize("status", [404, 410])
async def test_an_upstream_that_retired_does_not_replace_a_good_recording(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, status: int
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))
    before = (tmp_path / "default.json").read_bytes()
    upstream.answer = lambda _: http(status, [], b"gone")

    async with proxy(mode="record", upstream=upstream.url) as running:
        reply = await exchange(running.url, post(PATH, BODY))

    assert (reply.status, reply.body) == (status, b"gone")
    assert reply.values("x-runreel-recorded") == ["no"]
    assert (tmp_path / "default.json").read_bytes() == before


async def test_a_good_recording_is_replaced_if_that_is_allowed(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, post(PATH, BODY))
    upstream.answer = lambda _: http(404, [], b"gone")

    async with proxy(mode="record", upstream=upstream.url, allow_regress=True) as running:
        live = await exchange(running.url, post(PATH, BODY))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    assert live.values("x-runreel-recorded") == ["yes"]
    assert (replayed.status, replayed.body) == (404, b"gone")
