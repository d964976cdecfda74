"""A simulator on a port: a recording of it says so, whatever URL it was reached by."""

import json
from pathlib import Path
from typing import Any

import pytest

from builders import a_response, an_interaction
from foreign import cassette_of, har, har_entry
from held import recording_to
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import SIMULATOR
from runreel.errors import StartRefused
from runreel.http.messages import Headers
from runreel.redaction.redactor import Redaction
from servers import Proxy, RawUpstream, http
from simulating import story
from wire import Wire, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
SIMULATED: Headers = (("X-Runreel-Source", "simulator"),)


def _cassette(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "default.json").read_bytes())
    return document


def _marks(cassette: dict[str, Any]) -> list[bool]:
    """Of every answer, whether it says that the simulator made it."""
    return [
        "X-Runreel-Source: simulator" in item["response"]["headers"]
        for item in cassette["interactions"]
    ]


async def _recorded(url: str, *stages: bytes) -> list[str]:
    """Send a change for each; what is said of their recording."""
    wire = await Wire.open(url)
    replies = [await wire.send(post(PATH, b'{"metadata":{"s":"%b"}}' % one)) for one in stages]
    await wire.close()
    return [said for reply in replies for said in reply.values("x-runreel-recorded")]


async def test_a_recording_over_a_port_is_one_of_the_simulator_and_can_be_gone_on_with(
    proxy: Proxy, tmp_path: Path
) -> None:
    files = []
    for _ in range(2):
        async with (
            proxy(mode="passthrough", upstream="simulator") as simulator,
            proxy(mode="record", upstream=simulator.url) as running,
        ):
            await story(running.url)
        files.append((tmp_path / "default.json").read_bytes())
    async with proxy(mode="record", upstream="simulator") as running:
        await story(running.url)

    cassette = json.loads(files[0])
    assert cassette["upstream"] == "simulator"
    assert _marks(cassette) == [True] * 7
    # Neither another port nor none at all changes a byte.
    assert files == [(tmp_path / "default.json").read_bytes()] * 2


async def test_it_is_known_through_other_proxies_and_from_its_replay(
    proxy: Proxy, tmp_path: Path
) -> None:
    async with (
        proxy(mode="passthrough", upstream="simulator") as simulator,
        proxy(mode="passthrough", upstream=simulator.url) as between,
        proxy(mode="record", upstream=between.url) as running,
    ):
        sources = [reply.values("x-runreel-source") for reply in await story(running.url)]
    first = _cassette(tmp_path)
    async with (
        proxy(mode="replay") as replaying,
        proxy(mode="record", upstream=replaying.url, cassette="again") as running,
    ):
        await story(running.url)
    again = json.loads((tmp_path / "again.json").read_bytes())

    assert sources == [["simulator"]] * 7
    assert (first["upstream"], again["upstream"]) == ("simulator", "simulator")
    assert _marks(again) == [True] * 7


async def test_a_gateway_with_a_name_of_its_own_does_not_hide_it(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = lambda _: http(200, [("Server", "nginx"), *SIMULATED], b"made up")
    async with proxy(mode="record", upstream=upstream.url) as running:
        await _recorded(running.url, b"a")

    cassette = _cassette(tmp_path)
    assert (cassette["upstream"], _marks(cassette)) == ("simulator", [True])


@pytest.mark.parametrize("first", ["simulator", "real"])
async def test_answers_of_both_never_come_into_one_cassette(
    first: str, proxy: Proxy, upstream: RawUpstream, log: Any, tmp_path: Path
) -> None:
    answers = {"simulator": http(200, list(SIMULATED), b"made up"), "real": http(200, [], b"real")}
    other = "real" if first == "simulator" else "simulator"
    upstream.answer = lambda _: answers[first]
    async with proxy(mode="record", upstream=upstream.url) as running:
        before = await _recorded(running.url, b"a")
        upstream.answer = lambda _: answers[other]
        within = await _recorded(running.url, b"b")
    kept = (tmp_path / "default.json").read_bytes()
    async with proxy(mode="new_episodes", upstream=upstream.url) as running:
        await _recorded(running.url, b"a")  # what stands there must come first
        later = await _recorded(running.url, b"c")
        receipt = running.receipt()

    names = {"simulator": "the simulator", "real": upstream.url}
    said = f"{names[other]} made this answer, and cassette 'default' was recorded from "
    assert (before, within, later) == (["yes"], ["no"], ["no"])
    assert (receipt["recorded"], receipt["not_stored"]) == (0, 1)
    assert (tmp_path / "default.json").read_bytes() == kept
    assert json.loads(kept)["upstream"] == (SIMULATOR if first == "simulator" else upstream.url)
    assert log.getvalue().count(said) == 2


async def test_an_upstream_that_is_another_url_is_still_refused_at_the_start(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await _recorded(running.url, b"a")

    with pytest.raises(StartRefused, match=f"recorded from {upstream.url}, not from http://other"):
        async with proxy(mode="record", upstream="http://other"):
            pass


async def test_what_a_crash_leaves_is_a_recording_of_the_simulator_too(tmp_path: Path) -> None:
    session = recording_to(FileStore(tmp_path))
    await session.check()  # the journal begins before any answer has come
    made_up = an_interaction(response=a_response(b"made up", headers=SIMULATED), name="one")
    refused = session.refuses(made_up.value.response)
    verdict = session.state.ask(session.state.arrive(), Redaction().request(made_up.value.request))
    await session.persist(session.state.keep(verdict, made_up))

    found = FileStore(tmp_path).load("default")

    assert refused is None
    assert found is not None
    assert found.cassette.upstream == "simulator"
    assert found.cassette.interactions == (made_up,)


def test_a_file_of_another_tool_becomes_a_cassette_of_the_simulator(tmp_path: Path) -> None:
    server = [{"name": "server", "value": "runreel-simulator/0.1.0"}]
    file = har(tmp_path / "a.har", har_entry(response_headers=server))

    cassette = cassette_of(file.read_bytes())

    assert cassette.upstream == "simulator"
