"""The six methods of StackQL's resource openai.assistants.runs, byte for byte as it asks.

The program cannot be built for this test: the Go module proxy refuses stackql and its any-sdk. The
requests are those that any-sdk makes with Go's net/http and the provider document of 2024: a
question mark also without a query, the body columns `data__NAME` as one compact object with sorted
members and escaped angle brackets, and never an OpenAI-Beta, which the API demanded.
"""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders import FAKE_KEY
from servers import RUN, Proxy, RawUpstream, Received, http, like_openai
from wire import Reply, Wire

RUNS = "/v1/threads/thread_abc123/runs"
A_RUN = f"{RUNS}/run_abc123"
INVALID_BETA = {
    "error": {
        "message": "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please "
        "try again by setting the header 'OpenAI-Beta: assistants=v2'.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_beta",
    }
}


@dataclass(frozen=True)
class Asked:
    """One request: StackQL's name for the method, and what net/http writes for it."""

    name: str
    method: str
    target: str
    body: bytes = b""

    def bytes_for(self, host: str) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {host}"]
        lines.append("User-Agent: Go-http-client/1.1")
        lines += [f"Content-Length: {len(self.body)}"] * (self.method == "POST")
        lines += ["Accept: application/json", f"Authorization: Bearer {FAKE_KEY}"]
        lines += ["Content-Type: application/json"] * bool(self.body)
        lines.append("Accept-Encoding: gzip")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


LIST = Asked("list_runs", "GET", f"{RUNS}?")
CREATE = Asked(
    "create_run",
    "POST",
    f"{RUNS}?",
    b'{"assistant_id":"asst_abc123","instructions":"Be \\u003cbrief\\u003e.",'
    b'"metadata":{"stage":"a"}}',
)
GET = Asked("get_run", "GET", f"{A_RUN}?")
MODIFY = Asked("modify_run", "POST", f"{A_RUN}?", b'{"metadata":{"user_id":"user_abc123"}}')
CANCEL = Asked("cancel_run", "POST", f"{A_RUN}/cancel?")
SUBMIT = Asked(
    "submit_tool_ouputs_to_run",
    "POST",
    f"{A_RUN}/submit_tool_outputs?",
    b'{"tool_outputs":[{"output":"28C","tool_call_id":"call_abc123"}]}',
)
SIX = (CREATE, LIST, GET, MODIFY, SUBMIT, CANCEL)


def _like_the_api(received: Received) -> bytes:
    """OpenAI as it was: no OpenAI-Beta, no answer."""
    if received.values("OpenAI-Beta") != ["assistants=v2"]:
        body = json.dumps(INVALID_BETA, indent=2).encode()
        return http(400, [("Content-Type", "application/json")], body)
    if received.method == "GET" and received.target.startswith(f"{RUNS}?"):
        ids = {"first_id": RUN["id"], "last_id": RUN["id"], "has_more": False}
        body = json.dumps({"object": "list", "data": [RUN], **ids}, indent=2).encode()
        return http(200, [("Content-Type", "application/json")], body)
    return like_openai(received)


async def _say(url: str, *asked: Asked) -> list[tuple[int, Any]]:
    """Statuses and answers, on one connection, as StackQL's pool keeps it."""
    wire = await Wire.open(url)
    try:
        replies = [
            await wire.send(one.bytes_for(url.removeprefix("http://")), method=one.method)
            for one in asked
        ]
    finally:
        await wire.close()
    return [(reply.status, json.loads(_plain(reply))) for reply in replies]


def _plain(reply: Reply) -> bytes:
    return gzip.decompress(reply.body) if reply.values("Content-Encoding") else reply.body


async def test_the_six_methods_are_recorded_with_the_header_they_lack_and_replayed_without_upstream(
    proxy: Proxy, tmp_path: Path
) -> None:
    added = {"OpenAI-Beta": "assistants=v2"}
    async with RawUpstream(_like_the_api) as upstream:
        settings = {"upstream": upstream.url, "upstream_options__headers": added}
        async with proxy(mode="record", **settings) as running:
            recorded = await _say(running.url, *SIX)

    async with proxy(mode="replay") as running:
        replayed = await _say(running.url, *SIX)
        receipt = running.receipt()

    assert replayed == recorded
    assert [status for status, _ in recorded] == [200] * 6
    assert recorded[SIX.index(MODIFY)][1] == RUN | {"metadata": {"user_id": "user_abc123"}}
    assert [run["id"] for run in recorded[SIX.index(LIST)][1]["data"]] == ["run_abc123"]
    cassette = json.loads((tmp_path / "default.json").read_bytes())
    assert {one["operation"] for one in cassette["interactions"]} == {
        "createRun",
        "listRuns",
        "getRun",
        "modifyRun",
        "submitToolOuputsToRun",
        "cancelRun",
    }
    assert (receipt["served"], receipt["upstream_calls"]) == (6, 0)
    assert (receipt["missed"], receipt["unplayed"]) == ([], [])


async def test_the_upstream_gets_each_request_as_stackql_wrote_it_and_the_header_beside(
    proxy: Proxy,
) -> None:
    added = {"OpenAI-Beta": "assistants=v2"}
    async with RawUpstream(_like_the_api) as upstream:
        settings = {"upstream": upstream.url, "upstream_options__headers": added}
        async with proxy(mode="record", **settings) as running:
            await _say(running.url, *SIX)

    sent = [(one.method, one.target, one.body) for one in upstream.received]
    assert sent == [(one.method, one.target, one.body) for one in SIX]
    assert {tuple(one.values("OpenAI-Beta")) for one in upstream.received} == {("assistants=v2",)}
    assert {tuple(one.values("User-Agent")) for one in upstream.received} == {
        ("Go-http-client/1.1",)
    }


async def test_without_that_setting_stackql_is_told_what_the_api_says_and_replay_repeats_it(
    proxy: Proxy,
) -> None:
    async with (
        RawUpstream(_like_the_api) as upstream,
        proxy(mode="record", upstream=upstream.url) as running,
    ):
        recorded = await _say(running.url, MODIFY)

    async with proxy(mode="replay") as running:
        replayed = await _say(running.url, MODIFY)

    assert recorded == replayed == [(400, INVALID_BETA)]


async def test_a_recorded_update_answers_the_select_after_it_and_the_one_before_it_apart(
    proxy: Proxy,
) -> None:
    metadata: dict[str, str] = {}

    def remembering(received: Received) -> bytes:
        if received.method == "POST":
            metadata.update(json.loads(received.body)["metadata"])
        run = json.dumps(RUN | {"metadata": metadata}).encode()
        return http(200, [("Content-Type", "application/json")], run)

    async with (
        RawUpstream(remembering) as upstream,
        proxy(mode="record", upstream=upstream.url) as running,
    ):
        recorded = await _say(running.url, GET, MODIFY, GET)

    async with proxy(mode="replay") as running:
        replayed = await _say(running.url, GET, MODIFY, GET)

    before, _, after = (answer["metadata"] for _, answer in replayed)
    assert replayed == recorded
    assert (before, after) == ({}, {"user_id": "user_abc123"})
