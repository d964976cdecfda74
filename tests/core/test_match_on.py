"""How rules of matching are written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_cassette
from runreel.cassettes.format import dump, parse
from runreel.matching.matchers import MATCH_ON, check_match_on, in_order, match_on_of

RULES = (
    *MATCH_ON,
    *("header.accept", "header.x-team", "-query.limit", "-query.trace", "-body./a", "-body./b"),
)


def test_more_rules_stand_behind_the_default_ones_in_one_order() -> None:
    found = match_on_of(["x-team", "accept"], ["trace", "limit"], ["/b", "/a", "/b"])

    assert found == (
        *("method", "path", "query", "body", "header.openai-beta"),
        *("header.accept", "header.x-team"),
        *("-query.limit", "-query.trace"),
        *("-body./a", "-body./b"),
    )


def test_no_rules_are_the_default() -> None:
    assert match_on_of() == ("method", "path", "query", "body", "header.openai-beta")
    assert match_on_of(headers=["openai-beta"]) == match_on_of()


@given(st.permutations([*RULES, "method", "-body./a"]))
def test_equal_rules_are_equal_lists(shuffled: list[str]) -> None:
    assert in_order(shuffled) == RULES


def test_a_cassette_that_was_written_by_hand_is_read_in_that_order() -> None:
    text = dump(a_cassette()).replace(
        '"header.openai-beta"]', '"-body./a", "header.openai-beta", "method"]'
    )

    assert parse(text).match_on == (*MATCH_ON, "-body./a")


@pytest.mark.parametrize(
    "entry", ["-query.a", "-query.include[]", "-query. ", "-body./a", "-body./", "-body./a~0b~1/*"]
)
def test_what_does_not_count_is_a_name_or_a_pointer(entry: str) -> None:
    check_match_on(("method", entry))


@pytest.mark.parametrize(
    "entry",
    [
        *("-query.", "-query", "-body.", "-body.a", "-body./a~2", "-body./~", "-body"),
        *("-header.x", "-path", "-method", "body./a", "query.a", "-", "", "-Body./a"),
    ],
)
def test_an_unknown_rule_is_refused_with_those_that_exist(entry: str) -> None:
    with pytest.raises(ValueError, match="known are") as caught:
        check_match_on(("method", entry))

    assert str(caught.value) == (
        f"unknown matcher {entry!r}; known are method, path, query, body, header.NAME (lower case)"
        ", -query.NAME, -body.POINTER (as in -body./metadata/trace_id)"
    )


@pytest.mark.parametrize("match_on", [(), ("-query.a",), ("-query.a", "-body./a")])
def test_rules_that_compare_nothing_are_refused(match_on: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"^there is no matcher here, so that every request would"):
        check_match_on(match_on)
