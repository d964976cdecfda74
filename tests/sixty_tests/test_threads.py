"""One call after the other, in functions, with a thread that a fixture makes and removes."""

import openai
import pytest

pytestmark = pytest.mark.runreel


def test_a_thread_is_created(client: openai.OpenAI) -> None:
    assert client.beta.threads.create().object == "thread"


def test_metadata_are_kept(client: openai.OpenAI) -> None:
    made = client.beta.threads.create(metadata={"stage": "new"})

    assert client.beta.threads.retrieve(made.id).metadata == {"stage": "new"}


def test_a_change_is_seen(client: openai.OpenAI, thread: str) -> None:
    client.beta.threads.update(thread, metadata={"stage": "changed"})

    assert client.beta.threads.retrieve(thread).metadata == {"stage": "changed"}


def test_a_read_before_and_after_a_change(client: openai.OpenAI, thread: str) -> None:
    before = client.beta.threads.retrieve(thread).metadata
    client.beta.threads.update(thread, metadata={"stage": "after"})
    after = client.beta.threads.retrieve(thread).metadata

    assert (before, after) == ({}, {"stage": "after"})


def test_equal_creates_make_two(client: openai.OpenAI) -> None:
    one, other = client.beta.threads.create(), client.beta.threads.create()

    assert one.id != other.id


def test_equal_creates_go_separate_ways(client: openai.OpenAI) -> None:
    one, other = client.beta.threads.create(), client.beta.threads.create()
    client.beta.threads.update(one.id, metadata={"way": "left"})
    client.beta.threads.update(other.id, metadata={"way": "right"})

    assert client.beta.threads.retrieve(one.id).metadata == {"way": "left"}
    assert client.beta.threads.retrieve(other.id).metadata == {"way": "right"}


def test_a_message_is_said(client: openai.OpenAI, thread: str) -> None:
    said = client.beta.threads.messages.create(thread, role="user", content="Grüße 🚚")

    assert said.thread_id == thread


def test_messages_are_listed(client: openai.OpenAI, thread: str) -> None:
    for text in ("a", "b"):
        client.beta.threads.messages.create(thread, role="user", content=text)

    assert len(client.beta.threads.messages.list(thread).data) == 2


def test_pages_follow_each_other(client: openai.OpenAI, thread: str) -> None:
    for text in "abcde":
        client.beta.threads.messages.create(thread, role="user", content=text)

    assert len(list(client.beta.threads.messages.list(thread, limit=2))) == 5


def test_what_is_deleted_is_gone(client: openai.OpenAI) -> None:
    made = client.beta.threads.create()
    client.beta.threads.delete(made.id)

    with pytest.raises(openai.NotFoundError):
        client.beta.threads.retrieve(made.id)


def test_what_never_was_is_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.beta.threads.retrieve("thread_of_nobody")


@pytest.mark.parametrize("stage", ["new", "done"])
def test_stages(client: openai.OpenAI, thread: str, stage: str) -> None:
    changed = client.beta.threads.update(thread, metadata={"stage": stage})

    assert changed.metadata == {"stage": stage}
