"""Stories: what clients do to a proxy, over connections that are split, shared and left half-way.

A story is made of a seed and nothing else. It plays a cassette, mostly in its order and in its own
spelling, so that much is a hit, or records one; now and then a request is mutated, a session is
rewound, ended or opened, somebody leaves.
"""

import gzip
import json
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from builders import BARE_KEY, FAKE_KEY
from lane.grammar import CLIENTS, LAWFUL, WILD, Field, Sent, mutated, sent, spoilt
from lane.world import ADMIN_TOKEN, CLIENT_TOKEN, Step, Story, told
from runreel.cassettes.format import parse
from runreel.server.lane import HALF_S_MAX

Ask = tuple[str, str, bytes]  # method, target, body
HOST = (b"Host", b": ", b"localhost:8080")
SESSIONS = ("one", "two")
ADMIN = -1  # the number of the connection that sessions are opened by
REQUESTS = 400  # of a story, on average
# All waits are odd ones, so that nothing that a proxy waits for is due at the moment at which
# something is sent: what comes first then means nothing.


def _json(**members: Any) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _scenario(thread: str) -> list[Ask]:
    at = f"/v1/threads/{thread}"
    return [
        ("POST", "/v1/threads", _json(metadata={"thread": thread})),
        ("GET", at, b""),
        ("POST", f"{at}/messages", _json(role="user", content="hello")),
        ("GET", f"{at}/messages?limit=20&order=desc", b""),
        ("POST", f"{at}/runs", _json(assistant_id="asst_1")),
        ("GET", f"{at}/runs/run_1", b""),
        ("POST", f"{at}/runs/run_1", _json(metadata={"stage": "a"})),
        ("GET", f"{at}/runs/run_1", b""),
        ("POST", f"{at}/runs/run_1", _json(metadata={"stage": "b"})),
        ("GET", f"{at}/runs/run_1", b""),
        ("GET", f"{at}/runs/run_1/steps", b""),
        ("POST", f"{at}/runs", _json(assistant_id="asst_1", stream=True)),
        ("POST", f"{at}/runs/run_1/cancel", b""),
        ("GET", f"{at}/runs", b""),
        ("DELETE", at, b""),
        ("GET", at, b""),
    ]


_ODD = "empty unchanged moved beside away bytes large open torn cut secret utf8 status ours nothing"
EQUAL: list[Ask] = [
    *[("GET", "/v1/models", b"")] * 4,
    *[("POST", "/v1/completions", _json(prompt="p", n=1))] * 3,
    *[("GET", f"/v1/files/odd-{odd}", b"") for odd in _ODD.split()],
    *[("POST", f"/v1/files/odd-{odd}", _json(odd=odd)) for odd in _ODD.split()],
    *[("POST", "/v1/things", _json(stream=True, n=n)) for n in range(4)],
    ("PUT", "/v1/things/1", b"plain text"),
    ("PATCH", "/v1/things/1", b"\xff\xfe\0"),
    ("POST", "/v1/things/2?api_key=" + BARE_KEY + "&b=1", _json(api_key="hunter2hunter2")),
    ("POST", "/v1/things/3?b=2&a=1", _json(name="grüße", note="REDACTED-0123456789")),
    ("POST", "/v1/things/4", gzip.compress(_json(key=BARE_KEY), mtime=0)),
    ("POST", "/v1/things/5", b"a=1&b=2"),
    ("GET", "/v1/things/6//7/../8", b""),
    ("GET", "/v1/things/%7Ea?q=a+b%20c", b""),
]


def _plain(ask: Ask, *, key: bytes = b"") -> bytes:
    fields: tuple[Field, ...] = (
        HOST,
        (b"OpenAI-Beta", b": ", b"assistants=v2"),
        (b"X-Team", b": ", b"red"),
    )
    if ask[2]:
        fields += ((b"Content-Type", b": ", b"application/json"),)
    if key:
        fields += ((b"Authorization", b": Bearer ", key),)
    return Sent(ask[0].encode(), ask[1].encode(), fields, ask[2]).raw()


