"""rubra's dialect, row by row as its real server answered."""

import json
from typing import Any

import pytest

from runreel.assistants.rubra import RUBRA
from runreel.assistants.validation import check_response
from runreel.http.messages import Request
from runreel.simulator.server import Options, Reply, Simulator
from simulating import HeldClock

JSON = (("content-type", "application/json"),)


class Rubra:
    def __init__(self) -> None:
        self.simulator = Simulator(Options(profile="rubra"), HeldClock())

    def ask(self, method: str, path: str, body: bytes = b"", headers: Any = JSON) -> Reply:
        return self.simulator.answer(Request(method, path, headers, body))

    def run(self, **members: Any) -> str:
        """The path of a new run."""
        helper = self.made("/assistants", {"model": "m"})["id"]
        thread = self.made("/threads", {})["id"]
        run = self.made(f"/threads/{thread}/runs", {"assistant_id": helper} | members)
        return f"/threads/{thread}/runs/{run['id']}"

    def made(self, path: str, body: Any) -> Any:
        reply = self.ask("POST", path, json.dumps(body).encode())
        assert reply.status == 200, reply.pieces
        return json.loads(reply.pieces[0])


def test_a_run_has_rubras_members_and_ids_in_compact_json() -> None:
    rubra = Rubra()
    path = rubra.run(metadata={"a": 1})

    reply = rubra.ask("GET", path)

    run = json.loads(reply.pieces[0])
    assert list(run) == [
        *("_id", "id", "object", "created_at", "thread_id", "assistant_id", "status"),
        *("required_action", "last_error", "expires_at", "started_at", "cancelled_at"),
        *("failed_at", "completed_at", "model", "instructions", "tools", "file_ids", "metadata"),
    ]
    assert reply.pieces[0].startswith(b'{"_id":"')
    assert len(run["id"]) == len("run_") + 6
    assert run["metadata"] == {"a": 1}
    assert check_response(RUBRA, "getRun", 200, reply.pieces[0]) == ()


@pytest.mark.parametrize(
    ("body", "metadata"),
    [
        (
            b'{"metadata":{"b":"2","n":5,"o":{"x":[1,2.5,null]}}}',
            {"a": "1", "b": "2", "n": 5, "o": {"x": [1, 2.5, None]}},
        ),
        (b"{}", {"a": "1"}),
        (b'{"metadata":null}', {"a": "1"}),
        (b"[]", {"a": "1"}),
    ],
)
def test_metadata_of_any_json_are_merged(body: bytes, metadata: Any) -> None:
    rubra = Rubra()
    path = rubra.run(metadata={"a": "1"})

    reply = rubra.ask("POST", path, body)

    assert (reply.status, json.loads(reply.pieces[0])["metadata"]) == (200, metadata)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            b'{"metadata":"str"}',
            {
                "loc": ["body", "metadata"],
                "msg": "value is not a valid dict",
                "type": "type_error.dict",
            },
        ),
        (
            b'{"extra":1}',
            {
                "loc": ["body", "extra"],
                "msg": "extra fields not permitted",
                "type": "value_error.extra",
            },
        ),
        (b"", {"loc": ["body"], "msg": "field required", "type": "value_error.missing"}),
    ],
)
def test_a_wrong_body_is_listed(body: bytes, detail: Any) -> None:
    rubra = Rubra()

    reply = rubra.ask("POST", rubra.run(), body)

    assert (reply.status, json.loads(reply.pieces[0])) == (422, {"detail": [detail]})


@pytest.mark.parametrize(
    ("method", "path", "status", "body", "header"),
    [
        ("GET", "RUN/../nope", 404, {"detail": "Not Found"}, None),
        ("POST", "/v1RUN", 404, {"detail": "Not Found"}, None),
        ("POST", "RUN/cancel", 404, {"detail": "Not Found"}, None),
        ("POST", "RUN/submit_tool_outputs", 404, {"detail": "Not Found"}, None),
        ("GET", "RUNS", 405, {"detail": "Method Not Allowed"}, ("allow", "POST")),
        ("PATCH", "RUN", 405, {"detail": "Method Not Allowed"}, ("allow", "GET")),
        ("POST", "RUN/", 307, None, ("location", "RUN")),
    ],
)
def test_other_paths_and_methods(
    method: str, path: str, status: int, body: Any, header: tuple[str, str] | None
) -> None:
    rubra = Rubra()
    run = rubra.run()

    def named(text: str) -> str:
        return text.replace("RUNS", run.rpartition("/")[0]).replace("RUN", run)

    reply = rubra.ask(method, named(path), b"{}")

    assert (reply.status, reply.pieces[0]) == (
        status,
        b"" if body is None else json.dumps(body, separators=(",", ":")).encode(),
    )
    if header:
        assert (header[0], named(header[1])) in reply.headers


def test_an_unknown_run_is_named_with_its_thread() -> None:
    rubra = Rubra()
    thread = rubra.run().split("/")[2]

    replies = [rubra.ask("POST", f"/threads/{name}/runs/nope", b"{}") for name in (thread, "no")]

    assert [json.loads(reply.pieces[0])["detail"] for reply in replies] == [
        f"Run with ID 'nope' in thread '{thread}' not found",
        "Run with ID 'nope' in thread 'no' not found",
    ]


