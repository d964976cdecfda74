"""Conversations of the simulator: made, read, changed by the rule of 16, 64 and 512, deleted."""

from typing import Any

import pytest

from simulating import Talk, error_of, talk


def no_beta(**settings: Any) -> Talk:
    said = talk(**settings)
    said.headers = said.headers[:1]
    return said


def test_a_conversation_lives_without_a_beta_header() -> None:
    said = no_beta()

    made = said.post("/conversations", {"metadata": {"topic": "a"}, "items": []}).json
    path = f"/conversations/{made['id']}"
    changed = said.post(path, {"metadata": {"topic": "b"}}).json
    read = said.get(path).json
    gone = said.ask("DELETE", path).json
    after = said.get(path)

    assert made["id"].startswith("conv_")
    assert list(made) == ["id", "object", "created_at", "metadata"]
    assert (made["object"], made["metadata"]) == ("conversation", {"topic": "a"})
    assert changed == read == made | {"metadata": {"topic": "b"}}
    assert gone == {"id": made["id"], "object": "conversation.deleted", "deleted": True}
    assert error_of(after)[:2] == (404, f"Conversation with id '{made['id']}' not found.")


def test_an_empty_body_makes_one_too() -> None:
    assert no_beta().ask("POST", "/conversations").json["metadata"] == {}


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "metadata", "missing_required_parameter"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        (
            {"metadata": {str(number): "" for number in range(17)}},
            "metadata",
            "object_above_max_properties",
        ),
        (
            {"metadata": {"k" * 65: ""}},
            f"metadata.{'k' * 65}",
            "property_name_above_max_length",
        ),
        ({"metadata": {"a": "v" * 513}}, "metadata.a", "string_above_max_length"),
        ({"metadata": {}, "name": "x"}, "name", "unknown_parameter"),
    ],
)
def test_its_metadata_are_held_to_their_limits(body: Any, param: str, code: str) -> None:
    said = no_beta()
    path = f"/conversations/{said.post('/conversations', {}).json['id']}"

    assert error_of(said.post(path, body))[2:] == (param, code)


def test_metadata_are_replaced_or_merged_as_it_is_told() -> None:
    changed = []
    for merges in (False, True):
        said = no_beta(merges=merges)
        made = said.post("/conversations", {"metadata": {"a": "1"}}).json
        sent = {"metadata": {"b": "2"}}
        changed.append(said.post(f"/conversations/{made['id']}", sent).json["metadata"])

    assert changed == [{"b": "2"}, {"a": "1", "b": "2"}]


def test_an_id_of_another_kind_is_refused() -> None:
    refused = no_beta().get("/conversations/thread_1")

    assert error_of(refused) == (
        400,
        "Invalid 'conversation_id': 'thread_1'. Expected an ID that begins with 'conv'.",
        "conversation_id",
        "invalid_value",
    )
