"""Recording under load, and the judgement of what a crash left of it.

Owns `Traffic`, an upstream that never answers twice alike with clients that remember what they were
told; `Fuse`, a moment that is counted and not timed; and `judge` and `replayed`, which compare a
folder of cassettes with what was acknowledged.
"""

import asyncio
import contextlib
import itertools
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, SupportsIndex

from builders import JSON_HEADERS
from processes import runreel
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette
from runreel.errors import CassetteDamaged
from runreel.http.messages import Request
from runreel.redaction.redactor import Redaction
from runreel.sessions.modes import DECISIONS, Mode
from runreel.sessions.session import Session
from servers import RUN, RawUpstream, Received, http
from wire import Reply, Wire, post

CLIENTS = 8
# Nobody can tell what a call to it changes, so that its recordings are played in any order.
TARGET = "/v1/embeddings"
ASKED_MAX = 2_000  # requests of one load, should its fuse never burn down
Unit = Literal["answers", "requests", "bytes", "writes"]


class Fuse:
    """Does something once, after so many acknowledged answers, requests, bytes of answers or writes
    to the disk.
    """

    def __init__(self, unit: Unit, length: int, then: Callable[[], None]) -> None:
        self._unit = unit
        self._left = length
        self._then = then

    def burn(self, unit: Unit, amount: int = 1) -> None:
        """Something happened."""
        if unit != self._unit or self._left <= 0:
            return
        self._left -= amount
        if self._left <= 0:
            self._then()


@dataclass
class Traffic:
    """Requests, each known by a name that stands in its metadata, and their answers.

    `answers` are the bodies that a request may be replayed with: the last acknowledged one and what
    the upstream answered since. `acknowledged` are the requests that must be replayed.
    """

    seed: int
    answers: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    acknowledged: set[str] = field(default_factory=set)
    refused: list[Reply] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    fuse: Fuse | None = None
    least_answer_bytes: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - moments and sizes, no secrets

    async def __aenter__(self) -> Self:
        self._serial = itertools.count(1)
        self._names = (f"{number:05}" for number in itertools.count(1))
        self.upstream = await RawUpstream(self._answer).__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.upstream.stop()

    async def load(self, url: str) -> None:
        """Eight clients ask, each as fast as it is answered, until the proxy is gone."""
        names = itertools.islice(self._new_and_old(), ASKED_MAX)
        await asyncio.gather(*(self._client(url, names) for _ in range(CLIENTS)))

    async def ask(self, wire: Wire, name: str | None = None) -> Reply:
        """One request, and what its answer promises."""
        name = name or next(self._names)
        reply = await wire.send(post(TARGET, body_of(name), JSON_HEADERS))
        if reply.values("x-runreel-source") == ["proxy"]:
            self.refused.append(reply)
        elif reply.body not in self.answers[name]:
            self.surprises.append(f"{name}: answered with what the upstream never said")
        if reply.values("x-runreel-recorded") == ["yes"]:
            self.answers[name] = {reply.body}
            self.acknowledged.add(name)
            self.burn("answers")
        return reply

    @asynccontextmanager
    async def wire(self, url: str) -> AsyncIterator[Wire]:
        """A connection whose bytes burn the fuse; that it ends with the proxy is expected."""
        reader = _Counted(lambda amount: self.burn("bytes", amount))
        protocol = asyncio.StreamReaderProtocol(reader)
        host, _, port = url.removeprefix("http://").rpartition(":")
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            transport, _ = await loop.create_connection(lambda: protocol, host, int(port))
            try:
                yield Wire(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
            finally:
                transport.close()

    def _new_and_old(self) -> Iterator[str]:
        """Names, none twice; a few of them were asked for before."""
        old = sorted(self.answers)
        self.rng.shuffle(old)
        while True:
            yield old.pop() if old and self.rng.random() < 0.1 else next(self._names)

    async def _client(self, url: str, names: Iterator[str]) -> None:
        async with self.wire(url) as wire:
            for name in names:
                await self.ask(wire, name)

    def _answer(self, received: Received) -> bytes:
        name = json.loads(received.body)["metadata"]["name"]
        length = self.least_answer_bytes + int(self.rng.expovariate(1 / 500))
        words = {
            "metadata": {"name": name},
            "instructions": f"{next(self._serial)} " + "x" * length,
        }
        body = json.dumps(RUN | words, indent=2).encode()
        self.answers[name].add(body)
        self.burn("requests")
        return http(200, [("Content-Type", "application/json")], body)

    def burn(self, unit: Unit, amount: int = 1) -> None:
        """Something that a fuse may count happened."""
        if self.fuse is not None:
            self.fuse.burn(unit, amount)


class _Counted(asyncio.StreamReader):
    def __init__(self, tell: Callable[[int], None]) -> None:
        super().__init__(limit=2**24)
        self._tell = tell

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        whole = bytes(data)
        super().feed_data(whole)
        self._tell(len(whole))


def body_of(name: str) -> bytes:
    """The body of a request."""
    return b'{"metadata":{"name":"%s"}}' % name.encode()


def judge(folder: Path, traffic: Traffic) -> list[str]:
    """What is wrong with the cassettes below a folder, which nobody records into."""
    store = FileStore(folder)
    wrong = list(traffic.surprises)
    found: dict[str, Cassette] = {}
    for name in store.names():
        try:
            stored = store.load(name)
        except CassetteDamaged as error:
            wrong.append(f"unreadable: {error}")
        else:
            if stored is not None:  # a journal that was opened, and nothing came
                found[name] = stored.cassette
    # Killed before anything came, a recorder leaves the lock file of a cassette that is not there.
    names = {"default", *store.names()}
    wrong += [f"a stranger: {path}" for path in _strangers(folder, names)]
    cassette = found.get("default")
    return wrong + _not_as_told(cassette, traffic)


def _strangers(folder: Path, names: Iterable[str]) -> list[Path]:
    """Files that belong to no cassette."""
    ours = [pattern for name in names for pattern in (f"{name}.json", f".{name}.*")]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if not any(path.match(pattern) for pattern in ours)]


