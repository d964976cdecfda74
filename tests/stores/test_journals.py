"""Journal files: who they belong to, and how their frames are numbered."""

import asyncio
import errno
import os
import stat
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, an_interaction
from disks import failing
from held import capture, recording_to
from runreel.cassettes.file_store import FileJournal, FileStore, belongs_to, parts_of
from runreel.errors import CassetteDamaged, StoreFailed

HEADER = a_cassette()
OLD = a_cassette(an_interaction(name="old"))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path)


@pytest.fixture
def journal(store: FileStore) -> FileJournal:
    return store.open_journal("default", HEADER)


def parts(folder: Path) -> list[Path]:
    """The journals in a folder, in order; found without the package."""
    return sorted(folder.glob(".*.journal"))


def answers(store: FileStore, name: str = "default") -> list[bytes]:
    stored = store.load(name)
    found = stored.cassette.interactions if stored else ()
    return [item.value.response.body for item in found]


class TestWhoTheyBelongTo:
    def test_a_journal_is_only_for_its_owner_to_read(
        self, journal: FileJournal, tmp_path: Path
    ) -> None:
        journal.append([a_pending()])

        (part,) = parts(tmp_path)
        assert stat.S_IMODE(part.stat().st_mode) == 0o600

    @pytest.mark.parametrize(
        ("file", "cassette"),
        [
            (".a.0123456789abcdef.0001.journal", "a"),
            (".a.b.0123456789abcdef.0001.journal", "a.b"),
            (".a.0123456789abcdef.0123456789abcdef.0001.journal", "a.0123456789abcdef"),
            (
                ".a.0123456789abcdef.0001.journal.0123456789abcdef.0001.journal",
                "a.0123456789abcdef.0001.journal",
            ),
            (".a.0123456789abcdef.123456.journal", "a"),
            ("a.0123456789abcdef.0001.journal", None),
            (".a.0123456789ABCDEF.0001.journal", None),
            (".a.0123456789abcdef.001.journal", None),
            (".a.0123456789abcdef.0001.journal~", None),
            (".a.0001.journal", None),
            ("..0123456789abcdef.0001.journal", None),
        ],
    )
    def test_its_name_says_whose_it_is(self, file: str, cassette: str | None) -> None:
        assert belongs_to(Path(file)) == cassette

    @pytest.mark.parametrize("name", ["a", "a.b", "a.b.c", "folder/a", "folder/a.b"])
    def test_cassettes_of_similar_names_never_share_one(self, store: FileStore, name: str) -> None:
        names = ["a", "a.b", "a.b.c", "folder/a", "folder/a.b"]
        journals = {other: store.open_journal(other, HEADER) for other in names}
        for other in names:
            journals[other].append([a_pending(answer=other.encode())])

        journals[name].commit(a_cassette(an_interaction(name="final")))

        others = [other for other in names if other != name]
        assert [answers(store, other) for other in others] == [[it.encode()] for it in others]
        assert answers(store, name) == [b'{"id": "run_abc123"}']
        assert store.names() == names

    def test_parts_are_in_the_order_they_were_written(self, tmp_path: Path) -> None:
        for number in ("10000", "0002", "9999"):
            (tmp_path / f".a.0123456789abcdef.{number}.journal").touch()

        found = parts_of(tmp_path / "a.json")

        assert [part.number for part in found] == [2, 9999, 10000]

    def test_there_are_none_in_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        assert parts_of(tmp_path / "none" / "a.json") == []

    def test_a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one(
        self, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store.open_journal("default", HEADER).commit(OLD)

        with monkeypatch.context() as patch:
            patch.setattr(os, "listdir", failing("listdir", errno.EACCES, times=9))
            with pytest.raises(CassetteDamaged) as caught:
                store.load("default")

        assert str(caught.value) == f"{tmp_path}: cannot be read: Permission denied"


def test_frames_are_numbered_from_the_opening_on(journal: FileJournal, tmp_path: Path) -> None:
    journal.append([a_pending(1, b"one"), a_pending(2, b"two")])
    journal.append([a_pending(3, b"three")])

    (part,) = parts(tmp_path)
    heads = part.read_text(encoding="ascii").splitlines()[::2]
    writer = part.name.split(".")[2]
    assert [head.split(" ")[3:] for head in heads] == [[writer, "0"], [writer, "1"], [writer, "2"]]


class TestReadingBack:
    def test_what_was_appended_is_read_back_in_any_order_even_if_its_file_is_gone(
        self, tmp_path: Path
    ) -> None:
        journal = FileStore(tmp_path).open_journal("default", HEADER)
        captures = [a_pending(at, f"{at} é".encode()) for at in range(1, 301)]

        kept = [*(journal.append(captures[:2]) or ()), *(journal.append(captures[2:]) or ())]
        for path in tmp_path.glob(".*.journal"):
            path.unlink()

        assert [one().value for one in reversed(kept)] == [
            capture.interaction.value for capture in reversed(captures)
        ]
        journal.release()

    def test_what_cannot_be_read_back_is_told_and_nothing_is_saved(self, tmp_path: Path) -> None:
        session = recording_to(FileStore(tmp_path))
        asyncio.run(session.persist(capture(session, b"one")))
        (part,) = tmp_path.glob(".*.journal")
        content = part.read_bytes()
        part.write_bytes(content[:-10] + b"?" + content[-9:])

        with pytest.raises(StoreFailed) as caught:
            asyncio.run(session.close())

        begins = content.index(b"\n", content.index(b"\n") + 1) + 1
        assert str(caught.value) == (
            f"{part}: what was recorded cannot be read back from byte {begins}; the next recording "
            "into the cassette takes in what can be read of it"
        )
        assert sorted(path.name for path in tmp_path.iterdir()) == [part.name]

    def test_a_session_holds_nothing_of_what_is_durable_and_saves_all_of_it(
        self, tmp_path: Path
    ) -> None:
        store = FileStore(tmp_path)
        session = recording_to(store)
        for at in range(3):
            asyncio.run(session.persist(capture(session, b'{"id": "run_%d"}' % at)))
        held = [one.content for one in session.state._history.storing.captures()]
        before = tuple(session.state.merged())

        asyncio.run(session.close())

        assert all(map(callable, held))
        stored = store.load("default")
        assert stored is not None
        assert stored.cassette.interactions == before
        assert [item.value.response.body for item in before] == [
            b'{"id": "run_%d"}' % at for at in range(3)
        ]
