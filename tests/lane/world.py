"""A proxy in a held world, what a story does to it, and all that can be seen of it then.

Time, names, salts and the upstream are the same for every proxy here, so that two that are told
the same story differ in nothing but what they do.
"""

import asyncio
import hashlib
import io
import json
import logging
import re
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, cast
from unittest import mock

from aiohttp import web_response
from aiohttp.http import RawRequestMessage

from lane.held_loop import START_S, Client, HeldLoop
from runreel.assistants import PROFILES
from runreel.cassettes import file_store
from runreel.cassettes import format as formats
from runreel.config.loading import load
from runreel.engine import call, engine
from runreel.engine.recorder import Check, Exchange, Recorder
from runreel.errors import RunreelError, UpstreamFailed, UpstreamFault
from runreel.http.messages import Headers, Interaction, Request
from runreel.matching import matchers, near_miss
from runreel.matching.matchers import Fingerprint
from runreel.matching.near_miss import Candidate, Miss
from runreel.ports import SystemClock, UpstreamAnswer
from runreel.redaction.redactor import Redacted, Redaction
from runreel.server import app
from runreel.server import lane as lanes
from runreel.server.exchange import Connection
from runreel.server.listener import RunOptions
from runreel.sessions import session as sessions
from runreel.sessions.manager import DEFAULT

BEGAN = datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
ACTOR_KEY = "5f0c" * 16
ADMIN_TOKEN = "admin-" + "t0ken" * 4
CLIENT_TOKEN = "client-" + "t0ken" * 4
UPSTREAM = "http://api.test/base"
SLOW_S = 20  # longer than an idle connection stays open
REST_S = 0.000_537  # after which all has come to rest that waits for no timer


class FakeUpstream:
    """Answers by what it is asked, and by how often it was asked so before."""

    def __init__(self) -> None:
        self.received: list[Request] = []
        self._times: Counter[str] = Counter()

    async def open(self) -> None:
        """It is always there."""

    async def stop(self, _: float) -> None:
        """Its calls end by themselves."""

    async def close(self) -> None:
        """There is nothing to let go of."""

    async def send(self, request: Request) -> UpstreamAnswer:
        self.received.append(request)
        name = f"{request.method} {request.path}"
        self._times[name] += 1
        return await _answer(request, self._times[name])


def _of_json(document: Any, *more: tuple[str, str], status: int = 200) -> UpstreamAnswer:
    body = json.dumps(document, indent=2).encode()
    return _whole(status, body, ("Content-Type", "application/json"), *more)


def _whole(status: int, body: bytes, *headers: tuple[str, str]) -> UpstreamAnswer:
    length = () if status in (204, 304) else (("Content-Length", str(len(body))),)
    return UpstreamAnswer(status, (*headers, *length), _pieces(body))


async def _pieces(
    *pieces: bytes, wait_s: float = 0, fails: Exception | None = None
) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        if wait_s:
            await asyncio.sleep(wait_s)
        if piece:
            yield piece
    if fails is not None:
        raise fails


_TORN = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream hung up.")


async def _answer(request: Request, time: int) -> UpstreamAnswer:
    await asyncio.sleep({"/v1/odd-slow": SLOW_S, "/v1/odd-brief": 1}.get(request.path, 0))
    kind = int.from_bytes(hashlib.sha256(f"{request.path} {time}".encode()).digest()[:2])
    if kind % 5 == 0:
        await asyncio.sleep(0.02 + kind % 7 / 100)
    if kind % 41 == 0:
        raise UpstreamFailed(UpstreamFault.UNREACHABLE, "Nobody is there.", sent=False)
    if kind % 43 == 0:
        raise UpstreamFailed(UpstreamFault.TIMEOUT, "It took too long.")
    if b'"stream":true' in request.body.replace(b" ", b""):
        return _stream(kind, time)
    for odd, answer in _ODD.items():
        if f"odd-{odd}" in request.path:
            return cast("UpstreamAnswer", answer(time))
    document = {
        "id": request.path.rpartition("/")[2] or "none",
        "object": "thread.run",
        "turn": time,
        "echo": request.body.decode("latin-1")[:200],
        "metadata": {"n": str(kind)},
    }
    headers: Headers = (("Date", "Tue, 31 Mar 2026 10:15:02 GMT"), ("x-request-id", f"req_{kind}"))
    if kind % 3 == 0:
        headers += (("Set-Cookie", f"c={kind}"), ("Connection", "x-gone"), ("X-Gone", "1"))
    status = {1: 404, 2: 500, 3: 429, 4: 201}.get(kind % 23, 200)
    return _of_json(document, *headers, status=status)


