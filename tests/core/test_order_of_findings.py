"""Which finding of a request comes first, under the profile `openai`."""

import json

import pytest
from hypothesis import given

from runreel.assistants import PROFILES
from runreel.assistants.openai import OPENAI
from runreel.assistants.profile import Profile
from runreel.assistants.validation import check_request, forbids
from strategies import bodies, json_objects


def findings(body: object, operation: str = "createRun") -> list[tuple[str, str]]:
    found = check_request(OPENAI, operation, json.dumps(body).encode())
    return [(item.at, item.rule) for item in found]


def test_at_each_level_unknown_then_missing_then_the_others_as_sent() -> None:
    body = {
        "tools": [
            {"type": "function", "function": {"description": 5}},
            {"type": "browser"},
        ],
        "zeta": 1,
        "additional_messages": [
            {"metadata": {"b": 1, "a": 2}, "content": 5, "new": 1, "also_new": 2},
        ],
        "metadata": 5,
        "alpha": 1,
    }

    assert findings(body) == [
        ("/zeta", "unknown"),
        ("/alpha", "unknown"),
        ("/assistant_id", "missing"),
        ("/tools/0/function/name", "missing"),
        ("/tools/0/function/description", "type"),
        ("/tools/1/type", "enum"),
        ("/additional_messages/0/new", "unknown"),
        ("/additional_messages/0/also_new", "unknown"),
        ("/additional_messages/0/role", "missing"),
        ("/additional_messages/0/metadata/b", "type"),
        ("/additional_messages/0/metadata/a", "type"),
        ("/additional_messages/0/content", "type"),
        ("/metadata", "type"),
    ]


def test_what_is_wrong_with_a_list_comes_before_what_is_wrong_inside() -> None:
    pairs = {f"k{number}": 5 if number == 0 else "" for number in range(17)}

    assert findings({"assistant_id": "a", "metadata": pairs}) == [
        ("/metadata", "max_items"),
        ("/metadata/k0", "type"),
    ]


def test_members_of_an_array_come_by_number() -> None:
    outputs = [{"output": 5} for _ in range(11)]

    assert findings({"tool_outputs": outputs}, "submitToolOuputsToRun") == [
        (f"/tool_outputs/{number}/output", "type") for number in range(11)
    ]


def test_limits_that_the_real_api_did_not_enforce_are_advice_and_come_last() -> None:
    body = {"assistant_id": "a", "max_prompt_tokens": 255, "max_completion_tokens": 16, "top_p": 5}

    found = check_request(OPENAI, "createRun", json.dumps(body).encode())

    assert [(item.at, item.severity) for item in found] == [
        ("/top_p", "error"),
        ("/max_prompt_tokens", "advice"),
        ("/max_completion_tokens", "advice"),
    ]
    assert forbids(found)
    assert not forbids(found[1:])


def test_a_hundred_findings_are_enough() -> None:
    assert len(findings({f"k{number}": 1 for number in range(500)})) == 100


OPERATIONS = [
    "createRun",
    "modifyRun",
    "cancelRun",
    "submitToolOuputsToRun",
    "createThreadAndRun",
]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
class TestAnyBody:
    @given(body=bodies())
    def test_it_is_judged_and_can_be_refused(self, profile: Profile, body: bytes) -> None:
        for operation in OPERATIONS:
            found = check_request(profile, operation, body)

            assert not found or profile.refuse(*found).status in (400, 422)

    @given(body=json_objects())
    def test_an_object_is_judged_in_the_order_of_severity(
        self, profile: Profile, body: dict[str, object]
    ) -> None:
        raw = json.dumps(body | {"assistant_id": body, "tools": [body], "max_prompt_tokens": 1})

        for operation in OPERATIONS:
            found = check_request(profile, operation, raw.encode())

            severities = [item.severity for item in found]
            assert severities == sorted(severities, key=["error", "advice"].index)
            assert not found or profile.refuse(*found).body != {}
