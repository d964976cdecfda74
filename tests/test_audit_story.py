"""Thirty changes to four runs by three keys, through the real SDK: the log equals a table written
by hand. The upstream merges, drops the key `secret` and refuses the value `bad`.
"""

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from audited import log_in
from builders import FAKE_KEY
from servers import RUN, Proxy, RawUpstream, Received, http

KEYS = [FAKE_KEY + each for each in "123"]
CHANGED, NOT, PART, REFUSED = "applied", "not_applied", "partly_applied", "refused"

# (key, run, what is asked for, effect, the run's metadata then)
STORY: list[tuple[int, str, dict[str, str], str, dict[str, str]]] = [
    (0, "run_1", {"stage": "a"}, CHANGED, {"stage": "a"}),
    (1, "run_1", {"owner": "x"}, CHANGED, {"owner": "x", "stage": "a"}),
    (2, "run_1", {"stage": "b"}, CHANGED, {"owner": "x", "stage": "b"}),
    (0, "run_2", {"secret": "s"}, NOT, {}),
    (0, "run_2", {"secret": "s", "stage": "a"}, PART, {"stage": "a"}),
    (1, "run_2", {"stage": "bad"}, REFUSED, {"stage": "a"}),
    (1, "run_2", {"stage": "c"}, CHANGED, {"stage": "c"}),
    (2, "run_3", {"a": "1"}, CHANGED, {"a": "1"}),
    (2, "run_3", {"b": "2"}, CHANGED, {"a": "1", "b": "2"}),
    (2, "run_3", {"c": "3"}, CHANGED, {"a": "1", "b": "2", "c": "3"}),
    (0, "run_1", {"stage": "bad"}, REFUSED, {"owner": "x", "stage": "b"}),
    (1, "run_1", {"owner": "y", "secret": "s"}, PART, {"owner": "y", "stage": "b"}),
    (1, "run_3", {"a": ""}, CHANGED, {"b": "2", "c": "3"}),
    (1, "run_3", {"b": "2"}, CHANGED, {"b": "2", "c": "3"}),
    (0, "run_3", {"c": "4", "d": "5"}, CHANGED, {"b": "2", "c": "4", "d": "5"}),
    (0, "run_4", {"secret": "t"}, NOT, {}),
    (0, "run_4", {"secret": "u"}, NOT, {}),
    (1, "run_4", {"k": "\u00e9"}, CHANGED, {"k": "\u00e9"}),
    (2, "run_4", {"k": "bad"}, REFUSED, {"k": "\u00e9"}),
    (2, "run_4", {"k": "e", "l": "1"}, CHANGED, {"k": "e", "l": "1"}),
    (2, "run_4", {"l": ""}, CHANGED, {"k": "e"}),
    (0, "run_1", {"stage": "c"}, CHANGED, {"owner": "y", "stage": "c"}),
    (0, "run_1", {"stage": ""}, CHANGED, {"owner": "y"}),
    (1, "run_1", {}, CHANGED, {"owner": "y"}),
    (2, "run_2", {"stage": "d"}, CHANGED, {"stage": "d"}),
    (2, "run_2", {"x": "bad", "y": "1"}, REFUSED, {"stage": "d"}),
    (0, "run_2", {"x": "1", "y": "1"}, CHANGED, {"stage": "d", "x": "1", "y": "1"}),
    (1, "run_3", {"secret": "v", "d": ""}, PART, {"b": "2", "c": "4"}),
    (2, "run_4", {"k": "f"}, CHANGED, {"k": "f"}),
    (0, "run_1", {"stage": "z", "owner": ""}, CHANGED, {"stage": "z"}),
]


def merging(state: dict[str, dict[str, str]]) -> Any:
    """An upstream that keeps metadata, but for what it drops and refuses."""

    def answer(received: Received) -> bytes:
        run = received.target.rpartition("/")[2]
        headers = [("Content-Type", "application/json")]
        sent = json.loads(received.body)["metadata"] if received.body else {}
        if "bad" in sent.values():
            return http(400, headers, b'{"error":{"message":"no","type":"invalid_request_error"}}')
        merged = state.get(run, {}) | {name: sent[name] for name in sent if name != "secret"}
        state[run] = {name: value for name, value in merged.items() if value}
        return http(200, headers, json.dumps(RUN | {"id": run, "metadata": state[run]}).encode())

    return answer


@pytest.mark.filterwarnings("ignore:The Assistants API is deprecated")
async def test_the_log_is_the_story(proxy: Proxy, tmp_path: Path) -> None:
    state: dict[str, dict[str, str]] = {}
    settings = {"mode": "passthrough", "audit__path": tmp_path / "audit", "base_path": "/v1"}
    async with (
        RawUpstream(merging(state)) as upstream,
        proxy(upstream=upstream.url, cassettes=tmp_path / "c", **settings) as running,
    ):
        for key, run, requested, effect, _ in STORY:
            async with AsyncOpenAI(
                api_key=KEYS[key], base_url=f"{running.url}/v1", max_retries=0
            ) as client:
                modifying = client.beta.threads.runs.update(
                    run, thread_id="thread_abc123", metadata=requested
                )
                if effect == REFUSED:
                    with pytest.raises(openai.BadRequestError):
                        await modifying
                else:
                    await modifying

    log = log_in(tmp_path / "audit")
    intents, outcomes = log[::2], log[1::2]
    actors = {entry["actor"]: index for index, entry in enumerate(reversed(intents))}
    names = sorted(actors, key=actors.__getitem__, reverse=True)
    found = []
    known: dict[str, dict[str, str]] = {}
    for intent, outcome in zip(intents, outcomes, strict=True):
        assert (intent["kind"], outcome["kind"]) == ("intent", "outcome")
        assert outcome["intent"] == intent["seq"]
        assert intent["before"] == known.get(intent["run_id"], "unknown")
        if outcome["effect"] != REFUSED:
            known[outcome["run_id"]] = outcome["after"]
        found.append(
            (
                names.index(outcome["actor"]),
                outcome["run_id"],
                outcome["requested"],
                outcome["effect"],
                known.get(outcome["run_id"], {}),
            )
        )
    assert found == STORY
    assert "AsyncOpenAI/Python" in log[0]["client"]
    written = b"".join(path.read_bytes() for path in (tmp_path / "audit").glob("*.*l*"))
    assert not any(key.encode() in written for key in KEYS)
