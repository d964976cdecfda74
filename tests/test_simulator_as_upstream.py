"""`upstream = "simulator"`: in this process, recorded like any other, and never taken for one."""

import json
from pathlib import Path
from typing import Any

import pytest

from runreel import __version__
from runreel.assistants import NAMES
from runreel.errors import StartRefused
from servers import Proxy, RawUpstream
from simulating import story
from wire import Reply, Wire, get, post

BETA = ("OpenAI-Beta", "assistants=v2")
JSON = (("Content-Type", "application/json"), BETA)


def _seen(told: list[Reply]) -> list[tuple[int, bytes]]:
    return [(reply.status, reply.body) for reply in told]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.json")}


def _sources(told: list[Reply]) -> set[str]:
    return {source for reply in told for source in reply.values("x-runreel-source")}


async def test_it_answers_without_a_port_says_so_and_is_replayed_byte_for_byte(
    proxy: Proxy, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream="simulator") as running:
        recorded = await story(running.url)
    async with proxy(mode="replay") as running:
        replayed = await story(running.url)

    cassette = json.loads((tmp_path / "default.json").read_bytes())
    assert [reply.status for reply in recorded] == [200, 200, 200, 200, 200, 200, 400]
    assert _seen(recorded) == _seen(replayed)
    assert (_sources(recorded), _sources(replayed)) == ({"simulator"}, {"replay"})
    assert cassette["upstream"] == "simulator"
    assert len(cassette["interactions"]) == 7
    assert all(
        f"server: runreel-simulator/{__version__}" in item["response"]["headers"]
        for item in cassette["interactions"]
    )


async def test_recording_it_again_changes_no_byte(proxy: Proxy, tmp_path: Path) -> None:
    files = []
    for _ in range(2):
        async with proxy(mode="record", upstream="simulator") as running:
            await story(running.url)
        files.append((tmp_path / "default.json").read_bytes())

    assert files[0] == files[1]


async def test_what_it_answers_has_no_findings_but_of_what_it_refused(
    proxy: Proxy, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream="simulator", validation__response="strict") as running:
        await story(running.url)

    interactions = json.loads((tmp_path / "default.json").read_bytes())["interactions"]
    found = {
        (item["operation"], finding["at"].rpartition("/")[2], finding["severity"])
        for item in interactions
        for finding in item.get("violations", [])
    }
    assert found == {("modifyRun", "stage", "error")}  # its own refusal of a number


async def test_its_recordings_are_never_merged_with_those_of_a_real_upstream(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream="simulator") as running:
        await story(running.url)
    async with proxy(mode="record", upstream=upstream.url, cassette="real") as running:
        wire = await Wire.open(running.url)
        await wire.send(post("/v1/threads/thread_abc123/runs/run_abc123", b"{}"))
        await wire.close()
    before = _files(tmp_path)

    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(post("/v1/threads/thread_abc123/runs/run_abc123", b"{}"))
        await wire.close()
    with pytest.raises(StartRefused, match=f"from {upstream.url}, not from simulator, and record"):
        async with proxy(mode="new_episodes", upstream="simulator", cassette="real"):
            pass

    assert (reply.status, reply.values("x-runreel-recorded")) == (200, ["no"])
    assert _files(tmp_path) == before


async def test_settings_reach_it(proxy: Proxy) -> None:
    told = []
    for settings in ({}, {"lenient": True, "metadata": "merge", "seed": 7, "api_key": "only-this"}):
        given = {f"simulator__{name}": value for name, value in settings.items()}
        async with proxy(mode="passthrough", upstream="simulator", **given) as running:
            wire = await Wire.open(running.url)
            path = "/threads/t/runs/r"
            key = (*JSON, ("Authorization", "Bearer only-this"))
            bodies = [b'{"metadata":{"a":"1"}}', b'{"metadata":{"b":"2"}}']
            replies = [await wire.send(post(path, body, key)) for body in bodies]
            replies.append(await wire.send(post(path, b"{}", JSON)))
            replies.append(await wire.send(post("/threads", b"{}", key)))
            await wire.close()
        told.append(replies)

    strict, lenient = told
    assert [reply.status for reply in strict] == [400, 400, 400, 200]
    assert [reply.status for reply in lenient] == [200, 200, 401, 200]
    assert json.loads(lenient[1].body)["metadata"] == {"a": "1", "b": "2"}
    assert json.loads(strict[3].body)["id"] != json.loads(lenient[3].body)["id"]


