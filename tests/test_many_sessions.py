"""Two hundred sessions at once, whose requests look alike and whose answers do not."""

import asyncio
import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

from builders import TARGET, a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.format import dump
from servers import Proxy, RawUpstream, Received, http
from wire import Wire, get, post

SESSIONS = 200
REQUESTS_EACH = 50
CONNECTIONS = 16
BODY = b'{"metadata":{"stage":"a"}}'
HEADERS = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))


def answer(session: int, turn: int) -> bytes:
    return b"%d/%d" % (session, turn)


def a_cassette_of(session: int) -> str:
    recordings = [
        an_interaction(a_request(BODY), a_response(answer(session, turn)), f"modifyRun-{turn:08}")
        for turn in range(REQUESTS_EACH)
    ]
    return dump(replace(a_cassette(), interactions=tuple(recordings)))


def asks(session: int, *, by_header: bool) -> bytes:
    if by_header:
        return post(TARGET, BODY, (*HEADERS, ("X-Runreel-Session", f"s{session}")))
    return post(f"/_runreel/s/s{session}{TARGET}", BODY, HEADERS)


async def test_every_answer_comes_from_its_own_session(proxy: Proxy, tmp_path: Path) -> None:
    order = [session for session in range(SESSIONS) for _ in range(REQUESTS_EACH)]
    random.Random(6).shuffle(order)  # noqa: S311 - no secret
    for session in range(SESSIONS):
        (tmp_path / f"c{session}.json").write_text(a_cassette_of(session), encoding="utf-8")
    answered: list[list[bytes]] = [[] for _ in range(SESSIONS)]

    async def client(url: str) -> None:
        wire = await Wire.open(url)
        while order:
            session = order.pop()
            reply = await wire.send(asks(session, by_header=session % 2 == 0))
            answered[session].append(reply.body)
        await wire.close()

    async with proxy(mode="replay", cassette="c0", quiet=True) as running:
        wire = await Wire.open(running.url)
        for session in range(SESSIONS):
            wanted = b'{"cassette":"c%d","mode":"replay","id":"s%d"}' % (session, session)
            assert (await wire.send(post("/_runreel/sessions", wanted))).status == 201
        await wire.close()
        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(client(running.url))

    for session, got in enumerate(answered):
        assert sorted(got) == sorted(answer(session, turn) for turn in range(REQUESTS_EACH))


async def test_every_recording_goes_into_the_cassette_of_its_own_session(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    numbers = itertools.count()

    def numbered(_: Received) -> bytes:
        return http(200, [("Content-Type", "text/plain")], b"%d" % next(numbers))

    upstream.answer = numbered
    sessions, requests_each = 40, 10
    answered: list[list[str]] = [[] for _ in range(sessions)]

    async def client(url: str, session: int) -> None:
        wire = await Wire.open(url)
        for _ in range(requests_each):
            reply = await wire.send(asks(session, by_header=session % 2 == 0))
            answered[session].append(reply.body.decode())
        await wire.send(get(f"/_runreel/sessions/s{session}", method="DELETE"))
        await wire.close()

    async with proxy(mode="passthrough", upstream=upstream.url, quiet=True) as running:
        wire = await Wire.open(running.url)
        for session in range(sessions):
            wanted = b'{"cassette":"c%d","mode":"record","id":"s%d"}' % (session, session)
            assert (await wire.send(post("/_runreel/sessions", wanted))).status == 201
        await wire.close()
        async with asyncio.TaskGroup() as group:
            for session in range(sessions):
                group.create_task(client(running.url, session))

    for session, got in enumerate(answered):
        document = json.loads((tmp_path / f"c{session}.json").read_bytes())
        held = [item["response"]["body"]["text"] for item in document["interactions"]]
        assert held == got
