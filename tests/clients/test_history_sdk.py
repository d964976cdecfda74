"""The cases of history through the real SDK: recorded from what stores, and replayed."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from servers import Proxy, RawUpstream, Received
from storing_upstream import StoringUpstream

# The SDK says so of every call of the Assistants API.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
Program = Callable[[openai.OpenAI], Any]


@pytest.fixture
async def stores() -> AsyncIterator[RawUpstream]:
    async with RawUpstream(answer=StoringUpstream().answer) as server:
        yield server


def client(url: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=url + "/v1", api_key="sk-test", max_retries=0, **options)


async def told(url: str, *calls: Program) -> list[Any]:
    """What each call gave: the metadata or the slug of the error."""

    def run() -> list[Any]:
        answers = []
        with client(url) as api:
            for call in calls:
                try:
                    said = call(api)
                except openai.APIStatusError as error:
                    answers.append(error.code)
                else:
                    answers.append(getattr(said, "metadata", None) or getattr(said, "id", None))
        return answers

    return await asyncio.to_thread(run)


def update(**metadata: str) -> Program:
    return lambda api: api.beta.threads.update("T0", metadata=metadata)


def read(api: openai.OpenAI) -> Any:
    return api.beta.threads.retrieve("T0")


def update_run(api: openai.OpenAI) -> Any:
    return api.beta.threads.runs.update("R0", thread_id="T0", metadata={"a": "1"})


def read_run(api: openai.OpenAI) -> Any:
    return api.beta.threads.runs.retrieve("R0", thread_id="T0")


def delete(api: openai.OpenAI) -> Any:
    return api.beta.threads.delete("T0")


async def test_the_second_half_of_a_scenario_is_refused(proxy: Proxy, stores: RawUpstream) -> None:
    async with proxy(mode="record", upstream=stores.url) as running:
        await told(running.url, update(a="1"), read, update(b="2"), read)

    async with proxy(mode="replay") as running:
        assert await told(running.url, update(b="2"), read) == ["interaction_exhausted"] * 2
        receipt = running.receipt()
    assert "was recorded after POST /v1/threads/T0" in receipt["missed"][0]["message"]
    async with proxy(mode="replay", replay__barriers=False) as running:
        both = {"a": "1", "b": "2"}
        assert await told(running.url, update(b="2"), read) == [both, {"a": "1"}]


async def test_what_new_episodes_add_changes_no_older_answer(
    proxy: Proxy, stores: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=stores.url) as running:
        live = await told(running.url, read, update(a="1"), read)
    async with proxy(mode="new_episodes", upstream=stores.url) as running:
        assert await told(running.url, update(a="2")) == ["another_story"]
        assert running.receipt()["upstream_calls"] == 0
    async with proxy(mode="new_episodes", upstream=stores.url) as running:
        added = await told(running.url, read, update(a="1"), read, update(a="2"), read)
        assert running.receipt()["recorded"] == 2

    async with proxy(mode="replay") as running:
        assert await told(running.url, read, update(a="1"), read) == live
        assert await told(running.url, update(a="2"), read) == added[3:]
        assert "waited" not in running.receipt()


async def test_new_episodes_serve_a_write_and_read_live(proxy: Proxy, stores: RawUpstream) -> None:
    async with proxy(mode="record", upstream=stores.url) as running:
        await told(running.url, update(a="1"))
    async with proxy(mode="new_episodes", upstream=stores.url) as running:
        live = await told(running.url, update(a="1"), read)
        receipt = running.receipt()
    assert (receipt["served"], receipt["recorded"], receipt["not_stored"]) == (1, 1, 0)

    async with proxy(mode="replay") as running:
        assert await told(running.url, update(a="1"), read) == live


async def test_a_deletion_before_the_update_is_refused(proxy: Proxy, stores: RawUpstream) -> None:
    async with proxy(mode="record", upstream=stores.url) as running:
        assert (await told(running.url, update_run, delete, read_run))[2] is None

    async with proxy(mode="replay") as running:
        answers = await told(running.url, delete, update_run, read_run)
    assert answers == ["T0", "interaction_exhausted", "interaction_exhausted"]


async def admin(url: str, method: str, body: Any = None) -> Any:
    """An answer of the admin API."""

    def ask() -> Any:
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, sent, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request) as reply:  # noqa: S310 - likewise
            return json.load(reply)

    return await asyncio.to_thread(ask)


async def test_two_stories_that_begin_with_an_equal_create_stay_apart_by_scope(
    proxy: Proxy, stores: RawUpstream, tmp_path: Path
) -> None:
    def story(**metadata: str) -> list[Program]:
        made: list[str] = []

        def create(api: openai.OpenAI) -> Any:
            made.append(api.beta.threads.create().id)

        return [create, lambda api: api.beta.threads.update(made[0], metadata=metadata)]

    live: dict[str, list[Any]] = {}
    for mode, scopes in (("record", ("one", "two")), ("replay", ("two", "one"))):
        async with proxy(mode="passthrough", upstream=stores.url) as running:
            for scope in scopes:
                wanted = {"cassette": "default", "mode": mode, "scope": scope}
                made = await admin(running.url + "/_runreel/sessions", "POST", wanted)
                got = await told(made["base_url"], *story(scope=scope))
                await admin(running.url + "/_runreel/sessions/" + made["id"], "DELETE")
                assert live.setdefault(scope, got) == got
                assert got[1] == {"scope": scope}
    document = json.loads((tmp_path / "default.json").read_text())
    assert [item["scope"] for item in document["interactions"]] == ["one", "one", "two", "two"]


async def test_a_program_with_two_equal_creates_is_recorded_again_and_again(
    proxy: Proxy, stores: RawUpstream, tmp_path: Path
) -> None:
    def program(api: openai.OpenAI) -> Any:
        first, second = (api.beta.threads.create(metadata={"n": "1"}).id for _ in range(2))
        api.beta.threads.update(first, metadata={"a": "1"})
        return api.beta.threads.retrieve(second)

    for _ in range(5):
        async with proxy(mode="record", upstream=stores.url) as running:
            live = await told(running.url, program)
        assert len(json.loads((tmp_path / "default.json").read_text())["interactions"]) == 4
        async with proxy(mode="replay") as running:
            assert await told(running.url, program) == live


async def test_a_create_recorded_anew_takes_the_old_list_out(
    proxy: Proxy, stores: RawUpstream, tmp_path: Path
) -> None:
    def create(api: openai.OpenAI) -> Any:
        return api.beta.threads.runs.create("T0", assistant_id="asst_1")

    def listed(api: openai.OpenAI) -> Any:
        return api.beta.threads.runs.list("T0")

    async with proxy(mode="record", upstream=stores.url) as running:
        await told(running.url, create, listed)
    async with proxy(mode="record", upstream=stores.url) as running:
        await told(running.url, create)

    async with proxy(mode="replay") as running:
        answers = await told(running.url, create, listed)
    assert answers[1] == "no_matching_interaction"
    assert len(json.loads((tmp_path / "default.json").read_text())["interactions"]) == 1


async def test_a_write_that_timed_out_is_kept_and_never_served(
    proxy: Proxy, tmp_path: Path
) -> None:
    """The client gave up, and sent it again: the API had made it twice."""
    upstream = StoringUpstream()
    slow = [True]

    async def answer(received: Received) -> bytes | None:
        said = await upstream.answer(received)
        if received.method == "POST" and slow.pop() if slow else False:
            await asyncio.sleep(0.6)
        return said

    def program(url: str) -> Any:
        with client(url, timeout=0.3) as api, pytest.raises(openai.APITimeoutError):
            api.beta.threads.update("T0", metadata={"a": "1"})
        with client(url) as api:
            api.beta.threads.update("T0", metadata={"a": "1"})
            return api.beta.threads.retrieve("T0").metadata

    async with (
        RawUpstream(answer=answer) as server,
        proxy(mode="record", upstream=server.url) as running,
    ):
        live = await asyncio.to_thread(program, running.url)
        await asyncio.sleep(0.5)
    items = json.loads((tmp_path / "default.json").read_text())["interactions"]
    assert sorted(str(item.get("client")) for item in items) == ["None", "None", "gone"]

    async with proxy(mode="replay") as running:
        assert await told(running.url, update(a="1"), read) == [live, live]
        assert (await told(running.url, update(a="1"))) == ["interaction_exhausted"]


async def test_a_forwarded_write_without_an_answer_is_kept_and_never_served(
    proxy: Proxy, tmp_path: Path
) -> None:
    upstream = StoringUpstream()
    silent = [True]

    async def answer(received: Received) -> bytes | None:
        said = await upstream.answer(received)
        return None if silent and silent.pop() else said

    async with (
        RawUpstream(answer=answer) as server,
        proxy(mode="record", upstream=server.url) as running,
    ):
        live = await told(running.url, update(a="1"), read, update(b="2"), read)
    assert live[0] == "upstream_disconnected"
    items = json.loads((tmp_path / "default.json").read_text())["interactions"]
    assert [item.get("failed") for item in items] == ["upstream_disconnected", None, None, None]

    async with proxy(mode="replay") as running:
        assert await told(running.url, read, update(b="2"), read) == live[1:]
        assert await told(running.url, update(a="1")) == ["no_matching_interaction"]


async def test_a_poll_that_overlapped_a_write_followed_by_one_after_it(
    proxy: Proxy, tmp_path: Path
) -> None:
    upstream = StoringUpstream(slow_s=0.2)
    async with (
        RawUpstream(answer=upstream.answer) as server,
        proxy(mode="record", upstream=server.url) as running,
    ):
        write = asyncio.create_task(told(running.url, update(a="1")))
        await asyncio.sleep(0.15)
        first = await told(running.url, read)
        await write
        second = await told(running.url, read)
    items = json.loads((tmp_path / "default.json").read_text())["interactions"]
    assert [item.get("during") for item in items] == [None, [items[0]["id"]], None]

    # The write's answer waits for the poll, also on a machine that is busy.
    async with proxy(mode="replay", replay__order_wait_ms=10_000) as running:
        write = asyncio.create_task(told(running.url, update(a="1")))
        assert await told(running.url, read) == first
        assert await write == [{"a": "1"}]
        assert await told(running.url, read) == second


async def test_a_session_can_be_rewound_also_the_default_one(
    proxy: Proxy, stores: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=stores.url) as running:
        live = await told(running.url, update(a="1"), read)

    async with proxy(mode="replay") as running:
        for _ in range(3):
            assert await told(running.url, update(a="1"), read) == live
            rewind = running.url + "/_runreel/sessions/default/rewind"
            assert (await admin(rewind, "POST"))["session"] == "default"
        assert await told(running.url, update(a="1"), read, read) == [
            *live,
            "interaction_exhausted",
        ]
