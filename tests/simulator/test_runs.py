"""A run from its creation to its end, step by step."""

import json
from typing import Any

import pytest

from runreel.simulator.server import Options
from simulating import FUNCTION, Talk, talk


def _status(said: Talk, path: str, polls: int) -> list[str]:
    return [said.get(path).json["status"] for _ in range(polls)]


def test_a_run_goes_on_by_one_status_whenever_it_is_asked_for_and_stays_at_its_end() -> None:
    said = talk()

    path = said.run()

    assert _status(said, path, 3) == ["in_progress", "completed", "completed"]


def test_a_completed_run_has_its_times_its_usage_its_step_and_its_message() -> None:
    said = talk()
    path = said.ended(metadata={"runreel.text": "It is warm."})

    run = said.get(path).json
    (step,) = said.get(f"{path}/steps").json["data"]
    thread = run["thread_id"]
    message = said.get(f"/threads/{thread}/messages?limit=1").json["data"][0]

    assert (run["created_at"], run["started_at"], run["completed_at"], run["expires_at"]) == (
        *(1774963203, 1774963204, 1774963205, None),
    )
    # "Be brief." and "How warm is it?" in, "It is warm." out.
    assert run["usage"] == {
        "prompt_tokens": 6,
        "completion_tokens": 3,
        "total_tokens": 9,
        "prompt_token_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    assert step["status"] == "completed"
    assert step["step_details"] == {
        "type": "message_creation",
        "message_creation": {"message_id": message["id"]},
    }
    assert message["run_id"] == run["id"]
    assert message["content"] == [
        {"type": "text", "text": {"value": "It is warm.", "annotations": []}}
    ]


def test_a_run_with_a_function_calls_it_once_with_arguments_of_its_shape_and_then_ends() -> None:
    said = talk()
    path = said.run(tools=[FUNCTION])

    before = _status(said, path, 3)
    waiting = said.get(path).json
    (call,) = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
    outputs = [{"tool_call_id": call["id"], "output": "22 degrees"}]
    submitted = said.post(f"{path}/submit_tool_outputs", {"tool_outputs": outputs}).json
    after = _status(said, path, 2)
    steps = said.get(f"{path}/steps?order=asc").json["data"]

    assert before == ["in_progress", "requires_action", "requires_action"]
    assert call["function"] == {"name": "look_up", "arguments": '{"city":"text","days":1}'}
    assert (submitted["status"], submitted["required_action"]) == ("queued", None)
    assert after == ["in_progress", "completed"]
    assert [step["type"] for step in steps] == ["tool_calls", "message_creation"]
    assert steps[0]["step_details"]["tool_calls"][0]["function"]["output"] == "22 degrees"


def test_a_choice_that_there_is_no_function_for_calls_nothing() -> None:
    said = talk()

    path = said.run(tools=[], tool_choice="required")

    assert _status(said, path, 2) == ["in_progress", "completed"]


@pytest.mark.parametrize("choice", ["none", {"type": "function", "function": {"name": "other"}}])
def test_a_function_that_may_not_be_called_is_not(choice: Any) -> None:
    said = talk()

    path = said.run(tools=[FUNCTION], tool_choice=choice)

    assert _status(said, path, 2) == ["in_progress", "completed"]


@pytest.mark.parametrize(
    ("outcome", "members"),
    [
        (
            "failed",
            {
                "last_error": {"code": "server_error", "message": "Sorry, something went wrong."},
                "failed_at": 1774963205,
                "completed_at": None,
                "expires_at": None,
            },
        ),
        ("expired", {"expires_at": 1774963803}),
        ("incomplete", {"incomplete_details": {"reason": "max_completion_tokens"}}),
        ("completed", {"completed_at": 1774963205}),
    ],
)
def test_metadata_say_how_a_run_ends(outcome: str, members: dict[str, Any]) -> None:
    said = talk()

    path = said.ended(metadata={"runreel.outcome": outcome})

    run = said.get(path).json
    assert run["status"] == outcome
    assert {name: run[name] for name in members} == members


def test_metadata_say_which_functions_are_called() -> None:
    said = talk()
    calls = [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": "{}"}]

    path = said.ended(metadata={"runreel.tool_calls": json.dumps(calls)})

    run = said.get(path).json
    called = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert run["status"] == "requires_action"
    assert [call["function"] for call in called] == [
        {"name": "f", "arguments": '{"a":1}'},
        {"name": "g", "arguments": "{}"},
    ]


def test_an_admin_call_says_how_the_next_run_goes_and_only_that_one() -> None:
    said = talk()

    kept = said.post("/_simulator/next_run", {"outcome": "failed"})

    paths = [said.ended(), said.ended()]
    assert kept.json == {"object": "runreel.script", "waiting": 1}
    assert [said.get(path).json["status"] for path in paths] == ["failed", "completed"]


@pytest.mark.parametrize(
    ("metadata", "message", "param"),
    [
        (
            {"runreel.outcome": "exploded"},
            (
                "Invalid value: 'exploded'. Supported values are: 'completed', 'failed', "
                "'expired', 'incomplete', 'requires_action'."
            ),
            "metadata.runreel.outcome",
        ),
        (
            {"runreel.tool_calls": "f()"},
            "Invalid value: 'f()'. Supported values are: a JSON array.",
            "metadata.runreel.tool_calls",
        ),
        (
            {"runreel.tool_calls": '["f"]'},
            (
                "Invalid value: '[\"f\"]'. Supported values are: an array of "
                '{"name": …, "arguments": …}.'
            ),
            "metadata.runreel.tool_calls",
        ),
    ],
)
def test_a_script_that_cannot_be_is_refused(
    metadata: dict[str, str], message: str, param: str
) -> None:
    said = talk()
    sent = {"assistant_id": said.assistant(), "metadata": metadata}

    refused = said.post(f"/threads/{said.thread()}/runs", sent)

    error = refused.json["error"]
    assert (refused.status, error["message"], error["param"]) == (400, message, param)


def test_a_cancelled_run_is_cancelling_first_and_its_open_step_is_cancelled_with_it() -> None:
    said = talk()
    path = said.ended(tools=[FUNCTION])

    cancelling = said.post(f"{path}/cancel").json
    cancelled = said.get(path).json
    (step,) = said.get(f"{path}/steps").json["data"]

    assert (cancelling["status"], cancelling["required_action"]) == ("cancelling", None)
    assert (cancelled["status"], cancelled["cancelled_at"]) == ("cancelled", 1774963207)
    assert (step["status"], step["cancelled_at"]) == ("cancelled", 1774963207)
    assert cancelled["expires_at"] is None


def test_pollers_are_told_not_to_wait_unless_time_moves_runs() -> None:
    by_polls, by_time = talk(), talk(status_s=1.0)

    polled = by_polls.get(by_polls.run()).reply.headers
    waited = by_time.get(by_time.run()).reply.headers

    assert ("openai-poll-after-ms", "1") in polled
    assert "openai-poll-after-ms" not in dict(waited)


def test_by_time_each_status_lasts_as_long_as_it_was_told_whoever_asks() -> None:
    said = talk(status_s=2.0)
    path = said.run()

    seen = []
    for _ in range(5):
        seen.append(said.get(path).json["status"])
        said.clock.seconds += 1.0

    run = said.get(path).json
    assert seen == ["queued", "queued", "in_progress", "in_progress", "completed"]
    assert (run["started_at"], run["completed_at"]) == (1800000002, 1800000004)


def test_by_time_a_run_ends_no_later_than_it_expires_however_long_a_status_may_last() -> None:
    said = talk(status_s=300.0)  # the most that the configuration takes
    path = said.run()
    expires = said.get(path).json["expires_at"]

    said.clock.seconds += 600.0
    run = said.get(path).json

    assert (run["status"], run["completed_at"]) == ("completed", expires)


def test_by_time_a_run_that_waits_for_outputs_expires_after_ten_minutes() -> None:
    said = talk(status_s=1.0)
    path = said.run(tools=[FUNCTION])

    said.clock.seconds += 599.0
    before = said.get(path).json["status"]
    said.clock.seconds += 1.0
    after = said.get(path).json["status"]

    assert (before, after) == ("requires_action", "expired")


def test_additional_messages_and_instructions_count() -> None:
    said = talk()
    thread = said.post("/threads", {}).json["id"]
    added = [{"role": "user", "content": "Quick!"}]

    path = said.run(thread, additional_messages=added, additional_instructions="In French.")

    messages = said.get(f"/threads/{thread}/messages").json["data"]
    assert said.get(path).json["instructions"] == "Be brief.\n\nIn French."
    assert [item["content"][0]["text"]["value"] for item in messages] == ["Quick!"]


def test_two_runs_of_the_same_script_give_equal_bytes_and_another_seed_gives_other_ids() -> None:
    def script(said: Talk) -> list[bytes]:
        path = said.ended(tools=[FUNCTION])
        return [said.get(path).body, said.get(f"{path}/steps").body, said.get("/assistants").body]

    first, second = script(talk()), script(talk())

    assert first == second
    assert script(Talk(Options(seed=1))) != first
