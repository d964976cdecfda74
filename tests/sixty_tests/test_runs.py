"""Runs: loops that poll, streams, changes of metadata."""

import time

import openai
import pytest

pytestmark = pytest.mark.runreel


def test_a_run_is_polled_by_the_sdk(client: openai.OpenAI, thread: str, clerk: str) -> None:
    run = client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=clerk)

    assert run.status == "completed"


def test_a_run_is_polled_by_hand(client: openai.OpenAI, thread: str, clerk: str) -> None:
    run = client.beta.threads.runs.create(thread, assistant_id=clerk)
    seen = [run.status]
    while seen[-1] in ("queued", "in_progress"):
        time.sleep(0.001)
        seen.append(client.beta.threads.runs.retrieve(run.id, thread_id=thread).status)

    assert seen[-1] == "completed"


def test_a_stream_is_read(client: openai.OpenAI, thread: str, clerk: str) -> None:
    stream = client.beta.threads.runs.create(thread, assistant_id=clerk, stream=True)

    assert [event.event for event in stream][-1] == "thread.run.completed"


def test_a_stream_is_read_by_a_helper(client: openai.OpenAI, thread: str, clerk: str) -> None:
    with client.beta.threads.runs.stream(thread_id=thread, assistant_id=clerk) as stream:
        assert "".join(stream.text_deltas)


def test_an_answer_is_said(client: openai.OpenAI, thread: str, clerk: str) -> None:
    client.beta.threads.messages.create(thread, role="user", content="How are you?")
    client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=clerk)
    messages = client.beta.threads.messages.list(thread, order="asc").data

    assert [message.role for message in messages] == ["user", "assistant"]


@pytest.mark.parametrize("who", ["user_a", "user_b"])
def test_metadata_of_a_run_are_changed(
    client: openai.OpenAI, thread: str, clerk: str, who: str
) -> None:
    run = client.beta.threads.runs.create_and_poll(thread_id=thread, assistant_id=clerk)
    client.beta.threads.runs.update(run.id, thread_id=thread, metadata={"by": who})

    assert client.beta.threads.runs.retrieve(run.id, thread_id=thread).metadata == {"by": who}
