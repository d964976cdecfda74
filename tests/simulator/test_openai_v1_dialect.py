"""The simulator as OpenAI's first Assistants API."""

import json
from dataclasses import dataclass

from runreel.assistants.openai_v1 import OPENAI_V1
from runreel.assistants.validation import check_response
from runreel.simulator.server import Options
from simulating import Talk, error_of

V1 = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v1"))


@dataclass
class OldTalk(Talk):
    def __post_init__(self) -> None:
        self.headers = V1
        super().__post_init__()


def old() -> OldTalk:
    return OldTalk(Options(profile="openai_v1"))


def test_a_run_has_the_members_of_april_2024_and_no_finding() -> None:
    talk = old()
    path = talk.ended()

    said = talk.get(path)

    assert check_response(OPENAI_V1, "getRun", 200, said.body) == ()
    assert list(said.json) == [
        *("id", "object", "created_at", "assistant_id", "thread_id", "status", "started_at"),
        *("expires_at", "cancelled_at", "failed_at", "completed_at", "required_action"),
        *("last_error", "model", "instructions", "tools", "file_ids", "metadata", "temperature"),
        *("top_p", "max_completion_tokens", "max_prompt_tokens", "truncation_strategy"),
        *("incomplete_details", "usage", "response_format", "tool_choice"),
    ]
    assert (said.json["status"], said.json["file_ids"]) == ("completed", [])


def test_what_would_be_incomplete_is_completed() -> None:
    talk = old()
    path = talk.ended(metadata={"runreel.outcome": "incomplete"})
    thread = path.rpartition("/runs")[0]
    body = {"assistant_id": talk.assistant(), "stream": True}

    run = talk.get(path).json
    streamed = talk.post(f"{thread}/runs", body | {"metadata": {"runreel.outcome": "incomplete"}})

    assert (run["status"], run["incomplete_details"]["reason"]) == (
        "completed",
        "max_completion_tokens",
    )
    assert [name for name, _ in streamed.events if "incomplete" in name] == []
    assert streamed.events[-1][0] == "thread.run.completed"


def test_it_wants_its_own_version_in_the_beta_header() -> None:
    talk = old()
    talk.headers = V1[:1]

    refused = talk.post("/threads", {})

    assert error_of(refused)[1].endswith("by setting the header 'OpenAI-Beta: assistants=v1'.")
    assert error_of(refused)[3] == "invalid_beta"


def test_everything_that_is_wrong_stands_in_one_text() -> None:
    talk = old()

    refused = talk.post(talk.run(), {"metadata": 1, "extra": 2})

    assert refused.status == 400
    assert refused.message == (
        "2 validation errors for Request\nbody -> metadata\n  value is not a valid dict "
        "(type=type_error.dict)\nbody -> extra\n  extra fields not permitted "
        "(type=value_error.extra)"
    )


def test_a_number_is_taken_for_a_text() -> None:
    talk = old()

    changed = talk.post(talk.ended(), {"metadata": {"a": 1}})

    assert changed.json["metadata"] == {"a": "1"}


def test_messages_and_assistants_have_files_of_their_own() -> None:
    talk = old()

    helper = talk.post("/assistants", {"model": "m", "tools": [{"type": "retrieval"}]}).json
    said = talk.post(f"/threads/{talk.thread()}/messages", {"role": "user", "content": "x"}).json

    assert helper["tools"] == [{"type": "retrieval"}]
    assert (helper["file_ids"], said["file_ids"]) == ([], [])
    assert "attachments" not in json.dumps(said)
