"""What recording promises about the file: equal traffic changes no byte of it, new traffic only
adds to it. Through a real proxy and over any traffic that hypothesis makes up.
"""

import asyncio
import gzip
import itertools
import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from builders import a_request, a_response, an_interaction
from memory_store import MemoryStore
from runreel.cassettes import load
from runreel.cassettes.diff import compare
from runreel.cassettes.journal import Pending
from runreel.redaction.redactor import Redaction
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import SessionSpec, open_session
from runreel.sessions.modes import Action
from runreel.sessions.session import Session
from servers import Proxy, RawUpstream, Received, http
from wire import Wire, post

# Of a path that names no resource: what was sent before does not matter for it.
PATH = "/v1/embeddings"


def never_quite_the_same() -> Callable[[Received], bytes]:
    """Answers that differ in everything that decides nothing."""
    numbers = itertools.count(10)

    def answer(received: Received) -> bytes:
        number = next(numbers)
        headers = [
            ("Date", f"Tue, 31 Mar 2026 10:15:{number} GMT"),
            ("x-request-id", f"req_{number:032}"),
            ("CF-RAY", f"826276f9caa3{number}be-LHR"),
            ("openai-processing-ms", str(number)),
            ("apim-request-id", f"a{number}"),
            ("x-ms-request-id", f"b{number}"),
            ("x-envoy-upstream-service-time", str(number)),
            ("x-ratelimit-remaining-requests", str(number)),
            ("Server", f"istio-envoy/{number}"),
            ("Set-Cookie", f"__cf_bm={number}{'a' * 40}; path=/"),
            ("Content-Type", "application/json"),
            ("Content-Encoding", "gzip"),
        ]
        sent = json.loads(received.body)
        return http(200, headers, gzip.compress(json.dumps(sent, indent=2).encode()))

    return answer


def asking(stage: str) -> bytes:
    return post(PATH, b'{"metadata":{"stage":"%s"}}' % stage.encode())


async def record(proxy: Proxy, upstream: RawUpstream, *stages: str, together: bool = False) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        wires = [await Wire.open(running.url) for _ in (stages if together else stages[:1])]
        if together:
            sent = zip(wires, stages, strict=True)
            replies = await asyncio.gather(*(wire.send(asking(stage)) for wire, stage in sent))
        else:
            replies = [await wires[0].send(asking(stage)) for stage in stages]
        for wire in wires:
            await wire.close()
    assert [reply.values("x-runreel-recorded") for reply in replies] == [["yes"]] * len(stages)


