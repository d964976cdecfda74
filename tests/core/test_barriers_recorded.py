"""How captures enter a cassette whose reads belong to states."""

import pytest

from runreel.sessions.modes import Mode
from states import RUN, THREAD, Playing, recording

MODIFY = f"POST {RUN}"
CANCEL = f"POST {RUN}/cancel"
GET = f"GET {RUN}"
LIST = f"GET {THREAD}/runs"
RETRIEVE_MODIFY_RETRIEVE = [(GET, "old"), (MODIFY, "modified"), (GET, "new")]


class TestReplacing:
    def test_a_read_replaces_the_recording_of_its_own_state(self) -> None:
        playing = Playing(Mode.RECORD, *RETRIEVE_MODIFY_RETRIEVE, (LIST, "list"))

        playing.answered(MODIFY, "modified again")
        playing.answered(GET, "newer")

        assert playing.stands(final=False) == ["old", "modified again", "newer", "list"]
        assert playing.stands() == ["modified again", "newer", "list"]

    def test_a_read_in_a_new_state_is_inserted(self) -> None:
        playing = Playing(Mode.RECORD, (GET, "old"), (MODIFY, "modified"), (LIST, "list"))

        for call, answer in [(GET, "old"), (MODIFY, "modified"), (GET, "new")]:
            playing.answered(call, answer)

        assert playing.stands() == ["old", "modified", "new", "list"]

    def test_a_recording_whose_state_would_be_another_moves(self) -> None:
        playing = Playing(Mode.RECORD, *RETRIEVE_MODIFY_RETRIEVE)

        for call, answer in [
            (GET, "1 old"),
            (CANCEL, "2 cancelled"),
            (GET, "3 between"),
            (MODIFY, "4 modified"),
            (GET, "5 new"),
        ]:
            playing.answered(call, answer)

        assert playing.stands() == [
            "1 old",
            "2 cancelled",
            "3 between",
            "4 modified",
            "5 new",
        ]

    def test_it_never_stands_behind_one_that_is_left_of_its_state(self) -> None:
        again = (MODIFY, "modified again")
        playing = Playing(Mode.RECORD, (MODIFY, "modified"), (GET, "left"), again, (GET, "old"))

        playing.answered(MODIFY, "modified")
        playing.answered(CANCEL, "cancelled")
        playing.state.give_back(playing.ask(GET))  # without an answer, so that `left` stays
        playing.answered(GET, "new")

        assert playing.stands() == ["modified", "cancelled", "new", "left"]

    def test_a_write_that_was_not_asked_does_not_come_before_a_new_read(self) -> None:
        playing = Playing(Mode.RECORD, (CANCEL, "cancelled"), (LIST, "list"))

        playing.answered(GET, "one")

        assert playing.stands() == ["one", "cancelled", "list"]


class TestInserting:
    def test_a_new_write_follows_the_reads_it_covers_wherever_they_stand(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, (LIST, "list"), (GET, "one"), (MODIFY, "modified"))

        playing.served(GET)
        playing.served(LIST)
        playing.answered(CANCEL, "cancelled")

        assert playing.stands() == ["list", "one", "cancelled", "modified"]

    def test_a_read_after_a_new_write_stands_before_those_of_old_ones(self) -> None:
        other = f"GET {THREAD}/messages"
        playing = Playing(Mode.NEW_EPISODES, *RETRIEVE_MODIFY_RETRIEVE, (other, "messages"))

        playing.served(other)
        playing.answered(CANCEL, "cancelled")
        playing.answered(GET, "live")

        # In the second state, as in the session, and before `new`, which it was not served.
        assert playing.stands() == ["old", "modified", "live", "new", "messages", "cancelled"]
        replayed = Playing(Mode.REPLAY, *playing.state.merged(final=True))
        assert [replayed.ask(call).hit is not None for call in (other, CANCEL)] == [True, True]
        hit = replayed.ask(GET).hit
        assert hit is not None
        assert hit.value.response.body == b"live"

    def test_a_write_that_answered_twice_is_one_write(self) -> None:
        old = [(MODIFY, "modified"), (CANCEL, "cancelled")]
        playing = Playing(Mode.NEW_EPISODES, *old, repeat_last=True)

        playing.served(MODIFY)
        playing.served(MODIFY)
        playing.answered(GET, "live")

        assert playing.stands() == ["modified", "live", "cancelled"]

    def test_one_that_was_served_never_moves(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, (GET, "one"), (GET, "two"))
        first = playing.ask(GET)

        playing.answered(CANCEL, "cancelled")
        playing.state.give_back(first)

        assert playing.stands() == ["cancelled", "one", "two"]


class TestAnUpstreamThatIsGone:
    def test_a_good_recording_of_another_state_is_not_replaced_by_gone_either(self) -> None:
        playing = Playing(Mode.RECORD, *RETRIEVE_MODIFY_RETRIEVE)
        playing.ask(CANCEL)
        playing.ask(CANCEL)

        verdict = playing.ask(GET)

        assert verdict.counterpart is None
        assert playing.state.regresses(verdict, 404) is True
        assert playing.state.regresses(verdict, 400) is False

    def test_nor_is_the_recording_of_its_own_state(self) -> None:
        gone = recording(GET, "gone", status=404)
        playing = Playing(Mode.RECORD, gone, (MODIFY, "modified"), (GET, "new"))
        playing.ask(MODIFY)

        verdict = playing.ask(GET)

        assert verdict.counterpart == 2
        assert playing.state.regresses(verdict, 410) is True

    def test_a_try_that_had_no_answer_does_not_use_up_the_turn(self) -> None:
        playing = Playing(Mode.RECORD, (MODIFY, "modified"), (GET, "new"))

        for _ in range(3):
            playing.state.give_back(playing.ask(GET))

        assert playing.state.regresses(playing.ask(GET), 404) is True

    def test_beyond_the_last_good_recording_gone_is_an_answer_like_any_other(self) -> None:
        playing = Playing(Mode.RECORD, (GET, "old"), (f"DELETE {RUN}", "deleted"))
        playing.answered(GET, "old")
        playing.answered(f"DELETE {RUN}", "deleted")

        assert playing.state.regresses(playing.ask(GET), 404) is False

    @pytest.mark.parametrize(("allowed", "expected"), [(False, ["gone", "good"]), (True, ["gone"])])
    def test_an_answer_that_says_gone_supersedes_nothing_good(
        self, allowed: bool, expected: list[str]
    ) -> None:
        gone = recording(GET, "was gone", status=404)
        playing = Playing(Mode.RECORD, gone, (GET, "good"), allow_regress=allowed)

        playing.answered(GET, "gone", status=404)

        assert playing.stands() == expected

    def test_new_episodes_replace_nothing_and_so_refuse_nothing(self) -> None:
        playing = Playing(Mode.NEW_EPISODES, (GET, "old"), (MODIFY, "modified"), (GET, "new"))
        playing.answered(f"DELETE {RUN}", "deleted")

        assert playing.state.regresses(playing.ask(GET), 404) is False
