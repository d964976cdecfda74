"""The limits of sessions, as they are configured."""

import asyncio
import io
import json

import pytest

import runreel.server.app
from servers import Proxy, RawUpstream
from wire import exchange, get, post

SESSIONS = "/_runreel/sessions"


def a_session(name: str) -> bytes:
    return post(
        SESSIONS, b'{"cassette": "%b", "mode": "record", "id": "%b"}' % ((name.encode(),) * 2)
    )


async def test_a_session_that_nobody_uses_is_ended(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runreel.server.app, "EXPIRY_EVERY_S", 0.01)
    settings = {"mode": "passthrough", "upstream": upstream.url, "quiet": True}
    async with proxy(**settings, limits__session_idle_s_max=0.01) as running:
        opened = await exchange(running.url, a_session("idle"))
        async with asyncio.timeout(10):
            while "idle" in running.sessions.names():
                await exchange(running.url, get("/_runreel/health"))

    assert opened.status == 201
    assert log.getvalue()[9:] == (
        "problem session 'idle' was not used for 0.01 s and has ended; what it recorded is saved\n"
    )


async def test_one_session_too_many_is_refused(proxy: Proxy, upstream: RawUpstream) -> None:
    settings = {"mode": "passthrough", "upstream": upstream.url, "limits__sessions_max": 1}
    async with proxy(**settings) as running:
        first = await exchange(running.url, a_session("a"))
        second = await exchange(running.url, a_session("b"))

    assert (first.status, second.status) == (201, 503)
    assert json.loads(second.body)["error"]["code"] == "too_many_sessions"
