"""What every store owes, as `ports.Store` states it; the docstring there is the contract."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from builders import a_cassette, a_request, a_response, an_interaction
from runreel.core.cassette import Cassette, dump
from runreel.core.errors import CassetteDamaged
from runreel.ports import Store, Stored
from runreel.stores.files import FileStore
from runreel.stores.memory import MemoryStore
from strategies import cassettes


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
        store.check_writable(name)
        store._path(name).write_text(text, encoding="utf-8")


def load(store: Store, name: str) -> Stored:
    stored = store.load(name)
    assert stored is not None
    return stored


class TestAStore:
    def test_it_begins_empty(self, store: Store) -> None:
        assert store.names() == []
        assert store.load("default") is None

    def test_what_was_saved_comes_back_equal(self, store: Store) -> None:
        cassette = a_cassette(an_interaction(), an_interaction(name="two"))

        store.save("default", cassette)

        assert load(store, "default").cassette == cassette

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(cassette=cassettes())
    def test_any_cassette_comes_back_equal(self, store: Store, cassette: Cassette) -> None:
        store.save("any", cassette)

        assert load(store, "any").cassette == cassette

    def test_saving_replaces_the_whole(self, store: Store) -> None:
        store.save("default", a_cassette(an_interaction(), an_interaction(name="two")))

        store.save("default", a_cassette(an_interaction(name="three")))

        (only,) = load(store, "default").cassette.interactions
        assert only.value.id == "three"

    def test_it_tells_the_sha256_of_the_very_document(self, store: Store) -> None:
        cassette = a_cassette(an_interaction(a_request("é".encode())))

        told = store.save("default", cassette)

        assert told == hashlib.sha256(dump(cassette).encode("utf-8")).hexdigest()
        assert load(store, "default").sha256 == told

    def test_equal_content_has_an_equal_sha256(self, store: Store) -> None:
        first = store.save("default", a_cassette(an_interaction()))

        assert store.save("default", a_cassette(an_interaction())) == first
        assert store.save("default", a_cassette(an_interaction(response=a_response(b"x")))) != first

    def test_names_are_sorted_and_may_have_folders(self, store: Store) -> None:
        for name in ("b", "examples/modify-run", "a.b", "examples/deep/er"):
            store.save(name, a_cassette())

        assert store.names() == ["a.b", "b", "examples/deep/er", "examples/modify-run"]
        assert load(store, "examples/deep/er").cassette == a_cassette()

    def test_names_keep_their_cassettes_apart(self, store: Store) -> None:
        store.save("a", a_cassette(an_interaction(name="one")))
        store.save("b", a_cassette())

        assert load(store, "a").cassette.interactions[0].value.id == "one"
        assert load(store, "b").cassette.interactions == ()

    def test_asking_whether_it_is_writable_stores_nothing(self, store: Store) -> None:
        store.check_writable("new/name")

        assert store.names() == []
        assert store.load("new/name") is None

    @pytest.mark.parametrize(
        ("text", "why"), [("", "not readable as JSON"), ('{"format": 2}', "/format: ")]
    )
    def test_damage_is_refused_with_name_and_place(self, store: Store, text: str, why: str) -> None:
        put(store, "broken", text)

        with pytest.raises(CassetteDamaged, match=rf"broken(\.json)?: {why}"):
            store.load("broken")
