"""README's commands, run as they are printed.

Only three things are put in their place: `runreel` for the interpreter under test, ports that are
free here for 8080 and 8000, and a copy of the repository's cassettes for the working directory.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from foreign import URL, vcrpy
from processes import Serving, runreel
from readme import README, ROOT, RUN_BY, blocks, command, commands
from servers import RUN, RawUpstream, http
from wire import Wire, post

INSTALL_AND_TEST = command("'.[test]'")
CASSETTE_TOOLS = [
    line for line in commands() if re.match(r"runreel cassette (?!import|export)", line)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory like the repository's."""
    shutil.copytree(ROOT / "cassettes", tmp_path / "cassettes")
    return tmp_path


@asynccontextmanager
async def _as_printed(
    printed: str, folder: Path, upstream: RawUpstream | None = None
) -> AsyncIterator[Serving]:
    words = printed.rpartition("runreel ")[2].split()
    if upstream is not None:
        words = [word.replace("http://127.0.0.1:8000", upstream.url) for word in words]
    async with runreel(*words, cwd=folder) as serving:
        yield serving


async def _modify(serving: Serving, value: str) -> tuple[int, bytes]:
    wire = await Wire.open(serving.url)
    body = b'{"metadata":{"stage":"%b"}}' % value.encode()
    reply = await wire.send(post("/v1/threads/thread_abc123/runs/run_abc123", body))
    await wire.close()
    return reply.status, reply.body


async def _output(*command: str, cwd: Path) -> str:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=environment, stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@pytest.mark.parametrize("line", commands())
def test_each_command_is_run_by_a_test(line: str) -> None:
    files = [file for piece, file in RUN_BY.items() if piece in f"{line}$"]

    assert len(files) == 1


@pytest.mark.parametrize(("piece", "file"), RUN_BY.items())
def test_the_test_that_runs_a_command_names_it(piece: str, file: str) -> None:
    assert len([line for line in commands() if piece in f"{line}$"]) == 1
    assert repr(piece)[1:-1] in (ROOT / "tests" / file).read_text(encoding="utf-8") or (
        piece.startswith("runreel cassette ") and file == "test_readme.py"
    )


def test_the_two_commands_that_set_everything_up_are_the_only_ones_that_install() -> None:
    # The first runs in tests/install, the second is how these tests came to run in CI.
    assert command(".venv/bin/runreel demo") == commands()[0]
    assert INSTALL_AND_TEST == (
        "python3 -m venv .venv && .venv/bin/pip install --quiet -e '.[test]' && "
        ".venv/bin/pytest -n auto"
    )
    assert sum("install" in line for line in commands()) == 2
    assert "'.[test]'" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


async def test_the_shipped_cassette_answers_readmes_curl_and_readmes_sdk_call(folder: Path) -> None:
    sdk_call, _ = blocks("python")
    async with _as_printed(command("runreel replay --repeat last"), folder) as serving:
        answered = [
            await _output(
                "bash",
                "-c",
                command("curl -s http://127.0.0.1:8080/v1/threads").replace(
                    "http://127.0.0.1:8080", serving.url
                ),
                cwd=folder,
            )
            for _ in range(2)
        ]
        printed = await _output(
            sys.executable,
            *("-W", "ignore", "-c"),
            sdk_call.replace("http://127.0.0.1:8080", serving.url),
            cwd=folder,
        )

    assert serving.ready_line.startswith(
        "runreel: replay 'examples/modify-run' (1 interaction) at "
    )
    assert answered[0].startswith('{\n  "id": "run_abc123",\n')
    assert answered[0] == answered[1]
    assert printed == "completed {'user_id': 'user_abc123'}\n"


async def test_recording_replaying_auditing_and_adding_work_as_printed(
    folder: Path, upstream: RawUpstream
) -> None:
    async with _as_printed(command("runreel record --cassette mine"), folder, upstream) as serving:
        recorded = await _modify(serving, "a")
        await serving.stop()
    async with _as_printed(command("runreel replay --cassette mine$"), folder) as serving:
        replayed = await _modify(serving, "a")
        await serving.stop()
    async with _as_printed(command("--receipt receipt.json"), folder) as serving:
        missed = await _modify(serving, "b")
        await serving.stop()
    async with _as_printed(command("runreel new_episodes"), folder, upstream) as serving:
        await _modify(serving, "a")  # what stands there comes first
        added = await _modify(serving, "b")
        await serving.stop()
    changes = await _output("bash", "-c", command("runreel audit log --cassette"), cwd=folder)
    last = await _output(*command("tail -n 1 audit/checkpoints.log").split(), cwd=folder)

    assert [recorded[0], replayed[0], missed[0], added[0]] == [200, 200, 424, 200]
    assert b'"stage": "a"' in replayed[1]
    assert b'body /metadata/stage: sent \\"b\\", recorded \\"a\\"' in missed[1]
    assert '"upstream_calls": 0' in (folder / "receipt.json").read_text(encoding="utf-8")
    assert [line.split()[0] for line in changes.splitlines()] == ["ENTRY", "2", "4"]
    assert changes.count('-> "a"\n') == changes.count('-> "b"\n') == 1
    assert json.loads(last)["size"] == 4  # of two changes, each an intent and an outcome


