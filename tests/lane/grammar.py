"""Requests as clients send them, and as none should.

A request is what a real client would send, and then, now and then, mutated: its parts first, its
bytes last. All that is random comes out of the generator that is handed in.
"""

import base64
import gzip
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from builders import BARE_KEY, FAKE_KEY
from lane.world import ADMIN_TOKEN, CLIENT_TOKEN

Field = tuple[bytes, bytes, bytes]  # name, what stands between, value


@dataclass(frozen=True)
class Sent:
    """A request on its way to bytes; `framing` is that of its body: length, chunked or none."""

    method: bytes
    target: bytes
    headers: tuple[Field, ...]
    body: bytes = b""
    version: bytes = b"HTTP/1.1"
    framing: str = "length"
    end: bytes = b"\r\n"

    def named(self, name: bytes, value: bytes, between: bytes = b": ") -> "Sent":
        """The same with one header more."""
        return replace(self, headers=(*self.headers, (name, between, value)))

    def without(self, *names: bytes) -> "Sent":
        """The same without those headers (lower case)."""
        kept = tuple(field for field in self.headers if field[0].lower() not in names)
        return replace(self, headers=kept)

    def raw(self) -> bytes:
        """Its bytes."""
        lines = [b"%b %b %b" % (self.method, self.target, self.version)]
        lines += [name + between + value for name, between, value in self.headers]
        body = self.body
        if self.framing == "length":
            lines.append(b"Content-Length: %d" % len(body))
        elif self.framing == "chunked":
            lines.append(b"Transfer-Encoding: chunked")
            body = chunked(body)
        return self.end.join([*lines, b"", b""]) + body


def chunked(body: bytes) -> bytes:
    """A body in chunks of 7 bytes and more."""
    pieces = [body[:7], body[7:]]
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces if one) + b"0\r\n\r\n"


def _fields(*pairs: tuple[str, str]) -> tuple[Field, ...]:
    return tuple((name.encode(), b": ", value.encode()) for name, value in pairs)


