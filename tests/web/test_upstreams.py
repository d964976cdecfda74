"""Upstreams of other kinds than OpenAI's: their paths, versions, credentials and extra headers."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from builders import TARGET
from leaks import leaking_files, leaks
from servers import Proxy, RawUpstream, Received, http
from wire import exchange, get, post

# No shape of a known key: only its header tells that it is one.
KEY = "Zq/" + "fAkE+7" * 5 + "=-_w"
JSON = ("Content-Type", "application/json")
BETA = ("OpenAI-Beta", "assistants=v2")
BODY = b'{"metadata":{"stage":"a"}}'
RUN = "/threads/thread_abc123/runs/run_abc123"


def recorded(folder: Path) -> list[Any]:
    document = json.loads((folder / "default.json").read_text(encoding="utf-8"))
    return list(document["interactions"])


def reflecting(received: Received) -> bytes:
    """Answer with everything that came, as a server in debugging mode does."""
    headers = [("Content-Type", "text/plain"), ("X-Debug", str(received.headers))]
    return http(200, headers, received.head + received.body)


@pytest.mark.parametrize(
    ("prefix", "called", "sent"),
    [
        ("", f"/v1{RUN}", f"/v1{RUN}"),
        ("", RUN, RUN),
        ("/openai", RUN, f"/openai{RUN}"),
        ("/api", f"/v1{RUN}", f"/api/v1{RUN}"),
        ("/api/v1/", RUN, f"/api/v1{RUN}"),
        (
            "/api/projects/p%20q",
            f"{RUN}?api-version=v1",
            f"/api/projects/p%20q{RUN}?api-version=v1",
        ),
    ],
    ids=["openai", "root", "azure", "base path below a prefix", "prefix only", "foundry"],
)
async def test_an_api_may_live_at_any_path_of_its_upstream_and_replays_at_the_clients_own(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, prefix: str, called: str, sent: str
) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")
    async with proxy(mode="record", upstream=upstream.url + prefix) as running:
        live = await exchange(running.url, post(called, BODY))

    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(called, BODY))

    assert [received.target for received in upstream.received] == [sent]
    assert recorded(tmp_path)[0]["request"]["target"] == called
    assert (live.status, live.body) == (replayed.status, replayed.body) == (200, b"answer")


@pytest.mark.parametrize(
    "header",
    [
        "api-key",
        "Astra-Api-Token",
        "X-API-Key",
        "LLM-PARAM-aws-access-key-id",
        "LLM-PARAM-aws-secret-access-key",
        "Ocp-Apim-Subscription-Key",
    ],
)
async def test_a_credential_reaches_the_upstream_and_no_byte_that_is_written(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, tmp_path: Path, header: str
) -> None:
    upstream.answer = reflecting
    receipt = tmp_path / "receipt.json"
    mine, theirs = post(TARGET, BODY, (JSON, (header, KEY))), post(TARGET, BODY, (JSON,))

    async with proxy(mode="record", upstream=upstream.url, receipt=receipt) as running:
        live = await exchange(running.url, mine)
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, theirs)

    assert upstream.received[0].values(header) == [KEY]
    assert KEY.encode() in live.body
    assert live.values("x-runreel-recorded") == ["yes"]
    assert leaking_files(KEY, tmp_path) == []
    assert not leaks(KEY, log.getvalue().encode())
    assert b"REDACTED" in replayed.body
    assert replayed.status == 200


async def test_the_api_version_goes_upstream_and_is_matched(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda received: http(200, [], received.target.encode())
    spring, summer = f"/openai{RUN}?api-version=2024-05-01", f"/openai{RUN}?api-version=2024-07-01"
    async with proxy(mode="record", upstream=upstream.url) as running:
        for target in (spring, summer):
            await exchange(running.url, get(target))

    async with proxy(mode="replay") as running:
        answers = [await exchange(running.url, get(target)) for target in (summer, spring)]
        other = await exchange(running.url, get(f"/openai{RUN}?api-version=2025-01-01"))

    assert [received.target for received in upstream.received] == [spring, summer]
    assert [answer.body.decode() for answer in answers] == [summer, spring]
    assert other.status == 424
    assert b'sent \\"2025-01-01\\", recorded \\"2024-0' in other.body
    assert [item["request"]["target"] for item in recorded(tmp_path)] == [spring, summer]


class TestAddedHeaders:
    async def test_a_client_that_never_sends_it_gets_openai_beta_added(
        self, proxy: Proxy, upstream: RawUpstream
    ) -> None:
        added = {"upstream_options__headers": {"OpenAI-Beta": "assistants=v2"}}

        async with proxy(mode="passthrough", upstream=upstream.url, **added) as running:
            await exchange(running.url, post(TARGET, BODY, (JSON,)))
            await exchange(running.url, post(TARGET, BODY, (JSON, ("openai-beta", "other=v1"))))

        sent = [received.values("openai-beta") for received in upstream.received]
        assert sent == [["assistants=v2"], ["assistants=v2"]]

    async def test_what_is_matched_is_what_the_client_sent(
        self, proxy: Proxy, upstream: RawUpstream, tmp_path: Path
    ) -> None:
        added = {"upstream_options__headers": {"OpenAI-Beta": "assistants=v2"}}
        async with proxy(mode="record", upstream=upstream.url, **added) as running:
            await exchange(running.url, post(TARGET, BODY, (JSON,)))

        async with proxy(mode="replay") as running:
            with_it = await exchange(running.url, post(TARGET, BODY, (JSON, BETA)))
            without = await exchange(running.url, post(TARGET, BODY, (JSON,)))

        assert recorded(tmp_path)[0]["request"]["headers"] == [": ".join(JSON)]
        assert (with_it.status, without.status) == (424, 200)
        assert b"header.openai-beta" in with_it.body
