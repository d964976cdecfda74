"""What is read and written natively is what the slow way would have read and written."""

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runreel.cassettes.bodies import LAYOUTS, render, restore, write_json
from runreel.http import strict_json
from runreel.http.strict_json import (
    Unreadable,
    canonical_json,
    canonical_natively,
    layout_of,
    read_natively,
    written_natively,
)
from strategies import bodies, json_values, spellings

ODD_NUMBERS = [
    *(0.0, -0.0, 1.0, 1e-4, 9.999999999999999e-05, 1e-05, 1e16, 9999999999999998.0, 1e22, 5e-324),
    *(2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**400, float("inf"), float("nan"), True),
]
ODD_TEXTS = [chr(code) for code in (0, 8, 9, 10, 12, 13, 31, 34, 92, 127, 0x2028, 0xD800, 0x1F600)]
odd_values = st.recursive(
    st.sampled_from([*ODD_NUMBERS, *ODD_TEXTS]) | json_values(),
    lambda children: st.lists(children) | st.dictionaries(st.sampled_from(ODD_TEXTS), children),
    max_leaves=6,
)
SPELT_ODDLY = [
    *("1e5", "1E5", "1.50", "-0", "100000.0", "0.00001", "1e-05", "1e16", "1e+16", "1E400", "01"),
    *(
        "18446744073709551616",
        "123456789012345678901234567890",
        "NaN",
        "Infinity",
        "nul",
        '"\ud800"',
    ),
    *('{"a":1,"a":2}', '{"a":1,"b":{"a":2,"a":1}}', '"\\ud800"', '"\\u0041"', '"\\/"', '"\\u001F"'),
    *("[" * 300 + "]" * 300, "[" * 129 + "]" * 129, "[" * 128 + "]" * 128, '{"a": {}}', "[ ]", ""),
    *('{"a":1,"b":":"}', '{"a":1,"a":":"}', '{"é":1,"e\u0301":2,"z":3,"\U0001f600":4,"\ufb01":5}'),
]
texts = (
    json_values().flatmap(spellings)
    | st.sampled_from(SPELT_ODDLY)
    | st.sampled_from(SPELT_ODDLY).map(lambda text: f'{{"b": {text}, "a": [{text}]}}')
)


def in_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@given(value=odd_values, indent=st.booleans(), levels=st.integers(0, 3))
def test_what_is_written_natively_is_what_python_writes(
    value: Any, indent: bool, levels: int
) -> None:
    written = written_natively(value, indent=indent, levels=levels if indent else 0)

    if written is None:
        return
    text = json.dumps(
        value,
        ensure_ascii=False,
        allow_nan=False,
        indent=2 if indent else None,
        separators=None if indent else (",", ":"),
    )
    if indent and levels:
        text = "  " * levels + text.replace("\n", "\n" + "  " * levels)
    assert written.decode() == text


@pytest.mark.parametrize("value", [{"a": [1, {"é": None, "b": True}], "c": 1.5}, [], "\x1f\x7f"])
def test_ordinary_values_are_written_natively(value: Any) -> None:
    assert written_natively(value) is not None
    assert written_natively(value, indent=True, levels=2) is not None


@given(value=odd_values, levels=st.integers(0, 3))
def test_what_is_read_natively_is_what_the_strict_reader_says(value: Any, levels: int) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n" + "  " * levels)
    text = "  " * levels + text

    found = read_natively(in_bytes(text), levels=levels)

    if found is not None:
        assert repr(found) == repr(strict_json.read_json(text))


@given(texts)
def test_nothing_is_read_natively_that_the_strict_reader_refuses_or_reads_otherwise(
    text: str,
) -> None:
    found = read_natively(in_bytes(text))

    if found is not None:
        assert repr(found) == repr(strict_json.read_json(text))


@given(texts)
@example("{}")
@example(' {"a": 1}')
@example('{"a": 1, "b": [true, null, -5, "x: y"]}')
def test_a_canonical_text_made_natively_is_the_canonical_text(text: str) -> None:
    try:
        canonical: str | None = canonical_json(text)
    except Unreadable:
        canonical = None

    assert canonical_natively(in_bytes(text)) in (None, canonical)


def test_ordinary_bodies_have_their_canonical_texts_made_natively() -> None:
    spaced = b'{"metadata": {"user": "1"}, "a": [1, null], "\xc3\xa9": true}'

    assert canonical_natively(spaced) == '{"a":[1,null],"metadata":{"user":"1"},"é":true}'
    assert canonical_natively(b'{"a":"b: c"}') == '{"a":"b: c"}'


@given(
    bodies()
    | texts.map(in_bytes)
    | odd_values.flatmap(
        lambda value: st.sampled_from(LAYOUTS).map(
            lambda layout: in_bytes(
                json.dumps(
                    value,
                    indent=2 if "indent" in layout else None,
                    ensure_ascii="+" in layout,
                    separators=(",", ":") if "compact" in layout else None,
                )
            )
        )
    )
)
def test_a_body_has_the_same_form_whichever_way_it_is_read(body: bytes) -> None:
    quick = render(body)

    with patch.object(strict_json, "layout_of", lambda _: None):
        slow = render(body)

    assert repr(quick) == repr(slow)


@given(value=odd_values, layout=st.sampled_from(LAYOUTS))
def test_a_form_gives_the_same_bytes_whichever_way_they_are_written(
    value: Any, layout: str
) -> None:
    try:
        slow: bytes | None = write_json(value, layout).encode()
    except ValueError:  # NaN and infinities, and lone surrogates
        slow = None

    try:
        quick: bytes | None = restore({"json": value, "layout": layout})
    except ValueError:
        quick = None

    assert quick == slow


def test_a_body_of_an_ordinary_answer_has_its_layout_found_natively() -> None:
    assert layout_of(b'{"a":1.5,"b":[]}') == ({"a": 1.5, "b": []}, False)
    assert layout_of(b'{\n  "a": {}\n}') == ({"a": {}}, True)
    assert layout_of(b'{"a": 1}') is None
