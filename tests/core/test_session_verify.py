"""Which recording a call is compared with: the one that replay would have served."""

from hypothesis import given
from hypothesis import strategies as st

from builders import a_response, an_interaction
from runreel.http.messages import Request
from runreel.matching.matchers import MATCH_ON
from runreel.sessions.modes import DECISIONS, Action, Mode
from runreel.sessions.session import Session
from states import REDACTION, RUN, Playing
from traffic import traffics

MODIFY = f"POST {RUN}"
GET = f"GET {RUN}"


def test_a_recording_is_compared_and_counts_as_played() -> None:
    playing = Playing(Mode.VERIFY, (MODIFY, "modified"))

    verdict = playing.ask(MODIFY)

    assert verdict.action is Action.COMPARE
    assert verdict.hit is not None
    assert verdict.hit.value.id == "modified"
    assert playing.state.unplayed() == ()


def test_what_no_recording_matches_is_forwarded() -> None:
    playing = Playing(Mode.VERIFY, (MODIFY, "modified"))

    verdict = playing.ask(GET)

    assert (verdict.action, verdict.hit, verdict.miss) == (Action.FORWARD, None, None)
    assert playing.state.unplayed() == ("modified",)


def test_a_read_after_a_write_that_is_new_is_compared_with_nothing() -> None:
    playing = Playing(Mode.VERIFY, (GET, "old"))

    assert playing.served(f"{MODIFY} other") is None
    assert playing.served(GET) is None
    assert playing.state.unplayed() == ("old",)


def test_a_read_after_a_write_that_is_new_is_not_taken_for_one_after_a_recorded_write() -> None:
    playing = Playing(Mode.VERIFY, (GET, "old"), (MODIFY, "modified"), (GET, "new"))

    assert playing.served(f"{MODIFY} other") is None
    assert playing.served(GET) is None
    assert playing.state.unplayed() == ("old", "modified", "new")


def test_a_new_write_that_had_no_answer_changes_no_state() -> None:
    playing = Playing(Mode.VERIFY, (GET, "old"))

    playing.state.give_back(playing.ask(f"{MODIFY} other"))

    assert playing.served(GET) == "old"


def test_a_comparison_that_did_not_come_about_can_be_had_again() -> None:
    playing = Playing(Mode.VERIFY, (MODIFY, "modified"))

    playing.state.give_back(playing.ask(MODIFY))

    assert playing.served(MODIFY) == "modified"


def test_the_last_recording_can_be_compared_again() -> None:
    playing = Playing(Mode.VERIFY, (GET, "queued"), (GET, "completed"), repeat_last=True)

    assert [playing.served(GET) for _ in range(3)] == ["queued", "completed", "completed"]


def _hits(mode: Mode, recorded: list[Request], asked: list[Request]) -> list[str | None]:
    """What each call is answered by or compared with, up to the first that nothing matches."""
    old = [an_interaction(call, a_response(), f"{at}") for at, call in enumerate(recorded)]
    state = Session(old, DECISIONS[mode], MATCH_ON, REDACTION)
    hits: list[str | None] = []
    for call in asked:
        verdict = state.ask(state.arrive(), REDACTION.request(call))
        hits.append(verdict.hit.value.id if verdict.hit else None)
        if hits[-1] is None:
            break
    return hits


@given(traffics(), st.data())
def test_any_traffic_is_compared_with_what_replay_would_serve(
    recorded: list[Request], data: st.DataObject
) -> None:
    asked = data.draw(st.lists(st.sampled_from(recorded)) if recorded else traffics())

    assert _hits(Mode.VERIFY, recorded, asked) == _hits(Mode.REPLAY, recorded, asked)
