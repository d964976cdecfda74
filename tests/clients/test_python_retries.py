"""Failures that the Python package tried again: recorded and replayed as they happened."""

import json
from itertools import count

import pytest

from clients.calls import on_run
from clients.python_calls import NEWEST, OLD, python_tells
from servers import RUN, Proxy, RawUpstream, Received, http
from wire import exchange, post

UPDATE = on_run("update", params={"metadata": {"stage": "a"}})
FAILURES = {
    "500": (500, ("retry-after-ms", "1")),
    "429": (429, ("Retry-After", "0.01")),
}
ERROR = b'{"error": {"message": "Try again.", "type": "server_error", "param": null, "code": null}}'
SUCCESS = json.dumps(RUN | {"metadata": {"stage": "a"}}, indent=2).encode()


def _fail_twice(upstream: RawUpstream, failure: str) -> None:
    """Let the upstream fail, fail and succeed, over and over."""
    tries = count(1)
    status, advice = FAILURES[failure]
    kind = ("Content-Type", "application/json")

    def answer(_: Received) -> bytes:
        return (
            http(200, [kind], SUCCESS)
            if next(tries) % 3 == 0
            else http(status, [kind, advice], ERROR)
        )

    upstream.answer = answer


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("recorder", "player"), [(NEWEST, NEWEST), (NEWEST, OLD), (OLD, NEWEST)])
async def test_two_failures_and_a_success_of_one_call_are_replayed_to_one_call(
    recorder: str, player: str, failure: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    _fail_twice(upstream, failure)
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await python_tells(recorder, running.url, UPDATE)

    async with proxy(mode="replay") as running:
        replayed = await python_tells(player, running.url, UPDATE)
        receipt = running.receipt()

    assert [line["result"]["metadata"] for line in recorded] == [{"stage": "a"}]
    assert replayed == recorded
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (3, [], [])
    counted = [request.values("x-stainless-retry-count") for request in upstream.received]
    assert counted == ([["0"], ["1"], ["2"]] if recorder == NEWEST else [[], [], []])


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_replayed_failure_carries_the_recorded_advice_when_to_try_again(
    failure: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    _fail_twice(upstream, failure)
    async with proxy(mode="record", upstream=upstream.url) as running:
        await python_tells(NEWEST, running.url, UPDATE)
    request = post(
        "/v1/threads/thread_abc123/runs/run_abc123",
        b'{"metadata":{"stage":"a"}}',
        (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2")),
    )

    async with proxy(mode="replay") as running:
        replies = [await exchange(running.url, request) for _ in range(3)]

    status, (name, value) = FAILURES[failure]
    assert [reply.status for reply in replies] == [status, status, 200]
    assert [reply.values(name) for reply in replies] == [[value], [value], []]
    assert [reply.body for reply in replies] == [ERROR, ERROR, SUCCESS]


async def test_a_call_that_gave_up_is_replayed_as_the_same_error(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = lambda _: http(500, [("retry-after-ms", "1")], ERROR)
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await python_tells(NEWEST, running.url, UPDATE)

    async with proxy(mode="replay") as running:
        replayed = await python_tells(NEWEST, running.url, UPDATE)
        receipt = running.receipt()

    assert [(line["raised"], line["status"]) for line in recorded] == [("InternalServerError", 500)]
    assert replayed == recorded
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (3, [], [])
