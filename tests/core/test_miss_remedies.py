"""What a miss says to do: which lines ignore what varies, which base path, which command."""

from typing import Any

import pytest

from builders import a_request
from near_misses import PLACE, a_candidate, a_miss, told
from runreel.matching.matchers import MATCH_ON, match_on_of
from runreel.matching.near_miss import UPSTREAM, Missed, Origin, Rerun, _variable

WHAT = "What looks like an id is ignored with this in runreel.toml:"


def body(text: str) -> Any:
    return a_request(text.encode(), target="/v1/threads?b=1")


def config_lines(sent: str, recorded: str, match_on: tuple[str, ...] = MATCH_ON) -> list[str]:
    request = body(sent)
    missed = told(a_miss(request, a_candidate(body(recorded))), request)
    origin = Origin(match_on=match_on)
    lines = Missed(missed.miss, missed.request, "default", origin=origin).details()
    return [*lines[next((at for at, line in enumerate(lines) if line.startswith("What")), 99) :]]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("run_abc123", "an id"),
        ("7d0f3c52-4b1e-4c36-9d5e-2f1a0b9c8d71", "an id"),
        ("2026-03-31T10:15:02Z", "a time"),
        (1_774_952_102, "a time"),
        ("1774952102", "a time"),
        (1_774_952_102.25, "a time"),
        ("9f86d081", "a random value"),
        (0.7394857201, "a random value"),
        ("rT4k+9vQ2mX7/bN1", "a random value"),
        ("recorded", None),
        ("in_progress", None),
        ("user-feedback", None),
        ("gpt-4o-mini", None),
        ("a" * 500, None),
        ("1" * 300, None),
        (1, None),
        (0.5, None),
        (True, None),
        (None, None),
        ({"id": "run_abc123"}, None),
    ],
)
def test_ids_times_and_random_values_are_known_by_their_looks(value: Any, kind: str | None) -> None:
    assert _variable(value) == kind


def test_what_varies_is_ignored_by_lines_that_keep_the_rules_there_are() -> None:
    rules = match_on_of(headers=["x-team"], query=["trace"], body=["/a"])

    assert config_lines('{"id":"run_abc1234"}', '{"id":"run_abc9999"}', rules) == [
        WHAT,
        "  [match]",
        '  headers = ["x-team"]',
        '  ignore_query = ["trace"]',
        '  ignore_body = ["/a", "/id"]',
    ]


def test_places_that_differ_in_the_number_of_an_item_are_one_rule() -> None:
    items = '{"items":[{"id":"msg_aaaaa%d"},{"id":"msg_bbbbb%d"}]}'

    assert config_lines(items % (1, 2), items % (3, 4)) == [
        WHAT,
        "  [match]",
        '  ignore_body = ["/items/*/id"]',
    ]


def test_no_line_ignores_what_a_program_means_to_say() -> None:
    assert config_lines('{"stage":"b"}', '{"stage":"a"}') == []
    assert config_lines('{"a":"run_abc123"}', '{"a":"a word"}') == []
    assert config_lines('{"*":"run_abc123"}', '{"*":"run_abc124"}') == []


@pytest.mark.parametrize(
    ("sent", "recorded", "told_bases", "remedy"),
    [
        ("/v1/v1/threads/t", "/v1/threads/t", "sent /v1/v1, recorded /v1", "/v1"),
        ("/threads/t", "/v1/threads/t", "sent empty, recorded /v1", "/v1"),
        ("/v1/threads/t", "/threads/t", "sent /v1, recorded empty", "empty"),
        ("/openai/threads/t2", "/v1/threads/t", "sent /openai, recorded /v1", "/v1"),
    ],
)
def test_a_wrong_base_path_is_said_to_be_one(
    sent: str, recorded: str, told_bases: str, remedy: str
) -> None:
    request = a_request(target=sent)
    near = a_candidate(a_request(target=recorded), "near")
    others = [a_candidate(a_request(target=f"/v1/files/{at}"), "far") for at in "tu"]

    missed = told(a_miss(request, *others, near), request)

    assert f": the base path is wrong: {told_bases}" in missed.sentence()
    assert missed.sentence().endswith("nearest in cassette 'default' is near.")
    assert missed.remedy() == f"Give the client a base URL whose path is {remedy}."


@pytest.mark.parametrize("sent", ["/v1/files", "/v1/chat/completions", "/v2", "/other/v1"])
def test_another_path_is_no_wrong_base_path(sent: str) -> None:
    request = a_request(target=sent)

    missed = told(a_miss(request, a_candidate(a_request(target="/v1/threads"))), request)

    assert ": path: sent " in missed.sentence()
    assert missed.remedy() == PLACE.how_to_record()


@pytest.mark.parametrize(
    ("upstream", "line"),
    [
        ("http://127.0.0.1:8000", "Do: x --upstream=http://127.0.0.1:8000"),
        (None, "Do (from the simulator, or give the URL of an API): x --upstream=simulator"),
        ("https://h/REDACTED/v", "Do: x --upstream=URL"),
        (
            "https://api.openai.com",
            (
                "Do (OpenAI switched its API off on 2026-08-26; another upstream needs a cassette "
                "of another name): x --upstream=https://api.openai.com"
            ),
        ),
    ],
)
def test_a_remedy_names_the_upstream_of_the_cassette(upstream: str | None, line: str) -> None:
    assert Rerun(("x", f"--upstream={UPSTREAM}"), "Do").told(upstream) == line
