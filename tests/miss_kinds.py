"""The kinds of difference that make a miss: what a program sent when it was recorded, and now."""

import json
from pathlib import Path
from typing import Any

from builders import TARGET

JSON = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
Calls = list[tuple[str, str, dict[str, str], str]]

# The program that is recorded and replayed: all that a test changes of it is what it sends.
PROGRAM = """
import http.client, json, os
from urllib.parse import urlsplit
host = urlsplit(os.environ["OPENAI_BASE_URL"]).netloc
with open("calls.json") as file:
    calls = json.load(file)
for method, target, headers, body in calls:
    connection = http.client.HTTPConnection(host)
    connection.request(method, target, bytes.fromhex(body), headers)
    connection.getresponse().read()
    connection.close()
"""


def call(
    value: Any = None, target: str = TARGET, method: str = "POST", **headers: str
) -> tuple[str, str, dict[str, str], str]:
    """A call: its body is the JSON of a value, or bytes as they are."""
    given = {name.replace("_", "-"): text for name, text in headers.items()}
    if value is None:
        return method, target, JSON | given, ""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return method, target, JSON | given, body.hex()


def stage(value: Any) -> dict[str, Any]:
    return {"metadata": {"stage": value}}


def upload(content: bytes) -> tuple[str, str, dict[str, str], str]:
    lines = (
        b"--B",
        b'Content-Disposition: form-data; name="purpose"',
        b"",
        b"assistants",
        b"--B",
        b'Content-Disposition: form-data; name="file"; filename="a.png"',
        b"Content-Type: image/png",
        b"",
        content,
        b"--B--",
        b"",
    )
    kind = "multipart/form-data; boundary=B"
    return call(b"\r\n".join(lines), target="/v1/files", Content_Type=kind)


LONG = "The quick brown fox jumps over the lazy dog. " * 100
PIXELS = b"\x89PNG\r\n" + bytes(range(256)) * 8
TRACE = "7d0f3c52-4b1e-4c36-9d5e-2f1a0b9c8d7{}"
READ = call(method="GET")

# name: (what was recorded, what is sent now)
KINDS: dict[str, tuple[Calls, Calls]] = {
    "short value": ([call(stage("a"))], [call(stage("b"))]),
    "long value": ([call(stage(LONG + "old" + LONG))], [call(stage(LONG + "new" + LONG))]),
    "unicode": ([call(stage("cafe\u0301"))], [call(stage("caf\u00e9"))]),
    "number": ([call({"seed": 1})], [call({"seed": 1.5})]),
    "added key": ([call(stage("a"))], [call(stage("a") | {"trace_id": TRACE.format(1)})]),
    "changed id": (
        [call(stage("a") | {"trace_id": TRACE.format(1)})],
        [call(stage("a") | {"trace_id": TRACE.format(2)})],
    ),
    "removed key": ([call(stage("a") | {"user": {"name": "x"}})], [call(stage("a"))]),
    "path": (
        [call(stage("a"), target="/v1/threads/thread_1")],
        [call(stage("a"), target="/v1/threads/thread_2")],
    ),
    "query": (
        [call(method="GET", target="/v1/files?limit=20")],
        [call(method="GET", target="/v1/files?after=file_1&limit=20")],
    ),
    "header": ([call(stage("a"))], [call(stage("a"), OpenAI_Beta="assistants=v1")]),
    "multipart": ([upload(PIXELS)], [upload(PIXELS[:-9] + b"\0" + PIXELS[-8:])]),
    "binary": (
        [call(PIXELS, target="/v1/files", Content_Type="image/png")],
        [call(PIXELS + b"\x00\xff", target="/v1/files", Content_Type="image/png")],
    ),
    "wrong base path": (
        [call(stage("a"), target="/v1/threads")],
        [call(stage("a"), target="/v1/v1/threads")],
    ),
    "no base path": (
        [call(stage("a"), target="/v1/threads")],
        [call(stage("a"), target="/threads")],
    ),
    "state": ([READ, call(stage("a")), READ], [READ, READ]),
    "exhausted": ([call(stage("a"))], [call(stage("a")), call(stage("a"))]),
}


class Program:
    """A program in a folder, `./program`, with the simulator as the upstream that it has."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
        script = folder / "program"
        script.write_text(f'#!/bin/sh\nexec "{python}" -IS program.py\n', encoding="utf-8")
        script.chmod(0o755)

    def sends(self, calls: Calls) -> None:
        """From now on it makes these calls."""
        (self.folder / "calls.json").write_text(json.dumps(calls), encoding="utf-8")
