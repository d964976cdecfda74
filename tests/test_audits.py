"""Where the audit log is, when there is one, and when a proxy does not start because of it."""

import io
import json
from pathlib import Path

import pytest

from audited import log_in
from builders import JSON_HEADERS, TARGET
from processes import run, runreel
from runreel.config.loading import load
from runreel.errors import StartRefused
from servers import Proxy, RawUpstream
from wire import exchange, post

CHANGE = post(TARGET, b'{"metadata":{"stage":"a"}}', JSON_HEADERS)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("mode", ["record", "once", "new_episodes", "passthrough"])
async def test_whatever_can_reach_the_upstream_is_audited_and_says_where(
    proxy: Proxy, tmp_path: Path, upstream: RawUpstream, log: io.StringIO, mode: str
) -> None:
    settings = {"mode": mode, "upstream": upstream.url, "cassettes": tmp_path / "c"}

    async with proxy(**settings, audit__path=tmp_path / "audit") as running:
        at_start = log.getvalue()
        await exchange(running.url, CHANGE)

    assert at_start[8:] == (
        f" note changes of metadata are logged in {tmp_path}/audit/metadata.jsonl\n"
    )
    intent, outcome = log_in(tmp_path / "audit")
    assert (intent["kind"], intent["upstream"]) == ("intent", upstream.url)
    assert (outcome["effect"], outcome["after"]) == ("applied", {"stage": "a"})
    checkpoint = json.loads((tmp_path / "audit" / "checkpoints.log").read_text())
    assert (checkpoint["size"], checkpoint["hash"]) == (2, outcome["hash"])


async def test_naming_the_file_means_its_folder(
    proxy: Proxy, tmp_path: Path, upstream: RawUpstream
) -> None:
    settings = {"mode": "passthrough", "upstream": upstream.url, "cassettes": tmp_path / "c"}

    async with proxy(**settings, audit__path=tmp_path / "mine" / "metadata.jsonl") as running:
        await exchange(running.url, CHANGE)

    assert names_in(tmp_path / "mine") == ["actor.key", "checkpoints.log", "metadata.jsonl"]


async def test_verifying_is_audited(proxy: Proxy, tmp_path: Path, upstream: RawUpstream) -> None:
    settings = {"upstream": upstream.url, "cassettes": tmp_path / "c"}
    async with proxy(mode="record", **settings) as running:
        await exchange(running.url, CHANGE)

    async with proxy(mode="verify", **settings, audit__path=tmp_path / "audit") as running:
        await exchange(running.url, CHANGE)

    assert [entry["kind"] for entry in log_in(tmp_path / "audit")] == ["intent", "outcome"]


@pytest.mark.parametrize("mode", ["replay", "once"])
async def test_a_replay_touches_nothing(
    proxy: Proxy, tmp_path: Path, upstream: RawUpstream, log: io.StringIO, mode: str
) -> None:
    settings = {"upstream": upstream.url, "cassettes": tmp_path / "c"}
    async with proxy(mode="record", **settings) as running:
        await exchange(running.url, CHANGE)
    log.truncate(0)

    async with proxy(mode=mode, **settings, audit__path=tmp_path / "audit") as running:
        reply = await exchange(running.url, CHANGE)

    assert reply.status == 200
    assert names_in(tmp_path) == ["c"]
    assert "logged in" not in log.getvalue()


async def test_the_simulator_is_audited_like_any_upstream(proxy: Proxy, tmp_path: Path) -> None:
    settings = {"mode": "passthrough", "upstream": "simulator", "cassettes": tmp_path / "c"}
    lenient = {"simulator__lenient": True, "base_path": "/v1"}

    async with proxy(**settings, **lenient, audit__path=tmp_path / "audit") as running:
        reply = await exchange(running.url, CHANGE)

    intent, outcome = log_in(tmp_path / "audit")
    assert reply.status == 200
    assert intent["upstream"] == "simulator"
    assert (outcome["run_id"], outcome["effect"]) == ("run_abc123", "applied")


@pytest.mark.parametrize("place", ["", "audit", "deep/audit", "deep/../audit"])
async def test_no_log_is_kept_inside_the_cassettes_folder(
    proxy: Proxy, tmp_path: Path, upstream: RawUpstream, place: str
) -> None:
    path = tmp_path / "c" / place
    settings = {"mode": "passthrough", "upstream": upstream.url, "cassettes": tmp_path / "c"}

    with pytest.raises(StartRefused) as caught:
        async with proxy(**settings, audit__path=path):
            raise AssertionError("it started")

    assert str(caught.value) == (
        f"audit.path: {path} is inside the cassettes folder {tmp_path}/c, which is made to be "
        "shared; set it to another folder, or use --no-audit"
    )
    assert not (tmp_path / "c").exists()


async def test_where_the_working_directory_holds_the_cassettes_there_is_no_log_and_it_says_so(
    tmp_path: Path, upstream: RawUpstream
) -> None:
    arguments = ("passthrough", "--upstream", upstream.url, "--cassettes", ".")

    async with runreel(*arguments, cwd=tmp_path) as serving:
        said = await serving.log_line()
        reply = await exchange(serving.url, CHANGE)
        await serving.stop()

    assert said[8:] == (
        " problem changes of metadata are not logged: the folder audit is inside the cassettes "
        "folder ., which is made to be shared; set audit.path to another one\n"
    )
    assert (reply.status, names_in(tmp_path)) == (200, [])


async def test_a_log_in_the_cassettes_folder_by_a_link_is_refused_too(
    proxy: Proxy, tmp_path: Path, upstream: RawUpstream
) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "link").symlink_to("c")
    settings = {"mode": "passthrough", "upstream": upstream.url, "cassettes": tmp_path / "c"}

    with pytest.raises(StartRefused, match=r"^audit\.path: .* is inside the cassettes folder "):
        async with proxy(**settings, audit__path=tmp_path / "link" / "audit"):
            raise AssertionError("it started")


def test_a_path_in_a_file_is_relative_to_that_file(tmp_path: Path) -> None:
    (tmp_path / "runreel.toml").write_text('[audit]\npath = "log"\n')

    assert load(tmp_path / "runreel.toml", {}, {}).audit.path == tmp_path / "log"


class TestCommand:
    async def test_the_log_is_in_the_working_directory_and_has_one_writer(
        self, tmp_path: Path, upstream: RawUpstream
    ) -> None:
        arguments = ("passthrough", "--upstream", upstream.url)
        async with runreel(*arguments, cwd=tmp_path) as proxy:
            said = await proxy.log_line()
            second = run(*arguments, "--port", "0", cwd=tmp_path)
            await proxy.stop()

        assert said[8:] == (
            f" note changes of metadata are logged in {tmp_path}/audit/metadata.jsonl\n"
        )
        assert (second.code, second.out) == (2, "")
        assert second.err == (
            "runreel: error: audit/metadata.jsonl is being written by another runreel; stop that "
            "one, set audit.path to another folder, or go without with --no-audit\n"
        )

    async def test_it_can_be_turned_off(self, tmp_path: Path, upstream: RawUpstream) -> None:
        arguments = ("passthrough", "--no-audit", "--upstream", upstream.url)
        async with runreel(*arguments, cwd=tmp_path) as proxy:
            reply = await exchange(proxy.url, CHANGE)
            ended = await proxy.stop()

        assert reply.status == 200
        assert "logged in" not in ended.err
        assert names_in(tmp_path) == []