async def test_headers_are_added_for_clients_that_never_send_them(proxy: Proxy) -> None:
    added = {"OpenAI-Beta": "assistants=v2", "Authorization": "Bearer only-this"}
    settings = {"upstream_options__headers": added, "simulator__api_key": "only-this"}
    others = (JSON[0], ("openai-beta", "assistants=v1"), ("Authorization", "Bearer mine"))
    async with proxy(mode="record", upstream="simulator", **settings) as running:
        wire = await Wire.open(running.url)
        replies = [await wire.send(post("/threads", b"{}", sent)) for sent in (JSON[:1], others)]
        await wire.close()
    async with proxy(mode="replay") as running:
        wire = await Wire.open(running.url)
        replayed = await wire.send(post("/threads", b"{}", JSON[:1]))
        await wire.close()

    assert [reply.status for reply in replies] == [200, 200]
    assert replayed.body == replies[0].body


async def test_time_moves_runs_where_a_status_is_given_in_milliseconds(proxy: Proxy) -> None:
    settings = {"simulator__lenient": True, "simulator__status": 1}
    async with proxy(mode="passthrough", upstream="simulator", **settings) as running:
        wire = await Wire.open(running.url)
        status = ""
        while status != "completed":  # at most a few milliseconds; the test has a time limit
            status = json.loads((await wire.send(get("/threads/t/runs/r"))).body)["status"]
        created = json.loads((await wire.send(get("/threads/t/runs/r"))).body)["created_at"]
        await wire.close()

    assert created > 1_780_000_000  # the clock's time, not a count of requests


async def test_the_base_path_leads_to_it_and_so_does_the_root(proxy: Proxy) -> None:
    async with proxy(mode="passthrough", upstream="simulator", base_path="/openai") as running:
        wire = await Wire.open(running.url)
        statuses = [
            (await wire.send(get(f"{base}/assistants", (BETA,)))).status
            for base in ("/openai", "", "/v1")
        ]
        await wire.close()

    assert statuses == [200, 200, 404]


async def test_rubra_redirects_to_where_the_client_is(proxy: Proxy) -> None:
    async with proxy(mode="passthrough", upstream="simulator", profile="rubra") as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(get("/_runreel/s/default/threads/"))
        await wire.close()

    assert reply.status == 307
    assert reply.values("location") == ["/_runreel/s/default/threads"]


# profile -> where a thread is made in it
THREADS = {
    "openai": "/v1/threads",
    "openai_v1": "/v1/threads",
    "azure_agents": "/api/projects/ours/threads?api-version=v1",
    "dashscope": "/api/v1/threads",
    "langgraph": "/threads",
    "rubra": "/threads",
}


@pytest.mark.parametrize("name", NAMES)
async def test_it_speaks_the_dialect_of_every_profile_where_its_api_begins(
    proxy: Proxy, name: str
) -> None:
    beta = ("OpenAI-Beta", "assistants=v1" if name == "openai_v1" else "assistants=v2")
    settings = {"upstream": "simulator", "profile": name, "base_path": "/v1"}
    async with proxy(mode="passthrough", **settings) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(
            post(THREADS[name], b"{}", (("Content-Type", "application/json"), beta))
        )
        await wire.close()

    assert (reply.status, "metadata" in json.loads(reply.body)) == (200, True)


async def test_nothing_but_404_from_it_says_nothing_of_openai(proxy: Proxy, log: Any) -> None:
    async with proxy(mode="passthrough", upstream="simulator") as running:
        wire = await Wire.open(running.url)
        for _ in range(3):
            await wire.send(get("/threads/thread_x", (BETA,)))
        await wire.close()

    assert "404" in log.getvalue()
    assert "OpenAI" not in log.getvalue()
