"""Upstreams that fail, and what validation stops."""

import json

import pytest

from builders import a_request, a_response, an_interaction
from fakes import Script
from runreel.core.errors import UpstreamFailed, UpstreamFault
from servers import RUN
from stages import LIVE, A, error_of, rest, shown, stage

GOOD = json.dumps(RUN).encode()
INVALID = b'{"metadata":{"stage":7}}'


@pytest.mark.parametrize("mode", LIVE)
@pytest.mark.parametrize(
    ("fault", "slug", "status"),
    [
        (UpstreamFault.UNREACHABLE, "upstream_unreachable", 502),
        (UpstreamFault.DISCONNECTED, "upstream_disconnected", 502),
        (UpstreamFault.MALFORMED, "upstream_malformed", 502),
        (UpstreamFault.TIMEOUT, "upstream_timeout", 504),
    ],
)
async def test_a_failure_before_the_head_is_a_named_error(
    mode: str, fault: UpstreamFault, slug: str, status: int
) -> None:
    scene = stage(mode, Script(refused=UpstreamFailed(fault, "The upstream failed.")))

    answer = await scene.ask(a_request(A))

    assert (answer.source, answer.response.status) == ("proxy", status)
    assert answer.recorded is (None if mode == "passthrough" else False)
    assert error_of(answer) == {
        "message": "The upstream failed.",
        "type": "runreel_error",
        "param": None,
        "code": slug,
    }
    assert answer.response.headers == (("Content-Type", "application/json"),)
    assert scene.kept == []
    assert scene.told == [("failed", status, True)]
    assert len(scene.upstream.sent) == 1


@pytest.mark.parametrize("mode", LIVE)
async def test_a_body_that_is_torn_is_an_error_and_not_kept(mode: str) -> None:
    torn = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream went away.")
    scene = stage(mode, Script([b"half"], torn=torn))

    answer = await scene.ask(a_request(A))

    assert (answer.source, answer.response.status) == ("proxy", 502)
    assert error_of(answer)["code"] == "upstream_disconnected"
    assert scene.kept == []
    assert scene.told == [("failed", 502, True)]
    assert scene.upstream.closed == 1


async def test_a_long_body_that_is_torn_raises_while_it_is_passed_on() -> None:
    torn = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream went away.")
    scene = stage("record", Script([b"aaaa", b"bbbb"], torn=torn), response_bytes_max=3)

    answer = await scene.ask(a_request(A))

    with pytest.raises(UpstreamFailed):
        await rest(answer.tail)
    assert scene.kept == []


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
    assert scene.facts[0].reason is not None
    assert scene.facts[0].reason.startswith("strict response validation: /id: type")


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
    assert scene.facts[0].violations == 2


async def test_with_validation_off_nothing_is_found() -> None:
    scene = stage("record", Script([b'{"id": 7}']))

    await scene.ask(a_request(INVALID))

    assert "violations" not in scene.documents[0]
    assert scene.facts[0].violations == 0
