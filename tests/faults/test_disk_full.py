"""A disk that fills up while recording, and has room again: nothing recorded is lost, nothing is
forwarded that could not be kept, and nobody has to restart anything.
"""

import errno
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.recording_under_load import Traffic, judge, replayed
from processes import runreel

DISK = "size=256k"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A working directory on a disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(f"CI must be able to mount a tmpfs: {mounted.stderr.decode()}")
        pytest.skip("a small tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(folder: Path) -> Path:
    """A file that leaves not one byte."""
    filler = folder / "filler"
    full = pytest.raises(OSError, match=os.strerror(errno.ENOSPC))
    with filler.open("wb", buffering=0) as file, full:
        while file.write(bytes(4096)):
            pass
    return filler


def big(seed: int) -> Traffic:
    """Traffic whose every answer is larger than what may be left of the journal's last page."""
    return Traffic(seed, least_answer_bytes=8192)


@pytest.mark.parametrize(("end", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -9)])
async def test_recording_goes_on_when_there_is_room_again(
    disk: Path, end: signal.Signals, code: int
) -> None:
    """Killed, it leaves a journal that shows whether the failed writes were taken back."""
    async with big(1) as traffic:
        arguments = ("record", "--no-audit", "--quiet", "--upstream", traffic.upstream.url)
        async with runreel(*arguments, cwd=disk) as proxy, traffic.wire(proxy.url) as wire:
            for _ in range(3):
                await traffic.ask(wire)
            before = set(traffic.acknowledged)
            filler = fill(disk)
            unkept = await traffic.ask(wire)
            forwarded = len(traffic.upstream.received)
            refusals = [await traffic.ask(wire) for _ in range(3)]
            forwarded_meanwhile = len(traffic.upstream.received) - forwarded
            wrong_meanwhile = judge(disk / "cassettes", traffic)
            filler.unlink()
            after = [await traffic.ask(wire) for _ in range(3)]
            ended = await proxy.stop(end)

        assert len(before) == 3
        assert (unkept.status, unkept.values("x-runreel-recorded")) == (200, ["no"])
        assert [
            (
                reply.status,
                reply.values("x-should-retry"),
                reply.values("x-runreel-recorded"),
                json.loads(reply.body)["error"]["code"],
            )
            for reply in refusals
        ] == [(503, ["false"], ["no"], "recording_failed")] * 3
        assert forwarded_meanwhile == 0
        assert wrong_meanwhile == []
        assert [(reply.status, reply.values("x-runreel-recorded")) for reply in after] == [
            (200, ["yes"])
        ] * 3
        assert (ended.code, len(traffic.acknowledged)) == (code, 6)
        assert judge(disk / "cassettes", traffic) == []
        assert await replayed(disk, traffic) == []


async def test_a_disk_that_was_full_at_the_start_forwards_nothing_until_there_is_room(
    disk: Path,
) -> None:
    (disk / "cassettes").mkdir()
    filler = fill(disk)
    async with big(4) as traffic:
        arguments = ("record", "--no-audit", "--quiet", "--upstream", traffic.upstream.url)
        async with runreel(*arguments, cwd=disk) as proxy, traffic.wire(proxy.url) as wire:
            refusals = [await traffic.ask(wire) for _ in range(2)]
            forwarded = len(traffic.upstream.received)
            filler.unlink()
            after = await traffic.ask(wire)
            ended = await proxy.stop()

        assert [reply.status for reply in refusals] == [503, 503]
        assert forwarded == 0
        assert (after.status, after.values("x-runreel-recorded")) == (200, ["yes"])
        assert ended.code == 0
        assert judge(disk / "cassettes", traffic) == []


async def test_a_kill_while_the_disk_is_full_loses_nothing(disk: Path) -> None:
    async with big(2) as traffic:
        arguments = ("record", "--no-audit", "--quiet", "--upstream", traffic.upstream.url)
        async with runreel(*arguments, cwd=disk) as proxy, traffic.wire(proxy.url) as wire:
            for _ in range(3):
                await traffic.ask(wire)
            filler = fill(disk)
            await traffic.ask(wire)
            await traffic.ask(wire)
            proxy.process.kill()
            await proxy.end()
        filler.unlink()

        assert len(traffic.acknowledged) == 3
        assert judge(disk / "cassettes", traffic) == []
        assert await replayed(disk, traffic) == []


async def test_a_stop_on_a_full_disk_says_so_and_the_next_start_has_everything(
    disk: Path,
) -> None:
    async with big(3) as traffic:
        arguments = ("record", "--no-audit", "--quiet", "--upstream", traffic.upstream.url)
        async with runreel(*arguments, cwd=disk) as proxy, traffic.wire(proxy.url) as wire:
            for _ in range(3):
                await traffic.ask(wire)
            filler = fill(disk)
            ended = await proxy.stop()
        replayed_meanwhile = await replayed(disk, traffic)
        filler.unlink()
        async with runreel(*arguments, cwd=disk) as proxy:
            ready = proxy.ready_line
            await proxy.stop()

        assert (ended.code, ended.err.count("\n")) == (1, 1)
        assert ended.err.startswith("runreel: error: ")
        assert ended.err.endswith(": No space left on device\n")
        assert len(traffic.acknowledged) == 3
        assert replayed_meanwhile == []
        assert ready.startswith("runreel: record 'default' (3 interactions) at ")
        assert [path.name for path in (disk / "cassettes").iterdir()] == ["default.json"]
        assert judge(disk / "cassettes", traffic) == []
