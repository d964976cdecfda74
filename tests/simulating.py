"""A simulator in hand, for tests that ask it as a client would, without a port."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from runreel.http.messages import Headers, Request, values
from runreel.http.sse import split
from runreel.simulator.server import Options, Reply, Simulator
from runreel.simulator.world import Settings
from wire import Reply as WireReply
from wire import Wire, get, post

HEADERS: Headers = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))
FUNCTION: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}


class HeldClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


# As in the recordings of March 2026.
RUN_MEMBERS = [
    *("id", "object", "created_at", "assistant_id", "thread_id", "status", "started_at"),
    *("expires_at", "cancelled_at", "failed_at", "completed_at", "required_action", "last_error"),
    *("model", "instructions", "tools", "tool_resources", "metadata", "temperature", "top_p"),
    *("reasoning_effort", "max_completion_tokens", "max_prompt_tokens", "truncation_strategy"),
    *("incomplete_details", "usage", "response_format", "tool_choice", "parallel_tool_calls"),
]
# Real lists have no ids when they are empty: the profile's only advice.
PAGE_ADVICE = {("/first_id", "type"), ("/last_id", "type")}


@dataclass(frozen=True)
class Said:
    """An answer; `json` is its body or, of a stream, the data of its last event but `[DONE]`."""

    reply: Reply

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def body(self) -> bytes:
        return b"".join(self.reply.pieces)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])

    @property
    def events(self) -> list[tuple[str, Any]]:
        """Name and data of each event of a stream but the last, which is checked."""
        assert self.body.endswith(b"event: done\ndata: [DONE]\n\n")
        pairs = [event.decode().split("\n")[:2] for event in split(self.body)][:-1]
        return [(name[7:], json.loads(data[6:])) for name, data in pairs]

    def header(self, name: str) -> str:
        return values(self.reply.headers, name)[0]


@dataclass
class Talk:
    """A conversation with one simulator."""

    options: Options = field(default_factory=Options)
    clock: HeldClock = field(default_factory=HeldClock)
    headers: Headers = HEADERS

    def __post_init__(self) -> None:
        self.simulator = Simulator(self.options, self.clock)

    def get(self, path: str) -> Said:
        return self.ask("GET", path)

    def post(self, path: str, body: Any = None) -> Said:
        return self.ask("POST", path, b"" if body is None else json.dumps(body).encode())

    def ask(self, method: str, path: str, body: bytes = b"") -> Said:
        target = path if path.startswith("/v1") else f"/v1{path}"
        return Said(self.simulator.answer(Request(method, target, self.headers, body)))

    def assistant(self, **members: Any) -> str:
        members = {"model": "gpt-4o", "instructions": "Be brief."} | members
        return str(self.post("/assistants", members).json["id"])

    def thread(self) -> str:
        sent = {"messages": [{"role": "user", "content": "How warm is it?"}]}
        return str(self.post("/threads", sent).json["id"])

    def run(self, thread: str | None = None, **members: Any) -> str:
        """The path of a new run."""
        thread = thread or self.thread()
        sent = {"assistant_id": self.assistant()} | members
        made = self.post(f"/threads/{thread}/runs", sent)
        assert made.status == 200, made.body
        return f"/threads/{thread}/runs/{made.json['id']}"

    def ended(self, **members: Any) -> str:
        """The path of a run that has come to its end."""
        path = self.run(**members)
        self.get(path)
        self.get(path)
        return path


def error_of(said: Said) -> tuple[int, str, Any, Any]:
    """Status, message, param and code of a refusal in OpenAI's envelope."""
    error = said.json["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return said.status, error["message"], error["param"], error["code"]


def talk(**settings: Any) -> Talk:
    """A talk with a simulator; `settings` are those of `Settings`."""
    return Talk(Options(settings=Settings(**settings)))


async def story(url: str) -> list[WireReply]:
    """A run that is made, polled to its end, changed, and streamed once more."""
    wire = await Wire.open(url)

    async def sent(path: str, body: Any) -> WireReply:
        told.append(await wire.send(post(path, json.dumps(body).encode(), HEADERS)))
        return told[-1]

    told: list[WireReply] = []
    helper = json.loads((await sent("/assistants", {"model": "m", "instructions": "x"})).body)
    run = {"assistant_id": helper["id"]}
    made = json.loads((await sent("/threads/runs", run)).body)
    path = f"/threads/{made['thread_id']}/runs/{made['id']}"
    told += [await wire.send(get(path, HEADERS[1:])) for _ in range(2)]
    await sent(path, {"metadata": {"stage": "雪"}})
    await sent("/threads/runs", run | {"stream": True})
    await sent(path, {"metadata": {"stage": 1}})
    await wire.close()
    return told
