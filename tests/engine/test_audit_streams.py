"""The audit of answers that come as events: the last run in them counts."""

import asyncio
import json

import pytest

from audit_scenes import RUN, THREAD, Scene, less, run_of
from builders import a_request
from coded import gzipped
from fakes import Script
from runreel.errors import UpstreamFailed, UpstreamFault
from runreel.http.messages import Headers
from stages import LIVE, rest

EVENTS: Headers = (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))
TARGET = f"/v1/threads/{THREAD}/runs"
CREATE = b'{"assistant_id":"asst_1","stream":true,"metadata":{"stage":"a"}}'
CREATED = b"event: thread.run.created\ndata: " + run_of(stage="a") + b"\n\n"
ENDED = b"event: thread.run.completed\ndata: " + run_of(stage="a", by="x") + b"\n\n"
DONE = b"event: done\ndata: [DONE]\n\n"


@pytest.mark.parametrize("mode", LIVE)
async def test_a_stream_is_audited_by_its_last_run(mode: str) -> None:
    scene = Scene(mode, Script([CREATED, ENDED[:40], ENDED[40:], DONE], headers=EVENTS))

    answer = await scene.stage.ask(a_request(CREATE, TARGET))
    body = b"".join(await rest(answer.tail))
    intent, outcome = await scene.log()

    assert body == CREATED + ENDED + DONE
    assert less(intent, "operation", "run_id", "before") == ("createRun", None, None)
    assert less(outcome, "run_id", "after", "effect", "status", "reason") == (
        RUN,
        {"stage": "a", "by": "x"},
        "applied",
        200,
        None,
    )
    recorded = [document["id"] for document in scene.stage.documents]
    assert [outcome["interaction"]] == (recorded or [None])


async def test_a_torn_stream_counts_for_what_came_of_it() -> None:
    torn = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream went away.")
    scene = Scene("record", Script([CREATED, b"event: "], headers=EVENTS, torn=torn))

    answer = await scene.stage.ask(a_request(CREATE, TARGET))
    with pytest.raises(UpstreamFailed):
        await rest(answer.tail)
    outcome = (await scene.log())[1]

    assert less(outcome, "after", "effect", "status", "reason") == (
        {"stage": "a"},
        "applied",
        200,
        "The upstream went away.",
    )


async def test_a_stream_that_its_client_leaves_counts_for_what_came_of_it() -> None:
    left = asyncio.Event()
    scene = Scene("passthrough", Script([CREATED, ENDED, DONE], headers=EVENTS))

    answer = await scene.stage.ask(a_request(CREATE, TARGET), client_disconnected=left.is_set)
    assert answer.tail is not None
    first = await anext(answer.tail)
    left.set()
    others = await rest(answer.tail)
    outcome = (await scene.log())[1]

    assert (first, others) == (CREATED, [])
    assert less(outcome, "effect", "reason") == ("applied", "the stream was not read to its end")


async def test_a_coded_stream_is_read_as_it_passes() -> None:
    headers = (*EVENTS, ("Content-Encoding", "gzip"))
    coded = gzipped(CREATED + DONE)
    scene = Scene("passthrough", Script([coded[:30], coded[30:]], headers=headers))

    answer = await scene.stage.ask(a_request(CREATE, TARGET))
    body = b"".join(await rest(answer.tail))
    outcome = (await scene.log())[1]

    assert body == coded
    assert less(outcome, "run_id", "effect") == (RUN, "applied")


@pytest.mark.parametrize(
    ("path", "operation", "status", "effect"),
    [
        ("cancel", "cancelRun", 200, "applied"),
        ("cancel", "cancelRun", 400, "refused"),
        ("cancel", "cancelRun", 503, "unknown"),
        ("submit_tool_outputs", "submitToolOuputsToRun", 200, "applied"),
    ],
)
async def test_other_changes_have_the_effect_that_their_status_says(
    path: str, operation: str, status: int, effect: str
) -> None:
    scene = Scene("passthrough", Script([run_of(stage="a")], status=status))

    await scene.stage.ask(a_request(json.dumps({}).encode(), f"{TARGET}/{RUN}/{path}"))
    intent, outcome = await scene.log()

    assert less(intent, "operation", "requested") == (operation, None)
    assert less(outcome, "operation", "effect") == (operation, effect)


@pytest.mark.parametrize("path", [f"/v1/threads/{THREAD}", f"{TARGET}/{RUN}/steps/s1"])
async def test_calls_that_are_not_about_metadata_of_runs_are_not_logged(path: str) -> None:
    scene = Scene("passthrough", Script([run_of()]))

    await scene.stage.ask(a_request(b"{}", path, "GET"))

    assert await scene.log() == []
