"""Clients that leave a stream: who has had its head has had an answer, others have not."""

import asyncio
import zlib
from collections.abc import AsyncGenerator

import pytest

from builders import a_request, an_interaction
from fakes import Script
from held import turns
from runreel.http.messages import Headers, Response
from stages import Stage, stage

EVENTS: Headers = (("Content-Type", "text/event-stream"),)
HEADERS: Headers = (*EVENTS, ("Transfer-Encoding", "chunked"))
CREATED = b'event: thread.run.created\ndata: {"id":"run_1"}\n\n'
DELTA = b'event: thread.message.delta\ndata: {"delta":{"a":"Hi"}}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"
OLD = an_interaction(response=Response(200, EVENTS, b"data: old\n\n", (1,)))


class Client:
    """A client that asks for a stream, may leave before its head or later, and had some of it."""

    def __init__(self, *, stays_for_the_head: bool = True) -> None:
        self.left = asyncio.Event()
        self.had: list[bytes] = []
        self._stays = stays_for_the_head

    async def asks(self, scene: Stage) -> asyncio.Task[None]:
        """Ask, and read on beside the test, as the proxy does even if nobody is there."""
        answer = await scene.ask(a_request(), client_disconnected=self.left.is_set)
        if not self._stays:
            self.left.set()
        assert answer.tail is not None
        reading = asyncio.create_task(self._read(answer.tail))
        await turns()
        return reading

    async def _read(self, tail: AsyncGenerator[bytes, None]) -> None:
        async for piece in tail:
            if not self.left.is_set():
                self.had.append(piece)


def kept(scene: Stage) -> list[tuple[bytes, str | None]]:
    """Of every stored interaction: the body, and what is said of its client."""
    marks = [document.get("client") for document in scene.documents]
    return [(body, mark) for (_, _, body), mark in zip(scene.kept, marks, strict=True)]


@pytest.mark.parametrize(
    ("pieces", "had"),
    [
        ([CREATED, DELTA, DONE], []),
        ([DONE], []),
        ([b"data: half"], []),
        ([CREATED, None, DELTA, DONE], [CREATED]),
        ([b": ping\n\n", None, DONE], [b": ping\n\n"]),
    ],
)
async def test_a_client_that_leaves_after_the_head_has_its_stream_recorded(
    pieces: list[bytes | None], had: list[bytes]
) -> None:
    client, more = Client(), asyncio.Event()
    waits = [more if piece is None else piece for piece in pieces]
    script = Script(waits if more in waits else [more, *waits], headers=HEADERS)
    scene = stage("record", script)

    reading = await client.asks(scene)
    client.left.set()
    more.set()
    await reading

    assert client.had == had
    assert kept(scene) == [(b"".join(piece for piece in pieces if piece), None)]
    assert scene.told == [("recorded", 200, True)]
    assert scene.events[0].reason is None


async def test_a_coded_stream_is_no_other() -> None:
    client, more = Client(), asyncio.Event()
    packed = zlib.compress(CREATED + DONE)
    headers = (*HEADERS, ("Content-Encoding", "deflate"))
    scene = stage("record", Script([packed[:9], more, packed[9:]], headers=headers))

    reading = await client.asks(scene)
    client.left.set()
    more.set()
    await reading

    assert client.had == [packed[:9]]
    assert kept(scene) == [(CREATED + DONE, None)]


async def test_a_client_that_leaves_before_the_head_has_its_stream_kept_as_evidence() -> None:
    client = Client(stays_for_the_head=False)
    scene = stage("record", Script([CREATED, DELTA, DONE], headers=HEADERS))

    await (await client.asks(scene))

    assert client.had == []
    assert kept(scene) == [(CREATED + DELTA + DONE, "gone")]
    assert scene.events[0].reason == "its client had left"


@pytest.mark.parametrize(
    ("stays", "wanted"),
    [
        # Who had the head has an answer: the other request is one of its own.
        (True, [(CREATED + DONE, None), (DELTA + DONE, None)]),
        # Who had none asks again, and that is the recording.
        (False, [(DELTA + DONE, None), (CREATED + DONE, "gone")]),
    ],
)
async def test_an_equal_request_takes_the_place_of_a_stream_only_if_its_client_had_no_head(
    stays: bool, wanted: list[tuple[bytes, str | None]]
) -> None:
    first, second, more = Client(stays_for_the_head=stays), Client(), asyncio.Event()
    scripts = (
        Script([CREATED, more, DONE], headers=HEADERS),
        Script([DELTA, DONE], headers=HEADERS),
    )
    scene = stage("record", *scripts, recorded=(OLD,))

    reading = await first.asks(scene)
    first.left.set()
    await (await second.asks(scene))
    more.set()
    await reading
    await scene.session.close()

    assert kept(scene) == wanted
    assert scene.documents[0]["id"] == "modifyRun-00000000"


async def test_what_a_client_left_in_the_middle_is_served_again() -> None:
    client, more = Client(), asyncio.Event()
    scene = stage("record", Script([CREATED, more, DONE], headers=HEADERS))
    reading = await client.asks(scene)
    client.left.set()
    more.set()
    await reading
    await scene.session.close()

    replaying = stage("new_episodes", store=scene.store)
    answer = await replaying.ask(a_request())

    assert (answer.source, answer.response.body) == ("replay", CREATED + DONE)
