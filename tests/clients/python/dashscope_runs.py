"""What an application does with dashscope: a run from its making to the update of its metadata.

Usage: python dashscope_runs.py BASE_URL STAGE
Prints a JSON line for each step; of a refusal its status and what is said of it.
"""

import json
import sys
import warnings
from typing import Any

import dashscope  # type: ignore[import-not-found, unused-ignore]
from dashscope import (  # type: ignore[import-not-found, unused-ignore]
    Assistants,
    Messages,
    Runs,
    Threads,
)

warnings.simplefilter("ignore", DeprecationWarning)  # the whole API, says the package


def say(step: str, **found: Any) -> None:
    print(json.dumps({"step": step} | found), flush=True)


def use(stage: str) -> None:
    helper = Assistants.create(model="qwen-max", name="helper", instructions="Be brief.")
    say("assistant", id=helper.id, created_at=helper.created_at, files=helper.file_ids)
    thread = Threads.create()
    message = Messages.create(thread.id, content="How warm is it?")
    say("message", id=message.id, thread=message.thread_id)
    run = Runs.create(thread.id, assistant_id=helper.id)
    say("run", id=run.id, status=run.status, code=run.status_code)
    while run.status in ("queued", "in_progress"):
        run = Runs.get(run.id, thread_id=thread.id)
        say("poll", status=run.status)
    events = Runs.create(thread.id, assistant_id=helper.id, stream=True)
    say("stream", events=[kind for kind, _ in events])
    run = Runs.update(run.id, thread_id=thread.id, metadata={"stage": stage})
    if run.status_code != 200:
        say("refused", status=run.status_code, message=run.error["message"])
        return
    say("update", id=run.id, metadata=run.metadata, usage=run.usage["total_tokens"])


if __name__ == "__main__":
    dashscope.base_http_api_url, stage = sys.argv[1:]
    dashscope.api_key = "sk-" + "FaKe0" * 8
    use(stage)
