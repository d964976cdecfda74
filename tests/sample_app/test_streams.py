from collections.abc import AsyncIterator

import openai
import pytest

from sample_app.helpdesk import LOOK_UP, Helpdesk

pytestmark = pytest.mark.runreel


@pytest.fixture
async def client() -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(max_retries=0) as made:
        yield made


def test_a_stream_ends_with_the_run(desk: Helpdesk, ticket: str) -> None:
    assert list(desk.stream(ticket, desk.clerk()))[-1] == "thread.run.completed"


def test_a_stream_stops_where_a_tool_is_needed(desk: Helpdesk, ticket: str) -> None:
    events = list(desk.stream(ticket, desk.clerk(LOOK_UP)))

    assert events[-1] == "thread.run.requires_action"


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_tickets_are_opened_by_async_code_too(client: openai.AsyncOpenAI, count: int) -> None:
    made = [await client.beta.threads.create(metadata={"n": str(n)}) for n in range(count)]

    assert [thread.metadata for thread in made] == [{"n": str(n)} for n in range(count)]


async def test_an_async_stream_tells_the_same(client: openai.AsyncOpenAI) -> None:
    clerk = await client.beta.assistants.create(model="gpt-4o", instructions="Be.")
    thread = await client.beta.threads.create()
    stream = await client.beta.threads.runs.create(thread.id, assistant_id=clerk.id, stream=True)

    events = [event.event async for event in stream]

    assert (events[0], events[-1]) == ("thread.run.created", "thread.run.completed")
