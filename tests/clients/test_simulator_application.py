"""An application that was written for the real API, on the simulator: it notices nothing.

`_application` is what such applications look like; sync and async differ by `await` alone, which
`_done` stands for.
"""

import asyncio
import inspect
import json
import warnings
from typing import Any

import openai
import pytest

from builders import FAKE_KEY
from servers import Proxy

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_temperature",
        "description": "The temperature in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
EVENTS = [
    *("thread.run.created", "thread.run.queued", "thread.run.in_progress"),
    *("thread.run.step.created", "thread.run.step.in_progress"),
    *("thread.message.created", "thread.message.in_progress", "thread.message.delta"),
    *("thread.message.completed", "thread.run.step.completed", "thread.run.completed"),
]


async def _done(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


async def _each(items: Any) -> list[Any]:
    if hasattr(items, "__aiter__"):
        return [item async for item in items]
    return list(items)


async def _application(client: Any) -> dict[str, Any]:
    """Everything that it found out."""
    beta, threads = client.beta, client.beta.threads
    helper = await _done(
        beta.assistants.create(model="gpt-4o", instructions="Be brief.", tools=[TOOL])
    )
    thread = await _done(threads.create())
    await _done(threads.messages.create(thread.id, role="user", content="How warm is Oslo?"))
    run = await _done(threads.runs.create(thread.id, assistant_id=helper.id))
    waiting = await _done(threads.runs.poll(run.id, thread_id=thread.id))
    calls = waiting.required_action.submit_tool_outputs.tool_calls
    outputs = [{"tool_call_id": call.id, "output": "22"} for call in calls]
    ended = await _done(
        threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id, thread_id=thread.id, tool_outputs=outputs
        )
    )
    changed = await _done(
        threads.runs.update(run.id, thread_id=thread.id, metadata={"stage": "🧪"})
    )
    again = {"runreel.text": "Warm."}
    stream = await _done(
        threads.runs.create(
            thread.id, assistant_id=helper.id, stream=True, tool_choice="none", metadata=again
        )
    )
    events = await _each(stream)
    return {
        "arguments": [json.loads(call.function.arguments) for call in calls],
        "statuses": [run.status, waiting.status, ended.status],
        "metadata": changed.metadata,
        "events": [event.event for event in events],
        "runs": [item.id for item in await _each(await _listed(threads.runs.list(thread.id)))],
        "first": run.id,
        "texts": [
            item.content[0].text.value
            for item in await _each(await _listed(threads.messages.list(thread.id, limit=1)))
        ],
        "usage": ended.usage.total_tokens > 0,
    }


async def _listed(page: Any) -> Any:
    return page if hasattr(page, "__aiter__") else await _done(page)


async def _tells(kind: str, url: str) -> dict[str, Any]:
    """What the application tells; in a thread, for the sync client blocks."""

    async def lives() -> dict[str, Any]:
        made: Any = openai.OpenAI if kind == "sync" else openai.AsyncOpenAI
        client = made(base_url=f"{url}/v1", api_key=FAKE_KEY, max_retries=0)
        try:
            return await _application(client)
        finally:
            await _done(client.close())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the whole API
        return await asyncio.to_thread(asyncio.run, lives())


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_application_for_the_real_api_runs_on_the_simulator_and_on_its_recording(
    kind: str, proxy: Proxy
) -> None:
    async with proxy(mode="record", upstream="simulator", base_path="/v1") as running:
        told = await _tells(kind, running.url)
    async with proxy(mode="replay", base_path="/v1") as running:
        replayed = await _tells(kind, running.url)
        receipt = running.receipt()

    assert told["arguments"] == [{"city": "text"}]
    assert told["statuses"] == ["queued", "requires_action", "completed"]
    assert told["metadata"] == {"stage": "🧪"}
    assert told["events"] == EVENTS
    assert (len(told["runs"]), told["runs"][1]) == (2, told["first"])
    assert told["texts"] == [
        "Warm.",
        "This is the runreel simulator: no model wrote this.",
        "How warm is Oslo?",
    ]
    assert told["usage"]
    assert replayed == told
    assert (receipt["missed"], receipt["unplayed"], receipt["upstream_calls"]) == ([], [], 0)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_what_the_simulator_refuses_reaches_the_application_as_the_sdks_own_error(
    kind: str, proxy: Proxy
) -> None:
    async with proxy(mode="passthrough", upstream="simulator", base_path="/v1") as running:

        async def refused() -> openai.APIStatusError:
            made: Any = openai.OpenAI if kind == "sync" else openai.AsyncOpenAI
            client = made(base_url=f"{running.url}/v1", api_key=FAKE_KEY, max_retries=0)
            try:
                await _done(client.beta.threads.runs.retrieve("run_x", thread_id="thread_x"))
            except openai.APIStatusError as error:
                return error
            finally:
                await _done(client.close())
            raise AssertionError("it was not refused")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            error = await asyncio.to_thread(asyncio.run, refused())

    assert isinstance(error, openai.NotFoundError)
    assert error.body == {
        "message": "No thread found with id 'thread_x'.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