async def test_an_old_recording_is_imported_and_exported_as_printed(folder: Path) -> None:
    vcrpy(folder / "old.yaml")

    reported = await _output("bash", "-c", command("runreel cassette import"), cwd=folder)
    said = await _output("bash", "-c", command("runreel cassette export"), cwd=folder)

    assert reported.startswith("old.yaml -> 'old': 1 imported, 0 skipped; violations: ")
    assert said == ""
    exported = json.loads((folder / "old.har").read_text(encoding="utf-8"))
    (entry,) = exported["log"]["entries"]
    assert entry["request"]["url"] == URL


async def test_verifying_works_as_printed_with_the_rule_as_printed(
    folder: Path, upstream: RawUpstream
) -> None:
    (rule,) = [block for block in blocks("toml") if block.startswith("[verify]")]
    async with _as_printed(command("runreel record --cassette mine"), folder, upstream) as serving:
        await _modify(serving, "a")
        await serving.stop()
    changed = RUN | {"metadata": {"stage": "a"}, "status": "failed"}
    upstream.answer = lambda _: http(
        200, [("Content-Type", "application/json")], json.dumps(changed).encode()
    )

    async with _as_printed(command("runreel verify"), folder, upstream) as serving:
        await _modify(serving, "a")
        drifted = await serving.stop()
    report = json.loads((folder / "drift.json").read_text(encoding="utf-8"))
    (folder / "runreel.toml").write_text(rule, encoding="utf-8")
    async with _as_printed(command("runreel verify"), folder, upstream) as serving:
        await _modify(serving, "a")
        ignored = await serving.stop()

    assert [item["differences"] for item in report["drift"]] == [
        [{"kind": "value", "at": "/status", "recorded": "completed", "live": "failed"}]
    ]
    assert (drifted.code, ignored.code) == (5, 0)


async def test_the_simulator_answers_what_nobody_recorded(folder: Path) -> None:
    async with _as_printed(command("runreel simulate"), folder) as serving:
        wire = await Wire.open(serving.url)
        beta = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))
        reply = await wire.send(post("/v1/threads", b'{"metadata":{"stage":"new"}}', beta))
        await wire.close()

    assert command("runreel simulate") == "runreel simulate"
    assert b'"stage": "new"' in reply.body


async def test_the_configuration_commands_work_as_printed(folder: Path) -> None:
    checked = await _output("bash", "-c", command("runreel config check"), cwd=folder)
    shown = await _output("bash", "-c", command("runreel config show"), cwd=folder)

    assert checked.startswith("runreel: ")
    assert 'mode = "replay"' in shown


async def test_the_commands_for_cassettes_in_git_work_as_printed(folder: Path) -> None:
    git = "git -c user.name=x -c user.email=x@example.org"
    setup = f"git init -q && git add cassettes && {git} commit -q -m Record"
    await _output("bash", "-c", setup, cwd=folder)
    hook = re.search(r"^ +entry: (.*)$", README, re.MULTILINE)
    assert hook is not None
    as_hook = f"{hook[1]} cassettes/examples/modify-run.json"
    list_, show, show_one, check, diff, scrub, upgrade = CASSETTE_TOOLS

    said = {
        line: await _output(
            "bash", "-c", line.replace("runreel", f"{sys.executable} -m runreel", 1), cwd=folder
        )
        for line in (*CASSETTE_TOOLS, as_hook)
    }

    assert said[list_].startswith("NAME                 INTERACTIONS  AGE ")
    assert said[show].startswith(
        "modifyRun-55f2ed47  2026-08-21T00:00:00Z  200  POST  /v1/threads/"
    )
    assert 'metadata sent: {"user_id": "user_abc123"}\n' in said[show_one]
    assert said[check] == said[as_hook] == "runreel: 1 cassette checked, 0 findings\n"
    assert said[diff] == ""
    assert said[scrub] == "runreel: examples/modify-run: nothing to scrub\n"
    assert said[upgrade] == "runreel: examples/modify-run: format 1 already\n"
