"""Tests that skip or fail as expected after they called, and code that swallows what goes wrong."""

from contextlib import suppress

import openai
import pytest

pytestmark = pytest.mark.runreel


def test_that_skips_when_it_has_called(client: openai.OpenAI) -> None:
    client.beta.threads.create()
    pytest.skip("enough")


@pytest.mark.xfail(strict=True)
def test_that_is_expected_to_fail(client: openai.OpenAI) -> None:
    assert client.beta.threads.create(metadata={"a": "b"}).metadata == {}


def test_a_best_effort_note(client: openai.OpenAI, thread: str) -> None:
    with suppress(openai.OpenAIError):
        client.beta.threads.update(thread, metadata={"note": "best effort"})
