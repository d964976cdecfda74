"""README's commands for sessions, as printed."""

import json
import shutil
import subprocess
from pathlib import Path

from processes import runreel
from readme import ROOT, command


async def test_a_session_is_opened_used_and_ended_as_printed(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "cassettes", tmp_path / "cassettes")
    pieces = (
        '-d \'{"cassette": ',
        "curl -s http://127.0.0.1:8080/_runreel/s/",
        "curl -s -X DELETE",
    )
    async with runreel("replay", "--cassette", "examples/modify-run", cwd=tmp_path) as serving:
        opened, answered, ended = (
            json.loads(
                subprocess.run(  # noqa: ASYNC221 - nothing else is under way
                    ["bash", "-c", command(piece).replace("http://127.0.0.1:8080", serving.url)],
                    stdout=subprocess.PIPE,
                    check=True,
                ).stdout
            )
            for piece in pieces
        )
        await serving.stop()

    assert opened == {
        "id": "test-7",
        "base_url": f"{serving.url}/_runreel/s/test-7/v1",
        "cassette": "examples/modify-run",
        "mode": "replay",
    }
    assert answered["metadata"] == {"user_id": "user_abc123"}
    assert (ended["session"], ended["served"], ended["unplayed"]) == ("test-7", 1, [])
