"""A story of 30 changes to 4 runs by 3 keys, told through the real SDK to an upstream of its own.

That upstream merges metadata, takes a key with an empty value out, accepts the key `debug` and
never sets it, and refuses the key `forbidden`.
"""

import json
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import openai
import pytest

from builders import FAKE_KEY
from runreel.ports import SystemClock
from servers import RUN, RawUpstream, Received, http

JSON = [("Content-Type", "application/json")]
REFUSED = {"error": {"message": "Not allowed.", "type": "invalid_request_error"}}

# Minute after ten, whose key, run, and the metadata asked for.
CHANGES: tuple[tuple[int, str, str, dict[str, str]], ...] = (
    (1, "A", "run_1", {"stage": "a"}),
    (2, "A", "run_2", {"stage": "a"}),
    (3, "B", "run_3", {"stage": "a", "debug": "1"}),
    (4, "C", "run_4", {"stage": "b"}),
    (5, "B", "run_1", {"stage": "b"}),
    (6, "C", "run_1", {"note": "x"}),
    (7, "A", "run_2", {"debug": "1"}),
    (8, "A", "run_3", {"stage": "b"}),
    (9, "B", "run_4", {"forbidden": "1"}),
    (10, "C", "run_2", {"owner": "dev"}),
    (11, "A", "run_4", {"stage": "c", "note": "n"}),
    (12, "B", "run_1", {"stage": "b"}),
    (13, "C", "run_3", {"debug": "2"}),
    (14, "A", "run_3", {"stage": "c", "debug": "3"}),
    (15, "B", "run_2", {"stage": "b"}),
    (16, "C", "run_4", {"note": "m"}),
    (17, "A", "run_1", {"note": "y"}),
    (18, "B", "run_2", {"forbidden": "2", "stage": "z"}),
    (19, "C", "run_3", {"stage": "d"}),
    (20, "A", "run_4", {"forbidden": "3"}),
    (21, "B", "run_1", {"stage": "c", "note": "z"}),
    (22, "C", "run_2", {"note": "1"}),
    (23, "A", "run_3", {"debug": "4"}),
    (24, "B", "run_4", {"stage": "d"}),
    (25, "C", "run_1", {"debug": "5", "stage": "d"}),
    (26, "A", "run_2", {"stage": "c"}),
    (27, "B", "run_3", {"note": "q"}),
    (28, "C", "run_4", {"forbidden": "4"}),
    (29, "A", "run_1", {"note": ""}),
    (30, "B", "run_2", {"owner": "ops"}),
)
# After some minute somebody reads a run; before the second read it was changed behind our back.
READS = {10: ("C", "run_2"), 16: ("A", "run_3")}


@dataclass
class Stories:
    """The runs of the upstream."""

    runs: dict[str, dict[str, str]] = field(
        default_factory=lambda: {
            "run_1": {},
            "run_2": {"owner": "ops"},
            "run_3": {},
            "run_4": {"stage": "new"},
        }
    )

    def answer(self, received: Received) -> bytes:
        name = received.target.rpartition("/")[2]
        metadata = self.runs[name]
        asked = json.loads(received.body)["metadata"] if received.body else {}
        if "forbidden" in asked:
            return http(400, JSON, json.dumps(REFUSED).encode())
        metadata |= {key: value for key, value in asked.items() if key != "debug"}
        for key in [key for key, value in metadata.items() if value == ""]:
            del metadata[key]
        run = RUN | {"id": name, "thread_id": "thread_1", "metadata": metadata}
        return http(200, JSON, json.dumps(run).encode())


@asynccontextmanager
async def _speakers(url: str) -> AsyncIterator[dict[str, Any]]:
    """For each key the runs of a client."""
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=FAKE_KEY, max_retries=0) as client:
        yield {
            who: client.with_options(api_key=f"{FAKE_KEY}{who}").beta.threads.runs for who in "ABC"
        }


async def tell(url: str, upstream: RawUpstream, clock: pytest.MonkeyPatch) -> None:
    """Make all changes and reads, one after another; it is the minute that the story says."""
    stories = Stories()
    upstream.answer = stories.answer

    def it_is(minute: int, second: int) -> None:
        now = datetime(2026, 11, 22, 10, minute, second, tzinfo=UTC)
        clock.setattr(SystemClock, "now", lambda _: now)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the whole API
        async with _speakers(url) as speakers:
            for minute, who, run, metadata in CHANGES:
                it_is(minute, 0)
                try:
                    await speakers[who].update(run, thread_id="thread_1", metadata=metadata)
                except openai.BadRequestError:
                    assert "forbidden" in metadata
                if minute in READS:
                    it_is(minute, 30)
                    reader, read = READS[minute]
                    if read == "run_3":
                        stories.runs[read]["owner"] = "root"
                    await speakers[reader].retrieve(read, thread_id="thread_1")
