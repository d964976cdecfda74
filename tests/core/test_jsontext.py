"""Reading JSON strictly, and finding where its strings stand."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runreel.http.strict_json import DEPTH_MAX, Unreadable, loads, pointer, spans, steps, too_deep
from strategies import json_values, spellings


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{bad",
        '{"a":1',
        '{"a":1} x',
        "{'a':1}",
        '{"a":1,}',
        "[1,]",
        "nan",
        "NaN",
        '{"a":NaN}',
        "[Infinity]",
        "[-Infinity]",
        "01",
        "+1",
        ".5",
        '{"a":1,"a":1}',
        '[{"b":{"a":1,"\\u0061":2}}]',
        '"a\nb"',
        '"a\x00b"',
        '"\\x41"',
        '"\\ud8"',
        "\ufeff{}",
        "9" * 4301,
    ],
)
def test_what_is_not_one_plain_json_document_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        loads(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        (' \t\r\n{"a" : [1, 2.5, true]}\n', {"a": [1, 2.5, True]}),
        ('{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        ('{"":0}', {"": 0}),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('"\\ud800"', "\ud800"),
        ('"\x7f"', "\x7f"),
    ],
)
def test_a_plain_document_is_read(text: str, value: Any) -> None:
    assert loads(text) == value


def test_nesting_is_read_up_to_the_limit_and_not_beyond() -> None:
    deepest = "[" * DEPTH_MAX + "]" * DEPTH_MAX
    mixed = '{"a":[' * (DEPTH_MAX // 2) + "]}" * (DEPTH_MAX // 2)

    assert isinstance(loads(deepest), list)
    assert isinstance(loads(mixed), dict)
    with pytest.raises(Unreadable, match="deeper than 128"):
        loads(f"[{deepest}]")
    with pytest.raises(Unreadable, match="deeper than 128"):
        loads(f'{{"a":{deepest}}}')


@pytest.mark.parametrize(
    "text",
    [
        '["' + "[" * 1_000 + '"]',
        '["\\"' + "{" * 1_000 + '"]',
        '["\\\\","' + "[" * 1_000 + '"]',
        "[" + ",".join(["[]"] * 1_000) + "]",
    ],
)
def test_brackets_in_strings_and_beside_each_other_are_not_depth(text: str) -> None:
    assert not too_deep(text)
    assert isinstance(loads(text), list)


def test_a_deep_document_is_refused_without_recursion() -> None:
    with pytest.raises(Unreadable, match="deeper"):
        loads("[" * 500_000)


@pytest.mark.parametrize(
    "opening",
    ['"' + '\\"' * 200_000, '"' + "\\\\" * 200_000, '"' + '\\"' * 200_000 + "\\"],
    ids=["quotes", "backslashes", "cut in an escape"],
)
def test_a_string_without_an_end_is_read_once_not_once_per_quote(opening: str) -> None:
    assert not too_deep("[]" * 200 + opening)


@pytest.mark.parametrize(
    ("parent", "step", "expected"),
    [
        ("", "metadata", "/metadata"),
        ("/metadata", "a/b", "/metadata/a~1b"),
        ("/metadata", "a~b", "/metadata/a~0b"),
        ("", "~1", "/~01"),
        ("", "~0/", "/~00~1"),
        ("", "", "/"),
        ("/tools", 0, "/tools/0"),
    ],
)
def test_a_pointer_escapes_tilde_and_slash(parent: str, step: str | int, expected: str) -> None:
    assert pointer(parent, step) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("", ()),
        ("/", ("",)),
        ("/metadata/a~1b", ("metadata", "a/b")),
        ("/~01", ("~1",)),
        ("/a//b", ("a", "", "b")),
    ],
)
def test_a_pointer_is_taken_apart_into_its_steps(at: str, expected: tuple[str, ...]) -> None:
    assert steps(at) == expected


@given(st.lists(st.text("ab~/01", max_size=5)))
def test_steps_undo_pointers(names: list[str]) -> None:
    at = ""
    for name in names:
        at = pointer(at, name)

    assert steps(at) == tuple(names)


def test_spans_show_every_name_and_value_where_it_stands() -> None:
    text = '{"a": ["x\\"]", {}, 1.5e3, null], "b/c": {"~": true}}'

    found = [(span.kind, span.at, text[span.start : span.end]) for span in spans(text)]

    assert found == [
        ("name", "/a", '"a"'),
        ("string", "/a/0", '"x\\"]"'),
        ("container", "/a/1", "{}"),
        ("scalar", "/a/2", "1.5e3"),
        ("scalar", "/a/3", "null"),
        ("container", "/a", '["x\\"]", {}, 1.5e3, null]'),
        ("name", "/b~1c", '"b/c"'),
        ("name", "/b~1c/~0", '"~"'),
        ("scalar", "/b~1c/~0", "true"),
        ("container", "/b~1c", '{"~": true}'),
        ("container", "", text),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{}, "x"]', [("container", "/0"), ("string", "/1"), ("container", "")]),
        (
            '[{},"x",{}]',
            [("container", "/0"), ("string", "/1"), ("container", "/2"), ("container", "")],
        ),
        (
            '[[{}],"x"]',
            [("container", "/0/0"), ("container", "/0"), ("string", "/1"), ("container", "")],
        ),
        ('"x"', [("string", "")]),
        (" -1 ", [("scalar", "")]),
    ],
)
def test_a_string_is_a_name_only_where_an_object_expects_one(
    text: str, expected: list[tuple[str, str]]
) -> None:
    found = [(span.kind, span.at) for span in spans(text)]

    assert found == expected


@given(json_values().flatmap(spellings))
@example('[{}, "x", {"a": {}, "b": [[], {"c": "d"}, "e"]}]')
@example('{"\\u0061": ["\\u007d", "\\\\", "\\""], "": {"": ""}}')
@example('["\u00a0\u2028\x7f", 1]')
def test_spans_agree_with_a_walk_over_the_value(text: str) -> None:
    found = [(span.kind, span.at, json.loads(text[span.start : span.end])) for span in spans(text)]

    value = json.loads(text, object_pairs_hook=_Members)
    assert [(kind, at, _plain(child)) for kind, at, child in _walk("", value)] == found


class _Members(list[tuple[str, Any]]):
    """An object's members in the order of the text."""


def _walk(at: str, value: Any) -> list[tuple[str, str, Any]]:
    """What `spans` must yield, from the parsed value alone."""
    found: list[tuple[str, str, Any]] = []
    if isinstance(value, _Members):
        for name, child in value:
            below = at + "/" + name.replace("~", "~0").replace("/", "~1")
            found += [("name", below, name), *_walk(below, child)]
        return [*found, ("container", at, value)]
    if isinstance(value, list):
        for index, child in enumerate(value):
            found += _walk(f"{at}/{index}", child)
        return [*found, ("container", at, value)]
    return [("string" if isinstance(value, str) else "scalar", at, value)]


def _plain(value: Any) -> Any:
    if isinstance(value, _Members):
        return {name: _plain(child) for name, child in value}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return value
