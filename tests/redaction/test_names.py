"""Names that say that their value is a secret; the examples stand beside the tables."""

from collections.abc import Callable

import pytest

from runreel.redaction import names
from runreel.redaction.names import Manner

_TABLES: tuple[tuple[str, Callable[[str], Manner | None], tuple[tuple[str, ...], ...]], ...] = (
    ("header", names.of_header, names.HEADER_EXAMPLES),
    ("parameter", names.of_parameter, names.PARAMETER_EXAMPLES),
    ("member", names.of_member, names.MEMBER_EXAMPLES),
)
_CASES = [
    pytest.param(judge, name, expected, id=f"{kind}-{name}")
    for kind, judge, examples in _TABLES
    for listed, expected in zip(examples, (names.FLAT, names.DISTINCT, None), strict=True)
    for name in listed
]


@pytest.mark.parametrize(("judge", "name", "expected"), _CASES)
def test_a_name_is_denied_by_its_words(
    judge: Callable[[str], Manner | None], name: str, expected: Manner | None
) -> None:
    assert judge(name) == expected
