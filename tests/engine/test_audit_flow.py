"""What the audit log says of calls, and what it refuses when it cannot say it."""

import asyncio

import pytest

from audit_scenes import RUN, THREAD, Scene, less, run_of
from builders import TARGET, a_request
from fakes import Script
from runreel.errors import UpstreamFailed, UpstreamFault
from stages import KEY_HEADERS, LIVE, UPSTREAM, A, error_of

FULL = "the audit log cannot be written: No space left on device"


@pytest.mark.parametrize("mode", LIVE)
async def test_a_change_is_an_intent_and_an_outcome(mode: str) -> None:
    scene = Scene(mode, Script([run_of(stage="a")]))

    answer = await scene.stage.ask(a_request(A, headers=(("User-Agent", "x/1"), *KEY_HEADERS)))
    intent, outcome = await scene.log()

    assert answer.response.status == 200
    # printf %s KEY | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    name = "hmac-sha256:46e77a72932de2424a0d38c113d30779"
    assert intent == {
        "at": "2026-03-31T10:15:02.400Z",
        "kind": "intent",
        "operation": "modifyRun",
        "thread_id": THREAD,
        "run_id": RUN,
        "actor": name,
        "client": "x/1",
        "before": "unknown",
        "requested": {"stage": "a"},
        "after": None,
        "changes": [],
        "effect": None,
        "status": None,
        "interaction": None,
        "intent": None,
        "reason": None,
        "session": "default",
        "upstream": UPSTREAM,
        "resource": {"kind": "run", "id": RUN},
        "seq": 1,
        "prev": "0" * 64,
        "hash": intent["hash"],
    }
    recorded = outcome["interaction"]
    assert outcome == intent | {
        "kind": "outcome",
        "after": {"stage": "a"},
        "changes": [{"key": "stage", "change": "changed", "old": None, "new": "a"}],
        "effect": "applied",
        "status": 200,
        "intent": 1,
        "interaction": recorded,
        "seq": 2,
        "prev": intent["hash"],
        "hash": outcome["hash"],
    }
    documents = scene.stage.documents
    assert recorded == (documents[0]["id"] if mode in ("record", "new_episodes") else None)


@pytest.mark.parametrize("mode", LIVE)
async def test_a_read_is_an_observation_and_the_before_of_the_next_change(mode: str) -> None:
    listed = b'{"object":"list","data":[%b,%b]}' % (
        run_of(stage="b", by="x"),
        run_of(stage="c").replace(RUN.encode(), b"run_2"),
    )
    scene = Scene(mode, Script([run_of()]), Script([listed]), Script([run_of(stage="a")]))

    await scene.stage.ask(a_request(b"", method="GET"))
    await scene.stage.ask(a_request(b"", f"/v1/threads/{THREAD}/runs", "GET"))
    await scene.stage.ask(a_request(A))
    found = await scene.log()

    assert [less(entry, "kind", "operation", "run_id", "before", "after") for entry in found] == [
        ("observation", "getRun", RUN, "unknown", {}),
        ("observation", "listRuns", RUN, {}, {"stage": "b", "by": "x"}),
        ("observation", "listRuns", "run_2", "unknown", {"stage": "c"}),
        ("intent", "modifyRun", RUN, {"stage": "b", "by": "x"}, None),
        ("outcome", "modifyRun", RUN, {"stage": "b", "by": "x"}, {"stage": "a"}),
    ]
    assert [change["key"] for change in found[1]["changes"]] == ["by", "stage"]
    assert scene.told == [
        "the upstream replaces metadata of runs: keys that a change does not name are gone"
    ]


@pytest.mark.parametrize("mode", LIVE)
async def test_no_change_is_forwarded_that_cannot_be_logged_and_reads_go_on(mode: str) -> None:
    scene = Scene(mode, *[Script([run_of(stage="a")])] * 4)
    scene.ledger.broken = FULL

    refused = [await scene.stage.ask(a_request(A)) for _ in range(2)]
    read = await scene.stage.ask(a_request(b"", method="GET"))
    other = await scene.stage.ask(a_request(b"{}", "/v1/embeddings"))
    sent = [request.target for request in scene.stage.upstream.sent]
    await scene.auditing.close()

    for answer in refused:
        assert (answer.source, answer.response.status) == ("proxy", 503)
        assert error_of(answer)["code"] == "recording_failed"
        assert error_of(answer)["message"] == FULL
        assert ("x-should-retry", "false") in answer.response.headers
    assert (read.response.status, other.response.status) == (200, 200)
    assert sent == [TARGET, "/v1/embeddings"]
    assert scene.told == [f"{FULL}; until it can, changes are refused and reads are not logged"]
    assert scene.ledger.entries == []


async def test_an_outcome_that_cannot_be_logged_is_logged_with_the_next_change() -> None:
    gate = asyncio.Event()
    scene = Scene("passthrough", Script([run_of(stage="a")], gate=gate), Script([run_of()]))

    first = asyncio.create_task(scene.stage.ask(a_request(A)))
    await scene.stage.upstream.was_sent(1)
    scene.ledger.broken = FULL
    gate.set()
    await first
    refused = await scene.stage.ask(a_request(A))
    scene.ledger.broken = None
    await scene.stage.ask(a_request(A))
    found = await scene.log()

    assert refused.response.status == 503
    assert [less(entry, "kind", "intent", "effect") for entry in found] == [
        ("intent", None, None),
        ("outcome", 1, "applied"),
        ("intent", None, None),
        ("outcome", 3, "not_applied"),
    ]
    assert scene.told[1:] == ["the audit log can be written again"]


async def test_changes_that_wait_together_are_one_durable_append() -> None:
    scene = Scene("passthrough", *[Script([run_of(stage="a")])] * 8)

    await asyncio.gather(*(scene.stage.ask(a_request(A)) for _ in range(8)))
    durable = [count for count, waited in scene.ledger.appends if waited]
    found = await scene.log()

    assert len(found) == 16
    assert sum(durable) >= 8
    assert len(durable) <= 2


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (Script(refused=UpstreamFailed(UpstreamFault.TIMEOUT, "It was silent.")), "It was silent."),
        (
            Script([b"half"], torn=UpstreamFailed(UpstreamFault.DISCONNECTED, "It went away.")),
            "It went away.",
        ),
    ],
)
async def test_without_an_answer_the_outcome_is_unknown_and_says_why(
    failure: Script, reason: str
) -> None:
    scene = Scene("record", failure)

    await scene.stage.ask(a_request(A))
    found = await scene.log()

    names = ("kind", "effect", "status", "after", "reason")
    assert less(found[1], *names) == ("outcome", "unknown", None, "unknown", reason)


async def test_what_is_under_way_at_the_end_is_concluded_as_unknown() -> None:
    never = asyncio.Event()
    scene = Scene("passthrough", Script([run_of()], gate=never))
    asking = asyncio.create_task(scene.stage.ask(a_request(A)))
    await scene.stage.upstream.was_sent(1)

    found = await scene.log()
    asking.cancel()

    assert less(found[1], "kind", "effect", "reason") == (
        "outcome",
        "unknown",
        "runreel stopped before the answer was known",
    )
    assert scene.ledger.closed


async def test_a_client_that_left_changes_nothing_of_the_outcome() -> None:
    scene = Scene("record", Script([run_of(stage="a")]))

    await scene.stage.ask(a_request(A), client_disconnected=lambda: True)
    found = await scene.log()

    assert less(found[1], "effect", "status") == ("applied", 200)