def _stream(kind: int, time: int) -> UpstreamAnswer:
    events = [
        b'event: thread.run.created\ndata: {"id": "run_%d", "turn": %d}\n\n' % (kind, time),
        b'event: thread.message.delta\r\ndata: {"delta": "one"}\r\n\r\n',
        b"data: [DONE]\n\n",
    ]
    headers = (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))
    torn = kind % 11 == 0
    return UpstreamAnswer(
        200,
        headers,
        _pieces(*events[: 2 if torn else 3], wait_s=kind % 3 * 0.01, fails=_TORN if torn else None),
    )


_ODD: dict[str, Any] = {
    "empty": lambda _: _whole(204, b"", ("X-Empty", "yes")),
    "unchanged": lambda _: _whole(304, b"", ("ETag", '"1"')),
    "moved": lambda time: _whole(
        302, b"", ("Location", f"{UPSTREAM}/v1/files/{time}"), ("Content-Type", "text/plain")
    ),
    "beside": lambda _: _whole(307, b"there", ("Location", "/base/v1/files")),
    "away": lambda _: _whole(302, b"", ("Location", "https://elsewhere.test/base/v1")),
    "bytes": lambda time: _whole(200, bytes(range(256)) * 3 + b"%d" % time),
    "large": lambda time: _whole(200, b"%d " % time * 40_000, ("Content-Type", "text/plain")),
    "huge": lambda time: _whole(200, b"%d " % time * 200_000, ("Content-Type", "text/plain")),
    "open": lambda _: UpstreamAnswer(200, (("Content-Type", "text/plain"),), _pieces(b"a", b"b")),
    "torn": lambda _: UpstreamAnswer(
        200, (("Content-Length", "100"),), _pieces(b"half", fails=_TORN)
    ),
    "broken": lambda _: UpstreamAnswer(
        200, (("Content-Type", "text/event-stream"),), _pieces(b"data: 1\n\n", fails=LookupError())
    ),
    "cut": lambda _: UpstreamAnswer(
        200, (("Content-Type", "text/event-stream"),), _pieces(b"data: 1\n\n", fails=_TORN)
    ),
    "secret": lambda time: _of_json({"api_key": "sk-" + "FaKe0" * 8, "n": time}),
    "utf8": lambda _: _whole(
        200, "grüße".encode(), ("X-Name", "gr\xc3\xbc\xc3\x9fe"), ("X-Raw", "\xfc")
    ),
    "status": lambda _: _whole(299, b"odd", ("X-Runreel-Source", "replay")),
    "ours": lambda _: _whole(200, b"{}", ("X-Runreel-Source", "proxy")),
    "nothing": lambda _: _whole(200, b""),
}


# What is made of equal values is equal, whichever proxy makes it: it is made once.
_once = lru_cache(maxsize=5_000)
_look_at, _parse = _once(engine.look_at), _once(formats.parse)
_fingerprint = _once(matchers.fingerprint)
_redacted, _redacted_whole = _once(Redaction.request), _once(Redaction.interaction)
_captured, _nearest = Recorder.interaction, near_miss.nearest_to
_misses: dict[Any, tuple[Miss, tuple[Candidate, ...]]] = {}


def _request_of(*args: Any) -> Redacted[Request]:
    return _redacted(*args)


def _whole_of(*args: Any) -> Redacted[Interaction]:
    return _redacted_whole(*args)


@_once
def _kept(profile: str, check: Check, bytes_max: int, exchange: Exchange) -> Any:
    return _captured(Recorder(PROFILES[profile], check, bytes_max), exchange)


