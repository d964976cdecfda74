"""A recorded call in terms of another API, and its answer back."""

import json
from dataclasses import replace
from typing import Any

import pytest

from builders import an_interaction
from runreel.http.messages import Interaction, Request, Response
from runreel.matching.call_map import CallMap, CallRule, Ids, Step, made_by

ID = "thread_abc123"
BETA = (("OpenAI-Beta", "assistants=v2"), ("X-Team", "REDACTED"))


def a_call(
    method: str = "POST",
    target: str = f"/v1/threads/{ID}",
    body: bytes = b'{"metadata":{"a":"b"},"x":1}',
    answer: Any = None,
) -> Interaction:
    value: Interaction = an_interaction().value
    response = Response(200, (), json.dumps(answer or {"id": ID, "status": "queued"}).encode())
    return replace(value, request=Request(method, target, BETA, body), response=response)


def a_step(call: Interaction, *, ids: Ids | None = None, **rule: Any) -> Step:
    given = {"method": "POST", "path": "/threads/{t}", "to": "/conversations/{t}"} | rule
    step = CallMap("mine", (CallRule(**given),)).step(call, "/v1", ids or Ids({}))
    assert isinstance(step, Step), step
    return step


def why_not(call: Interaction, *, ids: Ids | None = None, **rule: Any) -> str:
    given = {"method": "*", "path": "/{rest*}", "to": "/{rest*}"} | rule
    step = CallMap("mine", (CallRule(**given),)).step(call, "/v1", ids or Ids({}))
    assert isinstance(step, str)
    return step


UNRECEIVED = "it has no recorded answer that anybody received"
SECRET = "a secret was taken out of it when it was recorded"  # noqa: S105
NO_JSON = "its body is no JSON, and the map's rule for it takes members of one"


class TestWhatIsSent:
    def test_a_body_goes_as_it_is_where_the_rule_says_nothing_of_it(self) -> None:
        call = a_call(body=b'{ "metadata" : {"n": 1.50} }')

        assert a_step(call).request.body == b'{ "metadata" : {"n": 1.50} }'

    def test_members_go_where_the_rule_has_them_and_no_others(self) -> None:
        members = {"/meta/data": "/metadata", "/absent": "/nothing"}

        sent = a_step(a_call(), request=members, constants={"/of": "{t}", "/n": 1}).request

        assert json.loads(sent.body) == {"meta": {"data": {"a": "b"}}, "of": ID, "n": 1}

    def test_constants_alone_are_put_beside_what_is_there(self) -> None:
        sent = a_step(a_call(), constants={"/metadata/c": "d"}).request

        assert json.loads(sent.body) == {"metadata": {"a": "b", "c": "d"}, "x": 1}

    def test_a_call_without_a_body_stays_without_one(self) -> None:
        call = a_call("GET", body=b"")

        assert a_step(call, method="GET", request={"/a": "/b"}).request.body == b""

    def test_parameters_are_added_in_place_of_those_of_their_name(self) -> None:
        call = a_call(target=f"/v1/threads/{ID}?api-version=old&order=%61sc&x")

        sent = a_step(call, query={"api-version": "v1"}).request

        assert sent.target == f"/conversations/{ID}?order=%61sc&x&api-version=v1"

    def test_headers_are_left_out_by_name_and_where_a_secret_was_taken_out_of_them(self) -> None:
        assert a_step(a_call(), without_headers=frozenset({"openai-beta"})).request.headers == (
            ("Content-Type", "application/json"),
        )

    @pytest.mark.parametrize("there", ["conv_1", "a/b?c", "..%2F"])
    def test_a_known_id_is_that_of_the_new_api_wherever_it_stands(self, there: str) -> None:
        call = a_call(
            target=f"/v1/threads/{ID}?after={ID}",
            body=json.dumps({"metadata": {"of": ID, "not": f"{ID}."}, "list": [ID]}).encode(),
        )

        sent = a_step(call, ids=Ids({ID: there})).request

        quoted = {"conv_1": "conv_1", "a/b?c": "a%2Fb%3Fc", "..%2F": "..%252F"}[there]
        assert sent.target == f"/conversations/{quoted}?after={quoted}"
        assert json.loads(sent.body) == {
            "metadata": {"of": there, "not": f"{ID}."},
            "list": [there],
        }

    def test_the_first_rule_that_is_for_a_call_counts(self) -> None:
        rules = (
            CallRule("GET", "/threads/{t}", "/get"),
            CallRule("POST", "/threads", "/create"),
            CallRule("POST", "/threads/{t}", "/first", to_method="PATCH"),
            CallRule("*", "/{rest*}", "/second"),
        )

        step = CallMap("mine", rules).step(a_call(), "/v1", Ids({}))

        assert isinstance(step, Step)
        assert (step.request.method, step.request.target) == ("PATCH", "/first")

    @pytest.mark.parametrize(
        ("call", "rule", "said"),
        [
            (replace(a_call(), client_gone=True), {}, UNRECEIVED),
            (replace(a_call(), failed="upstream_timeout"), {}, UNRECEIVED),
            (a_call(body=b'{"key":"REDACTED"}'), {}, SECRET),
            (a_call(target="/v1/threads/REDACTED-0123456789"), {}, SECRET),
            (a_call(), {"method": "GET"}, "the map has no rule for it"),
            (a_call(), {"path": "/runs/{t}", "to": "/"}, "the map has no rule for it"),
            (a_call(), {"skip": "it is two calls"}, "it is two calls"),
            (a_call(body=b"a=b"), {"request": {}}, NO_JSON),
        ],
    )
    def test_what_cannot_be_sent_is_told(
        self, call: Interaction, rule: dict[str, Any], said: str
    ) -> None:
        assert why_not(call, **rule) == said

    def test_what_was_not_made_is_named_by_no_call(self) -> None:
        ids = Ids({})
        ids.learn(made_by(a_call(target="/v1/threads")), {})

        said = f"it names {ID}, which was made in the recording and not by the new API"
        assert why_not(a_call(), ids=ids) == said
        assert why_not(a_call(target=f"/v1/x?of={ID}"), ids=ids) == said
        assert why_not(a_call(target="/v1/x", body=f'{{"a":["{ID}"]}}'.encode()), ids=ids) == said


