"""What `explain` says of a request: always what matching itself found."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FAKE_KEY, TARGET, a_cassette, a_request, an_interaction
from near_misses import with_stage
from runreel.http.messages import Headers, Interaction, Request
from runreel.matching.matchers import MATCH_ON, MatchOn, match_on_of
from runreel.matching.near_miss import EXHAUSTED, NO_MATCH
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.explain import Effect, Explanation, Rules, explain, explanation_document
from runreel.sessions.modes import DECISIONS, Mode
from runreel.sessions.session import Session
from strategies import requests

BEARER: Headers = (("Authorization", f"Bearer {FAKE_KEY}"), ("OpenAI-Beta", "assistants=v2"))


def explained(
    sent: Request,
    *recorded: Redacted[Interaction],
    match_on: MatchOn = MATCH_ON,
    redaction: Redaction | None = None,
    candidates_max: int | None = 5,
    barriers: bool = True,
) -> Explanation:
    rules = Rules(match_on, redaction or Redaction(), barriers, decoded_bytes_max=1_000_000)
    return explain(sent, a_cassette(*recorded), rules, candidates_max)


def ranked(found: Explanation) -> list[str]:
    return [item.candidate.interaction.value.id for item in found.candidates]


def a_recording(stage: str, name: str) -> Redacted[Interaction]:
    return an_interaction(with_stage(stage), name=name)


def test_a_request_that_matches_is_served_by_the_first_of_its_recordings() -> None:
    found = explained(
        with_stage("a"), a_recording("a", "a"), a_recording("a", "a-2"), a_recording("b", "b")
    )

    assert (found.served, found.miss) == ("a", None)
    assert ranked(found) == ["a", "a-2", "b"]
    assert [len(item.differences) for item in found.candidates] == [0, 0, 1]


def test_a_request_that_does_not_match_is_a_miss_whose_nearest_ranks_first() -> None:
    found = explained(with_stage("c"), an_interaction(a_request(b"{}")), a_recording("b", "b"))

    assert found.served is None
    assert found.miss is not None
    assert (found.miss.code, found.miss.nearest) == (NO_MATCH, found.candidates[0].candidate)
    assert ranked(found) == ["modifyRun-00000000", "b"]


def test_a_read_of_another_state_is_said_to_be_exhausted_before_the_write() -> None:
    read = a_request(b"", method="GET")
    found = explained(read, a_recording("a", "write"), an_interaction(read, name="read"))

    assert found.miss is not None
    assert found.miss.code == EXHAUSTED
    assert found.miss.unmet is not None
    assert [item.interaction.value.id for item in found.miss.unmet.unplayed] == ["write"]


def test_without_barriers_it_is_served() -> None:
    read = a_request(b"", method="GET")
    recorded = (a_recording("a", "write"), an_interaction(read, name="read"))

    assert explained(read, *recorded, barriers=False).served == "read"


def test_an_empty_cassette_has_no_candidates() -> None:
    found = explained(with_stage("a"))

    assert (found.candidates, found.recordings) == ((), 0)
    assert found.miss is not None
    assert found.miss.code == NO_MATCH


def test_what_nobody_received_is_no_candidate() -> None:
    gone = an_interaction(with_stage("a"))
    gone = Redaction().interaction(with_stage("a"), replace(gone.value, client_gone=True))

    assert explained(with_stage("a"), gone).recordings == 0


@pytest.mark.parametrize(("candidates_max", "count"), [(5, 5), (1, 1), (None, 8)])
def test_no_more_candidates_are_shown_than_asked_for(
    candidates_max: int | None, count: int
) -> None:
    recorded = [a_recording(str(at), f"r{at}") for at in range(8)]

    found = explained(with_stage("x"), *recorded, candidates_max=candidates_max)

    assert (len(found.candidates), found.recordings) == (count, 8)


def test_all_candidates_are_shown_even_where_there_is_much_to_compare() -> None:
    long = [
        an_interaction(a_request(b"%d" % at + b"x" * 400_000), name=f"r{at}") for at in range(5)
    ]

    assert sorted(ranked(explained(with_stage("a"), *long))) == ["r0", "r1", "r2", "r3", "r4"]


def test_each_rule_that_ignored_something_is_named_with_the_places() -> None:
    sent = a_request(
        b'{"metadata":{"trace_id":1,"a":2},"m":[{"id":1},{"id":2},3]}',
        target=f"{TARGET}?page=1&page=2&limit=3",
    )
    match_on = match_on_of(
        query=["page", "none"], body=["/metadata/trace_id", "/m/*/id", "/m/2", "/none"]
    )

    assert explained(sent, match_on=match_on).ignored == (
        Effect("-query.page", "query", "page"),
        Effect("-body./m/*/id", "body", "/m/0/id"),
        Effect("-body./m/*/id", "body", "/m/1/id"),
        Effect("-body./m/2", "body", "/m/2"),
        Effect("-body./metadata/trace_id", "body", "/metadata/trace_id"),
    )


def test_an_ignored_item_before_others_is_named_too() -> None:
    sent = a_request(b'{"a":[1,2]}')

    assert explained(sent, match_on=match_on_of(body=["/a/0"])).ignored == (
        Effect("-body./a/0", "body", "/a/0"),
    )


@pytest.mark.parametrize(
    ("sent", "effects"),
    [
        (
            Request("GET", "/v1/x", BEARER),
            [("header.authorization", "header.authorization", "")],
        ),
        (
            Request("POST", "/v1/x", BEARER, json.dumps({"a": [FAKE_KEY]}).encode()),
            [
                ("header.authorization", "header.authorization", ""),
                ("credential", "body", "/a/0"),
            ],
        ),
        (
            Request("POST", "/v1/x", (), json.dumps({"note": f"my {FAKE_KEY}"}).encode()),
            [("pattern.openai-key", "body", "/note")],
        ),
        (
            Request("GET", f"/v1/x?api_key=abc&q={FAKE_KEY}&limit=1"),
            [
                ("query.api_key", "query", "api_key"),
                ("pattern.openai-key", "query", "q"),
            ],
        ),
        (Request("GET", f"/v1/{FAKE_KEY}/x"), [("pattern.openai-key", "path", "")]),
        (
            Request("GET", "/v1/x", (("X-Note", "Bearer " + "FaKe0" * 6),)),
            [("pattern.bearer", "header.x-note", "")],
        ),
        (Request("POST", "/v1/x", (), b'{"email":"a@b"}'), [("body./email", "body", "/email")]),
        (Request("POST", "/v1/x", (), b'{"a":1}'), []),
    ],
)
def test_each_rule_that_blanked_something_is_named_with_the_place(
    sent: Request, effects: list[tuple[str, str, str]]
) -> None:
    found = explained(sent, redaction=Redaction(body=("/email",)))

    assert [(item.rule, item.facet, item.at) for item in found.redacted] == effects


def test_a_secret_that_names_a_member_is_not_told_by_its_place() -> None:
    sent = Request("POST", "/v1/x", (), json.dumps({FAKE_KEY: {"a": 1}}).encode())

    found = explained(sent)

    assert found.redacted == (Effect("pattern.openai-key", "body", "/REDACTED"),)
    assert FAKE_KEY not in json.dumps(explanation_document(found, MATCH_ON, "default"))


def test_a_script_gets_everything_as_json() -> None:
    sent = a_request(b'{"metadata":{"stage":"b","t":1}}', headers=())
    match_on = match_on_of(body=["/metadata/t"])
    recorded = an_interaction(a_request(b'{"metadata":{"stage":"a"}}', headers=()), name="one")

    found = explanation_document(explained(sent, recorded, match_on=match_on), match_on, "mine")

    message, miss = found.pop("message"), found.pop("missed")
    assert message.startswith("No recording matches POST ")
    assert message == "\n".join((miss["message"], *miss["details"]))
    assert found == {
        "cassette": "mine",
        "match_on": [*MATCH_ON, "-body./metadata/t"],
        "request": {"method": "POST", "path": TARGET, "body": {"metadata": {"stage": "b"}}},
        "redacted": [],
        "ignored": [{"rule": "-body./metadata/t", "facet": "body", "at": "/metadata/t"}],
        "recordings": 1,
        "candidates": [
            {
                "id": "one",
                "method": "POST",
                "target": TARGET,
                "facets": [
                    *_equal("method", "path", "query"),
                    {
                        "facet": "body",
                        "equal": False,
                        "differences": [
                            {"facet": "body", "at": "/metadata/stage", "sent": "b", "recorded": "a"}
                        ],
                    },
                    *_equal("header.openai-beta"),
                ],
            }
        ],
        "served": None,
        "code": "no_matching_interaction",
    }


def _equal(*names: str) -> list[dict[str, Any]]:
    return [{"facet": name, "equal": True, "differences": []} for name in names]


@given(requests(), st.lists(requests(), max_size=4))
def test_what_is_explained_is_what_a_session_answers(sent: Request, other: list[Request]) -> None:
    recorded = [an_interaction(request, name=f"r{at}") for at, request in enumerate(other)]
    session = Session(recorded, DECISIONS[Mode.REPLAY], MATCH_ON, Redaction())

    found = explained(sent, *recorded)
    verdict = session.ask(session.arrive(), Redaction().request(sent))

    assert found.served == (verdict.hit.value.id if verdict.hit else None)
    assert found.miss == verdict.miss
    if verdict.miss and verdict.miss.code == NO_MATCH and recorded:
        assert found.candidates[0].candidate == verdict.miss.nearest
        assert found.candidates[0].differences == verdict.miss.differences
