"""A change of metadata is on disk before it reaches the upstream, however it is spelled."""

import json
from pathlib import Path
from typing import Any

import pytest

from audited import log_in
from servers import Proxy, RawUpstream, Received, http
from wire import exchange

LIMIT = (
    "Invalid 'metadata.note': string too long. Expected a string with maximum length 512, but got "
    "a string with length 513 instead."
)
JSON = [("Content-Type", "application/json")]
RUN, THREAD = "run:run_Abc", "thread:thread_Abc"
MESSAGE, CONVERSATION = "message:msg_Abc", "conversation:conv_Abc"

# (method, path, operation, what it is about): what real servers take for a change.
SPELLINGS = [
    ("POST", "/v1/threads/thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("PATCH", "/v1/threads/thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("PUT", "/v1/threads/thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("POST", "/threads/thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("POST", "/api/projects/p/threads/thread_Abc/runs/run_Abc?api-version=v1", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs/run_Abc?", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs/run_Abc/", "modifyRun", RUN),
    ("PATCH", "/v1/threads/thread_Abc/runs/run_Abc//", "modifyRun", RUN),
    ("POST", "/v1//threads/thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads//thread_Abc//runs///run_Abc", "modifyRun", RUN),
    ("POST", "/v1/thr%65ads/thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("PUT", "/v1/threads/thread_Abc/%72%75%6e%73/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread%5FAbc/runs/run_%41bc", "modifyRun", RUN),
    ("POST", "/v1%2Fthreads/thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads%2Fthread_Abc%2fruns%2Frun_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs%2Frun_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs%5Crun_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/RUNS/run_Abc", "modifyRun", RUN),
    ("POST", "/V1/Threads/thread_Abc/Runs/run_Abc", "modifyRun", RUN),
    ("PATCH", "/V1/THR%45ADS/thread_Abc/runs/run_Abc/", "modifyRun", RUN),
    ("POST", "/v1/./threads/thread_Abc/./runs/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/x/../thread_Abc/runs/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs/x/%2e%2E/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs/%2E/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs/x/..;/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads;v=1/thread_Abc/runs;w/run_Abc;x=y", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc", "modifyThread", THREAD),
    ("PATCH", "/threads/thread_Abc", "patchThread", THREAD),
    ("PUT", "/v1/thread%73/thread_Abc/", "modifyThread", THREAD),
    ("POST", "/v1/THREADS/thread_Abc;a", "modifyThread", THREAD),
    ("POST", "/v1/threads/thread_Abc/messages/msg_Abc", "modifyMessage", MESSAGE),
    ("PATCH", "/v1/threads/thread_Abc/messages%2fmsg_Abc", "modifyMessage", MESSAGE),
    ("POST", "/v1/threads/thread_Abc/./Messages/msg_Abc/", "modifyMessage", MESSAGE),
    ("POST", "/v1/conversations/conv_Abc", "updateConversation", CONVERSATION),
    ("PATCH", "/v1/conversations//conv_Abc", "updateConversation", CONVERSATION),
    ("POST", "/v1/c%6Fnversations/conv%5fAbc", "updateConversation", CONVERSATION),
    ("POST", "/v1/assistants/asst_Abc", "modifyAssistant", "assistant:asst_Abc"),
    ("PUT", "/v1/Assistants/asst_Abc/", "modifyAssistant", "assistant:asst_Abc"),
    ("POST", "/v1/vector_stores/vs_Abc", "modifyVectorStore", "vector_store:vs_Abc"),
    ("POST", "/v1/vector%5Fstores/vs_Abc/", "modifyVectorStore", "vector_store:vs_Abc"),
]
# What may only look like one.
LOOSE = [
    ("POST", "/v1/threads/thread_Abc/ru%256es/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc%2Fruns/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs%20/run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs./run_Abc", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/runs/run_Abc/metadata", "modifyRun", RUN),
    ("PUT", "/v1/threads/thread_Abc/metadata", "modifyThread", THREAD),
    ("MERGE", "/v1/threads/thread_Abc", "modifyThread", THREAD),
    ("POST", "/v1/threads/thread_Abc/runs/run_Abc/update", "modifyRun", RUN),
    ("POST", "/v1/threads/thread_Abc/state", "modifyThread", THREAD),
    ("PUT", "/v1/conversations/conv_Abc/about/it", "updateConversation", CONVERSATION),
]


def sent(method: str, path: str, value: str) -> bytes:
    body = json.dumps({"metadata": {"note": value}}).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def about(entry: dict[str, Any]) -> str:
    return f"{entry['resource']['kind']}:{entry['resource']['id']}"


class Watchful:
    """An upstream that looks into the log when a request comes: `found` has the open intents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[list[tuple[str, str]]] = []

    def __call__(self, received: Received) -> bytes:
        entries = log_in(self.folder)
        concluded = {entry["intent"] for entry in entries}
        self.found.append(
            [
                (entry["operation"], about(entry))
                for entry in entries
                if entry["kind"] == "intent" and entry["seq"] not in concluded
            ]
        )
        assert received.body
        return http(200, JSON, b"{}")


def test_the_table_has_forty_spellings() -> None:
    assert len({row[:2] for row in SPELLINGS}) == 40


async def test_every_change_is_on_disk_before_it_reaches_the_upstream(
    proxy: Proxy, tmp_path: Path
) -> None:
    watchful = Watchful(tmp_path / "audit")
    settings = {"mode": "passthrough", "cassettes": tmp_path / "c"}
    async with (
        RawUpstream(watchful) as upstream,
        proxy(**settings, upstream=upstream.url, audit__path=tmp_path / "audit") as running,
    ):
        for method, path, _, _ in (*SPELLINGS, *LOOSE):
            reply = await exchange(running.url, sent(method, path, "a"))
            assert reply.status == 200, path

    got = [(each.method, each.target) for each in upstream.received]
    assert got == [row[:2] for row in (*SPELLINGS, *LOOSE)]
    assert watchful.found == [[row[2:]] for row in (*SPELLINGS, *LOOSE)]
    outcomes = [entry for entry in log_in(tmp_path / "audit") if entry["kind"] == "outcome"]
    assert [about(entry) for entry in outcomes] == [row[3] for row in (*SPELLINGS, *LOOSE)]
    assert all(entry["requested"] == {"note": "a"} for entry in outcomes)
    only_looked_so = [
        entry["reason"]
        for entry in outcomes
        if entry["effect"] == "unknown" and "only looks like" in entry["reason"]
    ]
    assert len(only_looked_so) == len(LOOSE)
    assert only_looked_so[0].startswith(
        "it only looks like modifyRun: nobody knows what the upstream took it for"
    )


async def test_strict_validation_refuses_every_spelling_alike(
    proxy: Proxy, tmp_path: Path, upstream: RawUpstream
) -> None:
    settings = {"mode": "passthrough", "upstream": upstream.url, "cassettes": tmp_path / "c"}
    async with proxy(
        **settings, validation__request="strict", audit__path=tmp_path / "audit"
    ) as running:
        replies = [
            await exchange(running.url, sent(method, path, "x" * 513))
            for method, path, _, _ in SPELLINGS
        ]

    assert {reply.status for reply in replies} == {400}
    assert {json.loads(reply.body)["error"]["message"] for reply in replies} == {LIMIT}
    assert upstream.received == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/threads/thread_Abc/r%2575ns/run_Abc")])
async def test_a_read_is_no_change(
    proxy: Proxy, tmp_path: Path, upstream: RawUpstream, method: str, path: str
) -> None:
    settings = {"mode": "passthrough", "upstream": upstream.url, "cassettes": tmp_path / "c"}
    async with proxy(**settings, audit__path=tmp_path / "audit") as running:
        await exchange(running.url, f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    assert log_in(tmp_path / "audit") == []


def read(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("method", "path"),
    [row[:2] for row in SPELLINGS if row[3] == RUN and not row[1].startswith(("/threads", "/api"))],
)
async def test_a_replay_knows_what_every_spelling_changed_and_matches_it_as_it_was_sent(
    proxy: Proxy, tmp_path: Path, method: str, path: str
) -> None:
    run, answers = SPELLINGS[0][1], iter("123")
    settings = {"cassettes": tmp_path / "c"}
    change = sent(method, path, "a")

    def counted(_: Received) -> bytes:
        return http(200, JSON, b'{"answer":"%s"}' % next(answers).encode())

    async with (
        RawUpstream(counted) as upstream,
        proxy(mode="record", upstream=upstream.url, **settings) as running,
    ):
        for request in (read(run), change, read(run)):
            await exchange(running.url, request)
    async with proxy(mode="replay", **settings) as running:
        first, too_early, changed, then = [
            await exchange(running.url, request)
            for request in (read(run), read(run), change, read(run))
        ]
    async with proxy(mode="replay", **settings) as running:
        spelled_so = await exchange(running.url, sent(method, f"{path};z", "a"))

    assert [each.status for each in (first, too_early, changed, then)] == [200, 424, 200, 200]
    assert (first.body, then.body) == (b'{"answer":"1"}', b'{"answer":"3"}')
    assert spelled_so.status == 424
