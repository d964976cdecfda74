"""Every error that the API is known to give, with its text."""

import json
from typing import Any

import pytest

from builders import FAKE_KEY
from runreel.simulator.server import Options
from simulating import FUNCTION, HEADERS, Said, Talk, talk


def _error(said: Said) -> tuple[int, str, Any, Any]:
    error = said.json["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    return said.status, error["message"], error["param"], error["code"]


def test_a_run_that_is_under_way_is_not_updated() -> None:
    said = talk()
    path = said.run()

    queued = said.post(path, {"metadata": {}})
    said.get(path)
    running = said.post(path, {"metadata": {}})

    assert _error(queued) == (400, "Cannot update run with status 'queued'.", None, None)
    assert _error(running) == (400, "Cannot update run with status 'in_progress'.", None, None)


def test_metadata_are_looked_at_before_the_status() -> None:
    said = talk()

    refused = said.post(said.run(), {"metadata": {"modified": True}})

    assert _error(refused) == (
        400,
        "Invalid type for 'metadata.modified': expected a string, but got a boolean instead.",
        "metadata.modified",
        "invalid_type",
    )


def test_tool_outputs_are_refused_in_another_status() -> None:
    said = talk()
    path = said.run()
    said.get(path)

    refused = said.post(f"{path}/submit_tool_outputs", {"tool_outputs": []})

    text = 'Runs in status "in_progress" do not accept tool outputs.'
    assert _error(refused) == (400, text, None, None)


def test_outputs_of_all_calls_are_wanted() -> None:
    said = talk()
    path = said.ended(tools=[FUNCTION])
    (call,) = said.get(path).json["required_action"]["submit_tool_outputs"]["tool_calls"]

    refused = said.post(f"{path}/submit_tool_outputs", {"tool_outputs": []})

    text = f"Expected tool outputs for call_ids ['{call['id']}'], got []"
    assert _error(refused) == (400, text, None, None)


def test_a_finished_run_cannot_be_cancelled() -> None:
    said = talk()

    refused = said.post(f"{said.ended()}/cancel")

    assert _error(refused) == (400, "Cannot cancel run with status 'completed'.", None, None)


def test_a_run_needs_a_user_message_or_instructions() -> None:
    said = talk()
    sent = {"assistant_id": said.assistant(instructions=None)}
    thread = said.post("/threads", {}).json["id"]

    refused = [said.post(f"/threads/{thread}/runs", sent), said.post("/threads/runs", sent)]

    text = "Run creation requires a Thread with a user message or an assistant with instructions."
    assert [_error(item) for item in refused] == [(400, text, None, "invalid_thread")] * 2


def test_a_thread_with_an_active_run_takes_no_other_and_no_message() -> None:
    said = talk()
    _, _, thread, _, run = said.run().split("/")

    another = said.post(f"/threads/{thread}/runs", {"assistant_id": said.assistant()})
    message = said.post(f"/threads/{thread}/messages", {"role": "user", "content": "x"})

    assert _error(another) == (
        400,
        f"Thread {thread} already has an active run {run}.",
        None,
        None,
    )
    assert _error(message) == (
        400,
        f"Can't add messages to {thread} while a run {run} is active.",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/threads/thread_x", "No thread found with id 'thread_x'."),
        ("/threads/thread_x/runs/run_x", "No thread found with id 'thread_x'."),
        ("RUN/steps/step_123", "No run step found with id 'step_123'."),
        ("THREAD/runs/run_x", "No run found with id 'run_x'."),
        ("THREAD/messages/msg_x", "No message found with id 'msg_x'."),
        ("/assistants/asst_x", "No assistant found with id 'asst_x'."),
        ("THREAD/runs?after=run_x", "No run found with id 'run_x'."),
    ],
)
def test_what_does_not_exist_is_not_found(path: str, text: str) -> None:
    said = talk()
    run = said.run()

    refused = said.get(path.replace("RUN", run).replace("THREAD", run.rpartition("/runs")[0]))

    assert _error(refused) == (404, text, None, None)


def test_a_malformed_id_is_told_from_an_unknown_one() -> None:
    refused = talk().get("/threads/undefined/runs/run_1")

    assert _error(refused) == (
        400,
        "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        "thread_id",
        "invalid_value",
    )


