"""What validation finds and what it stops, in the engine."""

import json

import pytest

from builders import FAKE_KEY, a_request, a_response, an_interaction
from fakes import Script
from runreel.assistants.rubra import RUBRA
from runreel.http.messages import Headers
from servers import RUN
from stages import KEY_HEADERS, A, error_of, rest, shown, stage

GOOD = json.dumps(RUN).encode()
INVALID = b'{"metadata":{"stage":7}}'
EVENTS: Headers = (("Content-Type", "text/event-stream"),)
BAD_EVENT = b'event: thread.run.created\ndata: {"id":7}\n\n'
DONE = b"event: done\ndata: [DONE]\n\n"


@pytest.mark.parametrize(
    ("mode", "recorded"), [("record", False), ("new_episodes", False), ("passthrough", None)]
)
async def test_strict_request_validation_answers_before_anything_is_forwarded(
    mode: str, recorded: bool | None
) -> None:
    scene = stage(mode, check_request="strict")

    answer = await scene.ask(a_request(INVALID))

    assert (answer.source, answer.response.status, answer.recorded) == ("proxy", 400, recorded)
    assert error_of(answer) == {
        "message": "Invalid type for 'metadata.stage': expected a string, but got an integer "
        "instead.",
        "type": "invalid_request_error",
        "param": "metadata.stage",
        "code": "invalid_type",
    }
    assert ("x-should-retry", "false") in answer.response.headers
    assert scene.upstream.sent == []
    assert scene.kept == []
    assert scene.told == [("refused", 400, False)]


@pytest.mark.parametrize("mode", ["replay", "new_episodes"])
async def test_a_recording_is_served_whatever_validation_thinks(mode: str) -> None:
    recorded = an_interaction(a_request(INVALID), a_response(b"old"))
    scene = stage(mode, recorded=(recorded,), check_request="strict", check_response="strict")

    answer = await scene.ask(a_request(INVALID))

    assert shown(answer) == ("replay", 200, b"old", None)


async def test_strict_response_validation_passes_on_and_does_not_keep() -> None:
    scene = stage("record", Script([b'{"id": 7}']), check_response="strict")

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, b'{"id": 7}', False)
    assert scene.kept == []
    assert scene.told == [("not_stored", 200, True)]
    assert scene.events[0].reason is not None
    assert scene.events[0].reason.startswith("strict response validation: /id: type")


async def test_strict_response_validation_keeps_a_good_answer() -> None:
    scene = stage("record", Script([GOOD]), check_response="strict")

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, GOOD, True)
    assert scene.kept == [(A, 200, GOOD)]


async def test_warnings_of_both_sides_are_data_on_the_interaction() -> None:
    answer = json.dumps(RUN | {"id": 7}).encode()
    scene = stage("record", Script([answer]), check_request="warn", check_response="warn")

    got = await scene.ask(a_request(INVALID))

    assert shown(got) == ("upstream", 200, answer, True)
    found = scene.documents[0]["violations"]
    assert [(item["at"], item["rule"]) for item in found] == [
        ("/metadata/stage", "type"),
        ("/id", "type"),
    ]
    assert len(scene.events[0].violations) == 2


async def test_with_validation_off_nothing_is_found() -> None:
    scene = stage("record", Script([b'{"id": 7}']))

    await scene.ask(a_request(INVALID))

    assert "violations" not in scene.documents[0]
    assert scene.events[0].violations == ()


async def test_a_dialect_that_lists_its_findings_gets_them_all_without_secrets() -> None:
    scene = stage("record", check_request="strict", profile=RUBRA)
    body = json.dumps({"metadata": "text", FAKE_KEY: 1}).encode()

    answer = await scene.ask(a_request(body, headers=(*KEY_HEADERS, *a_request().headers)))

    assert answer.response.status == 422
    assert json.loads(answer.response.body) == {
        "detail": [
            {
                "loc": ["body", "metadata"],
                "msg": "value is not a valid dict",
                "type": "type_error.dict",
            },
            {
                "loc": ["body", "REDACTED"],
                "msg": "extra fields not permitted",
                "type": "value_error.extra",
            },
        ]
    }


async def test_a_dialect_may_look_at_the_content_type() -> None:
    scene = stage("record", check_request="strict", profile=RUBRA)

    answer = await scene.ask(a_request(A, headers=(("Content-Type", "text/plain"),)))

    assert json.loads(answer.response.body) == {
        "detail": [{"loc": ["body"], "msg": "value is not a valid dict", "type": "type_error.dict"}]
    }


async def test_a_stream_is_checked_event_by_event() -> None:
    scene = stage("record", Script([BAD_EVENT, DONE], headers=EVENTS), check_response="warn")

    await rest((await scene.ask(a_request(A))).tail)

    found = [(item["at"], item["rule"]) for item in scene.documents[0]["violations"]]
    assert ("/0/data/id", "type") in found
    assert ("/0/data/status", "missing") in found
    assert {at.split("/")[1] for at, _ in found} == {"0"}


async def test_a_stream_with_an_error_is_passed_on_and_not_kept_under_strict_validation() -> None:
    scene = stage("record", Script([BAD_EVENT, DONE], headers=EVENTS), check_response="strict")

    answer = await scene.ask(a_request(A))

    assert await rest(answer.tail) == [BAD_EVENT, DONE]
    assert scene.told == [("not_stored", 200, True)]


async def test_a_good_stream_is_kept_under_strict_validation() -> None:
    event = b"event: thread.run.created\ndata: " + GOOD + b"\n\n"
    scene = stage("record", Script([event, DONE], headers=EVENTS), check_response="strict")

    await rest((await scene.ask(a_request(A))).tail)

    assert scene.told == [("recorded", 200, True)]
    assert scene.events[0].violations == ()


async def test_an_error_in_place_of_a_stream_is_not_checked() -> None:
    scene = stage("record", Script([BAD_EVENT], 500, EVENTS), check_response="strict")

    await rest((await scene.ask(a_request(A))).tail)

    assert scene.told == [("recorded", 500, True)]