def test_a_run_is_updated_in_every_status_and_needs_no_beta_header_or_key() -> None:
    rubra = Rubra()

    reply = rubra.ask("POST", rubra.run(), b'{"metadata":{}}')

    assert reply.status == 200


@pytest.mark.parametrize(
    ("path", "body", "loc", "msg"),
    [
        ("MESSAGES", {"content": [1]}, ["content"], "str type expected"),
        ("MESSAGES", {"content": None}, ["content"], "none is not an allowed value"),
        ("MESSAGES", {"content": [{"type": "text"}]}, ["content"], "str type expected"),
        ("MESSAGES", {}, ["content"], "field required"),
        ("/threads", {"messages": "x"}, ["messages"], "value is not a valid list"),
        ("/threads", {"metadata": 5}, ["metadata"], "value is not a valid dict"),
        ("/assistants", {"model": ["m"]}, ["model"], "str type expected"),
    ],
)
def test_a_wrong_body_is_refused_where_assistants_threads_and_messages_are_made_too(
    path: str, body: Any, loc: list[str], msg: str
) -> None:
    rubra = Rubra()
    messages = rubra.run().rpartition("/runs")[0] + "/messages"

    reply = rubra.ask("POST", path.replace("MESSAGES", messages), json.dumps(body).encode())

    (detail,) = json.loads(reply.pieces[0])["detail"]
    assert (reply.status, detail["loc"], detail["msg"]) == (422, ["body", *loc], msg)


def test_a_number_is_taken_for_a_text_and_pairs_for_an_object_as_its_framework_does() -> None:
    rubra = Rubra()
    helper = rubra.made("/assistants", {"model": "m", "instructions": 5, "metadata": [["a", 1]]})
    thread = rubra.made("/threads", {"messages": [{"content": 5}]})["id"]

    run = rubra.made(f"/threads/{thread}/runs", {"assistant_id": helper["id"]})

    said = json.loads(rubra.ask("GET", f"/threads/{thread}/messages").pieces[0])["data"]
    assert (helper["instructions"], helper["metadata"]) == ("5", {"a": 1})
    assert [item["content"][0]["text"]["value"] for item in said] == ["5"]
    assert run["instructions"] == "5"


@pytest.mark.parametrize(
    "script",
    [{"runreel.tool_calls": '[{"name":"f"}]'}, {"runreel.outcome": "requires_action"}],
)
def test_a_script_that_no_operation_could_lead_out_of_is_refused(script: dict[str, str]) -> None:
    rubra = Rubra()
    run = rubra.run()
    helper = json.loads(rubra.ask("GET", run).pieces[0])["assistant_id"]
    body = {"assistant_id": helper, "metadata": script}

    reply = rubra.ask("POST", run.rpartition("/")[0], json.dumps(body).encode())
    admin = {name.removeprefix("runreel."): value for name, value in script.items()}
    admin = {name: json.loads(value) if "[" in value else value for name, value in admin.items()}
    by_admin = rubra.ask("POST", "/_simulator/next_run", json.dumps(admin).encode())

    told = [json.loads(item.pieces[0])["detail"] for item in (reply, by_admin)]
    assert [item.status for item in (reply, by_admin)] == [400, 400]
    assert all("no submit_tool_outputs in this dialect" in item for item in told)


def test_the_messages_of_a_user_name_no_assistant_and_no_run_by_empty_texts() -> None:
    rubra = Rubra()
    thread = rubra.run().split("/")[2]

    said = rubra.made(f"/threads/{thread}/messages", {"content": "How warm is it?"})
    page = json.loads(rubra.ask("GET", f"/threads/{thread}/messages").pieces[0])

    assert (said["assistant_id"], said["run_id"]) == ("", "")
    assert [(item["assistant_id"], item["run_id"]) for item in page["data"]] == [("", "")]


def test_a_run_never_says_when_it_expires() -> None:
    rubra = Rubra()
    path = rubra.run()

    seen = [json.loads(rubra.ask("GET", path).pieces[0]) for _ in range(2)]

    assert [run["status"] for run in seen] == ["in_progress", "completed"]
    assert [run["expires_at"] for run in seen] == [None, None]


def test_there_is_no_list_of_the_steps_of_a_run_without_any() -> None:
    rubra = Rubra()
    path = rubra.run()

    before = rubra.ask("GET", f"{path}/steps")
    for _ in range(3):
        rubra.ask("GET", path)
    after = rubra.ask("GET", f"{path}/steps")

    run = path.rpartition("/")[2]
    assert (before.status, json.loads(before.pieces[0])) == (
        404,
        {"detail": f"Run with ID '{run}' not found"},
    )
    assert (after.status, len(json.loads(after.pieces[0])["data"])) == (200, 1)


def test_a_file_is_taken() -> None:
    rubra = Rubra()
    body = (
        b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\none\r\ntwo\r\n--b--\r\n"
    )

    reply = rubra.ask(
        "POST", "/files", body, (("content-type", "multipart/form-data; boundary=b"),)
    )

    made = json.loads(reply.pieces[0])
    assert reply.status == 200
    assert {name: made[name] for name in ("object", "bytes", "filename", "purpose", "status")} == {
        "object": "file",
        "bytes": 8,
        "filename": "a.txt",
        "purpose": "assistants",
        "status": "uploaded",
    }
