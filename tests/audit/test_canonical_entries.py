"""Entries are written as RFC 8785 wants them, however that is done."""

from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from runreel.audit.entries import canonical

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.text(max_size=8)
    | st.sampled_from(("é", "\x7f", "\u2028", "\n", '"', "\\", "/", "\U0001f600", "\ue000"))
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from(("\U0001f600", "\ue000")), inner)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_it_is_what_the_other_writer_writes_or_both_refuse(value: Any) -> None:
    try:
        expected = rfc8785.dumps(value)
    except ValueError as error:
        try:
            canonical(value)
        except type(error):
            return
        raise
    assert canonical(value) == expected


def test_members_are_in_the_order_of_their_names() -> None:
    assert canonical({"b": [1, None], "a": {"z": True, "y": "x"}}) == (
        b'{"a":{"y":"x","z":true},"b":[1,null]}'
    )
