"""Verify mode: the client gets the upstream's own answer, and what drifted is told."""

import asyncio
import threading

import pytest

from builders import (
    BARE_KEY,
    FAKE_KEY,
    JSON_HEADERS,
    a_cassette,
    a_request,
    a_response,
    an_interaction,
)
from fakes import Script
from redacting import BEARER, KEY
from runreel.cassettes.format import dump
from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.matching.drift import Drift, Rule
from runreel.matching.json_diff import ABSENT
from runreel.redaction.redactor import Redaction
from runreel.sessions.events import Outcome
from stages import BARE_KEY_HEADERS, KEY_HEADERS, UNREDACTABLE, A, B, Stage, rest, shown, stage
from stores_that_refuse import NoJournals

OLD = an_interaction(a_request(A), a_response(b'{"id":"run_abc123","status":"completed"}'))
SAME = b'{"id": "run_0f9e8d", "status": "completed"}'
OTHER = b'{"id": "run_0f9e8d", "status": "failed"}'
TORN = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream is gone.")


def drifts(scene: Stage) -> list[tuple[Drift, ...]]:
    """Of every answer that was compared, how it drifted."""
    return [event.drift for event in scene.events if event.outcome is Outcome.COMPARED]


async def test_an_answer_that_says_the_same_has_not_drifted() -> None:
    scene = stage("verify", Script([SAME]), recorded=(OLD,))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, SAME, None)
    assert scene.told == [("compared", 200, True)]
    assert (scene.events[0].interaction, scene.events[0].violations) == ("modifyRun-00000000", ())
    assert drifts(scene) == [()]


async def test_an_answer_that_says_something_else_has_drifted_and_is_the_clients() -> None:
    scene = stage("verify", Script([OTHER]), recorded=(OLD,))

    answer = await scene.ask(a_request(A))

    assert shown(answer) == ("upstream", 200, OTHER, None)
    assert scene.told == [("compared", 200, True)]
    assert drifts(scene) == [(Drift("value", "/status", "completed", "failed"),)]


async def test_a_call_that_no_recording_matches_is_forwarded_and_new() -> None:
    scene = stage("verify", Script([SAME]), recorded=(OLD,))

    answer = await scene.ask(a_request(B))

    assert shown(answer) == ("upstream", 200, SAME, None)
    assert scene.told == [("new", 200, True)]
    assert scene.session.state.unplayed() == ("modifyRun-00000000",)


async def test_a_recording_is_compared_once_and_the_next_call_is_new() -> None:
    scene = stage("verify", Script([SAME]), Script([SAME]), recorded=(OLD,))

    await scene.ask(a_request(A))
    await scene.ask(a_request(A))

    assert [told[0] for told in scene.told] == ["compared", "new"]
    assert scene.session.state.unplayed() == ()


async def test_nothing_is_written_and_no_right_to_write_is_asked_for() -> None:
    store = NoJournals()
    store.documents["default"] = before = dump(a_cassette(OLD))
    scene = stage("verify", Script([OTHER]), Script([OTHER]), recorded=(OLD,), store=store)

    await scene.ask(a_request(A))
    await scene.ask(a_request(B))
    await scene.session.close()

    assert store.documents == {"default": before}


async def test_a_request_that_cannot_be_redacted_is_forwarded_and_new() -> None:
    scene = stage("verify", Script([SAME]), recorded=(OLD,))

    answer = await scene.ask(a_request(A, headers=UNREDACTABLE))

    assert shown(answer) == ("upstream", 200, SAME, None)
    assert scene.told == [("new", 200, True)]
    assert scene.events[0].request is None
    assert (scene.events[0].reason or "").startswith("the request cannot be redacted: ")


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        (Script(refused=TORN), 502, "The upstream is gone."),
        (Script([b"{"], torn=TORN), 502, "The upstream is gone."),
    ],
    ids=["refused", "torn"],
)
async def test_a_failing_upstream_is_a_failure_and_the_recording_is_there_for_the_next(
    script: Script, status: int, reason: str
) -> None:
    scene = stage("verify", script, Script([SAME]), recorded=(OLD,))

    failed = await scene.ask(a_request(A))
    await scene.ask(a_request(A))

    assert (failed.source, failed.response.status, failed.recorded) == ("proxy", status, None)
    assert [told[0] for told in scene.told] == ["failed", "compared"]
    assert scene.events[0].reason == reason


async def test_an_answer_that_another_runreel_made_is_not_compared() -> None:
    miss = Script([b"{}"], 424, (("X-Runreel-Source", "proxy"),))
    scene = stage("verify", miss, Script([SAME]), recorded=(OLD,))

    answer = await scene.ask(a_request(A))
    await scene.ask(a_request(A))

    assert answer.response.status == 424
    assert [told[:2] for told in scene.told] == [("not_compared", 424), ("compared", 200)]
    assert scene.events[0].interaction == "modifyRun-00000000"
    assert scene.events[0].reason == (
        "the upstream is a runreel too, and this answer is its own, not the API's"
    )


async def test_an_answer_whose_client_had_left_is_not_compared_but_that_of_the_retry_is() -> None:
    gate = asyncio.Event()
    left = asyncio.Event()
    scene = stage("verify", Script([OTHER], gate=gate), Script([SAME]), recorded=(OLD,))
    first = asyncio.ensure_future(scene.ask(a_request(A), client_disconnected=left.is_set))
    await scene.upstream.was_sent(1)

    left.set()
    await scene.ask(a_request(A))
    gate.set()
    await first

    assert [told[0] for told in scene.told] == ["compared", "not_compared"]
    assert scene.events[1].reason == "its client had left"
    assert drifts(scene) == [()]


