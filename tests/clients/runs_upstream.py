"""A small Assistants server for the client tests of all languages. Standard library only.

`python tests/clients/runs_upstream.py` prints its URL on the first line and serves on a free port
of 127.0.0.1 until it is killed; `/v1` in front of a path is optional. What it answers depends only
on what it was asked before, about the same thread:

- a run is named after its thread (`thread_abc123` has `run_abc123`) and keeps assistant,
  instructions, temperature and metadata of its creation; an update replaces the metadata;
- a new run is `queued`; each retrieve brings it one step on: `in_progress`, then `completed`;
  cancel makes it `cancelled`, tool outputs make it `queued` again;
- a list holds the thread's run, then `run_def456` and `run_ghi789`, in pages (`limit`, `after`);
- with `"stream": true`, create, submit and create-thread-and-run answer Server-Sent Events, and
  the run is `completed` after them; create-thread-and-run always makes `thread_abc123`;
- a POST with metadata `{"retry": "yes"}` is answered 500, 500, 200 (and so on, per path), with
  `{"retry": "later"}` 429, 429, 200: each SDK call sees two failures and one success.
"""

import json
import re
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Body = dict[str, Any]

CREATED_AT = 1699075072
THREADS_AND_RUNS = re.compile(r"(?:/v1)?/threads/runs")
RUNS = re.compile(
    r"(?:/v1)?/threads/(?P<thread>[^/]+)/runs(?:/(?P<run>[^/]+)(?:/(?P<action>[a-z_]+))?)?"
)
PROGRESS = {"queued": "in_progress", "in_progress": "completed"}
FAILURES: dict[str, tuple[int, str, str]] = {  # by metadata "retry"
    "yes": (500, "retry-after-ms", "1"),
    "later": (429, "Retry-After", "0.01"),
}
FAILURES_BEFORE_SUCCESS = 2
JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"


def a_run(thread: str, run: str, **changes: Any) -> Body:
    """A run with every member OpenAI sent in 2026, in its order."""
    nothing = dict.fromkeys(("expires_at", "cancelled_at", "failed_at", "completed_at"))
    whole: Body = {"id": run, "object": "thread.run", "created_at": CREATED_AT}
    whole |= {"assistant_id": "asst_abc123", "thread_id": thread, "status": "queued"}
    whole |= {"started_at": None} | nothing | {"required_action": None, "last_error": None}
    whole |= {"model": "gpt-4o", "instructions": "Be brief.", "tools": [], "tool_resources": {}}
    whole |= {"metadata": {}, "temperature": 1.0, "top_p": 1.0, "reasoning_effort": None}
    whole |= {"max_completion_tokens": 1000, "max_prompt_tokens": 1000}
    whole |= {"truncation_strategy": {"type": "auto", "last_messages": None}}
    whole |= {"incomplete_details": None, "usage": None, "response_format": "auto"}
    whole |= {"tool_choice": "auto", "parallel_tool_calls": True}
    return whole | changes


def status_of(run: Body, status: str) -> Body:
    """The run in another status, with the times that belong to it."""
    times: Body = {} if status == "queued" else {"started_at": CREATED_AT + 1}
    if status in ("completed", "cancelled"):
        times[f"{status}_at"] = CREATED_AT + 2
    return run | {"status": status} | times


