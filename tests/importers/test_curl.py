"""Exported curl commands, run by a real shell against an upstream that keeps what it is sent."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders import FAKE_KEY, a_cassette, a_response
from runreel.cassettes.format import Cassette
from runreel.http.messages import Interaction, Request
from runreel.importers import curl
from runreel.redaction.redactor import Redaction
from servers import RawUpstream

NASTY = 'it\'s $HOME `id` "x" \\ !! {a,b} [1-2] ; & | > < ( ) # ~ * ?\n\tné 雪 @file'
REQUESTS = {
    "modify": Request("POST", "/v1/x", (("Content-Type", "application/json"),), b'{"a":"b\'c"}'),
    "nasty body": Request("POST", "/v1/x", (), NASTY.encode()),
    "a body like a file": Request("POST", "/v1/x", (), b"@/etc/passwd"),
    "bytes": Request("PUT", "/v1/x", (), bytes(range(256))),
    "carriage returns": Request("POST", "/v1/x", (), b"a\r\nb\r"),
    "nasty target": Request("GET", "/v1/../{a,b}/[1-2]/$HOME/`id`/'%27?q=;&x=\"\\!"),
    "nasty header": Request("GET", "/v1/x", (("X-A", "$HOME 'x' \"y\" `id` \\ \xe9"),)),
    "empty header": Request("GET", "/v1/x", (("X-A", ""), ("Accept", "*/*"))),
    "a header twice": Request("GET", "/v1/x", (("X-A", "1"), ("X-A", "2"))),
    "delete with a body": Request("DELETE", "/v1/x", (), b"{}"),
    "head": Request("HEAD", "/v1/x"),
    "nothing": Request("POST", "/v1/x"),
}
OF_CURL = {"host", "user-agent", "accept", "authorization", "content-length"}


def stored(request: Request) -> Cassette:
    time = datetime(2026, 3, 31, tzinfo=UTC)
    one = Interaction("x", None, time, 0, request, a_response())
    return a_cassette(Redaction().interaction(request, one))


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_shell_sends_the_very_request(
    name: str, upstream: RawUpstream, tmp_path: Path
) -> None:
    request = REQUESTS[name]
    upstream.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    content, _ = curl.write(stored(request), upstream.url)

    process = await asyncio.create_subprocess_exec(
        "sh",
        *("-c", content),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "OPENAI_API_KEY": FAKE_KEY},
        stdout=asyncio.subprocess.DEVNULL,
    )
    await process.communicate()

    assert process.returncode == 0
    assert b"\r" not in content  # nor anything else that could play with a terminal
    assert b"\x1b" not in content
    (received,) = upstream.received
    assert received.head.split(b" ")[0].decode() == request.method
    assert received.target == request.target
    assert received.body == request.body
    assert received.values("authorization") == [f"Bearer {FAKE_KEY}"]
    added = [pair for pair in received.headers if pair[0].lower() not in OF_CURL]
    assert added == [pair for pair in request.headers if pair[0].lower() not in OF_CURL]


def test_there_is_one_command_for_each_interaction_and_no_key_in_it() -> None:
    several = [REQUESTS["modify"], REQUESTS["nothing"]]
    cassette = replace(
        stored(several[0]),
        interactions=tuple(stored(request).interactions[0] for request in several),
    )

    content, left = curl.write(cassette, "http://127.0.0.1:8080")

    assert left == []
    first, second = content.decode().splitlines()
    assert first == (
        "curl -sS --globoff --path-as-is -X POST http://127.0.0.1:8080/v1/x "
        "-H \"Authorization: Bearer $OPENAI_API_KEY\" -H 'Content-Type: application/json' "
        '--data-raw \'{"a":"b\'"\'"\'c"}\''
    )
    assert second == (
        "curl -sS --globoff --path-as-is -X POST http://127.0.0.1:8080/v1/x "
        '-H "Authorization: Bearer $OPENAI_API_KEY"'
    )


def test_what_nobody_received_is_left_out_and_named() -> None:
    (one,) = stored(REQUESTS["nothing"]).interactions
    gone = replace(one, value=replace(one.value, id="gone", client_gone=True))

    content, left = curl.write(a_cassette(gone, one), "http://127.0.0.1:8080")

    assert left == ["gone"]
    assert content.count(b"curl ") == 1
