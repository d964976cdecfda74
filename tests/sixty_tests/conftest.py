"""One client for all tests, an assistant for the session, and a thread for whoever wants one."""

from collections.abc import AsyncIterator, Iterator

import openai
import pytest


@pytest.fixture(scope="session")
def client() -> openai.OpenAI:
    return openai.OpenAI(max_retries=0)


@pytest.fixture
async def later() -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(max_retries=0) as made:
        yield made


@pytest.fixture(scope="session")
def clerk(client: openai.OpenAI) -> Iterator[str]:
    made = client.beta.assistants.create(model="gpt-4o", instructions="Be kind.")
    yield made.id
    client.beta.assistants.delete(made.id)


@pytest.fixture
def thread(client: openai.OpenAI) -> Iterator[str]:
    made = client.beta.threads.create()
    yield made.id
    client.beta.threads.delete(made.id)
