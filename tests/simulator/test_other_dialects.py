"""The simulator as DashScope, and as a LangGraph server that has threads."""

import json
import re
from typing import Any

import pytest

from runreel.assistants.dashscope import DASHSCOPE
from runreel.assistants.validation import check_event, check_response
from runreel.http.messages import Request
from runreel.http.sse import around_data, name_of, split
from runreel.simulator.server import Options, Reply, Simulator
from simulating import HeldClock

JSON = (("content-type", "application/json"),)
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Server:
    def __init__(self, profile: str, base: str = "", **options: Any) -> None:
        self.simulator = Simulator(Options(profile=profile, **options), HeldClock())
        self.base = base

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        sent = b"" if body is None else json.dumps(body).encode()
        return self.simulator.answer(Request(method, self.base + path, JSON, sent))

    def made(self, path: str, body: Any) -> Any:
        reply = self.ask("POST", path, body)
        assert reply.status == 200, reply.pieces
        return json.loads(reply.pieces[0])


def dashscope(base: str = "/api/v1", **options: Any) -> Server:
    return Server("dashscope", base, **options)


def _run(server: Server) -> str:
    helper = server.made("/assistants", {"model": "qwen-max", "instructions": "Be brief."})
    thread = server.made("/threads", "")
    made = server.made(f"/threads/{thread['id']}/runs", {"assistant_id": helper["id"]})
    return f"/threads/{thread['id']}/runs/{made['id']}"


def test_a_run_of_dashscope_has_a_uuid_times_in_milliseconds_and_the_id_of_its_request() -> None:
    server = dashscope()
    path = _run(server)
    for _ in range(2):
        server.ask("GET", path)

    reply = server.ask("POST", path, {"metadata": {"user": "a"}})

    run = json.loads(reply.pieces[0])
    assert re.fullmatch(f"run_{UUID}", run["id"])
    assert re.fullmatch(UUID, run["request_id"])
    assert (run["created_at"] % 1000, run["created_at"] > 10**12) == (0, True)
    assert (run["file_ids"], run["metadata"]) == ([], {"user": "a"})
    assert list(run["usage"]) == ["input_tokens", "output_tokens", "total_tokens"]
    assert check_response(DASHSCOPE, "modifyRun", 200, reply.pieces[0]) == ()


def test_the_events_of_dashscope_have_no_space_after_the_colon_and_no_finding() -> None:
    server = dashscope()
    path = _run(server)
    thread = path.rpartition("/runs")[0]
    for _ in range(2):
        server.ask("GET", path)
    helper = json.loads(server.ask("GET", path).pieces[0])["assistant_id"]

    streamed = server.ask("POST", f"{thread}/runs", {"assistant_id": helper, "stream": True})

    body = b"".join(streamed.pieces)
    assert body.startswith(b'event:thread.run.created\ndata:{"id":"run_')
    assert body.endswith(b"event:done\ndata:[DONE]\n\n")
    found: list[Any] = []
    for index, event in enumerate(split(body)[:-1]):
        parts = around_data(event)
        assert parts is not None
        assert b'"request_id":"' in parts[1]
        found += check_event(DASHSCOPE, index, name_of(event), parts[1])
    assert found == []


@pytest.mark.parametrize(
    ("path", "options", "status", "code"),
    [
        ("/threads/thread_x/runs/run_x", {}, 404, "NotFound"),
        ("/nothing", {}, 404, "NotFound"),
        ("/threads", {"api_key": "ours"}, 401, "InvalidApiKey"),
    ],
)
def test_a_refusal_of_dashscope_has_no_envelope(
    path: str, options: Any, status: int, code: str
) -> None:
    reply = dashscope(**options).ask("POST", path, {})

    body = json.loads(reply.pieces[0])
    assert (reply.status, body["code"]) == (status, code)
    assert list(body) == ["code", "message", "request_id"]


def test_dashscope_is_nowhere_else() -> None:
    assert dashscope("/v1").ask("POST", "/threads", {}).status == 404


def langgraph() -> Server:
    return Server("langgraph")


def test_the_metadata_of_a_thread_of_langgraph_are_merged_by_patch() -> None:
    server = langgraph()
    made = server.made("/threads", {"metadata": {"a": 1}})
    path = f"/threads/{made['thread_id']}"

    changed = json.loads(server.ask("PATCH", path, {"metadata": {"b": [2]}}).pieces[0])
    read = json.loads(server.ask("GET", path).pieces[0])

    assert re.fullmatch(UUID, made["thread_id"])
    assert read == changed
    assert changed["metadata"] == {"a": 1, "b": [2]}
    assert changed["created_at"] == made["created_at"] == made["updated_at"]
    assert changed["updated_at"] > made["updated_at"]


def test_a_thread_of_langgraph_may_bring_its_id_and_be_there_already() -> None:
    server = langgraph()
    first = server.made("/threads", {"thread_id": "mine", "metadata": {"a": 1}})

    again = server.ask("POST", "/threads", {"thread_id": "mine"})
    kept = server.made("/threads", {"thread_id": "mine", "if_exists": "do_nothing"})

    assert (first["thread_id"], kept) == ("mine", first)
    assert (again.status, json.loads(again.pieces[0])) == (
        409,
        {"detail": "Thread with ID mine already exists"},
    )


def test_a_thread_of_langgraph_is_deleted_without_a_word() -> None:
    server = langgraph()
    path = f"/threads/{server.made('/threads', {})['thread_id']}"

    gone = server.ask("DELETE", path)
    after = server.ask("PATCH", path, {"metadata": {}})

    assert (gone.status, gone.pieces) == (204, ())
    assert after.status == 404
    assert json.loads(after.pieces[0])["detail"].endswith("not found")


@pytest.mark.parametrize("path", ["/assistants", "/threads/t/runs", "/v1/threads"])
def test_nothing_else_is_there_of_langgraph(path: str) -> None:
    assert langgraph().ask("POST", path, {}).status == 404
