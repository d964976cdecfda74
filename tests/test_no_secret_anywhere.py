"""A credential that is echoed everywhere, through a real proxy: it must reach no byte we write.

The checker (`leaks`) knows nothing of the redaction rules.
"""

import base64
import gzip
import io
import json
import logging
from pathlib import Path
from urllib.parse import quote

import pytest

from builders import TARGET
from leaks import leaking_files, leaks
from servers import Proxy, RawUpstream, Received, http
from wire import Reply, Wire, post

# No shape of a known key: a fresh one of a provider that nobody has written a pattern for.
KEY = "Zq/" + "fAkE+7" * 5 + "=-_w"
ESCAPED = "".join(f"\\u{ord(char):04x}" for char in KEY)
HEADERS = (("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}"))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _body_that_repeats_the_key() -> str:
    return json.dumps(
        {
            "error": {"message": f"Incorrect API key provided: {KEY}. Find it in your account."},
            "nested": json.dumps({"again": json.dumps([KEY.replace("/", "\\/")])}),
            "base64": [_base64("x" * count + KEY + "::") for count in range(3)],
            "url": [quote(KEY, safe=""), quote(quote(KEY)), quote(ESCAPED)],
            KEY: "as a name",
        }
    ).replace('"as a name"', f'"{ESCAPED}"')


def echoing(received: Received) -> bytes:
    """Answer with the key in every header and in every kind of body."""
    headers = [
        ("Location", f"/v1/login?key={quote(KEY, safe='')}"),
        ("X-Debug", f"you sent Authorization: Bearer {KEY}"),
        ("X-Debug-64", _base64(f"user:{KEY}")),
        ("Set-Cookie", f"session={KEY}; Path=/"),
    ]
    if received.target.startswith("/text"):
        return http(401, headers, f"Incorrect API key provided: {KEY}.".encode())
    if received.target.startswith("/bytes"):
        return http(200, headers, b"\xff\x00" + KEY.encode() + b"\xfe")
    if received.target.startswith("/form"):
        return http(200, headers, f"a=1&key={quote(KEY, safe='')}".encode())
    body = gzip.compress(_body_that_repeats_the_key().encode(), mtime=0)
    return http(200, [*headers, ("Content-Encoding", "gzip")], body)


def _requests() -> list[bytes]:
    """Requests that repeat their own key in target, headers and body."""
    body = _body_that_repeats_the_key().encode()
    return [
        post(TARGET, b'{"metadata": {"note": "no key here"}}', HEADERS),
        post(f"/json/{quote(KEY, safe='')}?q={KEY}", body, (*HEADERS, ("X-Echo", f"k {KEY}"))),
        post("/text", f"my key is {KEY}\n".encode(), HEADERS),
        post("/bytes", b"\xfe" + KEY.encode() + b"\xff", HEADERS),
        post(f"/form?access_token={quote(KEY)}", f"k={quote(ESCAPED)}".encode(), HEADERS),
    ]


async def _send(url: str, requests: list[bytes]) -> list[Reply]:
    wire = await Wire.open(url)
    replies = [await wire.send(request) for request in requests]
    await wire.close()
    return replies


def _said(log: io.StringIO, caplog: pytest.LogCaptureFixture) -> bytes:
    return (log.getvalue() + caplog.text).encode()


