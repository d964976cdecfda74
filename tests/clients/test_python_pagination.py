"""Lists of runs page by page. The Python package before 1.62 ignores `has_more` and asks for the
page after the last run until one is empty, so that a repeated answer would keep it asking for ever.
"""

import json

import pytest

from clients.calls import on_thread, runs_upstream
from clients.python_calls import NEWEST, OLD, both, python_tells
from servers import RUN, Proxy, RawUpstream, Received, http

PAGES = on_thread("pages", params={"limit": 2})
ITEMS = [{"item": "run_abc123"}, {"item": "run_def456"}, {"item": "run_ghi789"}]
LAST_PAGE = {
    "object": "list",
    "data": [RUN | {"id": "run_def456"}],
    "first_id": "run_def456",
    "last_id": "run_def456",
    "has_more": False,
}
PAGE_AGAIN = (on_thread("list"), on_thread("list", params={"after": "run_def456"}))


def _always_the_last_page(_: Received) -> bytes:
    return http(200, [("Content-Type", "application/json")], json.dumps(LAST_PAGE).encode())


@both
async def test_pages_are_replayed_to_the_version_that_asked_for_them(
    version: str, proxy: Proxy
) -> None:
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        recorded = await python_tells(version, running.url, PAGES)

    async with proxy(mode="replay") as running:
        replayed = await python_tells(version, running.url, PAGES)
        receipt = running.receipt()

    assert recorded == ITEMS
    assert replayed == ITEMS
    # 1.40 asks for one page more, which is empty.
    assert receipt["served"] == {NEWEST: 2, OLD: 3}[version]
    assert (receipt["missed"], receipt["unplayed"]) == ([], [])


async def test_an_old_version_that_ignores_has_more_ends_in_a_miss_after_the_recorded_pages(
    proxy: Proxy,
) -> None:
    async with runs_upstream() as url, proxy(mode="record", upstream=url) as running:
        await python_tells(NEWEST, running.url, PAGES)

    async with proxy(mode="replay") as running:
        *items, raised = await python_tells(OLD, running.url, PAGES)
        receipt = running.receipt()

    assert items == ITEMS
    assert (raised["status"], raised["code"]) == (424, "no_matching_interaction")
    assert 'query after: sent "run_ghi789", recorded ' in raised["message"]
    assert " played, none of them a write" in raised["message"]
    assert receipt["served"] == 2
    assert [miss["target"] for miss in receipt["missed"]] == [
        "/v1/threads/thread_abc123/runs?limit=2&after=run_ghi789"
    ]


async def test_an_old_version_is_told_that_every_recording_of_its_page_was_played(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = _always_the_last_page
    async with proxy(mode="record", upstream=upstream.url) as running:
        await python_tells(NEWEST, running.url, *PAGE_AGAIN)

    async with proxy(mode="replay") as running:
        *items, raised = await python_tells(OLD, running.url, on_thread("pages"))
        receipt = running.receipt()

    assert items == 2 * [{"item": "run_def456"}]
    assert (raised["status"], raised["code"]) == (424, "interaction_exhausted")
    assert (receipt["served"], len(receipt["missed"])) == (2, 1)


@pytest.mark.timeout(180)  # a thousand calls by an interpreter of its own
async def test_repeating_the_last_answer_ends_a_client_that_pages_for_ever(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = _always_the_last_page
    async with proxy(mode="record", upstream=upstream.url) as running:
        await python_tells(NEWEST, running.url, *PAGE_AGAIN)

    async with proxy(mode="replay", replay__repeat="last") as running:
        *items, raised = await python_tells(OLD, running.url, on_thread("pages"))
        receipt = running.receipt()

    assert items == 1_002 * [{"item": "run_def456"}]  # both recordings, the second 1,000 times more
    assert (raised["status"], raised["code"]) == (424, "interaction_exhausted")
    assert "1,000 times" in raised["message"]
    assert (receipt["served"], len(receipt["missed"])) == (1_002, 1)
