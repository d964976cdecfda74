"""What a script may do with cassettes: load, look, save."""

from dataclasses import replace
from pathlib import Path

import pytest

from builders import a_cassette, a_pending, a_response, an_interaction
from runreel import cassettes
from runreel.cassettes import file_store
from runreel.errors import CassetteDamaged, StartRefused, StoreFailed

BOTH = a_cassette(
    an_interaction(name="a"), an_interaction(response=a_response(status=404), name="b")
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    cassettes.save(BOTH, tmp_path / "new" / "a.b.json")

    assert cassettes.load(tmp_path / "new/a.b.json") == BOTH
    assert names(tmp_path / "new") == ["a.b.json"]


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    cassettes.save(BOTH, f"{tmp_path}/a.json")

    assert cassettes.load(f"{tmp_path}/a.json") == BOTH


def test_interactions_come_as_plain_values_in_order() -> None:
    found = cassettes.interactions(BOTH)

    assert [one.id for one in found] == ["a", "b"]
    assert [one.response.status for one in found] == [200, 404]


def test_a_script_may_drop_what_it_does_not_want(tmp_path: Path) -> None:
    good = tuple(one for one in BOTH.interactions if one.value.response.status < 400)

    cassettes.save(replace(BOTH, interactions=good), tmp_path / "good.json")

    assert cassettes.interactions(cassettes.load(tmp_path / "good.json"))[0].id == "a"


def test_what_a_crash_left_in_the_journal_is_loaded_too(tmp_path: Path) -> None:
    recorder = file_store.FileStore(tmp_path).open_journal("a", a_cassette())
    recorder.append([a_pending()])
    recorder.release()

    found = cassettes.load(tmp_path / "a.json")

    assert [one.id for one in cassettes.interactions(found)] == ["new"]


def test_a_cassette_is_only_replaced_with_force(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    cassettes.save(BOTH, path)

    with pytest.raises(StartRefused, match="there is a cassette 'a' already"):
        cassettes.save(a_cassette(), path)
    kept = cassettes.load(path)
    cassettes.save(a_cassette(), path, force=True)

    assert kept == BOTH
    assert cassettes.load(path) == a_cassette()
    assert names(tmp_path) == ["a.json"]


def test_a_cassette_that_is_being_recorded_is_not_replaced(tmp_path: Path) -> None:
    recorder = file_store.FileStore(tmp_path).open_journal("a", a_cassette())

    with pytest.raises(StartRefused, match="is being recorded by another runreel"):
        cassettes.save(BOTH, tmp_path / "a.json", force=True)

    recorder.commit(None)


@pytest.mark.parametrize("path", ["a.yaml", "a", ".json", "-a.json", "a b.json", ""])
def test_what_is_no_file_of_a_cassette_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(StartRefused, match="not the file of a cassette, as cassettes/mine"):
        cassettes.save(BOTH, tmp_path / path)


def test_a_missing_cassette_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match=r"none\.json: there is no such cassette"):
        cassettes.load(tmp_path / "none.json")


def test_a_damaged_cassette_is_named_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{")

    with pytest.raises(CassetteDamaged, match=r"a\.json: not readable as JSON"):
        cassettes.load(path)
    with pytest.raises(CassetteDamaged):
        cassettes.save(BOTH, path, force=True)

    assert path.read_text() == "{"


def test_of_several_none_is_written_before_all_may_be(tmp_path: Path) -> None:
    store = file_store.FileStore(tmp_path)
    cassettes.save(BOTH, tmp_path / "b.json")

    with pytest.raises(StartRefused, match="there is a cassette 'b' already"):
        cassettes.save_all(store, {"a": BOTH, "b": BOTH}, force=False)

    assert names(tmp_path) == ["b.json"]


def test_a_failure_leaves_the_others_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = file_store.FileStore(tmp_path)
    monkeypatch.setattr(file_store, "FILE_BYTES_MAX", 1_000)

    with pytest.raises(StoreFailed, match=r"a\.json: would be larger than 1,000 bytes"):
        cassettes.save_all(store, {"a": BOTH, "b": BOTH}, force=False)

    monkeypatch.undo()
    cassettes.save_all(store, {"a": BOTH, "b": BOTH}, force=False)
    assert names(tmp_path) == ["a.json", "b.json"]
