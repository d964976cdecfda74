"""One text for all spellings of one JSON document, and never one text for two documents."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runreel.http.strict_json import Unreadable, canonical_json
from strategies import Json, json_values, spellings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e5", "0"),
        ("0.000", "0"),
        ("1", "1"),
        ("1.0", "1"),
        ("10e-1", "1"),
        ("0.1E+1", "1"),
        ("-1.50", "-1.5"),
        ("15e-1", "1.5"),
        ("100", "100"),
        ("1e2", "100"),
        ("1.05", "1.05"),
        ("0.1", "0.1"),
        ("1e-1", "0.1"),
        ("0.001", "0.001"),
        ("0.0000001", "0.0000001"),
        ("1e-7", "0.0000001"),
        ("0.00000001", "1E-8"),
        ("1.5e-8", "15E-9"),
        ("12345678901234567890.5", "12345678901234567890.5"),
        ("18446744073709551615", "18446744073709551615"),
        ("1e19", "10000000000000000000"),
        ("1e20", "1E20"),
        ("100000000000000000000.0", "1E20"),
        ("1e400", "1E400"),
        ("-1e-400", "-1E-400"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
    ],
)
def test_a_number_is_written_by_its_exact_value(text: str, expected: str) -> None:
    assert canonical_json(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"b":1, "a":2}', '{"a":2,"b":1}'),
        ('{"a":{"d":1,"c":[{"f":1,"e":2}]}}', '{"a":{"c":[{"e":2,"f":1}],"d":1}}'),
        ("[2, 1]", "[2,1]"),
        ('"\\u00e9"', '"é"'),
        ('"\\/"', '"/"'),
        ('"\\ud83d\\ude00"', '"\N{GRINNING FACE}"'),
        ('"\\n"', '"\\n"'),
        ('"\\u007f"', '"\x7f"'),
        ("[true,false,null]", "[true,false,null]"),
        ('["1","true","null"]', '["1","true","null"]'),
    ],
)
def test_a_document_is_written_in_one_way(text: str, expected: str) -> None:
    assert canonical_json(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551616",
        "-9223372036854775809",
        '{"a":[100000000000000000000]}',
        "9" * 5_000,
        "1e1000000000000000000",
        "1e-99999999999999999999",
        '{"a":1,"a":1}',
        "NaN",
    ],
)
def test_what_readers_take_for_different_values_has_no_canonical_form(text: str) -> None:
    with pytest.raises(Unreadable):
        canonical_json(text)


@pytest.mark.parametrize("text", ["18446744073709551615", "-9223372036854775808"])
def test_the_largest_and_smallest_integers_are_kept(text: str) -> None:
    assert canonical_json(text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "true"),
        ("0", "false"),
        ("0", "null"),
        ("1", '"1"'),
        ("true", '"true"'),
        ("{}", "null"),
        ("{}", "[]"),
        ('""', "null"),
        ('{"a":null}', "{}"),
        ("[null]", "[]"),
        ("9007199254740993", "9007199254740992"),
        ("9007199254740993.0", "9007199254740992.0"),
        ("0.1", "0.10000000000000001"),
        ("1e400", "1e401"),
        ("1e-400", "0"),
        ("1E-8", '"1E-8"'),
        ('"\u00e9"', '"e\u0301"'),
        ('"\\ud800"', '"\\ud801"'),
        ('"a"', '"a "'),
        ('["a","b"]', '["b","a"]'),
        ('["a,b"]', '["a","b"]'),
        ('{"a":"1,b:2"}', '{"a":"1","b":"2"}'),
    ],
)
def test_different_documents_have_different_texts(one: str, other: str) -> None:
    assert canonical_json(one) != canonical_json(other)


def test_a_lone_surrogate_is_kept_as_it_is() -> None:
    assert canonical_json('{"\\udfff":"\\ud800"}') == '{"\udfff":"\ud800"}'


_number_texts = st.from_regex(
    r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?",
    fullmatch=True,
    alphabet="-0123456789.eE+",
)


@given(_number_texts, _number_texts)
def test_numbers_have_equal_texts_exactly_when_they_are_equal(one: str, other: str) -> None:
    equal = Decimal(one) == Decimal(other)

    assert (canonical_json(one) == canonical_json(other)) == equal


@given(_number_texts)
def test_the_text_of_a_number_has_its_exact_value(text: str) -> None:
    assert Decimal(canonical_json(text)) == Decimal(text)


@given(st.data(), json_values())
def test_all_spellings_of_a_document_have_one_text(data: st.DataObject, value: Json) -> None:
    one, other = data.draw(spellings(value)), data.draw(spellings(value))

    assert canonical_json(one) == canonical_json(other)


@given(json_values().flatmap(spellings))
def test_a_canonical_text_is_its_own_canonical_text(text: str) -> None:
    once = canonical_json(text)

    assert canonical_json(once) == once


@given(st.data(), json_values(), json_values())
def test_two_documents_never_share_a_text(data: st.DataObject, one: Json, other: Json) -> None:
    assume(_exact(one) != _exact(other))

    assert canonical_json(data.draw(spellings(one))) != canonical_json(data.draw(spellings(other)))


def _exact(value: Json) -> Any:
    """The value with every type beside it, since Python takes 1 and True for the same."""
    if isinstance(value, dict):
        return {name: _exact(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_exact(child) for child in value]
    if isinstance(value, bool):
        return json.dumps(value)
    return ("number", Decimal(repr(value))) if isinstance(value, int | float) else (value,)
