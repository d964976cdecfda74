"""The receipt's shape is fixed: scripts read it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from builders import FAKE_KEY, JSON_HEADERS, TARGET
from servers import Proxy, RawUpstream, Received, http
from wire import Wire, exchange, post

Recorded = dict[str, Any]

MEMBERS = [
    *("session", "mode", "cassette", "cassette_sha256", "requests", "served", "redacted"),
    "recorded",
    *(
        "not_stored",
        "failed",
        "missed",
        "unplayed",
        "not_rerecorded",
        "upstream_calls",
        "violations",
    ),
]
DIFF = [
    "+++ sent",
    f" POST {TARGET}",
    "-openai-beta: assistants=v2",
    " {",
    '   "metadata": {',
    '+    "by": "me",',
    '-    "stage": "a",',
    '+    "stage": "c",',
    "   },",
    " }",
]
NOW_AND_THEN = ["unplayed_calls", "cassette_file"]


def stage(name: str, headers: tuple[tuple[str, str], ...] = JSON_HEADERS) -> bytes:
    return post(TARGET, b'{"metadata":{"stage":"%s"}}' % name.encode(), headers)


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


@pytest.fixture
async def recorded(proxy: Proxy, upstream: RawUpstream, tmp_path: Path) -> Recorded:
    """The receipt of a session that recorded the stages a, a and b."""
    path = tmp_path / "recorded.json"
    async with proxy(mode="record", upstream=upstream.url, receipt=path) as running:
        for name in ("a", "a", "b"):
            await exchange(running.url, stage(name))
    found: Recorded = read(path)
    return found


def ids(tmp_path: Path) -> list[str]:
    return [item["id"] for item in read(tmp_path / "default.json")["interactions"]]


def test_a_recording_session_counts_what_it_recorded(recorded: Recorded, tmp_path: Path) -> None:
    digest = recorded.pop("cassette_sha256")

    assert digest == _sha256(tmp_path / "default.json")
    assert recorded == {
        "session": "default",
        "mode": "record",
        "cassette": "default",
        "requests": 3,
        "served": 0,
        "redacted": 0,
        "recorded": 3,
        "not_stored": 0,
        "failed": 0,
        "missed": [],
        "unplayed": [],
        "not_rerecorded": [],
        "upstream_calls": 3,
        "violations": 0,
        "cassette_file": str(tmp_path / "default.json"),
        "changes": {"new": 3, "replaced": 0, "unchanged": 0, "dropped": 0},
        "sessions": [],
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_its_members_are_those_of_the_interface_in_that_order(
    proxy: Proxy, recorded: Recorded
) -> None:
    async with proxy(mode="replay") as running:
        found = running.receipt()

    assert list(recorded) == [*MEMBERS, "changes", "cassette_file", "sessions"]
    assert list(found) == [*MEMBERS, *NOW_AND_THEN, "sessions"]


async def test_a_replay_counts_what_it_served_and_lists_what_it_left(
    proxy: Proxy, recorded: Recorded, tmp_path: Path
) -> None:
    first, second, third = ids(tmp_path)
    path = tmp_path / "replayed.json"

    async with proxy(mode="replay", receipt=path) as running:
        await exchange(running.url, stage("a"))

    found = read(path)
    assert found["mode"] == "replay"
    assert (found["served"], found["recorded"], found["upstream_calls"]) == (1, 0, 0)
    assert found["missed"] == []
    assert found["unplayed"] == [second, third]
    assert second == first + "-2"
    assert found["cassette_file"] == str(tmp_path / "default.json")
    assert found["unplayed_calls"] == [
        {
            "id": id_,
            "method": "POST",
            "target": TARGET,
            "body": f'{{"metadata": {{"stage": "{at}"}}}}',
        }
        for id_, at in ((second, "a"), (third, "b"))
    ]
    assert found["cassette_sha256"] == recorded["cassette_sha256"]


async def test_a_miss_names_the_nearest_and_both_sides_of_each_difference(
    proxy: Proxy, recorded: Recorded, tmp_path: Path
) -> None:
    nearest = ids(tmp_path)[0]
    sent = post(
        TARGET, b'{"metadata":{"stage":"c","by":"me"}}', (("Content-Type", "application/json"),)
    )

    async with proxy(mode="replay") as running:
        await exchange(running.url, sent)
        found = running.receipt()

    assert recorded["recorded"] == 3
    assert found["missed"] == [
        {
            "method": "POST",
            "target": TARGET,
            "code": "no_matching_interaction",
            "nearest": nearest,
            "differences": [
                {"facet": "body", "at": "/metadata/by", "sent": "me"},
                {"facet": "body", "at": "/metadata/stage", "sent": "c", "recorded": "a"},
                {"facet": "header.openai-beta", "at": "", "recorded": "assistants=v2"},
            ],
            "message": (
                f'No recording matches POST {TARGET}: body /metadata/by: sent "me", recorded '
                f"nothing, and 2 more; nearest in cassette 'default' is {nearest}."
            ),
            "details": [
                f"--- recorded: {nearest}",
                *DIFF,
                "0 of 3 played",
                f"cassette: {tmp_path / 'default.json'}",
            ],
            "remedy": None,
            "request": {
                "method": "POST",
                "target": TARGET,
                "headers": ["Content-Type: application/json"],
                "body": {"json": {"metadata": {"stage": "c", "by": "me"}}, "layout": "compact"},
            },
        }
    ]
    assert (found["served"], len(found["unplayed"])) == (0, 3)


async def test_a_call_too_many_is_exhausted_and_differs_in_nothing(
    proxy: Proxy, recorded: Recorded, tmp_path: Path
) -> None:
    last = ids(tmp_path)[2]

    async with proxy(mode="replay") as running:
        for name in "aabb":
            await exchange(running.url, stage(name))
        found = running.receipt()

    assert recorded["recorded"] == 3
    (miss,) = found["missed"]
    assert miss["code"] == "interaction_exhausted"
    assert (miss["nearest"], miss["differences"]) == (last, [])
    assert found["served"] == 3


async def test_a_miss_holds_no_credential(proxy: Proxy, recorded: Recorded, tmp_path: Path) -> None:
    key = (("Authorization", f"Bearer {FAKE_KEY}"), *JSON_HEADERS)
    path = tmp_path / "replayed.json"

    async with proxy(mode="replay", receipt=path) as running:
        await exchange(running.url, stage(FAKE_KEY, key))

    assert recorded["recorded"] == 3
    assert len(read(path)["missed"]) == 1
    assert FAKE_KEY not in path.read_text()


async def test_a_miss_with_half_a_surrogate_pair_can_be_written(
    proxy: Proxy, recorded: Recorded, tmp_path: Path
) -> None:
    path = tmp_path / "replayed.json"

    async with proxy(mode="replay", receipt=path) as running:
        await exchange(running.url, stage("\\ud800"))

    assert recorded["recorded"] == 3
    (miss,) = read(path)["missed"]
    assert miss["differences"] == [
        {"facet": "body", "at": "/metadata/stage", "sent": "\ud800", "recorded": "a"}
    ]


async def test_a_recording_that_was_not_asked_for_again_is_listed(
    proxy: Proxy, upstream: RawUpstream, recorded: Recorded, tmp_path: Path
) -> None:
    last = ids(tmp_path)[2]

    async with proxy(mode="record", upstream=upstream.url) as running:
        for _ in range(2):
            await exchange(running.url, stage("a"))
        found = running.receipt()

    assert (recorded["not_rerecorded"], found["not_rerecorded"]) == ([], [last])
    assert found["unplayed"] == []
    assert found["recorded"] == 2


async def test_what_could_not_be_stored_is_counted(proxy: Proxy, upstream: RawUpstream) -> None:
    async with proxy(
        mode="record", upstream=upstream.url, limits__response_body_bytes_max=10
    ) as running:
        wire = await Wire.open(running.url)
        reply = await wire.send(stage("a"))
        await wire.close()
        found = running.receipt()

    assert reply.values("x-runreel-recorded") == ["no"]
    assert (found["recorded"], found["not_stored"], found["upstream_calls"]) == (0, 1, 1)


async def test_the_findings_on_what_was_recorded_are_counted(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    def without_a_name(_: Received) -> bytes:
        return http(200, [("Content-Type", "application/json")], b'{"object": "thread.run"}')

    upstream.answer = without_a_name

    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, stage("a"))
        found = running.receipt()

    assert found["recorded"] == 1
    assert found["violations"] >= 1


async def test_a_session_that_passes_through_counts_its_calls(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    async with proxy(mode="passthrough", upstream=upstream.url) as running:
        await exchange(running.url, stage("a"))
        found = running.receipt()

    assert (found["mode"], found["cassette_sha256"]) == ("passthrough", None)
    assert (found["upstream_calls"], found["recorded"], found["not_stored"]) == (1, 0, 0)


async def test_a_receipt_so_far_does_not_change_later(proxy: Proxy, recorded: Recorded) -> None:
    async with proxy(mode="replay") as running:
        await exchange(running.url, stage("x"))
        early = running.receipt()
        await exchange(running.url, stage("y"))
        late = running.receipt()

    assert recorded["recorded"] == 3
    assert (len(early["missed"]), len(late["missed"])) == (1, 2)
