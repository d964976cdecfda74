"""What a user sees of a proxy that serves: the ready line, the log, the end."""

import json
import signal
from pathlib import Path

import pytest

from builders import FAKE_KEY
from processes import runreel
from servers import RawUpstream
from wire import exchange, post

PATH = "/v1/threads/thread_abc123/runs/run_abc123"
EXAMPLE_BODY = b'{"metadata":{"user_id":"user_abc123"}}'
BETA = (("Content-Type", "application/json"), ("OpenAI-Beta", "assistants=v2"))
STOPS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def stage(name: str) -> bytes:
    return post(PATH, b'{"metadata":{"stage":"%s"}}' % name.encode())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@STOPS
async def test_a_recording_ends_with_0_and_is_saved(
    tmp_path: Path, upstream: RawUpstream, number: int
) -> None:
    arguments = ("record", "--upstream", upstream.url, "--receipt", "receipt.json")
    async with runreel(*arguments, cwd=tmp_path) as proxy:
        first = proxy.ready_line
        await exchange(proxy.url, stage("a"))
        ended = await proxy.stop(number)

    assert first == f"runreel: record 'default' (0 interactions) at {proxy.url}\n"
    assert (ended.code, ended.out) == (0, "")
    document = json.loads((tmp_path / "cassettes" / "default.json").read_text())
    assert len(document["interactions"]) == 1
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert (receipt["mode"], receipt["recorded"]) == ("record", 1)


@STOPS
async def test_a_replay_ends_with_0_even_after_a_miss(
    tmp_path: Path, example: Path, number: int
) -> None:
    arguments = ("replay", "--cassettes", str(example), "--cassette", "examples/modify-run")
    async with runreel(*arguments, "--receipt", "receipt.json", cwd=tmp_path) as proxy:
        first = proxy.ready_line
        hit = await exchange(proxy.url, post(PATH, EXAMPLE_BODY, BETA))
        miss = await exchange(proxy.url, stage("b"))
        ended = await proxy.stop(number)

    assert first == f"runreel: replay 'examples/modify-run' (1 interaction) at {proxy.url}\n"
    assert (hit.status, miss.status) == (200, 424)
    assert (ended.code, ended.out) == (0, "")
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert (receipt["served"], len(receipt["missed"])) == (1, 1)
    assert names(tmp_path) == ["receipt.json"]


async def test_the_ready_line_counts_and_names_the_mode_that_once_became(
    tmp_path: Path, upstream: RawUpstream
) -> None:
    once = ("once", "--upstream", upstream.url, "--cassette", "my/runs")
    async with runreel(*once, cwd=tmp_path) as proxy:
        absent = proxy.ready_line
        await exchange(proxy.url, stage("a"))
        await exchange(proxy.url, stage("b"))
        absent_url = proxy.url
        await proxy.stop()

    async with runreel(*once, cwd=tmp_path) as proxy:
        present = proxy.ready_line
        present_url = proxy.url

    assert absent == f"runreel: record 'my/runs' (0 interactions) at {absent_url}\n"
    assert present == f"runreel: replay 'my/runs' (2 interactions) at {present_url}\n"
    assert present_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["serve"], {}),
        (["serve", "--mode", "all"], {"RUNREEL_MODE": "replay"}),
        (["serve"], {"RUNREEL_MODE": "record"}),
        (["all"], {"RUNREEL_MODE": "replay"}),
    ],
    ids=["file", "option", "environment", "command"],
)
async def test_the_mode_may_come_from_anywhere(
    tmp_path: Path, arguments: list[str], environment: dict[str, str]
) -> None:
    (tmp_path / "runreel.toml").write_text(
        'mode = "all"\nupstream = "http://127.0.0.1:1"\ncassette = "mine"\n[listen]\nport = 1\n'
    )

    async with runreel(*arguments, cwd=tmp_path, env=environment) as proxy:
        line, url = proxy.ready_line, proxy.url

    assert line == f"runreel: record 'mine' (0 interactions) at {url}\n"
    assert not url.endswith(":1")


class TestLog:
    async def test_each_request_is_a_line_on_stderr(
        self, tmp_path: Path, upstream: RawUpstream
    ) -> None:
        arguments = ("record", "--no-audit", "--upstream", upstream.url)
        async with runreel(*arguments, cwd=tmp_path) as proxy:
            await exchange(proxy.url, stage("a"))
            first = await proxy.log_line()
            await exchange(proxy.url, stage("b"))
            second = await proxy.log_line()
            ended = await proxy.stop()

        assert first[8:].startswith(" recorded modifyRun run_abc123 200 ")
        assert second[8:].startswith(" recorded modifyRun run_abc123 200 ")
        assert (ended.out, ended.err.splitlines()) == (
            "",
            [
                (
                    "runreel: record 'default': 0 served, 2 recorded, 0 missed, 0 unplayed, 0 not "
                    "stored, 2 upstream calls"
                ),
                "runreel:   cassette: cassettes/default.json: 2 new, 0 replaced, 0 unchanged",
            ],
        )

    async def test_as_json_each_line_is_an_object(self, tmp_path: Path, example: Path) -> None:
        arguments = ("replay", "--cassettes", str(example), "--cassette", "examples/modify-run")
        async with runreel(*arguments, "--log-format", "json", cwd=tmp_path) as proxy:
            await exchange(proxy.url, post(PATH, EXAMPLE_BODY, BETA))
            await exchange(proxy.url, stage("b"))
            await exchange(proxy.url, b"POST / HTTP/9.x\r\n\r\n")
            ended = await proxy.stop()

        served, missed, refused, summary, *_ = map(json.loads, ended.err.splitlines())
        assert (served["outcome"], served["interaction"]) == ("served", "modifyRun-55f2ed47")
        assert (missed["outcome"], missed["miss"]) == ("missed", "no_matching_interaction")
        assert (refused["outcome"], refused["reason"]) == ("refused", "bad_request")
        assert summary["told"] == (
            "replay 'examples/modify-run': 1 served, 0 recorded, 1 missed, 0 unplayed, 0 not "
            "stored, 1 refused, 0 upstream calls"
        )

    async def test_quiet_is_silent_about_what_went_right(
        self, tmp_path: Path, example: Path
    ) -> None:
        arguments = ("replay", "--cassettes", str(example), "--cassette", "examples/modify-run")
        async with runreel(*arguments, "--quiet", cwd=tmp_path) as proxy:
            await exchange(proxy.url, post(PATH, EXAMPLE_BODY, BETA))
            await exchange(proxy.url, stage("b"))
            ended = await proxy.stop()

        assert ended.err.count("\n") == 1
        assert " missed modifyRun run_abc123 " in ended.err

    @pytest.mark.parametrize("form", ["text", "json"])
    async def test_what_is_not_http_is_logged_without_what_was_in_it(
        self, tmp_path: Path, example: Path, form: str
    ) -> None:
        """The framework quotes the line that it cannot read, and a key may stand there."""
        arguments = ("replay", "--cassettes", str(example), "--cassette", "examples/modify-run")
        broken = f"POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer {FAKE_KEY}\r\n\r\n"
        async with runreel(*arguments, "--log-format", form, cwd=tmp_path) as proxy:
            answer = await exchange(proxy.url, broken.encode())
            ended = await proxy.stop()

        assert answer.status == 400
        line, *summary = ended.err.splitlines()
        assert "bad_request" in line
        assert "refused: what is no HTTP 400 (bad_request)" in summary[-1]
        assert FAKE_KEY not in ended.err
