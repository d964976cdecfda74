"""Tests in which the clock stands still, or is elsewhere, and one whose files are not real."""

from datetime import timedelta
from pathlib import Path
from typing import Any

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


def test_a_time_is_sent(client: openai.OpenAI) -> None:
    with travelling.travel("2001-02-03", tick=False):
        made = client.beta.threads.create(metadata={"at": "2001-02-03"})

    assert made.metadata == {"at": "2001-02-03"}


@pytest.mark.runreel(match={"ignore_body": ["/metadata/token"]})
def test_what_differs_every_time_is_sent(client: openai.OpenAI, tmp_path: Path) -> None:
    assert client.beta.threads.create(metadata={"token": str(tmp_path)}).id


def test_files_are_not_real(client: openai.OpenAI, fs: Any) -> None:
    fs.create_file("/of/the/test", contents="a")
    text = Path("/of/the/test").read_text(encoding="ascii")

    assert client.beta.threads.create(metadata={"text": text}).metadata == {"text": "a"}
