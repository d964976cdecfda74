"""The audit log on a disk that is full or read-only: changes are refused, reads go on, and all
resumes on a new file without a restart.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from audited import log_in
from builders import JSON_HEADERS, TARGET
from faults.test_disk_full import disk as a_disk
from faults.test_disk_full import fill
from processes import Serving, runreel
from servers import RawUpstream
from wire import Reply, Wire, get, post

disk = a_disk
BIG = json.dumps({"metadata": {"stage": "x" * 5_000}}).encode()  # larger than what a page has left


async def change(wire: Wire) -> Reply:
    return await wire.send(post(TARGET, BIG, JSON_HEADERS))


def statuses(*replies: Reply) -> list[int]:
    return [reply.status for reply in replies]


def make_writable(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


async def rest_of(proxy: Serving) -> str:
    ended = await proxy.stop()
    assert ended.code == 0
    return ended.err


async def test_a_full_disk_refuses_changes_until_there_is_room(
    disk: Path, upstream: RawUpstream
) -> None:
    arguments = ("passthrough", "--quiet", "--upstream", upstream.url)
    async with runreel(*arguments, cwd=disk) as proxy:
        wire = await Wire.open(proxy.url)
        first = await change(wire)
        filler = fill(disk)
        refused = [await change(wire) for _ in range(3)]
        read = await wire.send(get(TARGET))
        forwarded = [received.method for received in upstream.received]
        filler.unlink()
        after = [await change(wire) for _ in range(2)]
        await wire.close()
        said = await rest_of(proxy)

    assert statuses(first, read, *after) == [200, 200, 200, 200]
    assert statuses(*refused) == [503, 503, 503]
    assert [json.loads(reply.body)["error"]["code"] for reply in refused] == [
        "recording_failed"
    ] * 3
    assert forwarded == ["POST", "GET"]
    log = log_in(disk / "audit")
    changes = [(entry["kind"], entry["effect"]) for entry in log if entry["kind"] != "observation"]
    assert changes == [("intent", None), ("outcome", "applied")] * 3
    assert (disk / "audit" / "metadata.000001.jsonl").exists()
    assert "problem audit/metadata.jsonl: the audit log cannot be written: No space left" in said
    assert "problem the audit log can be written again" in said


@pytest.fixture
def read_only(disk: Path) -> Iterator[Path]:
    """A working directory whose audit folder is a disk of its own, which is read-only."""
    folder = disk / "audit"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=True)
    yield disk
    subprocess.run(["umount", folder], check=True)


async def test_a_read_only_folder_refuses_changes_until_it_can_be_written(
    read_only: Path, upstream: RawUpstream
) -> None:
    folder = read_only / "audit"
    arguments = ("passthrough", "--quiet", "--upstream", upstream.url)
    async with runreel(*arguments, cwd=read_only) as proxy:
        wire = await Wire.open(proxy.url)
        refused = [await change(wire) for _ in range(2)]
        read = await wire.send(get(TARGET))
        forwarded = [received.method for received in upstream.received]
        make_writable(folder)
        after = await change(wire)
        await wire.close()
        said = await rest_of(proxy)

    assert statuses(*refused, read, after) == [503, 503, 200, 200]
    assert forwarded == ["GET"]
    log = log_in(folder)
    kinds = [(entry["kind"], entry["effect"]) for entry in log if entry["kind"] != "observation"]
    assert kinds == [("intent", None), ("outcome", "applied")]
    assert "cannot be written: Read-only file system; until it can, changes are refused" in said