def test_without_the_beta_header_there_is_no_api() -> None:
    said = Talk(headers=HEADERS[:1])

    refused = said.get("/threads/thread_x")

    assert _error(refused) == (
        400,
        (
            "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try "
            "again by setting the header 'OpenAI-Beta: assistants=v2'."
        ),
        None,
        "invalid_beta",
    )


def test_if_a_key_is_set_another_one_is_refused_and_quoted_by_its_ends_only() -> None:
    wrong = (*HEADERS, ("Authorization", f"Bearer {FAKE_KEY}"))
    said = Talk(Options(api_key="the-only-one"), headers=wrong)
    right = Talk(
        Options(api_key="the-only-one"),
        headers=(*HEADERS, ("Authorization", "Bearer the-only-one")),
    )

    refused = said.get("/assistants")

    assert _error(refused) == (
        401,
        (
            "Incorrect API key provided: sk-FaKe0***aKe0. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        ),
        None,
        "invalid_api_key",
    )
    assert refused.header("www-authenticate") == 'Bearer realm="OpenAI API"'
    assert right.get("/assistants").status == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/moderations"), ("PATCH", "/threads/runs")])
def test_a_path_that_is_none_is_told_so(method: str, path: str) -> None:
    refused = talk().ask(method, path)

    assert _error(refused) == (404, f"Invalid URL ({method} /v1{path})", None, None)


LIMITS = [
    # 16 pairs, names of 64 and values of 512 characters; characters, not bytes.
    ({"🧪" * 64: "雪" * 512}, None),
    ({f"雪{n}": "🧪" for n in range(16)}, None),
    (
        {f"雪{n}": "🧪" for n in range(17)},
        (
            "Invalid 'metadata': too many properties. Expected an object with at most 16 "
            "properties, but got an object with 17 properties instead."
        ),
    ),
    (
        {"🧪" * 65: "a"},
        (
            "Invalid property name in 'metadata': '🧪🧪🧪...🧪🧪🧪' is too long. Expected a string "
            "with maximum length 64, but got a string with length 65 instead."
        ),
    ),
    (
        {"actual": "雪" * 513},
        (
            "Invalid 'metadata.actual': string too long. Expected a string with maximum length "
            "512, but got a string with length 513 instead."
        ),
    ),
    (
        {"actual": "🧪" * 513},
        (
            "Invalid 'metadata.actual': string too long. Expected a string with maximum length "
            "512, but got a string with length 513 instead."
        ),
    ),
    ([], "Invalid type for 'metadata': expected a metadata object, but got an array instead."),
]


@pytest.mark.parametrize(("metadata", "text"), LIMITS)
@pytest.mark.parametrize("escaped", [True, False])
def test_metadata_are_limited_in_characters_wherever_they_are_sent(
    metadata: Any, text: str | None, escaped: bool
) -> None:
    said = talk()
    ended = said.ended()
    thread = ended.rpartition("/runs")[0]
    run = {"assistant_id": said.assistant()}
    places = [(ended, {}), (thread, {}), ("/threads", {}), (f"{thread}/runs", run)]

    answers = [
        said.ask(
            "POST", path, json.dumps(more | {"metadata": metadata}, ensure_ascii=escaped).encode()
        )
        for path, more in places
    ]

    if text is None:
        assert [(item.status, item.json["metadata"]) for item in answers] == [(200, metadata)] * 4
    else:
        assert [(item.status, item.message) for item in answers] == [(400, text)] * 4


def test_a_full_simulator_says_so_and_is_not_asked_again() -> None:
    said = talk(objects_max=2)
    for _ in range(2):
        said.post("/threads", {})

    refused = said.post("/threads", {})

    assert _error(refused) == (
        507,
        (
            "The simulator is full: it holds 2 objects. See the section `simulator` of the "
            "configuration, or start it anew."
        ),
        None,
        "simulator_full",
    )
    assert refused.header("x-should-retry") == "false"


def test_bytes_are_limited_too_and_a_delete_makes_room() -> None:
    said = talk(bytes_max=1000)
    long = {"metadata": {f"k{n}": "x" * 150 for n in range(5)}}
    thread = said.post("/threads", long).json["id"]

    refused = said.post("/threads", long)
    said.ask("DELETE", f"/threads/{thread}")
    taken = said.post("/threads", long)

    assert (refused.status, taken.status) == (507, 200)
