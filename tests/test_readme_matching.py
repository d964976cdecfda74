"""README's rules of matching and its explanations, as they are printed."""

import shutil
from pathlib import Path

import pytest

from processes import Ended, run, runreel
from readme import ROOT, blocks, command
from servers import RawUpstream
from wire import Wire, post

EXPLAIN_MISS = command("runreel explain --last-miss")
EXPLAIN_CURL = command("runreel explain call.txt")
TARGET = "/v1/threads/thread_abc123/runs/run_abc123"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory like the repository's."""
    shutil.copytree(ROOT / "cassettes", tmp_path / "cassettes")
    return tmp_path


async def _modify(url: str, stage: str, trace: int) -> tuple[int, bytes]:
    wire = await Wire.open(url)
    body = b'{"metadata":{"stage":"%b","trace_id":"%d"}}' % (stage.encode(), trace)
    reply = await wire.send(post(TARGET, body))
    await wire.close()
    return reply.status, reply.body


def _explained(printed: str, folder: Path) -> Ended:
    return run(*printed.removeprefix("runreel ").split(), cwd=folder)


async def test_what_does_not_count_is_in_the_cassette_and_explained(
    folder: Path, upstream: RawUpstream
) -> None:
    (rules,) = [block for block in blocks("toml") if block.startswith("[match]")]
    (folder / "runreel.toml").write_text(rules, encoding="utf-8")
    (folder / "call.txt").write_text(command("curl -s http://127.0.0.1:8080/v1/threads"))
    record = ("record", "--cassette", "mine", "--upstream", upstream.url)
    async with runreel(*record, cwd=folder) as serving:
        await _modify(serving.url, "a", trace=1)
        await serving.stop()
    (folder / "runreel.toml").unlink()
    replay = ("replay", "--cassette", "mine", "--receipt", "receipt.json")
    async with runreel(*replay, cwd=folder) as serving:
        replayed = await _modify(serving.url, "a", trace=2)
        missed = await _modify(serving.url, "b", trace=3)
        await serving.stop()

    of_miss, of_curl = (_explained(printed, folder) for printed in (EXPLAIN_MISS, EXPLAIN_CURL))

    assert (replayed[0], missed[0]) == (200, 424)
    assert b"trace" not in missed[1]
    assert (of_miss.code, of_curl.code) == (1, 1)
    assert "  -body./metadata/trace_id: body /metadata/trace_id\n" in of_miss.out
    assert 'body /metadata/stage: sent "b", recorded "a"\n' in of_miss.out
    assert 'body /metadata/stage: sent nothing, recorded "a"\n' in of_curl.out


async def test_a_cassette_of_other_rules_is_noticed_when_it_is_loaded(folder: Path) -> None:
    (folder / "runreel.toml").write_text('[match]\nignore_query = ["trace"]\n')

    async with runreel("replay", "--cassette", "examples/modify-run", cwd=folder) as serving:
        line = await serving.log_line()

    assert line.partition(" ")[2] == (
        "problem cassette 'examples/modify-run' was recorded under other rules of matching than "
        "[match] sets: the cassette has nothing more, the configuration has -query.trace; what the "
        "configuration says applies\n"
    )