def an_error(message: str, kind: str = "invalid_request_error") -> Body:
    """OpenAI's error envelope."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def events_of(run: Body, *, with_thread: bool) -> list[bytes]:
    """The stream of a run from its creation to its end, one item an event, framed as recorded."""
    thread = {"id": run["thread_id"], "object": "thread", "created_at": CREATED_AT, "metadata": {}}
    text = [{"index": 0, "type": "text", "text": {"value": "28 °C", "annotations": []}}]
    delta = {"id": "msg_abc123", "object": "thread.message.delta", "delta": {"content": text}}
    named = [("thread.created", thread)] if with_thread else []
    named += [("thread.run.created", run), ("thread.run.queued", run)]
    named += [("thread.run.in_progress", status_of(run, "in_progress"))]
    named += [("thread.message.delta", delta)]
    named += [("thread.run.completed", status_of(run, "completed"))]
    compact = [
        (name, json.dumps(data, ensure_ascii=False, separators=(",", ":"))) for name, data in named
    ]
    return [f"event: {n}\ndata: {d}\n\n".encode() for n, d in [*compact, ("done", "[DONE]")]]


class RunsUpstream(ThreadingHTTPServer):
    """The server with its runs, and the targets it was asked for in order of arrival."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.lock = Lock()
        self.runs: dict[str, Body] = {}  # by thread
        self.tries: Counter[str] = Counter()  # of requests that fail at first, by path
        self.asked: list[str] = []  # method and target

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def run_of(self, thread: str) -> Body:
        name = "run_" + thread.removeprefix("thread_")
        return self.runs.setdefault(thread, a_run(thread, name))

    def page(self, thread: str, query: dict[str, list[str]]) -> Body:
        others = [a_run(thread, name, status="completed") for name in ("run_def456", "run_ghi789")]
        runs = [self.run_of(thread), *others]
        names = [run["id"] for run in runs]
        after = query.get("after", [""])[0]
        rest = runs[names.index(after) + 1 :] if after in names else runs
        data = rest[: int(query.get("limit", ["20"])[0])]
        first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
        return {"object": "list", "data": data, "first_id": first, "last_id": last} | {
            "has_more": len(data) < len(rest)
        }

    def write(self, thread: str, action: str, sent: Body) -> Body:
        """Create, update, cancel or submit; returns the run after it."""
        run = self.run_of(thread)
        if action == "create":
            kept = ("assistant_id", "instructions", "temperature", "metadata")
            chosen = {name: sent[name] for name in kept if sent.get(name) is not None}
            run = a_run(thread, run["id"], **chosen)
        elif action == "update":
            run = run | {"metadata": sent.get("metadata") or {}}
        else:
            run = status_of(run, {"cancel": "cancelled", "submit_tool_outputs": "queued"}[action])
        self.runs[thread] = run
        return run


class _Handler(BaseHTTPRequestHandler):
    server: RunsUpstream
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asked.append(f"GET {self.path}")
            found = RUNS.fullmatch(urlsplit(self.path).path)
            if found is None or found["action"]:
                return self._unknown()
            thread = unquote(found["thread"])
            if found["run"] is None:
                return self._json(self.server.page(thread, parse_qs(urlsplit(self.path).query)))
            run = self.server.run_of(thread)
            if found["run"] != run["id"]:
                return self._unknown()
            status = str(run["status"])
            run = status_of(run, PROGRESS.get(status, status))
            self.server.runs[thread] = run
            return self._json(run)

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        with self.server.lock:
            self.server.asked.append(f"POST {self.path}")
            path = urlsplit(self.path).path
            with_thread = THREADS_AND_RUNS.fullmatch(path) is not None
            found = RUNS.fullmatch(path)
            if self._fails(sent):
                return None
            if with_thread:
                thread, action = "thread_abc123", "create"
            elif found and (found["action"] in (None, "cancel", "submit_tool_outputs")):
                thread = unquote(found["thread"])
                action = found["action"] or ("update" if found["run"] else "create")
            else:
                return self._unknown()
            run = self.server.write(thread, action, sent)
            if sent.get("stream"):
                self.server.runs[thread] = status_of(run, "completed")
        if sent.get("stream"):
            return self._events(events_of(run, with_thread=with_thread))
        return self._json(run)

    def _fails(self, sent: Body) -> bool:
        """Whether this request is one that fails before the same one succeeds; then answers it."""
        failure = FAILURES.get(str((sent.get("metadata") or {}).get("retry")))
        if failure is None:
            return False
        self.server.tries[self.path] += 1
        if self.server.tries[self.path] % (FAILURES_BEFORE_SUCCESS + 1) == 0:
            return False
        status, name, value = failure
        self._json(an_error(f"Try again ({status}).", "server_error"), status, ((name, value),))
        return True

    def _unknown(self) -> None:
        self._json(an_error(f"Invalid URL ({self.command} {self.path})"), 404)

    def _json(self, body: Body, status: int = 200, more: tuple[tuple[str, str], ...] = ()) -> None:
        content = json.dumps(body, indent=2, ensure_ascii=False).encode()
        self._head(status, JSON, (("Content-Length", str(len(content))), *more))
        self.wfile.write(content)

    def _events(self, events: list[bytes]) -> None:
        self._head(200, EVENTS, (("Transfer-Encoding", "chunked"),))
        for event in events:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, kind: str, more: tuple[tuple[str, str], ...]) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("openai-poll-after-ms", "1"), *more):
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:  # the URL is all that is printed
        pass


if __name__ == "__main__":
    with RunsUpstream() as server:
        print(server.url, flush=True)
        server.serve_forever()