# What is compared


async def test_a_write_is_followed_by_the_recordings_of_the_state_after_it() -> None:
    before, after = (
        an_interaction(a_request(b"", method="GET"), a_response(b'{"status":"%b"}' % word), name)
        for word, name in ((b"old", "before"), (b"new", "after"))
    )
    scene = stage(
        "verify",
        Script([SAME]),
        Script([b'{"status":"new"}']),
        recorded=(before, OLD, after),
    )

    await scene.ask(a_request(A))
    await scene.ask(a_request(b"", method="GET"))

    assert [event.interaction for event in scene.events] == ["modifyRun-00000000", "after"]
    assert drifts(scene) == [(), ()]
    assert scene.session.state.unplayed() == ("before",)


async def test_after_a_write_that_is_new_a_read_is_new_too() -> None:
    before = an_interaction(a_request(b"", method="GET"), a_response(b"{}"), "before")
    scene = stage("verify", Script([SAME]), Script([SAME]), recorded=(before,))

    await scene.ask(a_request(B))
    await scene.ask(a_request(b"", method="GET"))

    assert [told[0] for told in scene.told] == ["new", "new"]


async def test_both_sides_are_compared_without_their_secrets() -> None:
    recorded = an_interaction(a_request(A), a_response(b'{"key":"REDACTED","word":"same"}'))
    live = b'{"key":"%b","word":"same"}' % FAKE_KEY.encode()
    scene = stage("verify", Script([live]), recorded=(recorded,))

    answer = await scene.ask(a_request(A, headers=(*JSON_HEADERS, *KEY_HEADERS)))

    assert answer.response.body == live
    assert drifts(scene) == [()]


async def test_this_calls_own_credential_is_taken_out_of_the_recording_too() -> None:
    body = b'{"word":"%b"}' % KEY.encode()  # recorded by somebody whose key it was not
    scene = stage(
        "verify", Script([body]), recorded=(an_interaction(a_request(A), a_response(body)),)
    )

    await scene.ask(a_request(A, headers=(*JSON_HEADERS, *BEARER)))

    assert drifts(scene) == [()]


async def test_the_rules_of_today_hold_for_the_recording_too() -> None:
    recorded = an_interaction(a_request(A), a_response(b'{"email":"a@b.test"}'))
    rules = Redaction(body=("/email",))
    scene = stage(
        "verify", Script([b'{"email":"c@d.test"}']), recorded=(recorded,), redaction=rules
    )

    await scene.ask(a_request(A))

    assert drifts(scene) == [()]


async def test_a_credential_that_the_upstream_sends_back_is_in_no_difference() -> None:
    live = b'{"id":"run_abc123","status":"%b"}' % FAKE_KEY.encode()
    scene = stage("verify", Script([live]), recorded=(OLD,))

    await scene.ask(a_request(A, headers=(*JSON_HEADERS, *KEY_HEADERS)))

    assert drifts(scene) == [(Drift("value", "/status", "completed", "REDACTED"),)]


async def test_an_answer_that_could_not_be_kept_has_drifted() -> None:
    headers = (("X-" + BARE_KEY, "1"),)
    scene = stage("verify", Script([SAME], headers=headers), recorded=(OLD,))

    await scene.ask(a_request(A, headers=(*JSON_HEADERS, *BARE_KEY_HEADERS)))

    ((found,),) = drifts(scene)
    assert (found.kind, found.recorded) == ("unrecordable", ABSENT)
    assert found.live.startswith("it cannot be redacted: ")


async def test_an_answer_beyond_the_limit_is_passed_on_and_has_drifted() -> None:
    scene = stage("verify", Script([b"1234", b"5678"]), recorded=(OLD,), response_bytes_max=3)

    answer = await scene.ask(a_request(A))

    assert answer.response.body + b"".join(await rest(answer.tail)) == b"12345678"
    assert drifts(scene) == [
        (
            Drift(
                "unrecordable",
                "",
                ABSENT,
                "the response is larger than limits.response_body_bytes_max (3 bytes)",
            ),
        )
    ]


async def test_what_was_recorded_is_compared_even_if_strict_validation_would_not_keep_it() -> None:
    scene = stage("verify", Script([SAME]), recorded=(OLD,), check_response="strict")

    await scene.ask(a_request(A))

    assert drifts(scene) == [()]
    assert scene.events[0].violations


async def test_a_request_that_strict_validation_refuses_leaves_its_recording() -> None:
    body = b'{"metadata":{"stage":5}}'
    recorded = an_interaction(a_request(body), a_response(SAME))
    scene = stage("verify", recorded=(recorded,), check_request="strict")

    answer = await scene.ask(a_request(body))

    assert answer.response.status == 400
    assert scene.told == [("refused", 400, False)]
    assert scene.session.state.unplayed() == ("modifyRun-00000000",)


async def test_what_does_not_count_is_configured() -> None:
    rule = Rule(ignore=("/status",))
    scene = stage("verify", Script([OTHER]), recorded=(OLD,), rule=rule)

    await scene.ask(a_request(A))

    assert drifts(scene) == [()]


async def test_a_long_answer_is_compared_while_others_are_answered() -> None:
    text = b"x" * 70_000
    long = an_interaction(a_request(A), a_response(b'{"a":"%b","b":1}' % text))
    scene = stage("verify", Script([b'{"a":"%b","b":2}' % text]), recorded=(long,))

    await scene.ask(a_request(A))
    threads = [thread.name for thread in threading.enumerate()]

    assert drifts(scene) == [(Drift("value", "/b", 1, 2),)]
    assert any(name.startswith("asyncio_") for name in threads)
