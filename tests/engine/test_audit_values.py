"""What stands in the log of requests that say little, or too much; and reading a run first."""

import json

import pytest

from audit_scenes import RUN, THREAD, Scene, less, run_of
from builders import FAKE_KEY, TARGET, a_request
from fakes import Script
from runreel.errors import UpstreamFailed, UpstreamFault
from stages import KEY_HEADERS, UNREDACTABLE, A


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b'{"metadata":', "the request's body cannot be read as JSON"), (b"\xff", None)],
)
async def test_a_request_that_cannot_be_read_has_its_intent_all_the_same(
    body: bytes, reason: str | None
) -> None:
    scene = Scene("passthrough", Script([b'{"error":{}}'], status=400))

    await scene.stage.ask(a_request(body))
    intent, outcome = await scene.log()

    expected = reason or "the request's body cannot be read as JSON"
    assert less(intent, "kind", "run_id", "requested", "reason") == ("intent", RUN, None, expected)
    assert outcome["effect"] == "refused"


async def test_a_request_that_cannot_be_redacted_has_its_intent_without_what_it_says() -> None:
    scene = Scene("passthrough", Script([run_of(stage="a")]))

    await scene.stage.ask(a_request(A, headers=UNREDACTABLE))
    intent, outcome = await scene.log()

    assert less(intent, "run_id", "requested", "client") == (RUN, None, None)
    assert intent["reason"].startswith("the request cannot be redacted: ")
    assert outcome["after"] == {"stage": "a"}


async def test_values_are_redacted_on_both_sides_and_said_to_be() -> None:
    key = KEY_HEADERS[0][1].removeprefix("Bearer ")
    sent = json.dumps({"metadata": {"k": key}}).encode()
    scene = Scene("passthrough", Script([run_of(k=key)]))

    await scene.stage.ask(a_request(sent, headers=KEY_HEADERS))
    found = await scene.log()

    assert key not in json.dumps(found)
    names = ("requested", "after", "effect", "reason")
    assert less(found[1], *names) == (
        {"k": "REDACTED"},
        {"k": "REDACTED"},
        "applied",
        "compared as redacted: k",
    )


@pytest.mark.parametrize("body", [b'{"metadata":', b'{"metadata":{"a":9007199254740993}}'])
async def test_metadata_that_cannot_be_read_is_never_said_to_be_applied(body: bytes) -> None:
    scene = Scene("passthrough", Script([run_of(stage="a")]))

    await scene.stage.ask(a_request(body))
    intent, outcome = await scene.log()

    assert less(outcome, "requested", "effect", "status") == (None, "unknown", 200)
    assert outcome["reason"] == intent["reason"] is not None


async def test_a_change_is_audited_however_its_path_is_spelled_and_of_the_same_run() -> None:
    scene = Scene("passthrough", *(Script([run_of(stage=each)]) for each in "abc"))

    for target in (
        f"/v1/threads/{THREAD}/%72uns/{RUN}",
        f"/v1/threads/{THREAD}/runs/run%5Fabc123",
        f"/v1/threads/{THREAD}/runs/{RUN}/",
    ):
        await scene.stage.ask(a_request(A, target))
    found = await scene.log()

    names = ("operation", "thread_id", "run_id")
    assert [less(each, *names) for each in found] == [("modifyRun", THREAD, RUN)] * 6


async def test_a_secret_in_a_path_is_not_in_the_log_however_it_is_spelled() -> None:
    encoded = FAKE_KEY.replace("-", "%2D")
    scene = Scene("passthrough", Script([run_of(stage="a")]))

    await scene.stage.ask(a_request(A, f"/v1/threads/{THREAD}/runs/{encoded}"))
    found = await scene.log()

    assert [each["run_id"] for each in found] == ["REDACTED", "REDACTED"]


class TestFetchBefore:
    async def test_a_run_of_which_nothing_is_known_is_read_first_with_the_clients_headers(
        self,
    ) -> None:
        scripts = (Script([run_of(by="x")]), Script([run_of(stage="a")]), Script([run_of()]))
        scene = Scene("record", *scripts, fetch_before=True)

        await scene.stage.ask(a_request(A, headers=KEY_HEADERS))
        await scene.stage.ask(a_request(A, headers=KEY_HEADERS))
        found = await scene.log()

        sent = scene.stage.upstream.sent
        assert [(request.method, request.target) for request in sent] == [
            ("GET", TARGET),
            ("POST", TARGET),
            ("POST", TARGET),
        ]
        assert sent[0].headers == KEY_HEADERS
        assert [less(entry, "kind", "operation", "before") for entry in found[:2]] == [
            ("observation", "getRun", "unknown"),
            ("intent", "modifyRun", {"by": "x"}),
        ]
        assert found[0]["reason"] == "read by runreel before a change (audit.fetch_before)"
        assert [body for body, _, _ in scene.stage.kept] == [A, A]  # the reading is in no cassette
        assert scene.stage.told == [("recorded", 200, True)] * 2

    async def test_a_thread_is_read_first_too(self) -> None:
        def thread(**metadata: str) -> Script:
            shown = {"id": THREAD, "object": "thread", "metadata": metadata}
            return Script([json.dumps(shown).encode()])

        scene = Scene("passthrough", thread(by="x"), thread(stage="a"), fetch_before=True)

        await scene.stage.ask(a_request(A, f"/v1/threads/{THREAD}"))
        found = await scene.log()

        assert [less(entry, "operation", "before", "after") for entry in found] == [
            ("getThread", "unknown", {"by": "x"}),
            ("modifyThread", {"by": "x"}, None),
            ("modifyThread", {"by": "x"}, {"stage": "a"}),
        ]
        assert found[2]["resource"] == {"kind": "thread", "id": THREAD}

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            (Script([b"{}"], status=404), "it was answered 404, without the run"),
            (
                Script(refused=UpstreamFailed(UpstreamFault.TIMEOUT, "It was silent.")),
                "It was silent.",
            ),
        ],
    )
    async def test_a_run_that_cannot_be_read_is_unknown_before_and_that_is_said(
        self, script: Script, why: str
    ) -> None:
        scene = Scene("passthrough", script, Script([run_of(stage="a")]), fetch_before=True)

        answer = await scene.stage.ask(a_request(A))
        intent, outcome = await scene.log()

        assert answer.response.status == 200
        assert intent["before"] == "unknown"
        assert intent["reason"] == f"the run could not be read before: {why}"
        assert outcome["effect"] == "applied"
