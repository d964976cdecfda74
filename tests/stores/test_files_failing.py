"""A disk that fails: at each step the old file stays whole, and nothing is left behind."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders import a_cassette, an_interaction
from runreel.core.cassette import dump
from runreel.core.errors import StartRefused, StoreFailed
from runreel.stores.files import FileStore

OLD = a_cassette(an_interaction(name="old"))
NEW = a_cassette(an_interaction(name="new"))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def failing(number: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def on_call(nth: int, number: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """The real function, but that its n-th call fails."""
    calls: list[object] = []

    def call(*args: Any, **options: Any) -> Any:
        calls.append(args)
        if len(calls) == nth:
            raise OSError(number, os.strerror(number))
        return real(*args, **options)

    return call


class TestFailing:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
    @pytest.mark.parametrize(
        ("step", "nth"),
        [("open", 1), ("write", 1), ("write", 2), ("fsync", 1), ("close", 1), ("replace", 1)],
    )
    def test_the_old_content_is_untouched_and_nothing_is_left_behind(
        self,
        store: FileStore,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        step: str,
        nth: int,
        number: int,
    ) -> None:
        store.save("default", OLD)
        write = os.write

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:100]))
            patch.setattr(os, step, on_call(nth, number, getattr(os, step)))
            with pytest.raises(StoreFailed) as caught:
                store.save("default", NEW)

        assert str(caught.value) == (
            f"{tmp_path}/default.json: cannot be written: {os.strerror(number)}"
        )
        assert contents(tmp_path) == {"default.json": dump(OLD)}

    def test_a_folder_that_cannot_be_synced_holds_the_whole_new_file_and_is_reported(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.save("default", OLD)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", on_call(2, errno.EIO, os.fsync))
            with pytest.raises(StoreFailed):
                store.save("default", NEW)

        assert contents(tmp_path) == {"default.json": dump(NEW)}

    def test_a_file_system_that_cannot_sync_folders_will_do(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", on_call(2, errno.EINVAL, os.fsync))
            store.save("default", NEW)

        assert contents(tmp_path) == {"default.json": dump(NEW)}

    def test_an_interrupt_leaves_nothing_behind(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(_: int) -> None:
            raise KeyboardInterrupt

        store.save("default", OLD)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", interrupted)
            with pytest.raises(KeyboardInterrupt):
                store.save("default", NEW)

        assert contents(tmp_path) == {"default.json": dump(OLD)}

    def test_a_file_where_a_folder_should_be_is_reported(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        (tmp_path / "taken").write_text("", encoding="utf-8")

        with pytest.raises(StoreFailed, match=r"taken/name\.json: cannot be written: Not a dir"):
            store.save("taken/name", NEW)


class TestAReadOnlyPlace:
    @pytest.mark.parametrize("step", ["open", "mkdir"])
    def test_it_is_refused_at_the_start_with_the_remedy(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        store = FileStore(tmp_path / "cassettes")

        with monkeypatch.context() as patch:
            patch.setattr(os, step, failing(errno.EROFS))
            with pytest.raises(StartRefused) as caught:
                store.check_writable("default")

        assert str(caught.value) == (
            f"cassettes cannot be written to {tmp_path}/cassettes (Read-only file system); choose "
            "a writable folder with --cassettes DIR, or use replay, which writes nothing"
        )

    def test_it_can_be_read(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.save("default", OLD)
        before = contents(tmp_path)

        with monkeypatch.context() as patch:
            for step in ("write", "mkdir", "replace", "unlink", "fsync"):
                patch.setattr(os, step, failing(errno.EROFS))
            stored = store.load("default")
            names = store.names()

        assert stored is not None
        assert (stored.cassette, names) == (OLD, ["default"])
        assert contents(tmp_path) == before

    def test_trying_leaves_no_trace_in_a_writable_one(
        self, store: FileStore, tmp_path: Path
    ) -> None:
        store.save("default", OLD)

        store.check_writable("default")

        assert contents(tmp_path) == {"default.json": dump(OLD)}
