"""All placements through a real proxy: recorded, replayed, missed and refused. Then everything that
was written or said is read by a scanner that knows nothing of the redactor.
"""

import io
import json
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leaks import found_in, windows
from placing import PAIRS, Placement, exchange
from runreel.http.messages import Request, Response
from servers import Proxy, RawUpstream, Received, http
from wire import Reply, Wire, get
from wire import exchange as asked_once

PLACED = [true for true, _ in PAIRS]
BY_THREAD = {str(placed.number): placed for placed in PLACED}


def on_the_wire(request: Request) -> bytes:
    lines = [
        f"{request.method} {request.target} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(request.body)}",
        *(f"{name}: {value}" for name, value in request.headers),
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body


def answer(received: Received) -> bytes:
    """What stands in the table for the thread that the path names."""
    thread = received.target.split("/")[3].removeprefix("thread_")
    response: Response = exchange(BY_THREAD[thread]).response
    return http(response.status, list(response.headers), response.body)


async def said(url: str, placed: Iterable[Placement], **changes: Any) -> list[Reply]:
    wire = await Wire.open(url)
    replies = []
    for each in placed:
        request = exchange(each).request
        replies.append(await wire.send(on_the_wire(replace(request, **changes))))
    await wire.close()
    return replies


def read(folder: Path) -> Iterable[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


async def test_no_placement_is_kept_told_or_logged(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.answer = answer
    receipts = [tmp_path / "recorded.receipt", tmp_path / "replayed.receipt"]
    settings = {"audit__path": tmp_path / "audit", "cassettes": tmp_path / "cassettes"}

    async with proxy(
        mode="record", upstream=upstream.url, receipt=receipts[0], **settings
    ) as running:
        recorded = await said(running.url, PLACED)
        admin = await asked_once(running.url, get("/_runreel/sessions/default"))
    async with proxy(
        mode="replay", receipt=receipts[1], cassettes=tmp_path / "cassettes"
    ) as running:
        replayed = await said(running.url, PLACED)
        missed = await said(running.url, PLACED[:40], body=b'{"metadata":{"never":"recorded"}}')
        admin_too = await asked_once(running.url, get("/_runreel/sessions/default"))

    told = b"\n".join(
        (
            *(reply.head + reply.body for reply in (*replayed, *missed, admin, admin_too)),
            (log.getvalue() + caplog.text).encode(),
            *read(tmp_path),
        )
    )
    kept = {str(placed) for placed in PLACED if found_in(told, windows(placed.secret))}
    assert [reply.values("X-Runreel-Recorded") for reply in recorded].count(["no"]) == 0
    assert (
        len(json.loads((tmp_path / "cassettes" / "default.json").read_text())["interactions"])
        == 300
    )
    assert (tmp_path / "audit" / "metadata.jsonl").exists()
    assert {reply.status for reply in missed} == {424}
    assert kept == set()
