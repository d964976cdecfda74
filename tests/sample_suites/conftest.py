"""What all tests share: one client, and a clerk that is made once."""

from collections.abc import Iterator

import openai
import pytest


@pytest.fixture(scope="session")
def client() -> openai.OpenAI:
    return openai.OpenAI(max_retries=0)


@pytest.fixture(scope="session")
def clerk(client: openai.OpenAI) -> Iterator[str]:
    made = client.beta.assistants.create(model="gpt-4o", instructions="Be kind.")
    yield made.id
    client.beta.assistants.delete(made.id)