def admin(method: str, path: str, body: Any = None) -> bytes:
    """A request to the admin API."""
    fields = (HOST, (b"Authorization", b": Bearer ", ADMIN_TOKEN.encode()))
    raw = b"" if body is None else _json(**body)
    return Sent(method.encode(), f"/_runreel/{path}".encode(), fields, raw).raw()


def _recording(asks: list[Ask], *, overlap: bool, prefix: str = "") -> list[Step]:
    steps: list[Step] = []
    for number, (method, target, body) in enumerate(asks):
        ask = (method, prefix + target, body)
        key = b"" if body.startswith(b"\x1f\x8b") else BARE_KEY.encode()
        steps.append(("send", number % 3 if overlap else 0, _plain(ask, key=key)))
        steps.append(("rest",) if overlap and number % 3 else ("wait", 3.011))
    return [*steps, ("wait", 3.011)]


@dataclass(frozen=True)
class Shelf:
    """Cassettes for all stories, in a folder, and what each was asked."""

    folder: Path
    asks: dict[str, list[Ask]]


def shelf(folder: Path) -> Shelf:
    """Record them; what a story needs is copied from there."""
    begin, place = folder / "begin", folder / "made"
    (begin / "cassettes").mkdir(parents=True)
    for name, asks, overlap in (
        ("default", _scenario("t1") + _scenario("t2"), False),
        ("together", _scenario("t1") + _scenario("t2"), True),
        ("equal", EQUAL, False),
    ):
        steps = _recording(asks, overlap=overlap)
        _record(begin, place, name, steps)
    steps = []
    for scope in ("red", "blue"):
        body = {"cassette": "scoped", "id": scope, "mode": "record", "scope": scope}
        steps += [("send", ADMIN, admin("POST", "sessions", body)), ("wait", 1)]
        steps += _recording(_scenario("t1"), overlap=False, prefix=f"/_runreel/s/{scope}")
        steps += [("send", ADMIN, admin("DELETE", f"sessions/{scope}")), ("wait", 1)]
    _record(begin, place, "unused", steps)
    _by_hand(begin / "cassettes")
    found_in: dict[str, list[Ask]] = {}
    for path in sorted((begin / "cassettes").glob("*.json")):
        found = parse(path.read_text(encoding="utf-8")).interactions
        requests = [item.value.request for item in found]
        found_in[path.stem] = [(one.method, one.target, one.body) for one in requests]
    return Shelf(begin, found_in)


def _record(begin: Path, place: Path, name: str, steps: list[Step]) -> None:
    settings = {"mode": "record", "cassette": name, "audit.enabled": False}
    told(Story(settings, (tuple(steps),)), lane=False, cassettes=begin, folder=place)
    for made in (place / "cassettes").glob("*.json"):
        (begin / "cassettes" / made.name).write_bytes(made.read_bytes())


_BY_HAND = (
    ["Date: Tue, 31 Mar 2026 10:15:02 GMT"],
    ["Content-Length: 3"],
    ["Connection: close, X-Gone", "X-Gone: 1"],
    ["Transfer-Encoding: chunked"],
    ["Server: other", "Server: twice", "via: 1.1 other"],
    ["X-Name: " + "gr\u00fc\u00df".encode().decode("latin-1")],
    ["X-Raw: \u00fc"],
    ["Location: /v1/elsewhere", "X-Runreel-Redacted: 9"],
    ["Content-Encoding: gzip"],
    ["Set-Cookie: a=b", "Keep-Alive: timeout=1", "X-Runreel-Recorded: yes"],
    ["content-type: text/event-stream"],
    ["X-Empty:", "Access-Control-Allow-Origin: *"],
)


