"""Stopping: what is under way ends, then the cassette and the receipt are written."""

import asyncio
import io
import json
from contextlib import suppress
from pathlib import Path

import pytest

from builders import TARGET
from processes import runreel
from runreel.cassettes.file_store import FileJournal
from runreel.cassettes.format import Cassette
from runreel.errors import StoreFailed
from servers import Proxy, RawUpstream, Received, like_openai
from wire import exchange, post


def stage(name: str) -> bytes:
    return post(TARGET, b'{"metadata":{"stage":"%s"}}' % name.encode())


def exists(path: Path) -> bool:
    return path.exists()


class TestStop:
    async def test_what_is_under_way_ends_before_the_process_does(
        self, tmp_path: Path, upstream: RawUpstream
    ) -> None:
        arrived, release = asyncio.Event(), asyncio.Event()

        async def hold(received: Received) -> bytes:
            arrived.set()
            await release.wait()
            return like_openai(received)

        upstream.answer = hold

        async with runreel("record", "--upstream", upstream.url, cwd=tmp_path) as process:
            call = asyncio.ensure_future(exchange(process.url, stage("a")))
            await arrived.wait()
            process.ask_to_stop()
            await _closed(process.url)
            release.set()
            reply = await call
            ended = await process.end()

        assert (reply.status, reply.values("x-runreel-recorded")) == (200, ["yes"])
        assert ended.code == 0
        document = json.loads((tmp_path / "cassettes" / "default.json").read_text())
        assert len(document["interactions"]) == 1

    async def test_a_receipt_is_written_even_if_the_cassette_cannot_be_saved(
        self,
        proxy: Proxy,
        upstream: RawUpstream,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        path = tmp_path / "receipt.json"

        def full(_: FileJournal, __: Cassette | None) -> str:
            raise StoreFailed("default.json: cannot be written: No space left on device")

        with pytest.raises(StoreFailed, match="No space left on device"):
            async with proxy(mode="record", upstream=upstream.url, receipt=path) as running:
                monkeypatch.setattr(FileJournal, "commit", full)
                await exchange(running.url, stage("a"))

        document = json.loads(path.read_text())
        assert (document["recorded"], document["not_stored"]) == (1, 0)

    @pytest.mark.parametrize("saved", [True, False])
    async def test_what_relaxed_durability_could_not_keep_is_logged_and_not_counted_as_recorded(
        self,
        proxy: Proxy,
        upstream: RawUpstream,
        tmp_path: Path,
        log: io.StringIO,
        monkeypatch: pytest.MonkeyPatch,
        saved: bool,
    ) -> None:
        path = tmp_path / "receipt.json"

        def full(*_: object) -> str:
            raise StoreFailed("the journal cannot be written: No space left on device")

        monkeypatch.setattr(FileJournal, "append", full)
        with suppress(StoreFailed):
            async with proxy(
                mode="record",
                upstream=upstream.url,
                receipt=path,
                quiet=True,
                record__durability="relaxed",
            ) as running:
                if not saved:
                    monkeypatch.setattr(FileJournal, "commit", full)
                reply = await exchange(running.url, stage("a"))

        document = json.loads(path.read_text())
        assert reply.values("x-runreel-recorded") == ["yes"]
        assert (document["recorded"], document["not_stored"]) == ((1, 0) if saved else (0, 1))
        (line,) = log.getvalue().splitlines()
        assert line[9:] == (
            "problem 1 interaction was answered but not put on disk: the journal cannot be "
            "written: No space left on device; runreel tries again when it stops"
        )

    async def test_a_receipt_that_cannot_be_written_is_an_error(
        self, proxy: Proxy, upstream: RawUpstream, tmp_path: Path
    ) -> None:
        folder = tmp_path / "gone"
        folder.mkdir()

        with pytest.raises(StoreFailed) as failed:
            async with proxy(
                mode="record", upstream=upstream.url, receipt=folder / "receipt.json"
            ) as running:
                await exchange(running.url, stage("a"))
                folder.rmdir()

        assert str(failed.value) == (
            f"{folder}/receipt.json: the receipt cannot be written: No such file or directory"
        )
        assert exists(tmp_path / "default.json")


async def _closed(url: str) -> None:
    """Return once nothing listens there any more."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except ConnectionError:  # refused, or reset if it waited to be accepted just then
            return
        writer.close()
