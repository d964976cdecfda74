"""What a change came to, by what an answer showed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.audit.entries import Change
from runreel.audit.history import blanked, changes, effect, manner

METADATA = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["", "1", "2"]))


class TestChanges:
    def test_they_are_what_differs_sorted_by_key(self) -> None:
        found = changes({"a": "1", "b": "1", "c": "1"}, {"d": "1"}, {"d": "1", "b": "2", "c": "1"})

        assert found == (
            Change("a", "removed", "1", None),
            Change("b", "changed", "1", "2"),
            Change("d", "added", None, "1"),
        )

    def test_of_a_run_that_was_not_there_all_is_added(self) -> None:
        assert changes(None, None, {"a": "1"}) == (Change("a", "added", None, "1"),)

    def test_of_an_unknown_state_they_are_what_was_asked_and_stands(self) -> None:
        found = changes("unknown", {"b": "2", "a": "1", "c": "3"}, {"a": "1", "b": "x", "z": "9"})

        assert found == (Change("a", "changed", None, "1"),)

    @pytest.mark.parametrize("after", ["unknown", None])
    def test_where_nothing_is_shown_there_are_none(self, after: Any) -> None:
        assert changes({"a": "1"}, {"a": "2"}, after) == ()

    def test_true_is_another_value_than_one(self) -> None:
        assert changes({"a": 1}, None, {"a": True}) == (Change("a", "changed", 1, True),)

    @given(METADATA, METADATA)
    def test_applied_to_what_was_before_they_give_what_came_after(
        self, before: dict[str, str], after: dict[str, str]
    ) -> None:
        state = dict(before)

        for each in changes(before, None, after):
            if each.change == "removed":
                assert state.pop(each.key) == each.old
            else:
                assert state.get(each.key) == each.old
                state[each.key] = each.new

        assert state == after


@pytest.mark.parametrize(
    ("requested", "status", "after", "expected"),
    [
        ({"a": "1"}, 200, {"a": "1"}, "applied"),
        ({"a": "1"}, 200, {"a": "1", "b": "2"}, "applied"),
        ({"a": "1", "b": "2"}, 200, {"a": "1"}, "partly_applied"),
        ({"a": "1"}, 200, {"a": "2"}, "not_applied"),
        ({"a": "1"}, 200, {}, "not_applied"),
        ({"a": 1}, 200, {"a": "1"}, "not_applied"),
        ({"a": ""}, 200, {}, "applied"),
        ({"a": ""}, 200, {"a": ""}, "applied"),
        ({"a": None}, 200, {}, "applied"),
        ({"a": ""}, 200, {"a": "1"}, "not_applied"),
        ({}, 200, {"a": "1"}, "applied"),
        ({"a": "1"}, 200, "unknown", "unknown"),
        ({"a": "1"}, 302, "unknown", "unknown"),
        ({"a": "1"}, None, "unknown", "unknown"),
        ({"a": "1"}, 400, "unknown", "refused"),
        ({"a": "1"}, 500, "unknown", "refused"),
        (None, 200, "unknown", "applied"),
        (None, 400, "unknown", "refused"),
        (None, 500, "unknown", "unknown"),
        (None, None, "unknown", "unknown"),
    ],
)
def test_the_effect_is_what_the_answer_shows_of_what_was_asked(
    requested: Any, status: int | None, after: Any, expected: str
) -> None:
    assert effect(requested, status, after) == expected


@pytest.mark.parametrize(
    ("before", "requested", "after", "expected"),
    [
        ({"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}, "merges"),
        ({"a": "1"}, {"b": "2"}, {"b": "2"}, "replaces"),
        ({"a": "1"}, {"b": "2"}, {}, "replaces"),
        ({"a": "1", "c": "1"}, {"b": "2"}, {"a": "1", "b": "2"}, None),
        ({"a": "1"}, {"b": "2"}, {"a": "2", "b": "2"}, None),
        ({"a": "1"}, {"a": "2"}, {"a": "2"}, None),
        ({}, {"b": "2"}, {"b": "2"}, None),
        ("unknown", {"b": "2"}, {"b": "2"}, None),
        (None, {"b": "2"}, {"b": "2"}, None),
        ({"a": "1"}, {"b": "2"}, "unknown", None),
        ({"a": "1"}, None, {"a": "1"}, None),
    ],
)
def test_an_upstream_is_known_by_what_it_did_with_keys_that_were_not_named(
    before: Any, requested: Any, after: Any, expected: str | None
) -> None:
    assert manner(before, requested, after) == expected


def test_what_was_redacted_is_named_for_it_may_hide_a_difference() -> None:
    assert blanked({"b": "REDACTED", "a": "x REDACTED y", "c": "1"}) == ("a", "b")
