"""The admin API: sessions that programs open, use and end."""

import json
from pathlib import Path
from typing import Any

import pytest

from builders import TARGET, a_cassette
from runreel.cassettes.format import dump
from servers import Proxy, RawUpstream
from wire import Reply, exchange, get, post

TOKEN = "fake-" * 5
SESSIONS = "/_runreel/sessions"


def a_session(cassette: str = "mine", mode: str = "record", **more: Any) -> bytes:
    return post(SESSIONS, json.dumps({"cassette": cassette, "mode": mode, **more}).encode())


def stage(name: str, prefix: str = "", headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    kinds = (("Content-Type", "application/json"), *headers)
    return post(prefix + TARGET, b'{"metadata":{"stage":"%s"}}' % name.encode(), kinds)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def error_of(reply: Reply) -> tuple[int, str, str]:
    error = json.loads(reply.body)["error"]
    return reply.status, error["code"], error["message"]


async def test_a_session_is_opened_used_by_url_or_header_and_ended(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream=upstream.url, base_path="/v1") as running:
        opened = await exchange(running.url, a_session(id="test-7"))
        await exchange(running.url, stage("a", "/_runreel/s/test-7"))
        await exchange(running.url, stage("b", headers=(("X-Runreel-Session", "test-7"),)))
        await exchange(running.url, stage("c"))
        so_far = await exchange(running.url, get(f"{SESSIONS}/test-7"))
        ended = await exchange(running.url, get(f"{SESSIONS}/test-7", method="DELETE"))
        after = await exchange(running.url, get(f"{SESSIONS}/test-7"))

    assert opened.status == 201
    assert json.loads(opened.body) == {
        "id": "test-7",
        "base_url": "http://localhost/_runreel/s/test-7/v1",
        "cassette": "mine",
        "mode": "record",
    }
    assert json.loads(so_far.body)["recorded"] == 2
    assert json.loads(so_far.body)["cassette_sha256"] is None
    assert (ended.status, json.loads(ended.body)["session"]) == (200, "test-7")
    assert len(json.loads(ended.body)["cassette_sha256"]) == 64
    assert error_of(after)[:2] == (421, "session_unknown")
    assert [received.target for received in upstream.received] == [TARGET] * 3
    assert [received.values("x-runreel-session") for received in upstream.received] == [[]] * 3
    assert b'"c"' not in (tmp_path / "mine.json").read_bytes()
    assert b"runreel" not in (tmp_path / "mine.json").read_bytes().lower()
    assert b'"c"' in (tmp_path / "default.json").read_bytes()


async def test_the_url_wins_over_the_header(proxy: Proxy, upstream: RawUpstream) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await exchange(running.url, a_session(id="named", mode="passthrough"))
        both = stage("a", "/_runreel/s/named", (("X-Runreel-Session", "default"),))
        await exchange(running.url, both)

        receipt = await exchange(running.url, get(f"{SESSIONS}/named"))

    assert json.loads(receipt.body)["upstream_calls"] == 1


async def test_a_request_that_names_two_sessions_is_for_neither(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await exchange(running.url, a_session(id="named", mode="passthrough"))
        names = (("X-Runreel-Session", "named"), ("X-Runreel-Session", "default"))

        refused = await exchange(running.url, stage("a", headers=names))
        by_url = await exchange(running.url, stage("a", "/_runreel/s/named", names))

    assert error_of(refused)[:2] == (421, "session_unknown")
    assert by_url.status == 200
    assert len(upstream.received) == 1


async def test_a_session_goes_live_though_the_default_one_replays(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, stage("a"))
    async with proxy(mode="replay", upstream=upstream.url) as running:
        missed = await exchange(running.url, stage("b"))
        await exchange(running.url, a_session(id="live"))
        forwarded = await exchange(running.url, stage("b", "/_runreel/s/live"))

    assert (missed.status, forwarded.status, len(upstream.received)) == (424, 200, 2)


async def test_an_id_is_made_up_and_vcrs_words_are_modes(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        opened = [
            json.loads((await exchange(running.url, a_session(cassette=name, mode="all"))).body)
            for name in ("a", "b")
        ]
        listed = await exchange(running.url, get(SESSIONS))

    assert [item["mode"] for item in opened] == ["record", "record"]
    assert opened[0]["id"] != opened[1]["id"]
    assert [item["id"] for item in json.loads(listed.body)["sessions"]] == [
        "default",
        opened[0]["id"],
        opened[1]["id"],
    ]


async def test_a_discarded_session_leaves_its_cassette_as_it_was(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await exchange(running.url, a_session(id="x"))
        await exchange(running.url, stage("a", "/_runreel/s/x"))
        ended = await exchange(running.url, get(f"{SESSIONS}/x?discard=true", method="DELETE"))

    assert json.loads(ended.body)["discarded"] == 1
    assert names_in(tmp_path) == []


async def test_the_receipt_of_the_process_lists_the_others_open_or_ended(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    path = tmp_path / "receipt.json"
    async with proxy(mode="passthrough", upstream=upstream.url, receipt=path) as running:
        for name in ("open", "ended"):
            await exchange(running.url, a_session(cassette=name, id=name))
            await exchange(running.url, stage("a", f"/_runreel/s/{name}"))
        await exchange(running.url, get(f"{SESSIONS}/ended", method="DELETE"))

    receipt = json.loads(path.read_text(encoding="utf-8"))
    assert (receipt["session"], receipt["upstream_calls"]) == ("default", 0)
    assert [(item["session"], item["recorded"]) for item in receipt["sessions"]] == [
        ("ended", 1),
        ("open", 1),
    ]
    assert (tmp_path / "open.json").is_file()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "A session cannot be opened: the body: not readable as JSON: "),
        (b"[]", "A session cannot be opened: the body: "),
        (b"\xff", "A session cannot be opened: the body: "),
        (b"[" * 100_000, "A session cannot be opened: the body: "),
        (
            b'{"cassette": "a", "mode": "passthrough", "mode": "record"}',
            "A session cannot be opened: the body: ",
        ),
        (b'{"mode": "record"}', "A session cannot be opened: cassette: Field required."),
        (
            b'{"cassette": "a", "mode": "record", "cassete": "b"}',
            "A session cannot be opened: cassete: Extra inputs are not permitted.",
        ),
        (
            b'{"cassette": "a", "mode": "rec"}',
            "A session cannot be opened: mode: Value error, must be one of replay, record, ",
        ),
        (b'{"cassette": "../a", "mode": "record"}', "A session cannot be opened: cassette: "),
        (b'{"cassette": "a", "mode": "record", "id": "a/b"}', "The id of a session is a letter "),
        (b'{"cassette": "a", "mode": "record", "id": "default"}', "There is a session 'default' "),
        (b'{"cassette": "a", "mode": "replay"}', "there is no cassette 'a' to replay (there are "),
    ],
)
async def test_a_session_that_cannot_be_is_refused_with_the_reason(
    proxy: Proxy, upstream: RawUpstream, body: bytes, message: str
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, post(SESSIONS, body))

    status, code, said = error_of(reply)
    assert (status, code) == (400, "session_refused")
    assert said.startswith(message)
    assert reply.values("x-should-retry") == ["false"]


async def test_a_session_that_names_no_mode_is_in_that_of_the_process(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        opened = await exchange(running.url, post(SESSIONS, b'{"cassette": "a"}'))

    assert (opened.status, json.loads(opened.body)["mode"]) == (201, "passthrough")


async def test_a_live_session_without_an_upstream_is_refused(proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "default.json").write_text(dump(a_cassette()), encoding="utf-8")
    async with proxy(mode="replay") as running:
        reply = await exchange(running.url, a_session())

    assert error_of(reply) == (
        400,
        "session_refused",
        "mode record goes live and needs an upstream; give one with --upstream URL",
    )


async def test_a_second_recorder_of_a_cassette_is_refused(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        first = await exchange(running.url, a_session(id="one"))
        second = await exchange(running.url, a_session(id="two"))

    assert (first.status, error_of(second)[:2]) == (201, (409, "cassette_busy"))


async def test_a_damaged_cassette_is_named(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    (tmp_path / "bad.json").write_bytes(b"{}")
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, a_session(cassette="bad"))

    status, code, message = error_of(reply)
    assert (status, code) == (500, "cassette_damaged")
    assert "bad.json" in message


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("DELETE", f"{SESSIONS}/default", (400, "session_refused")),
        ("DELETE", f"{SESSIONS}/none", (421, "session_unknown")),
        ("GET", f"{SESSIONS}/none", (421, "session_unknown")),
        ("DELETE", f"{SESSIONS}/none?keep=true", (400, "session_refused")),
        ("DELETE", SESSIONS, (404, "admin_unknown")),
        ("GET", f"{SESSIONS}/a/b", (421, "session_unknown")),
    ],
)
async def test_what_is_not_there_cannot_be_asked_for_or_ended(
    proxy: Proxy, upstream: RawUpstream, method: str, target: str, expected: tuple[int, str]
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        reply = await exchange(running.url, get(target, method=method))

    assert error_of(reply)[:2] == expected
    assert upstream.received == []


@pytest.mark.parametrize("sent", ["", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer"])
async def test_with_a_token_all_but_health_and_sessions_urls_need_it(
    proxy: Proxy, upstream: RawUpstream, sent: str
) -> None:
    settings = {"mode": "passthrough", "upstream": upstream.url, "listen__admin_token": TOKEN}
    async with proxy(**settings) as running:
        refused = await exchange(running.url, get(SESSIONS, (("Authorization", sent),)))
        nowhere = await exchange(running.url, get("/_runreel/nowhere"))
        admitted = await exchange(
            running.url, get(SESSIONS, (("Authorization", f"bearer {TOKEN}"),))
        )
        health = await exchange(running.url, get("/_runreel/health"))
        proxied = await exchange(running.url, get("/_runreel/s/default/v1/x"))

    assert error_of(refused)[:2] == error_of(nowhere)[:2] == (401, "unauthorized")
    assert refused.values("www-authenticate") == ['Bearer realm="runreel"']
    assert [admitted.status, health.status, proxied.status] == [200, 200, 200]
    assert len(upstream.received) == 1


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost.evil.example", 403),
        ("http://[::1", 403),
        ("http://[::1]:5173", 403),
        ("http://localhost:5173", 403),
        ("http://127.0.0.1", 403),
    ],
)
async def test_pages_of_other_sites_cannot_use_the_admin_api(
    proxy: Proxy, upstream: RawUpstream, origin: str, status: int
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        replies = [
            await exchange(running.url, get(target, (("Origin", origin),)))
            for target in (SESSIONS, "/_runreel/health")
        ]

    assert [reply.status for reply in replies] == [status, status]
