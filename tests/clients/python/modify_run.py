"""One modify run call by whatever version of the `openai` package this interpreter has.

Arguments: base URL, `sync` or `async`, metadata as JSON. Prints one JSON object: what the call
returned as an object and as bytes, or the exception it raised. Runs under openai 1.x to 3.x.
"""

import asyncio
import base64
import json
import sys
import warnings
from typing import Any

import openai

KEY = "sk-" + "FaKe0" * 8


async def modify(base_url: str, kind: str, metadata: dict[str, str]) -> Any:
    if kind == "async":
        async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY) as client:
            later = client.beta.threads.runs.with_raw_response
            return await later.update("run_abc123", thread_id="thread_abc123", metadata=metadata)
    with openai.OpenAI(base_url=base_url, api_key=KEY) as client:
        runs = client.beta.threads.runs.with_raw_response
        return runs.update("run_abc123", thread_id="thread_abc123", metadata=metadata)


def main() -> None:
    warnings.simplefilter("ignore")  # the package calls the whole API deprecated
    base_url, kind, metadata = sys.argv[1:]
    result: dict[str, Any] = {"version": openai.__version__}
    try:
        raw = asyncio.run(modify(base_url, kind, json.loads(metadata)))
    except openai.APIStatusError as error:
        result |= {"raised": type(error).__name__, "status": error.status_code}
        result |= {"message": str(error), "body": error.body}
    else:
        result["object"] = raw.parse().model_dump(mode="json")
        result["bytes"] = base64.b64encode(raw.http_response.content).decode("ascii")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
