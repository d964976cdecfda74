"""What an application does with langgraph-sdk: a thread, and the update of its metadata.

Usage: python langgraph_threads.py URL STAGE
Prints a JSON line for each step; of a refusal its status and what is said of it.
"""

import json
import sys
from typing import Any

import httpx
from langgraph_sdk import get_sync_client  # type: ignore[import-not-found, unused-ignore]


def say(step: str, **found: Any) -> None:
    print(json.dumps({"step": step} | found), flush=True)


def use(client: Any, stage: str) -> None:
    thread = client.threads.create(metadata={"owner": "é"})
    say("thread", **thread)
    say("read", **client.threads.get(thread["thread_id"]))
    say("update", **client.threads.update(thread["thread_id"], metadata={"stage": stage}))
    client.threads.delete(thread["thread_id"])
    say("end")


if __name__ == "__main__":
    url, stage = sys.argv[1:]
    with get_sync_client(url=url) as client:
        try:
            use(client, stage)
        except httpx.HTTPStatusError as error:
            say("refused", status=error.response.status_code, message=error.response.text)
