"""What an application does with azure-ai-agents: an agent and a run from its making to its update.

Usage: python azure_agents.py ENDPOINT STAGE
Prints a JSON line for each step; of a refusal its status and what is said of it.
"""

import json
import sys
import time
from typing import Any

from azure.ai.agents import AgentsClient  # type: ignore[import-not-found, unused-ignore]
from azure.core.credentials import AccessToken  # type: ignore[import-not-found, unused-ignore]
from azure.core.exceptions import (  # type: ignore[import-not-found, unused-ignore]
    HttpResponseError,
)


class NoCredential:
    """A token that is none."""

    def get_token(self, *_: str, **__: Any) -> Any:
        return AccessToken("token-" + "FaKe0" * 8, int(time.time()) + 3600)


def say(step: str, **found: Any) -> None:
    print(json.dumps({"step": step} | found), flush=True)


def use(client: Any, stage: str) -> None:
    agent = client.create_agent(model="gpt-4o", name="helper", instructions="Be brief.")
    say("agent", id=agent.id, name=agent.name)
    thread = client.threads.create()
    message = client.messages.create(thread_id=thread.id, role="user", content="How warm is it?")
    say("message", id=message.id, thread=message.thread_id)
    run = client.runs.create(thread_id=thread.id, agent_id=agent.id)
    say("run", id=run.id, agent=run.agent_id, status=run.status)
    while run.status in ("queued", "in_progress"):
        run = client.runs.get(thread_id=thread.id, run_id=run.id)
        say("poll", status=run.status)
    said = client.messages.list(thread_id=thread.id)
    say("messages", texts=[item.content[0].text.value for item in said])
    with client.runs.stream(thread_id=thread.id, agent_id=agent.id) as stream:
        say("stream", events=[str(kind) for kind, _, _ in stream])
    say("thread", metadata=client.threads.update(thread.id, metadata={"topic": "é"}).metadata)
    run = client.runs.update(thread_id=thread.id, run_id=run.id, metadata={"stage": stage})
    say("update", id=run.id, status=run.status, metadata=run.metadata)
    client.delete_agent(agent.id)
    say("end")


if __name__ == "__main__":
    endpoint, stage = sys.argv[1:]
    try:
        with AgentsClient(endpoint=endpoint, credential=NoCredential()) as client:
            use(client, stage)
    except HttpResponseError as error:
        say("refused", status=error.status_code, message=error.message)
