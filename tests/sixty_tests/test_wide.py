"""Fixtures of a module, with parameters, and of classes; setUpClass; a client made at import."""

import unittest
from collections.abc import Iterator
from typing import Any, ClassVar

import openai
import pytest

pytestmark = pytest.mark.runreel
CLIENT: Any = openai.OpenAI(max_retries=0)


@pytest.fixture(scope="module")
def room(client: openai.OpenAI) -> Iterator[str]:
    made = client.beta.threads.create(metadata={"for": "all"})
    yield made.id
    client.beta.threads.delete(made.id)


@pytest.fixture(scope="module", params=["red", "blue"])
def wall(room: str, request: pytest.FixtureRequest) -> str:
    said = CLIENT.beta.threads.messages.create(room, role="user", content=request.param)
    return str(said.id)


def test_the_room_is_there(client: openai.OpenAI, room: str) -> None:
    assert client.beta.threads.retrieve(room).metadata == {"for": "all"}


async def test_asynchronous_code_sees_it(later: openai.AsyncOpenAI, room: str) -> None:
    assert (await later.beta.threads.retrieve(room)).metadata == {"for": "all"}


def test_a_run_of_the_clerk_in_the_room(room: str, clerk: str) -> None:
    run = CLIENT.beta.threads.runs.create_and_poll(thread_id=room, assistant_id=clerk)

    assert run.status == "completed"


def test_what_is_on_the_wall_is_read(wall: str, room: str) -> None:
    assert CLIENT.beta.threads.messages.retrieve(wall, thread_id=room).id == wall


class TestTogether:
    @pytest.fixture(scope="class")
    def shelf(self, client: openai.OpenAI) -> str:
        return client.beta.threads.create(metadata={"for": "class"}).id

    def test_it_is_there(self, client: openai.OpenAI, shelf: str) -> None:
        assert client.beta.threads.retrieve(shelf).metadata == {"for": "class"}

    def test_it_takes_a_message(self, client: openai.OpenAI, shelf: str) -> None:
        assert client.beta.threads.messages.create(shelf, role="user", content="x").id


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
