"""A cassette's document with all kinds of bodies, and where in it a key can be planted by hand."""

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.cassettes.format import dump
from runreel.http.messages import Response

_STREAM = (
    b"event: thread.message.delta\n"
    b'data: {"id":"msg_1","delta":{"content":[{"text":{"value":"So"}}]}}\n\n'
    b"event: thread.message.delta\n"
    b'data: {"id":"msg_1","delta":{"content":[{"text":{"value":" far"}}]}}\n\n'
    b"data: [DONE]\n\n"
)
_SPACED = b'{"thread_id": "thread_1",  "note": "not exactly a layout"}'

Path = tuple[str | int, ...]


def a_document() -> dict[str, Any]:
    """Interactions with JSON, text, base64 and events; digests are left out, as by hand."""
    stream = Response(200, (("Content-Type", "text/event-stream"),), _STREAM, (1, 2, 3))
    interactions = [
        an_interaction(
            a_request(b'{"metadata":{"stage":"a","list":["b",{"c":"d"}]}}'), name="json"
        ),
        an_interaction(a_request(_SPACED), a_response(b"plain words"), "text"),
        an_interaction(a_request(b"\xff\x00file"), a_response(b"\x89PNG\r\n"), "binary"),
        an_interaction(a_request(b'{"stream":true}'), stream, "stream"),
    ]
    document: dict[str, Any] = json.loads(dump(a_cassette(*interactions)))
    for item in document["interactions"]:
        item.pop("digest")
    return document


def places(document: dict[str, Any]) -> list[Path]:
    """Every string of every body, by the way to it."""
    return [
        ("interactions", number, part, "body", *path)
        for number, item in enumerate(document["interactions"])
        for part in ("request", "response")
        for path in _strings(item[part]["body"])
        if path != ("layout",)
    ]


def planted(document: dict[str, Any], path: Path, text: str) -> dict[str, Any]:
    """The document with a text at the end of one of its strings; in base64, among its bytes."""
    changed = copy.deepcopy(document)
    parent: Any = changed
    for step in path[:-1]:
        parent = parent[step]
    last = path[-1]
    if last == "base64":
        raw = base64.b64decode(parent[last]) + b" " + text.encode()
        parent[last] = base64.b64encode(raw).decode()
    elif last == "text" and "at_ms" in parent:
        parent[last] = f": {text}\n{parent[last]}"
    else:
        parent[last] += f" {text} "
    return changed


def pointer(path: Path) -> str:
    return "".join(f"/{step}" for step in path)


def _strings(value: Any) -> Iterator[Path]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = [(name, child) for name, child in value.items() if name != "event"]
    elif isinstance(value, list):
        children = [*enumerate(value)]
    elif isinstance(value, str):
        yield ()
    for step, child in children:
        for path in _strings(child):
            yield (step, *path)
