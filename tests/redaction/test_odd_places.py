"""Places of a secret that the table does not have: each was kept when somebody first tried it."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from builders import a_cassette, a_request, a_response, an_interaction
from leaks import leaks
from redacting import written
from runreel.cassettes.check import check
from runreel.cassettes.format import dump
from runreel.http.messages import Headers, Interaction, Request, Response
from runreel.redaction.redactor import Redacted, Redaction

VALUE = "Zq9" + "fAkE7x" * 3 + "W"
KEY = "sk-proj-" + "FaKe0" * 10
JSON: Headers = (("Content-Type", "application/json"),)
FORM: Headers = (("Content-Type", "multipart/form-data; boundary=b"),)
PATH = "/v1/threads"


def asked(target: str = PATH, headers: Headers = JSON, body: bytes = b"{}") -> Interaction:
    return of(a_request(body, target=target, headers=headers), a_response())


def answered(text: str) -> Interaction:
    return of(a_request(), Response(200, JSON, json.dumps({"text": text}).encode()))


def of(request: Request, response: Response) -> Interaction:
    return replace(an_interaction().value, request=request, response=response)


def field(head: str, value: str, end: str = "\r\n") -> Interaction:
    lines = ("--b", f"Content-Disposition: form-data; name={head}", "", value, "--b--", "")
    return asked(headers=FORM, body=end.join(lines).encode())


def escaped(text: str) -> str:
    return "".join(f"%{ord(char):02x}" for char in text)


PLACES = {
    "a header's name": (asked(headers=((f"X-{KEY}", "1"),)), KEY),
    "a field whose name has no quotes": (field("api_key", VALUE), VALUE),
    "a form with other line ends": (field('"api_key"', VALUE, "\n"), VALUE),
    "a path, escaped as a whole": (asked(f"{PATH}/{escaped(KEY)}/x"), KEY),
    "a query, escaped as a whole": (asked(f"{PATH}?a={escaped(KEY)}"), KEY),
    "a URL in a query": (
        asked(f"{PATH}?next={quote(f'https://a/?access_token={VALUE}', safe='')}"),
        VALUE,
    ),
    "a URL in a URL": (answered(f"https://a/?next=/b?access_token={VALUE}"), VALUE),
    "the user of a URL": (answered(f"git clone https://{VALUE}@git.example/a.git"), VALUE),
    "an option": (answered(f"tool --api-key={VALUE} run"), VALUE),
    "an argument": (answered(f"Client(api_key='{VALUE}')"), VALUE),
    "a line of YAML": (answered(f"db:\n  password: {VALUE}\n"), VALUE),
    "an element": (answered(f"<password>{VALUE}</password>"), VALUE),
    "a command's user": (answered(f"curl -s -u bob:{VALUE} https://a.example"), VALUE),
}
INNOCENT = {
    "a header's name": asked(headers=(("X-Task-Name", VALUE),)),
    "a field whose name has no quotes": field("purpose", VALUE),
    "a form with other line ends": field('"purpose"', VALUE, "\n"),
    "a path, escaped as a whole": asked(f"{PATH}/{escaped('sk-estimator-doc-link')}/x"),
    "a query, escaped as a whole": asked(f"{PATH}?a={escaped('sk-estimator-doc-link')}"),
    "a URL in a query": asked(f"{PATH}?next={quote(f'https://a/?page={VALUE}', safe='')}"),
    "a URL in a URL": answered(f"https://a/?next=/b?page={VALUE}"),
    "the user of a URL": answered("ssh://the-name-of-somebody@git.example/a.git"),
    "an option": answered(f"tool --cache-key={VALUE} run"),
    "an argument": answered(f"Client(page='{VALUE}')"),
    "a line of YAML": answered("db:\n  password: at-least-16-characters\n"),
    "an element": answered(f"<div>{VALUE}</div>"),
    "a command's user": answered("curl -s -u user:password https://a.example"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_in_an_odd_place_is_not_kept_and_check_finds_it(place: str) -> None:
    planted, secret = PLACES[place]
    assert leaks(secret, written(planted))

    clean = Redaction().interaction(planted.request, planted).value

    assert not leaks(secret, written(clean))
    by_hand = dump(a_cassette(Redacted(planted)))
    assert [item for item in check(by_hand, Redaction()) if item.rule != "redaction"]


@pytest.mark.parametrize("place", INNOCENT)
def test_its_innocent_twin_stays_as_it_is(place: str) -> None:
    planted = INNOCENT[place]

    assert Redaction().interaction(planted.request, planted).value == planted
    assert check(dump(a_cassette(Redacted(planted))), Redaction()) == ()
