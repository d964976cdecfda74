import pytest

from runreel.sessions.modes import DECISIONS, SPELLINGS, Action, Decision, Mode, resolve


@pytest.mark.parametrize(
    ("mode", "on_hit", "on_miss"),
    [
        ("replay", "serve", "refuse"),
        ("record", "capture", "capture"),
        ("new_episodes", "serve", "capture"),
        ("passthrough", "forward", "forward"),
        ("verify", "compare", "forward"),
    ],
)
def test_a_mode_is_a_row(mode: str, on_hit: str, on_miss: str) -> None:
    assert DECISIONS[Mode(mode)] == Decision(Action(on_hit), Action(on_miss))


def test_there_are_no_other_rows() -> None:
    assert [mode.value for mode in DECISIONS] == [
        *("replay", "record", "new_episodes", "passthrough", "verify"),
    ]


@pytest.mark.parametrize(
    ("mode", "live", "captures", "plays", "compares"),
    [
        ("replay", False, False, True, False),
        ("record", True, True, False, False),
        ("new_episodes", True, True, True, False),
        ("passthrough", True, False, False, False),
        ("verify", True, False, True, True),
    ],
)
def test_a_row_says_what_it_needs(
    mode: str, live: bool, captures: bool, plays: bool, compares: bool
) -> None:
    decision = DECISIONS[Mode(mode)]

    assert decision.live is live
    assert decision.captures is captures
    assert decision.plays is plays
    assert decision.compares is compares


@pytest.mark.parametrize(
    ("name", "without_cassette", "with_cassette"),
    [
        ("replay", "replay", "replay"),
        ("record", "record", "record"),
        ("new_episodes", "new_episodes", "new_episodes"),
        ("passthrough", "passthrough", "passthrough"),
        ("verify", "verify", "verify"),
        ("once", "record", "replay"),
    ],
)
def test_once_is_record_the_first_time_and_replay_from_then_on(
    name: str, without_cassette: str, with_cassette: str
) -> None:
    assert resolve(name, cassette_exists=False).value == without_cassette
    assert resolve(name, cassette_exists=True).value == with_cassette


def test_vcrs_words_mean_what_they_mean_there() -> None:
    assert SPELLINGS == {
        "replay": "replay",
        "record": "record",
        "new_episodes": "new_episodes",
        "passthrough": "passthrough",
        "verify": "verify",
        "once": "once",
        "none": "replay",
        "all": "record",
    }
