"""What the first build of runreel wrote is read as what it says; a mixture with today's is not.

`first_build/recorded.json` and `first_build/cut.journal` were written by that build.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders import SALT, a_cassette, a_request, an_interaction
from runreel.cassettes.check import check
from runreel.cassettes.format import dump, parse, read_request
from runreel.cassettes.journal import parse_records, read_frames, recover
from runreel.http.messages import Interaction, Request, Response, Violation
from runreel.http.strict_json import BadDocument
from runreel.redaction.redactor import Redaction

FIRST_BUILD = Path(__file__).parents[1] / "first_build"
RECORDED = (FIRST_BUILD / "recorded.json").read_text(encoding="utf-8")
AT = datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
TARGET = "/v1/threads/thread_abc123/runs/run_abc123"
SENT = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))
JSON = (("Content-Type", "application/json"),)
STREAM = b'event: thread.run.created\ndata: {"id":"run_1"}\n\ndata: [DONE]\n\n'
NEVER = (
    "the first build of runreel wrote the rest, as its list `redaction` shows, and never this; "
    "take it out, or write all as today and take `redaction` out"
)
PAIR = (
    "a header is an array of its name and its value in what the first build of runreel wrote, and "
    "the rest shows that it did"
)


def edited(*path: str | int, to: Any) -> str:
    """What the first build wrote, but for one member; `...` deletes it."""
    document = json.loads(RECORDED)
    place = document
    for step in path[:-1]:
        place = place[step]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(document)


def refusal(text: str) -> str:
    with pytest.raises(BadDocument) as caught:
        parse(text)
    return str(caught.value)


def test_every_interaction_is_what_it_was() -> None:
    found = parse(RECORDED)

    assert (found.upstream, found.profile, found.salt) == ("https://api.openai.com", "openai", "")
    assert [item.value for item in found.interactions] == [
        Interaction(
            "modifyRun-00000000",
            "modifyRun",
            AT,
            212,
            Request("POST", TARGET, SENT, b'{"metadata":{"stage":"a"}}'),
            Response(200, JSON, b'{"id": "run_abc123"}'),
            (Violation("/instructions", "type", "advice", "got null"),),
        ),
        Interaction(
            "getRun-00000001",
            "getRun",
            AT,
            212,
            Request("GET", TARGET, (("X-Empty", ""),)),
            Response(
                200,
                (("Content-Type", "text/event-stream"), ("X-City", "Z\xfcrich")),
                STREAM,
                (3, 120),
            ),
        ),
        Interaction(
            "POST-00000002",
            None,
            AT,
            212,
            Request("POST", TARGET, SENT, b"\xff\x00"),
            Response(200, JSON, b"plain"),
            client_gone=True,
        ),
        Interaction("DELETE-00000003", None, AT, 212, Request("DELETE", TARGET), Response(204)),
    ]


def test_it_is_written_as_today_and_says_the_same() -> None:
    found = parse(RECORDED)

    written = dump(found)

    assert parse(written) == found
    assert '"redaction"' not in written
    assert '"sha256"' not in written


def test_an_edited_body_is_refused_by_its_sha256_as_it_was() -> None:
    body = ("interactions", 0, "response", "body", "json", "id")

    assert refusal(edited(*body, to="run_other")) == (
        "/interactions/0/response/body/sha256: the body of modifyRun-00000000 is not the one that "
        "was recorded; if you edited it on purpose, delete this member"
    )


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("salt",), "5f0c" * 8, f"/salt: {NEVER}"),
        (("incomplete",), "the disk was full", f"/incomplete: {NEVER}"),
        (("interactions", 3, "digest"), "ab", f"/interactions/3/digest: {NEVER}"),
        (("interactions", 1, "after"), [], f"/interactions/1/after: {NEVER}"),
        (("interactions", 1, "during"), [], f"/interactions/1/during: {NEVER}"),
        (("interactions", 1, "scope"), "a", f"/interactions/1/scope: {NEVER}"),
        (("interactions", 1, "failed"), "a", f"/interactions/1/failed: {NEVER}"),
        (
            ("interactions", 0, "request", "headers", 1),
            "OpenAI-Beta: assistants=v2",
            f"/interactions/0/request/headers/1: {PAIR}",
        ),
        (
            ("interactions", 0, "response", "headers", 0),
            ["X", "a", "b"],
            f"/interactions/0/response/headers/0: {PAIR}",
        ),
        (
            ("redaction",),
            ...,
            (
                "/interactions/0/request/headers/0: a header is one string, its name and its "
                "value, as in 'Content-Type: text/plain'"
            ),
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mixture_with_what_is_written_today_is_refused_with_its_place(
    path: tuple[str | int, ...], value: Any, message: str
) -> None:
    assert refusal(edited(*path, to=value)) == message


def test_it_is_checked_as_any_other() -> None:
    assert check(RECORDED, Redaction()) == ()
    found = check(edited("interactions", 1, "request", "method", to="get"), Redaction())
    assert [(item.at, item.rule) for item in found] == [
        ("/interactions/1/request/method", "format")
    ]


def test_its_journal_is_recovered() -> None:
    frames = read_frames((FIRST_BUILD / "cut.journal").read_bytes()).frames
    records = [record for frame in frames for record in parse_records(frame.payload)]

    found = recover(None, None, records)

    assert found is not None
    assert [item.value.id for item in found.interactions] == ["first", "getRun-00000001"]
    assert found.interactions[1] == parse(RECORDED).interactions[1]


def test_its_journal_goes_into_a_cassette_of_today_and_its_salt_stays() -> None:
    frames = read_frames((FIRST_BUILD / "cut.journal").read_bytes()).frames
    records = [record for frame in frames for record in parse_records(frame.payload)]
    own = an_interaction(a_request(target="/v1/models"), name="own")

    found = recover(a_cassette(own), "ab" * 32, records)

    assert found is not None
    assert found.salt == SALT
    assert {item.value.id for item in found.interactions} == {"own", "first", "getRun-00000001"}


def test_a_capture_of_a_journal_that_mixes_both_is_refused() -> None:
    capture = json.loads(RECORDED)["interactions"][0] | {"digest": "ab"}
    record = {"capture": capture, "arrival": 1, "replaces": None, "played": [], "barriers": True}

    with pytest.raises(BadDocument, match=r"^/request/headers/0: a header is one string"):
        parse_records(json.dumps([record]).encode("ascii"))


def test_a_request_in_its_form_is_read_and_a_mixture_is_not() -> None:
    document = json.loads(RECORDED)["interactions"][0]["request"]

    assert read_request(document) == Request("POST", TARGET, SENT, b'{"metadata":{"stage":"a"}}')
    document["headers"][0] = "Content-Type: application/json"
    with pytest.raises(BadDocument, match=f"^/headers/0: {PAIR}"):
        read_request(document)
