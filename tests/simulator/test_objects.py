"""Assistants, threads and messages: as far as runs need them."""

import pytest

from simulating import FUNCTION, talk


def test_metadata_are_replaced_or_merged_as_it_was_configured() -> None:
    after = {}
    for merges in (False, True):
        said = talk(merges=merges)
        path = said.ended(metadata={"a": "1", "b": "1"})
        said.post(path, {})
        changed = said.post(path, {"metadata": {"b": "2"}}).json["metadata"]
        kept = said.get(path).json["metadata"]
        cleared = said.post(path, {"metadata": None}).json["metadata"]
        after[merges] = (changed, kept, cleared)

    assert after[False] == ({"b": "2"}, {"b": "2"}, {})
    assert after[True] == (*[{"a": "1", "b": "2"}] * 3,)


def test_an_assistant_is_made_changed_listed_and_deleted() -> None:
    said = talk()
    name = said.assistant(name="Tutor")

    changed = said.post(f"/assistants/{name}", {"name": "Coach", "metadata": {"a": "b"}}).json
    listed = said.get("/assistants").json["data"]
    deleted = said.ask("DELETE", f"/assistants/{name}").json
    gone = said.get(f"/assistants/{name}")

    assert (changed["name"], changed["metadata"], changed["model"]) == (
        "Coach",
        {"a": "b"},
        "gpt-4o",
    )
    assert [item["id"] for item in listed] == [name]
    assert deleted == {"id": name, "object": "assistant.deleted", "deleted": True}
    assert gone.status == 404


def test_a_deleted_thread_takes_its_runs_with_it() -> None:
    said = talk()
    path = said.ended()
    thread = path.rpartition("/runs")[0]

    deleted = said.ask("DELETE", thread).json

    assert deleted["object"] == "thread.deleted"
    assert said.get(path).status == 404


def test_messages_can_be_listed_by_run_changed_and_deleted() -> None:
    said = talk()
    path = said.ended()
    _, _, thread, _, run = path.split("/")
    messages = f"/threads/{thread}/messages"

    (written,) = said.get(f"{messages}?run_id={run}").json["data"]
    place = f"{messages}/{written['id']}"
    changed = said.post(place, {"metadata": {"a": "b"}}).json
    deleted = said.ask("DELETE", place).json

    assert written["role"] == "assistant"
    assert changed["metadata"] == {"a": "b"}
    assert deleted["object"] == "thread.message.deleted"
    assert said.get(place).status == 404


@pytest.mark.parametrize("name", ["runs", "a%2Fb", "%C3%BC x", "thread_id"])
def test_a_lenient_simulator_knows_every_thread_and_run_whatever_they_are_called(name: str) -> None:
    said = talk(lenient=True)
    path = f"/threads/{name}/runs/{name}"

    got, changed = said.get(path), said.post(path, {"metadata": {"a": "b"}})
    again = said.get(path)

    assert got.json["id"] == name.replace("%2F", "/").replace("%C3%BC", "ü")
    assert changed.json["metadata"] == again.json["metadata"] == {"a": "b"}


def test_a_lenient_simulator_refuses_nothing_for_a_state() -> None:
    said = talk(lenient=True)
    path = "/threads/t/runs/r"
    outputs = {"tool_outputs": [{"tool_call_id": "any", "output": "x"}]}

    statuses = [
        said.post("/threads/t/runs", {"assistant_id": "a"}).status,
        said.post("/threads/t/runs", {"assistant_id": "a"}).status,
        said.post("/threads/t/messages", {"role": "user", "content": "x"}).status,
        said.post(f"{path}/submit_tool_outputs", outputs).status,
        said.post(f"{path}/cancel").status,
        said.post(f"{path}/cancel").status,
        said.get(f"{path}/steps/any").status,
        said.get("/threads/t/runs?after=any&limit=0").status,
    ]

    assert statuses == [200] * 8


def test_a_lenient_simulator_still_looks_at_bodies() -> None:
    refused = talk(lenient=True).post("/threads/t/runs/r", {"metadata": {"a": 1}})

    assert refused.message == (
        "Invalid type for 'metadata.a': expected a string, but got an integer instead."
    )


def test_a_lenient_simulator_keeps_apart_what_has_the_same_id() -> None:
    said = talk(lenient=True)
    for path in ("/threads/x/messages/x", "/threads/x/messages/y", "/threads/x/runs/x"):
        said.get(path)
    for _ in range(3):
        said.get("/threads/other/runs/x")

    of_x, of_other = (
        said.get(f"/threads/{name}/runs/x/steps").json["data"] for name in ("x", "other")
    )
    gone = said.ask("DELETE", "/threads/x/messages/x").status
    messages = said.get("/threads/x/messages").json["data"]
    runs = said.get("/threads/x/runs").json["data"]
    deleted = said.ask("DELETE", "/threads/x").status
    left = said.get("/threads/other/runs/x/steps").json["data"]

    assert (of_x, [step["thread_id"] for step in of_other]) == ([], ["other"])
    assert (gone, deleted) == (200, 200)
    assert [item["id"] for item in messages] == ["y"]
    assert [item["id"] for item in runs] == ["x"]
    assert left == of_other


def test_an_assistants_members_that_are_set_to_null_have_their_defaults_again() -> None:
    said = talk()
    name = said.assistant(tools=[FUNCTION], temperature=0.5, response_format={"type": "text"})
    nulls = ("tools", "temperature", "top_p", "tool_resources", "response_format", "metadata")

    changed = said.post(f"/assistants/{name}", dict.fromkeys(nulls)).json
    started = said.post(f"/threads/{said.thread()}/runs", {"assistant_id": name})
    refused = said.post(f"/assistants/{name}", {"model": None})

    assert {member: changed[member] for member in nulls} == {
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "tool_resources": {},
        "response_format": "auto",
        "metadata": {},
    }
    assert (started.status, started.json["model"]) == (200, "gpt-4o")
    assert refused.message == ("Invalid type for 'model': expected a string, but got null instead.")
