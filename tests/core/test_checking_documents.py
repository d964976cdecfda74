"""`check` names everything in a document that no cassette may hold, and what validation said."""

import json
from dataclasses import replace
from typing import Any

import pytest

from builders import FAKE_KEY, a_cassette, a_response, an_interaction
from leaks import leaks
from planting import a_document
from runreel.cassettes.check import Finding, check
from runreel.cassettes.format import dump
from runreel.http.messages import Violation
from runreel.redaction.redactor import Redaction


def _findings(document: Any) -> tuple[Finding, ...]:
    return check(json.dumps(document), Redaction())


def _edited(**changes: Any) -> dict[str, Any]:
    return a_document() | changes


def test_an_edited_interaction_is_a_finding_and_the_rest_is_still_checked() -> None:
    document = a_document()
    first = document["interactions"][0]
    first["digest"] = "0" * 64
    first["response"]["body"]["json"]["id"] = FAKE_KEY
    document["interactions"][1]["response"]["status"] = 99

    found = _findings(document)

    assert [(item.at, item.id, item.rule) for item in found] == [
        ("/interactions/0/digest", "json", "digest"),
        ("/interactions/0/response/body/json/id", "json", "openai-key"),
        ("/interactions/1/response/status", "text", "format"),
    ]
    assert "delete this member" in found[0].message


@pytest.mark.parametrize(
    ("changes", "at", "message"),
    [
        ({"format": 2}, "/format", "format 2 is not known here, only 1"),
        ({"profile": 1}, "/profile", "a string must be here"),
        ({"extra": 1}, "/extra", "unknown member; this version reads format 1 only"),
        ({"interactions": {}}, "/interactions", "an array must be here"),
        ({"interactions": [1]}, "/interactions/0", "an object must be here"),
        ({"interactions": [{"id": []}]}, "/interactions/0/id", "a string must be here"),
        ({"match_on": ["sk"]}, "/match_on", "unknown matcher 'sk'; known are"),
    ],
)
def test_what_no_cassette_may_hold_is_a_finding_at_its_place(
    changes: dict[str, Any], at: str, message: str
) -> None:
    (found,) = _findings(_edited(**changes))

    assert (found.at, found.id, found.rule) == (at, None, "format")
    assert found.message.startswith(message)


def test_a_message_that_would_tell_a_secret_tells_only_how_it_begins() -> None:
    found = _findings(_edited(format=FAKE_KEY))

    assert [(item.rule, item.message) for item in found] == [
        ("openai-key", "looks like a secret: sk-…"),
        ("format", "for…"),
    ]


def test_an_id_that_stands_twice_is_a_finding() -> None:
    document = a_document()
    document["interactions"][1]["id"] = "json"

    assert _findings(document) == (
        Finding("/interactions/1/id", "json", "format", "this id stands twice"),
    )


def test_recorded_errors_of_validation_are_findings_and_advice_is_not() -> None:
    violations = (
        Violation("/metadata", "type", "error", "must be an object"),
        Violation("/model", "missing", "advice", "field required"),
        Violation("", "json", "error", "not JSON"),
    )
    item = an_interaction()
    clean = Redaction().interaction(item.value.request, replace(item.value, violations=violations))

    assert check(dump(a_cassette(clean)), Redaction()) == (
        Finding(
            "/interactions/0/violations/0",
            "modifyRun-00000000",
            "violation.type",
            "/metadata: must be an object",
        ),
        Finding(
            "/interactions/0/violations/2",
            "modifyRun-00000000",
            "violation.json",
            "the body: not JSON",
        ),
    )


@pytest.mark.parametrize(("status", "count"), [(200, 1), (399, 1), (400, 0), (422, 0)])
def test_what_the_api_refused_itself_is_no_finding(status: int, count: int) -> None:
    violation = Violation("/metadata", "type", "error", "must be an object")
    item = an_interaction(response=a_response(status=status))
    said = Redaction().interaction(item.value.request, replace(item.value, violations=(violation,)))

    assert len(check(dump(a_cassette(said)), Redaction())) == count


def test_a_violation_that_holds_a_key_does_not_tell_it() -> None:
    document = a_document()
    document["interactions"][0]["violations"] = [
        {"at": f"/{FAKE_KEY}", "rule": FAKE_KEY, "severity": "error", "message": FAKE_KEY}
    ]

    found = _findings(document)

    assert [(item.at, item.rule, item.message) for item in found][3:] == [
        ("/interactions/0/violations/0", "violation.sk-…", "/sk-…: sk-…")
    ]
    assert not leaks(FAKE_KEY, repr(found).encode())
