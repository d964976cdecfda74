"""Cassettes of VCR: vcrpy's (YAML and JSON) and those of Ruby's VCR.

What stands where in them, in all layouts that are about; vcrpy's newest is written too.
"""

from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import responses as phrases
from typing import Any

from runreel.cassettes.format import Cassette
from runreel.http.headers import codings
from runreel.http.messages import Headers, Interaction
from runreel.importers.records import (
    NO_CALL,
    OURS,
    Foreign,
    Ours,
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

# Ruby's names of encodings in which a string's bytes differ from those in the file.
_ENCODINGS = {"iso-8859-1": "latin-1", "windows-1252": "cp1252"}


def read_vcrpy(document: Any) -> Recording:
    """What a cassette of vcrpy holds: version 1, or the list that was there before.

    Raises:
        BadDocument: something in it cannot be what it says.
    """
    root = Part(document)
    return recorded(root if isinstance(document, list) else root.get("interactions"), _of_vcrpy)


def read_ruby(document: Any) -> Recording:
    """What a cassette of Ruby's VCR holds.

    Raises:
        BadDocument: something in it cannot be what it says.
    """
    return recorded(Part(document).get("http_interactions"), _of_ruby)


def _of_vcrpy(item: Part, place: str) -> Foreign | str:
    request, response = item.get("request"), item.get("response")
    ours = read_ours(item.get(OURS))
    url = _url_of_parts(request) if request.has("protocol") else request.get("uri")
    where = place_of(url, ours)
    if where is None:
        return NO_CALL
    status = response.get("status_code")  # as vcrpy wrote for httpx before 6
    if status.value is None:
        status = response.get("status").get("code")
    body = response.get("content") if response.has("content") else response.get("body")
    return replace(
        _foreign(item, place, where, status, body),
        recorded_at=ours.recorded_at,
        duration_ms=ours.duration_ms,
        at_ms=ours.at_ms,
    )


def _of_ruby(item: Part, place: str) -> Foreign | str:
    response = item.get("response")
    where = place_of(item.get("request").get("uri"), Ours())
    if where is None:
        return NO_CALL
    status = response.get("status").get("code")
    found = _foreign(item, place, where, status, response.get("body"))
    at = _ruby_time(item.get("recorded_at"))
    return replace(found, method=found.method.upper(), recorded_at=at)


def _foreign(item: Part, place: str, where: tuple[str, str], status: Part, body: Part) -> Foreign:
    """What stands at the same place in all layouts, with what does not."""
    request = item.get("request")
    sent, answered = (_headers(item.get(side).get("headers")) for side in ("request", "response"))
    return Foreign(
        place=place,
        method=request.get("method").text(),
        upstream=where[0],
        target=where[1],
        request_headers=sent,
        request_body=_body(request.get("body"), sent),
        status=status.integer(),
        response_headers=answered,
        response_body=_body(body, answered),
    )


def _ruby_time(part: Part) -> datetime | None:
    if part.value is None:
        return None
    text = part.text()
    read = datetime.fromisoformat if text[:1].isdecimal() else parsedate_to_datetime
    try:
        return in_utc(read(text))
    except (ValueError, OverflowError):
        part.refuse("a time is written as Tue, 14 Nov 2023 21:49:30 GMT")


def _url_of_parts(request: Part) -> Part:
    """The URL as it stood before 1.0, in parts."""
    texts = [request.get(name).text() for name in ("protocol", "host", "port", "path")]
    return Part("{}://{}:{}{}".format(*texts), request.at)


def _headers(part: Part) -> Headers:
    """Header pairs of an object (of texts or lists of them), or of a list of lines or pairs."""
    if isinstance(part.value, list):
        pairs = [_pair(item) for item in part.items()]
    else:
        pairs = [
            (name, item.text())
            for name, value in part.members()
            for item in (value.items() if isinstance(value.value, list) else [value])
        ]
    return tuple((as_sent(name), as_sent(value)) for name, value in pairs)


def _pair(part: Part) -> tuple[str, str]:
    if isinstance(part.value, list) and len(part.value) == 2:
        name, value = (item.text() for item in part.items())
        return name, value
    name, _, value = part.text().removesuffix("\r\n").partition(":")
    return name, value.strip(" \t")


def _body(part: Part, headers: Headers) -> bytes:
    encoding = "utf-8"
    if isinstance(part.value, dict):
        if part.has("base64_string"):
            return from_base64(part.get("base64_string"))
        if part.has("encoding"):
            encoding = _ENCODINGS.get(part.get("encoding").text().lower(), encoding)
        part = part.get("string")
    if isinstance(part.value, list):  # pieces, as an iterator gave them
        return b"".join(item.bytes() for item in part.items())
    coded = isinstance(part.value, str) and part.value.startswith("\x1f\x8b") and codings(headers)
    return part.bytes("latin-1" if coded else encoding)  # Python 2 wrote bytes as a text


def write_vcrpy(cassette: Cassette) -> tuple[bytes, list[str]]:
    """The cassette as vcrpy's, in YAML, and the ids of what is left out."""
    import yaml  # noqa: PLC0415 - only who writes it waits for it

    found, gone = exported(cassette)
    document = {
        "interactions": [_to_vcrpy(interaction, cassette.upstream) for interaction in found],
        "version": 1,
    }
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True)
    return str(text).encode("utf-8"), gone


def _to_vcrpy(interaction: Interaction, upstream: str) -> dict[str, Any]:
    request, response = interaction.request, interaction.response
    return {
        "request": {
            "body": _readable(request.body) if request.body else None,
            "headers": _grouped(request.headers),
            "method": request.method,
            "uri": url_of(upstream, request.target),
        },
        "response": {
            "body": {"string": _readable(response.body)},
            "headers": _grouped(response.headers),
            "status": {"code": response.status, "message": phrases.get(response.status, "")},
        },
        OURS: write_ours(interaction, upstream),
    }


def _readable(body: bytes) -> str | bytes:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body


def _grouped(headers: Headers) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in headers:
        grouped.setdefault(name, []).append(value)
    return grouped
