import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.cassettes.format import check_name
from runreel.pytest_plugin.proxy import TEARDOWN, cassette_name, segment


@pytest.mark.parametrize("plain", ["test_runs", "test_a.b", "t", "0", "x" * 64])
def test_a_plain_name_stands_as_it_is(plain: str) -> None:
    assert segment(plain) == plain


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("test_a[b/c]", "test_a-b-c-4389331dc3"),
        ("test_a[🚚]", "test_a-d0efe0d486"),
        ("TestRuns.test_list", "TestRuns-test_list-ae71aed0b8"),
        ("test_List", "test_List-60f16044b3"),
        ("x" * 65, "x" * 48 + "-9537c5fdf1"),
        ("nul", "nul-99e6242759"),
        ("com1.x", "com1-x-e872d775a2"),
        ("..", "5ec1f7e700"),
        ("", "e3b0c44298"),
        ("_private", "private-3ce6c24970"),
        ("a.json", "a-json-6025a12236"),
        ("a.teardown", "a-teardown-9870526eac"),
    ],
)
def test_any_other_name_is_made_safe_and_gets_a_suffix(text: str, name: str) -> None:
    assert segment(text) == name


def test_a_cassette_is_named_by_module_classes_and_test() -> None:
    assert cassette_name("test_runs", ["test_list"]) == "test_runs/test_list"
    assert cassette_name("test_runs", ["tests", "test_list"]) == "test_runs/tests.test_list"


@given(st.text(st.characters(codec=None)))
def test_whatever_a_test_is_called_its_name_is_one_that_every_file_system_takes(text: str) -> None:
    name = segment(text)

    assert check_name(name) == name
    assert len(name + TEARDOWN) <= 81
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name)
    assert not name.endswith((".", " ", TEARDOWN))


@given(st.text("aA._-/[é", max_size=4), st.text("aA._-/[é", max_size=4))
def test_names_that_differ_stay_apart_where_case_does_not_count(one: str, other: str) -> None:
    assert (segment(one).lower() == segment(other).lower()) == (one == other)