class TestWhatComesBack:
    def test_an_answer_without_a_rule_or_an_id_keeps_its_bytes(self) -> None:
        body = b'{ "id" : "thread_abc123" }'

        assert a_step(a_call()).turned(Response(200, (), body), Ids({})) == body

    def test_members_are_taken_from_where_the_rule_has_them_and_the_rest_is_as_recorded(
        self,
    ) -> None:
        recorded = {"id": ID, "object": "thread", "metadata": {"a": "b"}, "gone": 1}
        call = a_call(answer=recorded)
        members = {"/id": "/id", "/metadata": "/meta/data", "/gone": "/gone"}
        live = {"id": ID, "object": "conversation", "meta": {"data": {"a": "c"}}, "more": 2}

        turned = a_step(call, response=members).turned(
            Response(201, (), json.dumps(live).encode()), Ids({})
        )

        assert json.loads(turned) == {"id": ID, "object": "thread", "metadata": {"a": "c"}}

    @pytest.mark.parametrize(
        ("recorded", "live", "told"),
        [
            ("requires_action", "completed", "requires_action"),
            ("requires_action", "failed", "failed"),
            ("queued", "completed", "completed"),
            ("completed", "completed", "completed"),
        ],
    )
    def test_a_value_that_stands_for_the_recorded_one_is_told_as_that(
        self, recorded: str, live: str, told: str
    ) -> None:
        call = a_call(answer={"id": ID, "status": recorded})
        values = {"/status": {"requires_action": ("completed",)}}
        answer = Response(200, (), json.dumps({"id": ID, "status": live}).encode())

        turned = a_step(call, values=values).turned(answer, Ids({}))

        assert json.loads(turned)["status"] == told

    @pytest.mark.parametrize("answer", [Response(404, (), b'{"id":"x"}'), Response(200, (), b"no")])
    def test_an_answer_that_went_another_way_stays_as_it_came(self, answer: Response) -> None:
        step = a_step(a_call(), response={"/id": "/id"})

        assert step.turned(answer, Ids({})) == answer.body

    def test_ids_of_what_was_made_are_learnt_and_told_as_recorded(self) -> None:
        call = a_call(target="/v1/threads", answer={"id": ID, "run_id": "run_1", "n_id": None})
        ids = Ids({})
        step = a_step(call, path="/threads", to="/x")
        live = {"id": "conv_1", "run_id": "resp_1", "of": ["conv_1", "conv_10"]}

        turned = step.turned(Response(200, (), json.dumps(live).encode()), ids)

        assert json.loads(turned) == {"id": ID, "run_id": "run_1", "of": [ID, "conv_10"]}
        assert (ids.there(ID), ids.there("run_1")) == ("conv_1", "resp_1")

    def test_what_a_call_names_itself_is_nothing_that_it_made(self) -> None:
        answer = {"id": "run_1", "thread_id": ID, "assistant_id": "asst_1"}
        call = a_call(
            target=f"/v1/threads/{ID}/runs", body=b'{"assistant_id":"asst_1"}', answer=answer
        )

        assert made_by(call) == {"id": "run_1"}
        assert made_by(replace(call, request=replace(call.request, method="GET"))) == {}
        assert made_by(replace(call, response=replace(call.response, status=400))) == {}
