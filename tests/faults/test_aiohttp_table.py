"""aiohttp's defaults that a proxy must not have, one row each, on raw sockets.

Our proxy keeps every rule. The naive one is seen to break each, but for those that the framework
keeps for anybody. Rows that are shown elsewhere, or not at all, stand below with the reason.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from builders import FAKE_KEY
from faults import rules_for_connections as rules
from faults.naive_proxy import naive_proxy
from runreel import app
from runreel.engine import Engine
from servers import Proxy, RawUpstream
from wire import Wire, exchange, get, post

Check = Callable[[str, RawUpstream], Awaitable[None]]

ROWS: dict[str, tuple[Check, ...]] = {
    "shared cookie jar": (rules.cookies_of_one_client_never_reach_another,),
    "path re-quoting, dot segments collapsed": (rules.a_target_goes_up_byte_for_byte,),
    "redirects followed, with the credential": (rules.redirects_are_passed_on,),
    "answers decompressed under their old headers": (rules.a_compressed_answer_arrives_as_it_left,),
    "requests decompressed under their old headers": (
        rules.a_compressed_request_arrives_as_it_left,
    ),
    "headers added to requests": (rules.no_header_is_made_up_for_the_upstream,),
    "raise_for_status": (rules.an_answer_that_is_an_error_is_passed_on,),
    "connector limit": (rules.a_hundred_and_one_calls_are_under_way_at_once,),
    "pooled POST race": (
        rules.a_post_on_a_connection_that_breaks_is_an_error_and_sent_once,
        rules.no_method_is_sent_again_when_a_connection_breaks,
    ),
    "lenient response parser": (rules.an_answer_with_bare_line_feeds_is_framed_anew,),
    "response with two framings": (rules.an_answer_with_two_framings_is_an_error,),
    "max_field_size of responses": (rules.an_answer_may_have_a_long_header,),
    "client_max_size and header limits": (
        rules.a_request_that_is_too_large_is_refused,
        rules.a_chunked_request_that_is_too_large_is_refused,
        rules.a_header_that_is_too_long_is_refused,
        rules.a_request_line_that_is_too_long_is_refused,
        rules.too_many_headers_are_refused,
    ),
    "parser errors that quote the request": (
        rules.what_is_no_http_is_refused_without_a_quotation,
        rules.a_chunked_request_that_turns_invalid_is_refused_at_once,
        rules.a_request_under_way_is_answered_before_the_nonsense_behind_it,
    ),
    "slow headers, slow bodies": (
        rules.a_head_that_never_ends_is_not_waited_for,
        rules.a_body_that_never_ends_is_not_waited_for,
    ),
}
# What the naive proxy keeps too, and why.
KEPT_BY_ANYBODY: dict[Check, str] = {
    rules.an_answer_that_is_an_error_is_passed_on: "raise_for_status is off by default",
    rules.an_answer_with_bare_line_feeds_is_framed_anew: "aiohttp writes its own framing",
}
ELSEWHERE: dict[str, str] = {
    "TE and CL copied from the peer": "test_gateway_rules: one framing, computed by us",
    "raw_path that does not begin with a slash": "test_gateway_rules: absolute form",
    "duplicate headers flattened": "test_gateway_rules: repeated fields",
    "header bytes that are not UTF-8": "test_gateway_rules: bytes beyond ASCII",
    "204, 304, HEAD": "test_gateway_rules: HEAD, 204, 304",
    "trust_env": "web/test_calls_out: the environment changes nothing",
    "timeouts": "test_upstream_faults, and web/test_calls_out for those of a whole call",
    "handler_cancellation": "test_client_leaves: an answer that nobody received is kept",
    "shutdown": "test_client_leaves for its order, test_sigterm for its time",
    "run_app binds 0.0.0.0": "test_config_example: the default is 127.0.0.1",
    "access log with the query": "test_no_secret_anywhere; aiohttp's own access log is off",
}
NOT_APPLICABLE: dict[str, str] = {
    "streaming (SSE)": "answers are read whole; what is too long for that is in web/test_exchange",
    "numeric hosts": "the upstream comes from the configuration only",
    "connection cap": "left to the operating system's limit of open files; aiohttp has none",
    "force_close": "no option: what fails on a used connection is answered 502, not repeated",
    "upstream_nonconforming in the log": "what is accepted is framed anew, so nobody need know",
    "floor of aiohttp's version": "a dependency, so the installer sees to it; the parser: below",
}
# Small enough for a test, large enough for what is healthy.
SETTINGS: dict[Check, dict[str, Any]] = {
    rules.a_request_that_is_too_large_is_refused: {"limits__request_body_bytes_max": 1_000},
    rules.a_chunked_request_that_is_too_large_is_refused: {"limits__request_body_bytes_max": 1_000},
    rules.a_body_that_never_ends_is_not_waited_for: {"limits__request_body_read_s_max": 0.2},
}

CHECKS = [check for checks in ROWS.values() for check in checks]


def _name(check: Check) -> str:
    return check.__name__


def _by_name(upstream: RawUpstream) -> str:
    # aiohttp's cookie jar ignores addresses, so a rule that is checked by address proves nothing.
    return f"http://localhost:{upstream.port}"


@pytest.mark.parametrize("check", CHECKS, ids=_name)
async def test_our_proxy_keeps_the_rule(
    proxy: Proxy, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    monkeypatch.setattr(app, "KEEPALIVE_S", 0.2)
    monkeypatch.setattr(app, "SHUTDOWN_S", 0.2)
    settings = SETTINGS.get(check, {})

    async with proxy(mode="passthrough", upstream=_by_name(upstream), **settings) as running:
        await check(running.url, upstream)


@pytest.mark.parametrize(
    "check", [check for check in CHECKS if check not in KEPT_BY_ANYBODY], ids=_name
)
async def test_a_naive_proxy_is_seen_to_break_the_rule(
    upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    monkeypatch.setattr(rules, "PATIENCE_S", 0.5)

    async with naive_proxy(_by_name(upstream)) as url:
        with pytest.raises((AssertionError, EOFError, ConnectionError)):
            await check(url, upstream)


@pytest.mark.parametrize("check", KEPT_BY_ANYBODY, ids=_name)
async def test_what_anybody_keeps_is_kept_by_the_naive_proxy_too(
    upstream: RawUpstream, check: Check
) -> None:
    async with naive_proxy(_by_name(upstream)) as url:
        await check(url, upstream)


def test_every_row_has_its_check_or_its_reason() -> None:
    written = {
        value
        for name, value in vars(rules).items()
        if callable(value) and value.__module__ == rules.__name__ and not name.startswith("_")
    }
    rows = [*ROWS, *ELSEWHERE, *NOT_APPLICABLE]

    assert set(CHECKS) == written
    assert len(rows) == len(set(rows))
    assert all([*ROWS.values(), *ELSEWHERE.values(), *NOT_APPLICABLE.values()])
    assert written >= KEPT_BY_ANYBODY.keys() | SETTINGS.keys()


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

    async with proxy(mode="record", upstream=upstream.url, log_as_json=as_json) as running:
        await exchange(running.url, NONSENSE[what].encode(), method="GET")

    [line] = log.getvalue().splitlines()
    if as_json:
        document = json.loads(line)
        assert list(document) == ["at", "outcome", "method", "reason"]
        assert (document["outcome"], document["method"], document["reason"]) == (
            "refused",
            None,
            code,
        )
    else:
        assert line.split(" ")[1:] == ["refused", "-", f"({code})"]


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (post("/v1/" + FAKE_KEY, b"x" * 11), "refused POST (body_too_large)"),
        (get("/v1/" + FAKE_KEY, host="example.com"), "refused GET (misdirected_host)"),
        (get("/v1/" + FAKE_KEY, method="TRACE"), "refused TRACE (method_not_allowed)"),
        (get("/_runreel/" + FAKE_KEY), "refused GET (admin_unknown)"),
        (get("/_runreel/s/" + FAKE_KEY + "/v1/x"), "refused GET (session_unknown)"),
        (post("/v1/" + FAKE_KEY, b"xy")[:-1], "refused POST (request_timeout)"),
    ],
)
async def test_what_is_refused_at_the_door_is_one_line_without_its_target(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    raw: bytes,
    line: str,
) -> None:
    monkeypatch.setattr(app, "SHUTDOWN_S", 0.2)
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
    assert "problem RuntimeError in test_aiohttp_table.py:" in line
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

    assert (upstream.received, log.getvalue()) == ([], "")


def test_aiohttps_parser_in_python_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runreel", "passthrough", "--upstream", "http://127.0.0.1:1"]
    environment = os.environ | {"AIOHTTP_NO_EXTENSIONS": "1"}

    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "unset AIOHTTP_NO_EXTENSIONS" in ended.stderr
