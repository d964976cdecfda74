"""What recording promises about states, over any traffic and any cassette it finds."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.http.messages import Request
from runreel.sessions.modes import Mode
from traffic import Played, after, earlier_sessions, never_the_same, traffics

Sessions = Sequence[tuple[Mode, list[Request]]]
CAPTURING = pytest.mark.parametrize("mode", [Mode.RECORD, Mode.NEW_EPISODES])


@CAPTURING
@given(earlier_sessions(), traffics(), st.booleans())
def test_whatever_a_session_was_answered_replays_as_it_was(
    mode: Mode, earlier: Sessions, traffic: list[Request], barriers: bool
) -> None:
    upstream = never_the_same()
    found = after(earlier, upstream)

    played = Played(found, mode, traffic, upstream, barriers=barriers)

    replayed = Played(played.left(), Mode.REPLAY, traffic, upstream, barriers=barriers)
    assert replayed.answers == played.answers


@CAPTURING
@given(earlier_sessions(), traffics(), st.booleans())
def test_so_it_does_after_a_crash(
    mode: Mode, earlier: Sessions, traffic: list[Request], barriers: bool
) -> None:
    upstream = never_the_same()
    found = after(earlier, upstream)

    played = Played(found, mode, traffic, upstream, barriers=barriers)

    assert played.recovered() == played.state.merged()
    replayed = Played(played.recovered(), Mode.REPLAY, traffic, upstream, barriers=barriers)
    assert replayed.answers == played.answers


@given(earlier_sessions(), traffics())
def test_recording_equal_answers_again_changes_nothing(
    earlier: Sessions, traffic: list[Request]
) -> None:
    found = after(earlier, never_the_same())
    recorded = Played(found, Mode.RECORD, traffic, lambda at: b"answer %d" % at).left()

    again = Played(recorded, Mode.RECORD, traffic, lambda at: b"answer %d" % at).left()

    assert again == recorded


@given(earlier_sessions(), traffics())
def test_new_episodes_neither_drop_nor_change_nor_move_what_stands_there(
    earlier: Sessions, traffic: list[Request]
) -> None:
    upstream = never_the_same()
    found = after(earlier, upstream)

    left = Played(found, Mode.NEW_EPISODES, traffic, upstream).left()

    assert [item for item in left if item in found] == list(found)


@given(earlier_sessions(), traffics())
def test_recording_keeps_in_place_what_was_not_asked(
    earlier: Sessions, traffic: list[Request]
) -> None:
    upstream = never_the_same()
    found = after(earlier, upstream)
    targets = {(call.method, call.target, call.body) for call in traffic}

    left = Played(found, Mode.RECORD, traffic, upstream).left()

    unasked = [
        item
        for item in found
        if (item.value.request.method, item.value.request.target, item.value.request.body)
        not in targets
    ]
    assert [item for item in left if item in found] == unasked
