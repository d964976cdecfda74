"""Metadata of every resource are validated alike, by what the profile knows of metadata."""

import json

import pytest

from runreel.assistants import PROFILES
from runreel.assistants.operations import OPERATIONS
from runreel.assistants.validation import check_request, forbids

NAMES_METADATA = [
    "createAssistant",
    "createConversation",
    "createMessage",
    "createRun",
    "createThread",
    "createThreadAndRun",
    "createVectorStore",
    "modifyAssistant",
    "modifyMessage",
    "modifyRun",
    "modifyThread",
    "modifyVectorStore",
    "patchThread",
    "streamRun",
    "updateChatCompletion",
    "updateConversation",
    "waitForRun",
]
TOO_LONG = {"metadata": {"note": "x" * 513}}
LIMIT = (
    "Invalid 'metadata.note': string too long. Expected a string with maximum length 512, but got "
    "a string with length 513 instead."
)


def findings(profile: str, operation: str, document: object) -> list[tuple[str, str]]:
    found = check_request(PROFILES[profile], operation, json.dumps(document).encode())
    return [(each.at, each.rule) for each in found if each.at.startswith("/metadata")]


def test_these_operations_may_name_metadata() -> None:
    assert sorted(n for n, each in OPERATIONS.items() if each.names_metadata) == NAMES_METADATA


@pytest.mark.parametrize("operation", NAMES_METADATA)
def test_openai_limits_the_metadata_of_everything(operation: str) -> None:
    many = {"metadata": {f"k{number}": "v" for number in range(17)}}
    first, *_ = (
        each
        for each in check_request(PROFILES["openai"], operation, json.dumps(TOO_LONG).encode())
        if each.at == "/metadata/note"
    )

    assert (first.rule, first.message) == ("max_length", LIMIT)
    assert findings("openai", operation, many) == [("/metadata", "max_items")]
    assert findings("openai", operation, {"metadata": {"k" * 65: "v"}}) == [
        ("/metadata/" + "k" * 65, "max_name_length")
    ]
    assert findings("openai", operation, {"metadata": {"a": 1}}) == [("/metadata/a", "type")]
    assert findings("openai", operation, {"metadata": "x"}) == [("/metadata", "type")]
    assert findings("openai", operation, {"metadata": {"a": "x" * 512}}) == []
    assert findings("openai", operation, {"metadata": None}) == []


@pytest.mark.parametrize("operation", ["modifyThread", "createMessage", "updateConversation"])
def test_other_profiles_have_their_own_limits_or_none(operation: str) -> None:
    assert findings("openai_v1", operation, TOO_LONG) == [("/metadata/note", "max_length")]
    assert findings("rubra", operation, TOO_LONG) == []
    assert findings("rubra", operation, {"metadata": {"a": {"b": 1}}}) == []
    assert findings("rubra", operation, {"metadata": "x"}) == [("/metadata", "type")]


@pytest.mark.parametrize("operation", ["createVectorStore", "modifyVectorStore", "streamRun"])
def test_what_else_is_in_a_request_without_a_model_is_let_pass(operation: str) -> None:
    openai = PROFILES["openai"]

    assert check_request(openai, operation, b'{"name":5,"metadata":{"a":"b"}}') == ()
    assert check_request(openai, operation, b"") == ()
    assert forbids(check_request(openai, operation, b'{"metadata":'))


def test_an_operation_that_names_no_metadata_is_let_pass() -> None:
    assert check_request(PROFILES["openai"], "searchThreads", json.dumps(TOO_LONG).encode()) == ()
