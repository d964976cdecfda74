"""No body makes the simulator fail, now or later: it is refused, or everything after it works."""

import copy
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runreel.assistants import PROFILES
from runreel.assistants.validation import check_response, forbids
from runreel.http.messages import Request
from runreel.simulator.server import Options, Reply, Simulator
from simulating import FUNCTION, HEADERS, HeldClock

MESSAGE = {"role": "user", "content": "Hi."}
PARTS = {"role": "user", "content": [{"type": "text", "text": "Hi."}]}
RUN = {"assistant_id": "ASSISTANT", "instructions": "x", "tools": [FUNCTION], "metadata": {}}
CALLS = {"metadata": {"runreel.tool_calls": '[{"name":"f"}]'}}
# Bodies that are right, each for its path; `THREAD` and the like stand for what is there.
RIGHT: list[tuple[str, Any]] = [
    ("/assistants", {"model": "m", "instructions": "x", "tools": [FUNCTION], "metadata": {}}),
    ("/assistants/ASSISTANT", {"model": "m", "name": "n", "description": "d", "top_p": 1}),
    ("/threads", {"messages": [MESSAGE, PARTS], "metadata": {}}),
    ("/threads/THREAD", {"metadata": {"a": "b"}, "tool_resources": {}}),
    ("/threads/THREAD/messages", PARTS | {"metadata": {}}),
    ("/threads/THREAD/messages", MESSAGE | {"attachments": []}),
    ("/threads/THREAD/messages/MESSAGE", {"metadata": {"a": "b"}}),
    ("/threads/THREAD/runs", RUN | {"additional_messages": [MESSAGE], "stream": True}),
    ("/threads/THREAD/runs", RUN | {"tool_choice": "auto", "truncation_strategy": {}}),
    ("/threads/THREAD/runs", {"assistant_id": "ASSISTANT"} | CALLS),
    ("/threads/runs", {"assistant_id": "ASSISTANT", "thread": {"messages": [MESSAGE]}}),
    ("/threads/THREAD/runs/RUN", {"metadata": {"a": "b"}}),
    ("/threads/THREAD/runs/RUN/cancel", {}),
    (
        "/threads/THREAD/runs/RUN/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call_x", "output": "1"}], "stream": True},
    ),
    ("/_simulator/next_run", {"outcome": "completed", "text": "t", "tool_calls": []}),
    ("/_simulator/next_run", {"tool_calls": [{"name": "f", "arguments": {}}]}),
]
NAMES = st.sampled_from(["type", "text", "value", "role", "content", "name", "function", "a"])
PLAIN = st.sampled_from([None, True, 0, 5, -1.5, 10**20, "", "text", "function", "雪", "\ud800"])
JUNK = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


def _places(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(document, dict | list):
        inner = [*(document.items() if isinstance(document, dict) else enumerate(document))]
    return [at, *(place for step, item in inner for place in _places(item, (*at, step)))]


def _put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.copy(document)
    changed[place[0]] = _put(document[place[0]], place[1:], value)
    return changed


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, Any]:
    """A path and a body for it, at one place of which stands anything."""
    path, right = draw(st.sampled_from(RIGHT))
    return path, _put(right, draw(st.sampled_from(_places(right))), draw(JUNK))


class _World:
    """A simulator in which there is one of everything."""

    def __init__(self, dialect: str) -> None:
        self.root = "" if dialect == "rubra" else "/v1"
        self.simulator = Simulator(Options(profile=dialect), HeldClock())
        self.there = {"RUN": "run_none"}
        self._made("ASSISTANT", "/assistants", {"model": "m", "instructions": "x"})
        self._made("THREAD", "/threads", {})
        self._made("MESSAGE", "/threads/THREAD/messages", MESSAGE)

    def _made(self, name: str, path: str, body: Any) -> None:
        self.there[name] = json.loads(self.ask("POST", path, body).pieces[0])["id"]

    def ask(self, method: str, path: str, body: Any = None) -> Reply:
        sent = "" if body is None else json.dumps(body)
        for name, value in self.there.items():
            path, sent = path.replace(name, value), sent.replace(f'"{name}"', f'"{value}"')
        return self.simulator.answer(Request(method, self.root + path, HEADERS, sent.encode()))


def _lives_on(world: _World, dialect: str) -> None:
    """A run is made with what is there, and lives to its end; everything is shown."""
    made = world.ask("POST", "/threads/THREAD/runs", {"assistant_id": "ASSISTANT"})
    if made.status == 200:
        world.there["RUN"] = json.loads(made.pieces[0])["id"]
    for path in ("/assistants", "/threads/THREAD/messages", "/assistants/ASSISTANT"):
        assert world.ask("GET", path).status == 200
    for _ in range(3):
        run = world.ask("GET", "/threads/THREAD/runs/RUN")
        assert made.status != 200 or run.status == 200
        found = check_response(PROFILES[dialect], "getRun", run.status, run.pieces[0])
        assert not forbids(found), found


@pytest.mark.parametrize("dialect", ["openai", "rubra"])
@given(sent=st.lists(bodies(), min_size=1, max_size=4))
@example(sent=[("/threads/THREAD/messages", {"role": "user", "content": [1]})])
@example(sent=[("/threads/THREAD/messages", {"role": "user", "content": [{"type": "text"}]})])
@example(sent=[("/threads", {"messages": "x"})])
@example(sent=[("/assistants/ASSISTANT", {"instructions": 5})])
@example(sent=[("/threads/THREAD/runs", {"assistant_id": "ASSISTANT", "instructions": 5})])
@example(sent=[("/threads/THREAD/messages/MESSAGE", {"metadata": [["a", 1]]})])
def test_whatever_is_sent_nothing_fails_then_or_later(
    dialect: str, sent: list[tuple[str, Any]]
) -> None:
    world = _World(dialect)

    for path, body in sent:
        reply = world.ask("POST", path, body)
        assert reply.status in {200, 400, 404, 405, 422}
        if reply.status == 200 and path.endswith("/runs") and len(reply.pieces) == 1:
            run = json.loads(reply.pieces[0])
            world.there |= {"RUN": run["id"], "THREAD": run["thread_id"]}

    _lives_on(world, dialect)