def _not_as_told(cassette: Cassette | None, traffic: Traffic) -> list[str]:
    """What is lost, bent or there twice."""
    if cassette is None:
        return [f"lost: {name}, with the whole cassette" for name in sorted(traffic.acknowledged)]
    redaction = Redaction()
    session = Session(cassette.interactions, DECISIONS[Mode.REPLAY], cassette.match_on, redaction)
    wrong = []
    for name in sorted(traffic.answers):
        asked = redaction.request(Request("POST", TARGET, JSON_HEADERS, body_of(name)))
        hit = session.ask(session.arrive(), asked).hit
        if hit is None:
            wrong += [f"lost: {name}"] if name in traffic.acknowledged else []
        elif hit.value.response.body not in traffic.answers[name]:
            wrong.append(f"bent: {name} has other bytes")
    return wrong + [f"unasked or twice: {name}" for name in session.unplayed()]


async def replayed(cwd: Path, traffic: Traffic) -> list[str]:
    """What is wrong with the answers of a real replay, and with the folder after it."""
    before = _contents(cwd)
    wrong = []
    async with runreel("replay", "--quiet", cwd=cwd) as proxy, traffic.wire(proxy.url) as wire:
        for name in sorted(traffic.acknowledged):
            reply = await wire.send(post(TARGET, body_of(name), JSON_HEADERS))
            if reply.status != 200 or reply.body not in traffic.answers[name]:
                wrong.append(f"replayed as {reply.status}: {name}")
        ended = await proxy.stop()
    if ended.code != 0:
        wrong.append(f"replay ended with {ended.code}: {ended.err}")
    return wrong if _contents(cwd) == before else [*wrong, "replay wrote something"]


def _contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
