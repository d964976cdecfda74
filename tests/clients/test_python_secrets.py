"""Secrets in what the real `openai` package sends and gets: two values stay two, an id that was
redacted can be used again, and a key decides nothing.
"""

import json
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openai
import pytest

from runreel.redaction.redactor import Redaction
from servers import Proxy, RawUpstream, Received, http

JSON = [("Content-Type", "application/json")]
FIRST, SECOND, THIRD = ("proj_" + each * 6 for each in ("aA3xY9", "bB4wZ8", "cC5vQ7"))
KEY, OTHER_KEY = ("sk-" + each * 8 for each in ("FaKe0", "0tHeR"))
RUN = "/v1/threads/thread_abc123/runs"

Talk = Callable[[openai.AsyncOpenAI], Awaitable[Any]]


async def through(url: str, talk: Talk, key: str = KEY) -> Any:
    """What comes of a talk of the package with a proxy: a result, or the error it raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the whole API
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key) as client:
            try:
                return await talk(client)
            except openai.APIStatusError as error:
                return error


def updating(project: str) -> Talk:
    async def talk(client: openai.AsyncOpenAI) -> Any:
        run = await client.beta.threads.runs.update(
            "run_abc123", thread_id="thread_abc123", metadata={"project": project}
        )
        return run.metadata

    return talk


def echo(received: Received) -> bytes:
    """A run with the metadata that it was given."""
    sent = json.loads(received.body)["metadata"]
    return http(200, JSON, json.dumps({"id": "run_abc123", "metadata": sent}).encode())


def salt_of(folder: Path) -> str:
    (file,) = folder.rglob("default.json")
    return str(json.loads(file.read_text("utf-8"))["salt"])


async def test_values_of_metadata_stay_apart_and_one_that_was_never_recorded_is_refused(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = echo
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = [await through(running.url, updating(each)) for each in (FIRST, SECOND)]

    async with proxy(mode="replay") as running:
        first, second, missed = [
            await through(running.url, updating(each)) for each in (FIRST, SECOND, THIRD)
        ]
        receipt = running.receipt()

    assert recorded == [{"project": FIRST}, {"project": SECOND}]
    assert first["project"].startswith("REDACTED-")
    assert second["project"].startswith("REDACTED-")
    assert first != second
    message = missed.response.json()["error"]["message"]
    sent = Redaction(salt=salt_of(tmp_path)).text(THIRD)
    assert missed.status_code == 424
    assert any(
        f'body /metadata/project: sent "{sent}", recorded "{each["project"]}"' in message
        for each in (first, second)
    )
    told = f"{missed} {missed.response.text} {json.dumps(receipt)}"
    assert [each for each in (FIRST, SECOND, THIRD) if each in told] == []


@pytest.mark.parametrize("escape", ["as the package does", "all of it"])
async def test_an_id_that_was_redacted_in_an_answer_can_be_used_in_the_next_path(
    escape: str, proxy: Proxy, upstream: RawUpstream
) -> None:
    def answer(received: Received) -> bytes:
        if received.target == RUN:
            return http(200, JSON, json.dumps({"data": [{"id": FIRST}, {"id": SECOND}]}).encode())
        number = [FIRST, SECOND].index(unquote(received.target).rpartition("/")[2])
        return http(200, JSON, json.dumps({"id": "run", "model": f"number {number}"}).encode())

    async def talk(client: openai.AsyncOpenAI) -> Any:
        runs = client.beta.threads.runs
        models = []
        for each in (await runs.list("thread_abc123")).data:
            if escape == "all of it":
                name = "".join(f"%{ord(char):02X}" for char in each.id)
                models.append((await client.get(f"{RUN[3:]}/{name}", cast_to=dict))["model"])
            else:
                models.append((await runs.retrieve(each.id, thread_id="thread_abc123")).model)
        return models

    upstream.answer = answer
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await through(running.url, talk)
    async with proxy(mode="replay") as running:
        replayed = await through(running.url, talk)
        receipt = running.receipt()

    assert recorded == replayed == ["number 0", "number 1"]
    assert (receipt["served"], receipt["missed"]) == (3, [])


async def test_another_key_gets_the_answer_that_was_recorded_and_no_key_is_kept(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = echo
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = await through(running.url, updating("plain"), KEY)

    async with proxy(mode="replay") as running:
        replayed = await through(running.url, updating("plain"), OTHER_KEY)
        missed = await through(running.url, updating(f"with {OTHER_KEY}"), OTHER_KEY)
        receipt = running.receipt()

    assert replayed == recorded == {"project": "plain"}
    assert missed.status_code == 424
    assert "REDACTED" in missed.response.text
    assert OTHER_KEY not in missed.response.text + json.dumps(receipt)


async def test_keys_inside_of_what_is_sent_decide_nothing_either(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = echo
    async with proxy(mode="record", upstream=upstream.url) as running:
        await through(running.url, updating(f"with {KEY}"), KEY)

    async with proxy(mode="replay") as running:
        replayed = await through(running.url, updating(f"with {OTHER_KEY}"), OTHER_KEY)

    assert replayed == {"project": "with REDACTED"}
