"""A disk that fails, or a process that is killed, at each single call of a recording."""

import errno
import itertools
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, an_interaction
from disks import Disk, Trouble
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import dump
from runreel.errors import CassetteDamaged, StartRefused, StoreFailed

HEADER = a_cassette()
OLD = a_cassette(an_interaction(name="old"))
NEW = a_cassette(an_interaction(name="new"))
LEFT = (b"left-1", b"left-2")  # what an earlier recorder left in its journal
BATCHES = ((b"new-1",), (b"new-2", b"new-3"), (b"new-4",))
EVERYTHING = (*LEFT, *itertools.chain(*BATCHES))


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def save(store: FileStore, name: str) -> None:
    """Save a new cassette under a name."""
    store.open_journal(name, HEADER).commit(NEW)


def left_behind(folder: Path) -> FileStore:
    """A store with a cassette, and beside it the journal of a recorder that died."""
    store = FileStore(folder / "deep" / "er")
    store.open_journal("default", HEADER).commit(OLD)
    journal = store.open_journal("default", HEADER)
    for arrival, answer in enumerate(LEFT, start=1):
        journal.append([a_pending(arrival, answer)])
    journal.release()
    return store


def record(store: FileStore, acknowledged: list[bytes]) -> None:
    """A recording that goes on whatever fails, and tells what it may tell its clients."""
    try:
        journal = store.open_journal("default", HEADER)
    except (StartRefused, CassetteDamaged):
        return
    for arrival, batch in enumerate(BATCHES):
        try:
            journal.check()
            journal.append([a_pending(10 * arrival + at, name) for at, name in enumerate(batch)])
        except StoreFailed:
            continue
        acknowledged += batch
    stored = [an_interaction(name="old")]
    stored += [a_pending(answer=name).interaction for name in EVERYTHING]
    try:
        journal.commit(a_cassette(*stored))
    except StoreFailed:
        return
    acknowledged[:] = EVERYTHING


def answers_in(path: Path) -> dict[bytes, int]:
    """How often each answer stands in a cassette file, read with nothing of the package."""
    bodies = [item["response"]["body"] for item in json.loads(path.read_bytes())["interactions"]]
    texts = [body["text"].encode() for body in bodies if "text" in body]
    assert len(bodies) == len(texts) + 1  # the old one, whose answer is JSON
    return {text: texts.count(text) for text in texts}


def disks(trouble: Trouble, number: int) -> Iterator[Disk]:
    """A disk for each call that may meet the trouble; ends after one that met none."""
    for nth in itertools.count(1):
        disk = Disk(trouble, nth, number)
        yield disk
        if disk.met is None:
            return


@pytest.mark.parametrize(
    ("trouble", "number"),
    [
        ("half", errno.ENOSPC),
        ("done", errno.EIO),
        ("for good", errno.EIO),
        ("killed", 0),
    ],
)
def test_whatever_happens_at_whichever_call_what_was_acknowledged_is_there_once(
    tmp_path: Path, trouble: Trouble, number: int
) -> None:
    met: set[str | None] = set()
    for disk in disks(trouble, number):
        folder = tmp_path / str(disk.nth)
        store = left_behind(folder)
        acknowledged: list[bytes] = []

        with disk.in_use():
            record(store, acknowledged)
        first = store.load("default")
        store.open_journal("default", HEADER).commit(None)
        again = store.load("default")
        store.open_journal("default", HEADER).commit(None)

        found = answers_in(folder / "deep" / "er" / "default.json")
        at = f"{disk.trouble} at call {disk.nth}, {disk.met}"
        assert found == dict.fromkeys(found, 1), at
        assert {*LEFT, *acknowledged} <= found.keys() <= {*EVERYTHING}, at
        assert first is not None, at
        assert again is not None, at
        assert first.cassette == again.cassette, at
        kept = {path.name for path in (folder / "deep" / "er").glob(".*.journal.torn")}
        assert contents(folder / "deep" / "er").keys() == {"default.json", *kept}, at
        assert not kept or disk.killed, at
        met.add(disk.met)

    assert {"open", "write", "fsync", "fdatasync", "replace", "unlink", "flock", None} <= met


def test_a_recording_that_meets_no_trouble_acknowledges_everything(tmp_path: Path) -> None:
    store = left_behind(tmp_path)
    acknowledged: list[bytes] = []

    record(store, acknowledged)

    assert acknowledged == [*EVERYTHING]
    found = answers_in(tmp_path / "deep" / "er" / "default.json")
    assert found == dict.fromkeys(EVERYTHING, 1)


