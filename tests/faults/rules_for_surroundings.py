"""A proxy on its machine: its environment, its addresses, its log, its end.

Checks that any proxy can be put to. Each takes a proxy that it may start, and the upstream behind
it, and raises AssertionError.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from builders import FAKE_KEY
from faults.judging import later
from servers import RawUpstream, Received, http
from wire import Reply, Wire, exchange, get


@dataclass(frozen=True)
class Subject:
    """How to start a proxy, a folder for it, and everything that it has written by now."""

    start: Callable[[], AbstractAsyncContextManager[str]]
    folder: Path
    said: Callable[[], str]


@contextmanager
def _environment(**names: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            environment.delenv(name)
        for name, value in names.items():
            environment.setenv(name, value)
        yield


async def no_proxy_of_the_environment_is_used(subject: Subject, upstream: RawUpstream) -> None:
    upstream.answer = lambda _: http(200, [], b"answer")
    with socket.socket() as bound:  # but never listening
        bound.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with _environment(HTTP_PROXY=proxy, http_proxy=proxy, ALL_PROXY=proxy, all_proxy=proxy):
            async with subject.start() as url:
                reply = await exchange(url, get("/v1/x"))

    assert (reply.status, reply.body) == (200, b"answer")


async def no_credential_of_the_machine_is_used(subject: Subject, upstream: RawUpstream) -> None:
    netrc = subject.folder / "netrc"
    netrc.write_text("machine localhost login somebody password something\n", encoding="utf-8")
    netrc.chmod(0o600)

    with _environment(NETRC=str(netrc)):
        async with subject.start() as url:
            await exchange(url, get("/v1/x"))

    assert [received.values("authorization") for received in upstream.received] == [[]]


async def it_listens_on_one_address(subject: Subject, upstream: RawUpstream) -> None:
    async with subject.start() as url:
        healthy = await exchange(url, get("/v1/x"))
        with socket.socket() as other:
            refused = other.connect_ex(("127.0.0.2", urlsplit(url).port))

    assert (healthy.status, len(upstream.received)) == (200, 1)
    assert refused != 0


async def no_key_in_a_target_is_written_down(subject: Subject, upstream: RawUpstream) -> None:
    keys = (("Authorization", "Bearer " + FAKE_KEY),)

    async with subject.start() as url:
        await exchange(url, get("/v1/x?access_token=" + FAKE_KEY, keys))

    assert [received.method for received in upstream.received] == ["GET"]
    assert "/v1/x" in subject.said()
    assert FAKE_KEY not in subject.said()


async def a_stop_waits_for_what_is_under_way(subject: Subject, upstream: RawUpstream) -> None:
    arrived, release = asyncio.Event(), asyncio.Event()

    async def held(received: Received) -> bytes:
        if received.target == "/v1/x":
            arrived.set()
            await release.wait()
        return http(200, [], b"answer")

    upstream.answer = held
    proxy = subject.start()
    url = await proxy.__aenter__()
    call = asyncio.ensure_future(exchange(url, get("/v1/x")))
    await arrived.wait()
    stopping = asyncio.ensure_future(proxy.__aexit__(None, None, None))
    await _closed(url)
    await _pass(3, upstream)
    release.set()
    [reply] = await asyncio.gather(call, return_exceptions=True)
    await stopping

    assert isinstance(reply, Reply), reply
    assert (reply.status, reply.body) == (200, b"answer")


async def a_stop_takes_less_than_ten_seconds(subject: Subject, upstream: RawUpstream) -> None:
    arrived = asyncio.Event()

    def stays_silent(received: Received) -> bytes:
        if received.target == "/v1/x":
            arrived.set()
            return b""
        return http(200, [], b"answer")

    upstream.answer = stays_silent
    proxy = subject.start()
    url = await proxy.__aenter__()
    call = asyncio.ensure_future(exchange(url, get("/v1/x")))
    await arrived.wait()
    stopping = asyncio.ensure_future(proxy.__aexit__(None, None, None))
    await _closed(url)
    await _pass(10, upstream)
    stopped = stopping.done()
    await _pass(1_000, upstream, at_once=500)
    await asyncio.gather(call, stopping, return_exceptions=True)

    assert stopped


async def _pass(seconds: int, upstream: RawUpstream, at_once: int = 1) -> None:
    """Let time pass in steps, each of which leaves time enough to do what is due by then."""
    for _ in range(0, seconds, at_once):
        later(at_once)
        await exchange(upstream.url, get("/while/time/passes"))


async def _closed(url: str) -> None:
    """Return once nothing listens there any more."""
    while True:
        try:
            wire = await Wire.open(url)
        except ConnectionError:
            return
        wire.writer.transport.abort()
