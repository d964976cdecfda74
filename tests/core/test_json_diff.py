"""The one walk through two JSON documents that everything which tells a difference goes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.matching.json_diff import ABSENT, JsonDifference, Lens, json_differences, kind_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab/"), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("/a", 1, 2)]),
        ({"a": 1}, {}, [("/a", 1, ABSENT)]),
        ({}, {"a/b": None}, [("/a~1b", ABSENT, None)]),
        ([1, 2, 3], [1, 3], [("/1", 2, 3), ("/2", 3, ABSENT)]),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": "1"}]}}, [("/a/b/0/c", 1, "1")]),
        (True, 1, [("", True, 1)]),
        (None, ABSENT, [("", None, ABSENT)]),
        ([], {}, [("", [], {})]),
        (1, 1.0, []),
    ],
)
def test_what_differs_is_told_at_its_place(
    one: Any, other: Any, found: list[tuple[str, Any, Any]]
) -> None:
    assert [*json_differences(one, other)] == [JsonDifference(*each) for each in found]


class _Flat(Lens):
    def enters(self, one: Any, other: Any) -> bool:
        return False


class _Blind(Lens):
    def skips(self, one: Any, other: Any) -> bool:
        return bool(one == 1)


class _Short(Lens):
    def compared(self, one: int, other: int) -> int:
        return min(one, other)


@pytest.mark.parametrize(
    ("lens", "found"),
    [
        (_Flat(), [("", {"a": [1, 2]}, {"a": [3]})]),
        (_Blind(), [("/a/1", 2, ABSENT)]),
        (_Short(), [("/a/0", 1, 3)]),
    ],
)
def test_a_lens_says_what_its_reader_does_not_want_to_see(
    lens: Lens, found: list[tuple[str, Any, Any]]
) -> None:
    told = [*json_differences({"a": [1, 2]}, {"a": [3]}, lens)]

    assert told == [JsonDifference(*each) for each in found]


@given(JSON, JSON)
def test_nothing_differs_exactly_where_type_and_value_are_the_same(one: Any, other: Any) -> None:
    assert ([*json_differences(one, other)] == []) is (_typed(one) == _typed(other))


@given(JSON, JSON)
def test_the_other_way_round_the_sides_change_places(one: Any, other: Any) -> None:
    there = [(item.at, item.one, item.other) for item in json_differences(one, other)]
    back = [(item.at, item.other, item.one) for item in json_differences(other, one)]

    assert [*map(str, there)] == [*map(str, back)]


def _typed(value: Any) -> Any:
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {name: _typed(member) for name, member in value.items()}
    return kind_of(value), value
