"""The real `openai` package against rubra: recorded under its profile, replayed when it is gone."""

import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from servers import Proxy, RawUpstream
from upstreams.rubra import Rubra

Outcome = dict[str, Any]


@pytest.fixture
async def rubra(upstream: RawUpstream) -> RawUpstream:
    upstream.answer = Rubra()
    return upstream


@pytest.fixture(autouse=True)
def _deprecated() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the whole API, says the package
        yield


async def outcome(call: Awaitable[Any]) -> Outcome:
    """What a call came back with: an object, or the exception it raised."""
    try:
        found = await call
    except openai.APIStatusError as error:
        return {
            "raised": type(error).__name__,
            "status": error.status_code,
            "body": error.body,
            "code": error.code,
        }
    return dict(found.model_dump(mode="json", warnings=False))


async def use(url: str) -> AsyncIterator[Outcome]:
    """What an application does with a run, call by call; rubra's API begins at the root."""
    async with openai.AsyncOpenAI(base_url=url, api_key="abc") as client:
        threads = client.beta.threads
        thread = await threads.create()
        run = await threads.runs.create(
            thread.id, assistant_id="asst_1", instructions="Be brief.", metadata={"a": "1"}
        )
        path = f"/threads/{thread.id}/runs/{run.id}"

        async def update(name: str = run.id, **body: Any) -> Outcome:
            return await outcome(threads.runs.update(name, thread_id=thread.id, extra_body=body))

        async def send(send: Callable[..., Awaitable[Any]], path: str, **more: Any) -> Outcome:
            return await outcome(send(path, cast_to=type(run), **more))

        yield dict(run.model_dump(mode="json", warnings=False))
        yield await outcome(threads.runs.retrieve(run.id, thread_id=thread.id))
        yield await update(metadata={"b": "2"})
        yield await outcome(threads.runs.retrieve(run.id, thread_id=thread.id))
        yield await update(metadata={"n": 5, "o": {"x": [1, 2.5, None]}})
        yield await send(client.post, f"{path}/", body={"metadata": {"slash": "gone"}})
        yield await send(client.patch, path, body={})
        yield await update(metadata="str")
        yield await update(extra=1)
        yield await update("nope", metadata={})
        yield await outcome(threads.runs.cancel(run.id, thread_id=thread.id))
        yield await send(client.get, f"/threads/{thread.id}/runs")


NOT_A_DICT = {
    "loc": ["body", "metadata"],
    "msg": "value is not a valid dict",
    "type": "type_error.dict",
}
EXTRA = {"loc": ["body", "extra"], "msg": "extra fields not permitted", "type": "value_error.extra"}
REFUSED = [
    ("APIStatusError", 405, {"detail": "Method Not Allowed"}),
    ("UnprocessableEntityError", 422, {"detail": [NOT_A_DICT]}),
    ("UnprocessableEntityError", 422, {"detail": [EXTRA]}),
    ("NotFoundError", 404, {"detail": "Run with ID 'nope' in thread 'thread_000001' not found"}),
    ("NotFoundError", 404, {"detail": "Not Found"}),
    ("APIStatusError", 405, {"detail": "Method Not Allowed"}),
]


async def test_an_application_gets_the_same_from_rubra_and_from_its_recording(
    proxy: Proxy, rubra: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=rubra.url, profile="rubra") as running:
        live = [item async for item in use(running.url)]
    calls = len(rubra.received)
    await rubra.stop()

    async with proxy(mode="replay", profile="rubra") as running:
        replayed = [item async for item in use(running.url)]
        receipt = running.receipt()

    assert replayed == live
    runs, refused = live[:6], live[6:]
    assert {(run["id"], run["status"]) for run in runs} == {("run_000001", "queued")}
    assert {(run["_id"], str(run["file_ids"])) for run in runs} == {(f"{1:024x}", "[]")}
    odd = {"n": 5, "o": {"x": [1, 2.5, None]}}
    assert [run["metadata"] for run in runs] == [
        {"a": "1"},
        {"a": "1"},
        {"a": "1", "b": "2"},
        {"a": "1", "b": "2"},
        {"a": "1", "b": "2", **odd},
        {"a": "1", "b": "2", **odd, "slash": "gone"},
    ]
    assert [(item["raised"], item["status"], item["body"]) for item in refused] == REFUSED
    assert [item["code"] for item in refused] == [None] * 6
    # 13 calls, of which one was led on to the path without its slash, by the proxy's own address.
    assert (calls, receipt["served"], receipt["upstream_calls"]) == (14, 14, 0)
    assert (receipt["missed"], receipt["unplayed"]) == ([], [])


async def test_nothing_that_rubra_accepts_is_a_violation_of_its_profile(
    proxy: Proxy, rubra: RawUpstream, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream=rubra.url, profile="rubra") as running:
        [item async for item in use(running.url)]

    document = json.loads((tmp_path / "default.json").read_text(encoding="utf-8"))
    assert document["profile"] == "rubra"
    accepted = [item for item in document["interactions"] if item["response"]["status"] < 400]
    assert len(accepted) == 8
    assert [item.get("violations", []) for item in accepted] == [[]] * 8