def _by_hand(folder: Path) -> None:
    """What people write: the cassette `equal`, edited without care."""
    document = json.loads((folder / "equal.json").read_text(encoding="utf-8"))
    document["match_on"] += ["header.x-team", "-body./n", "-query.b"]
    answered = (item for item in document["interactions"] if "response" in item)
    for number, item in enumerate(answered):
        del item["digest"]
        odd = _BY_HAND[number % len(_BY_HAND)]
        item["response"]["headers"] = [*item["response"].get("headers", []), *odd]
        if number % 9 == 4:
            item["response"]["status"] = (204, 304, 205, 299, 599)[number % 5]
        if number % 7 == 3:
            item["request"]["headers"] = ["X-Team: red", "Authorization: Bearer " + BARE_KEY]
    (folder / "by-hand.json").write_text(json.dumps(document), encoding="utf-8")


_MANNERS: tuple[tuple[dict[str, Any], int], ...] = (
    ({}, 6),
    ({"replay.repeat": "last"}, 3),
    ({"replay.repeat": "last", "replay.repeats_max": 3}, 1),
    ({"replay.barriers": False}, 1),
    ({"replay.latency": "30"}, 1),
    ({"replay.latency": "recorded"}, 1),
    ({"replay.order_wait_ms": 0}, 1),
    ({"match.headers": ["x-team"], "match.ignore_body": ["/metadata"]}, 1),
    ({"listen.client_token": CLIENT_TOKEN}, 2),
    ({"listen.admin_token": ADMIN_TOKEN}, 1),
    ({"listen.cors_origins": ["http://page.test"]}, 1),
    ({"limits.request_body_bytes_max": 1_000, "limits.request_body_read_s_max": 0.5}, 1),
    ({"redaction.headers": ["x-team"], "redaction.patterns": ["hello"]}, 1),
    ({"validation.request": "strict"}, 1),
    ({"base_path": "/v1", "record.durability": "relaxed"}, 1),
    ({"upstream_options.headers": {"X-Api-Key": FAKE_KEY}}, 1),
)
_MODES = (("replay", 10), ("record", 3), ("new_episodes", 3), ("verify", 1), ("passthrough", 2))
_CASSETTES = (("default", 5), ("together", 3), ("equal", 4), ("by-hand", 3), ("scoped", 1))


def _one_of(rng: Random, weighted: tuple[tuple[Any, int], ...]) -> Any:
    return rng.choices([item for item, _ in weighted], [weight for _, weight in weighted])[0]


