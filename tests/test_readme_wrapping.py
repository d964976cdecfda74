"""README's recipes for test runners and for containers, as printed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from processes import run, runreel
from readme import ROOT, command
from wire import exchange

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
BODY = '{"metadata": {"user_id": "user_abc123"}}'

PYTHON = """
import os
import urllib.request

def test_modify() -> None:
    url = os.environ["OPENAI_BASE_URL"] + "/threads/thread_abc123/runs/run_abc123"
    headers = {"Content-Type": "application/json", "OpenAI-Beta": "assistants=v2"}
    body = b'{"metadata": {"user_id": "user_abc123"}}'
    assert urllib.request.urlopen(urllib.request.Request(url, body, headers)).status == 200
"""
NODE = """
import assert from "node:assert";
import { test } from "node:test";

test("modify", async () => {
  const url = process.env.OPENAI_BASE_URL + "/threads/thread_abc123/runs/run_abc123";
  const headers = { "Content-Type": "application/json", "OpenAI-Beta": "assistants=v2" };
  const body = '{"metadata": {"user_id": "user_abc123"}}';
  assert.equal((await fetch(url, { method: "POST", headers, body })).status, 200);
});
"""
GO = """
package example

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

func TestModify(t *testing.T) {
	url := os.Getenv("OPENAI_BASE_URL") + "/threads/thread_abc123/runs/run_abc123"
	body := strings.NewReader(`{"metadata": {"user_id": "user_abc123"}}`)
	request, _ := http.NewRequest("POST", url, body)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("OpenAI-Beta", "assistants=v2")
	reply, err := http.DefaultClient.Do(request)
	if err != nil || reply.StatusCode != 200 {
		t.Fatal(reply, err)
	}
}
"""

# (a piece of the command, what it runs, the files of the project)
RECIPES = [
    ("-- pytest", "pytest", {"tests/test_modify.py": PYTHON}),
    (
        "-- npm test",
        "npm",
        {"package.json": '{"scripts": {"test": "node --test"}}', "modify.test.mjs": NODE},
    ),
    ("-- go test", "go", {"go.mod": "module example\n", "modify_test.go": GO}),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with the cassette `mine`."""
    (tmp_path / "cassettes").mkdir()
    example = ROOT / "cassettes" / "examples" / "modify-run.json"
    shutil.copy(example, tmp_path / "cassettes" / "mine.json")
    return tmp_path


@pytest.mark.parametrize(("piece", "tool", "files"), RECIPES)
def test_a_test_runner_passes_offline_as_printed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, piece: str, tool: str, files: dict[str, str]
) -> None:
    places = (str(Path(sys.executable).parent), os.environ.get("OPENAI_GO", ""))
    monkeypatch.setenv("PATH", os.pathsep.join((*filter(None, places), os.environ["PATH"])))
    if shutil.which(tool) is None:
        if os.environ.get("CI"):
            pytest.fail(f"CI has to provide {tool}")
        pytest.skip(f"{tool} is not installed")
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    # Those of tests/clients/go/build, so that nothing has to be compiled again.
    monkeypatch.setenv("GOFLAGS", "'-gcflags=all=-N -l' '-ldflags=-s -w'")
    words = command(piece).removeprefix("runreel ").split()
    words.insert(1, "--fail-on-unplayed")

    ended = run(*words, cwd=folder)

    assert ended.code == 0, ended.out + ended.err
    assert "runreel: replay 'mine': 1 served, 0 recorded, 0 missed, 0 unplayed" in ended.err


async def test_a_container_is_reached_by_its_name_and_checked_as_printed(folder: Path) -> None:
    printed = command("--host 0.0.0.0")
    variables = dict(re.findall(r"(RUNREEL_\w+)=[\"'](.*?)[\"'] ", printed))
    variables["RUNREEL_LISTEN__ADMIN_TOKEN"] = "fake-" * 5
    words = printed.partition("runreel replay")[2].split()

    async with runreel("replay", *words, cwd=folder, env=variables) as proxy:
        url = proxy.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - as printed
        check = command("_runreel/health").replace("http://127.0.0.1:8080", url)
        healthy = subprocess.run(["bash", "-c", check], stdout=subprocess.PIPE, check=True)  # noqa: ASYNC221 - nothing else is under way
        statuses = [
            (await exchange(url, f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())).status
            for line, host in [
                ("GET /v1/threads", "runreel:8080"),
                ("GET /v1/threads", "other:8080"),
                ("GET /_runreel/sessions/default", "runreel:8080"),
            ]
        ]

    assert json.loads(healthy.stdout)["status"] == "ok"
    assert statuses == [424, 421, 401]
