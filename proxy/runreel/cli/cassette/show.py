"""`runreel cassette show`: the interactions of a cassette, or one of them in full."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.cassette.options import configuration, of_cassettes
from runreel.core.errors import StartRefused

if TYPE_CHECKING:
    from runreel.core.cassette import Cassette
    from runreel.core.messages import Interaction
    from runreel.core.redaction import Redacted

_WIDTH = 76  # of a line of base64
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(:?)|([^"]+)')


@click.command(
    "show",
    help="Show the interactions of a cassette, a line each, or one in full: metadata first, then "
    "request and response.\n\n\b\n"
    "Example:\n  runreel cassette show examples/modify-run modifyRun-55f2ed47",
)
@click.argument("name", metavar="NAME")
@click.argument("wanted", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As in the cassette, in ASCII.")
@of_cassettes
def show(
    name: str,
    wanted: str | None,
    config: Path | None,
    cassettes: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print what the cassette holds; nothing in it can steer the terminal."""
    from runreel.cli.cassette.sources import read
    from runreel.cli.terminal import columns, safe, say, say_json
    from runreel.core.cassette import interaction_document
    from runreel.stores.files import FileStore

    store = FileStore(configuration(config, cassettes).cassettes)
    cassette = read(store, name).cassette
    if wanted is not None:
        item = _one(cassette, name, wanted)
        if as_json:
            say_json(interaction_document(item))
            return
        for line in _in_full(interaction_document(item)):
            say(line)
    elif as_json:
        say_json([interaction_document(item) for item in cassette.interactions])
    elif cassette.interactions:
        for line in columns([_row(item.value) for item in cassette.interactions]):
            say(safe(line))


def _one(cassette: "Cassette", name: str, wanted: str) -> "Redacted[Interaction]":
    from difflib import get_close_matches

    found = {item.value.id: item for item in cassette.interactions}
    if wanted in found:
        return found[wanted]
    near = get_close_matches(wanted, found, n=1, cutoff=0)
    hint = f"; the nearest is '{near[0]}'" if near else ""
    raise StartRefused(
        f"there is no interaction '{wanted}' in cassette '{name}'{hint}, and runreel cassette show "
        f"{name} lists all"
    )


def _row(item: "Interaction") -> tuple[str, ...]:
    metadata = _metadata(item.request.body)
    return (
        item.id,
        item.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        str(item.response.status),
        item.request.method,
        item.request.target,
        "" if metadata is None else json.dumps(metadata, ensure_ascii=False),
    )


def _metadata(body: bytes) -> Any:
    """The metadata that a body carries, or None."""
    from runreel.core.jsontext import loads

    try:
        value = loads(body.decode("utf-8"))
    except ValueError:
        return None
    return value.get("metadata") if isinstance(value, dict) else None


def _in_full(document: dict[str, Any]) -> Iterator[str]:
    from runreel.cli.terminal import paint

    request, response = document["request"], document["response"]
    took = f"{document['recorded_at']}, {document['duration_ms']} ms"
    yield f"{paint(document['id'], bold=True)}  {paint(took)}"
    for said, message in (("sent", request), ("returned", response)):
        value = message.get("body", {}).get("json")
        if isinstance(value, dict) and value.get("metadata") is not None:
            text = json.dumps(value["metadata"], ensure_ascii=False)
            yield f"metadata {said}: {_coloured(text)}"
    for item in document.get("violations", []):
        where = f"{item['severity']}: {item['at'] or 'the body'}: {item['message']}"
        yield paint(where, fg="red" if item["severity"] == "error" else "yellow")
    if "client" in document:
        yield paint("client gone: this answer reached nobody and is never played", fg="yellow")
    yield ""
    yield paint(f"{request['method']} {request['target']}", bold=True)
    yield from _message(request)
    yield ""
    good = response["status"] < 400
    yield paint(str(response["status"]), bold=True, fg="green" if good else "red")
    yield from _message(response)


def _message(message: dict[str, Any]) -> Iterator[str]:
    from runreel.cli.terminal import paint

    for name, value in message["headers"]:
        yield f"{paint(name, fg='cyan')}: {paint(value)}"
    match message.get("body"):
        case {"json": value}:
            yield ""
            yield from _pretty(value)
        case {"events": list(events)}:
            for event in events:
                yield ""
                yield from _event(event)
        case {"text": str(text)}:
            yield ""
            yield from map(paint, text.split("\n"))
        case {"base64": str(text)}:
            yield ""
            yield from (paint(text[at : at + _WIDTH]) for at in range(0, len(text), _WIDTH))


def _event(event: dict[str, Any]) -> Iterator[str]:
    from runreel.cli.terminal import paint

    head = f"+{event['at_ms']} ms  {event.get('event', '')}".rstrip()
    yield paint(head, fg="magenta")
    if "text" in event:
        yield from map(paint, event["text"].split("\n"))
    else:
        yield from _pretty(event["data"])


def _pretty(value: Any) -> Iterator[str]:
    return map(_coloured, json.dumps(value, indent=2, ensure_ascii=False).split("\n"))


def _coloured(line: str) -> str:
    from runreel.cli.terminal import paint

    return "".join(
        paint(match[1], fg="blue" if match[2] else "green") + match[2]
        if match[1]
        else paint(match[3])
        for match in _TOKEN.finditer(line)
    )
