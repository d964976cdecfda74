"""What every store owes, as `ports.Store` and `ports.Journal` state it: they are the contract."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from builders import a_cassette, a_pending, a_request, a_response, an_interaction
from memory_store import MemoryJournal, MemoryStore
from runreel.cassettes.file_store import FileJournal, FileStore
from runreel.cassettes.format import Cassette, dump
from runreel.cassettes.journal import Journal, Store, Stored
from runreel.errors import CassetteDamaged, StartRefused
from strategies import cassettes

HEADER = a_cassette()
OLD = an_interaction(name="old")


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore()
    return FileStore(tmp_path / "cassettes")


def put(store: Store, name: str, text: str) -> None:
    """Put any text where the store keeps its documents."""
    if isinstance(store, MemoryStore):
        store.documents[name] = text
    elif isinstance(store, FileStore):
        path = store._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def save(store: Store, name: str, cassette: Cassette) -> str | None:
    return store.open_journal(name, replace(cassette, interactions=())).commit(cassette)


def die(journal: Journal) -> None:
    """What the end of a recorder's process does to its journal."""
    assert isinstance(journal, MemoryJournal | FileJournal)
    journal.release()


def load(store: Store, name: str = "default") -> Stored:
    stored = store.load(name)
    assert stored is not None
    return stored


def answers(store: Store, name: str = "default") -> list[bytes]:
    stored = store.load(name)
    found = stored.cassette.interactions if stored else ()
    return [item.value.response.body for item in found]


class TestSaving:
    def test_a_store_begins_empty(self, store: Store) -> None:
        assert store.names() == []
        assert store.load("default") is None

    def test_what_was_saved_comes_back_equal(self, store: Store) -> None:
        cassette = a_cassette(an_interaction(), an_interaction(name="two"))

        save(store, "default", cassette)

        assert load(store).cassette == cassette
        assert load(store).notes == ()

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(cassette=cassettes())
    def test_any_cassette_comes_back_equal(self, store: Store, cassette: Cassette) -> None:
        save(store, "any", cassette)

        assert load(store, "any").cassette == cassette

    def test_saving_replaces_the_whole(self, store: Store) -> None:
        save(store, "default", a_cassette(an_interaction(), an_interaction(name="two")))

        save(store, "default", a_cassette(an_interaction(name="three")))

        (only,) = load(store).cassette.interactions
        assert only.value.id == "three"

    def test_it_tells_the_sha256_of_the_very_document(self, store: Store) -> None:
        cassette = a_cassette(an_interaction(a_request("é".encode())))

        told = save(store, "default", cassette)

        assert told == hashlib.sha256(dump(cassette).encode("utf-8")).hexdigest()
        assert load(store).sha256 == told

    def test_equal_content_has_an_equal_sha256(self, store: Store) -> None:
        first = save(store, "default", a_cassette(an_interaction()))

        assert save(store, "default", a_cassette(an_interaction())) == first
        other = a_cassette(an_interaction(response=a_response(b"x")))
        assert save(store, "default", other) != first

    def test_names_are_sorted_and_may_have_folders(self, store: Store) -> None:
        for name in ("b", "examples/modify-run", "a.b", "examples/deep/er"):
            save(store, name, a_cassette())

        assert store.names() == ["a.b", "b", "examples/deep/er", "examples/modify-run"]
        assert load(store, "examples/deep/er").cassette == a_cassette()

    def test_names_keep_their_cassettes_apart(self, store: Store) -> None:
        save(store, "a", a_cassette(an_interaction(name="one")))
        save(store, "b", a_cassette())

        assert load(store, "a").cassette.interactions[0].value.id == "one"
        assert load(store, "b").cassette.interactions == ()

    @pytest.mark.parametrize(
        ("text", "why"), [("", "not readable as JSON"), ('{"format": 2}', "/format: ")]
    )
    def test_damage_is_refused_with_name_and_place(self, store: Store, text: str, why: str) -> None:
        put(store, "broken", text)

        with pytest.raises(CassetteDamaged, match=rf"broken(\.json)?(, line 1, column 2)?: {why}"):
            store.load("broken")


class TestTheRightToRecord:
    def test_a_second_recorder_of_one_cassette_is_refused(self, store: Store) -> None:
        store.open_journal("default", HEADER)

        with pytest.raises(StartRefused, match=r"^cassette 'default' is being recorded by another"):
            store.open_journal("default", HEADER)

    def test_each_cassette_has_a_recorder_of_its_own(self, store: Store) -> None:
        names = ["a", "a.b", "a/b", "b", "a-b"]
        journals = [store.open_journal(name, HEADER) for name in names]

        for name, journal in zip(names, journals, strict=True):
            journal.append([a_pending(answer=name.encode())])

        assert [answers(store, name) for name in names] == [[name.encode()] for name in names]

    @pytest.mark.parametrize("cassette", [None, a_cassette(OLD)])
    def test_the_end_of_a_recording_gives_it_up(
        self, store: Store, cassette: Cassette | None
    ) -> None:
        store.open_journal("default", HEADER).commit(cassette)

        store.open_journal("default", HEADER).commit(None)

    def test_so_does_the_end_of_its_process(self, store: Store) -> None:
        die(store.open_journal("default", HEADER))

        store.open_journal("default", HEADER).commit(None)

    def test_opening_and_ending_a_recording_stores_nothing(self, store: Store) -> None:
        (journal := store.open_journal("new/name", HEADER)).check()
        checked = (store.names(), store.load("new/name"))

        assert journal.commit(None) is None
        assert checked == (store.names(), store.load("new/name")) == ([], None)

    def test_a_damaged_cassette_is_not_recorded_into(self, store: Store) -> None:
        put(store, "broken", "{}")

        for _ in range(2):
            with pytest.raises(
                CassetteDamaged, match=r"broken(\.json, line 1, column 1)?: /format: "
            ):
                store.open_journal("broken", HEADER)


