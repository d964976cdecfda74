"""What requests ask of metadata, and what answers show of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from builders import TARGET, a_request, a_response, an_interaction
from runreel.audit import observation
from runreel.audit.entries import Known, Metadata, ResourceId
from runreel.audit.observation import ChangeRequest, Shown, Watch
from runreel.http.messages import Response
from runreel.redaction.redactor import Redaction, response_of

RUN = {
    "id": "run_abc123",
    "object": "thread.run",
    "thread_id": "thread_abc123",
    "status": "completed",
    "metadata": {"stage": "a"},
}


def of_run(
    thread: str | None,
    run: str | None,
    requested: Metadata | None = None,
    reason: str | None = None,
) -> ChangeRequest:
    return ChangeRequest(ResourceId("run", run), thread, requested, reason)


def a_run(thread: str, run: str, metadata: Known) -> Shown:
    return Shown(ResourceId("run", run), thread, metadata)


SEEN = a_run("thread_abc123", "run_abc123", {"stage": "a"})
ASKED = of_run("thread_abc123", "run_abc123")
STREAM = (("Content-Type", "text/event-stream"),)


def asked(operation: str, method: str, target: str, body: bytes = b"") -> ChangeRequest:
    request = a_request(body, target, method)
    meaning = observation.meant(request)
    assert meaning is not None
    assert meaning.operation.name == operation
    return observation.asked(meaning, Redaction().request(request))


def shown(response: Response, request: ChangeRequest = ASKED) -> tuple[Shown, ...]:
    """The runs of an answer; the whole of it and its essence show the same."""
    whole = observation.shown(request, response_of(an_interaction(response=response)))
    less = observation.essence(response, request.resource.kind)
    assert observation.shown(request, response_of(an_interaction(response=less))) == whole
    return whole


def answer(document: Any, status: int = 200) -> Response:
    return a_response(json.dumps(document).encode(), status)


@pytest.mark.parametrize(
    ("operation", "method", "target", "thread", "run"),
    [
        ("createThreadAndRun", "POST", "/v1/threads/runs", None, None),
        ("createRun", "POST", "/v1/threads/t1/runs", "t1", None),
        ("listRuns", "GET", "/threads/t1/runs?limit=1", "t1", None),
        ("getRun", "GET", "/v1/threads/t1/runs/r1", "t1", "r1"),
        ("modifyRun", "POST", "/v1/threads/t%2F1/runs/r1", "t%2F1", "r1"),
        ("modifyRun", "POST", "/v1/threads/runs/runs/runs", "runs", "runs"),
        ("modifyRun", "POST", "/v1/threads/%741/runs/r%31", "t1", "r1"),
        ("modifyRun", "POST", "/v1/threads/t1/%72%75ns/r%2f1/", "t1", "r%2F1"),
        ("modifyRun", "POST", "/v1//threads/t1/./runs/r2/%2e%2e/r1", "t1", "r1"),
        ("cancelRun", "POST", "/v1/threads/t1/runs/r1/cancel", "t1", "r1"),
        ("submitToolOuputsToRun", "POST", "/v1/threads/t1/runs/r1/submit_tool_outputs", "t1", "r1"),
    ],
)
def test_a_path_names_thread_and_run(
    operation: str, method: str, target: str, thread: str | None, run: str | None
) -> None:
    assert asked(operation, method, target) == of_run(thread, run)


@pytest.mark.parametrize(
    ("method", "target", "thread", "kind", "name"),
    [
        ("POST", "/v1/threads", None, "thread", None),
        ("PATCH", "/threads/t1", "t1", "thread", "t1"),
        ("POST", "/v1/threads/t1/messages", "t1", "message", None),
        ("GET", "/v1/threads/t1/messages", "t1", "message", None),
        ("PUT", "/v1/threads/t1/messages/m1", "t1", "message", "m1"),
        ("POST", "/v1/assistants/a%201", None, "assistant", "a%201"),
        ("POST", "/v1/vector_stores/v1", None, "vector_store", "v1"),
        ("POST", "/v1/conversations/c1/", None, "conversation", "c1"),
        ("POST", "/v1/threads/t1/runs/stream", "t1", "run", None),
        ("POST", "/v1/threads/t1/r%2575ns/r1", "t1", "run", "r1"),
    ],
)
def test_a_path_names_any_resource(
    method: str, target: str, thread: str | None, kind: str, name: str | None
) -> None:
    request = a_request(b"", target, method)
    meaning = observation.meant(request)
    assert meaning is not None

    found = observation.asked(meaning, Redaction().request(request))

    assert (found.thread_id, found.resource) == (thread, ResourceId(kind, name))
    assert found.loose == (target == "/v1/threads/t1/r%2575ns/r1")


@pytest.mark.parametrize(
    ("method", "target", "body", "name"),
    [
        ("POST", "/v1/threads/t1/runs/r1/update", b'{"metadata":{}}', "modifyRun"),
        ("POST", "/v1/threads/t1/runs/r1/update", b'{"met\\u0061data":{}}', "modifyRun"),
        ("POST", "/v1/threads/t1/runs/r1/update", b'{"meta":{}}', None),
        ("POST", "/v1/threads/t1/state", b'{"metadata":{}}', "modifyThread"),
        ("POST", "/v1/vector_stores/v1/search", b'{"query":"caf\\u00e9 metadata"}', None),
        ("POST", "/v1/threads/t1/runs/r1/update", b"metadata[a]=b", "modifyRun"),
        ("POST", "/v1/threads/t1/runs/r1/update", b"meta[a]=b", None),
        ("DELETE", "/v1/threads/t1/runs/r1", b'{"metadata":{}}', None),
        ("GET", "/v1/threads/t1/state", b'{"metadata":{}}', None),
        ("POST", "/v1/responses", b'{"metadata":{}}', None),
        ("POST", "/v1/embeddings/threads", b'{"metadata":{}}', "createThread"),
    ],
)
def test_what_names_metadata_below_an_item_may_be_a_change_of_it(
    method: str, target: str, body: bytes, name: str | None
) -> None:
    meaning = observation.meant(a_request(body, target, method))
    if meaning is not None and not observation.holds(meaning, body):
        meaning = None

    assert (meaning and meaning.operation.name) == name
    assert meaning is None or meaning.loose == (name != "createThread")


@pytest.mark.parametrize(
    ("body", "requested", "reason"),
    [
        (b'{"metadata":{"a":"1"}}', {"a": "1"}, None),
        (b'{"metadata":{}}', {}, None),
        (b'{"metadata":null}', None, None),
        (b"{}", None, None),
        (b"", None, None),
        (b"[1]", None, None),
        (b'{"metadata":"x"}', None, "the request's metadata is no object"),
        (b'{"metadata":{"a":1}', None, "the request's body cannot be read as JSON"),
        (b"\xff", None, "the request's body cannot be read as JSON"),
        (
            b'{"metadata":{"a":9007199254740993}}',
            None,
            "the request's metadata cannot be written in the log",
        ),
        (
            b'{"metadata":{"a":"\\ud800"}}',
            None,
            "the request's metadata cannot be written in the log",
        ),
        (b'{"metadata":{"a":1e16}}', None, "the request's metadata cannot be written in the log"),
        (
            b'{"metadata":{"a":"%b"}}' % (b"x" * 65_536),
            None,
            "the request's metadata cannot be written in the log",
        ),
    ],
)
def test_what_is_asked_for_is_the_metadata_of_the_body(
    body: bytes, requested: dict[str, Any] | None, reason: str | None
) -> None:
    found = asked("modifyRun", "POST", TARGET, body)

    assert found == of_run("thread_abc123", "run_abc123", requested, reason)


def test_a_request_that_names_no_metadata_asks_for_none_even_with_such_a_member() -> None:
    found = asked("cancelRun", "POST", f"{TARGET}/cancel", b'{"metadata":{"a":"1"}}')

    assert found.requested is None


class TestAnswers:
    def test_a_run_is_shown_with_its_metadata(self) -> None:
        assert shown(answer(RUN)) == (SEEN,)

    def test_a_list_shows_each_of_its_runs(self) -> None:
        other = RUN | {"id": "run_2", "metadata": None}

        found = shown(answer({"object": "list", "data": [RUN, other, {"object": "message"}]}))

        assert found == (SEEN, a_run("thread_abc123", "run_2", {}))

    @pytest.mark.parametrize(
        "response",
        [
            answer(RUN, 400),
            answer(RUN | {"object": "thread.run.step"}),
            answer({name: RUN[name] for name in RUN if name != "metadata"}),
            answer(RUN | {"id": 5}),
            answer("run_abc123"),
            a_response(b"<html>"),
            a_response(b""),
            a_response(b"\xff\xfe"),
        ],
    )
    def test_anything_else_shows_none(self, response: Response) -> None:
        assert shown(response) == ()

    def test_a_thread_is_itself_its_thread(self) -> None:
        thread = {"id": "t1", "object": "thread", "metadata": {"a": "1"}}
        asked_for = ChangeRequest(ResourceId("thread", "t1"), "t1")

        found = shown(answer(thread), asked_for)

        assert found == (Shown(ResourceId("thread", "t1"), "t1", {"a": "1"}),)
        assert shown(answer(RUN), asked_for) == ()

    def test_langgraph_names_a_thread_by_another_member(self) -> None:
        thread = {"thread_id": "t1", "status": "idle", "metadata": {"a": {"b": 1}}}

        found = shown(answer(thread), ChangeRequest(ResourceId("thread", "t1"), "t1"))

        assert found == (Shown(ResourceId("thread", "t1"), "t1", {"a": {"b": 1}}),)

    def test_a_message_stands_in_the_thread_that_it_says_or_was_asked_for(self) -> None:
        message = {"id": "m1", "object": "thread.message", "metadata": {}}
        asked_for = ChangeRequest(ResourceId("message", None), "t1")

        listed = shown(answer({"data": [message, message | {"thread_id": "t2"}]}), asked_for)

        assert [(each.thread_id, each.resource.id) for each in listed] == [
            ("t1", "m1"),
            ("t2", "m1"),
        ]

    def test_metadata_that_cannot_be_written_is_unknown(self) -> None:
        found = shown(answer(RUN | {"metadata": {"n": 2**60}}))

        assert found == (a_run("thread_abc123", "run_abc123", "unknown"),)

    def test_of_a_stream_the_last_run_counts(self) -> None:
        later = json.dumps(RUN | {"metadata": {"stage": "b"}})
        events = (
            f"event: thread.run.created\ndata: {json.dumps(RUN)}\n\n",
            f"event: thread.run.completed\ndata: {later}\n\n",
            'event: thread.run.step.created\ndata: {"object":"thread.run.step","id":"s"}\n\n',
            "event: done\ndata: [DONE]\n\n",
        )
        response = Response(200, STREAM, "".join(events).encode(), (0, 1, 2, 3))

        assert shown(response) == (a_run("thread_abc123", "run_abc123", {"stage": "b"}),)

    def test_a_percent_encoded_run_keeps_the_name_its_path_has(self) -> None:
        found = shown(answer(RUN | {"id": "a/b"}), of_run("thread_abc123", "a%2Fb"))

        assert found == (a_run("thread_abc123", "a%2Fb", {"stage": "a"}),)

    def test_the_run_that_was_asked_about_is_no_other_one(self) -> None:
        other = replace(SEEN, resource=ResourceId("run", "run_2"))

        assert observation.the_one(ASKED, (other, SEEN)) == SEEN
        assert observation.the_one(ASKED, (other,)) is None
        assert observation.the_one(of_run("thread_abc123", None), (other,)) == other


class TestWatch:
    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_it_sees_the_last_run_however_the_stream_is_cut(self, size: int) -> None:
        later = json.dumps(RUN | {"metadata": {"stage": "b"}})
        events = f"data: {json.dumps(RUN)}\n\ndata: {later}\n\ndata: [DONE]\n\n".encode()
        watch = Watch(Response(200, STREAM), 1_000, "run")

        for start in range(0, len(events), size):
            watch.feed(events[start : start + size])

        assert watch.ended
        assert shown(watch.response()) == (a_run("thread_abc123", "run_abc123", {"stage": "b"}),)

    def test_it_looks_at_no_more_than_it_may(self) -> None:
        watch = Watch(Response(200, STREAM), 1_000, "run")

        for chunk in (b"data: " + b"x" * 2_000, b"\n\ndata: [DONE]\n\n"):
            watch.feed(chunk)

        assert not watch.ended
