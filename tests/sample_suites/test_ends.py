"""Tests that call and then do not simply pass, and names that are easily mistaken."""

import openai
import pytest

pytestmark = pytest.mark.runreel


def test_that_is_skipped_when_it_has_called(client: openai.OpenAI) -> None:
    client.beta.threads.create()
    pytest.skip("enough")


@pytest.mark.xfail(strict=True)
def test_that_is_expected_to_fail(client: openai.OpenAI) -> None:
    assert client.beta.threads.create(metadata={"a": "b"}).metadata == {}


@pytest.mark.parametrize("tag", ["a", "A", "a/b", "a-b"])
def test_a_tag(client: openai.OpenAI, tag: str) -> None:
    assert client.beta.threads.create(metadata={"tag": tag}).metadata == {"tag": tag}


@pytest.mark.runreel(match={"ignore_body": ["/metadata/at"]})
def test_a_time_does_not_count(client: openai.OpenAI, tmp_path_factory: object) -> None:
    assert client.beta.threads.create(metadata={"at": str(id(tmp_path_factory))}).id