class TestAJournal:
    def test_captures_are_there_from_the_moment_they_are_appended(self, store: Store) -> None:
        journal = store.open_journal("default", HEADER)

        journal.append([a_pending(1, b"one"), a_pending(2, b"two")])
        two = answers(store)
        journal.append([a_pending(3, b"three")])

        assert two == [b"one", b"two"]
        assert answers(store) == [b"one", b"two", b"three"]
        assert store.names() == ["default"]

    def test_they_are_in_a_cassette_that_is_not_saved_yet(self, store: Store) -> None:
        header = replace(HEADER, upstream="http://localhost:8000", match_on=("path",))

        store.open_journal("default", header).append([a_pending()])

        stored = load(store)
        half = "its recording did not come to its end"
        assert replace(stored.cassette, interactions=()) == replace(header, incomplete=half)
        assert stored.sha256 is None

    def test_they_replace_their_counterparts_or_go_to_the_end(self, store: Store) -> None:
        other = an_interaction(a_request(b"other"), name="other")
        saved = save(store, "default", a_cassette(OLD, other))
        journal = store.open_journal("default", HEADER)

        journal.append([a_pending(2, b"more"), a_pending(1, b"again", replaces="old")])

        found = [
            (item.value.id, item.value.response.body) for item in load(store).cassette.interactions
        ]
        assert found == [
            ("old", b"again"),
            ("other", b'{"id": "run_abc123"}'),
            ("more", b"more"),
        ]
        assert load(store).sha256 == saved

    def test_they_are_in_no_other_cassette(self, store: Store) -> None:
        for name in ("a", "a.b", "a/b"):
            save(store, name, HEADER)
        journal = store.open_journal("a.b", HEADER)

        journal.append([a_pending(answer=b"one")])

        assert answers(store, "a.b") == [b"one"]
        assert (answers(store, "a"), answers(store, "a/b")) == ([], [])

    def test_nothing_is_wrong_after_an_append_that_worked(self, store: Store) -> None:
        journal = store.open_journal("default", HEADER)
        journal.check()
        journal.append([a_pending()])

        journal.check()

        assert answers(store) == [b"new"]

    def test_at_the_end_the_cassette_is_what_was_committed(self, store: Store) -> None:
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending(1, b"one"), a_pending(2, b"two")])
        cassette = a_cassette(an_interaction(name="final"))

        told = journal.commit(cassette)

        assert load(store).cassette == cassette
        assert load(store).sha256 == told


class TestAfterACrash:
    @pytest.mark.parametrize(
        "ends",
        [
            [],
            [lambda journal: journal.commit(None)],
            [die],
            [die, die, die],
        ],
        ids=["read only", "ended", "died", "died thrice"],
    )
    def test_what_was_appended_is_there_once_however_recorders_after_it_end(
        self, store: Store, ends: list[Callable[[Journal], object]]
    ) -> None:
        save(store, "default", a_cassette(OLD))
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending(1, b"one", replaces="old")])
        journal.append([a_pending(2, b"two"), a_pending(3, b"three")])
        die(journal)

        for end in ends:
            end(store.open_journal("default", HEADER))

        assert answers(store) == [b"one", b"two", b"three"]

    def test_the_next_recorder_goes_on_from_there(self, store: Store) -> None:
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending(1, b"one")])
        die(journal)

        journal = store.open_journal("default", HEADER)
        before = load(store)
        journal.append([a_pending(1, b"two")])

        assert [item.value.id for item in before.cassette.interactions] == ["one"]
        assert before.sha256 == hashlib.sha256(dump(before.cassette).encode()).hexdigest()
        assert answers(store) == [b"one", b"two"]

    def test_a_crash_after_that_loses_neither(self, store: Store) -> None:
        for answer in (b"one", b"two", b"three"):
            journal = store.open_journal("default", HEADER)
            journal.append([a_pending(1, answer)])
            die(journal)

        store.open_journal("default", HEADER).commit(None)

        assert answers(store) == [b"one", b"two", b"three"]

    def test_captures_of_one_upstream_never_get_into_a_cassette_of_another(
        self, store: Store
    ) -> None:
        journal = store.open_journal("default", HEADER)
        journal.append([a_pending()])
        die(journal)

        put(store, "default", dump(replace(HEADER, upstream="http://localhost:8000")))

        for look in (store.load, lambda name: store.open_journal(name, HEADER)):
            with pytest.raises(CassetteDamaged, match=r"recorded from https://api\.openai\.com"):
                look("default")