class TestReplacing:
    @pytest.mark.parametrize("trouble", ["half", "done"])
    def test_the_old_content_or_the_new_is_whole_and_nothing_is_left_behind(
        self, tmp_path: Path, trouble: Trouble
    ) -> None:
        for disk in disks(trouble, errno.ENOSPC):
            store = FileStore(tmp_path / str(disk.nth))
            store.open_journal("default", HEADER).commit(OLD)
            journal = store.open_journal("default", HEADER)

            with disk.in_use():
                try:
                    journal.commit(NEW)
                except StoreFailed as failure:
                    failed: str | None = str(failure)
                else:
                    failed = None

            left = contents(tmp_path / str(disk.nth))
            left.pop(".default.lock", None)  # nobody holds it; the next one takes it over
            assert left in ({"default.json": dump(OLD)}, {"default.json": dump(NEW)}), disk
            path = f"{tmp_path}/{disk.nth}/default.json"
            full = "No space left on device"
            told = (None, f"{path}: cannot be read: {full}", f"{path}: cannot be written: {full}")
            assert failed in told
            assert failed is not None or left == {"default.json": dump(NEW)}, disk

    def test_an_interrupt_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(_: int) -> None:
            raise KeyboardInterrupt

        store = FileStore(tmp_path)
        store.open_journal("default", HEADER).commit(OLD)
        journal = store.open_journal("default", HEADER)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.commit(NEW)

        assert contents(tmp_path) == {"default.json": dump(OLD)}

    def test_a_file_system_that_cannot_sync_folders_will_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sync = os.fsync

        def only_files(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            sync(descriptor)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", only_files)
            journal = FileStore(tmp_path).open_journal("default", HEADER)
            journal.append([a_pending()])
            journal.commit(NEW)

        assert contents(tmp_path) == {"default.json": dump(NEW)}

    def test_what_a_killed_process_left_half_replaced_goes_with_the_next_recording(
        self, tmp_path: Path
    ) -> None:
        store = FileStore(tmp_path)
        ours, foreign = f".a.json.{'0' * 16}.tmp", f".a.b.json.{'0' * 16}.tmp"
        for name in (ours, foreign, ".a.json.bak.tmp", "a.tmp"):
            (tmp_path / name).write_text("half", encoding="utf-8")

        save(store, "a")

        assert sorted(contents(tmp_path)) == sorted([foreign, ".a.json.bak.tmp", "a.json", "a.tmp"])

    def test_what_could_not_be_read_back_for_its_size_stays_in_the_journal(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = FileStore(tmp_path)
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending()])

        with monkeypatch.context() as patch:
            patch.setattr("runreel.cassettes.file_store.FILE_BYTES_MAX", 1_000)
            with pytest.raises(StoreFailed) as caught:
                journal.commit(a_cassette(an_interaction(), an_interaction(name="two")))
            stored = store.load("default")

        assert str(caught.value) == (
            f"{tmp_path}/default.json: would be larger than 1,000 bytes; what is new stays in the "
            "journal beside it"
        )
        assert stored is not None
        assert [item.value.id for item in stored.cassette.interactions] == ["new"]


class TestAReadOnlyPlace:
    @pytest.mark.parametrize("step", ["open", "mkdir"])
    def test_recording_is_refused_at_the_start_with_the_remedy(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        def read_only(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        store = FileStore(tmp_path / "cassettes")

        with monkeypatch.context() as patch:
            patch.setattr(os, step, read_only)
            with pytest.raises(StartRefused) as caught:
                store.open_journal("default", HEADER)

        assert str(caught.value) == (
            f"cassettes cannot be written to {tmp_path}/cassettes (Read-only file system); choose "
            "a writable folder with --cassettes DIR, or use replay, which writes nothing"
        )

    def test_a_file_where_a_folder_should_be_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("", encoding="utf-8")

        with pytest.raises(StartRefused, match=r"written to .*/taken \(Not a directory\)"):
            save(FileStore(tmp_path), "taken/name")

    def test_cassette_and_journals_are_read_together_and_nothing_is_written(
        self, tmp_path: Path
    ) -> None:
        store = left_behind(tmp_path)
        folder = tmp_path / "deep" / "er"
        before = {path: path.read_bytes() for path in folder.iterdir()}
        disk = Disk("refused", 0)

        with disk.in_use():
            stored = store.load("default")
            names = store.names()

        assert stored is not None
        found = [item.value.response.body for item in stored.cassette.interactions]
        assert found == [b'{"id": "run_abc123"}', *LEFT]
        assert names == ["default"]
        assert {*disk.calls} <= {"stat", "listdir"}
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
