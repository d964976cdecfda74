"""Tests in which the clock stands still, jumps, or is elsewhere."""

from datetime import timedelta

import freezegun
import openai
import pytest
import time_machine as travelling

pytestmark = pytest.mark.runreel


@freezegun.freeze_time("2001-02-03")
def test_frozen_by_a_decorator(client: openai.OpenAI) -> None:
    assert client.beta.threads.create(metadata={"clock": "frozen"}).id


def test_frozen_in_the_middle(client: openai.OpenAI) -> None:
    made = client.beta.threads.create()
    with freezegun.freeze_time("2001-02-03") as clock:
        client.beta.threads.update(made.id, metadata={"clock": "frozen"})
        clock.tick(timedelta(days=40_000))

    assert client.beta.threads.retrieve(made.id).metadata == {"clock": "frozen"}


@travelling.travel("2001-02-03")
def test_travelled(client: openai.OpenAI) -> None:
    assert client.beta.threads.create(metadata={"clock": "travels"}).id


@freezegun.freeze_time("2001-02-03")
async def test_frozen_while_others_wait() -> None:
    async with openai.AsyncOpenAI(max_retries=0) as client:
        made = await client.beta.threads.create(metadata={"clock": "frozen too"})

        assert (await client.beta.threads.retrieve(made.id)).id == made.id
