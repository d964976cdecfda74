"""Names of tests and parameters that files cannot have, or that are easily mistaken."""

import openai
import pytest

pytestmark = pytest.mark.runreel


@pytest.mark.parametrize("model", ["gpt-4o", "team/gpt-4o", "team-gpt-4o", "größer 🚚"])
def test_a_model(client: openai.OpenAI, model: str) -> None:
    made = client.beta.threads.create(metadata={"model": model})

    assert client.beta.threads.retrieve(made.id).metadata == {"model": model}


class TestSame:
    def test_it(self, client: openai.OpenAI) -> None:
        assert client.beta.threads.create(metadata={"in": "class"}).id


def test_it(client: openai.OpenAI) -> None:
    assert client.beta.threads.create(metadata={"in": "module"}).id