_JSON = ("Content-Type", "application/json")
_BETA = ("OpenAI-Beta", "assistants=v2")
CLIENTS: tuple[tuple[Field, ...], ...] = (
    _fields(  # Python, httpx
        ("Host", "localhost:8080"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Connection", "keep-alive"),
        ("Accept", "application/json"),
        _JSON,
        ("User-Agent", "OpenAI/Python 1.99.0"),
        ("X-Stainless-Lang", "python"),
        ("x-stainless-retry-count", "0"),
        _BETA,
        ("Authorization", f"Bearer {FAKE_KEY}"),
    ),
    _fields(  # Node, undici
        ("host", "127.0.0.1:8080"),
        ("connection", "keep-alive"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("user-agent", "OpenAI/JS 5.0.0"),
        ("openai-beta", "assistants=v2"),
        ("authorization", f"Bearer {BARE_KEY}"),
        ("accept-language", "*"),
        ("sec-fetch-mode", "cors"),
        ("accept-encoding", "br, gzip, deflate"),
    ),
    _fields(  # Go
        ("Host", "localhost"),
        ("User-Agent", "OpenAI/Go 1.0.0"),
        ("Accept", "application/json"),
        ("Authorization", f"Bearer {CLIENT_TOKEN}"),
        _JSON,
        ("Idempotency-Key", "stainless-go-1"),
        _BETA,
        ("Accept-Encoding", "gzip"),
    ),
    _fields(
        ("Host", "localhost:8080"), ("User-Agent", "curl/8.0.0"), ("Accept", "*/*"), _BETA, _JSON
    ),
    _fields(  # a page of our own origin
        ("Host", "localhost:8080"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Referer", "http://localhost:8080/"),
        ("Cookie", "a=1; token=" + "c00kie" * 4),
        _JSON,
        _BETA,
        ("api-key", BARE_KEY),
    ),
)


def sent(rng: Random, method: str, target: str, body: bytes) -> Sent:
    """What one of the clients sends."""
    fields = rng.choices(CLIENTS, (6, 3, 2, 2, 1))[0]
    if not body:
        fields = tuple(field for field in fields if field[0].lower() != b"content-type")
    framing = "length" if body or rng.random() < 0.2 else "none"
    return Sent(method.encode(), target.encode("latin-1"), fields, body, framing=framing)


Change = Callable[[Random, Sent], Sent]


def _method(rng: Random, one: Sent) -> Sent:
    odd = (b"get", b"HEAD", b"OPTIONS", b"PATCH", b"PUT", b"DELETE", b"TRACE", b"CONNECT", b"G ET")
    return replace(one, method=rng.choice((*odd, one.method.lower(), b"M-SEARCH", b"", b"POSTS")))


_ODD_TARGETS: tuple[Callable[[bytes], bytes], ...] = (
    lambda at: at.replace(b"/", b"//", 1),
    lambda at: b"/" + at,
    lambda at: at + b"/",
    lambda at: at.replace(b"th", b"%74h", 1),
    lambda at: at.replace(b"_", b"%5f", 1),
    lambda at: at.replace(b"/v1/", b"/v1/./", 1),
    lambda at: at.replace(b"/v1/", b"/v1/%2e%2e/v1/", 1),
    lambda at: at + b"?",
    lambda at: at + b"?limit=20&order=asc",
    lambda at: at + b"?order=asc&limit=20",
    lambda at: at + b"?api_key=" + BARE_KEY.encode(),
    lambda at: at + b"?token=REDACTED",
    lambda at: at + b"?q=a+b%20c&q=",
    lambda at: at + b"#part",
    lambda at: at + b"?a=1#part",
    lambda at: at + b"/" + FAKE_KEY.encode(),
    lambda at: at + b"%0a",
    lambda at: at + b"%",
    lambda at: at + b"%zz",
    lambda at: at + b"\xc3\xbc",
    lambda at: at + b"\xff",
    lambda at: at + b" x",
    lambda at: at + b"\x01",
    lambda at: at + b'[]{}|\\^`"<>',
    lambda at: b"http://localhost:8080" + at,
    lambda at: b"http://elsewhere.test" + at,
    lambda at: b"HTTP://LOCALHOST" + at,
    lambda at: b"https://localhost" + at,
    lambda at: at[1:],
    lambda _: b"*",
    lambda _: b"/",
    lambda _: b"",
    lambda _: b"localhost:8080",
    lambda _: b"/_runreel",
    lambda _: b"/_runreel/",
    lambda _: b"/_runreel/health",
    lambda _: b"/_runreel/sessions",
    lambda _: b"/_runreel/sessions/default",
    lambda _: b"/_runreel/s",
    lambda _: b"/_runreel/s/",
    lambda _: b"/_runreel/s/one",
    lambda at: b"/_runreel/s/one?" + at,
    lambda at: b"/_runreel/s/one" + at,
    lambda at: b"/_runreel/s/default" + at,
    lambda at: b"/_runreel/s/%64efault" + at,
    lambda at: b"/_runreel/s//" + at,
    lambda at: b"/_runreel/s/nobody" + at,
    lambda _: b"/_runreel/s/one/_runreel/health",
    lambda at: b"/_runreel/s/one/_runreel/s/one" + at,
    lambda at: b"//_runreel/s/one" + at,
    lambda at: b"/_Runreel/s/one" + at,
    lambda at: at + b"/odd-moved",
    lambda at: at + b"x" * 9_000,
    lambda at: at + b"/" + b"y" * 7_000,
)


def _target(rng: Random, one: Sent) -> Sent:
    return replace(one, target=rng.choice(_ODD_TARGETS)(one.target))


def _version(rng: Random, one: Sent) -> Sent:
    odd = (
        b"HTTP/1.0",
        b"HTTP/1.0",
        b"HTTP/1.2",
        b"HTTP/2.0",
        b"HTTP/0.9",
        b"http/1.1",
        b"HTTP/1.1 ",
    )
    return replace(one, version=rng.choice((*odd, b"HTTP/1", b"HTTP/11.1", b"HTTP/1.1x", b"")))


_ODD_FIELDS: tuple[Field, ...] = (
    *_fields(
        ("Host", "localhost"),
        ("Host", "elsewhere.test"),
        ("Content-Type", "text/plain"),
        ("User-Agent", "another"),
        ("ETag", '"1"'),
        ("Etag", '"2"'),
        ("Server", "a"),
        ("Content-Location", "/a"),
        ("Content-Range", "bytes 0-1/2"),
        ("Max-Forwards", "0"),
        ("Max-Forwards", "7"),
        ("Sec-WebSocket-Key1", "a"),
        ("Sec-WebSocket-Key", "a"),
        ("Proxy-Connection", "close"),
        ("Proxy-Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("Trailer", "x-after"),
        ("X-Runreel-Session", "one"),
        ("X-Runreel-Session", "two"),
        ("X-Runreel-Session", "default"),
        ("X-Runreel-Session", "nobody"),
        ("X-Runreel-Session", ""),
        ("x-runreel-session", "one "),
        ("X-Runreel-Source", "replay"),
        ("Origin", "http://localhost:8080"),
        ("Origin", "http://page.test"),
        ("Origin", "http://evil.test"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Access-Control-Request-Method", "POST"),
        ("Via", "1.1 runreel-5f0c5f0c"),
        ("Via", "1.1 another, 1.0 one"),
        ("Expect", "100-continue"),
        ("Expect", "200-ok"),
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "identity"),
        ("Transfer-Encoding", "gzip, chunked"),
        ("Transfer-Encoding", ""),
        ("Content-Encoding", "gzip"),
        ("Content-Encoding", "identity"),
        ("Content-Encoding", "br"),
        ("Connection", "close"),
        ("Connection", "keep-alive"),
        ("Connection", "Keep-Alive"),
        ("Connection", "upgrade"),
        ("Connection", "x-team"),
        ("Connection", "keep-alive, x-team"),
        ("Connection", ""),
        ("Upgrade", "websocket"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
        ("Content-Length", "0"),
        ("Content-Length", "5"),
        ("Content-Length", "05"),
        ("Content-Length", "+5"),
        ("Content-Length", "-1"),
        ("Content-Length", "0x5"),
        ("Content-Length", "5, 5"),
        ("Content-Length", "5 5"),
        ("Content-Length", ""),
        ("Content-Length", "99999999999999999999"),
        ("X-Team", "red"),
        ("X-Team", "blue"),
        ("X-Team", FAKE_KEY),
        ("x-team", "blue, red"),
        ("OpenAI-Beta", "assistants=v1"),
        ("OpenAI-Beta", ""),
        ("OpenAI-Organization", "org-" + "FaKe0" * 4),
        ("X-Api-Key", BARE_KEY),
        ("Api-Key", "another-" + BARE_KEY),
        ("Authorization", "Basic " + base64.b64encode(f"user:{BARE_KEY}".encode()).decode()),
        ("Authorization", f"Bearer {ADMIN_TOKEN}"),
        ("Proxy-Authorization", "Bearer " + BARE_KEY),
        ("Cookie", "session=" + "FaKe0" * 5),
        ("Cookie2", "$Version=1"),
        ("Idempotency-Key", "1"),
        ("Accept", "text/event-stream"),
        ("X-Long", "y" * 9_000),
        ("X-Rather-Long", "y" * 6_000),
        ("traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"),
        ("X-Empty", ""),
        ("X-" + "n" * 300, "1"),
    ),
    (b"X-Space", b":", b"  a \t "),
    (b"X-Tab", b":\t", b"a\tb"),
    (b"X-None", b":", b"a"),
    (b"X-Before", b" : ", b"a"),
    (b"X Inside", b": ", b"a"),
    (b" X-First", b": ", b"a"),
    (b"X-Folded", b": ", b"a\r\n b"),
    (b"X-Folded", b": ", b"a\r\n\tTransfer-Encoding: chunked"),
    (b"X-Return", b": ", b"a\rb"),
    (b"X-Feed", b": ", b"a\nX-Feed-2: b"),
    (b"X-Null", b": ", b"a\0b"),
    (b"X-Bell", b": ", b"\x07"),
    (b"X-Delete", b": ", b"a\x7f"),
    (b"X-Utf8", b": ", "grüße".encode()),
    (b"X-Latin", b": ", b"gr\xfc\xdfe"),
    (b"X-\xfc", b": ", b"a"),
    (b"", b": ", b"a"),
    (b"X-No-Colon", b"", b""),
    (b"X(Paren)", b": ", b"a"),
    (b"Content-Length", b" : ", b"5"),
    (b"Content-Length", b":", b"5"),
    (b"Content-Length", b":\t", b"5"),
    (b"Content-Length", b": ", b"5\t"),
    (b"Content-Length", b": ", b"5 "),
    (b"Content-Length", b":\r\n ", b"5"),
    (b"Connection", b":\t", b"keep-alive\t "),
    (b"Connection", b": ", b"keep-alive,"),
    (b"Connection", b": ", b",keep-alive"),
    (b"Host", b":\t", b"localhost \t"),
    (b"Transfer-Encoding", b":\x0b", b"chunked"),
    (b"Transfer-Encoding\0", b": ", b"chunked"),
)


def _more_headers(rng: Random, one: Sent) -> Sent:
    fields = list(one.headers)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        fields.insert(rng.randint(0, len(fields)), rng.choice(_ODD_FIELDS))
    return replace(one, headers=tuple(fields))


def _own_framing(rng: Random, one: Sent) -> Sent:
    field = rng.choice([field for field in _ODD_FIELDS if field[0].lower() in _FRAMES])
    return replace(_placed(rng, one, field), framing=rng.choice(("none", "length", "chunked")))


_FRAMES = (b"content-length", b"transfer-encoding", b"content-encoding", b"expect", b"connection")


def _placed(rng: Random, one: Sent, field: Field) -> Sent:
    at = rng.randint(0, len(one.headers))
    return replace(one, headers=(*one.headers[:at], field, *one.headers[at:]))


def _doubled(rng: Random, one: Sent) -> Sent:
    return _placed(rng, one, rng.choice(one.headers)) if one.headers else one


def _fewer(rng: Random, one: Sent) -> Sent:
    return one.without(rng.choice(one.headers)[0].lower()) if one.headers else one


def _case(rng: Random, one: Sent) -> Sent:
    turn = rng.choice((bytes.lower, bytes.upper, bytes.title, bytes.swapcase))
    return replace(one, headers=tuple((turn(name), by, value) for name, by, value in one.headers))


def _order(rng: Random, one: Sent) -> Sent:
    return replace(one, headers=tuple(rng.sample(one.headers, len(one.headers))))


def _white(rng: Random, one: Sent) -> Sent:
    white = (b":", b":  ", b":\t", b": \t ")
    after = (b"", b" ", b"\t", b"  \t")
    return replace(
        one,
        headers=tuple(
            (name, rng.choice(white), value + rng.choice(after)) for name, _, value in one.headers
        ),
    )


def _many(rng: Random, one: Sent) -> Sent:
    count = rng.choice((100, 118, 119, 127, 128, 129, 140, 500))
    return replace(one, headers=(*one.headers, *[(b"a", b":", b"")] * (count - len(one.headers))))


def _session(rng: Random, one: Sent) -> Sent:
    name = rng.choice((b"one", b"two", b"default"))
    if rng.random() < 0.5:
        return replace(one, target=b"/_runreel/s/" + name + one.target)
    return _placed(rng, one, (b"X-Runreel-Session", b": ", name))


def _respelt(rng: Random, one: Sent) -> Sent:
    try:
        value = json.loads(one.body)
    except ValueError:
        return replace(one, body=one.body + b" ", framing="length")
    ways: tuple[Callable[[], str], ...] = (
        lambda: json.dumps(value, indent=2),
        lambda: json.dumps(value, separators=(",", ":")),
        lambda: json.dumps(value, separators=(",", ":"), sort_keys=True),
        lambda: " " + json.dumps(value) + "\n",
        lambda: json.dumps(value).replace("a", "\\u0061"),
        lambda: json.dumps(value).replace("}", ', "a": 1, "a": 2}', 1),
        lambda: json.dumps(value)[:-1],
        lambda: "\ufeff" + json.dumps(value),
    )
    return replace(one, body=rng.choice(ways)().encode())


_BODIES: tuple[bytes, ...] = (
    b"",
    b"{}",
    b"null",
    b"[]",
    b"\0",
    b"\xff\xfe",
    b'{"metadata":{"name":"gr\xc3\xbc\xc3\x9fe \xf0\x9f\x8e\x9e"}}',
    b'{"n":1e400,"m":0.10,"big":123456789012345678901234567890}',
    b'{"metadata":{"key":"' + FAKE_KEY.encode() + b'"}}',
    b'{"metadata":{"key":"' + base64.b64encode(BARE_KEY.encode()) + b'"}}',
    b'{"metadata":{"key":"REDACTED","other":"REDACTED-0123456789"}}',
    b'{"password":"hunter2hunter2hunter2"}',
    b'{"stream": true}',
    b"a=1&b=two&api_key=" + BARE_KEY.encode(),
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    b"x" * 70_000,
    b'{"pad":"' + b"y" * 65_520 + b'"}',
    b"z" * 300_000,
    gzip.compress(b'{"metadata":{"key":"' + BARE_KEY.encode() + b'"}}', mtime=0),
    gzip.compress(b"{}", mtime=0),
)


def _body(rng: Random, one: Sent) -> Sent:
    body = rng.choice(_BODIES[:15] if rng.random() < 0.9 else _BODIES)
    return replace(one, body=body, framing="length")


def _typed(rng: Random, one: Sent) -> Sent:
    form = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    kind, body = rng.choice(
        (
            (b"multipart/form-data; boundary=b", form),
            (b"application/x-www-form-urlencoded", b"a=1&b=2"),
            (b"application/json; charset=utf-8", one.body),
            (b"text/plain", one.body),
            (b"", one.body),
        )
    )
    one = one.without(b"content-type").named(b"Content-Type", kind)
    return replace(one, body=body, framing="length")


def _chunked(_: Random, one: Sent) -> Sent:
    return replace(one, framing="chunked")


def _zipped(rng: Random, one: Sent) -> Sent:
    one = replace(one, body=gzip.compress(one.body, mtime=0), framing="length")
    return one.named(b"Content-Encoding", rng.choice((b"gzip", b"GZIP", b"x-gzip", b"deflate")))


def _lines(rng: Random, one: Sent) -> Sent:
    return replace(one, end=rng.choice((b"\n", b"\r", b"\r\r\n", b"\n\r\n")))


def _lawful_headers(rng: Random, one: Sent) -> Sent:
    return _placed(rng, one, rng.choice(_LAWFUL_FIELDS))


_ONCE = (b"host", b"content-type", b"user-agent", b"content-length", b"transfer-encoding")
_LAWFUL_FIELDS = tuple(
    field
    for field in _ODD_FIELDS
    if re.fullmatch(rb"[A-Za-z0-9-]+", field[0])
    and re.fullmatch(rb"[ -~]{0,7000}", field[2])
    and field[1] == b": "
    and field[0].lower() not in (*_ONCE, b"sec-websocket-key1", b"upgrade")
)

# What is still a request that aiohttp takes in.
LAWFUL: tuple[tuple[Change, int], ...] = (
    (_lawful_headers, 8),
    (_fewer, 2),
    (_case, 3),
    (_order, 4),
    (_white, 3),
    (_session, 10),
    (_respelt, 6),
    (_body, 6),
    (_typed, 3),
    (_chunked, 3),
    (_zipped, 2),
)
WILD: tuple[tuple[Change, int], ...] = (
    *LAWFUL,
    (_method, 4),
    (_target, 10),
    (_version, 3),
    (_more_headers, 14),
    (_own_framing, 6),
    (_doubled, 4),
    (_many, 1),
    (_lines, 1),
)


def mutated(rng: Random, one: Sent, changes: tuple[tuple[Change, int], ...]) -> Sent:
    """The request, changed in one place or a few."""
    for change in rng.choices(
        [change for change, _ in changes],
        [weight for _, weight in changes],
        k=rng.choice((1, 1, 1, 2, 3)),
    ):
        one = change(rng, one)
    return one


_BYTES = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b":",
    b"/",
    b"\x7f",
    b"\xff",
    b"\x0b",
    b"0",
    b"A",
)


def spoilt(rng: Random, raw: bytes) -> bytes:
    """The bytes, with a few of them replaced, gone, twice or new."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = (
            rng.randrange(len(raw) + 1)
            if rng.random() < 0.3
            else rng.randrange(min(len(raw), 400) + 1)
        )
        odd = rng.choice(_BYTES)
        match rng.randrange(5):
            case 0:
                raw = raw[:at] + odd + raw[at:]
            case 1:
                raw = raw[:at] + odd + raw[at + 1 :]
            case 2:
                raw = raw[:at] + raw[at + rng.randint(1, 5) :]
            case 3:
                raw = raw[:at] + raw[at : at + rng.randint(1, 40)] * 2 + raw[at:]
            case 4:
                raw = rng.choice((b"\r\n", b"\n", b" ", b"\r\n\r\n", b"\0")) + raw
    return raw