def _kept_of(self: Recorder, exchange: Exchange) -> Any:
    return _kept(self.profile.name, self.check_response, self.decoded_bytes_max, exchange)


def _nearest_to(
    sent: Fingerprint, code: str, candidates: Iterable[Candidate], *, are_all: bool = True
) -> Miss:
    # By what the recordings are, not by what they hold: `_parse` gives the same ones each time.
    found = tuple(candidates)
    are = tuple((id(one.interaction), id(one.fingerprint), one.played) for one in found)
    key = (sent, code, are, are_all)
    if key not in _misses:
        if len(_misses) > 5_000:
            _misses.clear()
        _misses[key] = _nearest(sent, code, found, are_all=are_all), found
    return _misses[key][0]


@contextmanager
def held(loop: HeldLoop, upstream: FakeUpstream) -> Iterator[None]:
    """While the context lasts all clocks are the loop's, nothing is random, and all proxies have
    this upstream.
    """

    def now(_: object = None) -> datetime:
        return BEGAN + timedelta(seconds=loop.time() - START_S)

    def record(*args: Any, **named: Any) -> logging.LogRecord:
        made = logging.LogRecord(*args, **named)
        made.created = now().timestamp()
        return made

    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(record)
    with (
        mock.patch.multiple(SystemClock, now=now, monotonic=lambda _: loop.time()),
        mock.patch.object(
            web_response, "rfc822_formatted_time", lambda: format_datetime(now(), usegmt=True)
        ),
        mock.patch("secrets.token_hex", lambda count=16: ("5f0c" * count)[: 2 * count]),
        mock.patch("secrets.token_bytes", bytes),
        mock.patch.object(app, "LazyUpstream", lambda *_: upstream),
        mock.patch.object(call, "PROCESS_BYTES_MIN", 1 << 40),
        mock.patch.object(engine, "look_at", _look_at),
        mock.patch.object(file_store, "parse", _parse),
        mock.patch.object(Redaction, "request", _request_of),
        mock.patch.object(Redaction, "interaction", _whole_of),
        mock.patch.object(Recorder, "interaction", _kept_of),
        mock.patch.multiple(sessions, fingerprint=_fingerprint, nearest_to=_nearest_to),
    ):
        try:
            yield
        finally:
            logging.setLogRecordFactory(factory)


@dataclass
class Seen:
    """All that can be seen of a proxy: `progress` is how many bytes had come of each connection at
    the moments of a story at which everything was at rest.
    """

    answers: list[bytes] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)
    progress: list[tuple[int, ...]] = field(default_factory=list)
    receipt: str = ""
    log: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    forwarded: list[str] = field(default_factory=list)
    failed: str = ""


# A step of a story: its name, the number of its connection, and what else it needs.
Step = tuple[Any, ...]


@dataclass(frozen=True)
class Story:
    """Turns of steps, each of which stands for itself, and the proxy that they are done to.

    Where half requests may be bad, the lane gives them up at once (`half_s`): aiohttp says at the
    first bad byte what it says else when the lane has waited for the rest, and the log has the
    time. `by_bytes` is as in `fed_by_bytes`.
    """

    settings: dict[str, Any]
    turns: tuple[tuple[Step, ...], ...]
    half_s: float = lanes.HALF_S_MAX
    by_bytes: bool = False


# Not what can end no request: a line of a head, and a long row of one byte.
_PIECE = re.compile(rb"(?<=\n)[A-Za-z0-9-]+:[^\r\n]*\r\n|(.)\1{99,}|.", re.DOTALL)


@contextmanager
def fed_by_bytes() -> Iterator[None]:
    """While the context lasts aiohttp gets byte by byte what may end a request.

    Of what comes to it at once it loses the good requests before a bad one.
    """
    feed = Connection.data_received

    def feed_slowly(self: Connection, data: bytes) -> None:
        for piece in _PIECE.finditer(data):
            feed(self, piece[0])
            if self._messages and not isinstance(self._messages[-1][0], RawRequestMessage):
                break  # that was the bad byte, and all after it is one error

    with mock.patch.object(Connection, "data_received", feed_slowly):
        yield


