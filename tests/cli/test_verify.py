"""`runreel verify` ends with 5 when an answer drifted, and only then."""

import json
import signal
from pathlib import Path

import pytest

from processes import run, runreel
from servers import RawUpstream, Received, http
from wire import exchange, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"


def stage(name: str) -> bytes:
    return post(PATH, b'{"metadata":{"stage":"%s"}}' % name.encode())


@pytest.fixture
async def mine(tmp_path: Path, upstream: RawUpstream) -> Path:
    """A folder with a cassette in which the stages a and b are recorded."""
    async with runreel("record", "--upstream", upstream.url, cwd=tmp_path) as proxy:
        await exchange(proxy.url, stage("a"))
        await exchange(proxy.url, stage("b"))
        await proxy.stop()
    return tmp_path


def changed(_: Received) -> bytes:
    return http(200, [("Content-Type", "application/json")], b'{"id":"run_abc123"}')


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", [["verify"], ["serve", "--mode", "verify"]])
async def test_drift_ends_it_with_5_and_stands_in_the_receipt(
    mine: Path, upstream: RawUpstream, words: list[str], number: int
) -> None:
    upstream.answer = changed
    arguments = (*words, "--upstream", upstream.url, "--receipt", "drift.json")

    async with runreel(*arguments, cwd=mine) as proxy:
        first = proxy.ready_line
        reply = await exchange(proxy.url, stage("a"))
        ended = await proxy.stop(number)

    assert first == f"runreel: verify 'default' (2 interactions) at {proxy.url}\n"
    assert reply.body == b'{"id":"run_abc123"}'
    assert (ended.code, ended.out) == (5, "")
    report = json.loads((mine / "drift.json").read_text(encoding="utf-8"))
    assert len(report["drift"]) == 1
    assert {"kind": "gone", "at": "/object", "recorded": "thread.run"} in (
        report["drift"][0]["differences"]
    )
    assert _verified(ended.err).startswith(
        "verified 1 compared with cassette 'default', 1 drifted ("
    )


def _verified(log: str) -> str:
    (line,) = [line for line in log.splitlines() if line[9:].startswith("verified ")]
    return line[9:]


async def test_drift_in_any_session_ends_it_with_5(mine: Path, upstream: RawUpstream) -> None:
    upstream.answer = changed

    async with runreel("verify", "--upstream", upstream.url, cwd=mine) as proxy:
        wanted = b'{"cassette": "default", "mode": "verify", "id": "other"}'
        opened = await exchange(proxy.url, post("/_runreel/sessions", wanted))
        body = b'{"metadata":{"stage":"a"}}'
        await exchange(proxy.url, post("/_runreel/s/other" + PATH, body))
        ended = await proxy.stop()

    assert (opened.status, ended.code) == (201, 5)


async def test_without_drift_it_ends_with_0_whatever_is_new_or_not_asked_for(
    mine: Path, upstream: RawUpstream
) -> None:
    async with runreel("verify", "--upstream", upstream.url, cwd=mine) as proxy:
        await exchange(proxy.url, stage("a"))
        await exchange(proxy.url, stage("c"))
        ended = await proxy.stop()

    assert ended.code == 0
    assert _verified(ended.err) == (
        "verified 1 compared with cassette 'default', 0 drifted (0 differences), 0 not compared, "
        "1 new, 1 recordings not asked for"
    )


async def test_as_json_the_last_line_is_an_object_too(mine: Path, upstream: RawUpstream) -> None:
    arguments = ("verify", "--upstream", upstream.url, "--log-format", "json", "--quiet")

    async with runreel(*arguments, cwd=mine) as proxy:
        await exchange(proxy.url, stage("a"))
        ended = await proxy.stop()

    (line,) = ended.err.splitlines()
    assert json.loads(line)["verified"].startswith("1 compared with cassette 'default', 0 drifted")


async def test_a_receipt_that_cannot_be_written_at_the_end_is_worse_than_drift(
    mine: Path, upstream: RawUpstream
) -> None:
    upstream.answer = changed
    (mine / "out").mkdir()
    arguments = ("verify", "--upstream", upstream.url, "--receipt", "out/drift.json")

    async with runreel(*arguments, cwd=mine) as proxy:
        await exchange(proxy.url, stage("a"))
        (mine / "out").rmdir()
        ended = await proxy.stop()

    assert ended.code == 1
    assert "out/drift.json: the receipt cannot be written" in ended.err


async def test_the_mode_may_come_from_the_configuration(mine: Path, upstream: RawUpstream) -> None:
    (mine / "runreel.toml").write_text(
        f'mode = "verify"\nupstream = "{upstream.url}"\n[verify]\nvolatile = ["status"]\n'
    )

    async with runreel("serve", cwd=mine) as proxy:
        line = proxy.ready_line
        ended = await proxy.stop()

    assert line.startswith("runreel: verify 'default' (2 interactions) at ")
    assert ended.code == 0


def test_a_rule_that_cannot_be_one_stops_it_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "runreel.toml").write_text('[verify]\nignore = ["*/status"]\n')

    ended = run("verify", "--upstream", "http://127.0.0.1:1", cwd=tmp_path)

    assert ended.code == 2
    assert ended.err == (
        "runreel: error: runreel.toml: verify.ignore: must be a JSON pointer such as "
        '"/metadata/trace_id" (~1 stands for / in a name, ~0 for ~, and * for any one step)\n'
    )


def test_without_an_upstream_or_a_cassette_it_does_not_start(tmp_path: Path) -> None:
    without_upstream = run("verify", cwd=tmp_path)
    without_cassette = run("verify", "--upstream", "http://127.0.0.1:1", cwd=tmp_path)

    assert (without_upstream.code, without_cassette.code) == (2, 2)
    assert "mode verify goes live and needs an upstream" in without_upstream.err
    assert "there is no cassette 'default' to verify" in without_cassette.err
