"""Fixtures of a session, a module with parameters, and a class, and setUpClass; one client."""

import unittest
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

import openai
import pytest

pytestmark = pytest.mark.runreel
CLIENT: Any = openai.OpenAI(max_retries=0)  # made at import, as people do


@pytest.fixture(scope="module")
def room(client: openai.OpenAI) -> Iterator[str]:
    made = client.beta.threads.create(metadata={"for": "all"})
    yield made.id
    client.beta.threads.delete(made.id)


@pytest.fixture(scope="module", params=["red", "Red"])
def wall(room: str, request: pytest.FixtureRequest) -> str:
    CLIENT.beta.threads.messages.create(room, role="user", content=request.param)
    return str(request.param)


@pytest.fixture
async def later() -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(max_retries=0) as made:
        yield made


def test_a_run_is_answered(client: openai.OpenAI, room: str, clerk: str) -> None:
    run = client.beta.threads.runs.create(room, assistant_id=clerk)

    assert client.beta.threads.runs.poll(run.id, thread_id=room).status == "completed"


async def test_an_async_client_sees_what_the_fixture_made(
    later: openai.AsyncOpenAI, room: str
) -> None:
    assert (await later.beta.threads.retrieve(room)).metadata == {"for": "all"}


def test_what_is_on_the_wall_is_read(wall: str, room: str) -> None:
    messages = CLIENT.beta.threads.messages.list(room)

    assert [message.content[0].text.value for message in messages] == [wall]


@pytest.mark.parametrize("stage", ["new", "done"])
def test_the_room_is_changed(room: str, stage: str) -> None:
    assert CLIENT.beta.threads.update(room, metadata={"s": stage}).metadata == {"s": stage}


class TestOld(unittest.TestCase):
    thread: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.thread = CLIENT.beta.threads.create(metadata={"of": "class"}).id

    @classmethod
    def tearDownClass(cls) -> None:
        CLIENT.beta.threads.delete(cls.thread)

    def test_it_is_there(self) -> None:
        assert CLIENT.beta.threads.retrieve(self.thread).metadata == {"of": "class"}

    def test_it_takes_messages(self) -> None:
        assert CLIENT.beta.threads.messages.create(self.thread, role="user", content="x").id
