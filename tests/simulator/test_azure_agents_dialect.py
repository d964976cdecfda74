"""The simulator as Azure AI Foundry's classic agents: paths, `api-version`, heads and envelopes."""

import json
import re
from typing import Any

import pytest

from runreel.assistants.azure_agents import AZURE_AGENTS
from runreel.assistants.validation import check_response
from runreel.http.messages import Request
from runreel.http.sse import split
from runreel.simulator.server import Options, Reply, Simulator
from simulating import HeldClock

JSON = (("content-type", "application/json"),)
PROJECT = "/api/projects/ours"
OLDER = (
    "/agents/v1.0/subscriptions/s/resourceGroups/g"
    "/providers/Microsoft.MachineLearningServices/workspaces/w"
)


class Azure:
    def __init__(self, base: str = PROJECT, query: str = "?api-version=v1", **options: Any) -> None:
        self.simulator = Simulator(Options(profile="azure_agents", **options), HeldClock())
        self.base, self.query = base, query

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        sent = b"" if body is None else json.dumps(body).encode()
        target = f"{self.base}{path}{self.query}"
        return self.simulator.answer(Request(method, target, JSON, sent))

    def made(self, path: str, body: Any) -> Any:
        reply = self.ask("POST", path, body)
        assert reply.status == 200, reply.pieces
        return json.loads(reply.pieces[0])

    def run(self) -> str:
        """The path of a new run."""
        agent = self.made("/assistants", {"model": "gpt-4o", "instructions": "Be brief."})["id"]
        thread = self.made("/threads", {})["id"]
        run = self.made(f"/threads/{thread}/runs", {"assistant_id": agent, "stream": False})
        return f"/threads/{thread}/runs/{run['id']}"


@pytest.mark.parametrize("base", [PROJECT, OLDER], ids=["project", "workspace"])
def test_a_run_is_made_polled_and_updated_without_a_beta_header(base: str) -> None:
    azure = Azure(base)
    path = azure.run()

    statuses = [json.loads(azure.ask("GET", path).pieces[0])["status"] for _ in range(2)]
    updated = azure.ask("POST", path, {"metadata": {"key1": "value1", "key2": "value2"}})

    run = json.loads(updated.pieces[0])
    assert statuses == ["in_progress", "completed"]
    assert run["metadata"] == {"key1": "value1", "key2": "value2"}
    assert check_response(AZURE_AGENTS, "modifyRun", 200, updated.pieces[0]) == ()
    assert list(run) == [  # as recorded in 2025
        *("id", "object", "created_at", "assistant_id", "thread_id", "status", "started_at"),
        *("expires_at", "cancelled_at", "failed_at", "completed_at", "required_action"),
        *("last_error", "model", "instructions", "tools", "tool_resources", "metadata"),
        *("temperature", "top_p", "max_completion_tokens", "max_prompt_tokens"),
        *("truncation_strategy", "incomplete_details", "usage", "response_format"),
        *("tool_choice", "parallel_tool_calls"),
    ]


def test_its_heads_differ_each_time_in_what_means_nothing() -> None:
    azure = Azure()
    path = azure.run()

    heads = [dict(azure.ask("GET", path).headers) for _ in range(2)]

    changing = ("apim-request-id", "x-ms-middleware-request-id", "x-request-id", "request-context")
    assert [name for name in changing if heads[0][name] == heads[1][name]] == []
    assert re.fullmatch("[0-9a-f]{32}", heads[0]["openai-organization"])
    assert heads[0]["openai-version"] == "2020-10-01"


def test_without_a_version_of_the_api_the_gateway_refuses() -> None:
    reply = Azure(query="").ask("POST", "/threads", {})

    assert (reply.status, json.loads(reply.pieces[0])) == (
        400,
        {
            "error": {
                "code": "BadRequest",
                "message": "Missing required query parameter: api-version",
            }
        },
    )


@pytest.mark.parametrize("base", ["", "/v1", "/openai/v1", "/api/projects", "/api"])
def test_elsewhere_is_nothing(base: str) -> None:
    reply = Azure(base).ask("POST", "/threads", {})

    assert (reply.status, json.loads(reply.pieces[0])) == (
        404,
        {"error": {"code": "404", "message": "Resource not found"}},
    )


def test_another_key_is_refused_by_the_gateway() -> None:
    reply = Azure(api_key="ours").ask("POST", "/threads", {})

    assert (reply.status, json.loads(reply.pieces[0])["error"]["code"]) == (401, "PermissionDenied")


def test_a_wrong_value_is_refused_by_the_api_behind_it() -> None:
    azure = Azure()

    reply = azure.ask("POST", azure.run(), {"metadata": {"a": 1}})

    assert (reply.status, json.loads(reply.pieces[0])["error"]) == (
        400,
        {
            "message": "Invalid type for 'metadata.a': expected a string, but got an integer "
            "instead.",
            "type": "invalid_request_error",
            "param": "metadata.a",
            "code": "invalid_type",
        },
    )


def test_threads_are_listed_and_runs_streamed() -> None:
    azure = Azure()
    agent = azure.made("/assistants", {"model": "gpt-4o"})["id"]
    thread = azure.made("/threads", {"messages": [{"role": "user", "content": "x"}]})["id"]

    page = json.loads(azure.ask("GET", "/threads").pieces[0])
    body = {"assistant_id": agent, "stream": True}
    streamed = b"".join(azure.ask("POST", f"/threads/{thread}/runs", body).pieces)

    assert [item["id"] for item in page["data"]] == [thread]
    events = [event.split(b"\n")[0] for event in split(streamed)]
    assert (events[0], events[-1]) == (b"event: thread.run.created", b"event: done")
    assert b"reasoning_effort" not in streamed
