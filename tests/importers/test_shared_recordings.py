"""The real recordings among the shared documents: what is imported is what stands in them.

The expectation is read by hand, with PyYAML and gzip alone.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from foreign import folder_of, imported, shared
from runreel.cassettes import load
from runreel.http.sse import split

COUNTS = {
    "runs_list.yml": 5,
    "runs_modify.yml": 4,
    "runs_modify_assistant_setup.yml": 2,
    "runs_modify_run_setup.yml": 6,
    "runs_modify_thread_setup.yml": 2,
    "runs_retrieve.yml": 4,
    "test_new_assistant_with_polling.yaml": 25,
    "test_streaming_new_assistant.yaml": 5,
}


def by_hand(path: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(path.read_bytes())
    interactions: list[dict[str, Any]] = (
        document["http_interactions"]
        if "http_interactions" in document
        else document["interactions"]
    )
    return interactions


def body_by_hand(interaction: dict[str, Any]) -> bytes:
    body = interaction["response"]["body"]["string"]
    raw = body if isinstance(body, bytes) else body.encode()
    return gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw


@pytest.fixture(params=COUNTS)
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    original = shared(request.param)
    link = tmp_path / original.name
    link.symlink_to(original)
    return link


def test_count_method_target_status_and_body_are_those_that_stand_there(recording: Path) -> None:
    found = imported(recording)

    expected = by_hand(recording)
    assert len(found) == COUNTS[recording.name]
    assert [
        (one.request.method, "https://api.openai.com" + one.request.target, one.response.status)
        for one in found
    ] == [
        (
            one["request"]["method"].upper(),
            one["request"]["uri"],
            one["response"]["status"]["code"],
        )
        for one in expected
    ]
    assert [one.response.body for one in found] == [body_by_hand(one) for one in expected]


def test_the_request_bodies_are_those_that_stand_there(recording: Path) -> None:
    found = imported(recording)

    sent = [one["request"]["body"] for one in by_hand(recording)]
    texts = [body["string"] if isinstance(body, dict) else body for body in sent]
    assert [one.request.body.decode() for one in found] == texts


def test_nothing_that_names_the_owner_survives(recording: Path) -> None:
    secrets = {
        value
        for one in by_hand(recording)
        for headers in (one["request"]["headers"], one["response"]["headers"])
        for name, values in headers.items()
        if name.lower()
        in ("cookie", "set-cookie", "openai-organization", "openai-project", "cf-ray")
        for value in (values if isinstance(values, list) else [values])
    }
    secrets |= {value.partition("=")[2].partition(";")[0] for value in secrets if "=" in value}

    imported(recording)

    text = (folder_of(recording) / "imported.json").read_text(encoding="utf-8")
    assert len(secrets) >= 4
    assert [secret for secret in secrets if secret and secret in text] == []
    assert '"Authorization"' not in text


def test_every_json_body_is_shown_as_json_and_the_stream_as_events(recording: Path) -> None:
    imported(recording)

    document = json.loads((folder_of(recording) / "imported.json").read_text(encoding="utf-8"))
    forms = [next(iter(one["response"]["body"])) for one in document["interactions"]]
    streams = 1 if "streaming" in recording.name else 0
    assert forms.count("json") == COUNTS[recording.name] - streams
    assert forms.count("events") == streams


def test_the_real_stream_is_kept_event_by_event_without_times(tmp_path: Path) -> None:
    found = imported(_linked("test_streaming_new_assistant.yaml", tmp_path))

    stream = found[4].response
    assert len(split(stream.body)) == 95
    assert stream.at_ms == (0,) * 95


def test_times_are_those_of_the_recording_or_of_its_answers(tmp_path: Path) -> None:
    of_ruby = imported(_linked("runs_modify.yml", tmp_path))
    of_vcrpy = imported(_linked("test_new_assistant_with_polling.yaml", tmp_path), "--force")

    assert [one.recorded_at.isoformat() for one in of_ruby] == [
        "2023-11-14T21:49:30+00:00",
        "2024-04-27T20:48:03+00:00",
        "2024-04-27T22:07:48+00:00",
        "2024-04-29T23:35:34+00:00",
    ]
    assert of_vcrpy[0].recorded_at.isoformat() == "2026-03-31T13:30:42+00:00"


def test_the_profile_is_chosen_by_the_api_version_that_was_asked_for(tmp_path: Path) -> None:
    path = _linked("runs_retrieve.yml", tmp_path)

    found = imported(path)

    betas = [dict(one.request.headers)["Openai-Beta"] for one in found]
    assert betas == ["assistants=v1", "assistants=v1", "assistants=v1", "assistants=v2"]
    assert load(folder_of(path) / "imported.json").profile == "openai"
    # Under the models of today, each of the first three would lack what its API did not have.
    assert [[item.at for item in one.violations] for one in found] == [
        *([], [], []),
        ["/max_completion_tokens", "/parallel_tool_calls"],
    ]


def _linked(name: str, folder: Path) -> Path:
    link = folder / name
    link.symlink_to(shared(name))
    return link
