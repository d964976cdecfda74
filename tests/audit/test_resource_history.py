"""Who made a key what it is, and what is not known."""

from typing import Any

from audit_logs import ACTORS, a_change, a_document, chained
from runreel.audit.entries import Entry, parse_entry
from runreel.audit.queries import ResourceHistory, histories

Told = dict[str, tuple[Any, bool, int]]  # key: value (or None if gone), by a change?, entry


def _entries(*documents: dict[str, Any]) -> list[Entry]:
    return [parse_entry(document) for document in chained(documents)]


def _books(*documents: dict[str, Any], until: str | None = None) -> ResourceHistory:
    found = histories("run_abc123", None, _entries(*documents), until)
    return found["run"]


def _told(books: ResourceHistory) -> Told:
    return {key: (each.value, each.changed, each.entry.seq) for key, each in books.settings.items()}


def _read(seq: int, metadata: Any) -> dict[str, Any]:
    return a_document(seq, after=metadata)


def test_what_a_first_change_did_not_ask_for_was_only_seen() -> None:
    books = _books(*a_change(1, "unknown", {"a": "1"}, {"a": "1", "b": "2"}))

    assert _told(books) == {"a": ("1", True, 2), "b": ("2", False, 2)}
    assert (books.metadata, books.made_by) == ({"a": "1", "b": "2"}, (2,))


def test_what_was_read_before_the_first_change_was_seen_by_its_intent() -> None:
    books = _books(*a_change(1, {"b": "2"}, {"a": "1"}, {"a": "1", "b": "2"}))

    assert _told(books) == {"a": ("1", True, 2), "b": ("2", False, 1)}


def test_asking_for_what_is_there_already_changes_nothing() -> None:
    change = a_change(3, {"a": "1"}, {"a": "1"}, {"a": "1"}, actor=ACTORS[1])

    assert _told(_books(*a_change(1, {}, {"a": "1"}, {"a": "1"}), *change)) == {"a": ("1", True, 2)}


def test_a_value_that_came_out_otherwise_than_asked_is_still_of_that_change() -> None:
    books = _books(*a_change(1, {"a": "1"}, {"a": "LONG"}, {"a": "LO"}, "not_applied"))

    assert _told(books) == {"a": ("LO", True, 2)}


def test_without_a_before_such_a_value_was_only_seen() -> None:
    books = _books(*a_change(1, "unknown", {"a": "LONG"}, {"a": "LO"}, "not_applied"))

    assert _told(books) == {"a": ("LO", False, 2)}


def test_a_key_that_a_replacing_upstream_dropped_was_removed_by_the_change() -> None:
    books = _books(
        *a_change(1, {}, {"a": "1"}, {"a": "1"}), *a_change(3, {"a": "1"}, {"b": "2"}, {"b": "2"})
    )

    assert _told(books) == {"a": (None, True, 4), "b": ("2", True, 4)}
    assert (books.metadata, books.made_by) == ({"b": "2"}, (4,))


def test_what_a_read_saw_change_was_changed_by_nobody_known() -> None:
    books = _books(_read(1, {"a": "1", "b": "1"}), _read(2, {"a": "2"}), _read(3, {"a": "2"}))

    assert _told(books) == {"a": ("2", False, 2), "b": (None, False, 2)}
    assert books.seen is not None
    assert books.seen.seq == 3


def test_one_and_true_are_two_values() -> None:
    assert _told(_books(_read(1, {"a": 1}), _read(2, {"a": True})))["a"] == (True, False, 2)


def test_a_run_begins_with_what_its_creation_asked_for() -> None:
    create = {"operation": "createRun"}
    intent, outcome = a_change(1, None, {"a": "1"}, {"a": "1", "by": "server"}, **create)

    books = _books(intent | {"run_id": None}, outcome)

    assert _told(books) == {"a": ("1", True, 2), "by": ("server", False, 2)}


def test_a_change_without_an_answer_leaves_a_doubt_until_the_run_is_seen() -> None:
    lost = a_change(3, {"a": "1"}, {"a": "2"}, "unknown", "unknown", status=None)
    changed = a_change(1, {}, {"a": "1"}, {"a": "1"})

    doubtful = _books(*changed, *lost)
    settled = _books(*changed, *lost, _read(5, {"a": "2"}))

    assert (doubtful.metadata, list(doubtful.doubts)) == ({"a": "1"}, [4])
    assert (settled.metadata, list(settled.doubts)) == ({"a": "2"}, [])
    assert _told(settled) == {"a": ("2", False, 5)}


def test_a_change_under_way_is_a_doubt_that_a_read_does_not_settle() -> None:
    intent, _ = a_change(1, "unknown", {"a": "1"}, {"a": "1"})

    assert list(_books(intent, _read(2, {})).doubts) == [1]


def test_a_refused_change_changes_nothing_and_leaves_no_doubt() -> None:
    books = _books(
        _read(1, {"a": "1"}), *a_change(2, {"a": "1"}, {"a": "2"}, "unknown", "refused", status=400)
    )

    assert (books.metadata, dict(books.doubts)) == ({"a": "1"}, {})


def _two_at_once(after_of_the_first: dict[str, Any]) -> Told:
    """Two changes of which the later one is answered first, and what its answer shows."""
    first = {"operation": "modifyRun", "before": {}, "requested": {"a": "1"}}
    other = first | {"requested": {"b": "2"}}
    asked = {"kind": "intent", "status": None, "after": None}
    came = {"kind": "outcome", "effect": "applied"}
    return _told(
        _books(
            a_document(1, **first | asked),
            a_document(2, **other | asked),
            a_document(3, **other | came | {"intent": 2, "after": {"a": "1", "b": "2"}}),
            a_document(4, **first | came | {"intent": 1, "after": after_of_the_first}),
        )
    )


def test_what_another_answer_showed_first_was_set_by_the_change_that_asked_for_it() -> None:
    told = _two_at_once({"a": "1", "b": "2"})

    assert told == {"a": ("1", True, 4), "b": ("2", True, 3)}


def test_a_late_answer_that_does_not_show_a_newer_key_is_no_removal_by_its_change() -> None:
    told = _two_at_once({"a": "1"})

    assert told == {"a": ("1", True, 4), "b": (None, False, 4)}


def test_only_entries_up_to_a_time_count() -> None:
    documents = [_read(1, {"a": "1"}), _read(2, {"a": "2"}), _read(3, {"a": "3"})]

    assert _books(*documents, until="2026-11-22T03:00:02.000Z").metadata == {"a": "2"}
    assert histories("run_abc123", None, _entries(*documents), "2026-11-22T03:00:00.999Z") == {}


def test_entries_of_other_runs_do_not_count() -> None:
    books = _books(_read(1, {"a": "1"}), _read(2, {"a": "2"}) | {"run_id": "run_other"})

    assert books.metadata == {"a": "1"}
