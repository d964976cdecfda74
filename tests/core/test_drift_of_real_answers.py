"""Real answers of OpenAI side by side: what differs from run to run there is no drift."""

import itertools
import json
import re
from collections import Counter
from typing import Any

from builders import a_response
from documents import STREAM, needs, recorded_runs, recorded_stream
from drifting import EVENTS, between, of_streams
from runreel.http import sse
from runreel.http.messages import Response


def answer(run: dict[str, Any]) -> Response:
    return a_response(json.dumps(run, indent=2).encode())


@needs("runs.jsonl")
def test_of_runs_in_the_same_state_only_what_their_clients_asked_for_drifts() -> None:
    alike = [run for run in recorded_runs("2026") if run["status"] == "in_progress"]

    found = [between(answer(a), answer(b)) for a, b in itertools.pairwise(alike)]

    assert len(alike) > 100
    assert len({run["id"] for run in alike}) > 5
    told = Counter((item.kind, item.at) for drift in found for item in drift)
    assert told == {("new", "/tool_resources/code_interpreter"): 1}


@needs("runs.jsonl")
def test_a_run_in_another_state_has_drifted() -> None:
    runs = {run["status"]: run for run in recorded_runs("2026")}

    found = between(answer(runs["in_progress"]), answer(runs["completed"]))

    assert ("value", "/status") in [(item.kind, item.at) for item in found]


@needs(STREAM)
def test_a_real_stream_with_other_ids_times_and_pieces_has_not_drifted() -> None:
    recorded = sse.split(recorded_stream())
    names = [sse.name_of(event) for event in recorded]
    # Every second one of the pieces that follow one another comes with the one before it.
    live = [
        event.replace(b"17749638", b"17831112")
        for index, event in enumerate(recorded)
        if not (names[index].endswith(".delta") and names[index - 1] == names[index] and index % 2)
    ]
    renamed = [
        re.sub(rb"\b(run|msg|step|call)_\w{24}", rb"\1_0123456789abcdefghijklmn", item)
        for item in live
    ]

    assert len(recorded) - len(live) > 10
    assert of_streams(stream(recorded), stream(renamed)) == []
    assert of_streams(stream(recorded), stream(renamed[:-1])) != []


def stream(events: tuple[bytes, ...] | list[bytes]) -> Response:
    return Response(200, EVENTS, b"".join(events), (0,) * len(events))
