"""The exchanges of the table of placements: each secret in its place, each innocent twin too."""

import json
from collections.abc import Callable
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
    request = a_request(b'{"metadata":{"a":"b"}}', target=target, headers=JSON)
    place = _IN_REQUESTS.get(placed.place)
    if place is not None:
        request = place(request, placed.name, placed.value)
    answer = _IN_RESPONSES.get(placed.place)
    response = a_response() if answer is None else answer(placed.name, placed.value)
    sample = an_interaction(request, response, f"case-{placed.number}").value
    return replace(sample, request=request, response=response)


def _member(name: str, value: str) -> str:
    return json.dumps({"a": [1, {name: value}]})


def _field(name: str, value: str) -> bytes:
    return (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b--\r\n'
    ).encode()


def _stream(events: list[str]) -> Response:
    body = "".join(f"data: {event}\n\n" for event in events).encode()
    return Response(200, _EVENTS, body, tuple(range(len(events))))


def _pieces(value: str) -> list[str]:
    return [json.dumps({"choices": [{"text": piece}]}) for piece in (value[:6], value[6:])]


def _error(value: str) -> Response:
    message = {"error": {"message": f"Incorrect API key provided: {value}."}}
    return Response(401, JSON, json.dumps(message).encode())


def _form(request: Request, name: str, value: str) -> Request:
    form = f"a=1&{name}={quote(value, safe='')}".encode()
    return replace(request, headers=_FORM, body=form)


_IN_REQUESTS: dict[str, Callable[[Request, str, str], Request]] = {
    "request header": lambda request, name, value: replace(request, headers=(*JSON, (name, value))),
    "request header value": lambda request, _, value: replace(
        request, headers=(*JSON, ("X-Note", f"it is {value}"))
    ),
    "query": lambda request, name, value: replace(
        request, target=f"{request.target}?a=1&{name}={quote(value, safe='')}"
    ),
    "form": _form,
    "multipart": lambda request, name, value: replace(
        request, headers=_MULTIPART, body=_field(name, value)
    ),
    "request member": lambda request, name, value: replace(
        request, body=_member(name, value).encode()
    ),
    "member in a string": lambda request, name, value: replace(
        request, body=json.dumps({"arguments": _member(name, value)}).encode()
    ),
    "request text": lambda request, _, value: replace(
        request, body=json.dumps({"text": f"use {value} now"}).encode()
    ),
}
_IN_RESPONSES: dict[str, Callable[[str, str], Response]] = {
    "response header": lambda name, value: a_response(headers=(*JSON, (name, value))),
    "response member": lambda name, value: Response(200, JSON, _member(name, value).encode()),
    "response string": lambda _, value: Response(200, JSON, json.dumps([value]).encode()),
    "error message": lambda _, value: _error(value),
    "member in an event": lambda name, value: _stream([json.dumps({"x": {name: value}}), "[DONE]"]),
    "event pieces": lambda _, value: _stream(_pieces(value)),
}