async def test_the_same_traffic_recorded_again_leaves_the_file_byte_identical(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = never_quite_the_same()
    await record(proxy, upstream, "a", "b", "a", "c")
    before = (tmp_path / "default.json").read_bytes()

    await record(proxy, upstream, "a", "b", "a", "c")

    assert (tmp_path / "default.json").read_bytes() == before
    assert len(upstream.received) == 8
    assert before.count(b'"id": "POST-') == 4


async def test_two_recordings_of_the_same_traffic_do_not_differ_for_cassette_diff(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = never_quite_the_same()
    for name in ("one", "two"):
        async with proxy(mode="record", upstream=upstream.url, cassette=name) as running:
            wire = await Wire.open(running.url)
            await wire.send(asking("a"))
            await wire.close()

    one, two = (load(tmp_path / f"{name}.json") for name in ("one", "two"))

    assert compare(one, two).equal
    assert one != two


async def test_so_does_the_same_traffic_in_another_order(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = never_quite_the_same()
    await record(proxy, upstream, "a", "b", "c")
    before = (tmp_path / "default.json").read_bytes()

    await record(proxy, upstream, "c", "a", "b")

    assert (tmp_path / "default.json").read_bytes() == before


async def test_so_do_equal_requests_at_the_same_time(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = never_quite_the_same()
    await record(proxy, upstream, "a", "a", "b", "a", together=True)
    before = (tmp_path / "default.json").read_bytes()

    await record(proxy, upstream, "a", "a", "b", "a", together=True)

    assert (tmp_path / "default.json").read_bytes() == before
    assert before.count(b'"id": "POST-') == 4


async def test_one_new_request_leaves_the_fifty_that_stand_there(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = never_quite_the_same()
    await record(proxy, upstream, *(f"s{number}" for number in range(50)))
    before = (tmp_path / "default.json").read_text(encoding="utf-8")
    fifty = before[before.index('    {\n      "id"') : before.index("\n  ]\n}\n")]

    await record(proxy, upstream, "new")

    after = (tmp_path / "default.json").read_text(encoding="utf-8")
    assert fifty.count('"id": "POST-') == 50
    assert fifty in after
    assert after.count('"id": "POST-') == 51


async def test_one_request_that_changed_leaves_the_forty_nine_others(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path
) -> None:
    stages = [f"s{number}" for number in range(50)]
    await record(proxy, upstream, *stages)
    before = json.loads((tmp_path / "default.json").read_bytes())["interactions"]
    upstream.answer = never_quite_the_same()

    await record(proxy, upstream, "s20")

    after = json.loads((tmp_path / "default.json").read_bytes())["interactions"]
    assert [at for at in range(50) if after[at] != before[at]] == [20]
    assert [item["id"] for item in after] == [item["id"] for item in before]


Traffic = list[tuple[str, str, bool]]  # what is asked, what is answered, whether that is kept


def play(
    store: MemoryStore,
    mode: str,
    traffic: Traffic,
    order: list[int],
    moment: int,
    *,
    killed: bool = False,
) -> Session:
    """One session: all arrive, then they are answered in some order, and it ends or is killed."""
    redaction = Redaction()
    spec = SessionSpec("default", "default", mode, "http://up", "openai", redaction)
    session = open_session(spec, store, lambda _: None)
    requests = [a_request(stage.encode()) for stage, _, _ in traffic]
    verdicts = [
        session.state.ask(session.state.arrive(), redaction.request(request))
        for request in requests
    ]
    volatile = (("x-request-id", f"req_{moment}"), ("openai-processing-ms", str(moment)))
    captures: list[Pending] = []
    for at in order:
        _, answer, kept = traffic[at]
        if kept and verdicts[at].action is Action.CAPTURE:
            response = a_response(answer.encode(), headers=volatile)
            interaction = an_interaction(requests[at], response)
            captures.append(session.state.keep(verdicts[at], interaction))
    asyncio.run(persist(session, captures))
    if killed:
        store.recorders.clear()
    else:
        asyncio.run(session.close())
    return session.state


async def persist(session: LiveSession, captures: list[Pending]) -> None:
    await asyncio.gather(*(session.persist(capture) for capture in captures))


@st.composite
def traffics(draw: st.DrawFn, *, all_kept: bool = True) -> tuple[Traffic, list[int], list[int]]:
    """Traffic, and two orders in which its answers may come in."""
    kept = st.just(True) if all_kept else st.booleans()
    calls = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), kept)
    traffic = draw(st.lists(calls, min_size=1, max_size=8))
    orders = st.permutations(range(len(traffic)))
    return traffic, draw(orders), draw(orders)


@given(traffics())
def test_any_traffic_recorded_again_changes_no_byte_however_its_answers_come_in(
    given_: tuple[Traffic, list[int], list[int]],
) -> None:
    traffic, first, second = given_
    store = MemoryStore()
    play(store, "record", traffic, first, moment=1)
    before = dict(store.documents)

    play(store, "record", traffic, second, moment=2)

    assert store.documents == before


@given(traffics())
def test_any_traffic_is_filed_in_order_of_arrival(
    given_: tuple[Traffic, list[int], list[int]],
) -> None:
    traffic, order, _ = given_
    store = MemoryStore()

    play(store, "record", traffic, order, moment=1)

    assert _answers(store) == [answer for _, answer, _ in traffic]


@given(traffics(), traffics(all_kept=False), st.sampled_from(["record", "new_episodes"]))
def test_whoever_is_killed_leaves_the_cassette_as_it_stood(
    old: tuple[Traffic, list[int], list[int]], new: tuple[Traffic, list[int], list[int]], mode: str
) -> None:
    store = MemoryStore()
    play(store, "record", old[0], old[1], moment=1)

    session = play(store, mode, new[0], new[1], moment=2, killed=True)

    stored = store.load("default")
    assert stored is not None
    assert stored.cassette.interactions == session.merged()
    assert len(_answers(store)) >= len(old[0])


@given(traffics(all_kept=False))
def test_recording_again_after_a_crash_ends_as_if_there_had_been_none(
    given_: tuple[Traffic, list[int], list[int]],
) -> None:
    traffic, first, second = given_
    store = MemoryStore()
    play(store, "record", traffic, first, moment=1, killed=True)

    again = [(stage, answer, True) for stage, answer, _ in traffic]
    play(store, "record", again, second, moment=2)

    for stage in "abc":
        came = [answer for asked, answer, _ in traffic if asked == stage]
        assert _answers(store, stage) == came


def _documents(store: MemoryStore) -> list[str]:
    interactions = json.loads(store.documents["default"])["interactions"]
    return [json.dumps(item) for item in interactions]


def _answers(store: MemoryStore, stage: str | None = None) -> list[str]:
    stored = store.load("default")
    found = [item.value for item in stored.cassette.interactions] if stored else []
    return [
        item.response.body.decode()
        for item in found
        if stage is None or item.request.body == stage.encode()
    ]
