"""One client for all tests; each ticket is closed by the test that opened it."""

from collections.abc import Iterator

import openai
import pytest

from sample_app.helpdesk import Helpdesk


@pytest.fixture(scope="session")
def desk() -> Helpdesk:
    return Helpdesk(openai.OpenAI(max_retries=0))


@pytest.fixture
def ticket(desk: Helpdesk) -> Iterator[str]:
    opened = desk.open("Where is my order?")
    yield opened
    assert desk.close(opened)
