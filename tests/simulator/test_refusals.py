"""Every error that the API is known to give, with its text."""

import pytest

from builders import FAKE_KEY
from runreel.http.messages import Headers
from runreel.simulator.server import Options
from simulating import FUNCTION, HEADERS, Talk, error_of, talk


def test_a_run_that_is_under_way_is_not_updated() -> None:
    said = talk()
    path = said.run()

    queued = said.post(path, {"metadata": {}})
    said.get(path)
    running = said.post(path, {"metadata": {}})

    assert error_of(queued) == (400, "Cannot update run with status 'queued'.", None, None)
    assert error_of(running) == (400, "Cannot update run with status 'in_progress'.", None, None)


def test_metadata_are_looked_at_before_the_status() -> None:
    said = talk()

    refused = said.post(said.run(), {"metadata": {"modified": True}})

    assert error_of(refused) == (
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
    assert error_of(refused) == (400, text, None, None)


def test_outputs_of_all_calls_are_wanted() -> None:
    said = talk()
    path = said.ended(tools=[FUNCTION])
    (call,) = said.get(path).json["required_action"]["submit_tool_outputs"]["tool_calls"]

    refused = said.post(f"{path}/submit_tool_outputs", {"tool_outputs": []})

    text = f"Expected tool outputs for call_ids ['{call['id']}'], got []"
    assert error_of(refused) == (400, text, None, None)


def test_a_finished_run_cannot_be_cancelled() -> None:
    said = talk()

    refused = said.post(f"{said.ended()}/cancel")

    assert error_of(refused) == (400, "Cannot cancel run with status 'completed'.", None, None)


def test_a_run_needs_a_user_message_or_instructions() -> None:
    said = talk()
    sent = {"assistant_id": said.assistant(instructions=None)}
    thread = said.post("/threads", {}).json["id"]

    refused = [said.post(f"/threads/{thread}/runs", sent), said.post("/threads/runs", sent)]

    text = "Run creation requires a Thread with a user message or an assistant with instructions."
    assert [error_of(item) for item in refused] == [(400, text, None, "invalid_thread")] * 2


def test_a_thread_with_an_active_run_takes_no_other_and_no_message() -> None:
    said = talk()
    _, _, thread, _, run = said.run().split("/")

    another = said.post(f"/threads/{thread}/runs", {"assistant_id": said.assistant()})
    message = said.post(f"/threads/{thread}/messages", {"role": "user", "content": "x"})

    assert error_of(another) == (
        400,
        f"Thread {thread} already has an active run {run}.",
        None,
        None,
    )
    assert error_of(message) == (
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

    assert error_of(refused) == (404, text, None, None)


def test_a_malformed_id_is_told_from_an_unknown_one() -> None:
    refused = talk().get("/threads/undefined/runs/run_1")

    assert error_of(refused) == (
        400,
        "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
        "thread_id",
        "invalid_value",
    )


@pytest.mark.parametrize("beta", [(), (("OpenAI-Beta", "assistants=v1"),)])
def test_without_the_beta_header_of_this_version_there_is_no_api(beta: Headers) -> None:
    said = Talk(headers=HEADERS[:1] + beta)

    refused = said.get("/threads/thread_x")

    assert error_of(refused) == (
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

    assert error_of(refused) == (
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

    assert error_of(refused) == (404, f"Invalid URL ({method} /v1{path})", None, None)


def test_a_full_simulator_says_so_and_is_not_asked_again() -> None:
    said = talk(objects_max=2)
    for _ in range(2):
        said.post("/threads", {})

    refused = said.post("/threads", {})

    assert error_of(refused) == (
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


def _full() -> Talk:
    """A world with room for ten objects: an assistant, a thread with a message, seven more."""
    said = talk(objects_max=10)
    said.assistant()
    said.thread()
    return said


def _held(said: Talk) -> int:
    """How many more threads fit in, which are deleted again."""
    made = []
    while (answer := said.post("/threads", {})).status == 200:
        made.append(answer.json["id"])
    for thread in made:
        said.ask("DELETE", f"/threads/{thread}")
    return len(made)


MANY = [{"role": "user", "content": str(n)} for n in range(12)]


def test_what_did_not_fit_in_as_a_whole_left_no_part_behind() -> None:
    said = _full()
    thread = said.thread()
    assistant = said.get("/assistants").json["data"][0]["id"]
    run = {"assistant_id": assistant, "instructions": "x"}

    answers = [
        said.post("/threads", {"messages": MANY}),
        said.post("/threads/runs", run | {"thread": {"messages": MANY}}),
        said.post(f"/threads/{thread}/runs", run | {"additional_messages": MANY}),
    ]

    assert [item.status for item in answers] == [507] * 3
    assert len(said.get(f"/threads/{thread}/messages").json["data"]) == 1
    assert said.get(f"/threads/{thread}/runs").json["data"] == []
    assert _held(said) == 5


def test_a_streamed_run_that_had_no_room_to_end_in_leaves_its_thread_as_it_was() -> None:
    said = talk(objects_max=5)
    assistant, thread = said.assistant(), said.thread()
    run = {"assistant_id": assistant, "stream": True}
    said.post("/assistants", {"model": "m"})

    streamed = said.post(f"/threads/{thread}/runs", run)  # its message would be the sixth

    assert streamed.status == 507
    assert said.get(f"/threads/{thread}/runs").json["data"] == []
    assert len(said.get(f"/threads/{thread}/messages").json["data"]) == 1


def test_a_script_waits_on_when_its_run_did_not_fit_in() -> None:
    said = talk(objects_max=3)
    assistant, thread = said.assistant(), said.thread()
    said.post("/_simulator/next_run", {"outcome": "failed"})
    refused = said.post(f"/threads/{thread}/runs", {"assistant_id": assistant})

    waiting = said.post("/_simulator/next_run", {"outcome": "failed"})

    assert (refused.status, waiting.json["waiting"]) == (507, 2)


def test_a_thread_is_deleted_even_when_its_runs_have_no_room_to_go_on() -> None:
    said = talk(objects_max=4, status_s=1.0)
    path = said.run()
    thread = path.rpartition("/runs")[0]
    said.clock.seconds += 10
    stuck = said.get(path)

    deleted = said.ask("DELETE", thread)

    assert (stuck.status, deleted.status) == (507, 200)
