"""HAR 1.2, read and written: what browsers, proxies and Polly.js record."""

import base64
import json
from dataclasses import replace
from datetime import datetime
from http.client import responses as phrases
from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from runreel import __version__
from runreel.cassettes.format import Cassette
from runreel.http.headers import has_body
from runreel.http.messages import Headers, Interaction, Response, values
from runreel.http.strict_json import BadDocument
from runreel.importers.records import (
    NO_CALL,
    OURS,
    Foreign,
    Part,
    Recording,
    as_sent,
    exported,
    from_base64,
    in_utc,
    place_of,
    read_ours,
    recorded,
    url_of,
    write_ours,
)

_REQUEST_BASE64 = "request_base64"  # HAR has no place for a request body that is no text


def read(document: Any) -> Recording:
    """What a HAR file holds, in the order in which the requests were sent.

    Raises:
        BadDocument: something in it cannot be what it says.
    """
    entries = Part(document).get("log").get("entries")
    found = recorded(entries, _entry, _upstream)  # a browser's file has calls to many hosts
    in_order = any(item.has(OURS) for item in entries.items())  # those of a cassette are
    if in_order or not all(one.recorded_at for one in found.exchanges):
        return found
    return replace(found, exchanges=tuple(sorted(found.exchanges, key=attrgetter("recorded_at"))))


def _upstream(entry: Part) -> str | None:
    """Where an entry went to, if at least that can be read of it."""
    try:
        where = place_of(entry.get("request").get("url"), read_ours(entry.get(OURS)))
    except BadDocument:
        return None
    return where[0] if where else None


def _entry(entry: Part, place: str) -> Foreign | str:
    """One entry, or a sentence that says why it is none."""
    request, response, ours = entry.get("request"), entry.get("response"), entry.get(OURS)
    said = read_ours(ours)
    where = place_of(request.get("url"), said)
    if where is None:
        return NO_CALL
    status = response.get("status").integer()
    if status == 0:
        return "it has no answer (status 0)"
    method = request.get("method").text()
    content = response.get("content")
    headers = _headers(response.get("headers"))
    there = content.get("text").value is not None or not has_body(method, status)
    if not there and not _says_empty(content.get("size").value, headers):
        return "its body is not in the file"
    return Foreign(
        place=place,
        method=method,
        upstream=where[0],
        target=where[1],
        request_headers=_headers(request.get("headers")),
        request_body=_request_body(request, ours),
        status=status,
        response_headers=headers,
        response_body=_content(content),
        recorded_at=_time(entry.get("startedDateTime")),
        duration_ms=entry.get("time").amount(),
        at_ms=said.at_ms,
    )


def _says_empty(size: object, headers: Headers) -> bool:
    """Whether a body that is not in the file was empty, as far as the file says."""
    lengths = set(values(headers, "content-length"))
    return size == 0 and not isinstance(size, bool) and lengths <= {"0"}


def _time(part: Part) -> datetime | None:
    if part.value is None:
        return None
    try:
        return in_utc(datetime.fromisoformat(part.text()))
    except (ValueError, OverflowError):
        part.refuse("a time is written as 2026-03-31T10:15:02.000Z")


def _headers(part: Part) -> Headers:
    pairs: list[tuple[str, str]] = []
    for item in part.items():
        name, value = item.get("name").text(), item.get("value").text()
        if name.startswith(":"):
            continue  # of HTTP/2, and said elsewhere
        # Browsers put several cookies into one value.
        lines = value.split("\n") if name.lower() == "set-cookie" else [value]
        pairs += ((as_sent(name), as_sent(line)) for line in lines)
    return tuple(pairs)


def _request_body(request: Part, ours: Part) -> bytes:
    if ours.value is not None and ours.has(_REQUEST_BASE64):
        return from_base64(ours.get(_REQUEST_BASE64))
    if not request.has("postData"):
        return b""
    data = request.get("postData")
    if data.has("text"):
        return data.get("text").bytes()
    params = data.get("params").items()
    pairs = [
        (each.get("name").text(), each.get("value").text() if each.has("value") else "")
        for each in params
    ]
    return urlencode(pairs).encode("ascii")


def _content(content: Part) -> bytes:
    text = content.get("text")
    if not content.has("encoding"):
        return text.bytes()
    if content.get("encoding").text().lower() != "base64":
        content.get("encoding").refuse("the only encoding that is read is base64")
    if not text.text().startswith("["):
        return from_base64(text)
    # Polly.js keeps a coded body as the list of its chunks.
    try:
        chunks = json.loads(text.text())
    except (ValueError, RecursionError):
        text.refuse("neither base64 nor a list of it")
    return b"".join(from_base64(chunk) for chunk in Part(chunks, text.at).items())


def write(cassette: Cassette) -> tuple[bytes, list[str]]:
    """The cassette as a HAR file, and the ids of what is left out."""
    found, gone = exported(cassette)
    log = {
        "version": "1.2",
        "creator": {"name": "runreel", "version": __version__},
        "entries": [_to_entry(interaction, cassette.upstream) for interaction in found],
    }
    return (json.dumps({"log": log}, indent=2, ensure_ascii=False) + "\n").encode("utf-8"), gone


def _to_entry(interaction: Interaction, upstream: str) -> dict[str, Any]:
    response = interaction.response
    ours = write_ours(interaction, upstream)
    request = _to_request(interaction, upstream, ours)
    return {
        "startedDateTime": interaction.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "time": interaction.duration_ms,
        "request": request,
        "response": {
            "status": response.status,
            "statusText": phrases.get(response.status, ""),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _to_pairs(response.headers),
            "content": _to_content(response),
            "redirectURL": "".join(values(response.headers, "location")[:1]),
            "headersSize": -1,
            "bodySize": len(response.body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": interaction.duration_ms, "receive": 0},
        OURS: ours,
    }


def _to_request(interaction: Interaction, upstream: str, ours: dict[str, Any]) -> dict[str, Any]:
    request = interaction.request
    pairs = (pair.partition("=") for pair in request.query.split("&") if pair)
    document: dict[str, Any] = {
        "method": request.method,
        "url": url_of(upstream, request.target),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _to_pairs(request.headers),
        "queryString": [{"name": name, "value": value} for name, _, value in pairs],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        data = {"mimeType": _media_type(request.headers), "text": ""}
        try:
            data["text"] = request.body.decode("utf-8")
        except UnicodeDecodeError:
            ours[_REQUEST_BASE64] = base64.b64encode(request.body).decode("ascii")
        document["postData"] = data
    return document


def _to_content(response: Response) -> dict[str, Any]:
    content: dict[str, Any] = {
        "size": len(response.body),
        "mimeType": _media_type(response.headers),
    }
    try:
        content["text"] = response.body.decode("utf-8")
    except UnicodeDecodeError:
        content["text"] = base64.b64encode(response.body).decode("ascii")
        content["encoding"] = "base64"
    return content


def _to_pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _media_type(headers: Headers) -> str:
    return "".join(values(headers, "content-type")[:1])
