import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.cassettes.format import check_name
from runreel.pytest_plugin.names import (
    SETUP,
    TEARDOWN,
    cassette_name,
    equal_but_for_case,
    fixture_name,
    segment,
)

PLAIN = ["test_runs", "test_a_tag[a]", "test_a[x-y.z_1]", "test_a[[0]-B]", "TestRuns.test_list"]


@pytest.mark.parametrize("plain", [*PLAIN, "test_a.b", "t", "0", "x" * 72])
def test_a_plain_name_stands_as_it_is(plain: str) -> None:
    assert segment(plain) == plain


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("test_a[b/c]", "test_a-b-c-4389331dc3"),
        ("test_a[🚚]", "test_a-d0efe0d486"),
        ("x" * 73, "x" * 48 + "-71b0778570"),
        ("nul", "nul-99e6242759"),
        ("com1.x", "com1-x-e872d775a2"),
        ("..", "5ec1f7e700"),
        ("", "e3b0c44298"),
        ("_private", "private-3ce6c24970"),
        ("a.json", "a-json-6025a12236"),
        ("a.teardown", "a-teardown-9870526eac"),
        ("a.Setup", "a-Setup-d83aca2c54"),
    ],
)
def test_any_other_name_is_made_safe_and_gets_a_suffix(text: str, name: str) -> None:
    assert segment(text) == name


def test_a_cassette_is_named_by_module_classes_and_test() -> None:
    assert cassette_name("test_runs", ["test_list"]) == "test_runs/test_list"
    assert cassette_name("test_runs", ["tests", "test_list"]) == "test_runs/tests.test_list"


def test_a_module_in_capitals_is_told_from_one_without() -> None:
    assert cassette_name("test_Runs", ["test_list"]) == "test_Runs-25eab2f18d/test_list"


def test_names_that_differ_in_case_only_are_kept_apart_by_who_knows_both() -> None:
    names = ["test_a[A]", "test_a[a]", "TestOne", "TESTone", "test_b", "test_b"]

    assert equal_but_for_case(names) == {"test_a[A]", "TestOne", "TESTone"}
    assert segment("test_a[A]", apart=True) == "test_a-A-52037dbdf6"


@pytest.mark.parametrize(
    ("argname", "name"),
    [
        ("room", "room"),
        ("_room", "_room"),
        ("_unittest_setUpClass_fixture_TestOld", "setUpClass"),
        ("_xunit_setup_module_fixture_test_it", "setup_module"),
    ],
)
def test_a_fixture_that_pytest_makes_is_called_as_the_method_that_it_calls(
    argname: str, name: str
) -> None:
    assert fixture_name(argname) == name


@given(st.text(st.characters(codec=None)))
def test_whatever_a_test_is_called_its_name_is_one_that_every_file_system_takes(text: str) -> None:
    name = segment(text)

    assert check_name(name) == name
    assert len(name + TEARDOWN) <= 81
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    assert not name.endswith((".", " ", SETUP, TEARDOWN))


@given(st.text("aA._-/[]é", max_size=4), st.text("aA._-/[]é", max_size=4))
def test_names_that_differ_stay_apart_where_case_does_not_count(one: str, other: str) -> None:
    apart = equal_but_for_case({one, other})
    names = [segment(text, apart=text in apart).lower() for text in (one, other)]

    assert (names[0] == names[1]) == (one == other)
