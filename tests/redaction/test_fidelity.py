"""Nothing changes but what is a secret: the recorded runs, errors and cassettes of the shared
documents, and a corpus of innocent texts, come out byte for byte as they went in.
"""

import base64
import hashlib
import json
import re
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_request, a_response, an_interaction
from documents import DATA
from redacting import BEARER
from runreel.cassettes.secret_scan import sightings
from runreel.redaction.redactor import Redaction

IDS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_SEED = hashlib.sha512(b"innocent").digest() * 4
_ID = "".join(IDS[byte % 62] for byte in _SEED)
HASHES = [hashlib.new(name, b"x").hexdigest() for name in ("md5", "sha1", "sha256", "sha512")]
INNOCENT = [
    ".sk-toggleable__content { color: var(--sk-color-text); } #sk-container-id-1 { }",
    '<a href="/x?page=2&key=value&sort=name#top" class="btn btn-primary">Next</a>',
    '<div id="sk-estimator-doc-link" data-sig="v1"></div>',
    "sk-text-repr-fallback sk-RandomForestClassifier2 sk-SVC",
    "proj_marketingQ32025launch org-marketingQ32025launch",
    "the bearer of this letter asks for basic arithmetic and a password reset",
    "max_tokens=1000&top_p=0.5 tokens: 17, token_count 12",
    "https://a.example/download?file=report.pdf&expires=1700000000&page_token=abc",
    "data:image/png;base64," + base64.b64encode(_SEED).decode(),
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "git clone https://github.com/a/b.git && npm_config_cache=/tmp pip install x",
    "postgres://user:password@localhost/db and http://localhost:8080/@scope/x",
    str(uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF)),
    *HASHES,
    *(f"sha256:{digest}" for digest in HASHES),
    *(
        f"{kind}_{_ID[at : at + 24]}"
        for at, kind in enumerate(
            (
                "thread",
                "run",
                "msg",
                "asst",
                "file",
                "step",
                "call",
                "vs",
                "req",
                "chatcmpl",
                "resp",
            )
        )
    ),
    *(f"{kind}-{_ID[at : at + 29]}" for at, kind in enumerate(("chatcmpl", "file", "cmpl", "ft"))),
    '{"type":"object","properties":{"password":{"type":"string"},"api_key":{"type":"string"}}}',
    '{"required":["password","client_secret"],"title":"Login"}',
    '{"logprobs":{"content":[{"token":" secret","logprob":-0.1,"bytes":[32]}]}}',
    "REDACTED is what the censor wrote",
    "[redacted] and <NAME> and Sanitized",
    "日本語 Gdańsk-Warszawa-Wschodnia ключ: значение",
]


@pytest.mark.parametrize("text", INNOCENT)
@pytest.mark.parametrize("form", ["text", "json", "nested", "events"])
def test_an_innocent_text_stays_byte_for_byte(text: str, form: str) -> None:
    body = {
        "text": text,
        "json": json.dumps({"a": [text, {"b": text}]}, ensure_ascii=False, indent=2),
        "nested": json.dumps({"arguments": json.dumps({"text": text})}),
        "events": "".join(f"data: {json.dumps({'delta': text[:9], 'n': n})}\n\n" for n in range(3)),
    }[form].encode()
    media = "text/event-stream" if form == "events" else "application/json"
    response = a_response(body, headers=(("Content-Type", media),))
    at_ms = (0, 0, 0) if form == "events" else None
    live = a_request(headers=BEARER)
    item = replace(an_interaction().value, request=live, response=replace(response, at_ms=at_ms))

    found = Redaction().interaction(live, item).value

    assert found.response.body == body


@pytest.mark.parametrize("text", INNOCENT)
def test_check_takes_no_innocent_text_for_a_secret(text: str) -> None:
    assert sightings(text) == ()


@given(st.binary(min_size=16, max_size=400))
def test_bytes_in_base64_and_hex_stay(raw: bytes) -> None:
    text = f"{base64.b64encode(raw).decode()} {raw.hex()} {hashlib.sha256(raw).hexdigest()}"
    body = json.dumps({"data": text}).encode()

    assert Redaction().request(a_request(body)).value.body == body


@pytest.mark.skipif(not DATA.exists(), reason="shared/data is not beside this checkout")
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.name) for path in sorted(DATA.rglob("*.json*"))],
)
def test_recorded_runs_errors_and_cassettes_stay_byte_for_byte(path: Path) -> None:
    live = a_request(headers=BEARER)
    text = path.read_text("utf-8-sig")
    for document in text.splitlines() if path.suffix == ".jsonl" else [text]:
        response = a_response(document.encode())
        item = replace(an_interaction().value, request=live, response=response)

        assert Redaction().interaction(live, item).value.response.body == response.body


@pytest.mark.skipif(not DATA.exists(), reason="shared/data is not beside this checkout")
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.name) for path in sorted((DATA / "vcr").iterdir())],
)
def test_of_the_recordings_of_others_nothing_goes_but_who_owns_them(path: Path) -> None:
    text = path.read_text("utf-8")

    clean = Redaction().text(text)

    gone = set(re.findall(r"proj_[A-Za-z0-9]{24}", text)) - set(re.findall(r"proj_\w+", clean))
    expected = text
    for name in gone:
        expected = expected.replace(name, Redaction().text(name))
    assert clean == expected
