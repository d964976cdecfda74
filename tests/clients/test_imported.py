"""Real old recordings, imported, and played to the applications that made them.

The `openai` package is the newest, and 1.99.7, which made two of them: OPENAI_199_PYTHON names its
interpreter. The script that CI runs makes it; elsewhere those cases are skipped by name.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from foreign import shared
from runreel.cli import main
from servers import Proxy

SCRIPT = Path(__file__).parent / "python" / "old_application.py"
IN_PROGRESS = "Cannot update run with status 'in_progress'."
NOT_A_STRING = "Invalid type for 'metadata.modified': expected a string, but got a boolean instead."


def _interpreter(version: str) -> str:
    if version == "newest":
        return sys.executable
    python = os.environ.get("OPENAI_199_PYTHON")
    if python is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide OPENAI_199_PYTHON")
        pytest.skip("OPENAI_199_PYTHON names no interpreter with openai 1.99.7")
    return python


async def _played(
    version: str, what: str, recording: str, proxy: Proxy, folder: Path
) -> tuple[Any, dict[str, Any]]:
    """What the application got of an imported recording, and the receipt."""
    main.main(
        ["cassette", "import", str(shared(recording)), "--to", "old", "--cassettes", str(folder)]
    )
    async with proxy(mode="replay", cassette="old", cassettes=folder) as running:
        process = await asyncio.create_subprocess_exec(
            _interpreter(version),
            str(SCRIPT),
            f"{running.url}/v1",
            what,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        receipt = running.receipt()
    assert process.returncode == 0
    said = json.loads(out)
    assert (said["version"] == "1.99.7") == (version == "1.99.7")
    return said["result"], receipt


@pytest.mark.parametrize("version", ["newest", "1.99.7"])
async def test_the_imported_stream_yields_the_events_that_were_sent(
    version: str, proxy: Proxy, tmp_path: Path
) -> None:
    name = "test_streaming_new_assistant.yaml"
    result, receipt = await _played(version, "streaming", name, proxy, tmp_path)

    recorded = yaml.safe_load(shared(name).read_bytes())["interactions"][4]
    events = recorded["response"]["body"]["string"].split("\n\n")
    pairs = [event.split("\n") for event in events if event and "[DONE]" not in event]
    assert len(result) == 94
    assert [(each["event"], each["data"]) for each in result] == [
        (event.removeprefix("event: "), json.loads(data.removeprefix("data: ")))
        for event, data in pairs
    ]
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (5, [], [])


@pytest.mark.parametrize("version", ["newest", "1.99.7"])
async def test_the_imported_polling_conversation_plays_in_order_to_its_end(
    version: str, proxy: Proxy, tmp_path: Path
) -> None:
    name = "test_new_assistant_with_polling.yaml"
    result, receipt = await _played(version, "polling", name, proxy, tmp_path)

    run = "run_31fgVjfVXHHOJZbQnBWJXhlN"
    assert result == [run, "completed", ["user", "assistant"], "Math Tutor"]
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (25, [], [])


@pytest.mark.parametrize("version", ["newest", "1.99.7"])
async def test_the_imported_errors_of_modify_run_come_back_with_their_texts(
    version: str, proxy: Proxy, tmp_path: Path
) -> None:
    result, receipt = await _played(version, "modifying", "runs_modify.yml", proxy, tmp_path)

    assert [(error["message"], error["param"], error["code"]) for error in result] == [
        (IN_PROGRESS, None, None),
        (IN_PROGRESS, None, None),
        (IN_PROGRESS, None, None),
        (NOT_A_STRING, "metadata.modified", "invalid_type"),
    ]
    assert (receipt["served"], receipt["missed"], receipt["unplayed"]) == (4, [], [])
