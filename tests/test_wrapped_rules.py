"""The two rules of a wrapped command: its exit code, and its environment."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.wrap.command import Wrapping, environment, exit_code

URL = "http://127.0.0.1:4321/v1"


def a_receipt(mode: str = "replay", **members: Any) -> dict[str, Any]:
    """A receipt in which nothing is wrong but what is given."""
    nothing = {"missed": [], "unplayed": [], "not_stored": 0, "failed": 0, "sessions": []}
    return {"mode": mode, **nothing, **members}


# (receipt, code of a command that ended with 0, the same with --fail-on-unplayed)
CODES = [
    (a_receipt(), 0, 0),
    (a_receipt(missed=[{}]), 3, 3),
    (a_receipt("record", not_stored=1), 3, 3),
    (a_receipt("new_episodes", not_stored=1), 3, 3),
    (a_receipt("record", failed=1), 3, 3),
    (a_receipt("passthrough", failed=1), 0, 0),
    (a_receipt(unplayed=["x"]), 0, 4),
    (a_receipt(unplayed=["x"], missed=[{}]), 3, 3),
    (a_receipt("verify", drift=[]), 0, 0),
    (a_receipt("verify", drift=[{}]), 5, 5),
    (a_receipt("verify", drift=[{}], unplayed=["x"]), 5, 4),
    (a_receipt(sessions=[a_receipt(missed=[{}])]), 3, 3),
    (a_receipt(sessions=[a_receipt(unplayed=["x"])]), 0, 4),
    (a_receipt(sessions=[a_receipt("record", not_stored=1)]), 3, 3),
    (a_receipt(sessions=[a_receipt("verify", drift=[{}])]), 5, 5),
]


@pytest.mark.parametrize(("receipt", "code", "strict"), CODES)
def test_0_becomes_the_lowest_of_what_the_receipt_gives_reason_for(
    receipt: dict[str, Any], code: int, strict: int
) -> None:
    assert exit_code(0, receipt, fail_on_unplayed=False) == code
    assert exit_code(0, receipt, fail_on_unplayed=True) == strict


@given(
    command=st.integers(1, 255),
    receipt=st.sampled_from([row[0] for row in CODES]),
    on=st.booleans(),
)
def test_any_other_code_is_the_commands_own(
    command: int, receipt: dict[str, Any], on: bool
) -> None:
    assert exit_code(command, receipt, fail_on_unplayed=on) == command


def test_the_url_is_in_the_variable_of_the_sdks_and_in_all_that_are_named() -> None:
    before = {"HOME": "/home/me", "OPENAI_BASE_URL": "https://api.example.com/v1", "MINE": "x"}

    found = environment(Wrapping(("true",), before, ("MINE", "OTHER")), URL, any_key=False)

    assert found == {
        "HOME": "/home/me",
        "OPENAI_BASE_URL": URL,
        "MINE": URL,
        "OTHER": URL,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


@pytest.mark.parametrize(
    ("before", "upper", "lower"),
    [
        ({"NO_PROXY": "a, .b"}, "a,.b,127.0.0.1,localhost", "a,.b,127.0.0.1,localhost"),
        ({"no_proxy": "a"}, "a,127.0.0.1,localhost", "a,127.0.0.1,localhost"),
        (
            {"NO_PROXY": "a", "no_proxy": "localhost,b"},
            "a,127.0.0.1,localhost",
            "localhost,b,127.0.0.1",
        ),
        ({"NO_PROXY": "*"}, "*", "*"),
    ],
)
def test_loopback_is_added_to_what_no_proxy_says_in_either_spelling(
    before: dict[str, str], upper: str, lower: str
) -> None:
    found = environment(Wrapping(("true",), before), URL, any_key=False)

    assert (found["NO_PROXY"], found["no_proxy"]) == (upper, lower)


def test_no_proxy_covers_another_address_that_the_proxy_listens_on() -> None:
    found = environment(Wrapping(("true",), {}), "http://192.0.2.1:4321/v1", any_key=False)

    assert found["NO_PROXY"] == "127.0.0.1,localhost,192.0.2.1"


@pytest.mark.parametrize(
    ("before", "any_key", "after"),
    [
        ({}, True, "runreel-replays-without-a-key"),
        ({"OPENAI_API_KEY": ""}, True, "runreel-replays-without-a-key"),
        ({"OPENAI_API_KEY": "mine"}, True, "mine"),
        ({}, False, None),
    ],
)
def test_a_key_is_made_up_where_any_will_do_and_none_is_set(
    before: dict[str, str], any_key: bool, after: str | None
) -> None:
    found = environment(Wrapping(("true",), before), URL, any_key=any_key)

    assert found.get("OPENAI_API_KEY") == after
