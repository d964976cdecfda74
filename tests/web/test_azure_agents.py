"""A recording of Azure's agents: what of its answers means nothing, and what counts."""

import json
from pathlib import Path
from typing import Any

import pytest

from servers import Proxy, RawUpstream
from simulated_upstreams import Simulated
from wire import Reply, exchange, post

PROJECT = "/api/projects/ours"
BODY = b'{"metadata":{"stage":"a"}}'
HEADERS = (
    ("Content-Type", "application/json"),
    ("Authorization", "Bearer " + "FaKe0" * 8),
)


@pytest.fixture
async def azure(upstream: RawUpstream) -> RawUpstream:
    """Azure with one thread in it."""
    upstream.answer = Simulated("azure_agents")
    await exchange(upstream.url, post(f"{PROJECT}/threads?api-version=v1", b"{}", HEADERS))
    return upstream


async def _thread(azure: RawUpstream) -> str:
    page = await exchange(
        azure.url, f"GET {PROJECT}/threads?api-version=v1 HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    )
    return str(json.loads(page.body)["data"][0]["id"])


async def _update(url: str, thread: str, version: str = "v1", client: str = "1") -> Reply:
    headers = (*HEADERS, ("x-ms-client-request-id", client))
    path = f"{PROJECT}/threads/{thread}?api-version={version}"
    return await exchange(url, post(path, BODY, headers))


def _agents(proxy: Proxy, mode: str, **settings: Any) -> Any:
    return proxy(mode=mode, profile="azure_agents", **settings)


async def test_an_update_recorded_again_leaves_the_file_byte_identical(
    proxy: Proxy, azure: RawUpstream, tmp_path: Path
) -> None:
    thread = await _thread(azure)
    files, traces = [], []
    for client in "12":
        async with _agents(proxy, "record", upstream=azure.url) as running:
            reply = await _update(running.url, thread, client=client)
        traces.append(reply.values("apim-request-id"))
        files.append((tmp_path / "default.json").read_bytes())

    assert traces[0] != traces[1]
    assert files[0] == files[1]
    assert b"x-ms-client-request-id" not in files[0]


async def test_azure_as_it_was_has_not_drifted(proxy: Proxy, azure: RawUpstream) -> None:
    thread = await _thread(azure)
    async with _agents(proxy, "record", upstream=azure.url) as running:
        await _update(running.url, thread)

    async with _agents(proxy, "verify", upstream=azure.url) as running:
        await _update(running.url, thread)
        receipt = running.receipt()

    assert (receipt["compared"], receipt["drift"], receipt["new"]) == (1, [], [])


async def test_another_version_of_the_api_is_a_miss_that_can_be_let_pass(
    proxy: Proxy, azure: RawUpstream
) -> None:
    thread = await _thread(azure)
    async with _agents(proxy, "record", upstream=azure.url) as running:
        await _update(running.url, thread)
    async with _agents(proxy, "replay") as running:
        missed = await _update(running.url, thread, "2025-05-15-preview")
    ignoring = {"match__ignore_query": ["api-version"], "cassette": "free"}
    async with _agents(proxy, "record", upstream=azure.url, **ignoring) as running:
        await _update(running.url, thread)
    async with _agents(proxy, "replay", **ignoring) as running:
        passed = await _update(running.url, thread, "2025-05-15-preview")

    message = json.loads(missed.body)["error"]["message"]
    assert missed.status == 424
    assert "2025-05-15-preview" in message
    assert "v1" in message
    assert (passed.status, json.loads(passed.body)["metadata"]) == (200, {"stage": "a"})


async def test_the_bare_id_of_the_organisation_is_in_no_recording(
    proxy: Proxy, azure: RawUpstream, tmp_path: Path
) -> None:
    thread = await _thread(azure)
    organisation = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    async with _agents(proxy, "record", upstream=azure.url) as running:
        live = await _update(running.url, thread)
    text = (tmp_path / "default.json").read_text(encoding="utf-8")

    assert live.values("openai-organization") == [organisation]
    assert organisation not in text


async def test_strict_validation_refuses_what_azure_would_before_it_is_sent(
    proxy: Proxy, azure: RawUpstream
) -> None:
    thread = await _thread(azure)
    azure.received.clear()
    path = f"{PROJECT}/threads/{thread}?api-version=v1"
    body = json.dumps({"metadata": {str(number): "" for number in range(17)}}).encode()

    strict = {"validation__request": "strict"}
    async with _agents(proxy, "record", upstream=azure.url, **strict) as running:
        refused = await exchange(running.url, post(path, body, HEADERS))

    assert (refused.status, json.loads(refused.body)["error"]) == (
        400,
        {
            "message": "Invalid 'metadata': too many properties. Expected an object with at most "
            "16 properties, but got an object with 17 properties instead.",
            "type": "invalid_request_error",
            "param": "metadata",
            "code": "object_above_max_properties",
        },
    )
    assert azure.received == []
