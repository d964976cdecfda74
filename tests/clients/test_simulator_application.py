"""An application that was written for the real API, on the simulator: it notices nothing.

`_application` is what such applications look like; sync and async differ by `await` alone, which
`_done` stands for.
"""

import asyncio
import inspect
import json
import warnings
from collections.abc import Awaitable, Callable
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
CALL, DELTA = "call {0.name} {0.arguments}", "delta {0.value} of {1.value}"
MESSAGE, STEP = "message {0.content[0].text.value}", "step {0.type} {0.status}"
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


async def _heard(manager: Any, handler: Any) -> list[str]:
    """What a handler heard of a stream that was followed to its end."""
    if hasattr(manager, "__aenter__"):
        async with manager as stream:
            await stream.until_done()
    else:
        with manager as stream:
            stream.until_done()
    return list(handler.heard)


class _Handler(openai.AssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def on_tool_call_done(self, tool_call: Any) -> None:
        self.heard.append(CALL.format(tool_call.function))

    def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.heard.append(DELTA.format(delta, snapshot))

    def on_message_done(self, message: Any) -> None:
        self.heard.append(MESSAGE.format(message))

    def on_run_step_done(self, run_step: Any) -> None:
        self.heard.append(STEP.format(run_step))

    def on_end(self) -> None:
        self.heard.append("end")


class _AsyncHandler(openai.AsyncAssistantEventHandler):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    async def on_tool_call_done(self, tool_call: Any) -> None:
        self.heard.append(CALL.format(tool_call.function))

    async def on_text_delta(self, delta: Any, snapshot: Any) -> None:
        self.heard.append(DELTA.format(delta, snapshot))

    async def on_message_done(self, message: Any) -> None:
        self.heard.append(MESSAGE.format(message))

    async def on_run_step_done(self, run_step: Any) -> None:
        self.heard.append(STEP.format(run_step))

    async def on_end(self) -> None:
        self.heard.append("end")


async def _listener(client: Any) -> dict[str, Any]:
    """An application that listens to its runs with event handlers, and cancels one."""
    made: Any = _AsyncHandler if isinstance(client, openai.AsyncOpenAI) else _Handler
    threads = client.beta.threads
    helper = await _done(client.beta.assistants.create(model="m", instructions="x", tools=[TOOL]))
    thread = (await _done(threads.create())).id
    script = {"runreel.text": "Warm now."}
    handler = made()
    stream = threads.runs.stream(
        thread_id=thread, assistant_id=helper.id, metadata=script, event_handler=handler
    )
    called = await _heard(stream, handler)
    (run,) = await _each(await _listed(threads.runs.list(thread)))
    (call,) = run.required_action.submit_tool_outputs.tool_calls
    handler = made()
    stream = threads.runs.submit_tool_outputs_stream(
        run_id=run.id,
        thread_id=thread,
        tool_outputs=[{"tool_call_id": call.id, "output": "22"}],
        event_handler=handler,
    )
    answered = await _heard(stream, handler)
    pages = threads.runs.steps.list(run.id, thread_id=thread, order="asc", limit=1)
    steps = await _each(await _listed(pages))
    step = await _done(threads.runs.steps.retrieve(steps[1].id, thread_id=thread, run_id=run.id))
    second = await _done(threads.runs.create(thread, assistant_id=helper.id))
    cancelling = await _done(threads.runs.cancel(second.id, thread_id=thread))
    cancelled = await _done(threads.runs.poll(second.id, thread_id=thread))
    return {
        "called": called,
        "answered": answered,
        "steps": [(item.type, item.status) for item in steps],
        "same step": step == steps[1],
        "cancel": [cancelling.status, cancelled.status],
    }


async def _listed(page: Any) -> Any:
    return page if hasattr(page, "__aiter__") else await _done(page)


async def _tells(
    kind: str, url: str, application: Callable[[Any], Awaitable[Any]] = _application
) -> Any:
    """What an application tells; in a thread, for the sync client blocks."""

    async def lives() -> Any:
        made: Any = openai.OpenAI if kind == "sync" else openai.AsyncOpenAI
        client = made(base_url=f"{url}/v1", api_key=FAKE_KEY, max_retries=0)
        try:
            return await application(client)
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
async def test_an_application_that_listens_to_events_and_cancels_runs_on_it_too(
    kind: str, proxy: Proxy
) -> None:
    async with proxy(mode="record", upstream="simulator", base_path="/v1") as running:
        told = await _tells(kind, running.url, _listener)
    async with proxy(mode="replay", base_path="/v1") as running:
        replayed = await _tells(kind, running.url, _listener)

    assert told == {
        "called": ['call get_temperature {"city":"text"}', "end"],
        "answered": [
            "step tool_calls completed",
            "delta Warm of Warm",
            "delta  now. of Warm now.",
            "message Warm now.",
            "step message_creation completed",
            "end",
        ],
        "steps": [("tool_calls", "completed"), ("message_creation", "completed")],
        "same step": True,
        "cancel": ["cancelling", "cancelled"],
    }
    assert replayed == told


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
