"""The exchanges of the table of placements: each secret in its place, each innocent twin too."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from builders import a_request, a_response, an_interaction
from runreel.http.messages import Headers, Interaction, Request, Response

JSON: Headers = (("Content-Type", "application/json"),)
_FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)
_MULTIPART: Headers = (("Content-Type", "multipart/form-data; boundary=b"),)
_EVENTS: Headers = (("Content-Type", "text/event-stream"),)


@dataclass(frozen=True)
class Placement:
    """A value in a place of an exchange; `secret` is what of it nobody may keep."""

    number: int
    place: str
    name: str
    value: str
    secret: str

    def __str__(self) -> str:
        return f"{self.number}-{self.place}-{self.name}".replace(" ", "_")


def _read() -> list[tuple[Placement, Placement]]:
    rows: list[dict[str, Any]] = json.loads(
        (Path(__file__).parent / "redaction/placements.json").read_text("utf-8")
    )
    found = []
    for number, row in enumerate(rows):
        twin = row["twin"]
        value, secret = "".join(row["value"]), "".join(row["secret"])
        true = Placement(number, row["place"], row["name"], value, secret)
        false = Placement(number, row["place"], twin["name"], "".join(twin["value"]), "")
        found.append((true, false))
    return found


PAIRS = _read()


def exchange(placed: Placement) -> Interaction:
    """The exchange with the value in its place."""
    target = f"/v1/threads/thread_{placed.number}/runs/run_1"
    request, response = (
        a_request(b'{"metadata":{"a":"b"}}', target=target, headers=JSON),
        a_response(),
    )
    name, value = placed.name, placed.value
    member = json.dumps({"a": [1, {name: value}]})
    match placed.place:
        case "request header":
            request = replace(request, headers=(*JSON, (name, value)))
        case "request header value":
            request = replace(request, headers=(*JSON, ("X-Note", f"it is {value}")))
        case "response header":
            response = replace(response, headers=(*JSON, (name, value)))
        case "query":
            request = replace(request, target=f"{target}?a=1&{name}={quote(value, safe='')}")
        case "form":
            form = f"a=1&{name}={quote(value, safe='')}".encode()
            request = replace(request, headers=_FORM, body=form)
        case "multipart":
            request = replace(request, headers=_MULTIPART, body=_field(name, value))
        case "request member":
            request = replace(request, body=member.encode())
        case "response member":
            response = replace(response, headers=JSON, body=member.encode())
        case "member in a string":
            request = replace(request, body=json.dumps({"arguments": member}).encode())
        case "request text":
            request = replace(request, body=json.dumps({"text": f"use {value} now"}).encode())
        case "response string":
            response = replace(response, headers=JSON, body=json.dumps([value]).encode())
        case "error message":
            message = {"error": {"message": f"Incorrect API key provided: {value}."}}
            response = Response(401, JSON, json.dumps(message).encode())
        case "member in an event":
            response = _stream([json.dumps({"x": {name: value}}), "[DONE]"])
        case "event pieces":
            cut = 6
            pieces = (value[:cut], value[cut:])
            response = _stream([json.dumps({"choices": [{"text": each}]}) for each in pieces])
    sample = an_interaction(request, response, f"case-{placed.number}").value
    return replace(sample, request=request, response=response)


def sent(placed: Placement) -> tuple[Request, Response]:
    found = exchange(placed)
    return found.request, found.response


def _field(name: str, value: str) -> bytes:
    return (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b--\r\n'
    ).encode()


def _stream(events: list[str]) -> Response:
    body = "".join(f"data: {event}\n\n" for event in events).encode()
    return Response(200, _EVENTS, body, tuple(range(len(events))))
