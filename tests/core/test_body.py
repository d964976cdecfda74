"""Bodies in a cassette: readable where that is exact, and always the same bytes back."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runreel.cassettes.bodies import LAYOUTS, render, restore, write_json
from strategies import Json, bodies, json_objects

GRIN = "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("body", "value", "layout"),
    [
        (b'{"a":1,"b":[true,null]}', {"a": 1, "b": [True, None]}, "compact"),
        (b'{"a": 1, "b": [true, null]}', {"a": 1, "b": [True, None]}, "spaced"),
        (b'{\n  "a": 1,\n  "b": []\n}', {"a": 1, "b": []}, "indent-2"),
        (b'[\n  {\n    "a": 1.0\n  }\n]', [{"a": 1.0}], "indent-2"),
        ('{"a":"é"}'.encode(), {"a": "é"}, "compact"),
        ('{"a": "é"}'.encode(), {"a": "é"}, "spaced"),
        ('{\n  "a": "é"\n}'.encode(), {"a": "é"}, "indent-2"),
        (b'{"a":"\\u00e9"}', {"a": "é"}, "compact+ascii"),
        (b'{"a": "\\u00e9"}', {"a": "é"}, "spaced+ascii"),
        (b'{\n  "a": "\\u00e9"\n}', {"a": "é"}, "indent-2+ascii"),
        (b'{"a":"\\ud83d\\ude00"}', {"a": GRIN}, "compact+ascii"),
        (f'{{"a":"{GRIN}"}}'.encode(), {"a": GRIN}, "compact"),
        (b'{"a":"\\ud83d\\udcda and \\\\ud800"}', {"a": "\U0001f4da and \\ud800"}, "compact+ascii"),
        (b'{"a":"\\u007f"}', {"a": "\x7f"}, "compact+ascii"),
        (b"{}", {}, "compact"),
        (b"[]", [], "compact"),
        (b'{"a":"\\u0000\\n\x7f"}', {"a": "\0\n\x7f"}, "compact"),
        ('{"a":"\u2028\ufeff"}'.encode(), {"a": "\u2028\ufeff"}, "compact"),
        (b'{"a":18446744073709551616}', {"a": 18446744073709551616}, "compact"),
        (b'{"b":1,"a":-0.0}', {"b": 1, "a": -0.0}, "compact"),
        (b'{"a":1e+16}', {"a": 1e16}, "compact"),
        (b'{"text":"x"}', {"text": "x"}, "compact"),
    ],
)
def test_json_in_a_known_layout_is_shown_as_json(body: bytes, value: Any, layout: str) -> None:
    form = render(body)

    assert form == {"json": value, "layout": layout}
    assert restore(form) == body


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1}\n',
        '{\n  "a": 1\n}\n',
        ' {"a":1}',
        '{ "a":1}',
        '{\r\n  "a": 1\r\n}',
        '{\n    "a": 1\n}',
        '{\n\t"a": 1\n}',
        '{"a":1, "b":2}',
        '{"a":1e5}',
        '{"a":1E+2}',
        '{"a":1.10}',
        '{"a":-0}',
        '{"a":1e400}',
        '{"a":0.1000000000000000055}',
        '{"a":NaN}',
        '{"a":1,"a":2}',
        '{"a":1',
        '{"a":"\\/"}',
        '{"a":"\\u00E9"}',
        '{"a":"\\u00e9é"}',
        '{"a":"\\ud800"}',
        '{"\\udfff": 1}',
        '{\n  "a": "\\ud800"\n}',
        "[" * 129 + "]" * 129,
        '{"a":' + "9" * 5_000 + "}",
        "1",
        '"a"',
        "null",
        "a=1&b=%C3%A9",
        "data: {}\n\ndata: [DONE]\n\n",
        "\ufeff{}",
        "line\r\n\ttab é " + GRIN,
        " ",
    ],
)
def test_other_text_is_shown_as_text(text: str) -> None:
    form = render(text.encode())

    assert form == {"text": text}
    assert restore(form) == text.encode()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"\xff\xfe", "//4="),
        ("é".encode("latin-1"), "6Q=="),
        (b'{"a":"\xe9"}', "eyJhIjoi6SJ9"),
        (b"a\0b", "YQBi"),
        (b'{"a":"\0"}', "eyJhIjoiACJ9"),
        (b"\x1b[31m", "G1szMW0="),
        (b"\xed\xa0\x80", "7aCA"),
        (b"\x1f\x8b\x08", "H4sI"),
    ],
)
def test_what_is_no_readable_text_is_shown_as_base64(body: bytes, shown: str) -> None:
    form = render(body)

    assert form == {"base64": shown}
    assert restore(form) == body


def test_no_body_has_no_form() -> None:
    assert render(b"") is None
    assert restore(None) == b""


def test_json_is_shown_as_json_up_to_the_nesting_limit() -> None:
    deepest = b"[" * 128 + b"]" * 128

    form = render(deepest)

    assert form is not None
    assert form["layout"] == "compact"
    assert restore(form) == deepest


@given(bodies())
@example(b'{"a":"\\uD83D\\uDE00"}')
@example(b"\xef\xbb\xbf{}")
@example(b"[\n]")
@example(b"[1e5,1.0,-0,1E400]")
def test_any_body_comes_back_byte_for_byte(body: bytes) -> None:
    assert restore(render(body)) == body


@given(bodies())
def test_any_form_survives_being_written_to_a_file(body: bytes) -> None:
    written = json.dumps(render(body), ensure_ascii=False, indent=2).encode("utf-8")

    assert restore(json.loads(written)) == body


@pytest.mark.parametrize("layout", LAYOUTS)
@given(value=json_objects().filter(bool) | st.lists(json_objects(), min_size=1))
def test_what_was_written_in_a_layout_is_shown_as_json(layout: str, value: Json) -> None:
    form = render(write_json(value, layout).encode())

    assert form is not None
    assert form["json"] == value


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("compact", '{"a":[1,{"é":null}]}'),
        ("compact+ascii", '{"a":[1,{"\\u00e9":null}]}'),
        ("spaced", '{"a": [1, {"é": null}]}'),
        ("spaced+ascii", '{"a": [1, {"\\u00e9": null}]}'),
        ("indent-2", '{\n  "a": [\n    1,\n    {\n      "é": null\n    }\n  ]\n}'),
        ("indent-2+ascii", '{\n  "a": [\n    1,\n    {\n      "\\u00e9": null\n    }\n  ]\n}'),
    ],
)
def test_each_layout_writes_as_its_name_says(layout: str, expected: str) -> None:
    assert write_json({"a": [1, {"é": None}]}, layout) == expected


def test_a_hand_written_form_is_restored() -> None:
    assert restore({"layout": "compact", "json": {"b": 1, "a": [None]}}) == b'{"b":1,"a":[null]}'
    assert restore({"text": ""}) == b""
    assert restore({"base64": ""}) == b""


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"json": {}},
        {"layout": "compact"},
        {"json": {}, "layout": "pretty"},
        {"json": {}, "layout": "ascii"},
        {"json": {}, "layout": 2},
        {"json": {}, "layout": "compact", "text": ""},
        {"json": {"a": float("nan")}, "layout": "compact"},
        {"json": [float("inf")], "layout": "indent-2"},
        {"json": {"a": "\ud800"}, "layout": "compact"},
        {"text": 1},
        {"text": None},
        {"text": "", "base64": ""},
        {"text": "\ud800"},
        {"base64": "not base64"},
        {"base64": "YQ"},
        {"base64": "YQ==\n"},
        {"base64": "é"},
        {"base64": 1},
        {"events": []},
        {"events": [{"text": "data: 1\n\n"}]},
        {"events": [{"at_ms": -1, "text": "data: 1\n\n"}]},
        {"events": [{"at_ms": True, "text": "data: 1\n\n"}]},
        {"events": [{"at_ms": 0.5, "text": "data: 1\n\n"}]},
        {"events": [{"at_ms": 1, "text": "data: 1\n\n", "event": "a"}]},
        {"events": [{"at_ms": 1, "text": "data: 1\n\ndata: 2\n\n"}]},
        {"events": [{"at_ms": 1, "text": "data: 1"}, {"at_ms": 1, "text": "data: 2\n\n"}]},
        {"events": [{"at_ms": 1, "text": ""}]},
        {"events": [{"at_ms": 1, "event": "a"}]},
        {"events": [{"at_ms": 1, "event": None, "data": {}}]},
        {"events": [{"at_ms": 1, "event": "a\n\nb", "data": {}}]},
        {"events": [{"at_ms": 1, "data": {}, "layout": "indent"}]},
        {"events": [{"at_ms": 1, "data": {}, "layout": []}]},
        {"events": [{"at_ms": 1, "data": {}, "id": "1"}]},
        {"events": [{"at_ms": 1, "data": "\ud800"}]},
        {"events": ["data: 1\n\n"]},
        {"events": {}},
        {"events": [{"at_ms": 1, "data": {}}], "sha256": ""},
    ],
)
def test_a_form_of_no_known_kind_is_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        restore(form)


def test_a_refused_form_is_told_what_a_body_can_be() -> None:
    with pytest.raises(ValueError, match="a body is") as caught:
        restore({"json": {}})

    assert str(caught.value) == (
        "a body is `json` with `layout` (compact, compact+ascii, spaced, spaced+ascii, indent-2, "
        "indent-2+ascii), `events`, `text` or `base64`"
    )
