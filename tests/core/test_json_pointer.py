"""JSON pointers, and patterns of them: one reading for all settings that name places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.http.strict_json import NOWHERE, Patterns, is_pointer, pointer, steps

STEP = st.sampled_from(["a", "b", "0", "1", "~", "/", "a/b", "", "*"])
PATHS = st.lists(STEP, min_size=1, max_size=4)


def written(path: list[str]) -> str:
    at = ""
    for step in path:
        at = pointer(at, step)
    return at


@pytest.mark.parametrize(
    ("pattern", "at", "meant"),
    [
        ("/data/*/metadata/email", "/data/0/metadata/email", True),
        ("/data/*/metadata/email", "/data/12/metadata/email", True),
        ("/data/*/metadata/email", "/data/x/metadata/email", True),
        ("/data/*/metadata/email", "/data/0/metadata", False),
        ("/data/*/metadata/email", "/data/0/metadata/email/0", False),
        ("/data/*/metadata/email", "/data/0/1/metadata/email", False),
        ("/a~1b/*", "/a~1b/c", True),
        ("/a~1b/*", "/a/b/c", False),
        ("/*", "/*", True),
        ("/", "/", True),
        ("/", "/a", False),
    ],
)
def test_a_star_stands_for_exactly_one_step(pattern: str, at: str, meant: bool) -> None:
    assert Patterns.of([pattern]).mean(at) is meant


@pytest.mark.parametrize("text", ["/a", "/a/0", "/a~0b~1c", "/*", "/", "//", "/a/*/b"])
def test_these_are_pointers(text: str) -> None:
    assert is_pointer(text)


@pytest.mark.parametrize("text", ["", "a", "a/b", "/a~", "/a~2b", "/~/b", "$.a"])
def test_these_are_not(text: str) -> None:
    assert not is_pointer(text)


@given(PATHS)
def test_a_pointer_has_the_steps_that_it_was_made_of(path: list[str]) -> None:
    assert steps(written(path)) == tuple(path)
    assert is_pointer(written(path))


@given(st.lists(PATHS, max_size=3), PATHS)
def test_some_patterns_mean_what_one_of_them_means(
    patterns: list[list[str]], at: list[str]
) -> None:
    one_means_it = any(
        len(pattern) == len(at)
        and all(mine in ("*", theirs) for mine, theirs in zip(pattern, at, strict=True))
        for pattern in patterns
    )

    assert Patterns.of(map(written, patterns)).mean(written(at)) is one_means_it


def test_no_pattern_means_nothing_and_looks_no_further() -> None:
    assert not NOWHERE
    assert not NOWHERE.here
    assert not NOWHERE.mean("/a")
    assert not Patterns.of(["/a/b"]).below("c")