async def test_a_recording_holds_the_key_nowhere_and_its_client_got_the_original_bytes(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    upstream.answer = echoing
    receipt = tmp_path / "receipt.json"

    async with proxy(mode="record", upstream=upstream.url, receipt=receipt) as running:
        replies = await _send(running.url, _requests())
        written_by_now = leaking_files(KEY, tmp_path)

    for reply, received in zip(replies, upstream.received, strict=True):
        direct = echoing(received)
        assert reply.body == direct.partition(b"\r\n\r\n")[2]
        assert reply.values("X-Debug") == [f"you sent Authorization: Bearer {KEY}"]
        assert reply.values("Set-Cookie") == [f"session={KEY}; Path=/"]
        assert reply.values("X-Runreel-Recorded") == ["yes"]
        assert received.values("Authorization") == [f"Bearer {KEY}"]
    assert (tmp_path / "default.json").read_text().count('"id"') == len(replies) == 5
    assert json.loads(receipt.read_text())["recorded"] == 5
    assert written_by_now == leaking_files(KEY, tmp_path) == []
    assert log.getvalue().count("\n") == 5
    assert not leaks(KEY, _said(log, caplog))


async def test_what_was_recorded_with_one_key_is_replayed_to_another(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    upstream.answer = echoing
    other_key = "0b+" + "/tEsT1" * 5 + "w_9-"
    body = json.dumps({"note": f"my key is {KEY}"})
    theirs = tuple((name, value.replace(KEY, other_key)) for name, value in HEADERS)
    async with proxy(mode="record", upstream=upstream.url) as running:
        await _send(running.url, [post("/text", body.encode(), HEADERS)])

    async with proxy(mode="replay") as running:
        [reply] = await _send(
            running.url, [post("/text", body.replace(KEY, other_key).encode(), theirs)]
        )

    assert reply.status == 401
    assert reply.body == b"Incorrect API key provided: REDACTED."


async def test_a_miss_whose_request_repeats_its_key_shows_it_to_nobody(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with proxy(mode="record", upstream=upstream.url) as running:
        await _send(running.url, [post(TARGET, b'{"metadata": {"note": "a"}}', HEADERS)])
    receipt = tmp_path / "receipt.json"

    async with proxy(mode="replay", receipt=receipt) as running:
        replies = await _send(running.url, _requests())

    assert [reply.status for reply in replies] == [424] * 5
    assert "REDACTED" in replies[1].body.decode()
    assert not leaks(KEY, b"\n".join(reply.head + reply.body for reply in replies))
    assert len(json.loads(receipt.read_text())["missed"]) == 5
    assert leaking_files(KEY, tmp_path) == []
    assert not leaks(KEY, _said(log, caplog))


# A credential of digits alone, which a JSON body can repeat as a number.
NUMBER = "1234567890123456"
NUMBER_HEADERS = (("Content-Type", "application/json"), ("api-key", NUMBER))


@pytest.mark.parametrize(
    ("target", "body", "header"),
    [
        pytest.param("/echo", b'{"account": 1234567890123456}', "X-A", id="number-in-request"),
        pytest.param("/number", b'{"account": 1}', "X-A", id="number-in-response"),
        pytest.param("/echo", b'{"account": 1}', f"X-{NUMBER}", id="header-name"),
    ],
)
async def test_what_cannot_be_redacted_is_not_stored_but_the_client_gets_its_answer(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    tmp_path: Path,
    target: str,
    body: bytes,
    header: str,
) -> None:
    answer = b'{"account": 1234567890123456}' if target == "/number" else b'{"ok": true}'
    upstream.answer = lambda _: http(200, [("Content-Type", "application/json")], answer)
    receipt = tmp_path / "receipt.json"

    async with proxy(mode="record", upstream=upstream.url, receipt=receipt) as running:
        [reply] = await _send(running.url, [post(target, body, (*NUMBER_HEADERS, (header, "1")))])

    assert reply.status == 200
    assert reply.body == answer
    assert reply.values("X-Runreel-Recorded") == ["no"]
    assert not (tmp_path / "default.json").exists()
    assert json.loads(receipt.read_text())["not_stored"] == 1
    assert leaking_files(NUMBER, tmp_path) == []
    assert log.getvalue().count("\n") == 1
    assert not leaks(NUMBER, log.getvalue().encode())


async def test_a_request_that_cannot_be_redacted_is_refused_in_replay_without_showing_it(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, tmp_path: Path
) -> None:
    async with proxy(mode="record", upstream=upstream.url) as running:
        await _send(running.url, [post(TARGET, b"{}", HEADERS)])
    receipt = tmp_path / "receipt.json"

    async with proxy(mode="replay", receipt=receipt) as running:
        [reply] = await _send(
            running.url, [post(f"/x/{NUMBER}", b"[1234567890123456]", NUMBER_HEADERS)]
        )

    assert reply.status == 424
    assert not leaks(NUMBER, reply.head + reply.body)
    assert len(json.loads(receipt.read_text())["missed"]) == 1
    assert leaking_files(NUMBER, tmp_path) == []
    assert not leaks(NUMBER, log.getvalue().encode())


async def test_the_key_that_the_proxy_adds_itself_is_as_secret_as_the_clients(
    proxy: Proxy, upstream: RawUpstream, log: io.StringIO, tmp_path: Path
) -> None:
    upstream.answer = echoing
    no_key = (("Content-Type", "application/json"),)

    async with proxy(
        mode="record",
        upstream=upstream.url,
        upstream_options__headers={"Authorization": f"Bearer {KEY}"},
    ) as running:
        replies = await _send(
            running.url, [post("/json", b"{}", no_key), post("/text", b"", no_key)]
        )

    assert upstream.received[0].values("Authorization") == [f"Bearer {KEY}"]
    assert [reply.values("X-Runreel-Recorded") for reply in replies] == [["yes"]] * 2
    assert leaking_files(KEY, tmp_path) == []
    assert not leaks(KEY, log.getvalue().encode())
