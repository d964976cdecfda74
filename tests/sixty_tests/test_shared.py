"""Tests of a class that share one cassette, two of which begin with equal creates."""

import openai
import pytest

pytestmark = pytest.mark.runreel(cassette="shared")


class TestEqualBeginnings:
    def test_a_note_is_kept(self, client: openai.OpenAI) -> None:
        thread = client.beta.threads.create(metadata={"stage": "new"})
        noted = client.beta.threads.update(thread.id, metadata={"stage": "noted"})

        assert noted.metadata == {"stage": "noted"}

    def test_what_was_created_is_there(self, client: openai.OpenAI) -> None:
        thread = client.beta.threads.create(metadata={"stage": "new"})

        assert client.beta.threads.retrieve(thread.id).metadata == {"stage": "new"}

    async def test_asynchronous_code_begins_equally(self, later: openai.AsyncOpenAI) -> None:
        thread = await later.beta.threads.create(metadata={"stage": "new"})
        said = await later.beta.threads.messages.create(thread.id, role="user", content="Hello")

        assert said.thread_id == thread.id


@pytest.mark.parametrize("word", ["red", "blue"])
def test_parameters_share_it(client: openai.OpenAI, word: str) -> None:
    thread = client.beta.threads.create(metadata={"word": word})

    assert client.beta.threads.retrieve(thread.id).metadata == {"word": word}