class Teller:
    """Makes one story."""

    def __init__(self, rng: Random, shelf: Shelf) -> None:
        self._rng = rng
        self._shelf = shelf
        self._steps: list[Step] = []
        self.requests = 0
        self._mode = _one_of(rng, _MODES)
        self._cassette = _one_of(rng, _CASSETTES)
        self._at = {"default": 0}
        self._of = {"default": self._cassette}  # what each session plays
        self._together = rng.random() < 0.15  # several sessions at one moment, now and then
        self._manners = rng.choice(("calm", "calm", "lawful", "wild", "wild"))
        self._clients = rng.choices(CLIENTS, k=2)
        self._numbers = [0, 1, 2]  # of connections that are used

    def story(self) -> Story:
        """The story."""
        rng = self._rng
        settings = {"mode": self._mode, "cassette": self._cassette, **_one_of(rng, _MANNERS)}
        if rng.random() < 0.4:
            settings |= _one_of(rng, _MANNERS)
        if "match.headers" in settings:
            settings.pop("redaction.headers", None)  # what is left out cannot be matched by
        if "listen.client_token" in settings:
            self._clients = [CLIENTS[2]] * 2
        if self._mode not in ("record", "passthrough") or rng.random() < 0.5:
            settings |= {"audit.enabled": False}
        settings |= {"log.format": "json" if rng.random() < 0.5 else "text"}
        self._open_sessions()
        turns = [tuple(self._steps)]
        count = rng.randint(REQUESTS // 2, REQUESTS * 3 // 2)
        while self.requests < count:
            self._steps.clear()
            self._turn()
            turns.append(tuple(self._steps))
        turns.append((rng.choice((("rest",), ("wait", 2.011), ("wait", 2.011), ("wait", 40.07))),))
        half_s = 0 if self._manners == "wild" else HALF_S_MAX
        by_bytes = self._manners == "wild" and rng.random() < 0.8
        return Story(settings, tuple(turns), half_s, by_bytes)

    def _open_sessions(self) -> None:
        for name in SESSIONS[: self._rng.choice((0, 1, 2))]:
            cassette, mode = _one_of(self._rng, _CASSETTES), _one_of(self._rng, _MODES)
            body = {"cassette": cassette, "id": name, "mode": mode}
            if cassette == "scoped":
                body["scope"] = "red"
            self._admin(admin("POST", "sessions", body))
            self._at[name], self._of[name] = 0, cassette

    def _admin(self, raw: bytes) -> None:
        self._steps += [("send", ADMIN, raw), ("wait", 1.507)]
        self.requests += 1

    def _turn(self) -> None:
        rng = self._rng
        match rng.choices(range(7), (80, 6, 3, 3, 4, 6, 1))[0]:
            case 0:
                self._ask(rng.choice((1, 1, 1, 1, 2, 3, 6)))
            case 1:
                self._leave()
            case 2:
                self._admin(self._of_sessions())
            case 3:
                self._steps.append(("wait", rng.choice((0.207, 1.131, 3.107, 16.03))))
            case 4:
                self._slow_reader()
            case 5 if self._together:
                self._all_together()
            case 6:
                self._end_with_a_half()

    def _of_sessions(self) -> bytes:
        rng = self._rng
        name = rng.choice(("default", *SESSIONS))
        body = {"cassette": _one_of(rng, _CASSETTES), "id": name, "mode": _one_of(rng, _MODES)}
        return rng.choice(
            (
                admin("GET", f"sessions/{name}"),
                admin("POST", f"sessions/{name}/rewind"),
                admin("POST", f"sessions/{name}/rewind"),
                admin("DELETE", f"sessions/{name}"),
                admin("POST", "sessions", body),
                admin("GET", "health"),
            )
        )

    def _one(self, session: str | None = None) -> Sent:
        """The next request of a session, as its client sends it."""
        rng = self._rng
        if session is None:
            session = rng.choice(("default", *self._at))
        asks = self._shelf.asks[self._of[session]]
        at = self._at[session]
        if rng.random() > (0.98 if self._manners == "calm" else 0.9):
            at = rng.randrange(len(asks))  # out of turn; the story goes on where it was
        else:
            self._at[session] = at + 1
            if at and at % len(asks) == 0 and rng.random() < 0.8:
                self._admin(admin("POST", f"sessions/{session}/rewind"))
        method, target, body = asks[at % len(asks)]
        one = sent(rng, method, target, body)
        if rng.random() < 0.8:  # most clients stay as they are
            one = replace(one, headers=self._clients[bool(body)])
            one = one if body else one.without(b"content-type")
        if rng.random() < 0.5 and self._of[session] == "by-hand":
            one = one.named(b"X-Team", b"red")
        if session == "default":
            return one
        if rng.random() < 0.5:
            return one.named(b"X-Runreel-Session", session.encode())
        return replace(one, target=b"/_runreel/s/" + session.encode() + one.target)

    def _raw(self) -> tuple[bytes, bool]:
        """The next request, and whether it may be a bad one."""
        self.requests += 1
        odd = self._rng.random()
        if self._manners == "calm" or odd > 0.35:
            return self._one().raw(), False
        before = dict(self._at)
        one = self._one()
        self._at = before  # it will be sent as it should be, too
        if self._manners == "lawful":
            return mutated(self._rng, one, LAWFUL).raw(), False
        one = mutated(self._rng, one, WILD)
        return spoilt(self._rng, one.raw()) if odd < 0.07 else one.raw(), True

    def _ask(self, count: int, number: int | None = None) -> None:
        rng = self._rng
        number = self._connection() if number is None else number
        if count > 1:
            # Several calls in a row, and those of another connection: whose next one comes first
            # when both are woken at one moment means nothing.
            self._steps.append(("wait", 0.517))
        asked = [self._raw() for _ in range(count)]  # perhaps with a rewind before
        raw = b"".join(one for one, _ in asked)
        # What may be bad comes in a piece of its own: see `fed_by_bytes`.
        starts = [sum(len(one) for one, _ in asked[:at]) for at in range(1, count)]
        bad = {start for start, (_, wild) in zip(starts, asked[1:], strict=True) if wild}
        cuts = {rng.randrange(1, len(raw)) for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 5)))}
        begin = 0
        for end in sorted(cuts | bad | {len(raw)}):
            self._steps.append(("more" if begin else "send", number, raw[begin:end]))
            if end in cuts:
                self._steps += rng.choice(
                    ((), (("rest",),), (("wait", 0.413),), (("wait", 1.303),))
                )
            begin = end
        ends = (("wait", 2.011),) if count > 1 else (("rest",), ("rest",), ("wait", 0.317))
        self._steps.append(rng.choice(ends))

    def _connection(self) -> int:
        """One of three connections, of which one is a new one now and then."""
        at = self._rng.randrange(3)
        if self._rng.random() < 0.35:
            self._numbers[at] = max(self._numbers) + 1
        return self._numbers[at]

    def _leave(self) -> None:
        """Somebody leaves, with half a plain request sent perhaps, or with calls under way."""
        rng, number = self._rng, self._connection()
        if rng.random() < 0.6:
            raw = self._one().raw()
            self.requests += 1
            # On a connection of its own: what a half is worth after something odd is another
            # question, and aiohttp answers it a second before.
            self._steps += [("close", number, False), ("rest",)]
            self._steps.append(("send", number, raw[: rng.randrange(1, len(raw) + 1)]))
            self._steps.append(rng.choice((("rest",), ("wait", 0.0103), ("wait", 2.011))))
        else:
            self._steps.append(("wait", 1.203))
        self._steps += [("close", number, rng.random() < 0.3), ("rest",)]

    def _slow_reader(self) -> None:
        rng, number = self._rng, self._connection()
        self._steps += [("reads", number, False)]
        self._ask(rng.choice((1, 4, 40)), number)
        self._steps.append(("wait", rng.choice((1.017, 5.039, 70.3))))
        self._steps += [("reads", number, True), ("wait", 1.507)]

    def _end_with_a_half(self) -> None:
        """A session is ended, or begins anew, while half a request of it is there."""
        rng, number = self._rng, self._connection()
        name = rng.choice([*self._at])
        raw = self._one(name).raw()
        half = rng.randrange(1, len(raw))
        method, path = rng.choice((("DELETE", ""), ("POST", "/rewind"), ("GET", "")))
        self._steps += [("close", number, False), ("rest",), ("send", number, raw[:half])]
        self._steps += rng.choice(((("rest",),), (("wait", 1.303),)))
        self._steps += [("send", ADMIN, admin(method, f"sessions/{name}{path}")), ("rest",)]
        self._steps += rng.choice((((("wait", 1.131)),), (("wait", 31.3),), ()))
        self._steps += [("more", number, raw[half:]), ("wait", 2.011)]
        self.requests += 2

    def _all_together(self) -> None:
        """Several connections at one moment, each with something for a session of its own."""
        names = [*self._at]
        self._numbers = [max(self._numbers) + 1 + at for at in range(3)]
        for number, name in zip(self._numbers, names, strict=False):
            self._steps.append(("send", number, self._one(name).raw()))
            self.requests += 1
        self._steps.append(("wait", 2.011))


def a_story(seed: int, number: int, shelf: Shelf) -> tuple[Story, int]:
    """A story, and how many requests are sent in it."""
    teller = Teller(Random(f"{seed}/{number}"), shelf)  # noqa: S311 - it has to come again
    story = teller.story()
    return story, teller.requests