def told(story: Story, *, lane: bool, cassettes: Path, folder: Path, sockets: bool = False) -> Seen:
    """What is seen of a proxy to which a story is told; `cassettes` is what it begins with, and
    `folder`, which is emptied, where it works.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(cassettes, folder)
    loop = HeldLoop(sockets=sockets)
    seen, upstream = Seen(), FakeUpstream()
    try:
        with held(loop, upstream), mock.patch.object(lanes, "HALF_S_MAX", story.half_s):
            loop.run_until_complete(_tell(loop, story, seen, folder, lane=lane))
    finally:
        _end(loop)
    seen.forwarded = [repr(one) for one in upstream.received]
    seen.files = {
        str(path.relative_to(folder)): path.read_bytes().decode("latin-1")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return _without_place(seen, folder)


def _end(loop: HeldLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    loop.close()


def _moment(line: str) -> tuple[str, str]:
    """When a line of the log was written, and of which session it is.

    What happens to two sessions at one moment has no order.
    """
    at = re.match(r'(?:\{"at": ")?[0-9T:.-]+', line)
    session = re.search(r'(?:session=|"session": ")([^ "]+)', line)
    refused = "{" in line[:1] or re.match(r"\S+ refused \S+ \(\w+\)$", line)
    name = session[1] if session else "" if refused else DEFAULT
    return at[0] if at else "", name


def _without_place(seen: Seen, folder: Path) -> Seen:
    place = str(folder)

    def cleaned(text: str) -> str:
        return text.replace(place, "/" + "-" * (len(place) - 1))

    return replace(
        seen,
        answers=[
            answer.replace(place.encode(), cleaned(place).encode()) for answer in seen.answers
        ],
        receipt=cleaned(seen.receipt),
        log=[cleaned(line) for line in sorted(seen.log, key=_moment)],
        files={name: cleaned(text) for name, text in seen.files.items()},
    )


async def _tell(loop: HeldLoop, story: Story, seen: Seen, folder: Path, *, lane: bool) -> None:
    log = io.StringIO()
    usual = {
        "cassettes": folder / "cassettes",
        "listen.port": 0,
        "listen.fast_lane": lane,
        "audit.path": folder / "audit",
        "upstream": UPSTREAM,
    }
    options = RunOptions(log=log, receipt=folder / "receipt.json")
    clients = Clients(loop)
    try:
        config = load(None, {}, usual | story.settings)
        async with app.serving(config, options) as running:
            clients.port = int(running.url.rpartition(":")[2])
            for step in chain.from_iterable(story.turns):
                await clients.take(step, seen)
    except RunreelError as error:
        seen.failed = str(error)
    finally:
        seen.answers = [bytes(client.received) for client in clients.all]
        seen.ended = [client.ended for client in clients.all]
        seen.log = log.getvalue().splitlines()


class Clients:
    """The connections of a story by number; one that has ended is opened anew when it is used."""

    def __init__(self, loop: HeldLoop) -> None:
        self.all: list[Client] = []
        self.port = 0
        self._loop = loop
        self.at: dict[int, Client] = {}

    async def take(self, step: Step, seen: Seen) -> None:
        """Do one step."""
        match step:
            case ("send", number, data):
                (await self._client(number)).send(data)
            case ("more", number, data):  # of the same, if its connection is still there
                if not self.at[number].ended:
                    self.at[number].send(data)
            case ("rest",):
                await asyncio.sleep(REST_S)
            case ("wait", seconds):
                await asyncio.sleep(seconds)
                seen.progress.append(tuple(len(client.received) for client in self.all))
            case ("close", number, hard):
                if number in self.at and not self.at[number].ended:
                    self.at.pop(number).close(hard=hard)
            case ("reads", number, reads):
                (await self._client(number)).reads(reads=reads)
            case ("do", act):
                act(self)
            case _:
                raise AssertionError(step)

    async def _client(self, number: int) -> Client:
        client = self.at.get(number)
        if client is None or client.ended:
            client = self.at[number] = await self._loop.connect(self.port)
            self.all.append(client)
        return client
