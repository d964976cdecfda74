"""The profile `langgraph`: the metadata of threads."""

import json
from typing import Any

import pytest

from runreel.assistants.langgraph import LANGGRAPH
from runreel.assistants.validation import check_request, check_response

THREAD = {
    "thread_id": "0a1b2c3d-0000-4000-8000-000000000001",
    "created_at": "2026-03-31T13:20:00.123456+00:00",
    "updated_at": "2026-03-31T13:20:01.123456+00:00",
    "metadata": {"owner": "a", "depth": {"n": [1, None]}},
    "status": "idle",
    "config": {},
    "values": None,
    "interrupts": {},
}


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({}, []),
        ({"values": {"messages": []}, "ttl": None}, []),
        ({"status": "completed"}, [("/status", "enum")]),
        ({"metadata": None}, [("/metadata", "type")]),
        ({"updated_at": 1}, [("/updated_at", "type")]),
    ],
)
def test_a_thread_is_checked(members: Any, wrong: list[tuple[str, str]]) -> None:
    found = check_response(LANGGRAPH, "patchThread", 200, json.dumps(THREAD | members).encode())

    assert [(item.at, item.rule) for item in found] == wrong


def test_metadata_have_no_limits_and_are_any_json() -> None:
    metadata = {str(number): {"k" * 65: ["v" * 513, number]} for number in range(17)}

    assert (
        check_request(LANGGRAPH, "patchThread", json.dumps({"metadata": metadata}).encode()) == ()
    )


def test_what_is_no_object_is_refused_as_its_server_does() -> None:
    (found,) = check_request(LANGGRAPH, "patchThread", b'{"metadata": []}')

    refusal = LANGGRAPH.refuse(found)

    assert (refusal.status, list(refusal.body)) == (422, ["detail"])
    assert refusal.body["detail"] == (
        "Invalid type for 'metadata': expected a metadata object, but got an array instead."
    )
