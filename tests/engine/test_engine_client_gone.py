"""The engine is told when a client has left, at the moment in which it matters."""

import asyncio

import pytest

from builders import a_request, a_response, an_interaction
from fakes import Script
from runreel.engine.call import Answer
from runreel.errors import UpstreamFailed, UpstreamFault
from stages import RECORDED, A, Stage, rest, stage


class Client:
    """A client that may leave."""

    def __init__(self) -> None:
        self.gone = False

    def has_left(self) -> bool:
        return self.gone


async def asked(scene: Stage, client: Client, body: bytes = A) -> Answer:
    place = scene.session.state.arrive()
    return await scene.engine.answer(scene.session, place, a_request(body), client.has_left)


def flags(scene: Stage) -> list[tuple[bytes, bool]]:
    return [
        (item.value.response.body, item.value.client_gone)
        for item in scene.session.state.merged(final=True)
    ]


async def test_a_client_that_leaves_while_the_upstream_works_makes_it_a_lost_answer() -> None:
    gate, client = asyncio.Event(), Client()
    scene = stage("record", Script([b"new"], gate=gate))

    answering = asyncio.ensure_future(asked(scene, client))
    await scene.upstream.was_sent(1)
    client.gone = True
    gate.set()
    await answering

    assert flags(scene) == [(b"new", True)]
    assert scene.told == [("recorded", 200, True)]
    assert scene.events[0].reason == "its client had left"


async def test_a_client_that_leaves_after_the_answer_was_kept_changes_nothing() -> None:
    client = Client()
    scene = stage("record", Script([b"new"]))

    await asked(scene, client)
    client.gone = True

    assert flags(scene) == [(b"new", False)]
    assert scene.events[0].reason is None


async def test_a_client_that_leaves_after_the_answer_was_kept_frees_nothing() -> None:
    client = Client()
    scene = stage("record", Script([b"1"]), Script([b"2"]), recorded=(RECORDED,))

    await asked(scene, client)
    client.gone = True
    await asked(scene, Client())

    assert flags(scene) == [(b"1", False), (b"2", False)]


async def test_only_the_recording_of_the_client_that_left_is_free_for_others() -> None:
    gate, first, second = asyncio.Event(), Client(), Client()
    old = an_interaction(a_request(A), a_response(b"older"), "modifyRun-00000001")
    scripts = [Script([b"1"], gate=gate), Script([b"2"], gate=gate), Script([b"3"])]
    scene = stage("record", *scripts, recorded=(RECORDED, old))

    calls = [asyncio.ensure_future(asked(scene, client)) for client in (first, second)]
    await scene.upstream.was_sent(2)
    first.gone = True
    await asked(scene, Client())
    gate.set()
    await asyncio.gather(*calls)

    assert sorted(flags(scene)) == [(b"1", True), (b"2", False), (b"3", False)]
    assert [body for body, gone in flags(scene) if not gone] == [b"3", b"2"]


async def test_a_lost_404_is_no_regress_because_it_replaces_nothing() -> None:
    client = Client()
    client.gone = True
    scene = stage("record", Script([b"gone"], status=404), recorded=(RECORDED,))

    await asked(scene, client)

    assert flags(scene) == [(b"old", False), (b"gone", True)]


async def test_a_lost_answer_that_cannot_be_kept_frees_its_counterpart_too() -> None:
    client = Client()
    client.gone = True
    scripts = [Script([b"too long"]), Script([b"new"])]
    scene = stage("record", *scripts, recorded=(RECORDED,), response_bytes_max=4)

    lost = await asked(scene, client)
    await rest(lost.tail)
    await asked(scene, Client())

    assert flags(scene) == [(b"new", False)]
    assert scene.told == [("not_stored", 200, True), ("recorded", 200, True)]


@pytest.mark.parametrize(
    ("fault", "status", "called"),
    [(UpstreamFault.TOO_MANY, 503, False), (UpstreamFault.STOPPED, 503, True)],
)
async def test_a_call_that_was_not_even_sent_is_not_counted(
    fault: UpstreamFault, status: int, called: bool
) -> None:
    scene = stage("record", Script(refused=UpstreamFailed(fault, "It is so.")))

    answer = await scene.ask(a_request(A))

    assert answer.response.status == status
    assert scene.told == [("failed", status, called)]
