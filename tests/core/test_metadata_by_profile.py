"""Whatever carries metadata: each profile holds a change of them to the rule of its server."""

import json
from typing import Any

import pytest

from runreel.assistants import PROFILES
from runreel.assistants.validation import check_request

LIMITED = {  # profile -> operations with at most 16 pairs, 64 and 512 characters
    "openai": (
        *("modifyRun", "modifyThread", "modifyMessage", "modifyAssistant", "modifyVectorStore"),
        *("patchThread", "updateConversation"),
    ),
    "openai_v1": ("modifyRun", "modifyThread", "modifyMessage", "modifyAssistant", "patchThread"),
    "azure_agents": (
        *("modifyRun", "modifyThread", "modifyMessage", "modifyAssistant", "modifyVectorStore"),
        "patchThread",
    ),
}
FREE = {
    "dashscope": ("modifyRun", "modifyThread", "modifyMessage", "modifyAssistant", "patchThread"),
    "langgraph": ("patchThread",),
    "rubra": ("modifyRun", "modifyMessage", "modifyAssistant"),
}
TOO_MUCH: dict[str, tuple[Any, str, str]] = {
    "17 pairs": ({str(number): "" for number in range(17)}, "/metadata", "max_items"),
    "65 characters": ({"k" * 65: ""}, f"/metadata/{'k' * 65}", "max_name_length"),
    "513 characters": ({"a": "雪" * 513}, "/metadata/a", "max_length"),
}
ENOUGH = {str(number).rjust(64): "雪" * 512 for number in range(16)}


def found(profile: str, operation: str, metadata: Any) -> list[tuple[str, str]]:
    body = json.dumps({"metadata": metadata}).encode()
    findings = check_request(PROFILES[profile], operation, body, "application/json")
    return [(item.at, item.rule) for item in findings]


def _each(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(profile, operation) for profile, some in table.items() for operation in some]


@pytest.mark.parametrize(("profile", "operation"), _each(LIMITED))
@pytest.mark.parametrize("case", TOO_MUCH)
def test_too_much_is_found(profile: str, operation: str, case: str) -> None:
    metadata, at, rule = TOO_MUCH[case]

    assert found(profile, operation, metadata) == [(at, rule)]


@pytest.mark.parametrize(("profile", "operation"), _each(LIMITED))
def test_what_just_fits_is_no_finding(profile: str, operation: str) -> None:
    assert found(profile, operation, ENOUGH) == []
    assert found(profile, operation, {}) == []
    assert found(profile, operation, None) == []


@pytest.mark.parametrize(("profile", "operation"), _each(FREE))
def test_where_there_is_no_limit_nothing_is_too_much(profile: str, operation: str) -> None:
    for metadata, _, _ in TOO_MUCH.values():
        assert found(profile, operation, metadata) == []
    assert found(profile, operation, {"n": [1, None]}) == []


@pytest.mark.parametrize(("profile", "operation"), _each(LIMITED | FREE))
def test_metadata_that_are_no_object_are_found_everywhere(profile: str, operation: str) -> None:
    assert [rule for _, rule in found(profile, operation, "x")] == ["type"]
