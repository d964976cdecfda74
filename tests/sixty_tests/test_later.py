"""Asynchronous code: calls one by one, and several at once."""

import asyncio

import openai
import pytest

pytestmark = pytest.mark.runreel


async def test_a_change_is_seen(later: openai.AsyncOpenAI, thread: str) -> None:
    await later.beta.threads.update(thread, metadata={"stage": "changed"})

    assert (await later.beta.threads.retrieve(thread)).metadata == {"stage": "changed"}


async def test_several_are_created_at_once(later: openai.AsyncOpenAI) -> None:
    made = await asyncio.gather(
        *(later.beta.threads.create(metadata={"number": str(number)}) for number in range(5))
    )

    assert [thread.metadata for thread in made] == [{"number": str(n)} for n in range(5)]


async def test_equal_ones_are_created_at_once(later: openai.AsyncOpenAI) -> None:
    made = await asyncio.gather(*(later.beta.threads.create() for _ in range(4)))

    assert len({thread.id for thread in made}) == 4


async def test_several_threads_are_changed_at_once(later: openai.AsyncOpenAI) -> None:
    made = await asyncio.gather(*(later.beta.threads.create() for _ in range(3)))
    changed = await asyncio.gather(
        *(later.beta.threads.update(one.id, metadata={"id": one.id}) for one in made)
    )

    assert [one.metadata for one in changed] == [{"id": one.id} for one in made]


async def test_pages_follow_each_other(later: openai.AsyncOpenAI, thread: str) -> None:
    for text in "abc":
        await later.beta.threads.messages.create(thread, role="user", content=text)

    assert len([each async for each in later.beta.threads.messages.list(thread, limit=2)]) == 3


async def test_a_run_is_awaited(later: openai.AsyncOpenAI, thread: str, clerk: str) -> None:
    run = await later.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=clerk)

    assert run.status == "completed"


async def test_a_stream_is_read(later: openai.AsyncOpenAI, thread: str, clerk: str) -> None:
    stream = await later.beta.threads.runs.create(thread, assistant_id=clerk, stream=True)

    assert [event.event async for event in stream][-1] == "thread.run.completed"
