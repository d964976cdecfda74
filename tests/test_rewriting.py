from dataclasses import replace
from pathlib import Path

import pytest

from builders import a_cassette, an_interaction
from runreel.cassettes import rewrite
from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette, dump, parse
from runreel.cassettes.journal import Stored
from runreel.errors import Unredactable


def test_what_came_in_before_the_lock_was_taken_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(dump(a_cassette()))

    def change(stored: Stored) -> Cassette:
        if not stored.cassette.interactions:  # somebody adds one between the look and the lock
            path.write_text(dump(a_cassette(an_interaction())))
        return replace(stored.cassette, profile="rubra")

    assert rewrite(FileStore(tmp_path), "mine", change)
    found = parse(path.read_text())
    assert (found.profile, len(found.interactions)) == ("rubra", 1)


def test_a_change_that_fails_lets_go_of_the_cassette_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(dump(a_cassette()))
    calls: list[Stored] = []

    def change(stored: Stored) -> Cassette:
        calls.append(stored)
        if len(calls) == 2:
            raise Unredactable("under the lock")
        return replace(stored.cassette, profile="rubra")

    with pytest.raises(Unredactable, match="under the lock"):
        rewrite(FileStore(tmp_path), "mine", change)

    assert path.read_text() == dump(a_cassette())
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.json"]
    FileStore(tmp_path).open_journal("mine", a_cassette()).commit(None)
