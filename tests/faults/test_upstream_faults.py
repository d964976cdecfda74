"""What a failing upstream does to a recording proxy: a named error in time, and nothing half kept.

Every one is asked by POST, and must have been asked exactly once.
"""

import base64
import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from faults import faulty_upstream as faults
from faults.faulty_upstream import Fault, faulty_upstream
from servers import Proxy
from wire import Reply, Wire, exchange, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = b'{"metadata":{"stage":"a"}}'

FAULTS: list[tuple[Fault, int, str]] = [
    (faults.reset_before_the_head, 502, "upstream_disconnected"),
    (faults.reset_in_the_head, 502, "upstream_disconnected"),
    (faults.reset_after_the_head, 502, "upstream_disconnected"),
    (faults.short_length, 502, "upstream_disconnected"),
    (faults.cut_chunk, 502, "upstream_disconnected"),
    (faults.no_last_chunk, 502, "upstream_disconnected"),
    (faults.stall_before_the_head, 504, "upstream_timeout"),
    (faults.stall_in_the_head, 504, "upstream_timeout"),
    (faults.stall_in_the_body, 504, "upstream_timeout"),
    (faults.one_byte_at_a_time_for_ever, 504, "upstream_timeout"),
]
SHORT = {"upstream_options__read_timeout_s": 0.2, "upstream_options__total_timeout_s": 0.5}


def error_of(reply: Reply) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reply.body)["error"]
    return document


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def kept(folder: Path) -> list[dict[str, Any]]:
    document = json.loads((folder / "default.json").read_text(encoding="utf-8"))
    interactions: list[dict[str, Any]] = document["interactions"]
    return interactions


def asked(interaction: dict[str, Any]) -> bytes:
    stage: str = interaction["request"]["body"]["json"]["metadata"]["stage"]
    return b'{"metadata":{"stage":"%s"}}' % stage.encode()


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS)
async def test_a_fault_is_a_named_error_and_nothing_of_it_is_kept(
    proxy: Proxy, tmp_path: Path, log: io.StringIO, fault: Fault, status: int, code: str
) -> None:
    async with (
        faulty_upstream(fault) as upstream,
        proxy(mode="record", upstream=upstream.url, **SHORT) as running,
    ):
        reply = await exchange(running.url, post(PATH, BODY))
        receipt = running.receipt()

    assert (reply.status, error_of(reply)["code"]) == (status, code)
    assert error_of(reply)["type"] == "runreel_error"
    assert reply.values("x-runreel-recorded") == ["no"]
    assert upstream.received == [BODY]
    assert files(tmp_path) == []
    assert (receipt["recorded"], receipt["not_stored"], receipt["upstream_calls"]) == (0, 0, 1)
    assert [line.split(" ")[1:3] for line in log.getvalue().splitlines()] == [
        ["failed", "modifyRun"]
    ]


@pytest.mark.parametrize(
    ("fault", "setting"),
    [
        (faults.stall_in_the_body, "upstream_options.read_timeout_s"),
        (faults.one_byte_at_a_time_for_ever, "upstream_options.total_timeout_s"),
    ],
)
async def test_an_error_for_want_of_time_names_the_setting(
    proxy: Proxy, fault: Fault, setting: str
) -> None:
    async with (
        faulty_upstream(fault) as upstream,
        proxy(mode="passthrough", upstream=upstream.url, **SHORT) as running,
    ):
        reply = await exchange(running.url, post(PATH, BODY))

    assert setting in error_of(reply)["message"]


async def test_an_upstream_that_refuses_connections_is_a_named_error(
    proxy: Proxy, tmp_path: Path
) -> None:
    with socket.socket() as bound:  # but never listening
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with proxy(mode="record", upstream=url) as running:
            reply = await exchange(running.url, post(PATH, BODY))

    assert (reply.status, error_of(reply)["code"]) == (502, "upstream_unreachable")
    assert files(tmp_path) == []


async def test_an_answer_that_comes_byte_by_byte_is_whole(proxy: Proxy, tmp_path: Path) -> None:
    async with (
        faulty_upstream(faults.one_byte_at_a_time) as upstream,
        proxy(mode="record", upstream=upstream.url) as running,
    ):
        reply = await exchange(running.url, post(PATH, BODY))

    assert (reply.status, reply.body) == (200, b'{"id": "run_abc123"}')
    assert upstream.received == [BODY]
    [interaction] = kept(tmp_path)
    assert interaction["response"]["body"]["json"] == {"id": "run_abc123"}


async def test_bad_gzip_is_passed_on_and_kept_as_it_came(proxy: Proxy, tmp_path: Path) -> None:
    async with (
        faulty_upstream(faults.bad_gzip) as upstream,
        proxy(mode="record", upstream=upstream.url) as running,
    ):
        live = await exchange(running.url, post(PATH, BODY))
    async with proxy(mode="replay") as running:
        replayed = await exchange(running.url, post(PATH, BODY))

    [interaction] = kept(tmp_path)
    assert (live.status, live.body) == (200, faults.BAD_GZIP)
    assert live.values("content-encoding") == ["gzip"]
    assert upstream.received == [BODY]
    assert base64.b64decode(interaction["response"]["body"]["base64"]) == faults.BAD_GZIP
    assert "Content-Encoding: gzip" in interaction["response"]["headers"]
    assert (replayed.body, replayed.values("content-encoding")) == (faults.BAD_GZIP, ["gzip"])


@pytest.mark.parametrize(("fault", "status", "code"), FAULTS)
async def test_a_fault_leaves_the_good_recording_to_be_played(
    proxy: Proxy, fault: Fault, status: int, code: str
) -> None:
    async with faulty_upstream(faults.one_byte_at_a_time) as upstream:
        async with proxy(mode="record", upstream=upstream.url) as running:
            await exchange(running.url, post(PATH, BODY))
        upstream.fault = fault
        async with proxy(mode="record", upstream=upstream.url, **SHORT) as running:
            failed = await exchange(running.url, post(PATH, BODY))
        async with proxy(mode="replay") as running:
            replayed = await exchange(running.url, post(PATH, BODY))

    assert (failed.status, error_of(failed)["code"]) == (status, code)
    assert (replayed.status, replayed.body) == (200, b'{"id": "run_abc123"}')


@pytest.mark.parametrize("ticks", range(16))
async def test_a_connection_that_closes_under_a_post_costs_an_error_but_never_a_second_post(
    proxy: Proxy, tmp_path: Path, ticks: int
) -> None:
    bodies = [b'{"metadata":{"stage":"%d"}}' % number for number in range(20)]

    async with (
        faulty_upstream(faults.closes_soon_after(ticks)) as upstream,
        proxy(mode="record", upstream=upstream.url) as running,
    ):
        wire = await Wire.open(running.url)
        replies = [await wire.send(post(PATH, body)) for body in bodies]
        await wire.close()

    good = [body for body, reply in zip(bodies, replies, strict=True) if reply.status == 200]
    bad = [reply for reply in replies if reply.status != 200]
    assert [error_of(reply)["code"] for reply in bad] == ["upstream_disconnected"] * len(bad)
    assert len(upstream.received) == len(set(upstream.received))
    assert set(good) <= set(upstream.received)
    # A change without an answer may have been made: it is kept as a failed one, and never served.
    answered = [asked(item) for item in kept(tmp_path) if "response" in item]
    failed = [asked(item) for item in kept(tmp_path) if "failed" in item]
    lost = [body for body in upstream.received if body not in good]
    assert sorted(answered) == sorted(good)
    assert set(lost) <= set(failed) <= set(bodies) - set(good)
