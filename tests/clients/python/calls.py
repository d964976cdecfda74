"""Makes calls on the runs resource with whatever `openai` this interpreter has, 1.x to 3.x.

Arguments: base URL, `sync` or `async`, and a JSON array of calls `{"call", "thread", "run",
"params"}`, made one after another; an array within it is made at once (async only). Prints a JSON
line for each: what it returned or the error it raised. A stream gives a line for each event, the
call `pages` one for each run of all pages; with `"raw": true` the answer's bytes are told as well.
"""

import asyncio
import base64
import inspect
import json
import sys
import warnings
from collections.abc import AsyncIterator
from typing import Any

import openai

KEY = "sk-" + "FaKe0" * 8

Call = dict[str, Any]
Line = dict[str, Any]


async def each(items: Any) -> AsyncIterator[Any]:
    """What a page or a stream of either kind of client holds."""
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


async def lines(runs: Any, given: Call) -> AsyncIterator[Line]:
    ids = [given["run"]] if "run" in given else []
    parameters = {"thread_id": given["thread"]} | given.get("params", {})
    if given["call"] == "submit_tool_outputs_and_poll":  # the only one that takes its run by name
        ids, parameters = [], parameters | {"run_id": given["run"]}
    if given["call"] == "pages":
        async for run in each(runs.list(**parameters)):
            yield {"item": run.id}
        return
    speaker = runs.with_raw_response if given.get("raw") else runs
    answer = getattr(speaker, given["call"])(*ids, **parameters)
    if inspect.isawaitable(answer):
        answer = await answer
    if parameters.get("stream"):
        async for event in each(answer):
            yield {"event": event.model_dump(mode="json", exclude_unset=True)}
    elif given.get("raw"):
        content = base64.b64encode(answer.http_response.content).decode("ascii")
        result = answer.parse().model_dump(mode="json", exclude_unset=True)
        yield {"result": result, "bytes": content, "version": openai.__version__}
    else:
        yield {"result": answer.model_dump(mode="json", exclude_unset=True)}


async def made(runs: Any, given: Call) -> list[Line]:
    told: list[Line] = []
    try:
        async for line in lines(runs, given):
            told.append(line)  # noqa: PERF401 - what came before an error is told too
    except openai.APIStatusError as error:
        body = {"status": error.status_code, "code": error.code, "message": str(error)}
        told.append({"raised": type(error).__name__} | body)
    return told


async def all_made(base_url: str, kind: str, calls: list[Call | list[Call]]) -> list[Line]:
    """The lines of all calls; `kind` is the client's, `sync` or `async`."""
    client: Any = {"sync": openai.OpenAI, "async": openai.AsyncOpenAI}[kind](
        base_url=base_url, api_key=KEY
    )
    told: list[Line] = []
    for step in calls:
        at_once = step if isinstance(step, list) else [step]
        for of_call in await asyncio.gather(*(made(client.beta.threads.runs, c) for c in at_once)):
            told += of_call
    closed = client.close()
    if inspect.isawaitable(closed):
        await closed
    return told


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the package calls the whole API deprecated
    for line in asyncio.run(all_made(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))):
        print(json.dumps(line))
