"""The real SDKs of living servers, unchanged: recorded from a stand-in, replayed when it is gone.

Azure's refuse plain http before they send anything, so both the stand-in and runreel speak https.
"""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from certificates import make_certificate, showing
from clients.living import Line, application, prints
from processes import Ended, run
from runreel.server.app import Running
from servers import Proxy, RawUpstream
from simulated_upstreams import Simulated

PROJECT = "/api/projects/ours"
EVENTS = [
    *("thread.run.created", "thread.run.queued", "thread.run.in_progress"),
    *("thread.run.step.created", "thread.run.step.in_progress", "thread.message.created"),
    *("thread.message.in_progress", *["thread.message.delta"] * 9, "thread.message.completed"),
    *("thread.run.step.completed", "thread.run.completed"),
]


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with ours.pem and ours.key, which all parties show and trust."""
    make_certificate(tmp_path, "ours", "IP:127.0.0.1")
    return tmp_path


def _cassette(folder: Path) -> Any:
    return json.loads((folder / "default.json").read_text(encoding="utf-8"))


def _steps(lines: list[Line]) -> dict[str, Line]:
    return {line["step"]: line for line in lines}


def _https(proxy: Proxy, folder: Path, **settings: Any) -> AbstractAsyncContextManager[Running]:
    """A proxy that speaks https."""
    shown = {"listen__tls_cert": folder / "ours.pem", "listen__tls_key": folder / "ours.key"}
    return proxy(profile="azure_agents", **shown, **settings)


async def _azure(language: str, url: str, folder: Path, stage: str) -> list[Line]:
    command = application(language, "azure_agents")
    return await prints(command, f"{url}{PROJECT}", stage, trusts=folder / "ours.pem")


@pytest.mark.parametrize("language", ["python", "node"])
async def test_azures_agents_are_recorded_replayed_and_missed_with_both_values(
    language: str, proxy: Proxy, certificates: Path
) -> None:
    trust = {"upstream_options__ca_file": certificates / "ours.pem"}
    async with (
        RawUpstream(Simulated("azure_agents"), tls=showing(certificates, "ours")) as azure,
        _https(proxy, certificates, mode="record", upstream=azure.url, **trust) as running,
    ):
        recorded = await _azure(language, running.url, certificates, "draft")

    async with _https(proxy, certificates, mode="replay") as running:
        replayed = await _azure(language, running.url, certificates, "draft")
        receipt = running.receipt()
    async with _https(proxy, certificates, mode="replay") as running:
        changed = await _azure(language, running.url, certificates, "final")

    steps = _steps(recorded)
    assert recorded == replayed
    assert [line["status"] for line in recorded if line["step"] == "poll"] == [
        *("in_progress", "completed"),
    ]
    assert steps["update"]["metadata"] == {"stage": "draft"}
    assert steps["thread"]["metadata"] == {"topic": "é"}
    assert [name for name in steps["stream"]["events"] if name != "done"] == EVENTS
    assert recorded[-1] == {"step": "end"}
    assert (receipt["missed"], receipt["unplayed"], receipt["upstream_calls"]) == ([], [], 0)
    assert changed[:-1] == recorded[:-2]
    assert (changed[-1]["step"], changed[-1]["status"]) == ("refused", 424)
    assert "'final'" in changed[-1]["message"].replace('"', "'")
    assert "'draft'" in changed[-1]["message"].replace('"', "'")


@pytest.mark.parametrize("language", ["python", "node"])
async def test_around_a_command_azures_sdks_trust_runreel_by_themselves(
    language: str, upstream: RawUpstream, tmp_path: Path
) -> None:
    upstream.answer = Simulated("azure_agents")
    command = application(language, "azure_agents")
    told = ("sh", "-c", 'exec "$0" "$1" "$PROJECT_ENDPOINT" draft', *command)
    options = ("--tls", "--profile", "azure_agents", "--base-path", PROJECT, "--no-audit")
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}

    async def wrapped(mode: str, *more: str) -> Ended:
        arguments = (mode, *options, "--env", "PROJECT_ENDPOINT", *more, "--", *told)
        return await asyncio.to_thread(run, *arguments, cwd=tmp_path, env=env)

    recorded = await wrapped("record", "--upstream", upstream.url)
    await upstream.stop()
    replayed = await wrapped("replay")

    assert (recorded.code, replayed.code) == (0, 0), recorded.err + replayed.err
    assert replayed.out == recorded.out
    assert [json.loads(line)["step"] for line in recorded.out.splitlines()][-2:] == [
        *("update", "end"),
    ]


async def test_a_recording_of_azure_has_no_error_no_secret_and_no_noise(
    proxy: Proxy, certificates: Path
) -> None:
    trust = {"upstream_options__ca_file": certificates / "ours.pem"}
    async with (
        RawUpstream(Simulated("azure_agents"), tls=showing(certificates, "ours")) as azure,
        _https(proxy, certificates, mode="record", upstream=azure.url, **trust) as running,
    ):
        await _azure("python", running.url, certificates, "draft")

    text = (certificates / "default.json").read_text(encoding="utf-8")
    cassette = _cassette(certificates)

    assert cassette["profile"] == "azure_agents"
    # The SDK asks for a page after the last one, and an empty page has no ids.
    assert [
        (one["at"], one["severity"])
        for item in cassette["interactions"]
        for one in item.get("violations", [])
    ] == [("/first_id", "advice"), ("/last_id", "advice")]
    assert "FaKe0" not in text
    assert "0a1b2c3d4e5f60718293a4b5c6d7e8f9" not in text
    assert "x-ms-client-request-id" not in text.lower()
    sent = [item["request"]["headers"] for item in cassette["interactions"]]
    assert [line for lines in sent for line in lines if "openai-beta" in line.lower()] == []


async def _plain(
    proxy: Proxy, profile: str, script: str, base: str = ""
) -> tuple[list[Line], list[Line], list[Line], Any]:
    """What an application printed when it was recorded, replayed, and sent something else."""
    command = application("python", script)
    async with (
        RawUpstream(Simulated(profile)) as server,
        proxy(mode="record", upstream=server.url, profile=profile) as running,
    ):
        recorded = await prints(command, f"{running.url}{base}", "draft")
    async with proxy(mode="replay", profile=profile) as running:
        replayed = await prints(command, f"{running.url}{base}", "draft")
        receipt = running.receipt()
    async with proxy(mode="replay", profile=profile) as running:
        changed = await prints(command, f"{running.url}{base}", "final")
    return recorded, replayed, changed, receipt


async def test_dashscopes_update_of_a_run_is_recorded_replayed_and_missed(
    proxy: Proxy, tmp_path: Path
) -> None:
    found = await _plain(proxy, "dashscope", "dashscope_runs", "/api/v1")
    recorded, replayed, changed, receipt = found

    steps = _steps(recorded)
    assert recorded == replayed
    assert steps["update"]["metadata"] == {"stage": "draft"}
    assert steps["assistant"]["created_at"] > 10**12  # milliseconds
    assert steps["stream"]["events"] == EVENTS
    assert (receipt["missed"], receipt["unplayed"], receipt["upstream_calls"]) == ([], [], 0)
    assert (changed[-1]["step"], changed[-1]["status"]) == ("refused", 424)
    assert '"final"' in changed[-1]["message"]
    assert '"draft"' in changed[-1]["message"]
    interactions = _cassette(tmp_path)["interactions"]
    assert [item for item in interactions if item.get("violations")] == []


async def test_the_metadata_of_a_thread_of_langgraph_are_recorded_replayed_and_missed(
    proxy: Proxy, tmp_path: Path
) -> None:
    recorded, replayed, changed, receipt = await _plain(proxy, "langgraph", "langgraph_threads")

    assert recorded == replayed
    assert _steps(recorded)["update"]["metadata"] == {"owner": "é", "stage": "draft"}
    assert recorded[-1] == {"step": "end"}
    assert (receipt["missed"], receipt["unplayed"], receipt["upstream_calls"]) == ([], [], 0)
    assert (changed[-1]["step"], changed[-1]["status"]) == ("refused", 424)
    message = json.loads(changed[-1]["message"])["error"]["message"]
    assert '"final"' in message
    assert '"draft"' in message
    interactions = _cassette(tmp_path)["interactions"]
    assert [item["request"]["method"] for item in interactions] == [
        *("POST", "GET", "PATCH", "DELETE"),
    ]
    assert [item for item in interactions if item.get("violations")] == []
