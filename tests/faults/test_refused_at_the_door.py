"""What never becomes a call is told in one log line: what and where, and no secret."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builders import FAKE_KEY
from runreel.engine.engine import Engine
from servers import Proxy, RawUpstream
from wire import Wire, exchange, get, post

NONSENSE = {
    "a request line": f"GET /v1/{FAKE_KEY} HTTP/1.1 x\r\n\r\n",
    "a header": f"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nno colon {FAKE_KEY}\r\n\r\n",
    "a long header": f"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nX-A: {FAKE_KEY * 200}\r\n\r\n",
    "a method": f"{FAKE_KEY} /v1/x HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("as_json", [False, True])
async def test_the_log_has_one_line_about_nonsense_and_nothing_of_it(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, what: str, as_json: bool
) -> None:
    code = "headers_too_large" if what == "a long header" else "bad_request"

    async with proxy(
        mode="record", upstream=upstream.url, log__format="json" if as_json else "text"
    ) as running:
        await exchange(running.url, NONSENSE[what].encode(), method="GET")

    [line] = log.getvalue().splitlines()
    if as_json:
        document = json.loads(line)
        assert list(document) == ["at", "outcome", "method", "target", "host", "status", "reason"]
        assert (document["target"], document["host"]) == (None, None)
        assert (document["outcome"], document["method"], document["reason"]) == (
            "refused",
            None,
            code,
        )
    else:
        status = "431" if what == "a long header" else "400"
        assert line[9:] == f"refused what is no HTTP {status} ({code})"


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (post("/v1/" + FAKE_KEY, b"x" * 11), "refused POST /v1/REDACTED 413 (body_too_large)"),
        (
            get("/v1/x?key=" + FAKE_KEY, host="example.com"),
            'refused GET /v1/x?key=... of Host "example.com" 421 (misdirected_host)',
        ),
        (
            get("/v1/x?limit=20", host=FAKE_KEY),
            'refused GET /v1/x?limit=... of Host "REDACTED" 421 (misdirected_host)',
        ),
        (
            get(
                "/v1/hunter-two-of-sixteen",
                (("Authorization", "Bearer hunter-two-of-sixteen"),),
                host="a.example",
            ),
            'refused GET /v1/REDACTED of Host "a.example" 421 (misdirected_host)',
        ),
        (
            get("/v1/" + FAKE_KEY, method="TRACE"),
            "refused TRACE /v1/REDACTED 405 (method_not_allowed)",
        ),
        (get("/_runreel/" + FAKE_KEY), "refused GET /_runreel/REDACTED 404 (admin_unknown)"),
        (
            get("/_runreel/s/" + FAKE_KEY + "/v1/x"),
            "refused GET /_runreel/s/REDACTED/v1/x 421 (session_unknown)",
        ),
        (post("/v1/" + FAKE_KEY, b"xy")[:-1], "refused POST /v1/REDACTED 408 (request_timeout)"),
    ],
)
async def test_what_is_refused_at_the_door_is_one_line_with_its_place_and_no_secret(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    raw: bytes,
    line: str,
) -> None:
    monkeypatch.setattr("runreel.server.listener.SHUTDOWN_S", 0.2)
    small = {"limits__request_body_bytes_max": 10, "limits__request_body_read_s_max": 0.1}

    async with proxy(mode="record", upstream=upstream.url, **small) as running:
        await exchange(running.url, raw)

    assert [written.partition(" ")[2] for written in log.getvalue().splitlines()] == [line]
    assert upstream.received == []


async def test_a_defect_of_ours_is_answered_and_logged_without_a_quotation(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def defect(*_: object) -> None:
        raise RuntimeError(f"with {FAKE_KEY}")

    monkeypatch.setattr(Engine, "answer", defect)

    async with proxy(mode="record", upstream=upstream.url) as running:
        reply = await exchange(running.url, get("/v1/x"))

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"]) == (500, "internal_error")
    assert reply.values("x-runreel-source") == ["proxy"]
    assert reply.values("server") == []
    assert FAKE_KEY.encode() not in reply.body
    [line] = log.getvalue().splitlines()
    assert "problem RuntimeError in test_refused_at_the_door.py:" in line
    assert FAKE_KEY not in line


async def test_a_client_in_the_middle_of_its_body_is_not_mistaken_for_a_call(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        wire = await Wire.open(running.url)
        wire.writer.write(post("/v1/x", b"{}")[:-1])
        await exchange(running.url, get("/_runreel/health"))
        wire.writer.transport.abort()
        await exchange(running.url, get("/_runreel/health"))

    assert upstream.received == []
    [line] = log.getvalue().splitlines()
    assert line.endswith(" left POST (client_gone)")


def test_aiohttps_parser_in_python_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runreel", "passthrough", "--upstream", "http://127.0.0.1:1"]
    environment = os.environ | {"AIOHTTP_NO_EXTENSIONS": "1"}

    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "unset AIOHTTP_NO_EXTENSIONS" in ended.stderr
