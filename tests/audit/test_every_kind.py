"""One application changes a run, a thread, a message and a conversation: the log answers for each.

The upstream merges metadata of threads, messages and runs, and replaces those of conversations.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from builders import FAKE_KEY
from cli_tools import Tool
from servers import RUN, Proxy, RawUpstream, Received, http

THREAD, MESSAGE = "thread_abc123", "msg_abc123"
OBJECTS = {
    "runs": "thread.run",
    "threads": "thread",
    "messages": "thread.message",
    "assistants": "assistant",
    "vector_stores": "vector_store",
    "conversations": "conversation",
    "completions": "chat.completion",
}
BEFORE = {
    ("threads", THREAD): {"topic": "rain"},
    ("messages", MESSAGE): {},
    ("conversations", "conv_1"): {"topic": "snow"},
}


def upstream_of_everything() -> RawUpstream:
    """Keeps the metadata of whatever is created, read or changed."""
    kept: dict[tuple[str, str], dict[str, str]] = {key: dict(of) for key, of in BEFORE.items()}

    def answer(received: Received) -> bytes:
        *_, collection, name = received.target.partition("?")[0].split("/")
        if name in OBJECTS:  # a create
            collection, name = name, f"{name}_new"
        sent = json.loads(received.body).get("metadata") if received.body else None
        was = {} if collection == "conversations" and sent else kept.get((collection, name), {})
        kept[collection, name] = was | (sent or {})
        shown: dict[str, Any] = RUN if collection == "runs" else {"created_at": 1699075072}
        shown = shown | {"id": name, "object": OBJECTS[collection]}
        shown |= {"metadata": kept[collection, name]}
        if collection == "messages":
            shown |= {"thread_id": THREAD, "role": "user", "content": []}
        return http(200, [("Content-Type", "application/json")], json.dumps(shown).encode())

    return RawUpstream(answer)


async def application(url: str) -> None:
    async with AsyncOpenAI(api_key=FAKE_KEY, base_url=f"{url}/v1", max_retries=0) as client:
        beta = client.beta
        await beta.threads.retrieve(THREAD)
        await beta.threads.update(THREAD, metadata={"stage": "a"})
        await beta.threads.messages.update(MESSAGE, thread_id=THREAD, metadata={"seen": "yes"})
        await beta.threads.runs.update("run_abc123", thread_id=THREAD, metadata={"owner": "ops"})
        await client.conversations.retrieve("conv_1")
        await client.conversations.update("conv_1", metadata={"stage": "b"})
        await client.vector_stores.update("vs_1", metadata={"shelf": "1"})
        await beta.assistants.update("asst_1", metadata={"team": "x"})
        await client.conversations.create(metadata={"stage": "c"})
        await client.chat.completions.update("chatcmpl_1", metadata={"stage": "d"})


@pytest.fixture(params=["log", "cassette"])
async def told(request: pytest.FixtureRequest, proxy: Proxy, tmp_path: Path) -> tuple[str, ...]:
    """The options with which the audit of the application is asked."""
    settings = {"mode": "record", "cassettes": tmp_path / "cassettes", "base_path": "/v1"}
    with pytest.warns(DeprecationWarning):
        async with (
            upstream_of_everything() as upstream,
            proxy(**settings, upstream=upstream.url, audit__path=tmp_path / "audit") as running,
        ):
            await application(running.url)
    return () if request.param == "log" else ("--cassette", "default")


LOG = [
    ("modifyThread", "thread", "thread_abc123", "applied", {"stage": "a", "topic": "rain"}),
    ("modifyMessage", "message", "msg_abc123", "applied", {"seen": "yes"}),
    ("modifyRun", "run", "run_abc123", "applied", {"owner": "ops"}),
    ("updateConversation", "conversation", "conv_1", "applied", {"stage": "b"}),
    ("modifyVectorStore", "vector_store", "vs_1", "applied", {"shelf": "1"}),
    ("modifyAssistant", "assistant", "asst_1", "applied", {"team": "x"}),
    ("createConversation", "conversation", "conversations_new", "applied", {"stage": "c"}),
    ("updateChatCompletion", "chat_completion", "chatcmpl_1", "applied", {"stage": "d"}),
]


def log_of(audit: Tool, *options: str) -> list[tuple[Any, ...]]:
    ended = audit("log", "--json", *options)
    assert (ended.code, ended.err) == (0, "")
    return [
        (
            entry["operation"],
            entry["resource"]["kind"],
            entry["resource"]["id"],
            entry["effect"],
            entry["after"],
        )
        for entry in map(json.loads, ended.out.splitlines())
    ]


def test_the_log_has_every_change_and_selects_by_resource(
    audit: Tool, told: tuple[str, ...]
) -> None:
    assert log_of(audit, *told) == LOG
    for kind in (
        "run",
        "thread",
        "message",
        "assistant",
        "vector_store",
        "conversation",
        "chat_completion",
    ):
        of_kind = [row for row in LOG if row[1] == kind]
        assert log_of(audit, "--resource", kind, *told) == of_kind
    assert log_of(audit, "--resource", "conversation:conv_1", *told) == [LOG[3]]
    assert log_of(audit, "--resource", "run:run_abc123", *told) == [LOG[2]]
    assert log_of(audit, "--resource", "run:conv_1", *told) == []
    assert log_of(audit, "--thread", THREAD, *told) == LOG[:3]
    assert log_of(audit, "--run", "run_abc123", *told) == [LOG[2]]


@pytest.mark.parametrize(
    ("asked", "title", "metadata", "made"),
    [
        ("run_abc123", "run_abc123 of thread_abc123", {"owner": "ops"}, ["modifyRun"]),
        (
            "thread_abc123",
            "thread thread_abc123",
            {"stage": "a", "topic": "rain"},
            ["getThread", "modifyThread"],
        ),
        ("message:msg_abc123", "message msg_abc123 of thread_abc123", {"seen": "yes"}, None),
        ("conv_1", "conversation conv_1", {"stage": "b"}, ["updateConversation"]),
        ("vector_store:vs_1", "vector store vs_1", {"shelf": "1"}, ["modifyVectorStore"]),
        ("asst_1", "assistant asst_1", {"team": "x"}, ["modifyAssistant"]),
    ],
)
def test_show_and_blame_answer_for_each(
    audit: Tool,
    told: tuple[str, ...],
    asked: str,
    title: str,
    metadata: dict[str, str],
    made: list[str] | None,
) -> None:
    shown = json.loads(audit("show", asked, "--json", *told).out)
    lines = audit("show", asked, *told).out.splitlines()
    blamed = json.loads(audit("blame", asked, "--json", *told).out)

    name = asked.rpartition(":")[2]
    assert (shown["metadata"], shown["resource"]["id"]) == (metadata, name)
    assert shown["run_id"] == ("run_abc123" if name == "run_abc123" else None)
    assert lines[0] == f"{title}, as last known"
    there = {key["key"]: key for key in blamed["keys"] if key["how"] in ("set", "seen")}
    assert {key: each["value"] for key, each in there.items()} == metadata
    if made is not None:
        assert sorted({each["operation"] for each in there.values()}) == made
    assert blamed["resource"] == shown["resource"]


def test_a_conversation_whose_upstream_replaces_lost_the_key_that_was_not_named(
    audit: Tool, told: tuple[str, ...]
) -> None:
    blamed = json.loads(audit("blame", "conversation:conv_1", "--json", *told).out)

    assert [(each["key"], each["how"], each["operation"]) for each in blamed["keys"]] == [
        ("stage", "set", "updateConversation"),
        ("topic", "removed", "updateConversation"),
    ]


def test_the_table_names_kind_and_id(audit: Tool, told: tuple[str, ...]) -> None:
    title, *rows = audit("log", *told).out.splitlines()

    at = title.index("RESOURCE")
    assert [row[at:].split()[0] for row in rows] == [
        "thread:thread_abc123",
        "message:msg_abc123",
        "run_abc123",
        "conversation:conv_1",
        "vector_store:vs_1",
        "assistant:asst_1",
        "conversation:conversations_new",
        "chat_completion:chatcmpl_1",
    ]
